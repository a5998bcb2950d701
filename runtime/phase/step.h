/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_STEP_H
#define HUSK_PHASE_STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"

/*
 * A phase is what one process does, as a table of steps in order. The order is data: it is printed in
 * husk-phases(7), asserted by tests, and every step can be made to fail in a test build.
 */
struct step {
	const char *name;
	int (*run)(void *ctx, struct err *e);
	/* Takes back what run() did, also when it was only half done. NULL: leaves nothing behind, or what
	 * it leaves dies with the process. Never fails: there is nobody left to tell. */
	void (*undo)(void *ctx);
	/* True when the step has something to do; NULL: always. Skipped steps cost nothing. */
	bool (*wanted)(const void *ctx);
};

struct phase {
	const char *name;
	const struct step *steps;
	size_t steps_count;
	const char *about; /* one sentence: which process, with which rights, in which namespaces */
};

#define PHASE(phase_name, table, text)                                                             \
	{                                                                                          \
		.name = (phase_name), .steps = (table),                                            \
		.steps_count = sizeof(table) / sizeof *(table), .about = (text)                    \
	}

/*
 * Run all steps of @phase. On failure @e gets the names of phase and step, unless it came from
 * another process with names of its own, and the completed steps (and the failed one) are undone in
 * reverse. 0 or -1.
 */
int phase_run(const struct phase *phase, void *ctx, struct err *e);
/* In a process that the step @name has started, for what comes behind it. */
int phase_run_behind(const struct phase *phase, const char *name, void *ctx, struct err *e);
/* Undo every step of a phase that had completed. */
void phase_undo(const struct phase *phase, void *ctx);

/* Trace each step with its duration to @fd (-1: off), as text or JSON lines. */
void phase_trace(int fd, bool json);
/* That descriptor, which nobody else may close: its number would soon be another file's. */
int phase_trace_fd(void);
/* Test builds: "PHASE:STEP" fails with EIO, "PHASE:STEP:kill" kills the process there. */
void phase_fault(const char *where);

#endif
