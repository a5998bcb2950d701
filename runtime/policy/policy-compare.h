/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_COMPARE_H
#define HUSK_POLICY_POLICY_COMPARE_H

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-policy.h"

struct policy_difference {
	uint32_t number;
	bool always; /* whatever the arguments; else args is a case */
	uint64_t args[SECCOMP_ARGUMENTS];
	uint32_t a, b; /* SECCOMP_RET_* */
};

/*
 * The calls of @arch to which two filters answer differently, in memory of @arena. Where a filter
 * looks at arguments, the values that either compares with are tried, those beside them, and
 * combinations: a difference that no such value shows is not found. With @low_only the upper halves
 * of arguments that the kernel declares with 32 bits are 0: a text ignores them, a profile of OCI
 * does not.
 */
int policy_compare(const struct seccomp_program *a, const struct seccomp_program *b,
		   const struct seccomp_arch *arch, bool low_only, struct arena *arena,
		   struct policy_difference **out, size_t *count, struct err *e);

#endif
