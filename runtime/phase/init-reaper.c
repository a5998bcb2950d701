/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps of a sandbox: Landlock, a first process that is not the program, and the entry gate.
 * A program that is pid 1 itself gets no signal that it has no handler for (its own abort(3)
 * included), and would have to reap what others leave behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/phase/gate.h"
#include "runtime/phase/init.h"
#include "runtime/phase/notify.h"
#include "runtime/phase/reaper-filter.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/lsm/lsm-landlock.h"

bool init_wants_landlock(const void *ctx)
{
	return ((const struct init *)ctx)->plan->landlock.version > 0;
}

static int allow(int ruleset, const struct plan_landlock *l, int root, const char *path, int write,
		 struct err *e)
{
	CLEAN_FD int fd = path_open_in_root(root, path, O_PATH);

	/* A later mount may have covered it. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_sys(e, "open %s for Landlock", path);
	return lsm_landlock_allow(ruleset, l->version, fd, write, path, e);
}

static int restrict_by_rules(const struct plan_landlock *l, int root, struct err *e)
{
	CLEAN_FD int ruleset = lsm_landlock_create_files(l->version, e);

	if (ruleset < 0)
		return -1;
	for (size_t i = 0; i < l->rules_count; i++) {
		const struct plan_landlock_rule *r = &l->rules[i];
		CLEAN_FD int fd = path_open_in_root(root, r->path, O_PATH);
		if (fd < 0 && r->optional)
			continue;
		if (fd < 0)
			return err_sys(e, "open %s for Landlock", r->path);
		if (lsm_landlock_allow_only(ruleset, l->version, fd, r->access, r->path, e) < 0)
			return -1;
	}
	return lsm_landlock_restrict(ruleset, e);
}

int init_landlock(void *ctx, struct err *e)
{
	return landlock_enter(&((const struct init *)ctx)->plan->landlock, e);
}

int landlock_enter(const struct plan_landlock *l, struct err *e)
{
	CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return err_sys(e, "open the root for Landlock");
	if (l->rules_count)
		return restrict_by_rules(l, root, e);
	CLEAN_FD int ruleset = lsm_landlock_create(l->version, e);
	if (ruleset < 0 || allow(ruleset, l, root, "/", l->root_writable, e) < 0)
		return -1;
	for (size_t i = 0; i < l->writable_count; i++) {
		if (allow(ruleset, l, root, l->writable[i], true, e) < 0)
			return -1;
	}
	if (l->ports_limited && lsm_landlock_connect_only(l->ports, l->ports_count, e) < 0)
		return -1;
	return lsm_landlock_restrict(ruleset, e);
}

bool init_wants_reaper(const void *ctx)
{
	return ((const struct init *)ctx)->plan->process.reaper;
}

/* All signals are blocked; those of the caller are for the program. What is called here stands in
 * policies/self/reaper.policy. */
static _Noreturn void attend(int result, pid_t program)
{
	siginfo_t info;
	sigset_t set;
	int status;

	sigfillset(&set);
	for (;;) {
		for (pid_t p; (p = waitpid(-1, &status, WNOHANG)) > 0;) {
			if (p != program)
				continue;
			(void)io_write_full(result, &status, sizeof status);
			/* The end of pid 1 is the end of everything that the program left behind.
			 */
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		}
		int sig = sigwaitinfo(&set, &info);
		/* Only what comes from outside, which has no pid here (and a sender cannot choose
		 * SI_USER): what the program sends is for pid 1, and means nothing to it. */
		if (sig > 0 && sig != SIGCHLD && info.si_code == SI_USER && info.si_pid == 0)
			kill(program, sig);
	}
}

/* What is left to do for the program's process: it closes descriptors, and executes. */
#define BORROWED_STACK_BYTES 131072

static int become_program(void *ctx)
{
	struct init *c = ctx;

	/* Close-on-exec; the number is the reaper's, too, which reads it in its own frame. */
	drop_fd(&c->result);
	init_main_behind(c, "reaper");
}

/*
 * A child with the memory of this process, which sleeps until the child has a program of its own or is
 * dead: nothing is copied, and no page has to be fetched again, 0.1 ms. The child has a stack of its own,
 * since what it calls would run over the frames that this process comes back to. Only where nobody talks
 * to the child before its execve, and where nothing but the execve is left to do: the two have one
 * errno and one struct init.
 */
static pid_t start_in_same_memory(struct init *c)
{
	static _Alignas(64) char stack[BORROWED_STACK_BYTES];

	return clone(become_program, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, c);
}

int init_reaper(void *ctx, struct err *e)
{
	struct init *c = ctx;
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct pollfd parent = { .fd = c->result };
	sigset_t all;
	/* Changed credentials may have cleared it. */
	bool tied = c->plan->process.die_with_parent;

	if (tied && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_sys(e, "tie pid 1 to its parent");
	/* And the parent may have ended while it was not tied: nobody reads the pipe then. */
	if (tied && poll(&parent, 1, 0) > 0 && parent.revents & POLLERR)
		return init_parent_gone(e);
	/* The listener of a supervised filter is made by the program's process, and has to get out.
	 */
	bool supervised = c->supervisor >= 0;
	if (supervised) {
		c->process.meeting = notify_meeting_make(e);
		if (!c->process.meeting)
			return -1;
		args.flags |= CLONE_FILES;
	}
	/* And the tracer of the entry gate comes while the program's process has other things to do. */
	int traced = -1;
	bool gated = init_wants_gate(c);
	if (gated) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uintptr_t)&traced;
		if (gate_open_up(e) < 0)
			return -1;
	}
	const struct plan_process *process = &c->plan->process;
	const int result = c->result;
	bool alone = !supervised && !gated && !process->exec_keyed;
	pid_t pid = alone ? start_in_same_memory(c) : kernel_clone3(&args);
	if (pid < 0)
		return err_sys(e, "start a process for the program");
	if (pid == 0) {
		/* Close-on-exec; and shared, these are not this process's to close. */
		if (!supervised)
			drop_fd(&c->result);
		return 0;
	}
	if (supervised) {
		notify_meeting_hand_over(c->process.meeting, pid, c->supervisor);
		if (unshare(CLONE_FILES) < 0)
			_exit(1);
	}
	if (gated && (gate_ask(c->report, traced, e) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		return -1;
	/* Its files would keep those open that the program closes, and hide from the parent that it
	 * runs. */
	int keep[2 + PLAN_LOCKS_MAX] = { result, -1 };
	if (process->held_fd.set)
		keep[1] = (int)process->held_fd.value;
	memcpy(keep + 2, c->locks, c->locks_count * sizeof *keep);
	io_close_all_but(0, keep, 2 + c->locks_count);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	reaper_filter_enter();
	attend(result, pid);
}

bool init_wants_gate(const void *ctx)
{
	return ((const struct init *)ctx)->plan->process.gate == PLAN_GATE_ENTRY;
}

/*
 * Needs: everything but the filter. Leaves: the parent on its way to trace this process, which waits for
 * it before its execve. In the sandbox is nobody yet who could trace it, too.
 */
int init_gate(void *ctx, struct err *e)
{
	struct init *c = ctx;

	c->process.tracer = c->report;
	if (init_wants_reaper(c))
		return 0; /* which has asked */
	CLEAN_FD int self = kernel_pidfd_open(getpid(), 0);
	if (self < 0)
		return err_sys(e, "open the program's own process");
	return gate_open_up(e) < 0 ? -1 : gate_ask(c->report, self, e);
}
