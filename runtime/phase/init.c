/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's first process, from the clone to the execve of the program. It holds no heap and no
 * stdio: the memory it has is its parent's as of the clone, and it only reads the plan.
 */
#include "runtime/phase/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/hook.h"
#include "runtime/phase/process.h"
#include "runtime/phase/program.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-sched.h"
#include "src/mount/mount.h"
#include "src/ns/ns-proc.h"

/*
 * Needs: nothing. Leaves: dies with its parent until recorded; not traceable by processes that are
 * in the container already; own session. First, because a parent that is killed at any moment
 * must not leave an init behind that no state file names.
 */
static int init_tether(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_process *p = &c->plan->process;

	/* While /proc/self still belongs to us; with a new user namespace the parent does it. */
	if (p->oom_score_adj.set && !c->plan->namespaces.new_user &&
	    cred_oom_score_apply(c->procfd, 0, p->oom_score_adj.value, e) < 0)
		return -1;
	/* Modes of what is made here are exact; the program gets the caller's back. */
	c->process.umask = umask(0);
	/* Not before the maps are written: the files in /proc of an untraceable process are root's, and
	 * a parent without rights could not write them. init_identity() does it then. */
	bool unmapped = c->plan->namespaces.new_user && !c->plan->namespaces.middle;
	if (!unmapped && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "become untraceable");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie init to its parent");
	return 0;
}

static bool wants_namespaces(const void *ctx)
{
	return ((const struct init *)ctx)->plan->namespaces.early_flags != 0;
}

static int init_namespaces(void *ctx, struct err *e)
{
	struct init *c = ctx;

	if (unshare((int)c->plan->namespaces.early_flags) == 0)
		return 0;
	if (errno == ENOSPC)
		return err_set(
			e, ERR_SYSTEM, errno,
			"create namespaces: a limit of /proc/sys/user/max_*_namespaces is reached");
	if (errno == EPERM)
		return err_set(
			e, ERR_SYSTEM, errno,
			"create namespaces: needs CAP_SYS_ADMIN; without it add a user namespace "
			"to linux.namespaces (\"husk spec --rootless\")");
	return err_sys(e, "create namespaces");
}

static bool wants_identity(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->namespaces.new_user && !c->plan->namespaces.middle;
}

