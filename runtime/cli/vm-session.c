/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/vm-session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define NEVER          UINT64_MAX
#define SEND_MSEC      2000
#define CONFIG_MSEC    20000
#define GRACE_USEC     10000000 /* for the guest's own clock to be the first */
#define LAST_USEC      10000000 /* from the program's end to its report */
#define POWER_OFF_USEC 5000000
#define HELPER_USEC    500000
#define ASK_USEC       10000000 /* how often the guest is asked whether it is there */
#define SILENCE_USEC   60000000 /* an emulation on a busy machine takes its time */

enum {
	POLL_SIGNALS,
	POLL_CALLER,
	POLL_MACHINE,
	POLL_FILES,
	POLL_CONTROL,
	POLL_CONSOLE,
	POLL_HELPER,
	POLL_STREAMS
};
#define POLL_ALL (POLL_STREAMS + VM_STREAM_FDS)

/* ---- the end ---- */

static void kill_machine(struct vm_session *s)
{
	s->killed = true;
	if (s->machine)
		(void)kernel_pidfd_send_signal(s->machine->parent.pidfd, SIGKILL);
	else
		(void)kernel_pidfd_send_signal(s->monitor_fd, SIGKILL);
}

/* The first reason counts. */
static void end(struct vm_session *s, enum sandbox_verdict verdict)
{
	if (s->killed || s->ended)
		return;
	s->run->report.verdict = verdict;
	kill_machine(s);
}

static void fail(struct vm_session *s, const struct err *why)
{
	if (s->why.kind == ERR_NONE)
		s->why = *why;
	end(s, s->started ? SANDBOX_MACHINE_LOST : SANDBOX_SETUP_FAILED);
}

/* ---- what the machine says ---- */

static void hear(struct vm_ear *from)
{
	char text[4096];
	ssize_t n = read(from->fd, text, sizeof text);

	if (n > 0)
		text_keep_last(from->words.text, sizeof from->words.text, &from->words.used, text,
			       (size_t)n);
	else if (n == 0 || errno != EINTR)
		drop_fd(&from->fd);
}

