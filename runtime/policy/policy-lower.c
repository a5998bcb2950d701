/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* From statements to the compiler's rules: one rule for each "&&", in the order of the text. */
struct lowering {
	struct policy_text *text;
	struct arena *arena;
	const struct seccomp_arch *archs[32];
	size_t archs_count;
	uint32_t default_action;
	bool c_dialect;
	struct seccomp_rule *rules;
	struct policy_origin *origins;
	size_t count, room;
	struct seen *seen; /* hash table of names */
	size_t seen_mask;
};

/* Which architectures have an unconditional action for a name, and where that is written. */
struct seen {
	const char *name;
	uint64_t archs, any;
	struct policy_place place, first;
};

static uint64_t arch_bit(const struct seccomp_arch *arch)
{
	return (uint64_t)1 << (arch - seccomp_names_arch_at(0));
}

static uint64_t all_bits(const struct lowering *l)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < l->archs_count; i++)
		bits |= arch_bit(l->archs[i]);
	return bits;
}

static struct seen *find_seen(struct lowering *l, const char *name)
{
	uint64_t hash = 5381;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	for (;; hash++) {
		struct seen *s = &l->seen[hash & l->seen_mask];
		if (!s->name)
			s->name = name;
		if (text_equal(s->name, name))
			return s;
	}
}

static int init_seen(struct lowering *l, struct err *e)
{
	size_t calls = 0, size = 64;

	for (const struct policy_statement *s = l->text->first; s; s = s->next)
		calls += s->calls_count;
	while (size < calls * 2)
		size *= 2;
	l->seen = arena_new_array(l->arena, size, struct seen);
	l->seen_mask = size - 1;
	return l->seen ? 0 : arena_check(l->arena, e);
}

static bool is_final(const struct lowering *l, const struct policy_statement *s)
{
	if (s->bare && l->c_dialect)
		return true;
	for (size_t i = 0; i < s->filters_count; i++)
		if (!s->filters[i].clauses_count)
			return true;
	return false;
}

/* Nothing may follow an action without a condition, neither here nor in another statement. */
static int check_order(struct lowering *l, const struct policy_statement *s, struct err *e)
{
	bool final = is_final(l, s);

	for (size_t i = 0; i + 1 < s->filters_count; i++)
		if (!s->filters[i].clauses_count)
			return policy_fail(
				e, &s->filters[i + 1].place,
				"is never reached: the action before it has no condition");
	for (size_t i = 0; i < s->calls_count; i++) {
		const struct policy_call *call = &s->calls[i];
		uint64_t bits = call->archs ? call->archs : all_bits(l);
		struct seen *seen = find_seen(l, call->name);
		uint32_t line, column;
		if (seen->archs & bits) {
			policy_place_find(&seen->place, &line, &column);
			return policy_fail(e, &call->place,
					   "%s has had an action without a condition already, at "
					   "%s:%u:%u",
					   call->name, seen->place.source->name, line, column);
		}
		if (seen->any & bits)
			policy_note(l->text, &call->place,
				    "%s has other rules above, which are tried first", call->name);
		seen->any |= bits;
		if (final) {
			seen->archs |= bits;
			seen->place = call->place;
		}
	}
	return 0;
}

/* --------------------------------------------------------------- rules */

static uint32_t final_action(const struct lowering *l, uint32_t action)
{
	return l->text->options->log ? policy_action_logged(action) : action;
}

static int add_rule(struct lowering *l, const struct seccomp_rule *rule,
		    const struct policy_place *place, struct err *e)
{
	uint32_t column;

	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 128;
		struct seccomp_rule *rules = arena_new_array(l->arena, room, struct seccomp_rule);
		struct policy_origin *origins =
			arena_new_array(l->arena, room, struct policy_origin);
		if (!rules || !origins)
			return arena_check(l->arena, e);
		if (l->count) {
			memcpy(rules, l->rules, l->count * sizeof *rules);
			memcpy(origins, l->origins, l->count * sizeof *origins);
		}
		l->rules = rules;
		l->origins = origins;
		l->room = room;
	}
	l->origins[l->count].file = place->source->name;
	policy_place_find(place, &l->origins[l->count].line, &column);
	l->rules[l->count] = *rule;
	l->rules[l->count++].action = final_action(l, rule->action);
	return 0;
}

static int lower_atom(const struct policy_atom *atom, const struct seccomp_arch *arch, bool narrow,
		      struct seccomp_compare *out, struct err *e)
{
	uint64_t value;

