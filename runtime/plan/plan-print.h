/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_PRINT_H
#define HUSK_PLAN_PRINT_H

#include <stddef.h>

#include "runtime/plan/plan.h"

/*
 * A plan as text, for --dry-run and the golden tests: everything that will be done and by whom, in
 * the order in which it is done, a line each. What was not asked for is not mentioned. It depends
 * on nothing but the plan, and is meant to be read and compared, not parsed.
 *
 * @text is NUL-terminated and in @a. 0 or -1 when memory ran out.
 */
int plan_print(const struct plan *plan, struct arena *a, char **text, size_t *length,
	       struct err *e);

#endif
