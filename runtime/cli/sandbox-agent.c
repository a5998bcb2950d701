/* SPDX-License-Identifier: Apache-2.0 */
/* Further processes of a named sandbox: each is started, watched and reported by a child of the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-tree.h"
#include "runtime/phase/exec-join.h"
#include "runtime/phase/gate-entry.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* One of them. */
struct agent {
	struct named_agents *agents;
	struct plan plan; /* the sandbox's, with another process */
	struct exec_join join;
	struct gate_entry gate; /* on, while its program is on the way to its entry point */
	int conn;
	char **args;
	struct sandbox_output output;
};

int named_listen(struct named_agents *a, struct parent *p, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[8];

	a->parent = p;
	a->spaces_count = NAMED_SPACES_MAX;
	if (io_recv_fds(p->spaces, text, sizeof text, a->spaces, &a->spaces_count) <= 0)
		return err_sys(e, "receive the sandbox's namespaces");
	if (sock < 0)
		return err_sys(e, "create socket");
	/* The state directory's path may be longer than an address takes. */
	text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", p->state_dir,
		    NAMED_SOCKET);
	if (bind(sock, (struct sockaddr *)&address, sizeof address) < 0 || listen(sock, 64) < 0)
		return err_sys(e, "listen on %s", NAMED_SOCKET);
	a->listener = take_fd(&sock);
	return 0;
}

/* ---- the request ---- */

struct words {
	char *at, *end;
};

static char *next_word(struct words *w)
{
	char *word = w->at, *nul = memchr(w->at, 0, (size_t)(w->end - w->at));

	if (!nul)
		return NULL;
	w->at = nul + 1;
	return word;
}

static char **take_words(struct words *w, size_t count, struct arena *a)
{
	char **list = arena_new_array(a, count + 1, char *);

	for (size_t i = 0; list && i < count; i++) {
		list[i] = next_word(w);
		if (!list[i])
			return NULL;
	}
	return list;
}

/* What was asked for over what the sandbox's own program has. */
static int lay_env(struct plan_process *p, char **more, size_t more_count, struct arena *a,
		   struct err *e)
{
	size_t count = 0;

	while (p->env[count])
		count++;
	char **env = arena_new_array(a, count + more_count + 1, char *);
	if (!env)
		return arena_check(a, e);
	memcpy(env, p->env, count * sizeof *env);
	for (size_t i = 0; i < more_count; i++) {
		size_t at = 0, name = strcspn(more[i], "=");
		while (at < count && (strncmp(env[at], more[i], name) != 0 || env[at][name] != '='))
			at++;
		env[at] = more[i];
		count += at == count;
	}
	p->env = env;
	return 0;
}

/*
 * The listener of the first program's filter has somebody who waits at it. Here nobody would: what it asks
 * for is killing, so kill.
 */
