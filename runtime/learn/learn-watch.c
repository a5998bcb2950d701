/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* Low numbers of the native architecture have a table of their own. */
#define FAST_CALLS 512u

struct watch {
	struct learn *l;
	struct seccomp_listener listener;
	const struct seccomp_arch *native;
	struct learn_call *fast[FAST_CALLS];
	pid_t pid; /* 0: has ended */
	int status;
};

/* ------------------------------------------------------------------ calls */

/* What clone cannot do, or is not for threads and programs to be started. */
#define CLONE3_OWN                                                                                 \
	(~(uint64_t)UINT32_MAX | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |     \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
/* Signal handlers to default: libc falls back to clone and does it itself. */
#define CLONE3_CLEAR_SIGHAND 0x100000000u

/*
 * clone3 has its flags in memory, where no filter sees them: as it is refused in husk's policies,
 * it is here, and libraries use clone. Not so where nothing can replace it.
 */
static bool is_clone3_needed(const struct seccomp_notif *r)
{
	uint64_t flags;

	if (seccomp_listen_read((pid_t)r->pid, r->data.args[0], &flags, sizeof flags) !=
	    (ssize_t)sizeof flags)
		return false;
	return flags & CLONE3_OWN & ~(uint64_t)CLONE3_CLEAR_SIGHAND;
}

/* Calls through a ring are made by the kernel and would not be seen. Programs do without. */
static bool refuses(const struct seccomp_notif *r, const struct learn_call *c)
{
	if (c->name[0] == 'i')
		return text_equal(c->name, "io_uring_setup") ||
		       text_equal(c->name, "io_uring_enter") ||
		       text_equal(c->name, "io_uring_register");
	return c->name[0] == 'c' && text_equal(c->name, "clone3") && !is_clone3_needed(r);
}

static struct learn_call *find_call(struct watch *w, const struct seccomp_data *data)
{
	uint32_t number = (uint32_t)data->nr;
	bool fast = data->arch == w->native->audit && number < FAST_CALLS;

	if (fast && w->fast[number])
		return w->fast[number];
	const struct seccomp_arch *arch = learn_arch_of(data);
	/* A number of -1 is a call that a tracer skips. */
	if (!arch || data->nr == -1)
		return NULL;
	struct learn_call *c = learn_call_get(w->l, arch, number);
	if (fast)
		w->fast[number] = c;
	return c;
}

static int take_call(struct watch *w, struct err *e)
{
	const struct seccomp_notif *r = w->listener.request;
	int got = seccomp_listen_receive(&w->listener, e);

	if (got <= 0)
		return got;
	struct learn_call *c = find_call(w, &r->data);
	if (!c)
		return seccomp_listen_answer(&w->listener, 0, e);
	c->origin |= LEARN_SEEN;
	if (refuses(r, c)) {
		c->refused++;
		return seccomp_listen_answer(&w->listener, ENOSYS, e);
	}
	c->let++;
	learn_call_add(w->l, c, &r->data);
	if (w->l->want_files)
		learn_path_record(w->l, &w->listener, c);
	if (w->l->want_network)
		learn_network_record(w->l, &w->listener, c);
	return seccomp_listen_answer(&w->listener, 0, e);
}

/* ---------------------------------------------------------------- signals */

/* When the program has ended, what it left behind are our children. */
static void pass_on(const struct watch *w, int sig)
{
	char text[4096], path[64];
	char *rest = text;

	if (w->pid) {
		(void)kill(w->pid, sig);
		return;
	}
	text_format(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if (io_read_at(AT_FDCWD, path, text, sizeof text) < 0)
		return;
	for (char *word; (word = strtok_r(rest, " ", &rest));) {
		uint32_t pid;
		if (text_parse_u32(word, &pid) == 0 && pid)
			(void)kill((pid_t)pid, sig);
	}
}

/* Filters of processes that nobody has waited for count as used, on older kernels. */
static void reap(struct watch *w)
{
	int status;

	for (pid_t p; (p = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (p != w->pid)
			continue;
		w->status = status;
		w->pid = 0;
	}
}

static void take_signals(struct watch *w, int sigfd)
{
	struct signalfd_siginfo info;

	while (read(sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		int sig = (int)info.ssi_signo;
		if (sig == SIGCHLD)
			reap(w);
		/* A terminal's go to the whole group, and so to the program, too. */
		else if (info.ssi_code != SI_KERNEL && sig != SIGPIPE)
			pass_on(w, sig);
	}
}

/* ------------------------------------------------------------------- loop */

static int watch(struct watch *w, int sigfd, struct err *e)
{
	struct pollfd p[] = { { .fd = w->listener.fd, .events = POLLIN },
			      { .fd = sigfd, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno != EINTR)
				return err_sys(e, "poll the listener");
			continue;
		}
		if (p[1].revents)
			take_signals(w, sigfd);
		if (p[0].revents & POLLIN) {
			if (take_call(w, e) < 0)
				return -1;
		} else if (p[0].revents) {
			break;
		}
	}
	/* The last one may not have been waited for. */
	while (w->pid) {
		if (waitpid(w->pid, &w->status, 0) == w->pid || errno != EINTR)
			w->pid = 0;
	}
	return 0;
}

int learn_watch(struct learn *l, const struct learn_child *child, int sigfd, struct err *e)
{
	struct watch *w = arena_new(l->arena, struct watch);

	if (!w)
		return arena_check(l->arena, e);
	w->l = l;
	w->pid = child->pid;
	w->native = seccomp_names_arch(seccomp_names_native());
	if (seccomp_listen_init(&w->listener, child->listener, l->arena, e) < 0 ||
	    watch(w, sigfd, e) < 0) {
		if (w->pid)
			(void)kill(w->pid, SIGKILL);
		return -1;
	}
	return w->status;
}
