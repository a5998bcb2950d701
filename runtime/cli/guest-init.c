/* SPDX-License-Identifier: Apache-2.0 */
/* husk as the first process of a virtual machine: the loop that does what the host asks for. */
#include "runtime/cli/guest-init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/guest-process.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define CONFIG_BYTES_MAX (4u << 20)
#define SEND_MSEC        30000
/* While nothing runs the host is expected to say what is next. */
#define QUIET_MSEC      60000
#define STATS_MAX       1024
#define LAST_WORDS_MSEC 1000

enum { POLL_SIGNALS, POLL_CONTROL, POLL_DATA, POLL_PROCESSES };
#define POLL_ALL (POLL_PROCESSES + WIRE_PROCESSES_MAX * GUEST_PROCESS_FDS)

struct guest {
	int control, signals;
	struct wire_reader reader;
	struct guest_port port;
	struct guest_process processes[WIRE_PROCESSES_MAX];
	struct guest_config config;
	struct arena arena; /* of the configuration */
	bool configured, paused;
	char *text; /* of a configuration that is not all there */
	size_t length;
	int64_t heard_msec;
	bool over;
};

/* A request that failed is told, and nothing else changes. */
static int refuse(struct guest *g, uint32_t process, const struct err *why, struct err *e)
{
	return wire_send(g->control, WIRE_ERROR, 0, process, why->msg, (uint32_t)strlen(why->msg),
			 SEND_MSEC, e);
}

/* ---- requests ---- */

static int take_config(struct guest *g, const struct wire_frame *f, struct err *e)
{
	struct err why = { 0 };

	if (g->length + f->length > CONFIG_BYTES_MAX)
		return err_set(e, ERR_PROTOCOL, 0, "the configuration is longer than %u bytes",
			       CONFIG_BYTES_MAX);
	char *longer = realloc(g->text, g->length + f->length + 1);
	if (!longer)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "read the configuration");
	g->text = longer;
	memcpy(g->text + g->length, f->body, f->length);
	g->length += f->length;
	if (f->flags & WIRE_MORE)
		return 0;
	/* Children have copies of the one before. */
	arena_free(&g->arena);
	arena_init(&g->arena, 0);
	int result = guest_config_parse(g->text, g->length, &g->arena, &g->config, &why);
	g->configured = result == 0;
	if (result == 0 && g->config.hostname &&
	    sethostname(g->config.hostname, strlen(g->config.hostname)) < 0)
		result = err_sys(&why, "set the host name \"%s\"", g->config.hostname);
	g->length = 0;
	return result < 0 ? refuse(g, 0, &why, e) : 0;
}

/* A program that could not even be tried has ended all the same. */
static int start(struct guest *g, unsigned number, struct err *e)
{
	static const uint8_t failed[] = { 1, 0, 0, 0 };
	struct guest_process *p = &g->processes[number - 1];
	struct err why = { 0 };

	if (p->used)
		return err_set(e, ERR_PROTOCOL, 0, "the host started process %u twice", number);
	if (!g->configured)
		err_set(&why, ERR_STATE, 0, "start: there is no configuration");
	else if (guest_process_start(p, number, &g->config, &why) == 0)
		return 0;
	if (refuse(g, number, &why, e) < 0)
		return -1;
	return wire_send(g->control, WIRE_EXITED, 0, number, failed, sizeof failed, SEND_MSEC, e);
}

static struct guest_process *running(struct guest *g, uint32_t number)
{
	struct guest_process *p = &g->processes[number - 1];

	return p->used ? p : NULL;
}

static int take_signal(struct guest *g, const struct wire_frame *f, struct err *e)
{
	uint32_t sig = wire_u32(f->body);
	struct guest_process *p = running(g, f->stream);

	if (!sig || sig > 64)
		return err_set(e, ERR_PROTOCOL, 0, "the host sent signal %u", sig);
	if (p)
		guest_process_signal(p, (int)sig);
	return 0;
}

static void take_size(struct guest *g, const struct wire_frame *f)
{
	struct guest_process *p = running(g, f->stream);
	uint32_t both = wire_u32(f->body);

	if (p)
		guest_process_resize(p, (uint16_t)both, (uint16_t)(both >> 16));
}

static int take_time(const struct wire_frame *f, struct err *e)
{
	uint64_t nsec = wire_u32(f->body) | (uint64_t)wire_u32(f->body + 4) << 32;

	return guest_system_time(nsec, e);
}

