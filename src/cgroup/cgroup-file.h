/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_FILE_H
#define HUSK_CGROUP_CGROUP_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "src/cgroup/cgroup.h"

/* Control files of a place. Internal to src/cgroup/. All of these leave errno as the kernel set it.
 */

/* Open @file in the directory of @place; @flags gets O_CLOEXEC. fd or -1 with errno. */
int cgroup_file_open(const struct cgroup_place *place, const char *file, int flags);

/*
 * Read a small file with a single read(2): control files give all of their text at once, and a
 * second call to see the end would cost as much as the first. NUL terminated, newlines at the end
 * cut. Length or -1 with errno.
 */
ssize_t cgroup_file_read(const struct cgroup_place *place, const char *file, char *buffer,
			 size_t size);
ssize_t cgroup_file_read_fd(int fd, char *buffer, size_t size);
/* The same below a directory descriptor. */
ssize_t cgroup_file_read_at(int dirfd, const char *file, char *buffer, size_t size);

/* One write(2) of @text to an existing file. 0 or -1 with errno. */
int cgroup_file_write(const struct cgroup_place *place, const char *file, const char *text);

/* A number, "max" as UINT64_MAX. 0, or -1 with errno (EPROTO: not a number). */
int cgroup_file_read_u64(const struct cgroup_place *place, const char *file, uint64_t *value);

/* The value of "key value" in a flat keyed text; 0, or -1 when the key is missing. */
int cgroup_text_find(const char *text, const char *key, uint64_t *value);

/* Leading decimal digits of @text; 0 if there are none. Wraps never: stops at UINT64_MAX. */
uint64_t cgroup_text_u64(const char *text);

/* Call @visit for every sub-directory of the open directory @dirfd (not consumed). 0, or what
 * @visit returned when it is not 0, or -1 with errno. */
int cgroup_each_below(int dirfd, int (*visit)(int dirfd, const char *name, void *data), void *data);

/* Close the descriptors that are not -1, with one close_range(2) if they are adjacent and
 * ascending. Keeps errno. Async-signal-safe. */
void cgroup_close_all(const int *fds, unsigned count);

/* Sleep for so long; signals cut it short. */
void cgroup_sleep_usec(unsigned usec);

#endif
