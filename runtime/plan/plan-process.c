/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/ioprio.h>
#include <string.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

static bool env_has(const struct str_list *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, n) == 0 && env->items[i][n] == '=')
			return true;
	}
	return false;
}

/* The environment as asked for, with room for what only init can fill in ("HOME=", "LISTEN_PID="). */
static int make_env(const struct plan_request *r, const struct spec_process *s, struct plan *plan,
		    struct err *e)
{
	struct plan_process *p = &plan->process;
	size_t count = 0;

	p->env = arena_new_array(r->arena, s->env.count + 8, char *);
	if (!p->env)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < s->env.count; i++)
		p->env[count++] = s->env.items[i];
	const struct spec_sandbox *sandbox = r->spec ? r->spec->sandbox : NULL;
	if (!env_has(&s->env, "HOME") && !(sandbox && sandbox->inherit.environment)) {
		p->set_home = true;
		p->env[count++] = arena_strdup(r->arena, "HOME=");
	}
	if (r->listen_fds) {
		p->listen_fds = true;
		p->env[count++] = arena_format(r->arena, "LISTEN_FDS=%u", r->listen_fds);
		p->env[count++] = arena_strdup(r->arena, "LISTEN_PID=");
	}
	if (plan->notify_socket)
		p->env[count++] = arena_format(r->arena, "NOTIFY_SOCKET=%s", plan->notify_socket);
	return arena_check(r->arena, e);
}

static int make_groups(const struct plan_request *r, const struct spec_process *s,
		       struct plan *plan, struct err *e)
{
	struct plan_process *p = &plan->process;
	const struct spec_user *u = &s->user;
	/* A user namespace below one that denies denies, too (user_namespaces(7)). */
	bool denied = plan->namespaces.setgroups_deny || r->host->setgroups_denied;

	p->groups = u->additional_gids;
	p->groups_count = u->additional_gids_count;
	p->groups_mode = CRED_GROUPS_SET;
	if (r->spec && r->spec->extensions.keep_original_groups)
		p->groups_mode = CRED_GROUPS_KEEP;
	else if (denied ||
		 !(host_has_cap(r->host, CAP_SETGID) || plan->namespaces.types & CLONE_NEWUSER))
		p->groups_mode = CRED_GROUPS_DENIED;
	if (p->groups_mode == CRED_GROUPS_DENIED && p->groups_count)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"process.user.additionalGids: this user namespace denies setgroups(2); "
			"map groups with newgidmap (/etc/subgid), or leave them out");
	return 0;
}

static int make_caps(const struct plan_request *r, const struct spec_process *s, bool in_user_ns,
		     struct plan *plan, struct err *e)
{
	struct plan_process *p = &plan->process;
	char names[1024];
	uint64_t known = r->host->caps_known;
	struct cred_caps all = { known, known, known, 0, 0 };

	(void)e;
	p->caps_set = true;
	p->caps_held = in_user_ns ? all : r->host->caps;
	if (s->capabilities)
		p->caps = (struct cred_caps){
			.bounding = s->capabilities->bounding,
			.effective = s->capabilities->effective,
			.permitted = s->capabilities->permitted,
			.inheritable = s->capabilities->inheritable,
			.ambient = s->capabilities->ambient,
		};
	uint64_t missing = cred_caps_clamp(&p->caps, &p->caps_held, known);
	/* What only contradicts itself (ambient without inheritable) was never going to be there. */
	missing &= ~(p->caps_held.permitted & p->caps_held.bounding & known);
	if (missing) {
		cred_caps_print(missing, names, sizeof names);
		plan_warn(plan,
			  "process.capabilities: not granted, because the caller does not have "
			  "them: %s",
			  names);
	}
	return 0;
}

static int copy_set(const struct plan_request *r, const struct bit_set *from, struct cred_set **to,
		    struct err *e)
{
	const size_t bits = sizeof(unsigned long) * 8;

	if (!from->word_count)
		return 0;
	*to = arena_new(r->arena, struct cred_set);
	if (!*to)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < from->word_count && i < CRED_SET_WORDS; i++) {
		(*to)->words[i] = from->words[i];
		if (from->words[i])
			(*to)->highest = (unsigned)(i * bits + bits - 1 -
						    (size_t)__builtin_clzl(from->words[i]));
	}
	return 0;
}