static int pause_all(struct guest *g, bool pause, struct err *e)
{
	if (guest_system_pause(pause, e) < 0)
		return -1;
	g->paused = pause;
	return 0;
}

static int tell_stats(struct guest *g, struct err *e)
{
	unsigned count = 0;
	char text[STATS_MAX];

	for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++)
		count += g->processes[i].used && !g->processes[i].reaped;
	size_t length = guest_system_stats(g->paused, count, text, sizeof text);
	return wire_send(g->control, WIRE_STATS, 0, 0, text, (uint32_t)length, SEND_MSEC, e);
}

static int take_request(struct guest *g, const struct wire_frame *f, struct err *e)
{
	struct err why = { 0 };
	int result = 0;

	switch (f->type) {
	case WIRE_HELLO:
		return 0;
	case WIRE_CONFIG:
		return take_config(g, f, e);
	case WIRE_START:
		return start(g, f->stream, e);
	case WIRE_SIGNAL:
		return take_signal(g, f, e);
	case WIRE_RESIZE:
		take_size(g, f);
		return 0;
	case WIRE_STATS_ASK:
		return tell_stats(g, e);
	case WIRE_SHUTDOWN:
		g->over = true;
		return 0;
	case WIRE_TIME:
		result = take_time(f, &why);
		break;
	case WIRE_RESEED:
		result = guest_system_reseed(f->body, f->length, &why);
		break;
	case WIRE_PAUSE:
	case WIRE_RESUME:
		result = pause_all(g, f->type == WIRE_PAUSE, &why);
		break;
	case WIRE_EXEC:
		result = err_set(&why, ERR_UNSUPPORTED, 0,
				 "exec: this guest starts programs by \"start\" only");
		break;
	default:
		return err_set(e, ERR_PROTOCOL, 0, "the host sent \"%s\" on the control port",
			       wire_type_name(f->type));
	}
	return result < 0 ? refuse(g, f->type == WIRE_EXEC ? f->stream : 0, &why, e) : 0;
}

/* ---- the ports ---- */

/* Bytes that have come. 1, 0 when there are none, -1 when the host is gone. */
static int fill(int fd, struct wire_reader *r, const char *what, struct err *e)
{
	size_t room;
	uint8_t *at = wire_reader_room(r, &room);
	ssize_t n = read(fd, at, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_sys(e, "read from the %s port", what);
	if (n == 0)
		return err_set(e, ERR_SYSTEM, 0, "the host has closed the %s port", what);
	wire_reader_add(r, (size_t)n);
	return 1;
}

static int read_control(struct guest *g, struct err *e)
{
	struct wire_frame f;
	int next = fill(g->control, &g->reader, "control", e);

	while (next > 0 && !g->over) {
		next = wire_next(&g->reader, &f, e);
		g->heard_msec = clock_now_msec();
		if (next > 0 && take_request(g, &f, e) < 0)
			return -1;
	}
	return next;
}

static int read_data(struct guest *g, struct err *e)
{
	struct wire_frame f;
	int next = fill(g->port.fd, &g->port.reader, "data", e);

	while (next > 0) {
		next = wire_next(&g->port.reader, &f, e);
		if (next <= 0 || f.type == WIRE_HELLO)
			continue;
		if (f.type < WIRE_DATA)
			return err_set(e, ERR_PROTOCOL, 0, "the host sent \"%s\" on the data port",
				       wire_type_name(f.type));
		/* For one that has ended meanwhile: the host could not know. */
		struct guest_process *p = running(g, f.stream / 4);
		if (p && guest_streams_take(&p->streams, &f, e) < 0)
			return -1;
	}
	return next;
}

/* ---- the loop ---- */

/* Every process of the guest whose parent is gone is this one's child. */
static void reap(struct guest *g)
{
	struct signalfd_siginfo info;
	int status;

	while (read(g->signals, &info, sizeof info) > 0)
		;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++) {
			struct guest_process *p = &g->processes[i];
			if (!p->used || p->reaped || p->pid != pid)
				continue;
			p->reaped = true;
			p->wait_status = status;
		}
	}
}

