/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_SERIAL_H
#define HUSK_VMM_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm-shim/vmm/loop.h"

/*
 * Where the bytes of the serial port go: the last of them are kept for the report, and all to a descriptor,
 * if there is one. A reader who is slow makes the guest wait in no way: what does not fit is dropped,
 * and the place is marked.
 *
 * serial_put() is for vCPU threads with the machine's lock held, the rest for the loop's thread, also with it.
 */
#define SERIAL_ROOM  65536u
#define SERIAL_WORDS 1024u
/* More than PIPE_BUF bytes may wait although the descriptor is ready. */
#define SERIAL_WRITE_MAX 4096u

struct serial {
	int fd;     /* or -1 */
	bool waits; /* it can be waited for: pipes, sockets, terminals */
	struct loop *loop;
	struct loop_source source;
	uint8_t ring[SERIAL_ROOM];
	size_t start, used;
	uint64_t dropped, bytes;
	char words[SERIAL_WORDS];
	size_t words_used; /* of all bytes: the place is modulo SERIAL_WORDS */
	size_t words_end;  /* after a panic: no more are kept from there on */
	unsigned matched;  /* of the text by which a panic is known */
	bool panicked;
};

/* @ready(@ctx): its descriptor takes more; calls serial_flush(). */
int serial_init(struct serial *s, struct loop *loop, int fd, void (*ready)(void *, uint32_t),
		void *ctx, struct err *e);
/* True when the loop's thread has something to do that it does not know of. */
bool serial_put(struct serial *s, uint8_t byte);
/* Write what there is, as far as that does not wait. */
void serial_flush(struct serial *s);
/* The last of it, NUL at the end, from the start of a line if there is one. */
void serial_words(const struct serial *s, char *out, size_t size);

#endif
