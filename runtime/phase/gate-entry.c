/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/gate-entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/phase/sync.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define OPTIONS                                                                                    \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |       \
	 PTRACE_O_TRACECLONE)

/* How long to look for a stop before sleeping until it comes. */
#define EXEC_USEC 300
#define STEP_USEC 100

void gate_entry_init(struct gate_entry *g, const struct plan_filter *filter)
{
	g->filter = filter;
	g->init = -1;
	g->state = GATE_OFF;
	g->pid = g->pidfd = -1;
	g->inject.mem = g->inject.status = -1;
	g->count = 0;
}

/* ---- what is traced ---- */

static struct gate_task *find(struct gate_entry *g, pid_t tid)
{
	for (size_t i = 0; i < g->count; i++) {
		if (g->tasks[i].tid == tid)
			return &g->tasks[i];
	}
	return NULL;
}

static bool is_thread(const struct gate_entry *g, pid_t tid)
{
	char path[64];

	text_format(path, sizeof path, "/proc/%d/task/%d", g->pid, tid);
	return access(path, F_OK) == 0;
}

static struct gate_task *add(struct gate_entry *g, pid_t tid)
{
	struct gate_task *t = find(g, tid);

	if (t || g->count == GATE_TASKS)
		return t;
	t = &g->tasks[g->count++];
	*t = (struct gate_task){ .tid = tid, .child = tid != g->pid && !is_thread(g, tid) };
	return t;
}

static void forget(struct gate_entry *g, struct gate_task *t)
{
	*t = g->tasks[--g->count];
}

/* It may have been killed meanwhile, and then another status follows. */
static int go_on(struct gate_task *t, int request, int sig, struct err *e)
{
	t->stopped = false;
	if (ptrace(request, t->tid, 0, sig) < 0 && errno != ESRCH)
		return err_sys(e, "entry gate: continue task %d", t->tid);
	return 1;
}

static void detach(struct gate_entry *g)
{
	/* The program's first thread last: until then all others stand still. */
	for (size_t i = g->count; i-- > 0;) {
		const struct gate_task *t = &g->tasks[i];
		if (t->tid != g->pid)
			(void)ptrace(PTRACE_DETACH, t->tid, 0, t->sig);
	}
	(void)ptrace(PTRACE_DETACH, g->pid, 0, 0);
	g->count = 0;
}

static void end(struct gate_entry *g)
{
	seccomp_inject_close(&g->inject);
	drop_fd(&g->pidfd);
	g->state = GATE_OFF;
}

/* ---- the end of all, if something is wrong ---- */

static void kill_all(struct gate_entry *g)
{
	if (g->pidfd >= 0)
		(void)kernel_pidfd_send_signal(g->pidfd, SIGKILL);
	for (size_t i = 0; i < g->count; i++) {
		if (g->tasks[i].child)
			(void)kill(g->tasks[i].tid, SIGKILL);
	}
}

/* It outlives all others of its pid namespace, and how it ended is the caller's to know. */
static bool is_end_of_init(const struct gate_entry *g, const siginfo_t *info)
{
	return info->si_pid == g->init &&
	       (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
		info->si_code == CLD_DUMPED);
}

/* One change of state of what is traced, or of a task that was born a moment ago. False: no more. */
static bool reap_one(struct gate_entry *g)
{
	siginfo_t info = { 0 };
	int status;

	if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0)
		return errno == EINTR;
	if (is_end_of_init(g, &info))
		return false;
	if (waitpid(info.si_pid, &status, __WALL) < 0)
		return true;
	struct gate_task *t = find(g, info.si_pid);
	if (WIFSTOPPED(status)) {
		(void)kill(info.si_pid, SIGKILL);
		(void)ptrace(PTRACE_CONT, info.si_pid, 0, 0);
	} else if (t) {
		forget(g, t);
	}
	return true;
}

void gate_entry_abort(struct gate_entry *g)
{
	if (g->state == GATE_OFF)
		return;
	kill_all(g);
	while (g->count && reap_one(g))
		;
	g->count = 0;
	end(g);
}

static int fail(struct gate_entry *g, struct err *e)
{
	gate_entry_abort(g);
	/* What comes later than the step is its failure all the same. */
	text_format(e->phase, sizeof e->phase, "start");
	text_format(e->step, sizeof e->step, "gate");
	return -1;
}

/* ---- stops ---- */

static int install(struct gate_entry *g, struct err *e)
{
	/* A listener could not get out. */
	unsigned flags =
		g->filter->flags & (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);

	if (seccomp_inject_begin(&g->inject, g->filter->code, g->filter->count, flags, e) < 0)
		return -1;
	g->state = GATE_INSTALLING;
	return go_on(find(g, g->pid), PTRACE_SINGLESTEP, 0, e);
}

/* No thread may make a process any more, and none is there: then there is nobody to escape. */
static int proceed(struct gate_entry *g, struct err *e)
{
	if (g->state != GATE_STOPPING)
		return 1;
	for (size_t i = 0; i < g->count; i++) {
		const struct gate_task *t = &g->tasks[i];
		if (t->child || !t->stopped)
			return 1;
	}
	return install(g, e);
}

