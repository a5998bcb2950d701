/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_MINIJAIL0_H
#define HUSK_CLI_MINIJAIL0_H

#include "runtime/minijail/minijail.h"
#include "runtime/plan/plan.h"

/* The filter that @made names, compiled; NULL where there is none. In @a. */
int minijail0_filter_make(const struct minijail *m, const struct minijail_made *made,
			  struct arena *a, struct plan_filter **filter, struct err *e);

/* -h and -H, to standard output. @by_link: called by this name, not as a verb of husk. */
void minijail0_help_print(bool by_link);
void minijail0_calls_print(void);

#endif
