/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_GATE_H
#define HUSK_PHASE_GATE_H

#include <stdatomic.h>

#include "runtime/phase/process.h"
#include "src/base/err.h"

/*
 * What the process under a filter can still say when its execve fails: its filter may forbid every
 * way of telling that is a system call, so it writes to memory that it shares with the parent. That
 * sees the end of file of the socket, which is also what an executed program looks like, and then
 * looks here.
 */
struct gate_word {
	atomic_int said;
	struct err err;
};

/* NULL with @e set when there is no memory. */
struct gate_word *gate_word_make(struct err *e);
void gate_word_free(struct gate_word *w);
/* Has the other process failed? Then @e is its error. -1 or 0. */
int gate_word_read(const struct gate_word *w, struct err *e);

/*
 * The strict gate, in the place of execve(2): install the filter, and execute. -1 with @e while the
 * filter is not in force; a failure after that is said by p->word, and this does not return.
 */
int gate_execute(struct process *p, struct err *e);

/*
 * The entry gate, the program's side. A process that is not dumpable would only be traced with rights
 * that a normal user lacks: it has to open up first. Then whoever is at the other end of @sock is asked to
 * trace the process of @pidfd, which awaits that before its execve; what it does meanwhile costs no time.
 */
int gate_open_up(struct err *e);
int gate_ask(int sock, int pidfd, struct err *e);
int gate_await_tracer(int sock, struct err *e);

#endif