/* Needs: a new user namespace. Leaves: root in it. Before anything that needs rights in it. */
static int init_identity(void *ctx, struct err *e)
{
	struct init *c = ctx;

	if (init_wait(c, SYNC_MAPPED, e) < 0)
		return -1;
	if (!c->plan->namespaces.keep_ids && cred_ids_set(0, 0, false, e) < 0)
		return -1;
	/* Changed credentials cleared both (commit_creds in kernel/cred.c). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie init to its parent");
	return 0;
}

static bool wants_joins(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->namespaces.joins_count > 0;
}

/* Needs: descriptors that the parent opened and checked. The mount namespace comes last: paths of
 * the others are the host's. */
static int init_join(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_namespaces *ns = &c->plan->namespaces;

	for (int mounts = 0; mounts < 2; mounts++) {
		for (size_t i = 0; i < ns->joins_count; i++) {
			const struct plan_join *join = &ns->joins[i];
			if (c->joins[i] < 0 || (join->type == CLONE_NEWNS) != mounts)
				continue;
			if (setns(c->joins[i], (int)join->type) < 0)
				return err_sys(e, "join namespace %s", join->path);
			drop_fd(&c->joins[i]);
		}
	}
	return 0;
}

static bool has_new_mounts(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->namespaces.made & CLONE_NEWNS;
}

/* Leaves: c->rootfs is an attached mount of the root file system that nobody else sees. */
static int init_rootfs(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_rootfs *rootfs = &c->plan->rootfs;
	/* Shared and slave roots must go on receiving the host's mounts. */
	bool follow = rootfs->propagation & (MS_SHARED | MS_SLAVE);
	CLEAN_FD int tree = c->rootfs;

	if (mount_root_propagation(MS_REC | (follow ? MS_SLAVE : MS_PRIVATE), e) < 0)
		return -1;
	if (!rootfs->path)
		tree = mount_new_detached(&(struct mount_new){ "tmpfs", "tmpfs", rootfs->tmpfs_data,
							       MS_NOSUID | MS_NODEV },
					  "/", e);
	else if (tree < 0)
		tree = mount_tree_clone(AT_FDCWD, rootfs->path,
					rootfs->alone ? 0 : MOUNT_TREE_RECURSIVE, e);
	struct mount_attrs attrs = { .set = rootfs->tree_attrs, .userns = -1 };
	if (tree < 0 || mount_attrs_apply(tree, &attrs, true, "the root file system", e) < 0)
		return -1;
	/* With attributes of its own it may not cover the directory: sources of binds are below it. */
	SWEPT_FD int target = rootfs->path && !rootfs->tree_attrs
				      ? open(rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC)
				      : -1;
	/* A mapped root may not be able to reach the directory that its parent cloned. Any other
	 * directory will do: this namespace is ours, and it is left behind by the pivot. */
	if (target < 0)
		target = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_sys(e, "open a place for the root file system");
	if (mount_attach(tree, target, rootfs->path ? rootfs->path : "/", e) < 0)
		return -1;
	c->rootfs = take_fd(&tree);
	return 0;
}

static bool wants_feed(const void *ctx)
{
	const struct init *c = ctx;

	return c->feed;
}

/* Needs: the parent to have mapped the bind sources, and to know our pid. Leaves: the state's text. */
static int init_feed(void *ctx, struct err *e)
{
	struct init *c = ctx;
	static char state[SYNC_BODY_MAX];
	size_t size = sizeof state;
	int result = sync_wait_body(c->sync, SYNC_FEED, state, &size, NULL, NULL, e);

	if (result != SYNC_OK)
		return result == SYNC_EOF ? init_parent_gone(e) : -1;
	c->state_text = state;
	c->state_length = size;
	c->state_prefix = strnlen(state, size);
	return 0;
}

static bool wants_cgroup_join(const void *ctx)
{
	const struct init *c = ctx;

	return c->cgroup;
}

/* v1 only. After what init allocates itself, so that small memory limits are the program's; before
 * the cgroup namespace, whose root is where init is then. */
static int init_cgroup_join(void *ctx, struct err *e)
{
	struct init *c = ctx;
	struct cgroup_fds fds = CGROUP_FDS_INIT;
	int received[CGROUP_MAX + 1];
	bool has_view = false;
	size_t size = sizeof has_view, count = CGROUP_MAX + 1;
	unsigned failed = 0;
	int result = sync_wait_body(c->sync, SYNC_CGROUP, &has_view, &size, received, &count, e);

	if (result != SYNC_OK)
		return result == SYNC_EOF ? init_parent_gone(e) : -1;
	if (has_view && count)
		c->cgroup_view = received[--count];
	fds.count = (unsigned)(count < CGROUP_MAX ? count : CGROUP_MAX);
	memcpy(fds.tasks, received, fds.count * sizeof *received);
	if (cgroup_join(&fds, &failed) < 0)
		return err_sys(e, "enter cgroup v1 hierarchy %u", failed);
	return 0;
}

static bool wants_cgroup_namespace(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->namespaces.late_flags & CLONE_NEWCGROUP;
}

/* After the join: the root of the new namespace is where init is now. */
static int init_cgroup_namespace(void *ctx, struct err *e)
{
	(void)ctx;
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_sys(e, "create cgroup namespace");
	return 0;
}

static bool wants_console(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->has_process && c->plan->process.terminal;
}

static bool wants_parent_hooks(const void *ctx)
{
	const struct init *c = ctx;

	return c->hooked;
}

static int init_parent_hooks(void *ctx, struct err *e)
{
	struct init *c = ctx;

	if (c->plan->network.used ? init_send_namespaces(c, e) < 0
				  : sync_send(c->sync, SYNC_MOUNTED, 0, e) < 0)
		return -1;
	return init_wait(c, SYNC_HOOKED, e);
}

/* The state as hooks get it; @status is the only part that changes. No heap: one static buffer. */
static int run_hooks(struct init *c, const struct plan_hook_list *hooks, const char *kind,
		     const char *status, const char *cwd, struct err *e)
{
	static char text[SYNC_BODY_MAX + 32];
	const char *suffix = c->state_text + c->state_prefix + 1;
	size_t n = text_format(text, sizeof text, "%s%s%.*s", c->state_text, status,
			       (int)(c->state_length - c->state_prefix - 1), suffix);
	struct hook_context context = {
		.kind = kind,
		.state = text,
		.state_length = n,
		.cwd = cwd,
		.stdout_path =
			text_equal(kind, "startContainer") ? NULL : c->plan->hooks.stdout_path,
		.stderr_path =
			text_equal(kind, "startContainer") ? NULL : c->plan->hooks.stderr_path,
	};

	return hook_list_run(hooks, &context, e);
}

static bool wants_create_hooks(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->hooks.create_container.count > 0;
}

/* OCI: paths resolve in the runtime's mounts, the hooks run in the container's namespaces, after the
 * mounts and before the pivot. */
static int init_create_hooks(void *ctx, struct err *e)
{
	struct init *c = ctx;

	return run_hooks(c, &c->plan->hooks.create_container, "createContainer", "creating",
			 c->plan->bundle, e);
}

static bool wants_sysctls(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->sysctls_count > 0;
}

/* Through a private procfs that nothing of the image can have covered (CVE-2025-52881). */
static int init_sysctls(void *ctx, struct err *e)
{
	struct init *c = ctx;
	CLEAN_FD int procfd = ns_proc_open(false, e);

	if (procfd < 0)
		return -1;
	for (size_t i = 0; i < c->plan->sysctls_count; i++) {
		const struct plan_sysctl *s = &c->plan->sysctls[i];
		if (ns_proc_write(procfd, s->path, s->value, e) < 0)
			return -1;
	}
	return 0;
}

static bool wants_names(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->hostname || c->plan->domainname;
}

static int init_names(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan *plan = c->plan;

	if (plan->hostname && sethostname(plan->hostname, strlen(plan->hostname)) < 0) {
		err_sys(e, "set hostname %s", plan->hostname);
		if (errno == EPERM)
			err_append(e,
				   " (inside another container its system call filter can forbid "
				   "this; a sandbox goes on without by --best-effort)");
		return -1;
	}
	if (plan->domainname && setdomainname(plan->domainname, strlen(plan->domainname)) < 0)
		return err_sys(e, "set domainname %s", plan->domainname);
	return 0;
}

static bool wants_loopback(const void *ctx)
{
	return ((const struct init *)ctx)->plan->loopback_up;
}

/* Leaves: the root file system is "/". The old root is detached: the host's paths are gone. */
static int init_pivot(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_rootfs *rootfs = &c->plan->rootfs;

	if (has_new_mounts(c)) {
		if (mount_enter_root(c->rootfs, !rootfs->no_pivot, e) < 0)
			return -1;
		if (!rootfs->propagation)
			return 0;
		return mount_root_propagation(rootfs->propagation, e);
	}
	if (!rootfs->path)
		return 0;
	/* Without a mount namespace of its own all that is left is chroot(2). */
	if (chdir(rootfs->path) < 0 || chroot(".") < 0)
		return err_sys(e, "change root to %s", rootfs->path);
	return 0;
}

static bool wants_masked(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->rootfs.masked_paths.count > 0;
}

static bool wants_readonly_paths(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->rootfs.readonly_paths.count > 0;
}

static bool wants_readonly_root(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->rootfs.readonly && has_new_mounts(ctx);
}

/* After everything that makes mount points in it. */
static int init_readonly_root(void *ctx, struct err *e)
{
	struct init *c = ctx;
	struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };

	return mount_attrs_apply(c->rootfs, &attrs, false, "/", e);
}

