/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_RULES_H
#define HUSK_SECCOMP_RULES_H

#include "src/base/err.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-policy.h"
#include "src/seccomp/seccomp-tree.h"

/* A call of one architecture that the policy names, and its decision. */
struct seccomp_decision {
	uint32_t number;
	struct seccomp_node *node;
	uint64_t weight;
};

struct seccomp_decisions {
	struct seccomp_decision *items; /* by number, ascending */
	size_t count;
	/* Names that no architecture has (the first time they are met: see seccomp_rules_decide).
	 */
	const char **unknown;
	size_t unknown_count;
};

/*
 * All calls of @arch that @policy names, in memory of t->arena. A call whose rules all equal the
 * default is listed too, with that decision. 0, or -1 (ERR_CONFIG, ERR_NO_MEMORY).
 */
int seccomp_rules_decide(struct seccomp_tree *t, const struct seccomp_policy *policy,
			 const struct seccomp_arch *arch, struct seccomp_decisions *out,
			 struct err *e);

/* What can be wrong in a policy whatever the architecture: actions, operators, indexes. */
int seccomp_rules_check(const struct seccomp_policy *policy, struct err *e);

/* A rule of one call, as it is tried. */
struct seccomp_trial {
	uint32_t number;
	uint32_t action;
	bool first;                       /* of its call */
	struct seccomp_compare *compares; /* all must hold */
	size_t compares_count;
};

/*
 * The same calls as a list, by number, and for each the rules in the order in which they are tried,
 * whatever order the policy has. A call without rules has one with the default action. All in
 * @arena.
 */
int seccomp_rules_list(const struct seccomp_policy *policy, const struct seccomp_arch *arch,
		       struct arena *arena, struct seccomp_trial **out, size_t *count,
		       struct err *e);

/* Why t gave NULL: memory, or the size of the graph. Returns -1. */
int seccomp_rules_failed(const struct seccomp_tree *t, struct err *e);

#endif
