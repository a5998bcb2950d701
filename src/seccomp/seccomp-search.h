/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_SEARCH_H
#define HUSK_SECCOMP_SEARCH_H

#include "src/seccomp/seccomp-tree.h"

/* Call numbers that get the same decision. */
struct seccomp_span {
	uint32_t first; /* the last one is the next span's first minus one */
	struct seccomp_node *node;
	uint64_t weight; /* how often calls of this span are made, relative to others; at least 1 */
};

/*
 * The search for the call number: a graph that leads each number to the node of its span.
 * @spans start at 0, cover all numbers, and neighbours have different nodes. NULL as in
 * seccomp-tree.h.
 */
struct seccomp_node *seccomp_search(struct seccomp_tree *t, const struct seccomp_span *spans,
				    size_t count);

#endif