const char *vm_words_last(struct vm_words *w)
{
	size_t end = strlen(w->text), begin;
	const char *panic = strstr(w->text, "Kernel panic");

	/* What comes behind it is where it happened, and of no use to anybody here. */
	const char *reboot = strstr(w->text, "reboot: ");

	if (panic)
		end = (size_t)(panic - w->text) + strcspn(panic, "\n");
	w->text[end] = 0;
	/* Why it was is in the line before. */
	if (reboot && !panic) {
		while (reboot > w->text && reboot[-1] != '\n')
			reboot--;
		if (reboot > w->text)
			w->text[end = (size_t)(reboot - w->text)] = 0;
	}
	while (end && (w->text[end - 1] == '\n' || w->text[end - 1] == '\r'))
		w->text[--end] = 0;
	for (begin = end; begin && w->text[begin - 1] != '\n';)
		begin--;
	for (char *c = w->text + begin; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return w->text + begin;
}

static int send_control(struct vm_session *s, uint8_t type, uint32_t stream, const void *body,
			uint32_t length, struct err *e)
{
	return wire_send(s->control, type, 0, stream, body, length, SEND_MSEC, e);
}

static void put_u64(uint8_t *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void send_size(struct vm_session *s)
{
	struct winsize size;
	struct err ignored;
	uint8_t body[4];

	if (!s->started || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	put_u64(body, size.ws_row, 2);
	put_u64(body + 2, size.ws_col, 2);
	(void)send_control(s, WIRE_RESIZE, 1, body, sizeof body, &ignored);
}

/* Both ports are greeted: what to run, what time it is, and chance from outside. */
static int begin(struct vm_session *s, struct err *e)
{
	uint8_t time_body[8], seed[64];
	struct timespec now;
	const uint64_t *wall = &s->run->sandbox.limits.wall_msec.value;

	clock_gettime(CLOCK_REALTIME, &now);
	put_u64(time_body, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, 8);
	if (getrandom(seed, sizeof seed, 0) != sizeof seed)
		return err_sys(e, "getrandom");
	if (send_control(s, WIRE_TIME, 0, time_body, sizeof time_body, e) < 0 ||
	    send_control(s, WIRE_RESEED, 0, seed, sizeof seed, e) < 0)
		return -1;
	for (size_t done = 0; done < s->config_length || !done;) {
		size_t n = s->config_length - done;
		n = n < WIRE_BODY_MAX ? n : WIRE_BODY_MAX;
		bool more = done + n < s->config_length;
		if (wire_send(s->control, WIRE_CONFIG, more ? WIRE_MORE : 0, 0, s->config + done,
			      (uint32_t)n, CONFIG_MSEC, e) < 0)
			return -1;
		done += n;
	}
	if (send_control(s, WIRE_START, 1, NULL, 0, e) < 0)
		return -1;
	s->started = true;
	s->start_usec = s->heard_usec = s->asked_usec = clock_now_usec();
	s->deadline_usec = NEVER;
	if (s->run->sandbox.limits.wall_msec.set && *wall < NEVER / 4000)
		s->deadline_usec = s->start_usec + *wall * 1000 + GRACE_USEC;
	return 0;
}

static void close_machine(struct vm_session *s)
{
	struct err ignored;

	if (s->closing || s->killed)
		return;
	s->closing = true;
	s->deadline_usec = clock_now_usec() + POWER_OFF_USEC;
	if (send_control(s, WIRE_SHUTDOWN, 0, NULL, 0, &ignored) < 0)
		kill_machine(s);
}

static int take_report(struct vm_session *s, const struct wire_frame *f, struct err *e)
{
	if (s->reported || f->length > VM_REPORT_MAX - s->report_length)
		return err_set(e, ERR_PROTOCOL, 0, "the guest's report is too long");
	memcpy(s->report + s->report_length, f->body, f->length);
	s->report_length += f->length;
	s->report[s->report_length] = 0;
	s->reported = !(f->flags & WIRE_MORE);
	return 0;
}

/* A sentence of the guest's. */
static void take_text(const struct wire_frame *f, struct err *out)
{
	err_set(out, ERR_SYSTEM, 0, "%.*s", (int)f->length, (const char *)f->body);
	for (char *c = out->msg; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
}

static int take(struct vm_session *s, const struct wire_frame *f, struct err *e)
{
	static const uint8_t hello[] = { WIRE_VERSION, 0, 0, 0, 'h', 'u', 's', 'k' };
	struct err said;

	switch (f->type) {
	case WIRE_HELLO:
		s->greeted = true;
		return send_control(s, WIRE_HELLO, 0, hello, sizeof hello, e);
	case WIRE_STARTED:
		s->running = true;
		return 0;
	case WIRE_STATS:
		return 0;
	case WIRE_EXITED:
		if (!s->exited)
			s->deadline_usec = clock_now_usec() + LAST_USEC;
		s->exited = true;
		s->status = (int)(wire_u32(f->body) & 0xff);
		return 0;
	case WIRE_REPORT:
		return take_report(s, f, e);
	case WIRE_LOG:
		take_text(f, &said);
		log_warning_text(said.msg);
		return 0;
	default: /* WIRE_ERROR; wire_next() lets no other one through */
		if (s->why.kind == ERR_NONE)
			take_text(f, &s->why);
		close_machine(s);
		return 0;
	}
}

static int receive(struct vm_session *s, struct err *e)
{
	struct wire_frame frame;
	size_t room;
	int more;
	uint8_t *at = wire_reader_room(&s->reader, &room);
	ssize_t n = recv(s->control, at, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		drop_fd(&s->control);
		return 0;
	}
	wire_reader_add(&s->reader, (size_t)n);
	s->heard_usec = clock_now_usec();
	while ((more = wire_next(&s->reader, &frame, e)) > 0) {
		if (frame.type >= WIRE_DATA)
			return err_set(e, ERR_PROTOCOL, 0,
				       "the guest sent \"%s\" on the control port",
				       wire_type_name(frame.type));
		if (take(s, &frame, e) < 0)
			return -1;
	}
	return more;
}

/* ---- children, signals, clocks ---- */

static void note_end(struct vm_session *s, int status)
{
	s->ended = true;
	s->end_usec = clock_now_usec();
	/* What its kernel said last came before this. */
	while (s->console.fd >= 0) {
		struct pollfd p = { s->console.fd, POLLIN, 0 };
		if (poll(&p, 1, 0) <= 0)
			break;
		hear(&s->console);
	}
	s->end = s->backend->judge ? s->backend->judge(status, s->console.words.text) : VM_KILLED;
	struct vm_report r;
	if (s->report_fd >= 0 &&
	    recv(s->report_fd, &r, sizeof r, MSG_DONTWAIT) == (ssize_t)sizeof r &&
	    r.size == sizeof r) {
		s->end = r.end;
		r.last_words[sizeof r.last_words - 1] = 0;
		text_format(s->console.words.text, sizeof s->console.words.text, "%s",
			    r.last_words);
		if (r.end == VM_BROKEN && s->why.kind == ERR_NONE)
			s->why = r.error;
	}
}

static void reap(struct vm_session *s)
{
	int status;

	if (!s->ended && s->machine && vm_jail_ended(s->machine, &status))
		note_end(s, status);
	if (!s->ended && s->monitor && waitpid(s->monitor, &status, WNOHANG) == s->monitor) {
		s->monitor = 0;
		note_end(s, status);
	}
	if (s->files && vm_jail_ended(s->files, &status))
		s->helper_lost_usec = clock_now_usec();
}

static void take_signals(struct vm_session *s)
{
	struct signalfd_siginfo info;
	struct err ignored;
	uint8_t body[4];

	while (read(s->sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		int sig = (int)info.ssi_signo;
		if (sig == SIGCHLD) {
			reap(s);
		} else if (sig == SIGWINCH && s->run->sandbox.terminal) {
			send_size(s);
		} else if (!foreground_is_own(sig) && s->started && s->control >= 0) {
			put_u64(body, (uint64_t)sig, 4);
			(void)send_control(s, WIRE_SIGNAL, 1, body, sizeof body, &ignored);
		} else if (!foreground_is_own(sig) &&
			   (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT)) {
			/* There is no program yet that could take it. */
			s->status = 128 + sig;
			end(s, SANDBOX_SIGNALLED);
		}
	}
}

static void check_helper(struct vm_session *s)
{
	struct err why;

	if (!s->helper_lost_usec || s->closing || s->ended || s->killed)
		return;
	/* It follows its machine, whose end may not have been seen yet. */
	if (clock_now_usec() < s->helper_lost_usec + HELPER_USEC)
		return;
	err_set(&why, ERR_SYSTEM, 0, "virtiofsd, which served the sandbox's files, has ended%s%s%s",
		s->helper.words.used ? " (" : "", vm_words_last(&s->helper.words),
		s->helper.words.used ? ")" : "");
	fail(s, &why);
}

/* A guest that hangs has nobody inside who could say so: without a limit on time it would never end. */
static void check_silence(struct vm_session *s, uint64_t now)
{
	struct err why;

	if (!s->started || s->exited || s->closing || s->control < 0)
		return;
	if (now >= s->heard_usec + SILENCE_USEC) {
		err_set(&why, ERR_SYSTEM, ETIMEDOUT, "the guest has not answered for %llu s",
			SILENCE_USEC / 1000000ull);
		fail(s, &why);
	} else if (now >= s->asked_usec + ASK_USEC) {
		s->asked_usec = now;
		(void)send_control(s, WIRE_STATS_ASK, 0, NULL, 0, &why);
	}
}

/* How long nothing has to be looked at, in ms; -1: for ever. */
static int check_clock(struct vm_session *s)
{
	uint64_t now = clock_now_usec();
	struct err why;

	check_silence(s, now);
	if (s->killed)
		return 1000;
	if (s->deadline_usec == NEVER)
		return s->started && !s->exited ? (int)(ASK_USEC / 1000) : -1;
	if (now < s->deadline_usec) {
		uint64_t msec = (s->deadline_usec - now + 999) / 1000;
		return msec > ASK_USEC / 1000 ? (int)(ASK_USEC / 1000) : (int)msec;
	}
	if (s->closing) {
		kill_machine(s); /* everything is said and done */
	} else if (!s->started) {
		s->late = true;
		err_set(&why, ERR_SYSTEM, 0,
			"the virtual machine (%s) did not greet within %llu s%s%s%s",
			s->backend->name, (unsigned long long)s->boot_msec / 1000,
			s->console.words.used ? "; its kernel's last words: " : "",
			vm_words_last(&s->console.words), "");
		fail(s, &why);
	} else if (s->exited && vm_streams_blocked(&s->streams)) {
		s->deadline_usec = now + LAST_USEC; /* our reader is slow, not the guest */
	} else if (s->exited) {
		close_machine(s);
	} else {
		end(s, SANDBOX_WALL_TIME);
	}
	return 0;
}

static bool is_done(const struct vm_session *s)
{
	return s->exited && s->reported && vm_streams_done(&s->streams);
}

static void fill_poll(struct vm_session *s, struct pollfd p[POLL_ALL])
{
	int machine = s->machine ? s->machine->parent.pidfd : s->monitor_fd;

	p[POLL_SIGNALS] = (struct pollfd){ s->sigfd, POLLIN, 0 };
	p[POLL_CALLER] = (struct pollfd){ s->killed ? -1 : s->caller, POLLIN, 0 };
	p[POLL_MACHINE] = (struct pollfd){ machine, POLLIN, 0 };
	p[POLL_FILES] =
		(struct pollfd){ s->files && s->files->running ? s->files->parent.pidfd : -1,
				 POLLIN, 0 };
	p[POLL_CONTROL] = (struct pollfd){ s->control, POLLIN, 0 };
	p[POLL_CONSOLE] = (struct pollfd){ s->console.fd, POLLIN, 0 };
	p[POLL_HELPER] = (struct pollfd){ s->helper.fd, POLLIN, 0 };
	vm_streams_poll(&s->streams, s->running && !s->exited, p + POLL_STREAMS);
}

static int step(struct vm_session *s, struct err *e)
{
	struct pollfd p[POLL_ALL];

	fill_poll(s, p);
	int wait = check_clock(s);
	if (s->helper_lost_usec && (wait < 0 || wait > 100))
		wait = 100;
	if (poll(p, POLL_ALL, wait) < 0 && errno != EINTR)
		return err_sys(e, "wait for the virtual machine");
	if (p[POLL_SIGNALS].revents)
		take_signals(s);
	if (p[POLL_CALLER].revents)
		end(s, SANDBOX_SIGNALLED);
	if (p[POLL_CONSOLE].revents)
		hear(&s->console);
	if (p[POLL_HELPER].revents)
		hear(&s->helper);
	if (p[POLL_CONTROL].revents && receive(s, e) < 0)
		return -1;
	if (vm_streams_step(&s->streams, s->running && !s->exited, p + POLL_STREAMS, e) < 0)
		return -1;
	if (s->streams.exceeded)
		end(s, SANDBOX_OUTPUT);
	if (s->greeted && s->streams.greeted && !s->started && !s->killed && begin(s, e) < 0)
		return -1;
	if (is_done(s))
		close_machine(s);
	if (p[POLL_MACHINE].revents || p[POLL_FILES].revents)
		reap(s);
	check_helper(s);
	return 0;
}

/* ---- the terminal ---- */

static void terminal_begin(struct vm_session *s)
{
	struct termios raw;

	if (!s->run->sandbox.terminal || tcgetattr(STDIN_FILENO, &s->saved) < 0)
		return;
	raw = s->saved;
	cfmakeraw(&raw);
	s->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void terminal_end(struct vm_session *s)
{
	if (s->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
	s->raw = false;
}

/* The machine has ended; what it has said is in the sockets, and what it has written may wait for a reader. */
static int drain(struct vm_session *s, struct err *e)
{
	struct pollfd p[POLL_ALL];

	while (s->control >= 0) {
		struct pollfd one = { s->control, POLLIN, 0 };
		if (poll(&one, 1, 0) <= 0)
			break;
		if (receive(s, e) < 0)
			return -1;
	}
	for (;;) {
		struct pollfd one = { s->streams.port, POLLIN, 0 };
		bool comes = !s->streams.closed && poll(&one, 1, 0) > 0;
		if (!comes && !vm_streams_blocked(&s->streams))
			return 0;
		fill_poll(s, p);
		p[POLL_MACHINE].fd = p[POLL_FILES].fd = p[POLL_CONTROL].fd = -1;
		int n = poll(p, POLL_ALL, s->killed ? 2000 : -1);
		if (n <= 0 && errno != EINTR)
			return 0;
		if (p[POLL_CALLER].revents)
			return 0;
		struct signalfd_siginfo info;
		while (read(s->sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
			if (!foreground_is_own((int)info.ssi_signo))
				return 0;
		}
		if (vm_streams_step(&s->streams, false, p + POLL_STREAMS, e) < 0)
			return -1;
	}
}

static int loop(struct vm_session *s, struct err *e)
{
	struct err why;

	reap(s);
	while (!s->ended) {
		if (step(s, &why) == 0)
			continue;
		/* The guest broke the rules, or husk itself cannot go on. */
		fail(s, &why);
		drop_fd(&s->control);
		s->streams.closed = true;
		if (!s->ended && s->killed)
			continue;
	}
	if (s->why.kind != ERR_NONE && !s->exited) {
		*e = s->why;
		return -1;
	}
	return drain(s, e);
}

int vm_session_run(struct vm_session *s, struct err *e)
{
	pid_t caller = getppid();
	sigset_t set;

	foreground_signals(&set);
	s->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->sigfd < 0)
		return err_sys(e, "create signalfd");
	s->caller = caller > 0 ? kernel_pidfd_open(caller, 0) : -1;
	wire_reader_init(&s->reader, true);
	s->deadline_usec = s->begin_usec + s->boot_msec * 1000;
	terminal_begin(s);
	int result = loop(s, e);
	terminal_end(s);
	drop_fd(&s->sigfd);
	drop_fd(&s->caller);
	return result;
}
