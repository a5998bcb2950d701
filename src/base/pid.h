/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_PID_H
#define HUSK_BASE_PID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Process identity. A pid alone is never trusted: it is paired with its start time (field 22 of
 * /proc/PID/stat, clock ticks since boot, see proc_pid_stat(5)), and signals go through a pidfd.
 */

struct pid_stat {
	char state; /* R S D Z T ... */
	pid_t parent;
	uint64_t start_ticks;
};

/* Read /proc/PID/stat below @procfd (a procfs root, or AT_FDCWD for /proc). 0 or -1 with errno. */
int pid_stat_read(int procfd, pid_t pid, struct pid_stat *out);

/*
 * A pidfd of the process that has @pid and started at @start_ticks, or -1 with errno ESRCH when
 * that process is gone (also when it is a zombie, or the pid belongs to another one now).
 */
int pid_open_exact(int procfd, pid_t pid, uint64_t start_ticks);

/* Wait until the process behind @pidfd has ended, at most @timeout_msec (-1: for ever).
 * 1 ended, 0 timed out, -1 with errno. */
int pid_wait_end(int pidfd, int timeout_msec);

/* Wait for the child @pid. Its wait status, or -1 with errno. */
int pid_reap(pid_t pid);

/* A child in new @namespaces (CLONE_NEW*) that does nothing, for who needs them. -1 with errno. */
pid_t pid_start_idle(uint64_t namespaces);
/* Kill the child @pid, and wait for it. */
void pid_end(pid_t pid);

/* The effective ids that this program was executed with, without a system call (getauxval(3)): husk's
 * parent never changes its own. */
uid_t pid_own_euid(void);
gid_t pid_own_egid(void);

/* Write @pid to @path as decimal text. The file is replaced, so that neither a reader sees half a
 * number nor a symbolic link at that place is written through. */
int pid_file_write(const char *path, pid_t pid, struct err *e);

#endif
