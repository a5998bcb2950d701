/* SPDX-License-Identifier: Apache-2.0 */
/* What spec.sandbox asks for: the process that reaps, Landlock after the mounts, processors. */
#include <string.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"

/* The mount is writable, so Landlock has to let it be. Nothing that is only made in another one is.
 */
static bool is_writable(const struct plan_mount *m)
{
	switch (m->kind) {
	case PLAN_MOUNT_NEW:
	case PLAN_MOUNT_OVERLAY:
		return !(m->ms_flags & MS_RDONLY);
	case PLAN_MOUNT_BIND:
		return !((m->attrs.set | m->rec_attrs.set) & MOUNT_ATTR_RDONLY);
	default:
		return false;
	}
}

static int plan_landlock(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct plan_rootfs *rootfs = &plan->rootfs;
	struct plan_landlock *l = &plan->landlock;

	l->version = r->host->landlock;
	l->root_writable = !rootfs->readonly;
	l->ports_limited = r->spec->sandbox->network.ports_limited && l->version >= 4;
	l->ports = r->spec->sandbox->network.ports;
	l->ports_count = r->spec->sandbox->network.ports_count;
	l->writable = arena_new_array(r->arena, rootfs->mounts_count + 1, const char *);
	if (!l->writable)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < rootfs->mounts_count; i++) {
		if (is_writable(&rootfs->mounts[i]))
			l->writable[l->writable_count++] = rootfs->mounts[i].destination;
	}
	return 0;
}

static int plan_cpus(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct bit_set *cpus = &r->spec->sandbox->cpus;
	const size_t bits = sizeof(unsigned long) * 8;

	if (!cpus->word_count)
		return 0;
	struct cred_set *set = arena_new(r->arena, struct cred_set);
	if (!set)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < cpus->word_count && i < CRED_SET_WORDS; i++) {
		set->words[i] = cpus->words[i];
		if (cpus->words[i])
			set->highest = (unsigned)(i * bits + bits - 1 -
						  (size_t)__builtin_clzl(cpus->words[i]));
	}
	plan->process.affinity_final = set;
	return 0;
}

/* Only files: the rules say nothing of signals and sockets. */
static int plan_rules(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_sandbox *s = r->spec->sandbox;
	struct plan_landlock *l = &plan->landlock;
	struct plan_landlock_rule *rules =
		arena_new_array(r->arena, s->landlock_rules_count, struct plan_landlock_rule);

	if (!rules)
		return arena_check(r->arena, e);
	if (!r->host->landlock)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "Landlock: this kernel has none, or it was not enabled at boot "
			       "(lsm=landlock,...)");
	for (size_t i = 0; i < s->landlock_rules_count; i++) {
		const struct spec_landlock_rule *from = &s->landlock_rules[i];
		rules[i] = (struct plan_landlock_rule){ from->path, from->access, from->optional };
	}
	l->rules = rules;
	l->rules_count = s->landlock_rules_count;
	l->version = (int)s->landlock_version;
	if (l->version > r->host->landlock)
		l->version = r->host->landlock;
	return 0;
}

static bool plan_has_own_view(const struct plan *plan)
{
	return plan->rootfs.path || plan->rootfs.tmpfs_data;
}

static void plan_inherited(const struct spec_sandbox *s, struct plan *plan)
{
	const struct spec_inherit *i = &s->inherit;
	struct plan_process *p = &plan->process;

	if (i->uid)
		p->uid = UINT32_MAX;
	if (i->gid)
		p->gid = UINT32_MAX;
	/* By its name, where other mounts may have covered it. */
	p->cwd_or_root = i->directory;
	if (i->directory && !plan_has_own_view(plan))
		p->cwd = NULL;
	if (i->capabilities)
		p->caps_set = false;
	if (i->signals)
		p->reset_signals = 0;
	p->same_session = i->session;
	p->securebits = s->securebits;
	p->kept_fds = s->kept_fds;
	p->kept_fds_count = s->kept_fds_count;
}

/* The program is looked for by its name as ever. */
static int plan_argv0(const struct plan_request *r, struct plan_process *p, struct err *e)
{
	char *name = r->spec->sandbox->argv0;
	size_t count = 0;

	if (!name || !p->args[0])
		return 0;
	while (p->args[count])
		count++;
	char **args = arena_new_array(r->arena, count + 1, char *);
	if (!args)
		return arena_check(r->arena, e);
	memcpy(args, p->args, count * sizeof *args);
	p->program = args[0];
	args[0] = name;
	p->args = args;
	return 0;
}

static void plan_network(const struct spec_sandbox_network *from, struct plan_network *n)
{
	n->pasta = (const char *const *)from->pasta;
	n->publish = from->publish;
	n->publish_count = from->publish_count;
	n->nft = from->nft;
	n->rules = from->rules;
	n->veth = from->veth;
	n->used = n->pasta || n->rules || n->veth;
}

int plan_sandbox_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_sandbox *s = r->spec->sandbox;

	plan->process.reaper = s->reaper;
	plan->process.die_with_parent = s->die_with_parent;
	plan->process.held_fd = s->held_fd;
	plan->lock_files = s->lock_files;
	plan_network(&s->network, &plan->network);
	if (plan_gate_make(r, plan, e) < 0)
		return -1;
	plan_inherited(s, plan);
	if (plan_argv0(r, &plan->process, e) < 0)
		return -1;
	if (s->landlock_rules_count)
		return plan_rules(r, plan, e) < 0 ? -1 : plan_cpus(r, plan, e);
	if (s->landlock && r->host->landlock && plan_landlock(r, plan, e) < 0)
		return -1;
	return plan_cpus(r, plan, e);
}
