/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_GUEST_PROCESS_H
#define HUSK_CLI_GUEST_PROCESS_H

#include "runtime/cli/guest-init.h"

/* One program that the host has started, from START to the last byte of its output. */
struct guest_process {
	bool used;
	bool reaped, told; /* its child is gone; and the host knows */
	unsigned number;
	pid_t pid;  /* of the child that runs it */
	int pidfd;  /* of the sandbox's pid 1, or -1 */
	int said;   /* the child's messages, or -1 at their end */
	int report; /* the report, or -1 at its end */
	int wait_status;
	struct guest_said end; /* kind 0: it has not said how it ended */
	char *text;            /* of the report */
	size_t length;
	struct guest_streams streams;
};

#define GUEST_PROCESS_FDS (2 + GUEST_STREAM_FDS)

int guest_process_start(struct guest_process *p, unsigned number, const struct guest_config *c,
			struct err *e);
void guest_process_signal(struct guest_process *p, int sig);
void guest_process_resize(struct guest_process *p, uint16_t rows, uint16_t columns);

void guest_process_poll(const struct guest_process *p, const struct guest_port *port,
			struct pollfd fds[GUEST_PROCESS_FDS]);
/* What poll(2) said. -1: the control port @control is of no use any more. */
int guest_process_step(struct guest_process *p, struct guest_port *port, int control,
		       const struct pollfd fds[GUEST_PROCESS_FDS], struct err *e);
/* When it has ended, tell the host, and forget it when its streams have ended, too. */
int guest_process_settle(struct guest_process *p, int control, struct err *e);

#endif
