/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-condition.h"

#define ALL_BITS 0xffffffffu

/* The value as a 32-bit register can hold it; false where none can. */
static bool narrow(uint64_t value, uint64_t *out)
{
	*out = (uint32_t)value;
	return value >> 32 == 0 || (value >> 31) == 0x1ffffffffu;
}

static bool is_masked(enum seccomp_op op)
{
	return op == SECCOMP_OP_MASKED_EQ || op == SECCOMP_OP_MASKED_NE;
}

enum seccomp_verdict seccomp_condition_lower(const struct seccomp_arch *arch,
					     const struct seccomp_compare *from,
					     struct seccomp_condition *to)
{
	uint64_t value = from->value, mask = ~(uint64_t)0;
	bool fits = true, wide = arch->wide && !from->narrow;

	if (is_masked(from->op)) {
		mask = wide ? from->value : (uint32_t)from->value;
		value = from->value_two & mask;
		if (!mask)
			return from->op == SECCOMP_OP_MASKED_EQ ? SECCOMP_ALWAYS : SECCOMP_NEVER;
	} else if (!wide) {
		fits = narrow(value, &value);
	}
	*to = (struct seccomp_condition){
		.index = from->index, .wide = wide, .mask = mask, .value = value
	};
	switch (from->op) {
	case SECCOMP_OP_NE:
		to->negate = true;
		to->op = SECCOMP_OP_EQ;
		return fits ? SECCOMP_DEPENDS : SECCOMP_ALWAYS;
	case SECCOMP_OP_EQ:
	case SECCOMP_OP_MASKED_EQ:
		to->op = from->op;
		return fits ? SECCOMP_DEPENDS : SECCOMP_NEVER;
	case SECCOMP_OP_MASKED_NE:
		to->negate = true;
		to->op = SECCOMP_OP_MASKED_EQ;
		return SECCOMP_DEPENDS;
	case SECCOMP_OP_LT:
	case SECCOMP_OP_LE:
		to->negate = true;
		break;
	case SECCOMP_OP_GE:
	case SECCOMP_OP_GT:
		break;
	}
	to->op = SECCOMP_OP_GE;
	/* "above v" is "at least v + 1", which the highest value leaves impossible. */
	if (from->op == SECCOMP_OP_LE || from->op == SECCOMP_OP_GT)
		fits = fits && to->value++ != (wide ? UINT64_MAX : ALL_BITS);
	if (fits && to->value)
		return SECCOMP_DEPENDS;
	return fits != to->negate ? SECCOMP_ALWAYS : SECCOMP_NEVER;
}

static enum seccomp_op plain_op(const struct seccomp_condition *c)
{
	switch (c->op) {
	case SECCOMP_OP_GE:
		return c->negate ? SECCOMP_OP_LT : SECCOMP_OP_GE;
	case SECCOMP_OP_EQ:
		return c->negate ? SECCOMP_OP_NE : SECCOMP_OP_EQ;
	default:
		return c->negate ? SECCOMP_OP_MASKED_NE : SECCOMP_OP_MASKED_EQ;
	}
}

void seccomp_condition_raise(const struct seccomp_arch *arch, const struct seccomp_condition *from,
			     struct seccomp_compare *to)
{
	bool masked = from->op == SECCOMP_OP_MASKED_EQ;

	*to = (struct seccomp_compare){ .index = from->index, .op = plain_op(from) };
	to->value = masked ? from->mask : from->value;
	to->value_two = masked ? from->value : 0;
	to->narrow = arch->wide && !from->wide;
}

static struct seccomp_node *wide_condition(struct seccomp_tree *t,
					   const struct seccomp_condition *c, uint32_t low_word,
					   uint32_t high_word, struct seccomp_node *yes,
					   struct seccomp_node *no)
{
	uint32_t low = (uint32_t)c->value, high = (uint32_t)(c->value >> 32);

	if (c->op != SECCOMP_OP_GE) {
		struct seccomp_node *rest =
			seccomp_tree_equal(t, low_word, (uint32_t)c->mask, low, yes, no);
		return seccomp_tree_equal(t, high_word, (uint32_t)(c->mask >> 32), high, rest, no);
	}
	struct seccomp_node *equal = seccomp_tree_at_least(t, low_word, low, yes, no);
	equal = seccomp_tree_equal(t, high_word, ALL_BITS, high, equal, no);
	if (high == ALL_BITS)
		return equal;
	return seccomp_tree_at_least(t, high_word, high + 1, yes, equal);
}

struct seccomp_node *seccomp_condition_node(struct seccomp_tree *t, const struct seccomp_arch *arch,
					    const struct seccomp_condition *c,
					    struct seccomp_node *yes, struct seccomp_node *no)
{
	uint32_t low_word = SECCOMP_WORD_ARGS + c->index * 2 + (arch->big_endian ? 1 : 0);
	uint32_t high_word = SECCOMP_WORD_ARGS + c->index * 2 + (arch->big_endian ? 0 : 1);

	if (c->negate) {
		struct seccomp_node *swap = yes;
		yes = no;
		no = swap;
	}
	if (c->wide)
		return wide_condition(t, c, low_word, high_word, yes, no);
	if (c->op == SECCOMP_OP_GE)
		return seccomp_tree_at_least(t, low_word, (uint32_t)c->value, yes, no);
	return seccomp_tree_equal(t, low_word, (uint32_t)c->mask, (uint32_t)c->value, yes, no);
}
