/* SPDX-License-Identifier: Apache-2.0 */
/* Making the container's first process: namespaces, bind sources, clone, id maps, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/phase/gate.h"
#include "runtime/phase/middle.h"
#include "runtime/phase/parent.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-stats.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-sched.h"
#include "src/mount/mount.h"

static const char *type_name(unsigned long type)
{
	static const struct {
		unsigned long type;
		const char *name;
	} names[] = {
		{ CLONE_NEWNS, "mount" },      { CLONE_NEWPID, "pid" },
		{ CLONE_NEWNET, "network" },   { CLONE_NEWIPC, "ipc" },
		{ CLONE_NEWUTS, "uts" },       { CLONE_NEWUSER, "user" },
		{ CLONE_NEWCGROUP, "cgroup" }, { CLONE_NEWTIME, "time" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return "unknown";
}

/* Open and check every namespace to join: a path of another type must not be entered as this one. */
/* What is set in a namespace must not reach the runtime's own by way of a path that names it. */
static int check_foreign(const struct plan *plan, const struct plan_join *join, int fd,
			 struct err *e)
{
	static const struct {
		unsigned long type;
		const char *own, *sysctl;
	} rules[] = {
		{ CLONE_NEWNET, "/proc/self/ns/net", "sys/net/" },
		{ CLONE_NEWIPC, "/proc/self/ns/ipc", "sys/" },
		{ CLONE_NEWUTS, "/proc/self/ns/uts", "sys/kernel/" },
	};
	struct stat own, joined;

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		bool sets = rules[i].type == CLONE_NEWUTS && (plan->hostname || plan->domainname);
		if (join->type != rules[i].type)
			continue;
		for (size_t k = 0; k < plan->sysctls_count; k++)
			sets |= text_starts(plan->sysctls[k].path, rules[i].sysctl) &&
				(join->type == CLONE_NEWNET ||
				 !text_starts(plan->sysctls[k].path, "sys/net/"));
		if (!sets)
			continue;
		if (fstat(fd, &joined) < 0 || stat(rules[i].own, &own) < 0)
			return err_sys(e, "stat namespace %s", join->path);
		if (own.st_ino == joined.st_ino && own.st_dev == joined.st_dev)
			return err_config(
				e,
				"namespace %s: is the runtime's own; sysctl, hostname and "
				"domainname would change the host",
				join->path);
	}
	return 0;
}

int parent_namespaces(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_namespaces *ns = &p->plan->namespaces;

	p->init.joins = arena_new_array(p->arena, ns->joins_count + 1, int);
	if (!p->init.joins)
		return arena_check(p->arena, e);
	memset(p->init.joins, -1, ns->joins_count * sizeof *p->init.joins);
	for (size_t i = 0; i < ns->joins_count; i++) {
		int fd = open(ns->joins[i].path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, "open namespace %s", ns->joins[i].path);
		p->init.joins[i] = fd;
		int type = ioctl(fd, NS_GET_NSTYPE);
		if (type < 0)
			return err_set(e, ERR_CONFIG, errno, "namespace %s: not a namespace file",
				       ns->joins[i].path);
		if ((unsigned long)type != ns->joins[i].type)
			return err_config(e, "namespace %s: is of type %s, not %s",
					  ns->joins[i].path, type_name((unsigned)type),
					  type_name(ns->joins[i].type));
		if (check_foreign(p->plan, &ns->joins[i], fd, e) < 0)
			return -1;
	}
	return 0;
}

static int clone_source(struct parent *p, size_t index, struct err *e)
{
	const struct plan_mount *m = &p->plan->rootfs.mounts[index];
	struct mount_attrs attrs = m->attrs;
	int flags = (m->recursive ? MOUNT_TREE_RECURSIVE : 0) |
		    (m->source_nofollow ? MOUNT_TREE_NOFOLLOW : 0);
	CLEAN_FD int tree = mount_tree_clone(AT_FDCWD, m->source, flags, e);

	if (tree < 0 || init_check_source(m, tree, e) < 0)
		return -1;
	if (m->idmap_uid) {
		CLEAN_FD int userns = mount_idmap_userns(m->idmap_uid, m->idmap_gid, e);
		struct mount_attrs map = { .userns = userns };
		if (userns < 0 ||
		    mount_attrs_apply(tree, &map, m->idmap_recursive, m->source, e) < 0)
			return -1;
	}
	attrs.userns = -1;
	if (mount_attrs_apply(tree, &attrs, false, m->destination, e) < 0 ||
	    mount_attrs_apply(tree, &m->rec_attrs, true, m->destination, e) < 0)
		return -1;
	p->init.sources[index] = take_fd(&tree);
	return 0;
}

