/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-filter.h"

#include <linux/seccomp.h>
#include <string.h>

#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"

static uint32_t supervised(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	return kind == SECCOMP_RET_KILL_PROCESS || kind == SECCOMP_RET_KILL_THREAD
		       ? SECCOMP_RET_USER_NOTIF
		       : action;
}

/* Rules are the policy's own: those that change are in a copy. */
static int supervise(struct policy *p, struct arena *a, struct err *e)
{
	struct seccomp_policy *s = &p->seccomp;
	struct seccomp_rule *rules = arena_new_array(a, s->rules_count + 1, struct seccomp_rule);

	if (!rules)
		return arena_check(a, e);
	if (s->rules_count)
		memcpy(rules, s->rules, s->rules_count * sizeof *rules);
	for (size_t i = 0; i < s->rules_count; i++)
		rules[i].action = supervised(rules[i].action);
	s->rules = rules;
	s->default_action = supervised(s->default_action);
	/* 0 is to kill. */
	s->bad_arch_action =
		s->bad_arch_action ? supervised(s->bad_arch_action) : SECCOMP_RET_USER_NOTIF;
	return 0;
}

static bool is_none(const struct sandbox *s)
{
	return s->policy && text_equal(s->policy, "none");
}

static bool is_default(const struct sandbox *s)
{
	return !s->policy || text_equal(s->policy, "default");
}

/* Under the entry gate the kernel kills: a listener could not get out of the program. */
static bool is_reported(const struct sandbox *s)
{
	return s->report && !s->no_report && s->gate != SANDBOX_GATE_ENTRY;
}

/* What is refused in any case comes first, and of several rules for a call the first that fits
 * decides. */
static int refuse_more(struct policy *p, const char *text, struct arena *a, struct err *e)
{
	struct policy_options options = { .archs = p->seccomp.archs,
					  .archs_count = p->seccomp.archs_count };
	struct policy more;
	size_t count = 0;

	if (p->kind != POLICY_TEXT)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: what options refuse cannot be added to this kind of policy "
			       "(\"husk policy convert\" makes a text of an OCI profile)",
			       p->path);
	if (policy_parse("options of husk sandbox", text, strlen(text), &options, a, &more, e) < 0)
		return -1;
	struct seccomp_rule *rules =
		arena_new_array(a, more.seccomp.rules_count + p->seccomp.rules_count + 1,
				struct seccomp_rule);
	if (!rules)
		return arena_check(a, e);
	for (size_t i = 0; i < more.seccomp.rules_count; i++) {
		if (more.seccomp.rules[i].action != SECCOMP_RET_ALLOW)
			rules[count++] = more.seccomp.rules[i];
	}
	if (p->seccomp.rules_count)
		memcpy(rules + count, p->seccomp.rules, p->seccomp.rules_count * sizeof *rules);
	p->seccomp.rules = rules;
	p->seccomp.rules_count += count;
	return 0;
}

/* The policy that the rest is added to: what is allowed where there is none is everything. */
static int load(const struct sandbox *s, struct arena *a, struct policy *p, struct err *e)
{
	static const char nothing[] = "@denylist\n";

	if (is_default(s))
		return policy_load_default(NULL, a, p, e);
	if (is_none(s))
		return policy_parse("none", nothing, sizeof nothing - 1, NULL, a, p, e);
	return policy_load(s->policy, NULL, a, p, e);
}

static int compile(const struct sandbox *s, const char *more, const struct policy_cache *cache,
		   struct arena *a, struct seccomp_program *program, struct err *e)
{
	struct policy *p = arena_new(a, struct policy);

	if (!p)
		return arena_check(a, e);
	if (load(s, a, p, e) < 0 || (more && refuse_more(p, more, a, e) < 0))
		return -1;
	if (p->kind != POLICY_BPF && is_reported(s) && supervise(p, a, e) < 0)
		return -1;
	return cache ? policy_program_cached(p, cache, a, program, e)
		     : policy_program(p, a, program, e);
}

/* Found by its text, so that most starts do not even read it. */
static int make_default(const struct sandbox *s, const char *more, const struct policy_cache *cache,
			struct arena *a, struct seccomp_program *program, struct err *e)
{
	struct seccomp_cache_key key;
	size_t length, extra = more ? strlen(more) : 0;
	const char *bytes = policy_builtin_bytes(&length);
	char *content = arena_alloc(a, length + extra + 1);

	if (!content)
		return arena_check(a, e);
	memcpy(content, bytes, length);
	if (more)
		memcpy(content + length, more, extra);
	content[length + extra] = (char)is_reported(s);
	if (seccomp_cache_key(a, content, length + extra + 1, &key, e) < 0)
		return -1;
	if (policy_cache_find(cache, &key, a, program))
		return 0;
	if (compile(s, more, NULL, a, program, e) < 0)
		return -1;
	policy_cache_keep(cache, &key, program);
	return 0;
}

int sandbox_filter_make(const struct sandbox *s, struct arena *a, struct plan_filter **filter,
			struct err *e)
{
	const char *more = sandbox_protect_policy(s, a);
	struct plan_filter *f = arena_new(a, struct plan_filter);
	struct seccomp_program program;
	struct policy_cache cache;

	*filter = NULL;
	if (is_none(s) && !more)
		return arena_check(a, e);
	if (!f)
		return arena_check(a, e);
	if (policy_cache_usual(&cache, a, e) < 0)
		return -1;
	int made = is_default(s) ? make_default(s, more, &cache, a, &program, e)
				 : compile(s, more, &cache, a, &program, e);
	if (made < 0)
		return -1;
	bool notifies = seccomp_compile_notifies(program.code, program.count);
	*f = (struct plan_filter){
		.code = program.code,
		.count = program.count,
		.notify = notifies,
		/* Whoever notifies is asked of the supervisor, which refuses. */
		.supervised = notifies,
	};
	*filter = f;
	return 0;
}
