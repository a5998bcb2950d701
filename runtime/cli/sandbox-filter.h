/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_FILTER_H
#define HUSK_CLI_SANDBOX_FILTER_H

#include "runtime/plan/plan.h"
#include "runtime/sandbox/sandbox.h"

/*
 * The filter of a sandbox: of the policy that is built in, or of one by name or path. *filter stays
 * NULL where none is wanted. In a reported sandbox what would kill notifies: who would be killed is
 * stopped instead, so that the supervisor can read what was called, and then kill. Should the
 * supervisor be gone, the call is refused.
 */
int sandbox_filter_make(const struct sandbox *s, struct arena *a, struct plan_filter **filter,
			struct err *e);

#endif
