/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of minijail0: -S, --seccomp-bpf-binary, -s, and what -L and others make of them. */
#include <linux/seccomp.h>
#include <string.h>

#include "runtime/cli/minijail0.h"
#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif

/* What the kernel's mode 1 lets through. */
static const char strict_mode[] = "@default kill-process\n"
				  "read: 1\nwrite: 1\nexit: 1\nrt_sigreturn: 1\n";

/* What kills lets pass and is logged; an errno that a policy names stays one, as in minijail0. */
static int log_kills(struct policy *p, struct arena *a, struct err *e)
{
	struct seccomp_policy *s = &p->seccomp;
	struct seccomp_rule *rules = arena_new_array(a, s->rules_count + 1, struct seccomp_rule);

	if (!rules)
		return arena_check(a, e);
	for (size_t i = 0; i < s->rules_count; i++) {
		uint32_t action = s->rules[i].action & SECCOMP_RET_ACTION_FULL;
		rules[i] = s->rules[i];
		if (action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD ||
		    action == SECCOMP_RET_TRAP)
			rules[i].action = SECCOMP_RET_LOG;
	}
	s->rules = rules;
	s->enosys_above = false;
	return 0;
}

static int load(const struct minijail *m, const struct minijail_made *made, struct arena *a,
		struct policy *p, struct err *e)
{
	struct policy_options options = {
		.default_set = m->log,
		.default_action = SECCOMP_RET_LOG,
		.skip_unknown = m->log,
	};
	const char *path = made->policy;

	if (m->strict_mode)
		return policy_parse("-s", strict_mode, strlen(strict_mode), &options, a, p, e);
	/* Always a file: what has no slash would be a policy of husk's own. */
	if (!strchr(path, '/'))
		path = arena_format(a, "./%s", path);
	if (!path)
		return arena_check(a, e);
	if (policy_load(path, &options, a, p, e) < 0)
		return -1;
	if (made->policy_binary && p->kind != POLICY_BPF)
		return err_config(e,
				  "--seccomp-bpf-binary %s: is no BPF program: its size is not a "
				  "multiple of 8 bytes, or it is a text (-S)",
				  path);
	return m->log && p->kind != POLICY_BPF ? log_kills(p, a, e) : 0;
}

int minijail0_filter_make(const struct minijail *m, const struct minijail_made *made,
			  struct arena *a, struct plan_filter **filter, struct err *e)
{
	struct plan_filter *f = arena_new(a, struct plan_filter);
	struct policy *p = arena_new(a, struct policy);
	struct seccomp_program program;
	struct policy_cache cache;

	*filter = NULL;
	if (!f || !p)
		return arena_check(a, e);
	if (!made->policy && !m->strict_mode)
		return 0;
	if (load(m, made, a, p, e) < 0)
		return -1;
	if (policy_cache_usual(&cache, a, e) < 0 ||
	    policy_program_cached(p, &cache, a, &program, e) < 0)
		return -1;
	if (seccomp_compile_notifies(program.code, program.count))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: asks somebody about calls (user-notify), and there is nobody",
			       p->path ? p->path : "-s");
	*f = (struct plan_filter){
		.code = program.code,
		.count = program.count,
		.flags = m->speculation ? SECCOMP_FILTER_FLAG_SPEC_ALLOW : 0,
	};
	*filter = f;
	return 0;
}