static int make_scheduling(const struct plan_request *r, const struct spec_process *s,
			   struct plan_process *p, struct err *e)
{
	if (s->scheduler) {
		p->scheduler = arena_new(r->arena, struct cred_sched);
		if (!p->scheduler)
			return arena_check(r->arena, e);
		*p->scheduler = (struct cred_sched){
			.policy = (uint32_t)s->scheduler->policy,
			.flags = s->scheduler->flags,
			.nice = s->scheduler->nice.value,
			.priority = (uint32_t)s->scheduler->priority.value,
			.runtime_nsec = s->scheduler->runtime_nsec,
			.deadline_nsec = s->scheduler->deadline_nsec,
			.period_nsec = s->scheduler->period_nsec,
		};
		if (cred_sched_check(p->scheduler, e) < 0)
			return err_prefix(e, "process.scheduler");
	}
	if (s->io_priority) {
		p->ioprio_class = s->io_priority->class;
		p->ioprio_priority = s->io_priority->priority;
	}
	return 0;
}

static int make_memory_policy(const struct plan_request *r, struct plan_process *p, struct err *e)
{
	const struct spec_memory_policy *m = r->spec ? r->spec->linux_config->memory_policy : NULL;
	struct cred_set *nodes = NULL;

	if (!m)
		return 0;
	p->mempolicy = arena_new(r->arena, struct cred_mempolicy);
	if (!p->mempolicy || copy_set(r, &m->nodes, &nodes, e) < 0)
		return arena_check(r->arena, e);
	p->mempolicy->mode = m->mode;
	p->mempolicy->flags = m->flags;
	p->mempolicy->has_nodes = nodes != NULL;
	if (nodes)
		p->mempolicy->nodes = *nodes;
	if (cred_mempolicy_check(p->mempolicy, e) < 0)
		return err_prefix(e, "linux.memoryPolicy");
	return 0;
}

static int make_rlimits(const struct plan_request *r, const struct spec_process *s,
			struct plan_process *p, struct err *e)
{
	p->rlimits = arena_new_array(r->arena, s->rlimits_count + 1, struct plan_rlimit);
	if (!p->rlimits)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < s->rlimits_count; i++)
		p->rlimits[i] = (struct plan_rlimit){ s->rlimits[i].resource,
						      { s->rlimits[i].soft, s->rlimits[i].hard } };
	p->rlimits_count = s->rlimits_count;
	return 0;
}

int plan_process_make(const struct plan_request *r, const struct spec_process *s, bool in_user_ns,
		      struct plan *plan, struct err *e)
{
	struct plan_process *p = &plan->process;

	p->args = s->args.items;
	p->cwd = s->cwd;
	p->uid = s->user.uid;
	p->gid = s->user.gid;
	p->umask_set = s->user.umask.set;
	p->umask = s->user.umask.value;
	p->no_new_privs = s->no_new_privileges;
	p->oom_score_adj = s->oom_score_adj;
	if (r->spec && r->spec->linux_config->personality.set)
		p->personality = (struct opt_u64){ true, r->spec->linux_config->personality.value };
	if (s->apparmor_profile && r->host->apparmor)
		p->apparmor_profile = s->apparmor_profile;
	p->selinux_label = s->selinux_label;
	p->terminal = s->terminal;
	if (s->terminal && s->console_size) {
		p->console_rows = s->console_size->height_rows;
		p->console_columns = s->console_size->width_columns;
	}
	p->new_keyring = !r->no_new_keyring;
	p->preserve_fds = r->preserve_fds + r->listen_fds;
	p->filter = r->filter;
	p->reset_signals = r->host->ignored_signals;
	if (make_env(r, s, plan, e) < 0 || make_groups(r, s, plan, e) < 0 ||
	    make_caps(r, s, in_user_ns, plan, e) < 0 || make_scheduling(r, s, p, e) < 0 ||
	    make_memory_policy(r, p, e) < 0 || make_rlimits(r, s, p, e) < 0)
		return -1;
	if (s->exec_cpu_affinity &&
	    (copy_set(r, &s->exec_cpu_affinity->initial, &p->affinity_initial, e) < 0 ||
	     copy_set(r, &s->exec_cpu_affinity->final, &p->affinity_final, e) < 0))
		return -1;
	return arena_check(r->arena, e);
}
