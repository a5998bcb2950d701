/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_SUPERVISE_H
#define HUSK_CLI_SANDBOX_SUPERVISE_H

#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-output.h"
#include "runtime/phase/parent.h"
#include "runtime/sandbox/sandbox-report.h"

/*
 * Waiting for a sandbox: signals are passed on, a terminal is relayed, and what the kernel does not
 * limit by itself is watched: wall time, processor time of all together, output, memory that ran
 * out, and whether whoever wanted all this is still there.
 */
struct supervisor {
	struct parent *parent;
	const struct sandbox *sandbox;
	struct sandbox_output *output;
	struct sandbox_report *report;
	uint64_t start_usec;         /* CLOCK_MONOTONIC */
	int caller;                  /* pidfd of the process that called husk, or -1 */
	struct named_agents *agents; /* of a named sandbox, which has no caller; or NULL */
};

/* Fill in, as early as possible: a caller that ends from now on takes the sandbox with it. */
void supervise_init(struct supervisor *s, struct parent *p, const struct sandbox *sandbox,
		    struct sandbox_output *output, struct sandbox_report *report);

/* Until the sandbox has ended, by itself or by what it did. Fills in the report. The status that
 * husk exits with, as a shell has it, or -1. pid 1 is reaped then, and nothing runs any more. */
int supervise_run(struct supervisor *s, struct err *e);

#endif