/*
 * A copy of a shared mount is one more peer of it: what init mounts below would appear on the host,
 * and it could not be pivoted to. init's own copies are made after it has left the peers.
 */
static int clone_rootfs(struct parent *p, struct err *e)
{
	const struct plan_rootfs *rootfs = &p->plan->rootfs;
	bool follow = rootfs->propagation & (MS_SHARED | MS_SLAVE);
	struct mount_attrs attrs = { .propagation = follow ? MS_SLAVE : MS_PRIVATE, .userns = -1 };

	p->init.rootfs = mount_tree_clone(AT_FDCWD, rootfs->path,
					  rootfs->alone ? 0 : MOUNT_TREE_RECURSIVE, e);
	if (p->init.rootfs < 0)
		return -1;
	return mount_attrs_apply(p->init.rootfs, &attrs, true, rootfs->path, e);
}

int parent_sources(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_rootfs *rootfs = &p->plan->rootfs;

	p->init.sources = arena_new_array(p->arena, rootfs->mounts_count + 1, int);
	if (!p->init.sources)
		return arena_check(p->arena, e);
	memset(p->init.sources, -1, rootfs->mounts_count * sizeof *p->init.sources);
	if (rootfs->path && rootfs->parent_source && p->plan->namespaces.made & CLONE_NEWNS &&
	    clone_rootfs(p, e) < 0)
		return -1;
	for (size_t i = 0; i < rootfs->mounts_count; i++) {
		if (rootfs->mounts[i].parent_source && clone_source(p, i, e) < 0)
			return err_prefix(e, "mounts[%zu]", i);
	}
	return 0;
}

/* Namespaces that the child has to be born in, and how to get back out of them: pid and time act on
 * children only, and with a new user namespace the child has no rights to join anything. */
static const struct {
	unsigned long type;
	const char *own;
	bool new_user_only;
} entered[] = {
	{ CLONE_NEWPID, "/proc/self/ns/pid", false },
	{ CLONE_NEWTIME, "/proc/self/ns/time", false },
	{ CLONE_NEWNET, "/proc/self/ns/net", true },
	{ CLONE_NEWIPC, "/proc/self/ns/ipc", true },
	{ CLONE_NEWUTS, "/proc/self/ns/uts", true },
	{ CLONE_NEWCGROUP, "/proc/self/ns/cgroup", true },
};
#define ENTERED_COUNT (sizeof entered / sizeof *entered)

static bool is_joined(const struct plan_namespaces *ns, unsigned long type)
{
	for (size_t i = 0; i < ns->joins_count; i++) {
		if (ns->joins[i].type == type)
			return true;
	}
	return false;
}

static bool is_made(const struct plan_namespaces *ns, unsigned long type)
{
	return type == CLONE_NEWTIME && ns->late_flags & CLONE_NEWTIME;
}

static bool is_entered(const struct plan_namespaces *ns, size_t i)
{
	if (ns->middle)
		return false;
	return is_made(ns, entered[i].type) ||
	       (is_joined(ns, entered[i].type) && (!entered[i].new_user_only || ns->new_user));
}

/*
 * Hooks that run later belong to the runtime's own namespaces, so each is left again. 0 with @own
 * opened where that is allowed; 1 where one belongs to a user namespace that this process has no
 * rights in (the kernel then does not name its owner, ioctl_nsfs(2)): another process has to enter
 * them.
 */
