/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_TREE_H
#define HUSK_SECCOMP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"

/*
 * A filter as a decision graph: inner nodes test one 32-bit word of struct seccomp_data, leaves
 * return an action. Equal nodes are made once (hash-consing), so "same decision" is
 * pointer equality: ranges of calls merge by it, and code is shared by it.
 */

enum seccomp_test {
	SECCOMP_TEST_RETURN, /* no test: a leaf, k is the action */
	SECCOMP_TEST_EQ,     /* (word & mask) == k */
	SECCOMP_TEST_GE,     /* word >= k */
	SECCOMP_TEST_SET,    /* (word & k) != 0 */
};

/* Words of struct seccomp_data, by their offset divided by four. */
#define SECCOMP_WORD_NR   0u
#define SECCOMP_WORD_ARCH 1u
#define SECCOMP_WORD_ARGS 4u

struct seccomp_node {
	enum seccomp_test test;
	uint32_t word;
	uint32_t mask; /* all ones but for EQ */
	uint32_t k;
	uint32_t depth; /* longest way to a leaf */
	struct seccomp_node *yes, *no;
	struct seccomp_node *next; /* hash chain */
	/* For seccomp-emit.c: places in the program plus one, by what the accumulator must hold. */
	uint32_t at_masked, at_loaded, at_any;
};

/* No program of the kernel's 4096 instructions can be deeper; this bounds all recursion. */
#define SECCOMP_TREE_DEPTH 4096u
#define SECCOMP_TREE_NODES 200000u

struct seccomp_tree {
	struct arena *arena;
	struct seccomp_node **buckets;
	size_t buckets_count, nodes_count;
	bool too_big; /* why a function returned NULL, if not for memory */
};

/* 0, or -1 when memory ran out. */
int seccomp_tree_init(struct seccomp_tree *t, struct arena *arena);

/*
 * Constructors return NULL when memory ran out or the graph got too big, and
 * pass on NULL arguments, so that only the root has to be checked.
 */
struct seccomp_node *seccomp_tree_return(struct seccomp_tree *t, uint32_t action);
/* (word & mask) == value, in the cheapest form; what the outcome implies for @yes and @no is used
 * there. */
struct seccomp_node *seccomp_tree_equal(struct seccomp_tree *t, uint32_t word, uint32_t mask,
					uint32_t value, struct seccomp_node *yes,
					struct seccomp_node *no);
/* word >= value, likewise. */
struct seccomp_node *seccomp_tree_at_least(struct seccomp_tree *t, uint32_t word, uint32_t value,
					   struct seccomp_node *yes, struct seccomp_node *no);
/* A node as it stands, for a caller whose branches do not look at @word again. */
struct seccomp_node *seccomp_tree_branch(struct seccomp_tree *t, enum seccomp_test test,
					 uint32_t word, uint32_t k, struct seccomp_node *yes,
					 struct seccomp_node *no);

#endif
