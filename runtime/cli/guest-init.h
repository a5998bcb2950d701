/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_GUEST_INIT_H
#define HUSK_CLI_GUEST_INIT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "vm-shim/vm.h"

/*
 * husk as the first process of a virtual machine: it is told what to run by the host, and runs each in a
 * child that is to the sandbox what "husk sandbox" is on the host.
 */

/* Whether this process is that one. */
bool guest_init_wanted(void);
/* Its whole life. */
_Noreturn void guest_init_main(void);

/* ---- what is to be run, guest-config.c ---- */

struct guest_terminal {
	uint16_t rows, columns;
};

/* WIRE_CONFIG, see vm-shim/guest/guest.h. */
struct guest_config {
	struct sandbox sandbox;
	struct str_list environment;
	char *directory;
	uint32_t uid, gid;
	char *hostname;
	struct guest_terminal *terminal; /* or NULL */
};

int guest_config_parse(const char *text, size_t length, struct arena *a, struct guest_config *c,
		       struct err *e);

/* ---- the child, guest-run.c ---- */

/* What it says on its socket, one message each; STARTED has a pidfd of the sandbox's pid 1 with it. */
enum guest_said_kind {
	GUEST_STARTED = 1,
	GUEST_ENDED,
};
struct guest_said {
	uint32_t kind;
	int32_t pid, status;
	struct err err; /* kind ERR_NONE: it went well */
};

/* A child that runs @c. Its ends of everything. */
struct guest_child {
	const struct guest_config *config;
	unsigned number;
	int fds[3];       /* its standard streams; with a terminal all three are that */
	int said, report; /* where it says things, and where the report goes */
};
/* Fork it. The pid, or -1; the child's descriptors are closed here. */
pid_t guest_run_fork(struct guest_child *c, struct err *e);
/* The control group of process @number and what is left in it are removed. */
void guest_run_clean(unsigned number);

/* ---- streams, guest-streams.c ---- */

/* The program's standard input. What the host has sent waits here for the program. */
struct guest_input {
	int fd; /* -1: nobody reads any more */
	uint8_t *buffer;
	size_t start, used;
	uint32_t credit;        /* bytes that the host may still send */
	uint32_t due;           /* credit to be given */
	bool ending;            /* nothing comes behind what is in the buffer */
	bool refusing, refused; /* the program takes no more: to be said, said */
};

/* Its standard output or error. */
struct guest_output {
	int fd;             /* -1: at its end */
	uint32_t credit;    /* bytes that may be sent */
	bool ending, ended; /* to be said, said */
};

struct guest_streams {
	unsigned number;
	bool terminal; /* input and output are one descriptor, the master */
	struct guest_input input;
	struct guest_output outputs[2];
};

/* The data port. */
struct guest_port {
	int fd;
	struct wire_reader reader;
	size_t start, used; /* of @out, on its way */
	uint8_t out[192u << 10];
};

int guest_port_open(struct guest_port *p, int fd, struct err *e);
/* Send what can be sent. -1 when the host is gone. */
int guest_port_flush(struct guest_port *p, struct err *e);

#define GUEST_STREAM_FDS 3
int guest_streams_open(struct guest_streams *s, unsigned number, struct err *e);
void guest_streams_close(struct guest_streams *s);
/* Everything was said that there is to say. */
bool guest_streams_done(const struct guest_streams *s);
/* A frame for it. -1: the host breaks the rules. */
int guest_streams_take(struct guest_streams *s, const struct wire_frame *f, struct err *e);
/* What to poll for; what poll(2) said; what is to be said to the host. */
void guest_streams_poll(const struct guest_streams *s, const struct guest_port *p,
			struct pollfd fds[GUEST_STREAM_FDS]);
void guest_streams_step(struct guest_streams *s, struct guest_port *p,
			const struct pollfd fds[GUEST_STREAM_FDS]);
void guest_streams_say(struct guest_streams *s, struct guest_port *p);
/* The program has ended: nobody reads its input any more. */
void guest_streams_end(struct guest_streams *s);

/* ---- requests that need no process, guest-system.c ---- */

int guest_system_time(uint64_t nsec, struct err *e);
int guest_system_reseed(const void *bytes, size_t count, struct err *e);
int guest_system_pause(bool pause, struct err *e);
/* JSON. In @out; its length. */
size_t guest_system_stats(bool paused, unsigned processes, char *out, size_t size);

#endif
