/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy-export.h"

#include <errno.h>
#include <string.h>

#include "runtime/policy/policy-region.h"
#include "runtime/spec/spec-names.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-rules.h"

/* More than one profile needs; a call can have POLICY_PRODUCTS_MAX of them. */
#define RULES_MAX 20000u

struct exporter {
	const struct policy *policy;
	struct arena *arena;
	struct seccomp_rule *rules;
	size_t count;
	const char **done; /* names */
	size_t done_count, done_room;
};

static int add_rule(struct exporter *x, const char *name, uint32_t action,
		    const struct policy_product *product, struct err *e)
{
	const char **names = arena_new_array(x->arena, 1, const char *);
	struct seccomp_compare *compares =
		arena_new_array(x->arena, SECCOMP_ARGUMENTS, struct seccomp_compare);

	if (!names || !compares)
		return arena_check(x->arena, e);
	if (x->count == RULES_MAX)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: an OCI profile would need too many rules", x->policy->path);
	struct seccomp_rule *rule = &x->rules[x->count++];
	*names = name;
	*rule = (struct seccomp_rule){ .names = names, .names_count = 1, .action = action };
	rule->compares = compares;
	for (size_t i = 0; product && i < SECCOMP_ARGUMENTS; i++)
		if (product->compares[i].op)
			compares[rule->compares_count++] = product->compares[i];
	return 0;
}

/* The trials of one call, of which there are @count. */
static int export_call(struct exporter *x, const char *name, const struct seccomp_trial *trials,
		       size_t count, bool wide, struct err *e)
{
	uint32_t fallback = x->policy->seccomp.default_action;
	struct policy_region rest;
	size_t before = x->count;

	policy_region_init(x->arena, &rest);
	for (size_t i = 0; i < count; i++) {
		struct policy_region yes = { 0 }, no = { 0 };
		policy_region_split(x->arena, &rest, trials[i].compares, trials[i].compares_count,
				    wide, &yes, &no);
		if (yes.failed || no.failed)
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "%s: what it says about %s is too much for an OCI profile",
				       x->policy->path, name);
		for (size_t k = 0; k < yes.count && trials[i].action != fallback; k++)
			if (add_rule(x, name, trials[i].action, &yes.products[k], e) < 0)
				return -1;
		rest = no;
	}
	/* It counts as known, and is not newer than the profile. */
	return x->count == before ? add_rule(x, name, fallback, NULL, e) : 0;
}

static bool is_done(struct exporter *x, const char *name)
{
	for (size_t i = 0; i < x->done_count; i++)
		if (text_equal(x->done[i], name))
			return true;
	return false;
}

static int mark_done(struct exporter *x, const char *name, struct err *e)
{
	if (x->done_count == x->done_room) {
		size_t room = x->done_room ? x->done_room * 2 : 256;
		const char **more = arena_new_array(x->arena, room, const char *);
		if (!more)
			return arena_check(x->arena, e);
		if (x->done_count)
			memcpy(more, x->done, x->done_count * sizeof *more);
		x->done = more;
		x->done_room = room;
	}
	x->done[x->done_count++] = name;
	return 0;
}

/* The calls of @arch that no architecture before it had: a profile's rules are for all of them. */
static int export_arch(struct exporter *x, const struct seccomp_arch *arch, struct err *e)
{
	struct seccomp_trial *trials;
	char buffer[64];
	size_t count;

	if (seccomp_rules_list(&x->policy->seccomp, arch, x->arena, &trials, &count, e) < 0)
		return -1;
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && !trials[end].first;)
			end++;
		if (seccomp_names_of(arch, trials[i].number, buffer, sizeof buffer) < 0)
			return err_set(
				e, ERR_UNSUPPORTED, 0,
				"%s: call %u of %s has no name that an OCI profile could use",
				x->policy->path, trials[i].number, arch->name);
		if (is_done(x, buffer))
			continue;
		const char *name = arena_strdup(x->arena, buffer);
		if (!name || mark_done(x, name, e) < 0)
			return arena_check(x->arena, e);
		if (export_call(x, name, trials + i, end - i, arch->wide, e) < 0)
			return -1;
	}
	return 0;
}

int policy_export_oci(const struct policy *p, struct arena *arena, struct seccomp_policy *out,
		      struct err *e)
{
	struct exporter x = { .policy = p, .arena = arena };

	x.rules = arena_new_array(arena, RULES_MAX, struct seccomp_rule);
	if (!x.rules)
		return arena_check(arena, e);
	for (size_t i = 0; i < p->seccomp.archs_count; i++)
		if (export_arch(&x, seccomp_names_arch(p->seccomp.archs[i]), e) < 0)
			return -1;
	*out = (struct seccomp_policy){
		.default_action = p->seccomp.default_action,
		.order = SECCOMP_ORDER_LIBSECCOMP,
		.enosys_above = p->seccomp.default_action == (SECCOMP_RET_ERRNO | EPERM),
		.archs = p->seccomp.archs,
		.archs_count = p->seccomp.archs_count,
		.rules = x.rules,
		.rules_count = x.count,
	};
	return 0;
}

/* ---------------------------------------------------------------- print */

static void print_action(struct json_writer *w, const char *key, const char *errno_key,
			 uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	json_write_string(w, key, json_enum_name(&spec_seccomp_actions, kind));
	if (kind == SECCOMP_RET_ERRNO || kind == SECCOMP_RET_TRACE)
		json_write_u64(w, errno_key, action & SECCOMP_RET_DATA);
}

static void print_rule(struct json_writer *w, const struct seccomp_rule *rules, size_t count)
{
	json_write_object_begin(w, NULL);
	json_write_array_begin(w, "names");
	for (size_t i = 0; i < count; i++)
		json_write_string(w, NULL, rules[i].names[0]);
	json_write_array_end(w);
	print_action(w, "action", "errnoRet", rules->action);
	if (rules->compares_count)
		json_write_array_begin(w, "args");
	for (size_t i = 0; i < rules->compares_count; i++) {
		const struct seccomp_compare *c = &rules->compares[i];
		json_write_object_begin(w, NULL);
		json_write_u64(w, "index", c->index);
		json_write_u64(w, "value", c->value);
		if (c->op == SECCOMP_OP_MASKED_EQ)
			json_write_u64(w, "valueTwo", c->value_two);
		json_write_string(w, "op", json_enum_name(&spec_seccomp_ops, c->op));
		json_write_object_end(w);
	}
	if (rules->compares_count)
		json_write_array_end(w);
	json_write_object_end(w);
}

void policy_export_print(struct json_writer *w, const struct seccomp_policy *p)
{
	json_write_object_begin(w, NULL);
	print_action(w, "defaultAction", "defaultErrnoRet", p->default_action);
	json_write_array_begin(w, "architectures");
	for (size_t i = 0; i < p->archs_count; i++)
		json_write_string(w, NULL, seccomp_names_arch(p->archs[i])->oci_name);
	json_write_array_end(w);
	json_write_array_begin(w, "syscalls");
	for (size_t i = 0, end; i < p->rules_count; i = end) {
		const struct seccomp_rule *rule = &p->rules[i];
		/* Neighbours without conditions go together. */
		for (end = i + 1; end < p->rules_count && !rule->compares_count &&
				  !p->rules[end].compares_count &&
				  p->rules[end].action == rule->action;)
			end++;
		print_rule(w, rule, end - i);
	}
	json_write_array_end(w);
	json_write_object_end(w);
}