static int stop_all(struct gate_entry *g, struct err *e)
{
	g->state = GATE_STOPPING;
	for (size_t i = 0; i < g->count; i++) {
		struct gate_task *t = &g->tasks[i];
		if (t->child)
			(void)kill(t->tid, SIGKILL);
		else if (t->tid == g->pid)
			t->stopped = true;
		else if (!t->stopped && ptrace(PTRACE_INTERRUPT, t->tid, 0, 0) < 0 &&
			 errno != ESRCH)
			return err_sys(e, "entry gate: stop thread %d", t->tid);
	}
	return proceed(g, e);
}

/* The other threads are gone, and their ids with them. */
static int take_exec(struct gate_entry *g, struct gate_task *t, struct err *e)
{
	if (t->tid != g->pid)
		return go_on(t, PTRACE_CONT, 0, e);
	for (size_t i = g->count; i-- > 0;) {
		if (!g->tasks[i].child && g->tasks[i].tid != g->pid)
			forget(g, &g->tasks[i]);
	}
	seccomp_inject_close(&g->inject);
	if (seccomp_inject_arm(&g->inject, g->pid, e) < 0)
		return -1;
	g->state = GATE_LOADING;
	if (go_on(find(g, g->pid), PTRACE_CONT, 0, e) < 0)
		return -1;
	seccomp_inject_prepare(&g->inject);
	return 1;
}

static int too_many(struct err *e)
{
	return err_set(e, ERR_SYSTEM, 0,
		       "entry gate: more than %d threads and processes before the entry point",
		       GATE_TASKS);
}

static int take_birth(struct gate_entry *g, struct gate_task *t, struct err *e)
{
	unsigned long born = 0;

	if (ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &born) == 0 && born) {
		struct gate_task *child = add(g, (pid_t)born);
		if (!child)
			return too_many(e);
		if (child->child && g->state == GATE_STOPPING)
			(void)kill(child->tid, SIGKILL);
	}
	if (g->state != GATE_STOPPING)
		return go_on(t, PTRACE_CONT, 0, e);
	t->stopped = true;
	return proceed(g, e);
}

/* Attached, interrupted, or in a group-stop, which lasts until SIGCONT. */
static int take_stop(struct gate_entry *g, struct gate_task *t, int sig, struct err *e)
{
	if (g->state == GATE_STOPPING && !t->child) {
		t->stopped = true;
		return proceed(g, e);
	}
	if (sig != SIGTRAP)
		return go_on(t, PTRACE_LISTEN, 0, e);
	bool stepping = g->state == GATE_INSTALLING && t->tid == g->pid;
	return go_on(t, stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, 0, e);
}

static int take_step(struct gate_entry *g, struct gate_task *t, int sig, struct err *e)
{
	if (sig != SIGTRAP)
		return err_set(e, ERR_SYSTEM, 0,
			       "entry gate: install the policy in the program: signal %d (%s)", sig,
			       strsignal(sig));
	int result = seccomp_inject_end(&g->inject, e);
	if (result > 0)
		return go_on(t, PTRACE_SINGLESTEP, 0, e);
	if (result < 0)
		return -1;
	detach(g);
	end(g);
	return 1;
}

static int take_signal(struct gate_entry *g, struct gate_task *t, int sig, struct err *e)
{
	bool main = t->tid == g->pid;

	if (main && g->state == GATE_INSTALLING)
		return take_step(g, t, sig, e);
	if (main && g->state == GATE_LOADING && sig == SIGTRAP && seccomp_inject_hit(&g->inject))
		return stop_all(g, e);
	if (g->state == GATE_STOPPING && !t->child) {
		t->stopped = true;
		t->sig = sig;
		return proceed(g, e);
	}
	return go_on(t, PTRACE_CONT, sig, e);
}

static int take_stopped(struct gate_entry *g, struct gate_task *t, int status, struct err *e)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		return take_exec(g, t, e);
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		return take_birth(g, t, e);
	case PTRACE_EVENT_STOP:
		return take_stop(g, t, sig, e);
	default:
		return take_signal(g, t, sig, e);
	}
}

/*
 * Another processor needs less time for what is awaited now than this one would need to fall asleep and
 * wake up again. Only stops: how it ended may be the caller's to know. True: @status is its.
 */
static bool stops_soon(const struct gate_entry *g, uint64_t usec, int *status)
{
	struct timespec now;
	uint64_t end = 0;

	while (g->parallel) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)g->pid, &info, WSTOPPED | WNOHANG | __WALL) < 0)
			return false;
		if (info.si_pid) {
			*status = info.si_status << 8 | 0x7f;
			return true;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		uint64_t at = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
		end = end ? end : at + usec;
		if (at >= end)
			return false;
	}
	return false;
}

