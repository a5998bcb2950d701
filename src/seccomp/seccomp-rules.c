/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-rules.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/seccomp/seccomp-condition.h"

/* Guards against input that repeats itself: more than any filter can hold. */
#define ENTRIES_MAX      100000u
#define ENTRIES_CALL_MAX 4096u

/* One rule for one number. */
struct entry {
	uint32_t number;
	uint32_t order; /* of the policy */
	uint32_t action;
	bool named_only; /* an ignored rule: counts for seccomp_policy.enosys_above */
	uint32_t conditions_count;
	struct seccomp_condition conditions[SECCOMP_CONDITIONS_MAX];
};

struct collector {
	struct seccomp_tree *tree;
	const struct seccomp_policy *policy;
	const struct seccomp_arch *arch;
	struct entry **entries;
	size_t count, room;
	struct seccomp_decisions *out;
};

int seccomp_rules_failed(const struct seccomp_tree *t, struct err *e)
{
	if (t->too_big)
		return err_config(
			e, "the filter needs more than the 4096 instructions that the kernel "
			   "takes: use fewer conditions on arguments");
	return arena_check(t->arena, e);
}

static bool action_known(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
	case SECCOMP_RET_TRAP:
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_USER_NOTIF:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_ALLOW:
		return true;
	default:
		return false;
	}
}

static int check_rule(const struct seccomp_rule *rule, enum seccomp_order order, struct err *e)
{
	const char *name = rule->names_count ? rule->names[0] : "(no name)";

	if (!action_known(rule->action))
		return err_config(e, "rule for %s: unknown action 0x%x", name, rule->action);
	for (size_t i = 0; i < rule->compares_count; i++) {
		const struct seccomp_compare *c = &rule->compares[i];
		if (c->index >= SECCOMP_ARGUMENTS)
			return err_config(e, "rule for %s: calls have arguments 0 to 5, not %u",
					  name, c->index);
		if (c->op < SECCOMP_OP_NE || c->op > SECCOMP_OP_MASKED_NE)
			return err_config(e, "rule for %s: unknown operator %d", name, (int)c->op);
	}
	if (order == SECCOMP_ORDER_LISTED && rule->compares_count > SECCOMP_CONDITIONS_MAX)
		return err_config(e, "rule for %s: more than %d conditions", name,
				  SECCOMP_CONDITIONS_MAX);
	return 0;
}

int seccomp_rules_check(const struct seccomp_policy *policy, struct err *e)
{
	if (!action_known(policy->default_action) || !action_known(policy->bad_arch_action))
		return err_config(e, "unknown default action 0x%x", policy->default_action);
	for (size_t i = 0; i < policy->rules_count; i++)
		if (check_rule(&policy->rules[i], policy->order, e) < 0)
			return -1;
	return 0;
}

static int add_entry(struct collector *c, const struct entry *entry, struct err *e)
{
	if (c->count == ENTRIES_MAX)
		return err_config(e, "more than %u rules for calls of %s", ENTRIES_MAX,
				  c->arch->name);
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 512;
		struct entry **entries = arena_new_array(c->tree->arena, room, struct entry *);
		if (!entries)
			return arena_check(c->tree->arena, e);
		if (c->count)
			memcpy(entries, c->entries, c->count * sizeof *entries);
		c->entries = entries;
		c->room = room;
	}
	/* Most rules have no conditions: keep what is used only. */
	size_t size = offsetof(struct entry, conditions) +
		      entry->conditions_count * sizeof entry->conditions[0];
	struct entry *copy = arena_alloc(c->tree->arena, size);
	if (!copy)
		return arena_check(c->tree->arena, e);
	memcpy(copy, entry, size);
	copy->order = (uint32_t)c->count;
	c->entries[c->count++] = copy;
	return 0;
}

/* Conditions ascending by argument, so that equal rules look alike. */
static void insert_condition(struct entry *entry, const struct seccomp_condition *condition)
{
	uint32_t at = entry->conditions_count++;

	for (; at > 0 && entry->conditions[at - 1].index > condition->index; at--)
		entry->conditions[at] = entry->conditions[at - 1];
	entry->conditions[at] = *condition;
}

