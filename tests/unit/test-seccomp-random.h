/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TEST_SECCOMP_RANDOM_H
#define HUSK_TEST_SECCOMP_RANDOM_H

#include "tests/unit/test-seccomp-support.h"

#include <linux/seccomp.h>

/* Repeatable random numbers: a failing test prints where it stood. */
uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t limit);

/* Which policies to make. */
struct kind {
	bool simple;	 /* one architecture, at most one condition per rule, EQ or MASKED_EQ */
	bool conflicts;	 /* one architecture, only EQ, rules of one call with different actions */
	bool any_values; /* also values that 32-bit registers cannot hold; rules of one call mixed
			  */
	bool wide;	 /* set by random_policy(): all architectures are */
};

struct source {
	const char **names; /* of the first architecture */
	size_t names_count;
};

/* Architectures that a filter can hold together: libseccomp wants one byte order. */
#define RANDOM_FAMILIES 9
extern const uint32_t random_families[RANDOM_FAMILIES][4];

void random_policy(uint64_t *r, struct arena *arena, struct kind *kind,
		   struct seccomp_policy *policy, struct source *source);
/* A call that the policy has something to say about, more often than not. */
void random_call(uint64_t *r, const struct seccomp_policy *policy, const struct source *source,
		 struct seccomp_data *data);

#endif