static int open_own(const struct plan_namespaces *ns, int own[ENTERED_COUNT], struct err *e)
{
	int result = 0;

	memset(own, -1, ENTERED_COUNT * sizeof *own);
	for (size_t i = 0; i < ENTERED_COUNT; i++) {
		if (!is_entered(ns, i))
			continue;
		own[i] = open(entered[i].own, O_RDONLY | O_CLOEXEC);
		if (own[i] < 0)
			return err_sys(e, "open %s", entered[i].own);
		CLEAN_FD int owner = ioctl(own[i], NS_GET_USERNS);
		result |= owner < 0;
	}
	return result;
}

static int enter_for_child(struct parent *p, struct err *e)
{
	const struct plan_namespaces *ns = &p->plan->namespaces;

	for (size_t i = 0; i < ENTERED_COUNT; i++) {
		if (!is_entered(ns, i))
			continue;
		if (is_joined(ns, entered[i].type) && middle_join(&p->init, entered[i].type, e) < 0)
			return -1;
		if (is_made(ns, entered[i].type) && middle_time_namespace(ns, e) < 0)
			return -1;
	}
	return 0;
}

static int leave_after_child(int own[ENTERED_COUNT], bool entered_them, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < ENTERED_COUNT; i++) {
		if (entered_them && own[i] >= 0 && setns(own[i], (int)entered[i].type) < 0)
			result = err_sys(e, "return to %s", entered[i].own);
		drop_fd(&own[i]);
	}
	return result;
}

/* In the helper, which is in the cgroup already: returns in init only. */
static void fork_init(struct parent *p)
{
	struct err e = { 0 };
	pid_t pid = -1;

	drop_fd(&p->sync);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		err_sys(&e, "tie to the parent");
	else if (enter_for_child(p, &e) == 0)
		pid = middle_clone_sibling(p->init.sync, p->plan->namespaces.clone_flags, &e);
	if (pid == 0)
		return;
	if (pid < 0)
		sync_send_error(p->init.sync, &e);
	_exit(pid < 0);
}

static pid_t clone_child(struct parent *p, bool helper, struct err *e)
{
	const struct plan_namespaces *ns = &p->plan->namespaces;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&p->pidfd,
		.exit_signal = SIGCHLD,
	};

	/* The middle only needs its user namespace; it makes the others for init. */
	args.flags |= ns->middle ? ns->clone_flags & CLONE_NEWUSER : helper ? 0 : ns->clone_flags;
	if (p->cgroup_fds.v2 >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)p->cgroup_fds.v2;
	}
	pid_t pid = kernel_clone3(&args);
	if (pid >= 0)
		return pid;
	if (p->cgroup_fds.v2 >= 0 &&
	    (errno == EBUSY || errno == EOPNOTSUPP || errno == EAGAIN || errno == EACCES))
		return cgroup_clone_error(&p->plan->cgroup.set, errno, e);
	if (errno == ENOSPC)
		return err_set(e, ERR_SYSTEM, errno,
			       "clone: a limit of /proc/sys/user/max_*_namespaces is reached");
	if (errno == EPERM && ns->new_user)
		return err_set(
			e, ERR_SYSTEM, errno,
			"clone: user namespaces are not allowed here (kernel.unprivileged_userns"
			"_clone, kernel.apparmor_restrict_unprivileged_userns, or a seccomp "
			"filter)");
	if (errno == EPERM)
		return err_set(e, ERR_SYSTEM, errno,
			       "clone: new namespaces need CAP_SYS_ADMIN; without it add a user "
			       "namespace to linux.namespaces (\"husk spec --rootless\")");
	return err_sys(e, "clone");
}

/* In the child. The state directory's descriptor carries the lock, which would live on with it, and
 * as long as the parent's end of the socket is open here nobody is told that the parent is gone.
 * The rest can wait for init's sweep. */
static _Noreturn void become_child(struct parent *p)
{
	drop_fd(&p->sync);
	drop_fd(&p->seal);
	drop_fd(&p->result);
	drop_fd(&p->spaces);
	drop_fd(&p->supervised);
	drop_fd(&p->state_dir);
	drop_fd(&p->console_sock);
	if (p->plan->namespaces.middle)
		middle_main(&p->init);
	init_main(&p->init);
}