	if (policy_value_get(atom->value, arch, &value, e) < 0)
		return -1;
	*out = (struct seccomp_compare){ .index = atom->index, .value = value, .narrow = narrow };
	switch (atom->op) {
	case TOKEN_EQ:
		out->op = SECCOMP_OP_EQ;
		break;
	case TOKEN_NE:
		out->op = SECCOMP_OP_NE;
		break;
	case TOKEN_LT:
		out->op = SECCOMP_OP_LT;
		break;
	case TOKEN_LE:
		out->op = SECCOMP_OP_LE;
		break;
	case TOKEN_GT:
		out->op = SECCOMP_OP_GT;
		break;
	case TOKEN_GE:
		out->op = SECCOMP_OP_GE;
		break;
	case TOKEN_AND: /* any of the bits */
		out->op = SECCOMP_OP_MASKED_NE;
		break;
	default: /* in: no other bit */
		out->op = SECCOMP_OP_MASKED_EQ;
		out->value = ~value;
		break;
	}
	return 0;
}

/*
 * Names that are compared in the same way: the kernel's idea of which arguments have 32 bits
 * differs from call to call, so a statement about several calls can need several rules.
 */
struct batch {
	const char **names;
	size_t count;
	uint32_t narrow;
	uint32_t arch; /* token, or 0 for all */
};

static uint32_t used_arguments(const struct policy_statement *s)
{
	uint32_t used = 0;

	for (size_t f = 0; f < s->filters_count; f++)
		for (size_t c = 0; c < s->filters[f].clauses_count; c++)
			for (size_t a = 0; a < s->filters[f].clauses[c].atoms_count; a++)
				used |= 1u << s->filters[f].clauses[c].atoms[a].index;
	return used;
}

static int lower_clause(struct lowering *l, const struct policy_filter *f,
			const struct policy_clause *clause, uint32_t action,
			const struct batch *batch, const struct seccomp_arch *arch, struct err *e)
{
	struct seccomp_compare *compares =
		arena_new_array(l->arena, clause->atoms_count, struct seccomp_compare);
	struct seccomp_rule rule = { .names = batch->names,
				     .names_count = batch->count,
				     .action = action,
				     .compares = compares,
				     .compares_count = clause->atoms_count,
				     .arch = batch->arch };

	if (!compares)
		return arena_check(l->arena, e);
	for (size_t i = 0; i < clause->atoms_count; i++)
		if (lower_atom(&clause->atoms[i], arch, batch->narrow >> clause->atoms[i].index & 1,
			       &compares[i], e) < 0)
			return -1;
	return add_rule(l, &rule, &f->place, e);
}

static int lower_batch(struct lowering *l, const struct policy_statement *s,
		       const struct batch *batch, const struct seccomp_arch *arch, struct err *e)
{
	struct seccomp_rule always = { .names = batch->names,
				       .names_count = batch->count,
				       .arch = batch->arch };

	for (size_t i = 0; i < s->filters_count; i++) {
		const struct policy_filter *f = &s->filters[i];
		bool bare = s->bare && l->c_dialect;
		uint32_t action = f->default_action ? l->default_action : f->action;
		for (size_t c = 0; c < f->clauses_count; c++)
			if (lower_clause(l, f, &f->clauses[c], bare ? SECCOMP_RET_ALLOW : action,
					 batch, arch, e) < 0)
				return -1;
		always.action = action;
		if ((bare || !f->clauses_count) && add_rule(l, &always, &f->place, e) < 0)
			return -1;
	}
	return 0;
}

/* The calls of @s that go together with number @first, for the architecture @bit. */
static int gather(struct lowering *l, const struct policy_statement *s, size_t first, uint64_t bit,
		  struct batch *batch, bool *done, struct err *e)
{
	uint32_t used = used_arguments(s);

	batch->count = 0;
	batch->names = arena_new_array(l->arena, s->calls_count, const char *);
	if (!batch->names)
		return arena_check(l->arena, e);
	batch->narrow = policy_narrow_arguments(s->calls[first].name) & used;
	for (size_t i = first; i < s->calls_count; i++) {
		if (done[i] || (s->calls[i].archs && !(s->calls[i].archs & bit)))
			continue;
		if (used && (policy_narrow_arguments(s->calls[i].name) & used) != batch->narrow)
			continue;
		batch->names[batch->count++] = s->calls[i].name;
		done[i] = true;
	}
	return 0;
}

