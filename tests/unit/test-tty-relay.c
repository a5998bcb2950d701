/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: pairs from an own devpts, console sockets, and the relay for the foreground. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>

#include "src/base/io.h"
#include "src/tty/tty-console.h"
#include "src/tty/tty-relay.h"
#include "tests/unit/in-child.h"

/* Some hosts let only root and the group tty open /dev/ptmx. */
static bool no_pty(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0) {
		print_message("# skip: openpty: %s\n", strerror(errno));
		return true;
	}
	close(master);
	close(slave);
	return false;
}

#define need_pty()                                                                                 \
	do {                                                                                       \
		if (no_pty())                                                                      \
			skip();                                                                    \
	} while (0)

/*
 * A relay between pipes and a pty with a program on it: what the test writes to up[1] is its
 * standard input, what it reads from down[0] its output.
 */
struct setup {
	struct tty_relay relay;
	int up[2], down[2], master;
	pid_t program;
};

/* @command for sh, or @function on the slave where it is NULL. */
static void start_program(struct setup *s, const char *command, void (*function)(int))
{
	int slave;

	CHECK(openpty(&s->master, &slave, NULL, NULL, NULL) == 0);
	s->program = fork();
	if (s->program == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		if (function)
			function(slave);
		for (int fd = 0; fd <= 2; fd++)
			dup2(slave, fd);
		/* The report's pipe too: its reader waits for the last one that has it. */
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	close(slave);
}

static long long now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Relay until the program has ended, then drain. Counts the turns, to notice a loop that spins. */
static int relay_all(struct setup *s)
{
	struct err e;
	int turns = 0, status;

	for (;; turns++) {
		struct pollfd p[TTY_RELAY_FDS];
		tty_relay_poll(&s->relay, p);
		poll(p, TTY_RELAY_FDS, 20);
		int rc = tty_relay_step(&s->relay, p, &e);
		CHECK_OK(rc, e);
		if (waitpid(s->program, &status, WNOHANG) == s->program)
			break;
	}
	tty_relay_drain(&s->relay, 1000);
	tty_relay_stop(&s->relay);
	return turns;
}

static size_t read_all(int fd, char *text, size_t size)
{
	ssize_t n = io_read_full(fd, text, size - 1);

	CHECK(n >= 0);
	text[n] = '\0';
	return (size_t)n;
}

static void start_pipes_with(struct setup *s, const char *command, void (*function)(int))
{
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	CHECK(pipe2(s->up, O_CLOEXEC) == 0 && pipe2(s->down, O_CLOEXEC) == 0);
	start_program(s, command, function);
	CHECK_OK(tty_relay_start(&s->relay, s->up[0], s->down[1], s->master, &e), e);
}

static void start_pipes(struct setup *s, const char *command)
{
	start_pipes_with(s, command, NULL);
}

static void relay_pipes_body(void *arg)
{
	static struct setup s;
	char text[1000];

	(void)arg;
	/* The end of input reaches the program: cat ends, twice, also without a last newline. */
	start_pipes(&s, "stty -echo; echo ready; cat; echo second; cat; echo done");
	CHECK(read(s.down[0], text, 0) == 0);
	CHECK(fcntl(s.down[1], F_GETFL) == O_WRONLY); /* our own pipe is still blocking */
	CHECK(write(s.up[1], "one\ntwo", 7) == 7);
	close(s.up[1]);
	/* The second cat would wait for ever, so this program is ended from outside. */
	alarm(20);
	struct pollfd p[TTY_RELAY_FDS];
	struct err e;
	char *at = text;
	long long until = now_msec() + 10000;
	memset(text, 0, sizeof text);
	while (!strstr(text, "second") && now_msec() < until) {
		tty_relay_poll(&s.relay, p);
		poll(p, TTY_RELAY_FDS, 20);
		CHECK_OK(tty_relay_step(&s.relay, p, &e), e);
		struct pollfd readable = { s.down[0], POLLIN, 0 };
		if (poll(&readable, 1, 0) == 1)
			at += read(s.down[0], at, (size_t)(text + sizeof text - 1 - at));
	}
	CHECK(strstr(text, "one\r\ntwosecond"));
	kill(s.program, SIGKILL);
	relay_all(&s);
}

static void relay_eof_body(void *arg)
{
	static struct setup s;
	char text[1000];

	(void)arg;
	start_pipes(&s, "stty -echo; cat; echo done");
	close(s.up[1]); /* the end comes before anything else, and before the program runs */
	int turns = relay_all(&s);
	close(s.down[1]);
	read_all(s.down[0], text, sizeof text);
	CHECK(strcmp(text, "done\r\n") == 0 || strcmp(text, "^D\b\bdone\r\n") == 0);
	CHECK(turns < 200);
}

/* Much more than any buffer holds, both ways, nothing lost and in order. */
static void relay_bulk_body(void *arg)
{
	static struct setup s;
	static char text[700000];
	const size_t lines = 20000;

	(void)arg;
	start_pipes(&s, "stty raw -echo; head -c 100000 | wc -c; seq 1 20000");
	pid_t writer = fork();
	if (writer == 0) {
		char block[1000];
		memset(block, 'x', sizeof block);
		usleep(300000); /* after stty, whose change of mode may drop input */
		for (int i = 0; i < 100; i++)
			if (io_write_full(s.up[1], block, sizeof block) < 0)
				_exit(1);
		_exit(0);
	}
	pid_t reader = fork();
	if (reader == 0) {
		close(s.down[1]);
		close(s.relay.out); /* the relay's own description of it */
		close(s.up[1]);
		size_t n = read_all(s.down[0], text, sizeof text);
		char *p = text;
		CHECK(strtol(p, &p, 10) == 100000 && *p == '\n');
		for (size_t i = 1; i <= lines; i++)
			CHECK(strtoul(p, &p, 10) == i && *p == '\n');
		CHECK(p + 1 == text + n);
		_exit(0);
	}
	close(s.down[0]);
	close(s.up[1]);
	relay_all(&s);
	close(s.down[1]);
	int status;
	CHECK(waitpid(reader, &status, 0) == reader && status == 0);
	CHECK(waitpid(writer, &status, 0) == writer && status == 0);
}

/* What was written just before the program's end arrives: 200 times, since it is a race. */
static void relay_last_words_body(void *arg)
{
	char text[100];

	(void)arg;
	for (int i = 0; i < 200; i++) {
		struct setup *s = calloc(1, sizeof *s);
		start_pipes(s, "echo -n last words");
		int status;
		/* Wait first: everything is left to the drain. */
		CHECK(waitpid(s->program, &status, 0) == s->program);
		tty_relay_drain(&s->relay, 1000);
		tty_relay_stop(&s->relay);
		close(s->down[1]);
		read_all(s->down[0], text, sizeof text);
		CHECK(strcmp(text, "last words") == 0);
		close(s->down[0]);
		close(s->up[0]);
		close(s->up[1]);
		close(s->master);
		free(s);
	}
}

/* An init that closes its terminal and opens it again: the relay neither ends nor spins. */
static void relay_hangup_body(void *arg)
{
	static struct setup s;
	char text[1000];

	(void)arg;
	start_pipes(&s, "tty=$(tty); echo before; exec <&- >&- 2>&-; sleep 1;"
			"exec >$tty 2>&1 <$tty; echo after");
	int turns = relay_all(&s);
	close(s.down[1]);
	read_all(s.down[0], text, sizeof text);
	CHECK(strcmp(text, "before\r\nafter\r\n") == 0);
	CHECK(turns > 20 && turns < 200);
}

/* vhangup(2) takes our slave too; systemd does that before it uses its console. */
static void hang_up(int slave)
{
	char name[64];

	if (ttyname_r(slave, name, sizeof name) != 0 || write(slave, "before\n", 7) != 7)
		_exit(1);
	usleep(200000);
	if (vhangup() < 0)
		_exit(2);
	usleep(500000);
	signal(SIGHUP, SIG_IGN);
	int fd = open(name, O_RDWR | O_CLOEXEC);
	_exit(fd < 0 || write(fd, "after\n", 6) != 6);
}

static void relay_vhangup_body(void *arg)
{
	static struct setup s;
	char text[1000];

	(void)arg;
	signal(SIGHUP, SIG_IGN);
	start_pipes_with(&s, NULL, hang_up);
	int turns = relay_all(&s);
	close(s.down[1]);
	read_all(s.down[0], text, sizeof text);
	CHECK(strcmp(text, "before\r\nafter\r\n") == 0);
	CHECK(turns > 10 && turns < 200);
}

/* Nobody reads our output any more: the program still runs to its end. */
static void relay_broken_body(void *arg)
{
	static struct setup s;

	(void)arg;
	start_pipes(&s, "seq 1 100000; exit 0");
	close(s.down[0]);
	close(s.up[1]);
	relay_all(&s);
	CHECK(s.relay.down.broken);
}

/* No shell: a signal just before its fork is only acted upon when the child ends. */
static void read_and_wait(int slave)
{
	char word[32] = "";

	signal(SIGINT, SIG_DFL);
	if (read(slave, word, sizeof word - 1) > 0)
		dprintf(slave, "got %s", word);
	for (;;)
		pause();
}

/* A terminal on our side: raw while relaying, its size passed on, then as it was before. */
static void relay_terminal_body(void *arg)
{
	static struct setup s;
	struct winsize size = { .ws_row = 33, .ws_col = 77 }, got;
	struct termios before, during, after;
	int host_master, host;
	char text[1000];
	struct err e;

	(void)arg;
	signal(SIGPIPE, SIG_IGN);
	CHECK(openpty(&host_master, &host, NULL, NULL, &size) == 0);
	CHECK(tcgetattr(host, &before) == 0 && before.c_lflag & ICANON);
	start_program(&s, NULL, read_and_wait);
	CHECK_OK(tty_relay_start(&s.relay, host, host, s.master, &e), e);
	CHECK(!(fcntl(host, F_GETFL) & O_NONBLOCK));
	CHECK(tcgetattr(host, &during) == 0 && !(during.c_lflag & (ICANON | ECHO | ISIG)));
	CHECK(!(during.c_oflag & OPOST));
	CHECK(ioctl(s.master, TIOCGWINSZ, &got) == 0 && got.ws_row == 33 && got.ws_col == 77);
	CHECK(write(host_master, "word\r", 5) == 5);
	fcntl(host_master, F_SETFL, O_NONBLOCK);
	size_t used = 0;
	long long until = now_msec() + 10000;
	memset(text, 0, sizeof text);
	while (!strstr(text, "got word") && now_msec() < until) {
		struct pollfd p[TTY_RELAY_FDS];
		tty_relay_poll(&s.relay, p);
		poll(p, TTY_RELAY_FDS, 20);
		CHECK_OK(tty_relay_step(&s.relay, p, &e), e);
		ssize_t n = read(host_master, text + used, sizeof text - 1 - used);
		if (n > 0)
			used += (size_t)n;
	}
	CHECK(strstr(text, "got word\r\n"));
	/* SIGWINCH. */
	size.ws_row = 44;
	CHECK(ioctl(host, TIOCSWINSZ, &size) == 0);
	tty_relay_resize(&s.relay);
	CHECK(ioctl(s.master, TIOCGWINSZ, &got) == 0 && got.ws_row == 44);
	/* The interrupt character is the container's: it ends the program there. */
	CHECK(write(host_master, "\003", 1) == 1);
	CHECK(relay_all(&s) < 500);
	CHECK(tcgetattr(host, &after) == 0);
	CHECK(after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag);
	CHECK(after.c_iflag == before.c_iflag);
	tty_relay_stop(&s.relay);
}

static void relays(void **state)
{
	(void)state;
	need_pty();
	child_result(relay_pipes_body, NULL);
	child_result(relay_eof_body, NULL);
	child_result(relay_bulk_body, NULL);
	child_result(relay_broken_body, NULL);
}

static void relay_last_words(void **state)
{
	(void)state;
	need_pty();
	child_result(relay_last_words_body, NULL);
}

static void relay_hangup(void **state)
{
	(void)state;
	need_pty();
	child_result(relay_hangup_body, NULL);
	if (geteuid() == 0) /* CAP_SYS_TTY_CONFIG */
		child_result(relay_vhangup_body, NULL);
}

static void relay_terminal(void **state)
{
	(void)state;
	need_pty();
	child_result(relay_terminal_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relays),
		cmocka_unit_test(relay_last_words),
		cmocka_unit_test(relay_hangup),
		cmocka_unit_test(relay_terminal),
	};

	return cmocka_run_group_tests_name("tty-relay", tests, NULL, NULL);
}
