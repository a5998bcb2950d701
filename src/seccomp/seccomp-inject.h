/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_INJECT_H
#define HUSK_SECCOMP_INJECT_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "src/base/err.h"

/*
 * Put a process under a filter from outside, at the entry point of its program, by ptrace(2). The
 * caller has it attached and handles its stops; here is what is done at two of them. Only for x86-64
 * and the 32-bit programs that it runs. Nothing here waits.
 */
struct seccomp_inject {
	pid_t pid;
	int mem; /* /proc/PID/mem and status until the filter is in force, or -1 */
	int status;
	bool narrow;    /* a 32-bit program */
	uint64_t entry; /* where its own code begins, after the loader's work */
	uint64_t place; /* of the word that is overwritten there, in which entry lies */
	long word;
	uint64_t blocked; /* signals */
	uint64_t stack;   /* what is written there */
	size_t stack_bytes;
	unsigned filters; /* before */
#ifdef __x86_64__
	struct user_regs_struct regs;
#endif
};

/* False on other architectures; then everything fails with ERR_UNSUPPORTED. */
bool seccomp_inject_supported(void);

/* @pid is at PTRACE_EVENT_EXEC: put a breakpoint to the entry point of its new program, and a system call
 * behind it. */
int seccomp_inject_arm(struct seccomp_inject *i, pid_t pid, struct err *e);
/* Not needed, but a good use of the time in which it runs to there. */
void seccomp_inject_prepare(struct seccomp_inject *i);
/* It was stopped by SIGTRAP: at that breakpoint? */
bool seccomp_inject_hit(struct seccomp_inject *i);
/*
 * There, with all of its threads stopped: prepare a seccomp(2) with TSYNC and @flags, which
 * PTRACE_SINGLESTEP then makes. All signals but SIGTRAP are blocked meanwhile. The program has to be
 * able to call seccomp(2), and to lie on its stack, below what it uses.
 */
int seccomp_inject_begin(struct seccomp_inject *i, const struct sock_filter *code, size_t count,
			 unsigned flags, struct err *e);
/*
 * It was stopped by SIGTRAP again. 1: that was not the end of the step, make another; 0: the filter
 * is in force, which was looked up in /proc, and everything else is as it was; -1: it is not.
 */
int seccomp_inject_end(struct seccomp_inject *i, struct err *e);
/* Whatever is open. */
void seccomp_inject_close(struct seccomp_inject *i);

#endif
