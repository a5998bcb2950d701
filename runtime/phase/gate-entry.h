/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_GATE_ENTRY_H
#define HUSK_PHASE_GATE_ENTRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/plan/plan.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-inject.h"

/*
 * The entry gate: the program is traced from before its execve to its entry point, where the dynamic
 * loader has done its work, and put under its filter there. The process that traces is the parent,
 * which goes on with its other duties meanwhile: it hands over each change of a child's state that it
 * gets from wait4(2). Should it end, the kernel kills whatever it traces (PTRACE_O_EXITKILL).
 */
enum gate_state {
	GATE_OFF,        /* nothing is traced: not asked for, or the program is through */
	GATE_EXECUTING,  /* until the execve of the program */
	GATE_LOADING,    /* until its entry point, if it gets there at all */
	GATE_STOPPING,   /* until all threads stand still, and other processes are dead */
	GATE_INSTALLING, /* until the filter is in force */
};

/* What is traced: its threads and processes, too. More than a loader has any use for. */
#define GATE_TASKS 256

struct gate_task {
	pid_t tid;
	bool child;   /* not a thread of the program's process */
	bool stopped; /* and it stays so */
	int sig;      /* that it is to get when it goes on */
};

struct gate_entry {
	const struct plan_filter *filter;
	enum gate_state state;
	pid_t init; /* the container's first process: the caller's child, which is not reaped here */
	pid_t pid;  /* the program's, which may be the same */
	int pidfd;
	bool parallel; /* there is more than one processor */
	struct seccomp_inject inject;
	struct gate_task tasks[GATE_TASKS];
	size_t count;
};

void gate_entry_init(struct gate_entry *g, const struct plan_filter *filter);

/*
 * At the other end of @sock a process asks to be traced (gate_ask()). Do so, and wait until its execve has
 * succeeded, or failed, which is told elsewhere. As sync_wait(); after -1 it is dead.
 */
int gate_entry_meet(struct gate_entry *g, int sock, struct err *e);
/*
 * wait4(2) with __WALL said @status of @pid. 1: that was about what is traced; 0: it is for the
 * caller (and the end of what is traced may be); -1: the gate does not close, and everything that was
 * traced is dead.
 */
int gate_entry_take(struct gate_entry *g, pid_t pid, int status, struct err *e);
/* The same for every change of state that there is now. 1: the process @init has ended, which is left to the
 * caller; or the program is through. 0: there will be more. */
int gate_entry_take_all(struct gate_entry *g, struct err *e);
/*
 * For callers with no other duties: wait until the program is through, or has ended. Signals, which
 * have to be blocked, are passed on by @initfd to the container's first process.
 */
int gate_entry_await(struct gate_entry *g, int initfd, struct err *e);
/* Kill and reap all that is traced. */
void gate_entry_abort(struct gate_entry *g);

#endif
