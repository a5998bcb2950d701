/* SPDX-License-Identifier: Apache-2.0 */
/* A program in the guest, as the guest's first process sees it. */
#include "runtime/cli/guest-process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define REPORT_BYTES_MAX (1u << 20)
/* The host has half a minute to take a frame; one that does not is as good as gone. */
#define SEND_MSEC 30000

/* ---- starting ---- */

static void set_size(int fd, uint16_t rows, uint16_t columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	(void)ioctl(fd, TIOCSWINSZ, &size);
}

static int open_terminal(struct guest_process *p, const struct guest_config *c, int fds[3],
			 struct err *e)
{
	CLEAN_FD int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct termios modes;

	if (master < 0 || unlockpt(master) < 0)
		return err_sys(e, "open a terminal");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, "open the other end of a terminal");
	fds[0] = fds[1] = fds[2] = slave;
	if (fchown(slave, c->uid, c->gid) < 0)
		return err_sys(e, "give the terminal to user %u", c->uid);
	set_size(slave, c->terminal->rows, c->terminal->columns);
	/* The sandbox has one of its own, and this one only hands bytes on. */
	if (c->sandbox.terminal && tcgetattr(slave, &modes) == 0) {
		cfmakeraw(&modes);
		(void)tcsetattr(slave, TCSANOW, &modes);
	}
	p->streams.terminal = true;
	p->streams.input.fd = p->streams.outputs[0].fd = take_fd(&master);
	p->streams.outputs[1].ending = true;
	return 0;
}

/* Our ends never wait; the program's are as it expects them. */
static int open_pipe(int *own, int *other, bool in, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	*own = ends[in];
	*other = ends[!in];
	return fcntl(*own, F_SETFL, O_NONBLOCK) < 0 ? err_sys(e, "prepare a pipe") : 0;
}

static int open_all(struct guest_process *p, const struct guest_config *c,
		    struct guest_child *child, struct err *e)
{
	int pair[2];

	if (guest_streams_open(&p->streams, p->number, e) < 0)
		return -1;
	if (c->terminal) {
		if (open_terminal(p, c, child->fds, e) < 0)
			return -1;
	} else if (open_pipe(&p->streams.input.fd, &child->fds[0], true, e) < 0 ||
		   open_pipe(&p->streams.outputs[0].fd, &child->fds[1], false, e) < 0 ||
		   open_pipe(&p->streams.outputs[1].fd, &child->fds[2], false, e) < 0) {
		return -1;
	}
	if (open_pipe(&p->report, &child->report, false, e) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "create socket");
	p->said = pair[0];
	child->said = pair[1];
	return 0;
}

static void forget(struct guest_process *p)
{
	guest_streams_close(&p->streams);
	drop_fd(&p->pidfd);
	drop_fd(&p->said);
	drop_fd(&p->report);
	free(p->text);
	*p = (struct guest_process){ .pidfd = -1, .said = -1, .report = -1 };
}

int guest_process_start(struct guest_process *p, unsigned number, const struct guest_config *c,
			struct err *e)
{
	struct guest_child child = {
		.config = c, .number = number, .fds = { -1, -1, -1 }, .said = -1, .report = -1
	};

	*p = (struct guest_process){ .number = number, .pidfd = -1, .said = -1, .report = -1 };
	if (open_all(p, c, &child, e) < 0) {
		for (int i = 0; i < 3; i++) {
			if (child.fds[i] >= 0 && (i == 0 || child.fds[i] != child.fds[0]))
				close(child.fds[i]);
		}
		drop_fd(&child.report);
		forget(p);
		return -1;
	}
	p->pid = guest_run_fork(&child, e);
	if (p->pid < 0) {
		forget(p);
		return -1;
	}
	p->used = true;
	return 0;
}

/* ---- requests ---- */

void guest_process_signal(struct guest_process *p, int sig)
{
	if (p->reaped)
		return;
	/* The others are handed on by the child, as by "husk sandbox"; these two it would not see. */
	if ((sig == SIGKILL || sig == SIGSTOP) && p->pidfd >= 0)
		(void)kernel_pidfd_send_signal(p->pidfd, sig);
	else
		(void)kill(p->pid, sig);
}

void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns)
{
	if (p->streams.terminal && p->streams.outputs[0].fd >= 0)
		set_size(p->streams.outputs[0].fd, rows, columns);
}

/* ---- the loop ---- */

