/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TTY_RELAY_H
#define HUSK_TTY_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "src/base/err.h"

/*
 * Moves bytes between the caller's standard streams and the master of a container's terminal, for
 * `run` and `exec` in the foreground. It owns no signals and no processes: the caller's loop polls
 * its own descriptors (pidfd, signalfd) together with the relay's, and ends when the program does:
 *
 *	tty_relay_start(&r, 0, 1, master, &e);
 *	for (;;) {
 *		struct pollfd p[2 + TTY_RELAY_FDS] = { { pidfd, POLLIN }, { sigfd, POLLIN } };
 *		tty_relay_poll(&r, p + 2);
 *		poll(p, 2 + TTY_RELAY_FDS, -1);
 *		... SIGWINCH: tty_relay_resize(&r); SIGCONT: tty_relay_resume(&r) ...
 *		if (p[0].revents)
 *			break;
 *		tty_relay_step(&r, p + 2, &e);
 *	}
 *	tty_relay_drain(&r, 500);
 *	tty_relay_stop(&r);
 *
 * SIGPIPE must be ignored or blocked.
 */

#define TTY_RELAY_FDS  3
#define TTY_RELAY_ROOM 16384

/* One direction. Bytes [start, end) of @room wait to be written. */
struct tty_flow {
	size_t start, end;
	bool eof;    /* nothing more will be read */
	bool broken; /* nothing more can be written: what comes is dropped */
	char room[TTY_RELAY_ROOM];
};

struct tty_relay {
	int in, master; /* the caller's */
	int out;        /* the caller's, or one of its own for the same terminal or pipe */
	int keeper;     /* a slave held open, see tty-relay.c */
	int tty;        /* which of @in and @out is a terminal and gives the size, or -1 */
	bool owns_out;
	bool out_socket; /* written with MSG_DONTWAIT */
	bool raw;        /* @saved are the settings of @in to be put back */
	bool eof_sent;
	char last_up; /* last byte sent to the container: decides how the end of input is said */
	struct termios saved;
	struct tty_flow up, down; /* to the container, from it */
};

/*
 * Prepare: where @in is a terminal it goes to raw mode; the size of @in or @out is copied to
 * @master. @in that is no terminal is relayed as it is, and its end is passed on as the terminal's
 * end-of-file character. @in may be -1 (nothing to read). @master becomes non-blocking; the flags
 * of @in and @out are never changed, since other processes share them. All three must stay open
 * until tty_relay_stop().
 */
int tty_relay_start(struct tty_relay *r, int in, int out, int master, struct err *e);

/* Fill in @p; those that are not to be polled get fd -1. */
void tty_relay_poll(const struct tty_relay *r, struct pollfd p[TTY_RELAY_FDS]);

/*
 * Move what poll(2) said can move. 1 go on; 0 the container's side is closed for good (which
 * the end of the program usually precedes) and all has been written; -1 with @e. A caller's stream
 * that breaks is no error: r->down.broken, r->up.eof.
 */
int tty_relay_step(struct tty_relay *r, const struct pollfd p[TTY_RELAY_FDS], struct err *e);

/* Copy the size of the caller's terminal to the master: for SIGWINCH. Never fails. */
void tty_relay_resize(const struct tty_relay *r);

/* Raw mode and size again, for SIGCONT: the shell has used the terminal in between. */
void tty_relay_resume(const struct tty_relay *r);

/* After the program's end: pass on what the terminal still holds, for @timeout_msec at most. */
void tty_relay_drain(struct tty_relay *r, int timeout_msec);

/* Put the caller's terminal back as it was. May be called twice, and after a failed start. */
void tty_relay_stop(struct tty_relay *r);

#endif