static int take(struct gate_entry *g, pid_t pid, int status, struct err *e)
{
	struct gate_task *t = find(g, pid);
	int result;

	if (g->state == GATE_OFF)
		return 0;
	if (WIFSTOPPED(status)) {
		t = t ? t : add(g, pid);
		result = t ? take_stopped(g, t, status, e) : too_many(e);
		return result < 0 ? fail(g, e) : result;
	}
	if (!t)
		return 0;
	forget(g, t);
	/* What it left behind is traced, and shall not outlive it unfiltered. */
	if (pid == g->pid) {
		gate_entry_abort(g);
		return 0;
	}
	return proceed(g, e) < 0 ? fail(g, e) : 1;
}

int gate_entry_take(struct gate_entry *g, pid_t pid, int status, struct err *e)
{
	int result = take(g, pid, status, e);

	while (result > 0 && g->state == GATE_INSTALLING && stops_soon(g, STEP_USEC, &status))
		result = take(g, g->pid, status, e);
	return result;
}

/* ---- the beginning ---- */

/* The number that the process of a pidfd has here: it may live in a namespace of its own. */
static pid_t pid_of(int pidfd, struct err *e)
{
	struct kernel_pidfd_info info = { 0 };
	char path[64], text[1024];
	uint32_t pid = 0;

	if (ioctl(pidfd, KERNEL_PIDFD_GET_INFO, &info) == 0 && info.pid)
		return (pid_t)info.pid;
	text_format(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_full(fd, text, sizeof text - 1);
	if (n < 0)
		return err_sys(e, "entry gate: read %s", path);
	text[n] = '\0';
	char *at = strstr(text, "\nPid:\t");
	if (at) {
		at += strlen("\nPid:\t");
		at[strcspn(at, "\n")] = '\0';
	}
	if (!at || text_parse_u32(at, &pid) < 0 || !pid)
		return err_set(e, ERR_PROTOCOL, ESRCH,
			       "entry gate: look for the program's process");
	return (pid_t)pid;
}

/* Trace the process of @pidfd, which is taken over. On failure it is dead. */
static int begin(struct gate_entry *g, int pidfd, struct err *e)
{
	cpu_set_t cpus;

	g->parallel = sched_getaffinity(0, sizeof cpus, &cpus) < 0 || CPU_COUNT(&cpus) > 1;
	g->pidfd = pidfd;
	g->state = GATE_EXECUTING;
	g->pid = pid_of(pidfd, e);
	if (g->pid < 0)
		return fail(g, e);
	if (ptrace(PTRACE_SEIZE, g->pid, 0, OPTIONS) < 0) {
		err_set(e, ERR_UNSUPPORTED, errno, "entry gate: trace the program");
		err_append(e,
			   " (a debugger or strace on husk, kernel.yama.ptrace_scope, or a filter "
			   "around husk forbids ptrace; --gate strict needs none)");
		return fail(g, e);
	}
	add(g, g->pid);
	return 0;
}

int gate_entry_take_all(struct gate_entry *g, struct err *e)
{
	siginfo_t info;
	int status;

	while (g->state != GATE_OFF) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return 1;
		}
		if (!info.si_pid)
			return 0;
		if (is_end_of_init(g, &info)) {
			gate_entry_abort(g);
			return 1;
		}
		if (waitpid(info.si_pid, &status, __WALL) < 0)
			continue;
		if (gate_entry_take(g, info.si_pid, status, e) < 0)
			return -1;
	}
	return 1;
}

int gate_entry_await(struct gate_entry *g, int initfd, struct err *e)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int result = gate_entry_take_all(g, e);
		if (result != 0)
			return result < 0 ? -1 : 0;
		int sig = sigwaitinfo(&all, NULL);
		if (sig > 0 && sig != SIGCHLD)
			(void)kernel_pidfd_send_signal(initfd, sig);
	}
}

/* Its execve may fail, which is told elsewhere. */
static int await_exec(struct gate_entry *g, struct err *e)
{
	int status;

	if (stops_soon(g, EXEC_USEC, &status) && gate_entry_take(g, g->pid, status, e) < 0)
		return -1;
	while (g->state == GATE_EXECUTING) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)g->pid, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL) < 0) {
			if (errno == EINTR)
				continue;
			err_sys(e, "entry gate: wait for the program");
			return fail(g, e);
		}
		if (is_end_of_init(g, &info)) {
			gate_entry_abort(g);
			return 0;
		}
		if (waitpid(g->pid, &status, __WALL) == g->pid &&
		    gate_entry_take(g, g->pid, status, e) < 0)
			return -1;
	}
	return 0;
}

int gate_entry_meet(struct gate_entry *g, int sock, struct err *e)
{
	size_t count = 1;
	int pidfd = -1;
	int result = sync_wait(sock, SYNC_GATE, NULL, &pidfd, &count, e);

	if (result != SYNC_OK)
		return result;
	if (begin(g, pidfd, e) < 0) {
		/* It may have failed on its own meanwhile, and knows better why it is not there. */
		(void)sync_wait(sock, SYNC_ERROR, NULL, NULL, NULL, e);
		return -1;
	}
	if (sync_send(sock, SYNC_TRACED, 0, e) < 0) {
		gate_entry_abort(g);
		return -1;
	}
	return await_exec(g, e) < 0 ? -1 : SYNC_OK;
}
