/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_OUTPUT_H
#define HUSK_CLI_SANDBOX_OUTPUT_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * The program's standard output and error by way of pipes, so that they can be counted. While the
 * program is made its descriptors 1 and 2 are this process's, too.
 */
#define SANDBOX_OUTPUT_FDS 4

/* What all programs of one sandbox have written, in memory that the processes which count share. */
struct sandbox_output_total {
	_Atomic uint64_t bytes; /* may be above the limit: what was not passed on is counted, too */
	atomic_bool exceeded;
};

struct sandbox_output {
	bool used;
	uint64_t limit_bytes;
	struct sandbox_output_total *total;
	struct {
		int pipe; /* what the program writes comes here; -1: at its end */
		int real; /* where it goes */
		char pending[4096];
		size_t used, sent;
	} streams[2];
};

void sandbox_output_init(struct sandbox_output *o);
/* Put pipes in the place of 1 and 2. What is made from now on writes into them. */
int sandbox_output_begin(struct sandbox_output *o, uint64_t limit_bytes, struct err *e);
/* The same for a further program of the sandbox of @of: what it writes counts there. */
int sandbox_output_join(struct sandbox_output *o, const struct sandbox_output *of, struct err *e);
/* How much was passed on, and whether there was more. */
uint64_t sandbox_output_bytes(const struct sandbox_output *o);
bool sandbox_output_exceeded(const struct sandbox_output *o);
/* Put back what was there. Does nothing when nothing was begun. */
void sandbox_output_restore(struct sandbox_output *o);

/* Fill @p with what to poll for, and pass on what has come. */
void sandbox_output_poll(const struct sandbox_output *o, struct pollfd p[SANDBOX_OUTPUT_FDS]);
void sandbox_output_step(struct sandbox_output *o, const struct pollfd p[SANDBOX_OUTPUT_FDS]);

#endif