static int settle_filter(struct plan_process *p, struct arena *a, struct err *e)
{
	if (!p->filter || !p->filter->supervised)
		return 0;
	struct plan_filter *f = arena_new(a, struct plan_filter);
	struct sock_filter *code = arena_new_array(a, p->filter->count, struct sock_filter);
	if (!f || !code)
		return arena_check(a, e);
	*f = *p->filter;
	for (size_t i = 0; i < f->count; i++) {
		code[i] = f->code[i];
		if (code[i].code == (BPF_RET | BPF_K) &&
		    (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			code[i].k = SECCOMP_RET_KILL_PROCESS;
	}
	f->code = code;
	f->flags &= ~(unsigned)SECCOMP_FILTER_FLAG_NEW_LISTENER;
	f->notify = f->supervised = false;
	p->filter = f;
	return 0;
}

static int fill_plan(struct agent *g, const struct named_request *r, struct words *w, struct err *e)
{
	struct parent *parent = g->agents->parent;
	struct plan_process *p = &g->plan.process;
	struct arena *a = parent->arena;

	g->plan = *parent->plan;
	p->reaper = p->die_with_parent = false;
	p->preserve_fds = 0;
	p->terminal = r->terminal;
	p->console_rows = r->rows;
	p->console_columns = r->columns;
	if (r->has_directory)
		p->cwd = next_word(w);
	/* No more words than bytes: the numbers are checked before anything is allocated for them. */
	size_t left = (size_t)(w->end - w->at);
	if (!p->cwd || r->args_count > left || r->env_count > left || !r->args_count)
		return err_set(e, ERR_PROTOCOL, 0, "a request that makes no sense");
	g->args = take_words(w, r->args_count, a);
	char **env = g->args ? take_words(w, r->env_count, a) : NULL;
	if (!env)
		return err_set(e, ERR_PROTOCOL, 0, "a request that makes no sense");
	p->args = g->args;
	p->program = NULL;
	if (lay_env(p, env, r->env_count, a, e) < 0)
		return -1;
	return settle_filter(p, a, e);
}

/* Its three descriptors in the place of this process's. */
static int receive(struct agent *g, struct named_request *r, struct err *e)
{
	static char body[NAMED_BODY_MAX];
	int fds[3];
	size_t count = 3;
	ssize_t n = io_recv_fds(g->conn, body, sizeof body, fds, &count);

	if (n < (ssize_t)sizeof *r || count != 3)
		return err_set(e, ERR_PROTOCOL, 0, "a request that makes no sense");
	memcpy(r, body, sizeof *r);
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			return err_sys(e, "take the caller's descriptors");
		close(fds[i]);
	}
	struct words w = { body + sizeof *r, body + n };
	return fill_plan(g, r, &w, e);
}

/* ---- the process ---- */

static int serve(void *ctx)
{
	const struct agent *g = ctx;

	return sandbox_tree_serve(g->args[0][0] == 'p', g->args[1], STDIN_FILENO);
}

static int start(struct agent *g, const struct named_request *r, struct err *e)
{
	static const struct exec_options options = { .middle = true };
	struct parent *p = g->agents->parent;
	struct exec_join *x = &g->join;

	exec_join_init(x);
	x->plan = &g->plan;
	x->options = &options;
	x->state = &p->state;
	x->arena = p->arena;
	x->cgroup = p->state.cgroup_enabled ? &p->state.cgroup : NULL;
	x->keyring_name = state_keyring_name(&p->state, p->arena);
	x->target = p->pidfd;
	x->procfd = p->procfd;
	x->spaces = g->agents->spaces;
	x->spaces_count = g->agents->spaces_count;
	x->gate = &g->gate;
	if (r->kind != NAMED_EXEC) {
		if (r->args_count != 2 || r->terminal)
			return err_set(e, ERR_PROTOCOL, 0, "a request that makes no sense");
		x->serve = serve;
		x->serve_ctx = g;
	}
	return exec_join_run(x, e);
}

/* The output of what is executed by way of this process, where it counts. */
static int divert(struct agent *g, const struct named_request *r, struct err *e)
{
	const struct sandbox_output *of = g->agents->output;

	sandbox_output_init(&g->output);
	if (r->kind != NAMED_EXEC || !of || !of->used)
		return 0;
	if (r->terminal)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"--terminal: what is written to one cannot be counted for the sandbox's "
			"--output-limit");
	return sandbox_output_join(&g->output, of, e);
}

static void answer(const struct agent *g, uint32_t kind, int status, const struct err *why, int fd)
{
	struct named_answer a = { .kind = kind, .status = status };

	if (why)
		a.err = *why;
	(void)io_send_fds(g->conn, &a, sizeof a, &fd, fd >= 0);
}

/* What comes from the client: a signal for the process, or the client's end. */
static void take_message(struct agent *g)
{
	struct named_signal s;
	size_t none = 0;
	ssize_t n = io_recv_fds(g->conn, &s, sizeof s, NULL, &none);

	if (n == (ssize_t)sizeof s && s.kind == NAMED_SIGNAL && s.sig > 0 && s.sig <= 64) {
		(void)kernel_pidfd_send_signal(g->join.pidfd, s.sig);
		return;
	}
	(void)kernel_pidfd_send_signal(g->join.pidfd, SIGKILL);
	drop_fd(&g->conn);
}

/* Too much: the limit is the sandbox's, and so is the end. The supervisor sees why. */
static void pass_on(struct agent *g, const struct pollfd *p)
{
	sandbox_output_step(&g->output, p);
	if (sandbox_output_exceeded(&g->output))
		(void)kernel_pidfd_send_signal(g->agents->parent->pidfd, SIGKILL);
}

