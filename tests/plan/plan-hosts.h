/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLAN_HOSTS_H
#define TESTS_PLAN_HOSTS_H

#include "runtime/plan/plan-host.h"

/* The made-up host @name, its strings in @a; false when there is none of this name. */
bool plan_host_make(const char *name, struct arena *a, struct host *h);

#endif
