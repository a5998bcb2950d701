/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_IO_H
#define HUSK_BASE_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/* Read until @size bytes or end of file; EINTR is retried. Bytes read or -1 with errno. */
ssize_t io_read_full(int fd, void *buffer, size_t size);
/* Write everything, EINTR and short writes retried. 0 or -1 with errno. */
int io_write_full(int fd, const void *data, size_t size);

/*
 * Read a small file (procfs, sysfs, cgroupfs) below @dirfd into @buffer, NUL
 * terminated, trailing newlines cut. Length, or -1 with errno (EFBIG when it does
 * not fit). Allocates nothing.
 */
ssize_t io_read_at(int dirfd, const char *path, char *buffer, size_t size);

/*
 * Write @text to an existing file below @dirfd with one write(2), as control
 * files of the kernel need. 0, or -1 with errno.
 */
int io_write_at(int dirfd, const char *path, const char *text);

/*
 * Read a whole regular file or pipe of at most @limit_bytes into the arena, NUL
 * terminated. On success *data and *length are set. Errors name @name.
 */
int io_read_file(int fd, const char *name, size_t limit_bytes, struct arena *a, char **data,
		 size_t *length, struct err *e);

/*
 * Replace @name below @dirfd atomically: written to a temporary name in the same
 * directory, then renamed. No fsync: state lives in tmpfs and dies with the boot.
 */
int io_replace_at(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		  struct err *e);

/*
 * One message with up to @nfds descriptors over a unix socket (SCM_RIGHTS).
 * Returns 0 or -1 with errno. @size may be 0 (one NUL byte is sent then).
 */
int io_send_fds(int sock, const void *data, size_t size, const int *fds, size_t nfds);
/*
 * Receive one message; *nfds is the room on entry and the number received on return.
 * Descriptors arrive close-on-exec. Surplus descriptors are closed and EMSGSIZE
 * returned, or EMFILE where this process may have no more of them. Bytes received, 0 at end of file, -1 with errno.
 */
ssize_t io_recv_fds(int sock, void *data, size_t size, int *fds, size_t *nfds);

/* Close every descriptor from @lowest on but those in @keep (negative ones are passed over), of which
 * there are at most 64. @keep is sorted in place. */
void io_close_all_but(int lowest, int *keep, size_t count);

/* Move @fd out of the way of 0..@lowest-1 (dup above, close-on-exec, old one closed). New fd or -1. */
int io_move_above(int fd, int lowest);

#endif
