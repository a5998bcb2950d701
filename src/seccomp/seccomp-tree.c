/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-tree.h"

#include <string.h>

#define ALL_BITS 0xffffffffu

/*
 * How many nodes one simplification may visit. Simplifying is optional, so a bound costs
 * at most a few instructions, and it keeps compiling linear in the number of rules.
 */
#define REFINE_BUDGET 256u

/* What a passed test says about a word. */
struct fact {
	const struct seccomp_node *test;
	bool outcome;
	uint32_t low, high; /* the word lies between these */
};

int seccomp_tree_init(struct seccomp_tree *t, struct arena *arena)
{
	*t = (struct seccomp_tree){ .arena = arena, .buckets_count = 1024 };
	t->buckets = arena_new_array(arena, t->buckets_count, struct seccomp_node *);
	return t->buckets ? 0 : -1;
}

static size_t hash(const struct seccomp_node *n)
{
	uint64_t h = n->k;

	h = (h ^ (uint64_t)n->mask << 32 ^ n->word) * 0x9e3779b97f4a7c15u;
	h = (h ^ (uintptr_t)n->yes ^ h >> 29) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (uintptr_t)n->no ^ (uint64_t)n->test << 60 ^ h >> 32) * 0x94d049bb133111ebu;
	return (size_t)(h ^ h >> 31);
}

static bool same(const struct seccomp_node *a, const struct seccomp_node *b)
{
	return a->test == b->test && a->word == b->word && a->mask == b->mask && a->k == b->k &&
	       a->yes == b->yes && a->no == b->no;
}

/* Four times as many buckets; without memory for them chains just get longer. */
static void grow(struct seccomp_tree *t)
{
	size_t count = t->buckets_count * 4;
	struct seccomp_node **buckets = arena_new_array(t->arena, count, struct seccomp_node *);

	if (!buckets)
		return;
	for (size_t i = 0; i < t->buckets_count; i++) {
		for (struct seccomp_node *n = t->buckets[i], *next; n; n = next) {
			struct seccomp_node **place = &buckets[hash(n) % count];
			next = n->next;
			n->next = *place;
			*place = n;
		}
	}
	t->buckets = buckets;
	t->buckets_count = count;
}

static struct seccomp_node *intern(struct seccomp_tree *t, const struct seccomp_node *wanted)
{
	struct seccomp_node **place = &t->buckets[hash(wanted) % t->buckets_count];

	for (struct seccomp_node *n = *place; n; n = n->next)
		if (same(n, wanted))
			return n;
	if (wanted->depth > SECCOMP_TREE_DEPTH || t->nodes_count >= SECCOMP_TREE_NODES) {
		t->too_big = true;
		return NULL;
	}
	struct seccomp_node *n = arena_new(t->arena, struct seccomp_node);
	if (!n)
		return NULL;
	*n = *wanted;
	n->next = *place;
	*place = n;
	if (++t->nodes_count > t->buckets_count * 2)
		grow(t);
	return n;
}

struct seccomp_node *seccomp_tree_return(struct seccomp_tree *t, uint32_t action)
{
	return intern(t, &(struct seccomp_node){
				 .test = SECCOMP_TEST_RETURN, .mask = ALL_BITS, .k = action });
}

static struct seccomp_node *make(struct seccomp_tree *t, const struct seccomp_node *test,
				 struct seccomp_node *yes, struct seccomp_node *no)
{
	struct seccomp_node n = { .test = test->test,
				  .word = test->word,
				  .mask = test->mask,
				  .k = test->k,
				  .yes = yes,
				  .no = no };

	if (!yes || !no)
		return NULL;
	if (yes == no)
		return yes;
	n.depth = 1 + (yes->depth > no->depth ? yes->depth : no->depth);
	return intern(t, &n);
}

