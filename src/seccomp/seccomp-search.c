/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-search.h"

#include <string.h>

/*
 * Profiles allow most calls and leave out a few, or the other way round: numbers on their own with
 * equal neighbours. Such a one costs one JEQ, where cutting its span out costs two JGE. So: halve
 * the numbers (by weight) with JGE until few tests are left, then test those one after the
 * other. Halving costs an instruction but shortens the way, so it stops at GROUP tests.
 */
#define GROUP     6u
#define GROUP_MAX (2 * GROUP + 2)

/* Spans [first, last] of one part of the numbers. */
struct part {
	const struct seccomp_span *spans;
	size_t count;
};

/* One number whose neighbours on both sides decide alike. */
static bool isolated(struct part p, size_t i)
{
	return i > 0 && i + 1 < p.count && p.spans[i - 1].node == p.spans[i + 1].node &&
	       p.spans[i + 1].first - p.spans[i].first == 1;
}

/* How many tests tell the spans apart. */
static size_t tests(struct part p)
{
	size_t saved = 0;

	for (size_t i = 1; i + 1 < p.count; i++)
		if (isolated(p, i)) {
			saved++;
			i++; /* the next span is now one with the one before */
		}
	return p.count - 1 - saved;
}

static uint64_t weight(struct part p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p.count; i++)
		sum += p.spans[i].weight;
	return sum;
}

/*
 * The span at which the second half starts: about half of the weight on either side, and
 * not beside an isolated number if there is such a place in the middle half.
 */
static size_t middle(struct part p)
{
	uint64_t total = weight(p), left = 0, best_off = UINT64_MAX, clean_off = UINT64_MAX;
	size_t best = 1, clean = 0;

	for (size_t i = 1; i < p.count; i++) {
		left += p.spans[i - 1].weight;
		uint64_t off = left * 2 > total ? left * 2 - total : total - left * 2;
		if (off < best_off) {
			best_off = off;
			best = i;
		}
		if (off < clean_off && !isolated(p, i) && !isolated(p, i - 1)) {
			clean_off = off;
			clean = i;
		}
	}
	return clean && clean_off <= total / 2 ? clean : best;
}

static struct seccomp_node *search(struct seccomp_tree *t, struct part p);

static struct seccomp_node *halve(struct seccomp_tree *t, struct part p, size_t at)
{
	struct part below = { p.spans, at }, above = { p.spans + at, p.count - at };

	return seccomp_tree_branch(t, SECCOMP_TEST_GE, SECCOMP_WORD_NR, p.spans[at].first,
				   search(t, above), search(t, below));
}

/* Test the most frequent isolated number, and go on without it. */
static struct seccomp_node *pick(struct seccomp_tree *t, struct part p, size_t at)
{
	struct seccomp_span rest[GROUP_MAX];
	size_t count = 0;

	for (size_t i = 0; i < p.count; i++) {
		if (i == at || i == at + 1)
			rest[count - 1].weight += p.spans[i].weight;
		else
			rest[count++] = p.spans[i];
	}
	return seccomp_tree_branch(t, SECCOMP_TEST_EQ, SECCOMP_WORD_NR, p.spans[at].first,
				   p.spans[at].node, search(t, (struct part){ rest, count }));
}

static struct seccomp_node *search(struct seccomp_tree *t, struct part p)
{
	size_t heaviest = 0;

	if (p.count == 1)
		return p.spans[0].node;
	if (p.count > GROUP_MAX || tests(p) > GROUP)
		return halve(t, p, middle(p));
	for (size_t i = 1; i + 1 < p.count; i++)
		if (isolated(p, i) && (!heaviest || p.spans[i].weight > p.spans[heaviest].weight))
			heaviest = i;
	return heaviest ? pick(t, p, heaviest) : halve(t, p, middle(p));
}

struct seccomp_node *seccomp_search(struct seccomp_tree *t, const struct seccomp_span *spans,
				    size_t count)
{
	return search(t, (struct part){ spans, count });
}
