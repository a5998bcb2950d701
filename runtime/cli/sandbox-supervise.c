/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-supervise.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/phase/gate-entry.h"
#include "runtime/phase/supervisor-filter.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/cgroup/cgroup-stats.h"
#include "src/cgroup/cgroup-usage.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-names.h"
#include "src/tty/tty-relay.h"

#define DRAIN_MSEC     500
#define READER_MSEC    2000 /* for a reader of what a killed program has written */
#define CPU_STEP_USEC  2000 /* processor time is not looked at more often than this */
#define OOM_STEP_USEC  5000
#define OOM_WATCH_USEC 2000000
#define NEVER          UINT64_MAX
#define BLOCK_BYTES    512 /* ru_inblock counts in these (getrusage(2)) */

enum { POLL_SIGNALS, POLL_CALLER, POLL_OOM, POLL_POLICY, POLL_NETWORK, POLL_AGENTS, POLL_OUTPUT };
#define POLL_TTY (POLL_OUTPUT + SANDBOX_OUTPUT_FDS)
#define POLL_ALL (POLL_TTY + TTY_RELAY_FDS)

/* What the loop is at. */
struct watch {
	struct supervisor *s;
	int sigfd;
	struct tty_relay *relay; /* or NULL */
	struct cgroup_oom_watch oom;
	int listener; /* of the policy, or -1 */
	uint64_t wall_end_usec, cpu_limit_usec, cpu_next_usec;
	uint64_t oom_until_usec; /* until then a kill may still be counted; 0: none is awaited */
	uint64_t ended_usec;     /* what is read of its output afterwards is not its time */
	bool ended, killed, confined;
	bool broken; /* the entry gate did not close: @why */
	struct err why;
	int status; /* of pid 1 */
	struct rusage rusage;
};

void supervise_init(struct supervisor *s, struct parent *p, const struct sandbox *sandbox,
		    struct sandbox_output *output, struct sandbox_report *report)
{
	pid_t caller = getppid();

	*s = (struct supervisor){
		.parent = p,
		.sandbox = sandbox,
		.output = output,
		.report = report,
		.caller = -1,
	};
	/* 0: it is outside of this pid namespace, and cannot be watched. */
	if (caller > 0)
		s->caller = kernel_pidfd_open(caller, 0);
}

static bool has_group(const struct watch *w)
{
	return w->s->parent->state.cgroup_enabled;
}

/* The first reason counts: what follows is its consequence. pid 1 takes everything with it. */
static void end(struct watch *w, enum sandbox_verdict verdict)
{
	if (w->killed || w->ended)
		return;
	w->killed = true;
	w->s->report->verdict = verdict;
	(void)kernel_pidfd_send_signal(w->s->parent->pidfd, SIGKILL);
}

/* pasta has ended, and its pid may be another's soon. The program sees a network that is dead. */
static void lose_network(struct watch *w)
{
	w->s->parent->pasta.pid = 0;
	log_warning_text("network: pasta has ended, nothing gets in or out any more");
}

/* Nobody wants to know, but a full pipe would stop it. */
static void read_pasta(struct watch *w)
{
	struct net_pasta *pasta = &w->s->parent->pasta;
	char words[512];

	if (read(pasta->words, words, sizeof words) == 0)
		drop_fd(&pasta->words);
}

/* Of the program while it is on its way to the entry gate. */
static bool is_traced(struct watch *w, pid_t pid, int status)
{
	struct gate_entry *gate = w->s->parent->gate;
	int result = gate ? gate_entry_take(gate, pid, status, &w->why) : 0;

	if (result < 0) {
		w->broken = true;
		end(w, SANDBOX_SETUP_FAILED);
	}
	return result != 0;
}

