/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_CONDITION_H
#define HUSK_SECCOMP_CONDITION_H

#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-policy.h"
#include "src/seccomp/seccomp-tree.h"

/* A condition as an architecture sees it: what its registers cannot hold is decided already. */
struct seccomp_condition {
	uint32_t index;
	enum seccomp_op op; /* never LT, LE, GT, NE: those are GE and EQ with "negate" */
	bool negate, wide;
	uint64_t mask; /* for MASKED_EQ */
	uint64_t value;
};

enum seccomp_verdict { SECCOMP_DEPENDS, SECCOMP_ALWAYS, SECCOMP_NEVER };

/* @from as @arch sees it, in @to where the verdict depends on it. */
enum seccomp_verdict seccomp_condition_lower(const struct seccomp_arch *arch,
					     const struct seccomp_compare *from,
					     struct seccomp_condition *to);
/* And back: a comparison that means the same on @arch. */
void seccomp_condition_raise(const struct seccomp_arch *arch, const struct seccomp_condition *from,
			     struct seccomp_compare *to);
/* The test of a condition. NULL as in seccomp-tree.h. */
struct seccomp_node *seccomp_condition_node(struct seccomp_tree *t, const struct seccomp_arch *arch,
					    const struct seccomp_condition *c,
					    struct seccomp_node *yes, struct seccomp_node *no);

#endif
