/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SELECT_H
#define HUSK_CLI_SELECT_H

#include "runtime/cli/container.h"

/*
 * Call @each for every id that matches the extended regular expression (--regex of kill and delete),
 * or for @text itself. Failures are logged and the others go on. 0, or -1 with the last error.
 */
int select_containers(struct call *call, const char *text, bool regex,
		      int (*each)(struct call *, const char *id, const void *data, struct err *e),
		      const void *data, struct err *e);

#endif