static int lower_for(struct lowering *l, const struct policy_statement *s,
		     const struct seccomp_arch *arch, uint32_t token, struct err *e)
{
	bool *done = arena_new_array(l->arena, s->calls_count, bool);
	struct batch batch = { .arch = token };

	if (!done)
		return arena_check(l->arena, e);
	for (size_t i = 0; i < s->calls_count; i++) {
		if (done[i])
			continue;
		if (gather(l, s, i, arch_bit(arch), &batch, done, e) < 0)
			return -1;
		if (batch.count && lower_batch(l, s, &batch, arch, e) < 0)
			return -1;
	}
	return 0;
}

/* Without values and restrictions a statement means the same everywhere: one set of rules does. */
static bool is_portable(const struct policy_statement *s)
{
	for (size_t i = 0; i < s->calls_count; i++)
		if (s->calls[i].archs)
			return false;
	return used_arguments(s) == 0;
}

static int lower_statement(struct lowering *l, const struct policy_statement *s, struct err *e)
{
	if (check_order(l, s, e) < 0)
		return -1;
	if (l->archs_count == 1 || is_portable(s))
		return lower_for(l, s, l->archs[0], l->archs_count == 1 ? l->archs[0]->token : 0,
				 e);
	for (size_t i = 0; i < l->archs_count; i++)
		if (lower_for(l, s, l->archs[i], l->archs[i]->token, e) < 0)
			return -1;
	return 0;
}

/* ---------------------------------------------------------------- policy */

static int choose_archs(struct lowering *l, struct err *e)
{
	const struct policy_options *o = l->text->options;
	const uint32_t *tokens = o->archs_count ? o->archs : l->text->archs;
	size_t count = o->archs_count ? o->archs_count : l->text->archs_count;
	const uint32_t native[] = { seccomp_names_native() };

	if (!count) {
		tokens = native;
		count = 1;
	}
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(tokens[i]);
		bool listed = false;
		for (size_t k = 0; k < l->archs_count; k++)
			listed = listed || l->archs[k] == arch;
		if (!arch || l->archs_count == sizeof l->archs / sizeof *l->archs)
			return err_config(e, "unknown architecture 0x%x", tokens[i]);
		if (!listed)
			l->archs[l->archs_count++] = arch;
	}
	return 0;
}

static int copy_weights(struct lowering *l, struct seccomp_policy *out, struct err *e)
{
	size_t count = 0;

	for (const struct policy_weight *w = l->text->weights; w; w = w->next)
		count++;
	struct seccomp_weight *weights = arena_new_array(l->arena, count, struct seccomp_weight);
	if (!weights)
		return arena_check(l->arena, e);
	for (const struct policy_weight *w = l->text->weights; w; w = w->next) {
		struct seccomp_weight *to = NULL;
		for (size_t i = 0; i < out->weights_count && !to; i++)
			if (text_equal(weights[i].name, w->name))
				to = &weights[i];
		if (!to) {
			to = &weights[out->weights_count++];
			to->name = w->name;
		}
		uint64_t sum = to->weight + w->weight;
		to->weight = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
	}
	out->weights = weights;
	return 0;
}

static int fill(struct lowering *l, struct policy *out, struct err *e)
{
	uint32_t *archs = arena_new_array(l->arena, l->archs_count, uint32_t);

	if (!archs)
		return arena_check(l->arena, e);
	for (size_t i = 0; i < l->archs_count; i++)
		archs[i] = l->archs[i]->token;
	out->kind = POLICY_TEXT;
	out->seccomp = (struct seccomp_policy){
		.default_action = final_action(l, l->default_action),
		.bad_arch_action = SECCOMP_RET_KILL_PROCESS,
		.order = SECCOMP_ORDER_LISTED,
		.enosys_above = l->text->newer && !l->text->options->log,
		.strict_names = !l->text->options->skip_unknown,
		.archs = archs,
		.archs_count = l->archs_count,
		.rules = l->rules,
		.rules_count = l->count,
	};
	out->origins = l->origins;
	return copy_weights(l, &out->seccomp, e);
}

int policy_lower(struct policy_text *t, struct policy *out, struct err *e)
{
	const struct policy_options *o = t->options;
	struct lowering l = { .text = t, .arena = t->arena };

	l.c_dialect = o->dialect == POLICY_DIALECT_C ||
		      (o->dialect == POLICY_DIALECT_AUTO && !t->denylist);
	l.default_action = t->denylist ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
	if (t->default_set)
		l.default_action = t->default_action;
	if (o->default_set)
		l.default_action = o->default_action;
	if (choose_archs(&l, e) < 0 || init_seen(&l, e) < 0)
		return -1;
	for (const struct policy_statement *s = t->first; s; s = s->next)
		if (lower_statement(&l, s, e) < 0)
			return -1;
	return fill(&l, out, e);
}
