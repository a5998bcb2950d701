/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_WIRE_H
#define HUSK_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * What host and guest say to each other over a port of virtio-console: frames, the same in both directions.
 *
 *     u32 length of the body, u8 type, u8 flags (0), u16 0, u32 stream        little endian
 *
 * Neither side trusts the other: lengths are bounded per type, unknown types and streams are an error,
 * and what a stream may send is bounded by credits, so that one slow reader stops nobody else. The
 * first frame of either side is WIRE_HELLO, on each port; another version is refused by name.
 */
#define WIRE_VERSION      1
#define WIRE_HEADER_BYTES 12
#define WIRE_BODY_MAX     (64u << 10)
#define WIRE_STREAMS_MAX  64
/* Process numbers are 1 to this; one that has ended may be used again. */
#define WIRE_PROCESSES_MAX (WIRE_STREAMS_MAX / 4 - 1)
#define WIRE_CREDIT_BYTES  (256u << 10) /* what a stream may have on its way at first */
/* Port names. Control frames and streams go over different ports, so that data never delays a signal. */
#define WIRE_PORT_CONTROL "husk.ctl.0"
#define WIRE_PORT_DATA    "husk.data.0"

enum wire_type {
	WIRE_HELLO = 1, /* u32 version, then text: who */
	/* host to guest */
	WIRE_CONFIG, /* a piece of JSON, flag WIRE_MORE when another one follows; see guest.h */
	WIRE_START,  /* run it: stream is the process' number (1 the first one) */
	WIRE_EXEC,   /* a piece of JSON of another process in it, flag WIRE_MORE as above */
	WIRE_SIGNAL, /* u32 signal number */
	WIRE_RESIZE, /* u16 rows, u16 columns */
	WIRE_TIME,   /* u64 nanoseconds since 1970 */
	WIRE_RESEED, /* 32 to 512 random bytes */
	WIRE_PAUSE,
	WIRE_RESUME,
	WIRE_STATS_ASK,
	WIRE_SHUTDOWN,
	/* guest to host */
	WIRE_STARTED = 32, /* u32 pid in the guest; what its streams got before that may be lost */
	WIRE_EXITED,       /* u32 wait status as a shell has it */
	WIRE_REPORT,       /* a piece of the sandbox's report (JSON), flag WIRE_MORE */
	WIRE_ERROR,        /* text: a request failed, or the set-up did */
	WIRE_STATS,        /* JSON */
	WIRE_LOG,          /* text: a warning */
	/*
	 * Both, on the data port: @stream is process * 4 + 0 stdin, 1 stdout, 2 stderr. Data goes to stdin
	 * from the host and from the others from the guest, credit the other way.
	 */
	WIRE_DATA = 64,
	WIRE_END,    /* nothing more comes; from the one who reads: nothing more is wanted */
	WIRE_CREDIT, /* u32 bytes more may come, 1 to WIRE_CREDIT_BYTES */
};
#define WIRE_MORE 1

/*
 * A process: START or EXEC; STARTED once its program runs; at its end REPORT, ERROR if it could not be run or
 * watched, and EXITED last (then with 127, 126 or 1, as husk's own status would be). Its output may still be on
 * its way then: it is all there when streams 1 and 2 have ended. Its number may be used again when all its three
 * streams have ended on both sides. ERROR on stream 0 is about a request without a process; those that work
 * are not answered, but STATS_ASK is, in its turn, and says whether the guest is paused.
 */

struct wire_frame {
	uint8_t type, flags;
	uint32_t stream, length;
	const uint8_t *body; /* in the reader's buffer, until the next call */
};

/* Takes bytes as they come and gives frames. Plain memory: no pointers to free. */
struct wire_reader {
	size_t have;
	size_t used;     /* of frames that were given out */
	bool from_guest; /* which types may come */
	bool greeted;
	uint8_t buffer[WIRE_HEADER_BYTES + WIRE_BODY_MAX];
};

void wire_reader_init(struct wire_reader *r, bool from_guest);
/* Where to read to, and how much fits (never 0 after wire_next() returned 0). */
uint8_t *wire_reader_room(struct wire_reader *r, size_t *room);
void wire_reader_add(struct wire_reader *r, size_t count);
/* 1 and a frame, 0 when it is not all there yet, -1 when it breaks the rules (ERR_PROTOCOL). */
int wire_next(struct wire_reader *r, struct wire_frame *f, struct err *e);

/* A number in a body. */
uint32_t wire_u32(const uint8_t *at);
/* Write the header of a frame with @length bytes of body to @header. */
void wire_header(uint8_t header[WIRE_HEADER_BYTES], uint8_t type, uint8_t flags, uint32_t stream,
		 uint32_t length);
/* Whether @type may be sent in this direction with a body of @length, and how its body is bounded. */
bool wire_allowed(uint8_t type, bool from_guest, uint32_t length);
const char *wire_type_name(uint8_t type);

/*
 * Send one frame on @fd, waiting for room at most @timeout_msec (-1: for ever). For small, rare frames.
 * After a failure the port is of no use any more: half a frame may be on its way. A descriptor that is no
 * socket has to be non-blocking for the time to count.
 */
int wire_send(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *body,
	      uint32_t length, int timeout_msec, struct err *e);

#endif