static bool wants_start_hooks(const void *ctx)
{
	const struct init *c = ctx;

	return c->plan->hooks.start_container.count > 0;
}

static int init_start_hooks(void *ctx, struct err *e)
{
	struct init *c = ctx;

	return run_hooks(c, &c->plan->hooks.start_container, "startContainer", "created", "/", e);
}

static int init_session(void *ctx, struct err *e)
{
	struct init *c = ctx;

	c->process.console_slave = c->console_slave;
	return process_session(&c->process, e);
}

static bool wants_keyring(const void *ctx)
{
	return ((const struct init *)ctx)->plan->process.new_keyring;
}

static int init_keyring(void *ctx, struct err *e)
{
	return process_keyring(&((struct init *)ctx)->process, e);
}

static int init_tuning(void *ctx, struct err *e)
{
	return process_tuning(&((struct init *)ctx)->process, e);
}

static bool wants_labels(const void *ctx)
{
	const struct plan_process *p = &((const struct init *)ctx)->plan->process;

	return p->apparmor_profile || p->selinux_label;
}

static bool is_eager(const void *ctx)
{
	return ((const struct init *)ctx)->eager;
}

/* Otherwise the parent does it, at the same point. */
static int init_limits(void *ctx, struct err *e)
{
	return process_limits_apply(&((struct init *)ctx)->plan->process, 0, e);
}

static int init_labels(void *ctx, struct err *e)
{
	return process_labels(&((struct init *)ctx)->process, e);
}

static int init_credentials(void *ctx, struct err *e)
{
	return process_credentials(&((struct init *)ctx)->process, e);
}

static bool has_process(const void *ctx)
{
	return ((const struct init *)ctx)->plan->has_process;
}