static void reap(struct parent *p)
{
	while (!p->reaped && waitpid(p->pid, &p->wait_status, 0) < 0 && errno == EINTR)
		;
	p->reaped = true;
}

/* From middle or the helper: init's pid. The pidfd of that is exchanged for init's, and it is
 * reaped. */
static int adopt_init(struct parent *p, struct err *e)
{
	int32_t pid;
	int result = sync_wait(p->sync, SYNC_PID, &pid, NULL, NULL, e);

	if (result == SYNC_EOF)
		return parent_explain_death(p, e);
	if (result < 0)
		return -1;
	/* init is our child and not reaped, so its pid is not another process's. */
	int pidfd = kernel_pidfd_open(pid, 0);
	if (pidfd < 0) {
		err_sys(e, "open init, process %d", pid);
		return parent_blame_init(p, e);
	}
	reap(p);
	p->reaped = false;
	drop_fd(&p->pidfd);
	p->pidfd = pidfd;
	p->pid = pid;
	return 0;
}

int parent_clone(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	int pair[2], own[ENTERED_COUNT];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "create socket pair");
	p->sync = pair[0];
	p->init.sync = pair[1];
	if (p->plan->process.reaper) {
		if (pipe2(pair, O_CLOEXEC) < 0)
			return err_sys(e, "create pipe");
		p->result = pair[0];
		p->init.result = pair[1];
	}
	if (p->options->keep_namespaces) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return err_sys(e, "create socket pair");
		p->spaces = pair[0];
		p->init.spaces = pair[1];
	}
	if (p->plan->process.filter && p->plan->process.filter->supervised) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return err_sys(e, "create socket pair");
		p->supervised = pair[0];
		p->init.supervisor = pair[1];
	}
	if (p->plan->process.gate) {
		p->init.process.word = gate_word_make(e);
		if (!p->init.process.word)
			return -1;
	}
	p->init.plan = p->plan;
	p->init.listener = p->listener;
	p->init.token = p->state.token;
	p->init.keyring_name = state_keyring_name(&p->state, p->arena);
	p->init.procfd = p->procfd;
	int helper = open_own(&p->plan->namespaces, own, e);
	if (helper < 0 || (!helper && enter_for_child(p, e) < 0)) {
		leave_after_child(own, helper == 0, NULL);
		return -1;
	}
	p->pid = clone_child(p, helper, e);
	if (p->pid == 0) {
		for (size_t i = 0; i < ENTERED_COUNT; i++)
			drop_fd(&own[i]);
		if (helper)
			fork_init(p);
		become_child(p);
	}
	drop_fd(&p->init.sync);
	drop_fd(&p->init.result);
	drop_fd(&p->init.spaces);
	drop_fd(&p->init.supervisor);
	cgroup_fds_close(&p->cgroup_fds);
	drop_fd(&p->listener);
	drop_fd(&p->init.rootfs);
	if (p->pid < 0) {
		leave_after_child(own, !helper, NULL);
		return -1;
	}
	if (leave_after_child(own, !helper, e) < 0)
		return -1;
	return helper ? adopt_init(p, e) : 0;
}

void parent_clone_undo(void *ctx)
{
	struct parent *p = ctx;

	if (p->pid > 0 && !p->reaped) {
		kernel_pidfd_send_signal(p->pidfd, SIGKILL);
		reap(p);
	}
	drop_fd(&p->pidfd);
	drop_fd(&p->sync);
	drop_fd(&p->result);
	drop_fd(&p->spaces);
	drop_fd(&p->supervised);
	drop_fd(&p->console_master);
	gate_word_free(p->init.process.word);
	p->init.process.word = NULL;
}

static int write_maps(struct parent *p, struct err *e)
{
	const struct plan_namespaces *ns = &p->plan->namespaces;

	bool uids = ns->uid_maps_count, gids = ns->gid_maps_count;

	if (ns->map_by_tools) {
		if ((uids && cred_map_run_tool("newuidmap", p->pid, ns->uid_maps,
					       ns->uid_maps_count, e) < 0) ||
		    (gids && cred_map_run_tool("newgidmap", p->pid, ns->gid_maps,
					       ns->gid_maps_count, e) < 0))
			return -1;
		return 0;
	}
	if (gids && ns->setgroups_deny && cred_map_deny_groups(p->procfd, p->pid, e) < 0)
		return -1;
	if (gids && cred_map_write(p->procfd, p->pid, "gid_map", ns->gid_map, e) < 0)
		return -1;
	return uids ? cred_map_write(p->procfd, p->pid, "uid_map", ns->uid_map, e) : 0;
}