/* What it has written until its end, as long as somebody reads that; then (@all) what others write who
 * have its descriptors. */
static void drain(struct agent *g, bool all)
{
	struct pollfd p[1 + SANDBOX_OUTPUT_FDS];

	while (g->output.used) {
		bool sending = false, open = false;
		p[0] = (struct pollfd){ all ? -1 : g->conn, 0, 0 };
		sandbox_output_poll(&g->output, p + 1);
		for (size_t i = 1; i <= SANDBOX_OUTPUT_FDS; i++) {
			open |= p[i].fd >= 0;
			sending |= p[i].fd >= 0 && p[i].events & POLLOUT;
		}
		if (!open)
			return;
		int ready = poll(p, 1 + SANDBOX_OUTPUT_FDS, all || sending ? -1 : 0);
		if (ready < 0 && errno != EINTR)
			return;
		if (ready == 0 || p[0].revents)
			return;
		pass_on(g, p + 1);
	}
}

/* Its status, or -1: the entry gate did not close. */
static int attend(struct agent *g, int sigfd, struct err *e)
{
	struct signalfd_siginfo info;
	int status = 0;

	for (;;) {
		bool gated = g->gate.state != GATE_OFF;
		struct pollfd p[3 + SANDBOX_OUTPUT_FDS] = { { g->join.pidfd, POLLIN, 0 },
							    { g->conn, POLLIN, 0 },
							    { gated ? sigfd : -1, POLLIN, 0 } };
		if (g->output.used)
			sandbox_output_poll(&g->output, p + 3);
		/* Before the first of its signals, and after each. */
		if (gated && gate_entry_take_all(&g->gate, e) < 0)
			return -1;
		if (poll(p, g->output.used ? 3 + SANDBOX_OUTPUT_FDS : 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			break;
		if (p[1].revents)
			take_message(g);
		if (p[2].revents)
			(void)!read(sigfd, &info, sizeof info);
		if (g->output.used)
			pass_on(g, p + 3);
	}
	drain(g, false);
	/* It ended on its way. */
	gate_entry_abort(&g->gate);
	while (waitpid(g->join.pid, &status, 0) < 0 && errno == EINTR)
		;
	return foreground_status(status);
}

static _Noreturn void agent_main(struct named_agents *agents, int conn, pid_t supervisor)
{
	/* Large: it has a plan in it. */
	static struct agent g;
	struct named_request r = { 0 };
	struct err e = { 0 };
	sigset_t children;
	int keep[NAMED_SPACES_MAX + 4] = { conn, agents->parent->pidfd, agents->parent->procfd,
					   phase_trace_fd() };

	g = (struct agent){ .agents = agents, .conn = conn };
	/* Without the supervisor nobody keeps the sandbox's limits. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != supervisor)
		_exit(1);
	for (size_t i = 0; i < agents->spaces_count; i++)
		keep[4 + i] = agents->spaces[i];
	io_close_all_but(3, keep, 4 + agents->spaces_count);
	agents->parent->sync = -1;
	gate_entry_init(&g.gate, NULL);
	/* The supervisor's signals stay blocked. */
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	if (receive(&g, &r, &e) < 0 || divert(&g, &r, &e) < 0 || start(&g, &r, &e) < 0) {
		answer(&g, NAMED_FAILED, 1, &e, -1);
		_exit(1);
	}
	sandbox_output_restore(&g.output);
	answer(&g, NAMED_STARTED, 0, NULL, g.join.console_master);
	drop_fd(&g.join.console_master);
	/* The program's alone: a pipe's reader waits for its last writer. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	int sigfd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	int status = sigfd < 0 ? err_sys(&e, "create signalfd") : attend(&g, sigfd, &e);
	answer(&g, status < 0 ? NAMED_FAILED : NAMED_ENDED, status, status < 0 ? &e : NULL, -1);
	drop_fd(&g.conn);
	drain(&g, true);
	_exit(0);
}

void named_accept(struct named_agents *a)
{
	CLEAN_FD int conn = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t self = getpid();

	if (conn < 0)
		return;
	/* Where there can be no child the client reads the end of its connection. */
	pid_t pid = fork();
	if (pid == 0)
		agent_main(a, conn, self);
}
