/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_FOREGROUND_H
#define HUSK_CLI_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Waiting for a program in the foreground, for run and exec: signals are passed on to it, a terminal
 * is relayed, orphans are reaped.
 */

/* Block signals, so that none is lost between the clone and the wait. The child unblocks its own. */
void foreground_prepare(void);
/* What it blocks: all but what a fault of our own raises. */
void foreground_signals(sigset_t *set);

/* Wait for child @pid (with @pidfd). @master is the terminal, or -1. Exit status of the program as a
 * shell has it (128 + signal), or -1. The child is reaped then. */
int foreground_wait(pid_t pid, int pidfd, int master, struct err *e);

/* The same without a terminal, and with the wait status as it is. 0 or -1. */
int foreground_wait_plain(pid_t pid, int pidfd, int *status, struct err *e);

/* A wait status as a shell has it: the exit status, or 128 + signal. */
int foreground_status(int status);

/* True for a signal that is about husk itself, and is not passed on to the program. */
bool foreground_is_own(int sig);

#endif
