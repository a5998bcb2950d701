/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_SYNC_H
#define HUSK_PHASE_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * What parent, middle and init say to each other, over a SOCK_SEQPACKET pair: one packet is one
 * message, so nothing has to be framed and nothing can be half read. Every wait names the message it
 * expects; anything else but SYNC_ERROR is a protocol error. End of file from init after SYNC_START
 * means "executed", since its end is close-on-exec.
 */
enum sync_type {
	SYNC_ERROR = 1, /* init, middle -> parent: a struct err; the sender exits */
	SYNC_PID,       /* #1 middle -> parent: value is the pid of init */
	SYNC_MAPPED,    /* #2 parent -> init or middle: the user namespace has its id maps */
	SYNC_FEED,   /* #3 parent -> init: bind sources are mapped; payload: the state for hooks */
	SYNC_CGROUP, /* #4 parent -> init: descriptors of the v1 tasks files to enter by,
			 * and, if the payload is true, of the mount for /sys/fs/cgroup */
	SYNC_MOUNTED, /* #5 init -> parent: mounts are made, nothing is pivoted yet; descriptors: user
			   and network namespace, where the plan has a network */
	SYNC_HOOKED,   /* #6 parent -> init: prestart and createRuntime hooks are done */
	SYNC_CREATED,  /* #7 init -> parent: ready to start; descriptor: the pty master, if any */
	SYNC_RECORDED, /* #8 parent -> init: the state file names you, outlive me */
	SYNC_STARTING, /* #10 init -> start: the word has arrived; from here on the end of file counts */
	SYNC_GATE,   /* entry gate, init -> parent: trace this process; descriptor: its pidfd */
	SYNC_TRACED, /* entry gate, parent -> init: execute now */
	SYNC_START,  /* #9 parent or "start" -> init: execute; token, seccomp listener */
};

/* Longest payload: the seccomp agent's JSON, which holds the annotations. */
#define SYNC_BODY_MAX 32768

struct sync_start {
	char token[36];
};

/* Send @type with @value. 0 or -1 with @e set: to the error that the peer sent before it ended, if
 * it did; else ERR_PROTOCOL and EPIPE for a peer that is gone. */
int sync_send(int sock, enum sync_type type, int32_t value, struct err *e);
/* The same with a payload and descriptors. */
int sync_send_body(int sock, enum sync_type type, const void *body, size_t size, const int *fds,
		   size_t nfds, struct err *e);
/* Send @failure; errors are ignored, because there is nobody else to tell. */
void sync_send_error(int sock, const struct err *failure);

/*
 * Wait for a message of @type. A SYNC_ERROR is copied to @e and -1 returned; end of file is
 * SYNC_EOF, for the caller to explain. @fds may be NULL. @value may be NULL.
 */
#define SYNC_EOF 0
#define SYNC_OK  1
int sync_wait(int sock, enum sync_type type, int32_t *value, int *fds, size_t *nfds, struct err *e);

/* The same with a payload of at most *size bytes, whose length is left in *size. */
int sync_wait_body(int sock, enum sync_type type, void *body, size_t *size, int *fds, size_t *nfds,
		   struct err *e);

#endif
