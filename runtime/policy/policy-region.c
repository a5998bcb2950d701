/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy-region.h"

#include <string.h>

/* A comparison in pieces: one for each bit at most, and the value itself. */
#define PIECES_MAX 65u

struct pieces {
	struct seccomp_compare items[PIECES_MAX];
	size_t count;
};

static void add_product(struct arena *a, struct policy_region *r, const struct policy_product *p)
{
	if (r->failed)
		return;
	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 8;
		struct policy_product *more = arena_new_array(a, room, struct policy_product);
		if (!more || r->count >= POLICY_PRODUCTS_MAX) {
			r->failed = true;
			return;
		}
		if (r->count)
			memcpy(more, r->products, r->count * sizeof *more);
		r->products = more;
		r->room = room;
	}
	r->products[r->count++] = *p;
}

void policy_region_init(struct arena *a, struct policy_region *r)
{
	const struct policy_product all = { 0 };

	*r = (struct policy_region){ 0 };
	add_product(a, r, &all);
}

/* ---------------------------------------------------------------- pieces */

static void add_piece(struct pieces *p, uint32_t index, uint64_t mask, uint64_t value)
{
	p->items[p->count++] = (struct seccomp_compare){
		.index = index, .op = SECCOMP_OP_MASKED_EQ, .value = mask, .value_two = value & mask
	};
}

/* All numbers that differ from @value in one of the bits of @mask: by the first one that does. */
static void add_unequal(struct pieces *p, uint32_t index, uint64_t mask, uint64_t value)
{
	uint64_t seen = 0;

	for (uint64_t bit = (uint64_t)1 << 63; bit; bit >>= 1) {
		if (!(bit & mask))
			continue;
		seen |= bit;
		add_piece(p, index, seen, value ^ bit);
	}
}

/* All numbers below @value (or, @above, above it): the first bit that differs is set there, not
 * here. */
static void add_ordered(struct pieces *p, uint32_t index, uint64_t all, uint64_t value, bool above)
{
	uint64_t seen = 0;

	for (uint64_t bit = (uint64_t)1 << 63; bit; bit >>= 1) {
		if (!(bit & all))
			continue;
		seen |= bit;
		if (!(value & bit) == above)
			add_piece(p, index, seen, value ^ bit);
	}
}

static void take_apart(const struct seccomp_compare *c, bool wide, struct pieces *p)
{
	uint64_t all = wide && !c->narrow ? UINT64_MAX : UINT32_MAX, value = c->value & all;

	p->count = 0;
	switch (c->op) {
	case SECCOMP_OP_EQ:
		add_piece(p, c->index, all, value);
		break;
	case SECCOMP_OP_NE:
		add_unequal(p, c->index, all, value);
		break;
	case SECCOMP_OP_MASKED_EQ:
		add_piece(p, c->index, value, c->value_two);
		break;
	case SECCOMP_OP_MASKED_NE:
		add_unequal(p, c->index, value, c->value_two);
		break;
	case SECCOMP_OP_LE:
		add_piece(p, c->index, all, value);
		add_ordered(p, c->index, all, value, false);
		break;
	case SECCOMP_OP_LT:
		add_ordered(p, c->index, all, value, false);
		break;
	case SECCOMP_OP_GE:
		add_piece(p, c->index, all, value);
		add_ordered(p, c->index, all, value, true);
		break;
	case SECCOMP_OP_GT:
		add_ordered(p, c->index, all, value, true);
		break;
	}
}

static struct seccomp_compare negated(const struct seccomp_compare *c)
{
	static const enum seccomp_op opposite[] = {
		[SECCOMP_OP_NE] = SECCOMP_OP_EQ,
		[SECCOMP_OP_EQ] = SECCOMP_OP_NE,
		[SECCOMP_OP_LT] = SECCOMP_OP_GE,
		[SECCOMP_OP_GE] = SECCOMP_OP_LT,
		[SECCOMP_OP_LE] = SECCOMP_OP_GT,
		[SECCOMP_OP_GT] = SECCOMP_OP_LE,
		[SECCOMP_OP_MASKED_EQ] = SECCOMP_OP_MASKED_NE,
		[SECCOMP_OP_MASKED_NE] = SECCOMP_OP_MASKED_EQ,
	};
	struct seccomp_compare result = *c;

	result.op = opposite[c->op];
	return result;
}

/* A profile has this comparison, and it means the same there. */
static bool is_plain(const struct seccomp_compare *c)
{
	return !c->narrow && c->op != SECCOMP_OP_MASKED_NE;
}

/* The products of @r that also meet @c, added to @out. */
static void meet(struct arena *a, const struct policy_region *r, const struct seccomp_compare *c,
		 bool wide, struct policy_region *out)
{
	struct pieces mine, theirs;

	take_apart(c, wide, &mine);
	out->failed = out->failed || r->failed;
	for (size_t i = 0; i < r->count; i++) {
		struct policy_product p = r->products[i];
		struct seccomp_compare *slot = &p.compares[c->index], before = *slot;
		if (!before.op && is_plain(c)) {
			*slot = *c;
			add_product(a, out, &p);
			continue;
		}
		theirs.count = 0;
		if (before.op)
			take_apart(&before, wide, &theirs);
		else
			add_piece(&theirs, c->index, 0, 0);
		for (size_t x = 0; x < mine.count; x++)
			for (size_t y = 0; y < theirs.count; y++) {
				const struct seccomp_compare *m = &mine.items[x],
							     *t = &theirs.items[y];
				if ((m->value_two ^ t->value_two) & m->value & t->value)
					continue;
				*slot = *m;
				slot->value |= t->value;
				slot->value_two |= t->value_two;
				add_product(a, out, &p);
			}
	}
}

static void append(struct arena *a, struct policy_region *to, const struct policy_region *from)
{
	to->failed = to->failed || from->failed;
	for (size_t i = 0; i < from->count; i++)
		add_product(a, to, &from->products[i]);
}

void policy_region_split(struct arena *a, const struct policy_region *r,
			 const struct seccomp_compare *compares, size_t count, bool wide,
			 struct policy_region *yes, struct policy_region *no)
{
	struct policy_region inside = *r;

	/* Outside: the first comparison that fails is this one. */
	for (size_t i = 0; i < count; i++) {
		struct seccomp_compare opposite = negated(&compares[i]);
		struct policy_region next = { 0 };
		meet(a, &inside, &opposite, wide, no);
		meet(a, &inside, &compares[i], wide, &next);
		inside = next;
	}
	append(a, yes, &inside);
}