/* What @fact says about the test of @n: 1 true, 0 false, -1 nothing. */
static int decide(const struct seccomp_node *n, const struct fact *fact)
{
	const struct seccomp_node *f = fact->test;

	if (n->word != f->word)
		return -1;
	if (n->test == f->test && n->mask == f->mask && n->k == f->k)
		return fact->outcome;
	if (fact->low == fact->high) {
		switch (n->test) {
		case SECCOMP_TEST_EQ:
			return (fact->low & n->mask) == n->k;
		case SECCOMP_TEST_GE:
			return fact->low >= n->k;
		case SECCOMP_TEST_SET:
			return (fact->low & n->k) != 0;
		case SECCOMP_TEST_RETURN:
			return -1;
		}
	}
	if (n->test == SECCOMP_TEST_EQ && n->mask == ALL_BITS &&
	    (n->k < fact->low || n->k > fact->high))
		return 0;
	if (n->test == SECCOMP_TEST_GE && n->k <= fact->low)
		return 1;
	if (n->test == SECCOMP_TEST_GE && n->k > fact->high)
		return 0;
	return -1;
}

/* @n without the tests that @fact has decided. */
static struct seccomp_node *refine(struct seccomp_tree *t, struct seccomp_node *n,
				   const struct fact *fact, unsigned *budget)
{
	while (n && n->test != SECCOMP_TEST_RETURN && *budget) {
		int known = decide(n, fact);
		--*budget;
		if (known < 0) {
			struct seccomp_node *yes = refine(t, n->yes, fact, budget);
			struct seccomp_node *no = refine(t, n->no, fact, budget);
			return yes == n->yes && no == n->no ? n : make(t, n, yes, no);
		}
		n = known ? n->yes : n->no;
	}
	return n;
}

static struct seccomp_node *make_refined(struct seccomp_tree *t, const struct seccomp_node *test,
					 struct seccomp_node *yes, struct seccomp_node *no)
{
	struct fact taken = { test, true, 0, ALL_BITS }, refused = { test, false, 0, ALL_BITS };
	unsigned yes_budget = REFINE_BUDGET, no_budget = REFINE_BUDGET;

	if (test->test == SECCOMP_TEST_EQ && test->mask == ALL_BITS)
		taken.low = taken.high = test->k;
	if (test->test == SECCOMP_TEST_GE) {
		taken.low = test->k;
		refused.high = test->k - 1; /* k is not 0, see seccomp_tree_at_least() */
	}
	return make(t, test, refine(t, yes, &taken, &yes_budget),
		    refine(t, no, &refused, &no_budget));
}

struct seccomp_node *seccomp_tree_equal(struct seccomp_tree *t, uint32_t word, uint32_t mask,
					uint32_t value, struct seccomp_node *yes,
					struct seccomp_node *no)
{
	struct seccomp_node test = { .word = word, .mask = ALL_BITS };

	value &= mask;
	if (!mask)
		return yes;
	if (mask != ALL_BITS && !value) {
		/* JSET leaves the accumulator whole, AND would not. */
		test.test = SECCOMP_TEST_SET;
		test.k = mask;
		return make_refined(t, &test, no, yes);
	}
	if (mask != ALL_BITS && value == mask && !(mask & (mask - 1))) {
		test.test = SECCOMP_TEST_SET;
		test.k = mask;
		return make_refined(t, &test, yes, no);
	}
	test.test = SECCOMP_TEST_EQ;
	test.mask = mask;
	test.k = value;
	return make_refined(t, &test, yes, no);
}

struct seccomp_node *seccomp_tree_at_least(struct seccomp_tree *t, uint32_t word, uint32_t value,
					   struct seccomp_node *yes, struct seccomp_node *no)
{
	struct seccomp_node test = {
		.test = SECCOMP_TEST_GE, .word = word, .mask = ALL_BITS, .k = value
	};

	return value ? make_refined(t, &test, yes, no) : yes;
}

struct seccomp_node *seccomp_tree_branch(struct seccomp_tree *t, enum seccomp_test test,
					 uint32_t word, uint32_t k, struct seccomp_node *yes,
					 struct seccomp_node *no)
{
	struct seccomp_node n = { .test = test, .word = word, .mask = ALL_BITS, .k = k };

	return make(t, &n, yes, no);
}
