/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan/plan-print.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/plan/plan-printer.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/net/net-veth.h"

/* ---- bits by name ---- */

struct bit_name {
	uint64_t bit;
	const char *name;
};

#define NAMES(table) (table), sizeof(table) / sizeof *(table)

static const struct bit_name namespace_names[] = {
	{ CLONE_NEWUSER, "user" },     { CLONE_NEWPID, "pid" },   { CLONE_NEWNS, "mount" },
	{ CLONE_NEWNET, "network" },   { CLONE_NEWIPC, "ipc" },   { CLONE_NEWUTS, "uts" },
	{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
};

static const struct bit_name ms_names[] = {
	{ MS_RDONLY, "ro" },
	{ MS_NOSUID, "nosuid" },
	{ MS_NODEV, "nodev" },
	{ MS_NOEXEC, "noexec" },
	{ MS_SYNCHRONOUS, "sync" },
	{ MS_MANDLOCK, "mand" },
	{ MS_DIRSYNC, "dirsync" },
	{ MS_NOATIME, "noatime" },
	{ MS_NODIRATIME, "nodiratime" },
	{ MS_RELATIME, "relatime" },
	{ MS_STRICTATIME, "strictatime" },
	{ MS_LAZYTIME, "lazytime" },
	{ MS_SILENT, "silent" },
	{ MS_I_VERSION, "iversion" },
	{ MS_NOSYMFOLLOW, "nosymfollow" },
};

static const struct bit_name propagation_names[] = {
	{ MS_REC, "recursive" },   { MS_SHARED, "shared" },         { MS_SLAVE, "slave" },
	{ MS_PRIVATE, "private" }, { MS_UNBINDABLE, "unbindable" },
};

static const struct bit_name attr_names[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },
	{ MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NOATIME, "noatime" },
	{ MOUNT_ATTR_STRICTATIME, "strictatime" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" },
	{ MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow" },
};

/* Unknown bits as a number: nothing is left out. */
static void bits(struct printer *p, const struct bit_name *names, size_t count, uint64_t value)
{
	const char *comma = "";

	for (size_t i = 0; i < count; i++) {
		if (!(value & names[i].bit))
			continue;
		printer_say(p, "%s%s", comma, names[i].name);
		comma = ",";
		value &= ~names[i].bit;
	}
	if (value)
		printer_say(p, "%s0x%llx", comma, (unsigned long long)value);
}

static void bits_line(struct printer *p, const char *what, const struct bit_name *names,
		      size_t count, uint64_t value)
{
	if (!value)
		return;
	printer_say(p, "  %s: ", what);
	bits(p, names, count, value);
	printer_say(p, "\n");
}

/* ---- namespaces ---- */

static void print_namespaces(struct printer *p, const struct plan_namespaces *ns)
{
	printer_say(p, "namespaces\n");
	printer_flag(p, ns->middle, "by a process in the middle");
	bits_line(p, "new with the clone", NAMES(namespace_names), ns->clone_flags);
	bits_line(p, "new by init at first", NAMES(namespace_names), ns->early_flags);
	bits_line(p, "new later", NAMES(namespace_names), ns->late_flags);
	for (size_t i = 0; i < ns->joins_count; i++) {
		printer_say(p, "  join ");
		bits(p, NAMES(namespace_names), ns->joins[i].type);
		printer_say(p, ": ");
		printer_text(p, ns->joins[i].path);
		printer_say(p, "\n");
	}
	printer_line(p, "uid map", ns->uid_map);
	printer_line(p, "gid map", ns->gid_map);
	printer_flag(p, ns->map_by_tools, "maps written by newuidmap and newgidmap");
	printer_flag(p, ns->setgroups_deny, "setgroups denied");
	printer_line(p, "time offsets", ns->time_offsets);
}

/* ---- root and mounts ---- */

static void attrs(struct printer *p, const char *what, const struct mount_attrs *a)
{
	if (!a->set && !a->clear && !a->propagation)
		return;
	printer_say(p, ", %s", what);
	if (a->set)
		printer_say(p, " +");
	bits(p, NAMES(attr_names), a->set);
	/* Both bits of the mode are cleared whichever was asked for (mount_setattr(2)). */
	if (a->clear & MOUNT_ATTR__ATIME)
		printer_say(p, " -atime");
	if (a->clear & ~(uint64_t)MOUNT_ATTR__ATIME)
		printer_say(p, " -");
	bits(p, NAMES(attr_names), a->clear & ~(uint64_t)MOUNT_ATTR__ATIME);
	if (a->propagation)
		printer_say(p, " ");
	bits(p, NAMES(propagation_names), a->propagation);
}

static void line_part(struct printer *p, const char *what, const char *text)
{
	printer_say(p, "%s", what);
	printer_text(p, text);
}

static void print_mount_source(struct printer *p, const struct plan_mount *m)
{
	static const char *const kinds[] = {
		[PLAN_MOUNT_NEW] = "new",
		[PLAN_MOUNT_BIND] = "bind",
		[PLAN_MOUNT_REMOUNT] = "remount",
		[PLAN_MOUNT_PROPAGATE] = "propagation only",
		[PLAN_MOUNT_CGROUP_V1] = "cgroup v1 hierarchies",
		[PLAN_MOUNT_SYMLINK] = "copy of a symlink",
		[PLAN_MOUNT_OVERLAY] = "overlay",
		[PLAN_MAKE_DIRECTORY] = "directory",
		[PLAN_MAKE_FILE] = "file",
		[PLAN_MAKE_DATA] = "data",
		[PLAN_MAKE_LINK] = "link",
		[PLAN_MAKE_MODE] = "change of mode",
	};

	printer_say(p, "%s%s", m->recursive ? "recursive " : "", kinds[m->kind]);
	if (m->kind == PLAN_MOUNT_NEW)
		printer_say(p, " %s", m->fstype);
	if (m->kind == PLAN_MAKE_LINK)
		line_part(p, " to ", m->content);
	else if (m->kind == PLAN_MAKE_FILE || m->kind == PLAN_MAKE_DATA)
		printer_say(p, " of %zu bytes", m->content_bytes);
	if (m->mode_set)
		printer_say(p, ", mode %04o", (unsigned)m->mode);
	if (m->overlay_memory)
		printer_say(p, ", changes in memory (%s)", m->overlay_memory);
	if (m->source) {
		printer_say(p, " of ");
		printer_text(p, m->source);
	}
	if (m->parent_source)
		printer_say(p, ", cloned by the parent");
	if (m->idmap_uid) {
		printer_say(p, ", id-mapped");
		printer_say(p, "%s uid ", m->idmap_recursive ? " recursively" : "");
		printer_text(p, m->idmap_uid);
		printer_say(p, " gid ");
		printer_text(p, m->idmap_gid);
	}
	if (m->idmap_container)
		printer_say(p, ", id-mapped%s as the container",
			    m->idmap_recursive ? " recursively" : "");
	if (m->source_nofollow)
		printer_say(p, ", source not followed");
}

static void print_mount(struct printer *p, const struct plan_mount *m)
{
	printer_say(p, "  ");
	printer_text(p, m->destination);
	printer_say(p, ": ");
	print_mount_source(p, m);
	if (m->ms_flags)
		printer_say(p, ", flags ");
	bits(p, NAMES(ms_names), m->ms_flags);
	if (m->data) {
		printer_say(p, ", data ");
		printer_text(p, m->data);
	}
	attrs(p, "attributes", &m->attrs);
	attrs(p, "recursively", &m->rec_attrs);
	for (size_t i = 0; i < m->propagation_count; i++) {
		printer_say(p, ", then ");
		bits(p, NAMES(propagation_names), m->propagation[i]);
	}
	if (m->source_held)
		printer_say(p, ", if it still is what was opened");
	if (m->dest_nofollow)
		printer_say(p, ", destination not followed");
	if (m->tmpcopyup)
		printer_say(p, ", with a copy of what it covers");
	if (m->fallback_source)
		printer_say(p, ", or else %s of the host", m->fallback_source);
	if (m->fallback_data)
		printer_say(p, ", or else data %s", *m->fallback_data ? m->fallback_data : "none");
	printer_say(p, "\n");
}

static void print_root(struct printer *p, const struct plan_rootfs *r)
{
	printer_say(p, "root\n");
	printer_line(p, "path", r->path);
	printer_line(p, "new tmpfs", r->tmpfs_data);
	printer_flag(p, r->parent_source, "cloned by the parent");
	bits_line(p, "recursively", NAMES(attr_names), r->tree_attrs);
	printer_flag(p, r->readonly, "read-only");
	printer_flag(p, r->no_pivot, "moved, not pivoted");
	bits_line(p, "propagation", NAMES(propagation_names), r->propagation);
	printer_line(p, "label", r->mount_label);
	if (r->mounts_count)
		printer_say(p, "mounts\n");
	for (size_t i = 0; i < r->mounts_count; i++) {
		if (i == r->cgroup_mount_index)
			printer_say(p, "  (from here on in its cgroups)\n");
		print_mount(p, &r->mounts[i]);
	}
	printer_list(p, "read-only path", r->readonly_paths.items, r->readonly_paths.count);
	printer_list(p, "masked path", r->masked_paths.items, r->masked_paths.count);
}

static void print_devices(struct printer *p, const struct plan_rootfs *r)
{
	if (r->devices_count || r->symlinks_count)
		printer_say(p, "devices\n");
	for (size_t i = 0; i < r->devices_count; i++) {
		const struct plan_device *d = &r->devices[i];
		printer_say(p, "  %s: %s %c %u:%u %04o", d->path, d->bind ? "bind" : "make",
			    S_ISBLK(d->mode)    ? 'b'
			    : S_ISFIFO(d->mode) ? 'p'
						: 'c',
			    major(d->number), minor(d->number), d->mode & 07777);
		if (d->chown)
			printer_say(p, " for %u:%u", d->uid, d->gid);
		printer_say(p, "%s\n", d->must_match ? "" : ", any that is there will do");
	}
	for (size_t i = 0; i < r->symlinks_count; i++)
		printer_say(p, "  %s -> %s\n", r->symlinks[i].path, r->symlinks[i].target);
}

/* ---- cgroups ---- */

static void print_write(struct printer *p, const struct cgroup_write *w)
{
	printer_say(p, "  write %u: %s = ", w->place, w->file);
	printer_text(p, w->value);
	if (w->flags & CGROUP_WRITE_OPTIONAL)
		printer_say(p, " (if it is there)");
	if (w->flags & CGROUP_WRITE_OR_NEXT)
		printer_say(p, " (or else the next)");
	if (w->flags & CGROUP_WRITE_RETRY)
		printer_say(p, " (again after the others)");
	if (w->flags & CGROUP_WRITE_LATE)
		printer_say(p, " (when init is in)");
	printer_say(p, "\n");
}

static void print_cgroup(struct printer *p, const struct plan_cgroup *c)
{
	char names[256];

	if (!c->enabled) {
		printer_say(p, "no cgroup\n");
		return;
	}
	printer_say(p, "cgroup\n");
	for (unsigned i = 0; i < c->set.count; i++) {
		const struct cgroup_place *place = &c->set.places[i];
		cgroup_controllers_print(place->controllers, place->v2, ',', names, sizeof names);
		printer_say(p, "  place %u: ", i);
		printer_text(p, place->dir);
		printer_say(p, " (%s%s%s)\n", place->v2 ? "v2" : "v1", *names ? ": " : "", names);
	}
	printer_flag(p, c->tolerate, "places without permission are left out");
	int v2 = cgroup_set_v2(&c->set);
	uint32_t offered = v2 < 0 ? 0 : c->set.places[v2].controllers;
	cgroup_controllers_print(c->enable & offered, true, ',', names, sizeof names);
	if (c->enable & offered)
		printer_line(p, "enable", names);
	cgroup_controllers_print(c->limits.require, v2 == 0 && c->set.count == 1, ',', names,
				 sizeof names);
	if (c->limits.require)
		printer_line(p, "require", names);
	for (size_t i = 0; i < c->limits.writes_count; i++)
		print_write(p, &c->limits.writes[i]);
	if (c->limits.program)
		printer_say(p, "  device program: %zu instructions for %u\n",
			    c->limits.program_count, c->limits.program_place);
	printer_flag(p, c->limits.devices_optional, "devices as far as allowed");
	if (c->delegate)
		printer_say(p, "  delegated to %u:%u of the host\n", c->delegate_uid_host,
			    c->delegate_gid_host);
	printer_line(p, "exec joins", c->exec_below);
}

/* ---- process ---- */

static void print_caps(struct printer *p, const struct plan_process *process)
{
	const struct {
		const char *name;
		uint64_t mask;
	} sets[] = {
		{ "bounding", process->caps.bounding },
		{ "permitted", process->caps.permitted },
		{ "effective", process->caps.effective },
		{ "ambient", process->caps.ambient },
		{ "inheritable", process->caps.inheritable },
	};
	char names[1024];

	if (!process->caps_set) {
		printer_say(p, "  capabilities as they are\n");
		return;
	}
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		cred_caps_print(sets[i].mask, names, sizeof names);
		printer_say(p, "  %s: %s\n", sets[i].name, *names ? names : "none");
	}
}

static void print_user(struct printer *p, const struct plan_process *process)
{
	printer_say(p, "  user: %u:%u", process->uid, process->gid);
	if (process->groups_mode == CRED_GROUPS_SET) {
		printer_say(p, ", groups:");
		for (size_t i = 0; i < process->groups_count; i++)
			printer_say(p, " %u", process->groups[i]);
		printer_say(p, "%s\n", process->groups_count ? "" : " none");
	} else {
		printer_say(p, ", groups %s\n",
			    process->groups_mode == CRED_GROUPS_KEEP ? "of the caller"
								     : "left alone");
	}
	if (process->umask_set)
		printer_say(p, "  umask: %04o\n", process->umask);
}

static void say_limit(struct printer *p, rlim_t value)
{
	if (value == RLIM_INFINITY)
		printer_say(p, "unlimited");
	else
		printer_say(p, "%llu", (unsigned long long)value);
}

static void print_set(struct printer *p, const char *what, const struct cred_set *set)
{
	const size_t word_bits = sizeof *set->words * 8;

	if (!set)
		return;
	printer_say(p, "  %s:", what);
	for (size_t i = 0; i <= set->highest; i++) {
		if (set->words[i / word_bits] >> i % word_bits & 1)
			printer_say(p, " %zu", i);
	}
	printer_say(p, "\n");
}

static void print_tuning(struct printer *p, const struct plan_process *process)
{
	const struct cred_sched *s = process->scheduler;

	for (size_t i = 0; i < process->rlimits_count; i++) {
		const struct plan_rlimit *r = &process->rlimits[i];
		printer_say(p, "  %s: ", cred_rlimit_name(r->resource));
		say_limit(p, r->value.rlim_cur);
		printer_say(p, " of ");
		say_limit(p, r->value.rlim_max);
		printer_say(p, "\n");
	}
	if (process->oom_score_adj.set)
		printer_say(p, "  oom_score_adj: %d\n", process->oom_score_adj.value);
	if (s)
		printer_say(p,
			    "  scheduler: %s nice %d priority %u flags 0x%llx runtime %llu "
			    "deadline %llu "
			    "period %llu\n",
			    cred_sched_policy_name(s->policy), s->nice, s->priority,
			    (unsigned long long)s->flags, (unsigned long long)s->runtime_nsec,
			    (unsigned long long)s->deadline_nsec,
			    (unsigned long long)s->period_nsec);
	if (process->ioprio_class)
		printer_say(p, "  I/O priority: class %d, %d\n", process->ioprio_class,
			    process->ioprio_priority);
	print_set(p, "processors at first", process->affinity_initial);
	print_set(p, "processors", process->affinity_final);
	if (!process->affinity_reset)
		printer_say(p, "  processors of the caller\n");
	if (process->mempolicy) {
		printer_say(p, "  memory policy: mode %d flags 0x%x\n", process->mempolicy->mode,
			    process->mempolicy->flags);
		print_set(p, "memory nodes",
			  process->mempolicy->has_nodes ? &process->mempolicy->nodes : NULL);
	}
	if (process->personality.set)
		printer_say(p, "  personality: 0x%llx\n",
			    (unsigned long long)process->personality.value);
}

static void print_filter(struct printer *p, const struct plan_filter *f)
{
	if (!f)
		return;
	printer_say(p, "  seccomp: %zu instructions, flags 0x%x\n", f->count, f->flags);
	if (f->notify)
		printer_line(p, "seccomp agent", f->listener_path);
	printer_line(p, "seccomp metadata", f->listener_metadata);
}

static void print_process(struct printer *p, const struct plan_process *process)
{
	printer_say(p, "process\n");
	printer_line(p, "program", process->program);
	for (size_t i = 0; process->args[i]; i++)
		printer_line(p, "argument", process->args[i]);
	for (size_t i = 0; process->env[i]; i++)
		printer_line(p, "environment", process->env[i]);
	printer_line(p, "directory", process->cwd);
	printer_flag(p, process->set_home, "HOME from the root's passwd");
	printer_flag(p, process->listen_fds, "LISTEN_PID is its own");
	printer_flag(p, process->terminal, "terminal");
	if (process->console_rows || process->console_columns)
		printer_say(p, "  console: %u rows, %u columns\n", process->console_rows,
			    process->console_columns);
	printer_flag(p, process->new_keyring, "session keyring of its own");
	if (process->preserve_fds)
		printer_say(p, "  descriptors 3 to %u stay open\n", 2 + process->preserve_fds);
	print_tuning(p, process);
	printer_line(p, "AppArmor", process->apparmor_profile);
	printer_line(p, "SELinux", process->selinux_label);
	print_user(p, process);
	print_caps(p, process);
	printer_flag(p, process->no_new_privs, "no new privileges");
	printer_flag(p, process->reaper, "as a child of pid 1");
	if (process->held_fd.set)
		printer_say(p, "  descriptor %u stays open in pid 1\n", process->held_fd.value);
	printer_flag(p, process->die_with_parent, "dies with its parent");
	print_filter(p, process->filter);
	if (process->gate)
		printer_line(p, "gate", process->gate == PLAN_GATE_ENTRY ? "entry" : "strict");
}

/* ---- the rest ---- */

static void print_hook_list(struct printer *p, const char *kind, const struct plan_hook_list *hooks)
{
	for (size_t i = 0; i < hooks->count; i++) {
		const struct plan_hook *h = &hooks->items[i];
		printer_say(p, "  %s: ", kind);
		printer_text(p, h->path);
		for (size_t k = 0; h->args && h->args[k]; k++) {
			printer_say(p, " ");
			printer_text(p, h->args[k]);
		}
		for (size_t k = 0; h->env && h->env[k]; k++) {
			printer_say(p, ", with ");
			printer_text(p, h->env[k]);
		}
		if (h->timeout_sec)
			printer_say(p, ", %u s at most", h->timeout_sec);
		printer_say(p, "\n");
	}
}

static void print_hooks(struct printer *p, const struct plan_hooks *h)
{
	if (h->prestart.count + h->create_runtime.count + h->create_container.count +
		    h->start_container.count + h->poststart.count + h->poststop.count ==
	    0)
		return;
	printer_say(p, "hooks\n");
	print_hook_list(p, "prestart", &h->prestart);
	print_hook_list(p, "createRuntime", &h->create_runtime);
	print_hook_list(p, "createContainer", &h->create_container);
	print_hook_list(p, "startContainer", &h->start_container);
	print_hook_list(p, "poststart", &h->poststart);
	print_hook_list(p, "poststop", &h->poststop);
	printer_line(p, "output to", h->stdout_path);
	printer_line(p, "errors to", h->stderr_path);
}

static void print_system(struct printer *p, const struct plan *plan)
{
	printer_say(p, "system\n");
	printer_line(p, "hostname", plan->hostname);
	printer_line(p, "domainname", plan->domainname);
	printer_flag(p, plan->loopback_up, "loopback up");
	for (size_t i = 0; i < plan->net_devices_count; i++) {
		const struct plan_net_device *d = &plan->net_devices[i];
		printer_say(p, "  network device: %s as %s\n", d->host_name,
			    d->name ? d->name : d->host_name);
	}
	for (size_t i = 0; i < plan->sysctls_count; i++)
		printer_line(p, plan->sysctls[i].path, plan->sysctls[i].value);
	printer_line(p, "notifications to", plan->notify_socket);
	printer_line(p, "pidfd to", plan->pidfd_receiver);
	printer_line(p, "seccomp listener to", plan->seccomp_receiver);
}

static void print_veth(struct printer *p, const struct net_veth *v)
{
	char text[NET_PREFIX_MAX];

	printer_line(p, "bridge", v->bridge);
	printer_line(p, "device", v->name);
	for (size_t i = 0; i < v->addresses_count; i++)
		printer_line(p, "address", net_prefix_print(&v->addresses[i], false, text));
	for (size_t i = 0; i < v->routes_count; i++)
		printer_line(p, "gateway", net_prefix_print(&v->routes[i].gateway, true, text));
}

static void print_network(struct printer *p, const struct plan_network *n)
{
	if (!n->used)
		return;
	printer_say(p, "network\n");
	if (n->veth)
		print_veth(p, n->veth);
	printer_line(p, "program", n->pasta ? n->pasta[0] : NULL);
	for (size_t i = 1; n->pasta && n->pasta[i]; i++)
		printer_line(p, "argument", n->pasta[i]);
	printer_line(p, "rules by", n->nft);
	if (n->rules)
		printer_say(p, "%s", n->rules);
}

static void print_landlock(struct printer *p, const struct plan_landlock *l)
{
	if (!l->version)
		return;
	printer_say(p, "landlock (version %d)\n", l->version);
	printer_flag(p, l->root_writable, "writable: /");
	printer_list(p, "writable", (char *const *)l->writable, l->writable_count);
	printer_flag(p, l->ports_limited, "TCP connections only to some ports");
	for (size_t i = 0; l->ports_limited && i < l->ports_count; i++)
		printer_say(p, "  port: %u\n", l->ports[i]);
}

int plan_print(const struct plan *plan, struct arena *a, char **text, size_t *length, struct err *e)
{
	struct printer p = { .a = a };

	printer_say(&p, "container %s\n", plan->id);
	printer_line(&p, "bundle", plan->bundle);
	print_namespaces(&p, &plan->namespaces);
	print_cgroup(&p, &plan->cgroup);
	print_root(&p, &plan->rootfs);
	print_devices(&p, &plan->rootfs);
	print_system(&p, plan);
	print_hooks(&p, &plan->hooks);
	print_network(&p, &plan->network);
	print_landlock(&p, &plan->landlock);
	if (plan->lock_files.count) {
		printer_say(&p, "locks of pid 1\n");
		printer_list(&p, "file", plan->lock_files.items, plan->lock_files.count);
	}
	if (plan->has_process)
		print_process(&p, &plan->process);
	else
		printer_say(&p, "no process\n");
	for (size_t i = 0; i < plan->warnings_count; i++) {
		printer_say(&p, "warning: ");
		printer_text(&p, plan->warnings[i]);
		printer_say(&p, "\n");
	}
	if (arena_check(a, e) < 0)
		return -1;
	p.text[p.length] = '\0';
	*text = p.text;
	*length = p.length;
	return 0;
}
