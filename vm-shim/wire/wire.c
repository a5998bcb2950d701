/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "src/base/clock.h"

#define FROM_HOST  1
#define FROM_GUEST 2
#define EITHER     (FROM_HOST | FROM_GUEST)

/* What a stream number is about. */
enum subject {
	SUBJECT_NONE,        /* 0 */
	SUBJECT_PROCESS,     /* a process' number */
	SUBJECT_ANY_PROCESS, /* that, or 0 for the whole */
	SUBJECT_FLOW,        /* process * 4 + 0, 1 or 2 */
};

struct row {
	const char *name; /* NULL: there is no such type */
	uint32_t length_min, length_max;
	uint8_t directions, flags, subject;
};

#define TEXT_MAX 4096
#define WHO_MAX  128

static const struct row rows[] = {
	[WIRE_HELLO] = { "hello", 4, 4 + WHO_MAX, EITHER, 0, SUBJECT_NONE },
	[WIRE_CONFIG] = { "config", 0, WIRE_BODY_MAX, FROM_HOST, WIRE_MORE, SUBJECT_NONE },
	[WIRE_START] = { "start", 0, 0, FROM_HOST, 0, SUBJECT_PROCESS },
	[WIRE_EXEC] = { "exec", 0, WIRE_BODY_MAX, FROM_HOST, WIRE_MORE, SUBJECT_PROCESS },
	[WIRE_SIGNAL] = { "signal", 4, 4, FROM_HOST, 0, SUBJECT_PROCESS },
	[WIRE_RESIZE] = { "resize", 4, 4, FROM_HOST, 0, SUBJECT_PROCESS },
	[WIRE_TIME] = { "time", 8, 8, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_RESEED] = { "reseed", 32, 512, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_PAUSE] = { "pause", 0, 0, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_RESUME] = { "resume", 0, 0, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_STATS_ASK] = { "stats-ask", 0, 0, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_SHUTDOWN] = { "shutdown", 0, 0, FROM_HOST, 0, SUBJECT_NONE },
	[WIRE_STARTED] = { "started", 4, 4, FROM_GUEST, 0, SUBJECT_PROCESS },
	[WIRE_EXITED] = { "exited", 4, 4, FROM_GUEST, 0, SUBJECT_PROCESS },
	[WIRE_REPORT] = { "report", 0, WIRE_BODY_MAX, FROM_GUEST, WIRE_MORE, SUBJECT_PROCESS },
	[WIRE_ERROR] = { "error", 1, TEXT_MAX, FROM_GUEST, 0, SUBJECT_ANY_PROCESS },
	[WIRE_STATS] = { "stats", 0, WIRE_BODY_MAX, FROM_GUEST, 0, SUBJECT_NONE },
	[WIRE_LOG] = { "log", 1, TEXT_MAX, FROM_GUEST, 0, SUBJECT_ANY_PROCESS },
	[WIRE_DATA] = { "data", 1, WIRE_BODY_MAX, EITHER, 0, SUBJECT_FLOW },
	[WIRE_END] = { "end", 0, 0, EITHER, 0, SUBJECT_FLOW },
	[WIRE_CREDIT] = { "credit", 4, 4, EITHER, 0, SUBJECT_FLOW },
};

static const struct row *find(uint8_t type)
{
	return type < sizeof rows / sizeof *rows && rows[type].name ? &rows[type] : NULL;
}

const char *wire_type_name(uint8_t type)
{
	const struct row *row = find(type);

	return row ? row->name : "unknown";
}

bool wire_allowed(uint8_t type, bool from_guest, uint32_t length)
{
	const struct row *row = find(type);

	return row && row->directions & (from_guest ? FROM_GUEST : FROM_HOST) &&
	       length >= row->length_min && length <= row->length_max;
}

/* ---- numbers ---- */

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

uint32_t wire_u32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void wire_header(uint8_t header[WIRE_HEADER_BYTES], uint8_t type, uint8_t flags, uint32_t stream,
		 uint32_t length)
{
	put_u32(header, length);
	header[4] = type;
	header[5] = flags;
	header[6] = header[7] = 0;
	put_u32(header + 8, stream);
}

/* ---- reading ---- */

void wire_reader_init(struct wire_reader *r, bool from_guest)
{
	/* Not the buffer: it is large, and nobody reads what was not added. */
	r->have = r->used = 0;
	r->from_guest = from_guest;
	r->greeted = false;
}

uint8_t *wire_reader_room(struct wire_reader *r, size_t *room)
{
	*room = sizeof r->buffer - r->have;
	return r->buffer + r->have;
}

void wire_reader_add(struct wire_reader *r, size_t count)
{
	size_t room = sizeof r->buffer - r->have;

	r->have += count < room ? count : room;
}

static bool stream_is_good(const struct row *row, uint8_t type, uint32_t stream, bool from_guest)
{
	switch (row->subject) {
	case SUBJECT_NONE:
		return stream == 0;
	case SUBJECT_PROCESS:
		return stream >= 1 && stream <= WIRE_PROCESSES_MAX;
	case SUBJECT_ANY_PROCESS:
		return stream <= WIRE_PROCESSES_MAX;
	default:
		break;
	}
	if (stream < 4 || stream >= WIRE_STREAMS_MAX || stream % 4 > 2)
		return false;
	/* Input comes from the host and output from the guest; credit goes the other way. */
	bool to_guest = stream % 4 == 0;
	return type == WIRE_END || (type == WIRE_CREDIT) == (to_guest == from_guest);
}

