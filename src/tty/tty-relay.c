/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tty/tty-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/path.h"

/* A pipe that polls writable takes this much without blocking (PIPE_BUF), and so does a terminal
 * in practice: the chunk for an output that could not be made non-blocking. */
#define CHUNK_BYTES 4096

enum { SLOT_IN, SLOT_MASTER, SLOT_OUT };

/*
 * A slave of our own keeps the master from hanging up while the container has none open: an init
 * such as systemd closes its console and opens it again. Without it poll(2) would report the
 * hang-up without end. When the session's leader ends or calls vhangup(2), this one is hung up
 * too, and opening another one puts the master right again.
 */
static void hold_slave(struct tty_relay *r)
{
	if (r->keeper >= 0)
		close(r->keeper);
	r->keeper = ioctl(r->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* Use a description of our own for a terminal or pipe, so that it can be non-blocking. */
static void own_output(struct tty_relay *r)
{
	char link[PATH_FD_MAX];
	struct stat st;

	if (fstat(r->out, &st) < 0)
		return;
	r->out_socket = S_ISSOCK(st.st_mode);
	/* A regular file has an offset that belongs to its description, and never blocks. */
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	int fd = open(path_of_fd(r->out, link), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* Another user's terminal (su) cannot be opened again: blocking writes will do. */
	if (fd >= 0) {
		r->out = fd;
		r->owns_out = true;
	}
}

static void set_raw(const struct tty_relay *r)
{
	struct termios raw = r->saved;

	cfmakeraw(&raw);
	tcsetattr(r->in, TCSANOW, &raw);
}

int tty_relay_start(struct tty_relay *r, int in, int out, int master, struct err *e)
{
	int flags = fcntl(master, F_GETFL);

	memset(r, 0, offsetof(struct tty_relay, up));
	r->up.start = r->up.end = r->down.start = r->down.end = 0;
	r->down.eof = r->down.broken = r->up.broken = false;
	r->up.eof = in < 0;
	r->in = in;
	r->out = out;
	r->master = master;
	r->keeper = -1;
	r->eof_sent = in < 0;
	r->tty = in >= 0 && isatty(in) ? in : isatty(out) ? out : -1;
	if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "make the terminal's master non-blocking");
	hold_slave(r);
	own_output(r);
	tty_relay_resize(r);
	if (r->tty == in && in >= 0 && tcgetattr(in, &r->saved) == 0) {
		r->raw = true;
		set_raw(r);
	}
	return 0;
}

void tty_relay_resize(const struct tty_relay *r)
{
	struct winsize size;

	/* A size of nothing is what a terminal on a serial line or in a test says. */
	if (r->tty >= 0 && ioctl(r->tty, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col))
		ioctl(r->master, TIOCSWINSZ, &size);
}

void tty_relay_resume(const struct tty_relay *r)
{
	if (r->raw)
		set_raw(r);
	tty_relay_resize(r);
}

static bool has_room(const struct tty_flow *f)
{
	return !f->eof && f->end < sizeof f->room;
}

static bool has_data(const struct tty_flow *f)
{
	return f->start < f->end;
}

void tty_relay_poll(const struct tty_relay *r, struct pollfd p[TTY_RELAY_FDS])
{
	short master =
		(short)((has_room(&r->down) ? POLLIN : 0) | (has_data(&r->up) ? POLLOUT : 0));

	p[SLOT_IN] = (struct pollfd){ has_room(&r->up) ? r->in : -1, POLLIN, 0 };
	/* A hang-up is reported whether asked for or not, so what has no use for the master
	 * leaves it out. */
	p[SLOT_MASTER] = (struct pollfd){ master ? r->master : -1, master, 0 };
	p[SLOT_OUT] = (struct pollfd){ has_data(&r->down) ? r->out : -1, POLLOUT, 0 };
}

/* Read once. 1 went well (also: nothing there), 0 end of file, -1 with errno. */
static int flow_read(struct tty_flow *f, int fd)
{
	if (f->end == sizeof f->room)
		return 1;
	ssize_t n = read(fd, f->room + f->end, sizeof f->room - f->end);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -1;
	f->end += (size_t)n;
	return n > 0;
}

/* Forget @n bytes that were written, and make room behind the rest. */
static void flow_advance(struct tty_flow *f, size_t n)
{
	f->start += n;
	memmove(f->room, f->room + f->start, f->end - f->start);
	f->end -= f->start;
	f->start = 0;
}

/* Write once. 1 went well or would block, -1 with errno. */
static int flow_write(struct tty_flow *f, int fd, size_t most, bool is_socket)
{
	size_t size = f->end - f->start;

	if (size > most)
		size = most;
	ssize_t n = is_socket ? send(fd, f->room + f->start, size, MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(fd, f->room + f->start, size);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -1;
	flow_advance(f, (size_t)n);
	return 1;
}

/* Bytes from the container. Afterwards down.eof says whether more can come. */
static void read_master(struct tty_relay *r)
{
	if (flow_read(&r->down, r->master) > 0)
		return;
	/* EIO: no slave is open. */
	hold_slave(r);
	if (r->keeper < 0)
		r->down.eof = true;
}

static void write_out(struct tty_relay *r)
{
	size_t most = r->owns_out || r->out_socket ? sizeof r->down.room : CHUNK_BYTES;

	if (!r->down.broken && flow_write(&r->down, r->out, most, r->out_socket) < 0)
		r->down.broken = true;
	/* The program must not block on a reader that is gone, as in `husk run ... | head`. */
	if (r->down.broken)
		flow_advance(&r->down, r->down.end - r->down.start);
}

/*
 * The end of our input becomes the end-of-file character where the program reads lines. That
 * character only ends the line if something is on it, so it takes two then.
 */
static void send_eof(struct tty_relay *r)
{
	struct termios t;

	r->eof_sent = true;
	if (tcgetattr(r->master, &t) < 0 || !(t.c_lflag & ICANON) ||
	    t.c_cc[VEOF] == _POSIX_VDISABLE)
		return;
	if (r->last_up && r->last_up != '\n')
		r->up.room[r->up.end++] = (char)t.c_cc[VEOF];
	r->up.room[r->up.end++] = (char)t.c_cc[VEOF];
}

static void write_master(struct tty_relay *r)
{
	char last = r->up.room[r->up.end - 1];

	/* EIO: hung up for good; the program's end is what the caller waits for then. */
	if (flow_write(&r->up, r->master, sizeof r->up.room, false) < 0) {
		r->up.broken = r->up.eof = r->eof_sent = true;
		flow_advance(&r->up, r->up.end - r->up.start);
	} else if (!has_data(&r->up)) {
		r->last_up = last;
	}
}

int tty_relay_step(struct tty_relay *r, const struct pollfd p[TTY_RELAY_FDS], struct err *e)
{
	const short readable = POLLIN | POLLHUP | POLLERR;

	for (int i = 0; i < TTY_RELAY_FDS; i++)
		if (p[i].fd >= 0 && p[i].revents & POLLNVAL)
			return err_set(e, ERR_SYSTEM, EBADF, "relay the terminal: descriptor %d",
				       p[i].fd);
	if (p[SLOT_IN].fd >= 0 && p[SLOT_IN].revents & readable && flow_read(&r->up, r->in) <= 0)
		r->up.eof = true;
	if (p[SLOT_MASTER].fd >= 0 && p[SLOT_MASTER].revents & readable && has_room(&r->down))
		read_master(r);
	if (r->up.eof && !has_data(&r->up) && !r->eof_sent)
		send_eof(r);
	if (p[SLOT_MASTER].fd >= 0 && p[SLOT_MASTER].revents & (POLLOUT | POLLHUP) &&
	    has_data(&r->up))
		write_master(r);
	if (p[SLOT_OUT].fd >= 0 && p[SLOT_OUT].revents)
		write_out(r);
	return r->down.eof && !has_data(&r->down) ? 0 : 1;
}

void tty_relay_drain(struct tty_relay *r, int timeout_msec)
{
	long long until = clock_now_msec() + timeout_msec;

	for (;;) {
		/*
		 * Reading flushes the kernel's queue before it says EAGAIN, so nothing that was
		 * written before the program ended is missed (n_tty_read()). No new slave is
		 * opened here: end of file and "nothing there" are both the end.
		 */
		if (!r->down.eof && flow_read(&r->down, r->master) <= 0)
			r->down.eof = true;
		if (!has_data(&r->down))
			return;
		struct pollfd p = { r->out, POLLOUT, 0 };
		long long left = until - clock_now_msec();
		if (left < 0 || poll(&p, 1, (int)left) == 0)
			return;
		write_out(r);
	}
}

void tty_relay_stop(struct tty_relay *r)
{
	sigset_t set, old;

	if (r->raw) {
		/* In the background this would stop us, with the terminal left in raw mode. */
		sigemptyset(&set);
		sigaddset(&set, SIGTTOU);
		sigprocmask(SIG_BLOCK, &set, &old);
		tcsetattr(r->in, TCSANOW, &r->saved);
		sigprocmask(SIG_SETMASK, &old, NULL);
		r->raw = false;
	}
	if (r->owns_out) {
		drop_fd(&r->out);
		r->owns_out = false;
	}
	if (r->keeper >= 0)
		drop_fd(&r->keeper);
}
