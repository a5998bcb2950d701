/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that was called: everything of "create" (and the first half of "run") that happens
 * outside of the container. Its steps are undone in reverse when one fails.
 */
#include "runtime/phase/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/phase/cgroup-view.h"
#include "runtime/phase/gate-entry.h"
#include "runtime/phase/hook.h"
#include "runtime/phase/process.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/tty/tty-console.h"

/* Descriptors that later steps count on; what is missing fails before anything has changed. */
static int parent_prepare(void *ctx, struct err *e)
{
	struct parent *p = ctx;

	if (p->options->console_socket) {
		p->console_sock = tty_socket_connect(p->options->console_socket, e);
		if (p->console_sock < 0)
			return -1;
	}
	return 0;
}

static void parent_prepare_undo(void *ctx)
{
	struct parent *p = ctx;

	drop_fd(&p->console_sock);
}

static bool wants_listener(const void *ctx)
{
	const struct parent *p = ctx;

	return !p->options->run;
}

/* Made here, inherited by init. The directory is 0700 and sun_path is short: /proc/self/fd/N. */
static int parent_listen(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, "create start socket");
	text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/start.sock",
		    p->state_dir);
	if (bind(sock, (struct sockaddr *)&address, sizeof address) < 0 || listen(sock, 8) < 0)
		return err_sys(e, "listen on start socket");
	p->listener = take_fd(&sock);
	return 0;
}

static void parent_listen_undo(void *ctx)
{
	drop_fd(&((struct parent *)ctx)->listener);
}

static bool wants_cgroup(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->cgroup.enabled;
}

static bool has_v1(const struct parent *p)
{
	const struct cgroup_set *set = &p->plan->cgroup.set;

	return p->plan->cgroup.enabled && set->count && !set->places[set->count - 1].v2;
}

static bool wants_cgroup_v1(const void *ctx)
{
	return has_v1(ctx);
}

static int apply_early(struct parent *p, struct err *e)
{
	const struct plan_cgroup *c = &p->plan->cgroup;
	uint32_t skipped = p->state.cgroup_created.skipped;

	if (cgroup_limits_apply(&c->limits, &c->set, skipped, CGROUP_APPLY_EARLY, e) < 0)
		return -1;
	return c->delegate ? cgroup_delegate(&c->set, c->delegate_uid_host, c->delegate_gid_host, e)
			   : 0;
}