int parent_id_maps(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_process *process = &p->plan->process;

	/* Now: once it is root in its namespace its files in /proc belong to nobody we are. */
	if (process->oom_score_adj.set &&
	    cred_oom_score_apply(p->procfd, p->pid, process->oom_score_adj.value, e) < 0)
		return parent_blame_init(p, e);
	if (write_maps(p, e) < 0)
		return parent_blame_init(p, e);
	return parent_tell(p, SYNC_MAPPED, NULL, 0, NULL, 0, e);
}

/* The mapping of the container's own user namespace, put on sources that both sides hold. */
int parent_idmap_sources(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_rootfs *rootfs = &p->plan->rootfs;
	char path[64];
	CLEAN_FD int userns = -1;

	if (p->plan->namespaces.middle && adopt_init(p, e) < 0)
		return -1;
	for (size_t i = 0; i < rootfs->mounts_count; i++) {
		const struct plan_mount *m = &rootfs->mounts[i];
		if (m->idmap_container) {
			text_format(path, sizeof path, "/proc/%d/ns/user", p->pid);
			if (userns < 0)
				userns = open(path, O_RDONLY | O_CLOEXEC);
			if (userns < 0) {
				err_sys(e, "open %s", path);
				return parent_blame_init(p, e);
			}
			struct mount_attrs map = { .userns = userns };
			if (mount_attrs_apply(p->init.sources[i], &map, m->idmap_recursive,
					      m->source, e) < 0)
				return err_prefix(e, "mounts[%zu]", i);
		}
		drop_fd(&p->init.sources[i]);
	}
	return 0;
}

int parent_tell(struct parent *p, enum sync_type type, const void *body, size_t size,
		const int *fds, size_t nfds, struct err *e)
{
	struct err why = { 0 };

	if (sync_send_body(p->sync, type, body, size, fds, nfds, &why) == 0)
		return 0;
	if (why.kind == ERR_PROTOCOL && why.errnum == EPIPE)
		return parent_explain_death(p, e);
	*e = why;
	return -1;
}

/* What init is given for its last word. Only failures wait for it. */
#define LAST_WORD_MSEC 200

int parent_blame_init(struct parent *p, struct err *e)
{
	struct pollfd word = { .fd = p->sync, .events = POLLIN };
	struct err why = { 0 };

	/* A process that ends loses its memory, and with it its files in /proc, before its sockets. */
	if (poll(&word, 1, LAST_WORD_MSEC) != 1)
		return -1;
	int result = sync_wait(p->sync, SYNC_ERROR, NULL, NULL, NULL, &why);
	if (result == SYNC_EOF)
		return parent_explain_death(p, e);
	/* Anything else that it has to say at this point does not explain the failure. */
	if (why.kind != ERR_PROTOCOL && e)
		*e = why;
	return -1;
}

int parent_explain_death(struct parent *p, struct err *e)
{
	struct cgroup_oom oom = { 0 };

	reap(p);
	if (p->plan->cgroup.enabled)
		(void)cgroup_oom_read(&p->state.cgroup, &oom, NULL);
	if (oom.oom_kill)
		return err_set(
			e, ERR_SYSTEM, ENOMEM,
			"init was killed by the OOM killer: the container's memory limit is too "
			"small to start in");
	if (WIFSIGNALED(p->wait_status))
		return err_set(e, ERR_SYSTEM, 0, "init was killed by signal %d (%s) during set-up",
			       WTERMSIG(p->wait_status), strsignal(WTERMSIG(p->wait_status)));
	return err_set(e, ERR_SYSTEM, 0, "init exited with status %d during set-up",
		       WEXITSTATUS(p->wait_status));
}