/*
 * Add a rule with @compares, all of which must hold, for @number. With @function, the number is
 * socketcall's or ipc's: its argument 0 chooses the function, and what the rule says about argument
 * 0 is lost, as in libseccomp (the arguments proper are in user memory, out of a filter's reach).
 */
static int add_rule(struct collector *c, uint32_t number, uint32_t function, uint32_t action,
		    const struct seccomp_compare *compares, size_t compares_count, struct err *e)
{
	struct entry entry = { .number = number, .action = action };

	if (c->policy->order == SECCOMP_ORDER_LIBSECCOMP && action == c->policy->default_action) {
		entry.named_only = true;
		return add_entry(c, &entry, e);
	}
	if (function)
		insert_condition(&entry, &(struct seccomp_condition){ .op = SECCOMP_OP_EQ,
								      .mask = ~(uint64_t)0,
								      .value = function });
	for (size_t i = 0; i < compares_count; i++) {
		struct seccomp_condition condition;
		if (function && compares[i].index == 0)
			continue;
		switch (seccomp_condition_lower(c->arch, &compares[i], &condition)) {
		case SECCOMP_ALWAYS:
			break;
		case SECCOMP_DEPENDS:
			insert_condition(&entry, &condition);
			break;
		case SECCOMP_NEVER:
			entry.named_only = true;
			entry.conditions_count = 0;
			return add_entry(c, &entry, e);
		}
	}
	return add_entry(c, &entry, e);
}

static bool has_repeated_index(const struct seccomp_rule *rule)
{
	unsigned seen = 0;

	for (size_t i = 0; i < rule->compares_count; i++) {
		if (seen & 1u << rule->compares[i].index)
			return true;
		seen |= 1u << rule->compares[i].index;
	}
	return false;
}

static int add_number(struct collector *c, uint32_t number, uint32_t function,
		      const struct seccomp_rule *rule, struct err *e)
{
	if (c->policy->order == SECCOMP_ORDER_LISTED || !has_repeated_index(rule))
		return add_rule(c, number, function, rule->action, rule->compares,
				rule->compares_count, e);
	for (size_t i = 0; i < rule->compares_count; i++)
		if (add_rule(c, number, function, rule->action, &rule->compares[i], 1, e) < 0)
			return -1;
	return 0;
}

static int add_unknown(struct collector *c, const char *name, struct err *e)
{
	struct seccomp_decisions *out = c->out;

	if (c->policy->strict_names)
		return err_config(e, "unknown system call %s", name);
	/* Room for doubling: sizes are powers of two. */
	if (!(out->unknown_count & (out->unknown_count - 1))) {
		const char **names =
			arena_new_array(c->tree->arena, out->unknown_count * 2 + 1, const char *);
		if (!names)
			return arena_check(c->tree->arena, e);
		if (out->unknown_count)
			memcpy(names, out->unknown, out->unknown_count * sizeof *names);
		out->unknown = names;
	}
	out->unknown[out->unknown_count++] = name;
	return 0;
}

static void find_call(const struct seccomp_policy *policy, const struct seccomp_arch *arch,
		      const char *name, struct seccomp_call *call)
{
	uint32_t number;

	if (policy->order != SECCOMP_ORDER_LISTED) {
		seccomp_names_call(arch, name, call);
	} else if (*name >= '0' && *name <= '9' && text_parse_u32(name, &number) == 0) {
		*call = (struct seccomp_call){ .known = true, .direct = true };
		call->number = number < arch->base ? arch->base + number : number;
	} else {
		seccomp_names_call(arch, name, call);
		call->multiplexed = false;
	}
}

static int add_name(struct collector *c, const char *name, const struct seccomp_rule *rule,
		    struct err *e)
{
	struct seccomp_call call;

	find_call(c->policy, c->arch, name, &call);
	if (!call.known)
		return add_unknown(c, name, e);
	if (call.multiplexed && add_number(c, call.mux_number, call.mux_value, rule, e) < 0)
		return -1;
	return call.direct ? add_number(c, call.number, 0, rule, e) : 0;
}

/* ---------------------------------------------------------- decisions */

/* Where libseccomp puts a kind of test among those for the same argument. */
static int op_rank(const struct seccomp_condition *c)
{
	if (c->op != SECCOMP_OP_GE)
		return 0;
	return c->negate ? 1 : 2;
}

