/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_REGION_H
#define HUSK_POLICY_POLICY_REGION_H

#include "src/base/arena.h"
#include "src/seccomp/seccomp-policy.h"

/*
 * Sets of arguments, as unions of products: a product has at most one comparison for each argument,
 * which is all that a rule of an OCI profile can say. Comparisons that would meet in one argument
 * are taken apart into masked equalities ("these bits are so"), of which each two have one, or
 * none, in common. Products of one region do not overlap, so that their order does not matter.
 */
struct policy_product {
	struct seccomp_compare compares[SECCOMP_ARGUMENTS]; /* op 0: whatever it is */
};

struct policy_region {
	struct policy_product *products;
	size_t count, room;
	bool failed; /* more products than anybody wants, or out of memory */
};

#define POLICY_PRODUCTS_MAX 2000u

/* Everything. */
void policy_region_init(struct arena *a, struct policy_region *r);
/*
 * Divide @r: what meets all of @compares goes to @yes (in addition), the rest stays in @no (in
 * addition). @wide: arguments have 64 bits, where a comparison is not narrow.
 */
void policy_region_split(struct arena *a, const struct policy_region *r,
			 const struct seccomp_compare *compares, size_t count, bool wide,
			 struct policy_region *yes, struct policy_region *no);

#endif
