/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_STREAM_H
#define HUSK_CLI_VM_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "vm-shim/vm.h"

/*
 * Standard input, output and error of process 1 of a guest, over the data port. What the guest may send is
 * bounded by the credit that it was given, so that everything that comes has room.
 */
#define VM_STREAM_FDS 4
#define VM_OUT_BYTES  (128u << 10)

struct vm_flow {
	int fd;
	uint8_t *ring; /* WIRE_CREDIT_BYTES */
	uint32_t start, used;
	uint32_t owed;   /* credit that was not given back yet */
	bool regular;    /* a file: writing never waits for a reader */
	bool ended;      /* nothing more comes */
	bool broken;     /* nobody reads any more, and the guest was told */
	bool wants_tell; /* it was not told yet */
};

struct vm_streams {
	int port;
	struct vm_flow flows[2]; /* standard output, error */
	uint32_t credit;         /* of standard input */
	bool input_ended, input_told;
	uint64_t limit_bytes, count_bytes; /* limit 0: none */
	bool exceeded;
	size_t out_start, out_end; /* what waits to be sent */
	bool greeted;
	bool closed; /* the port's other end is gone */
	struct wire_reader reader;
	uint8_t out[VM_OUT_BYTES];
};

int vm_streams_init(struct vm_streams *s, int port, uint64_t limit_bytes, struct arena *a,
		    struct err *e);
/* The program runs: from now on input is read. */
void vm_streams_poll(const struct vm_streams *s, bool running, struct pollfd p[VM_STREAM_FDS]);
/* Move what can move. -1: the guest broke the rules. */
int vm_streams_step(struct vm_streams *s, bool running, const struct pollfd p[VM_STREAM_FDS],
		    struct err *e);
/* Everything that the program has written is where it belongs, or nobody wants it. */
bool vm_streams_done(const struct vm_streams *s);
/* Something waits for a reader of ours. */
bool vm_streams_blocked(const struct vm_streams *s);

#endif