/*
 * The order in which libseccomp tries conditional rules for one call, however they were added
 * (_db_chain_lt() in its src/db.c): by the lowest argument that each looks at, the higher argument
 * first; then equality, "less", "greater"; then the tighter bound and the higher value. Of two that
 * start alike the one with more conditions comes first. It matters only where rules with different
 * actions overlap: for equalities this is exactly libseccomp's result; for other operators
 * libseccomp's own depends on how it shares code and is often neither rule's, so there is nothing
 * to follow.
 */
static int rank(const struct entry *a, const struct entry *b)
{
	for (uint32_t i = 0; i < a->conditions_count && i < b->conditions_count; i++) {
		const struct seccomp_condition *x = &a->conditions[i], *y = &b->conditions[i];
		if (x->index != y->index)
			return x->index > y->index ? -1 : 1;
		if (op_rank(x) != op_rank(y))
			return op_rank(x) - op_rank(y);
		if (x->value != y->value)
			return (x->value > y->value) != (op_rank(x) == 1) ? -1 : 1;
		if (x->mask != y->mask)
			return x->mask > y->mask ? -1 : 1;
		if (x->negate != y->negate)
			return x->negate ? 1 : -1;
	}
	if (a->conditions_count != b->conditions_count)
		return a->conditions_count > b->conditions_count ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

/* True if all conditions of @a open @b too, so that @b only matches where @a does. */
static bool opens(const struct entry *a, const struct entry *b)
{
	if (a->conditions_count > b->conditions_count)
		return false;
	for (uint32_t i = 0; i < a->conditions_count; i++) {
		const struct seccomp_condition *x = &a->conditions[i], *y = &b->conditions[i];
		if (x->index != y->index || x->op != y->op || x->negate != y->negate ||
		    x->value != y->value || x->mask != y->mask || x->wide != y->wide)
			return false;
	}
	return true;
}

/*
 * Drop rules that an earlier, wider one makes pointless: libseccomp does not add
 * them. (The other way round, the wider one later, it replaces those with the same action and
 * refuses the others, which rank() keeps in force.)
 */
static size_t drop_covered(struct entry **entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool covered = false;
		for (size_t j = 0; j < kept && !covered; j++)
			covered = opens(entries[j], entries[i]);
		if (!covered)
			entries[kept++] = entries[i];
	}
	return kept;
}

static int compare_rank(const void *a, const void *b)
{
	return rank(*(struct entry *const *)a, *(struct entry *const *)b);
}

/* Sort the rules of one call into the order of trial; those behind an unconditional one are cut
 * off. */
static size_t arrange(const struct seccomp_policy *policy, struct entry **entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!entries[i]->named_only)
			entries[kept++] = entries[i];
	for (size_t i = 0; i < kept; i++) {
		if (entries[i]->conditions_count)
			continue;
		if (policy->order != SECCOMP_ORDER_LIBSECCOMP)
			return i + 1;
		entries[0] = entries[i];
		return 1;
	}
	if (policy->order == SECCOMP_ORDER_LIBSECCOMP && kept > 1) {
		kept = drop_covered(entries, kept);
		qsort(entries, kept, sizeof *entries, compare_rank);
	}
	return kept;
}

static struct seccomp_node *decide(struct collector *c, struct entry **entries, size_t count,
				   struct seccomp_node *fallback)
{
	struct seccomp_node *node = fallback;

	if (count > ENTRIES_CALL_MAX) {
		c->tree->too_big = true;
		return NULL;
	}
	count = arrange(c->policy, entries, count);
	while (count--) {
		const struct entry *entry = entries[count];
		struct seccomp_node *match = seccomp_tree_return(c->tree, entry->action);
		for (uint32_t i = entry->conditions_count; i--;)
			match = seccomp_condition_node(c->tree, c->arch, &entry->conditions[i],
						       match, node);
		node = match;
		if (!node)
			return NULL;
	}
	return node;
}

static int compare_number(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void set_weight(struct seccomp_decisions *d, uint32_t number, uint32_t weight)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].number == number)
			d->items[i].weight = weight ? weight : 1;
}