static int check_header(const struct wire_reader *r, const struct wire_frame *f, uint16_t reserved,
			struct err *e)
{
	const char *who = r->from_guest ? "the guest" : "the host";
	const struct row *row = find(f->type);

	if (!row)
		return err_set(e, ERR_PROTOCOL, 0, "%s sent a frame of the unknown type %u", who,
			       f->type);
	if (!(row->directions & (r->from_guest ? FROM_GUEST : FROM_HOST)))
		return err_set(e, ERR_PROTOCOL, 0, "%s sent \"%s\", which is not its to send", who,
			       row->name);
	if (!wire_allowed(f->type, r->from_guest, f->length))
		return err_set(e, ERR_PROTOCOL, 0, "%s sent \"%s\" of %u bytes (%u to %u may be)",
			       who, row->name, f->length, row->length_min, row->length_max);
	if (f->flags & ~row->flags || reserved)
		return err_set(e, ERR_PROTOCOL, 0, "%s sent \"%s\" with flags %02x and %04x", who,
			       row->name, f->flags, reserved);
	if (!stream_is_good(row, f->type, f->stream, r->from_guest))
		return err_set(e, ERR_PROTOCOL, 0, "%s sent \"%s\" on stream %u", who, row->name,
			       f->stream);
	if (r->greeted == (f->type == WIRE_HELLO))
		return err_set(e, ERR_PROTOCOL, 0,
			       r->greeted ? "%s sent \"%s\" twice"
					  : "%s sent \"%s\" before \"hello\"",
			       who, row->name);
	return 0;
}

static int check_body(const struct wire_reader *r, const struct wire_frame *f, struct err *e)
{
	const char *who = r->from_guest ? "the guest" : "the host";
	uint32_t value = f->length >= 4 ? wire_u32(f->body) : 0;

	if (f->type == WIRE_HELLO && value != WIRE_VERSION)
		return err_set(e, ERR_PROTOCOL, 0,
			       "%s speaks version %u of the protocol, and this husk version %u "
			       "(both sides must be of one build)",
			       who, value, WIRE_VERSION);
	if (f->type == WIRE_CREDIT && (!value || value > WIRE_CREDIT_BYTES))
		return err_set(e, ERR_PROTOCOL, 0, "%s gave credit for %u bytes (1 to %u may be)",
			       who, value, WIRE_CREDIT_BYTES);
	return 0;
}

int wire_next(struct wire_reader *r, struct wire_frame *f, struct err *e)
{
	const uint8_t *at = r->buffer + r->used;
	size_t left = r->have - r->used;

	if (left >= WIRE_HEADER_BYTES) {
		*f = (struct wire_frame){
			.type = at[4],
			.flags = at[5],
			.stream = wire_u32(at + 8),
			.length = wire_u32(at),
			.body = at + WIRE_HEADER_BYTES,
		};
		/* As soon as it can be seen: a length that is wrong would never come to its end. */
		if (check_header(r, f, (uint16_t)(at[6] | at[7] << 8), e) < 0)
			return -1;
		if (left - WIRE_HEADER_BYTES >= f->length) {
			if (check_body(r, f, e) < 0)
				return -1;
			r->used += WIRE_HEADER_BYTES + f->length;
			r->greeted = true;
			return 1;
		}
	}
	/* Once per filling and not per frame, or many small ones would cost a copy of all behind. */
	memmove(r->buffer, at, left);
	r->have = left;
	r->used = 0;
	return 0;
}

/* ---- sending ---- */

/* A socket's end is an errno and no signal; other descriptors are the caller's to make non-blocking. */
static ssize_t write_some(int fd, const uint8_t *data, size_t size)
{
	ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, data, size) : n;
}

static int wait_for_room(int fd, int64_t end_msec, uint8_t type, struct err *e)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	int64_t left = end_msec < 0 ? -1 : end_msec - clock_now_msec();

	if (end_msec >= 0 && left < 0)
		left = 0;
	int n = poll(&p, 1, (int)left);
	if (n < 0 && errno != EINTR)
		return err_sys(e, "wait to send \"%s\"", wire_type_name(type));
	if (n == 0)
		return err_set(e, ERR_SYSTEM, ETIMEDOUT,
			       "send \"%s\": the other side does not take it",
			       wire_type_name(type));
	/* A port whose other side is gone takes nothing, and says so at once for ever. */
	if (n > 0 && !(p.revents & POLLOUT))
		return err_set(e, ERR_SYSTEM, EPIPE, "send \"%s\"", wire_type_name(type));
	return 0;
}

/* The rest of a port's frame can never be left out: what follows would be read as its body. */
int wire_send(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *body,
	      uint32_t length, int timeout_msec, struct err *e)
{
	int64_t end_msec = timeout_msec < 0 ? -1 : clock_now_msec() + timeout_msec;
	uint8_t frame[WIRE_HEADER_BYTES + WIRE_BODY_MAX];
	size_t size = WIRE_HEADER_BYTES + length, sent = 0;

	if (!wire_allowed(type, true, length) && !wire_allowed(type, false, length))
		return err_set(e, ERR_PROTOCOL, 0, "send \"%s\": %u bytes are not allowed",
			       wire_type_name(type), length);
	wire_header(frame, type, flags, stream, length);
	if (length)
		memcpy(frame + WIRE_HEADER_BYTES, body, length);
	while (sent < size) {
		ssize_t n = write_some(fd, frame + sent, size - sent);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, "send \"%s\"", wire_type_name(type));
		if (wait_for_room(fd, end_msec, type, e) < 0)
			return -1;
	}
	return 0;
}