/* run.oci.delegate-cgroup: init is born in a cgroup below the one that has the limits. */
static int enter_below(struct parent *p, const char *below, struct err *e)
{
	int v2 = p->cgroup_fds.v2;

	if (v2 < 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "annotations[\"run.oci.delegate-cgroup\"]: needs cgroup v2");
	if (mkdirat(v2, below, 0755) < 0)
		return err_sys(e, "make delegated cgroup %s", below);
	p->cgroup_fds.v2 = openat(v2, below, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(v2);
	return p->cgroup_fds.v2 < 0 ? err_sys(e, "open delegated cgroup %s", below) : 0;
}

/* Only what the clone needs; on pure v2 that is all. */
static int parent_cgroup(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_cgroup *c = &p->plan->cgroup;

	p->cgroup_options = (struct cgroup_create_options){
		/* What has no state is of no use when its creator is gone: see cgroup-stale in cli. */
		.mark = arena_format(p->arena, "%s:%s:%s%u.%llu", p->root.path, p->plan->id,
				     p->options->no_state ? "sandbox:" : "", p->state.creator,
				     (unsigned long long)p->state.creator_start_ticks),
		.enable = c->enable,
		.require = c->limits.require,
		.cpus_given = c->limits.cpus_given,
		.mems_given = c->limits.mems_given,
		.tolerate = c->tolerate,
	};
	if (arena_check(p->arena, e) < 0 ||
	    cgroup_create_begin(&c->set, &p->cgroup_options, &p->state.cgroup_created, e) < 0)
		return -1;
	if (!has_v1(p) && apply_early(p, e) < 0)
		return -1;
	/* The v1 places are not there yet. */
	uint32_t skip = p->state.cgroup_created.skipped;
	for (unsigned i = 0; i < c->set.count; i++)
		skip |= c->set.places[i].v2 ? 0 : 1u << i;
	if (cgroup_open(&c->set, skip, &p->cgroup_fds, e) < 0)
		return -1;
	return c->exec_below ? enter_below(p, c->exec_below, e) : 0;
}

/* While init makes its namespaces and mounts. It waits for these before it shows them. */
static int parent_cgroup_v1(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_cgroup *c = &p->plan->cgroup;
	struct cgroup_fds fds = CGROUP_FDS_INIT;

	if (cgroup_create_finish(&c->set, &p->cgroup_options, &p->state.cgroup_created, e) < 0 ||
	    apply_early(p, e) < 0)
		return -1;
	uint32_t skipped = p->state.cgroup_created.skipped, skip = skipped;
	for (unsigned i = 0; i < c->set.count; i++)
		skip |= c->set.places[i].v2 ? 1u << i : 0;
	if (cgroup_open(&c->set, skip, &fds, e) < 0)
		return -1;
	CLEAN_FD int view = skipped ? -1 : cgroup_view_make(p->plan);
	bool has_view = view >= 0;
	int sent[CGROUP_MAX + 1];
	memcpy(sent, fds.tasks, fds.count * sizeof *sent);
	sent[fds.count] = view;
	int result = parent_tell(p, SYNC_CGROUP, &has_view, sizeof has_view, sent,
				 fds.count + has_view, e);
	cgroup_fds_close(&fds);
	return result;
}

static void parent_cgroup_undo(void *ctx)
{
	struct parent *p = ctx;

	cgroup_fds_close(&p->cgroup_fds);
	if (cgroup_remove(&p->state.cgroup, &p->state.cgroup_created,
			  CGROUP_REMOVE_KILL | CGROUP_REMOVE_PARENTS, NULL) < 0)
		p->keep_state = true;
}

static bool wants_feed(const void *ctx)
{
	return ((const struct parent *)ctx)->init.feed;
}

/* The state with a hole for the status, see struct init. */
static int state_template(struct parent *p, char **text, size_t *length, struct err *e)
{
	static const char mark[] = "\"status\":\"";

	if (state_oci_print(&p->state, "", p->pid, p->arena, text, length, e) < 0)
		return -1;
	/* Quotes inside of values are escaped, so the first match is the property. */
	char *value = strstr(*text, mark) + sizeof mark - 1;
	char *hole = arena_alloc(p->arena, *length + 2);
	if (!hole)
		return arena_check(p->arena, e);
	size_t prefix = (size_t)(value - *text);
	memcpy(hole, *text, prefix);
	memcpy(hole + prefix + 1, value, *length - prefix);
	*text = hole;
	*length += 1;
	if (*length > SYNC_BODY_MAX)
		return err_config(e,
				  "annotations: more than %d bytes do not fit into the state for "
				  "hooks",
				  SYNC_BODY_MAX);
	return 0;
}

static int parent_feed(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	char *text;
	size_t length;

	if (state_template(p, &text, &length, e) < 0)
		return -1;
	return parent_tell(p, SYNC_FEED, text, length, NULL, 0, e);
}

static bool wants_hooks(const void *ctx)
{
	return ((const struct parent *)ctx)->init.hooked;
}

/* Wait for init; its end without a word is explained. */
static int wait_for(struct parent *p, enum sync_type type, int *fds, size_t *count, struct err *e)
{
	int result = sync_wait(p->sync, type, NULL, fds, count, e);

	return result == SYNC_EOF ? parent_explain_death(p, e) : result;
}

/* What follows needs init's namespaces, which it makes after the clone. */
static int parent_await_mounted(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	int fds[2] = { -1, -1 };
	size_t count = p->plan->network.used ? 2 : 0;

	if (wait_for(p, SYNC_MOUNTED, count ? fds : NULL, count ? &count : NULL, e) < 0)
		return -1;
	p->sandbox_userns = fds[0];
	p->sandbox_netns = fds[1];
	return 0;
}

static int parent_runtime_hooks(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_hooks *hooks = &p->plan->hooks;
	struct hook_context context = {
		.kind = "prestart",
		.cwd = p->plan->bundle,
		.stdout_path = hooks->stdout_path,
		.stderr_path = hooks->stderr_path,
	};
	char *text;

	if (state_oci_print(&p->state, "creating", p->pid, p->arena, &text, &context.state_length,
			    e) < 0)
		return -1;
	context.state = text;
	if (hook_list_run(&hooks->prestart, &context, e) < 0)
		return -1;
	context.kind = "createRuntime";
	if (hook_list_run(&hooks->create_runtime, &context, e) < 0)
		return -1;
	drop_fd(&p->sandbox_userns);
	drop_fd(&p->sandbox_netns);
	return parent_tell(p, SYNC_HOOKED, NULL, 0, NULL, 0, e);
}

static int parent_await_created(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	size_t count = 1;

	return wait_for(p, SYNC_CREATED, &p->console_master, &count, e) < 0 ? -1 : 0;
}

/* What counts helpers too, and what needs rights that the container does not have. */
static int parent_limits(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_cgroup *c = &p->plan->cgroup;

	if (c->enabled && cgroup_limits_apply(&c->limits, &c->set, p->state.cgroup_created.skipped,
					      CGROUP_APPLY_LATE, e) < 0)
		return -1;
	if (p->plan->has_process && process_limits_apply(&p->plan->process, p->pid, e) < 0)
		return parent_blame_init(p, e);
	return 0;
}

static bool wants_console(const void *ctx)
{
	return ((const struct parent *)ctx)->console_sock >= 0;
}

static int parent_console(void *ctx, struct err *e)
{
	struct parent *p = ctx;

	if (tty_socket_send(p->console_sock, p->console_master, e) < 0)
		return -1;
	drop_fd(&p->console_sock);
	drop_fd(&p->console_master);
	return 0;
}

static bool awaits_init(const void *ctx)
{
	return !((const struct parent *)ctx)->init.eager;
}

static bool wants_net_devices(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->net_devices_count > 0;
}

static bool wants_egress(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->network.rules;
}

static bool wants_bridge(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->network.veth;
}

static bool wants_user_network(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->network.pasta;
}

static bool wants_id_maps(const void *ctx)
{
	return ((const struct parent *)ctx)->plan->namespaces.new_user;
}

static const struct step parent_steps[] = {
	{ "prepare", parent_prepare, .undo = parent_prepare_undo },
	{ "intent", parent_intent, .undo = parent_intent_undo },
	{ "listen", parent_listen, .undo = parent_listen_undo, .wanted = wants_listener },
	{ "namespaces", parent_namespaces },
	/* Needs the caller's rights over the sources' file systems, which init may not have. */
	{ "sources", parent_sources },
	/* Before the clone: on v2 the process is born in its cgroup. */
	{ "cgroup", parent_cgroup, .undo = parent_cgroup_undo, .wanted = wants_cgroup },
	{ "clone", parent_clone, .undo = parent_clone_undo },
	{ "id-maps", parent_id_maps, .wanted = wants_id_maps },
	/* Needs the container's user namespace to have its maps. */
	{ "idmap-sources", parent_idmap_sources },
	{ "feed", parent_feed, .wanted = wants_feed },
	{ "cgroup-v1", parent_cgroup_v1, .wanted = wants_cgroup_v1 },
	/* After the last cgroup was made: the file says which are ours. */
	{ "draft", parent_draft },
	{ "await-mounted", parent_await_mounted, .wanted = wants_hooks },
	{ "net-devices", parent_net_devices, .undo = parent_net_devices_undo,
	  .wanted = wants_net_devices },
	/* Before there is a way out that it could miss. */
	{ "egress", parent_egress, .wanted = wants_egress },
	{ "bridge", parent_bridge, .wanted = wants_bridge },
	{ "user-network", parent_user_network, .undo = parent_user_network_undo,
	  .wanted = wants_user_network },
	{ "runtime-hooks", parent_runtime_hooks, .wanted = wants_hooks },
	{ "await-created", parent_await_created, .wanted = awaits_init },
	/* After init's own work, which a limit of 0 processes or open files would stop. */
	{ "limits", parent_limits, .wanted = awaits_init },
	{ "console", parent_console, .wanted = wants_console },
	{ "record", parent_record, .undo = parent_record_undo, .wanted = awaits_init },
	{ "release", parent_release, .wanted = wants_listener },
};

const struct phase parent_phase =
	PHASE("parent", parent_steps, "the process that was called, outside of the container");

/*
 * "run" may give the word to start in advance, so that it does not wait for init's being created, nor
 * init for an answer: that is a tenth of a millisecond. Not where a caller, a hook or an agent is told
 * something in between, nor for limits that only the parent has the rights to set, or that have to wait.
 * A container that loses its parent before it is published is found by its marked cgroup.
 */
static bool may_be_eager(const struct parent *p)
{
	const struct parent_options *o = p->options;
	const struct plan *plan = p->plan;
	const struct plan_process *process = &plan->process;
	/* What dies with this process and is on no list needs no proof that it is there. */
	bool tied = o->no_state && process->die_with_parent && !process->scheduler &&
		    !process_limits_rise(process);
	bool listed = !(plan->namespaces.types & CLONE_NEWUSER) && plan->cgroup.enabled &&
		      plan->cgroup.set.count;

	return (tied || listed) && o->run && !o->hold && !o->pid_file && !o->pidfd_socket &&
	       !plan->pidfd_receiver && !p->init.hooked && plan->has_process &&
	       !process->terminal &&
	       !(process->filter && process->filter->notify && !process->filter->supervised) &&
	       !cgroup_limits_has_late(&plan->cgroup.limits);
}

void parent_init(struct parent *p, const struct plan *plan, const struct parent_options *options,
		 struct arena *a)
{
	const struct plan_hooks *hooks = &plan->hooks;

	*p = (struct parent){
		.plan = plan,
		.options = options,
		.arena = a,
		.root = { .fd = -1 },
		.state_dir = -1,
		.procfd = -1,
		.sync = -1,
		.pidfd = -1,
		.listener = -1,
		.result = -1,
		.spaces = -1,
		.supervised = -1,
		.console_sock = -1,
		.console_master = -1,
		.netns = -1,
		.sandbox_userns = -1,
		.sandbox_netns = -1,
		.pasta = NET_PASTA_NONE,
		.seal = -1,
		.cgroup_fds = CGROUP_FDS_INIT,
		.init = {
			.sync = -1, .listener = -1, .procfd = -1, .rootfs = -1,
			.result = -1, .supervisor = -1, .spaces = -1, .report = -1, .console_master = -1,
			.console_slave = -1, .mask_dir = -1, .notify_sock = -1, .parent = -1, .cgroup_view = -1,
		},
	};
	p->init.hooked = hooks->prestart.count || hooks->create_runtime.count ||
			 plan->net_devices_count || plan->network.used;
	/* Hooks in the container are told a pid that only the parent knows. */
	p->init.feed = hooks->create_container.count || hooks->start_container.count;
	p->init.cgroup = has_v1(p);
	p->init.eager = may_be_eager(p);
	for (size_t i = 0; i < plan->rootfs.mounts_count; i++)
		p->init.feed |= plan->rootfs.mounts[i].idmap_container;
}

void parent_hold_seal(struct parent *p, int fd)
{
	const struct plan_namespaces *ns = &p->plan->namespaces;
	/* A pid namespace of its own is empty, and no hook is run in there. */
	bool unseen = p->init.eager && ns->made & CLONE_NEWPID && !ns->joins_count && !p->init.feed;

	p->seal = fd;
	if (!unseen)
		drop_fd(&p->seal);
}

int parent_create(struct parent *p, struct err *e)
{
	p->procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->procfd < 0)
		return err_sys(e, "open /proc");
	if (p->plan->process.gate == PLAN_GATE_ENTRY) {
		p->gate = arena_new(p->arena, struct gate_entry);
		if (!p->gate)
			return arena_check(p->arena, e);
		gate_entry_init(p->gate, p->plan->process.filter);
	}
	int result = phase_run(&parent_phase, p, e);
	/* init has closed its own on its first instructions, and is not told to start yet. */
	drop_fd(&p->seal);
	if (p->gate)
		p->gate->init = p->pid;
	return result;
}

void parent_undo(struct parent *p)
{
	phase_undo(&parent_phase, p);
}