static void weigh(const struct seccomp_policy *policy, const struct seccomp_arch *arch,
		  struct seccomp_decisions *d)
{
	for (size_t i = 0; i < policy->weights_count; i++) {
		struct seccomp_call call;
		find_call(policy, arch, policy->weights[i].name, &call);
		if (call.direct)
			set_weight(d, call.number, policy->weights[i].weight);
		if (call.multiplexed)
			set_weight(d, call.mux_number, policy->weights[i].weight);
	}
}

static int decide_all(struct collector *c, struct err *e)
{
	struct seccomp_decisions *out = c->out;
	struct seccomp_node *fallback = seccomp_tree_return(c->tree, c->policy->default_action);

	if (c->count)
		qsort(c->entries, c->count, sizeof *c->entries, compare_number);
	out->items = arena_new_array(c->tree->arena, c->count, struct seccomp_decision);
	if (!fallback || !out->items)
		return seccomp_rules_failed(c->tree, e);
	for (size_t i = 0, end; i < c->count; i = end) {
		uint32_t number = c->entries[i]->number;
		for (end = i + 1; end < c->count && c->entries[end]->number == number;)
			end++;
		struct seccomp_node *node = decide(c, c->entries + i, end - i, fallback);
		if (!node)
			return seccomp_rules_failed(c->tree, e);
		out->items[out->count++] = (struct seccomp_decision){ number, node, 1 };
	}
	weigh(c->policy, c->arch, out);
	return 0;
}

static int collect(struct collector *c, struct err *e)
{
	const struct seccomp_policy *policy = c->policy;

	*c->out = (struct seccomp_decisions){ 0 };
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct seccomp_rule *rule = &policy->rules[i];
		if (rule->arch && rule->arch != c->arch->token)
			continue;
		for (size_t j = 0; j < rule->names_count; j++)
			if (add_name(c, rule->names[j], rule, e) < 0)
				return -1;
	}
	return 0;
}

int seccomp_rules_decide(struct seccomp_tree *t, const struct seccomp_policy *policy,
			 const struct seccomp_arch *arch, struct seccomp_decisions *out,
			 struct err *e)
{
	struct collector c = { .tree = t, .policy = policy, .arch = arch, .out = out };

	return collect(&c, e) < 0 ? -1 : decide_all(&c, e);
}

/* ----------------------------------------------------------- as a list */

static int copy_trial(const struct collector *c, const struct entry *entry,
		      struct seccomp_trial *trial, struct err *e)
{
	trial->action = entry->action;
	trial->compares_count = entry->conditions_count;
	trial->compares =
		arena_new_array(c->tree->arena, entry->conditions_count, struct seccomp_compare);
	if (!trial->compares)
		return arena_check(c->tree->arena, e);
	for (size_t i = 0; i < entry->conditions_count; i++)
		seccomp_condition_raise(c->arch, &entry->conditions[i], &trial->compares[i]);
	return 0;
}

int seccomp_rules_list(const struct seccomp_policy *policy, const struct seccomp_arch *arch,
		       struct arena *arena, struct seccomp_trial **out, size_t *count,
		       struct err *e)
{
	struct seccomp_tree tree = { .arena = arena };
	struct seccomp_decisions unused;
	struct collector c = { .tree = &tree, .policy = policy, .arch = arch, .out = &unused };

	if (collect(&c, e) < 0)
		return -1;
	if (c.count)
		qsort(c.entries, c.count, sizeof *c.entries, compare_number);
	*count = 0;
	*out = arena_new_array(arena, c.count, struct seccomp_trial);
	if (!*out)
		return arena_check(arena, e);
	for (size_t i = 0, end; i < c.count; i = end) {
		uint32_t number = c.entries[i]->number;
		for (end = i + 1; end < c.count && c.entries[end]->number == number;)
			end++;
		size_t kept = arrange(policy, c.entries + i, end - i);
		/* What is left has at least one slot in the array for each of its entries. */
		for (size_t k = 0; k < (kept ? kept : 1); k++) {
			struct seccomp_trial *trial = &(*out)[(*count)++];
			*trial = (struct seccomp_trial){ .number = number,
							 .first = k == 0,
							 .action = policy->default_action };
			if (kept && copy_trial(&c, c.entries[i + k], trial, e) < 0)
				return -1;
		}
	}
	return 0;
}
