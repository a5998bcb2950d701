/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_SUPERVISOR_FILTER_H
#define HUSK_PHASE_SUPERVISOR_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "src/base/err.h"

#define SUPERVISOR_FILTER_MAX 160

/*
 * policies/self/supervisor.policy as instructions for the architecture that husk was built for: a start
 * has no time for the compiler. Returns how many of @code were used.
 */
size_t supervisor_filter_make(struct sock_filter code[SUPERVISOR_FILTER_MAX]);

/* Put the caller under it, and under no_new_privs. From here on it waits, reports, kills and cleans up. */
int supervisor_filter_enter(struct err *e);

#endif