/* How long the host may be silent, in milliseconds; -1: as long as it likes. */
static int patience(struct guest *g, struct err *e)
{
	for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++) {
		if (!g->processes[i].used)
			continue;
		g->heard_msec = clock_now_msec();
		return -1;
	}
	int64_t left = g->heard_msec + QUIET_MSEC - clock_now_msec();
	if (left <= 0) {
		g->over = true;
		err_set(e, ERR_SYSTEM, ETIMEDOUT, "nothing runs, and the host is silent");
		return -1;
	}
	return (int)left + 1;
}

static int settle_all(struct guest *g, struct err *e)
{
	for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++) {
		struct guest_process *p = &g->processes[i];
		if (!p->used)
			continue;
		guest_streams_say(&p->streams, &g->port);
		if (guest_process_settle(p, g->control, e) < 0)
			return -1;
	}
	return guest_port_flush(&g->port, e);
}

static int step(struct guest *g, struct err *e)
{
	static struct pollfd fds[POLL_ALL];

	if (settle_all(g, e) < 0)
		return -1;
	int wait_msec = patience(g, e);
	if (g->over)
		return -1;
	for (size_t i = 0; i < POLL_ALL; i++)
		fds[i].fd = -1;
	fds[POLL_SIGNALS] = (struct pollfd){ g->signals, POLLIN, 0 };
	fds[POLL_CONTROL] = (struct pollfd){ g->control, POLLIN, 0 };
	fds[POLL_DATA] =
		(struct pollfd){ g->port.fd, (short)(POLLIN | (g->port.used ? POLLOUT : 0)), 0 };
	for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++) {
		if (g->processes[i].used)
			guest_process_poll(&g->processes[i], &g->port,
					   fds + POLL_PROCESSES + i * GUEST_PROCESS_FDS);
	}
	if (poll(fds, POLL_ALL, wait_msec) < 0)
		return errno == EINTR ? 0 : err_sys(e, "wait for the host");
	if (fds[POLL_SIGNALS].revents)
		reap(g);
	for (size_t i = 0; i < WIRE_PROCESSES_MAX; i++) {
		if (g->processes[i].used &&
		    guest_process_step(&g->processes[i], &g->port, g->control,
				       fds + POLL_PROCESSES + i * GUEST_PROCESS_FDS, e) < 0)
			return -1;
	}
	if (fds[POLL_DATA].revents & ~POLLOUT && read_data(g, e) < 0)
		return -1;
	return fds[POLL_CONTROL].revents ? read_control(g, e) : 0;
}

static int greet(struct guest *g, struct err *e)
{
	static const char who[] = "husk " PACKAGE_VERSION;
	uint8_t body[4 + sizeof who] = { WIRE_VERSION };

	memcpy(body + 4, who, sizeof who - 1);
	return wire_send(g->control, WIRE_HELLO, 0, 0, body, 4 + sizeof who - 1, SEND_MSEC, e);
}

static int prepare(struct guest *g, int data, struct err *e)
{
	sigset_t set;

	/* All but what a fault of our own sends: nobody may interrupt the first process. */
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (g->signals < 0)
		return err_sys(e, "create signalfd");
	wire_reader_init(&g->reader, false);
	g->heard_msec = clock_now_msec();
	arena_init(&g->arena, 0);
	return guest_port_open(&g->port, data, e);
}

/* To the host, and to the console for one that does not speak the protocol. */
static void complain(struct guest *g, const struct err *why)
{
	struct err ignored;

	(void)!write(STDERR_FILENO, "husk: ", 6);
	(void)!write(STDERR_FILENO, why->msg, strlen(why->msg));
	(void)!write(STDERR_FILENO, "\n", 1);
	/* It may be the host that is gone. */
	if (g->control >= 0)
		(void)wire_send(g->control, WIRE_ERROR, 0, 0, why->msg, (uint32_t)strlen(why->msg),
				LAST_WORDS_MSEC, &ignored);
}

bool guest_init_wanted(void)
{
	return guest_is_init();
}

_Noreturn void guest_init_main(void)
{
	/* Without an initializer: 340 KiB of data would be read at every start of husk, of which this is none. */
	static struct guest g;
	struct err e = { 0 };
	int data = -1;

	g.control = -1;
	int result = guest_boot(&g.control, &data, &e);
	if (g.control >= 0 && greet(&g, &e) < 0)
		result = -1;
	if (result == 0)
		result = prepare(&g, data, &e);
	while (result == 0 && !g.over)
		result = step(&g, &e);
	if (result < 0)
		complain(&g, &e);
	kill(-1, SIGKILL);
	guest_power_off();
}
