/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_LISTEN_H
#define HUSK_SECCOMP_LISTEN_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/*
 * The side of a supervisor: what a filter's SECCOMP_RET_USER_NOTIF asks (seccomp_unotify(2)).
 *
 * Letting a call through says nothing about memory behind its pointers: the program can change that
 * between the reading here and the kernel's own (measured: one of four reads was of a text other
 * than the one that was opened). Good for watching, never for deciding.
 */
struct seccomp_listener {
	int fd; /* borrowed */
	/* Whoever waits is woken on the same CPU: 4 microseconds a call where it is 43 otherwise.
	 */
	bool sync;
	struct seccomp_notif *request; /* the last one that was received */
	size_t request_size, response_size;
	struct seccomp_notif_resp *response;
};

/* Buffers of the kernel's own sizes, in @a; synchronous waking where it is known (Linux 6.6). */
int seccomp_listen_init(struct seccomp_listener *l, int fd, struct arena *a, struct err *e);

/*
 * Wait for a call, which is in l->request then. 1; or 0 when there is none after all (the caller
 * was killed or interrupted, and comes again or not): poll(2) before calling this again, POLLHUP
 * without POLLIN means that no process has the filter any more. -1 with @e.
 */
int seccomp_listen_receive(struct seccomp_listener *l, struct err *e);

/* Let the last call through, or fail it with @errnum (0: let through). A caller that is gone is
 * fine. */
int seccomp_listen_answer(struct seccomp_listener *l, int errnum, struct err *e);

/* Is the caller still waiting: if not, what was read by its pid may be of another process. */
bool seccomp_listen_valid(const struct seccomp_listener *l);

/*
 * Up to @size bytes of @tid's memory from @address on, a page at a time, since what lies
 * behind the last mapped one cannot be read. Bytes read, or -1 with errno when it is none. EPERM:
 * the process is not dumpable, or another user's.
 */
ssize_t seccomp_listen_read(pid_t tid, uint64_t address, void *out, size_t size);
/* The same up to a NUL, for paths: its length, or -1 with errno (ENAMETOOLONG when there is none).
 */
ssize_t seccomp_listen_read_text(pid_t tid, uint64_t address, char *out, size_t size);

#endif