static void reap(struct watch *w)
{
	struct rusage used;
	int status;

	for (pid_t p;
	     (p = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0 || (p < 0 && errno == EINTR);) {
		if (p < 0 || is_traced(w, p, status))
			continue;
		if (p == w->s->parent->pasta.pid)
			lose_network(w);
		if (p != w->s->parent->pid)
			continue;
		w->status = status;
		w->rusage = used;
		w->ended = true;
		w->ended_usec = clock_now_usec();
	}
}

static void take_signals(struct watch *w)
{
	struct signalfd_siginfo info;

	while (read(w->sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		int sig = (int)info.ssi_signo;
		if (sig == SIGCHLD)
			reap(w);
		else if (sig == SIGWINCH && w->relay)
			tty_relay_resize(w->relay);
		else if (!foreground_is_own(sig))
			(void)kernel_pidfd_send_signal(w->s->parent->pidfd, sig);
	}
}

/* Out of memory is the end of all: what is left of a program that lost a part is of no use. */
static void look_for_oom(struct watch *w)
{
	struct cgroup_usage used;

	cgroup_usage_read(&w->s->parent->state.cgroup, &used);
	if (used.oom_kills)
		end(w, SANDBOX_MEMORY);
}

/* Time limits. How many milliseconds until one has to be looked at again, -1: never. */
static int check_clocks(struct watch *w)
{
	uint64_t now = clock_now_usec(), next;

	if (w->killed)
		return -1;
	if (now >= w->wall_end_usec) {
		end(w, SANDBOX_WALL_TIME);
		return -1;
	}
	if (now >= w->cpu_next_usec) {
		uint64_t used = cgroup_usage_cpu(&w->s->parent->state.cgroup) / 1000;
		if (used >= w->cpu_limit_usec) {
			end(w, SANDBOX_CPU_TIME);
			return -1;
		}
		/* It cannot be reached before all processors together have worked so long. */
		uint64_t left = (w->cpu_limit_usec - used) / (uint64_t)get_nprocs();
		w->cpu_next_usec = now + (left < CPU_STEP_USEC ? CPU_STEP_USEC : left);
	}
	next = w->wall_end_usec < w->cpu_next_usec ? w->wall_end_usec : w->cpu_next_usec;
	if (w->oom_until_usec) {
		look_for_oom(w);
		if (w->killed)
			return -1;
		if (now >= w->oom_until_usec)
			w->oom_until_usec = 0;
		else if (next > now + OOM_STEP_USEC)
			next = now + OOM_STEP_USEC;
	}
	if (next == NEVER)
		return -1;
	uint64_t msec = (next - now + 999) / 1000;
	return msec > 1000000 ? 1000000 : (int)msec;
}

/* On v1 the kernel says it before it has chosen whom to kill, and only once. */
static void check_oom(struct watch *w)
{
	struct err ignored;

	if (cgroup_oom_next(&w->oom, &ignored) < 0) {
		drop_fd(&w->oom.fd);
		return;
	}
	w->oom_until_usec = clock_now_usec() + OOM_WATCH_USEC;
	look_for_oom(w);
}

/* The call that the policy kills for. Its caller waits, and will not return from it. */
static void take_call(struct watch *w)
{
	struct sandbox_report *r = w->s->report;
	struct seccomp_notif call = { 0 };
	static char name[64];

	if (ioctl(w->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
		/* ENOENT: it was killed meanwhile. */
		if (errno != ENOENT && errno != EINTR)
			drop_fd(&w->listener);
		return;
	}
	const struct seccomp_arch *arch = seccomp_names_arch(call.data.arch);
	if (!arch || seccomp_names_of(arch, (uint32_t)call.data.nr, name, sizeof name) < 0)
		text_format(name, sizeof name, "%d", call.data.nr);
	if (!r->syscall_name) {
		r->syscall_name = name;
		r->syscall_arch = arch ? arch->name : "unknown";
		r->syscall_address = call.data.instruction_pointer;
		for (size_t i = 0; i < 6; i++)
			r->syscall_args[i] = call.data.args[i];
	}
	end(w, SANDBOX_POLICY);
}

static int step(struct watch *w, struct err *e)
{
	struct sandbox_output *output = w->s->output;
	struct pollfd p[POLL_ALL];

	for (size_t i = 0; i < POLL_ALL; i++)
		p[i] = (struct pollfd){ .fd = -1 };
	p[POLL_SIGNALS] = (struct pollfd){ w->sigfd, POLLIN, 0 };
	p[POLL_CALLER] = (struct pollfd){ w->killed ? -1 : w->s->caller, POLLIN, 0 };
	p[POLL_OOM] = (struct pollfd){ w->killed ? -1 : w->oom.fd, POLLIN, 0 };
	p[POLL_POLICY] = (struct pollfd){ w->killed ? -1 : w->listener, POLLIN, 0 };
	p[POLL_NETWORK] = (struct pollfd){ w->s->parent->pasta.words, POLLIN, 0 };
	p[POLL_AGENTS] = (struct pollfd){ w->killed || !w->s->agents ? -1 : w->s->agents->listener,
					  POLLIN, 0 };
	if (output->used)
		sandbox_output_poll(output, p + POLL_OUTPUT);
	if (w->relay)
		tty_relay_poll(w->relay, p + POLL_TTY);
	if (poll(p, POLL_ALL, check_clocks(w)) < 0 && errno != EINTR)
		return err_sys(e, "wait for the sandbox");
	if (p[POLL_SIGNALS].revents)
		take_signals(w);
	if (p[POLL_CALLER].revents)
		end(w, SANDBOX_SIGNALLED);
	if (p[POLL_POLICY].revents & POLLIN)
		take_call(w);
	else if (p[POLL_POLICY].revents)
		drop_fd(&w->listener); /* nobody is left under the filter */
	if (p[POLL_OOM].revents)
		check_oom(w);
	if (p[POLL_NETWORK].revents)
		read_pasta(w);
	if (p[POLL_AGENTS].revents)
		named_accept(w->s->agents);
	if (output->used) {
		sandbox_output_step(output, p + POLL_OUTPUT);
		if (sandbox_output_exceeded(output))
			end(w, SANDBOX_OUTPUT);
	}
	if (w->relay) {
		int open = tty_relay_step(w->relay, p + POLL_TTY, e);
		if (open < 0)
			return -1;
		if (open == 0)
			w->relay = NULL;
	}
	return 0;
}

/* ---- the end ---- */

static uint64_t usec_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000u + (uint64_t)t->tv_usec;
}

/* What pid 1 said of the program, or else how pid 1 itself ended. */
static void read_status(struct watch *w)
{
	struct sandbox_report *r = w->s->report;
	int status;

	r->ended = true;
	r->wait_status = w->status;
	if (io_read_full(w->s->parent->result, &status, sizeof status) == (ssize_t)sizeof status)
		r->wait_status = status;
}

static void count(struct watch *w)
{
	struct sandbox_report *r = w->s->report;
	struct cgroup_usage used = { 0 };

	if (has_group(w))
		cgroup_usage_read(&w->s->parent->state.cgroup, &used);
	r->wall_usec = w->ended_usec - w->s->start_usec;
	r->cpu_user_usec = usec_of(&w->rusage.ru_utime);
	r->cpu_system_usec = usec_of(&w->rusage.ru_stime);
	r->cpu_usec = r->cpu_user_usec + r->cpu_system_usec;
	if (used.has_cpu) {
		r->cpu_usec = used.cpu_nsec / 1000;
		r->cpu_user_usec = used.cpu_user_nsec / 1000;
		r->cpu_system_usec = used.cpu_system_nsec / 1000;
	}
	r->memory_peak_bytes = used.memory_peak_bytes ? used.memory_peak_bytes
						      : (uint64_t)w->rusage.ru_maxrss * 1024;
	r->has_oom = used.has_memory;
	r->oom_kills = used.oom_kills;
	r->pids_refused = used.pids_refused;
	r->voluntary_switches = (uint64_t)w->rusage.ru_nvcsw;
	r->forced_switches = (uint64_t)w->rusage.ru_nivcsw;
	r->read_bytes = (uint64_t)w->rusage.ru_inblock * BLOCK_BYTES;
	r->written_bytes = (uint64_t)w->rusage.ru_oublock * BLOCK_BYTES;
	r->has_output = w->s->output->used;
	r->output_bytes = sandbox_output_bytes(w->s->output);
}

/* Whether the filter itself kills or traps: in a report's sandbox it mostly notifies instead. */
static bool policy_signals(const struct watch *w)
{
	const struct plan_filter *f = w->s->parent->plan->process.filter;

	return f && seccomp_compile_signals(f->code, f->count);
}

/* What nobody here did: the kernel, or the program. */
static enum sandbox_verdict judge(const struct watch *w)
{
	const struct sandbox_report *r = w->s->report;
	const struct sandbox_limits *l = &w->s->sandbox->limits;
	int sig = WIFSIGNALED(r->wait_status) ? WTERMSIG(r->wait_status) : 0;
	/* For RLIMIT_CPU the kernel counts by ticks, which can be far from what it reports. */
	bool late = l->cpu_msec.set && r->cpu_usec >= l->cpu_msec.value * 500;

	if (r->oom_kills)
		return SANDBOX_MEMORY;
	/* The program can send itself any signal: it counts where the policy, or the limit, can be
	 * its reason. */
	if (sig == SIGSYS && policy_signals(w))
		return SANDBOX_POLICY;
	/* RLIMIT_CPU: first one signal, a second later the other. */
	if (late && (sig == SIGXCPU || sig == SIGKILL))
		return SANDBOX_CPU_TIME;
	if (r->pids_refused && r->wait_status != 0)
		return SANDBOX_PIDS;
	return sig ? SANDBOX_SIGNALLED : SANDBOX_EXITED;
}

static void prepare(struct watch *w)
{
	const struct sandbox_limits *l = &w->s->sandbox->limits;
	struct err ignored;
	size_t fds = 1;
	char none;

	w->oom.fd = w->listener = -1;
	if (w->s->parent->supervised >= 0 &&
	    io_recv_fds(w->s->parent->supervised, &none, 1, &w->listener, &fds) < 0)
		w->listener = -1;
	w->wall_end_usec = w->cpu_next_usec = NEVER;
	if (l->wall_msec.set && l->wall_msec.value < NEVER / 4000)
		w->wall_end_usec = w->s->start_usec + l->wall_msec.value * 1000;
	if (!has_group(w))
		return;
	if (l->cpu_msec.set && l->cpu_msec.value < NEVER / 4000) {
		w->cpu_limit_usec = l->cpu_msec.value * 1000;
		w->cpu_next_usec = 0;
	}
	if (l->memory_bytes.set &&
	    cgroup_oom_watch(&w->s->parent->state.cgroup, &w->oom, &ignored) < 0)
		w->oom.fd = -1;
}

/*
 * The program has ended; what it has written goes to whoever reads, however late that is: until the
 * wall time is over, the caller is gone, or somebody wants husk to end.
 */
static void drain(struct watch *w)
{
	struct pollfd p[2 + SANDBOX_OUTPUT_FDS];
	struct signalfd_siginfo info;

	while (w->s->output->used) {
		uint64_t now = clock_now_usec(), end = w->killed ? 0 : w->wall_end_usec;
		uint64_t left = end > now ? (end - now) / 1000 : 0;
		int wait = end == NEVER ? -1 : READER_MSEC;
		bool busy = false;

		if (wait > 0 && left > READER_MSEC)
			wait = left < 1000000 ? (int)left : 1000000;

		p[0] = (struct pollfd){ w->sigfd, POLLIN, 0 };
		p[1] = (struct pollfd){ w->s->caller, POLLIN, 0 };
		sandbox_output_poll(w->s->output, p + 2);
		for (size_t i = 2; i < 2 + SANDBOX_OUTPUT_FDS; i++)
			busy |= p[i].fd >= 0;
		if (!busy || poll(p, 2 + SANDBOX_OUTPUT_FDS, wait) <= 0 || p[1].revents)
			return;
		while (read(w->sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
			if (!foreground_is_own((int)info.ssi_signo))
				return;
		}
		sandbox_output_step(w->s->output, p + 2);
	}
}

/*
 * From here on this process does what policies/self/supervisor.policy has, and nothing else. Not one that
 * will start further processes in the sandbox, and not before the entry gate is closed.
 */
static void confine(struct watch *w)
{
	const struct gate_entry *gate = w->s->parent->gate;
	struct err e;

	if (w->confined || w->s->agents || (gate && gate->state != GATE_OFF))
		return;
	w->confined = true;
	if (supervisor_filter_enter(&e) < 0) {
		err_prefix(&e, "the supervisor's own policy");
		log_warning(&e);
	}
}

static int loop(struct watch *w, struct err *e)
{
	static struct tty_relay relay;
	int master = w->s->parent->console_master;

	if (master >= 0) {
		if (tty_relay_start(&relay, STDIN_FILENO, STDOUT_FILENO, master, e) < 0)
			return -1;
		w->relay = &relay;
	}
	/* A child that ended before its signal could be waited for. */
	reap(w);
	int result = 0;
	while (!w->ended && result == 0) {
		confine(w);
		result = step(w, e);
	}
	if (master >= 0) {
		if (w->relay)
			tty_relay_drain(&relay, DRAIN_MSEC);
		tty_relay_stop(&relay);
	}
	drain(w);
	drop_fd(&w->oom.fd);
	drop_fd(&w->listener);
	return result;
}

int supervise_run(struct supervisor *s, struct err *e)
{
	struct watch w = { .s = s };
	sigset_t set;

	foreground_signals(&set);
	w.sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w.sigfd < 0)
		return err_sys(e, "create signalfd");
	prepare(&w);
	int result = loop(&w, e);
	drop_fd(&w.sigfd);
	if (result < 0)
		return -1;
	s->parent->reaped = true;
	if (w.broken) {
		*e = w.why;
		return -1;
	}
	read_status(&w);
	count(&w);
	/* Also by one who entered: who counts its output has ended all. */
	if (!w.killed && sandbox_output_exceeded(s->output))
		s->report->verdict = SANDBOX_OUTPUT;
	else if (!w.killed)
		s->report->verdict = judge(&w);
	else if (s->report->verdict == SANDBOX_POLICY)
		s->report->wait_status = SIGSYS; /* as without a supervisor */
	else if (sandbox_output_exceeded(s->output))
		s->report->verdict = SANDBOX_OUTPUT;
	return foreground_status(s->report->wait_status);
}