/* While "create" can still say it: engines take 127 from the error of create, not of start. */
static int init_look_up(void *ctx, struct err *e)
{
	struct init *c = ctx;

	c->process.plan = &c->plan->process;
	if (process_environment(&c->process, e) < 0)
		return -1;
	if (process_look_up(&c->process, e) < 0)
		return -1;
	/* Under "run" execve says the rest in a moment. A hook may still bring an interpreter along. */
	if (c->listener < 0 || c->process.path[0] != '/')
		return 0;
	return program_check(c->process.path, !wants_start_hooks(c), e);
}

static int init_program(void *ctx, struct err *e)
{
	return process_program(&((struct init *)ctx)->process, e);
}

static int init_execute(void *ctx, struct err *e)
{
	return process_execute(&((struct init *)ctx)->process, e);
}

/* Why each stands where it stands is said at its function; husk-phases(7) has the whole order. */
static const struct step init_steps[] = {
	{ "tether", init_tether },
	{ "namespaces", init_namespaces, .wanted = wants_namespaces },
	{ "identity", init_identity, .wanted = wants_identity },
	{ "join-namespaces", init_join, .wanted = wants_joins },
	{ "rootfs", init_rootfs, .wanted = has_new_mounts },
	{ "feed", init_feed, .wanted = wants_feed },
	{ "mounts", init_mounts, .wanted = has_new_mounts },
	{ "devices", init_devices, .wanted = has_new_mounts },
	{ "symlinks", init_symlinks, .wanted = has_new_mounts },
	{ "cgroup-join", init_cgroup_join, .wanted = wants_cgroup_join },
	{ "cgroup-namespace", init_cgroup_namespace, .wanted = wants_cgroup_namespace },
	{ "cgroup-mounts", init_cgroup_mounts, .wanted = has_new_mounts },
	/* Mount points inside of these had to be made first. */
	{ "readonly-mounts", init_late_readonly, .wanted = init_has_late_readonly },
	{ "console", init_console, .wanted = wants_console },
	{ "loopback", init_loopback, .wanted = wants_loopback },
	/* OCI: prestart and createRuntime hooks see the mounts made and nothing pivoted. */
	{ "parent-hooks", init_parent_hooks, .wanted = wants_parent_hooks },
	{ "create-hooks", init_create_hooks, .wanted = wants_create_hooks },
	{ "sysctls", init_sysctls, .wanted = wants_sysctls },
	{ "names", init_names, .wanted = wants_names },
	/* Over what the hooks may have mounted, after the private procfs has been used, and before the
	 * pivot: mount(2) gets descriptors as /proc/self/fd/N, and that has to be the host's /proc. */
	{ "readonly-paths", init_readonly_paths, .wanted = wants_readonly_paths },
	{ "masked-paths", init_masked_paths, .wanted = wants_masked },
	{ "readonly-root", init_readonly_root, .wanted = wants_readonly_root },
	{ "pivot-root", init_pivot },
	{ "locks", init_locks, .wanted = init_wants_locks },
	{ "look-up", init_look_up, .wanted = has_process },
	/* Before anything waits: callers read until the end of what they gave us as output, and with a
	 * terminal that is when this is no longer held. */
	{ "session", init_session, .wanted = has_process },
	{ "created", init_created },
	{ "await-start", init_await_start },
	{ "limits", init_limits, .wanted = is_eager },
	{ "start-hooks", init_start_hooks, .wanted = wants_start_hooks },
	{ "keyring", init_keyring, .wanted = wants_keyring },
	{ "tuning", init_tuning },
	{ "labels", init_labels, .wanted = wants_labels },
	{ "credentials", init_credentials },
	/* After the last directory that has to be entered as root, before anything of the program. */
	{ "landlock", init_landlock, .wanted = init_wants_landlock },
	{ "program", init_program },
	/* Last: both processes have lost by now what they shall not have. */
	{ "reaper", init_reaper, .wanted = init_wants_reaper },
	/* The process that was traced is the one that becomes the program. */
	{ "gate", init_gate, .wanted = init_wants_gate },
	{ "execute", init_execute },
};

const struct phase init_phase =
	PHASE("init", init_steps, "the container's first process, in its new namespaces");

/* The last step does not return. */
static _Noreturn void fail(struct init *c, const struct err *e)
{
	sync_send_error(c->report, e);
	_exit(e->kind == ERR_NO_PROGRAM ? 127 : e->kind == ERR_EXEC ? 126 : 1);
}

_Noreturn void init_main(struct init *c)
{
	struct err e = { 0 };

	c->report = c->sync;
	phase_run(&init_phase, c, &e);
	fail(c, &e);
}

_Noreturn void init_main_behind(struct init *c, const char *step)
{
	struct err e = { 0 };

	phase_run_behind(&init_phase, step, c, &e);
	fail(c, &e);
}