void guest_process_poll(const struct guest_process *p, const struct guest_port *port,
			struct pollfd fds[GUEST_PROCESS_FDS])
{
	fds[0] = (struct pollfd){ p->said, POLLIN, 0 };
	fds[1] = (struct pollfd){ p->report, POLLIN, 0 };
	guest_streams_poll(&p->streams, port, fds + 2);
}

static int take_said(struct guest_process *p, int control, struct err *e)
{
	struct guest_said said;
	size_t fds = 1;
	int fd = -1;
	ssize_t n = io_recv_fds(p->said, &said, sizeof said, &fd, &fds);

	if (n != (ssize_t)sizeof said) {
		drop_fd(&p->said);
		return 0;
	}
	if (said.kind == GUEST_ENDED) {
		p->end = said;
		return 0;
	}
	if (fds == 1)
		p->pidfd = fd;
	const uint32_t pid = (uint32_t)said.pid;
	const uint8_t body[] = { (uint8_t)pid, (uint8_t)(pid >> 8), (uint8_t)(pid >> 16),
				 (uint8_t)(pid >> 24) };
	return wire_send(control, WIRE_STARTED, 0, p->number, body, sizeof body, SEND_MSEC, e);
}

static void take_report(struct guest_process *p)
{
	char text[4096];
	ssize_t n = read(p->report, text, sizeof text);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	char *longer = n > 0 && p->length + (size_t)n <= REPORT_BYTES_MAX
			       ? realloc(p->text, p->length + (size_t)n)
			       : NULL;
	if (!longer) {
		drop_fd(&p->report);
		return;
	}
	p->text = longer;
	memcpy(p->text + p->length, text, (size_t)n);
	p->length += (size_t)n;
}

int guest_process_step(struct guest_process *p, struct guest_port *port, int control,
		       const struct pollfd fds[GUEST_PROCESS_FDS], struct err *e)
{
	if (fds[0].fd >= 0 && fds[0].revents && take_said(p, control, e) < 0)
		return -1;
	if (fds[1].fd >= 0 && fds[1].revents)
		take_report(p);
	guest_streams_step(&p->streams, port, fds + 2);
	return 0;
}

/* ---- the end ---- */

/* As husk's own exit status would be. */
static int status_of(const struct guest_process *p)
{
	if (p->end.kind == GUEST_ENDED && p->end.status >= 0)
		return p->end.status;
	if (p->end.kind == GUEST_ENDED)
		return p->end.err.kind == ERR_NO_PROGRAM ? 127
		       : p->end.err.kind == ERR_EXEC     ? 126
							 : 1;
	return WIFEXITED(p->wait_status) ? 1 : 128 + WTERMSIG(p->wait_status);
}

static int tell(struct guest_process *p, int control, struct err *e)
{
	struct err why = p->end.err;
	size_t sent = 0;

	while (sent < p->length) {
		size_t n = p->length - sent < WIRE_BODY_MAX ? p->length - sent : WIRE_BODY_MAX;
		uint8_t more = sent + n < p->length ? WIRE_MORE : 0;
		if (wire_send(control, WIRE_REPORT, more, p->number, p->text + sent, (uint32_t)n,
			      SEND_MSEC, e) < 0)
			return -1;
		sent += n;
	}
	if (!p->end.kind)
		err_set(&why, ERR_SYSTEM, 0, "husk's process in the virtual machine ended: %s %d",
			WIFEXITED(p->wait_status) ? "exit status" : "signal",
			WIFEXITED(p->wait_status) ? WEXITSTATUS(p->wait_status)
						  : WTERMSIG(p->wait_status));
	if (why.kind != ERR_NONE && wire_send(control, WIRE_ERROR, 0, p->number, why.msg,
					      (uint32_t)strlen(why.msg), SEND_MSEC, e) < 0)
		return -1;
	const uint8_t body[] = { (uint8_t)status_of(p), 0, 0, 0 };
	return wire_send(control, WIRE_EXITED, 0, p->number, body, sizeof body, SEND_MSEC, e);
}

int guest_process_settle(struct guest_process *p, int control, struct err *e)
{
	if (!p->reaped || p->said >= 0 || p->report >= 0)
		return 0;
	if (!p->told) {
		p->told = true;
		guest_run_clean(p->number);
		guest_streams_end(&p->streams);
		if (tell(p, control, e) < 0)
			return -1;
	}
	if (guest_streams_done(&p->streams))
		forget(p);
	return 0;
}
