/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/vm-stream.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/text.h"

#define FLOW_STDIN   4u /* process 1 * 4 + 0 */
#define INPUT_BYTES  16384u
#define CREDIT_STEP  32768u
#define CREDIT_FRAME (WIRE_HEADER_BYTES + 4)

enum { POLL_PORT, POLL_INPUT, POLL_STDOUT, POLL_STDERR };

int vm_streams_init(struct vm_streams *s, int port, uint64_t limit_bytes, struct arena *a,
		    struct err *e)
{
	struct stat st;

	memset(s, 0, offsetof(struct vm_streams, reader));
	s->port = port;
	s->limit_bytes = limit_bytes;
	s->credit = WIRE_CREDIT_BYTES;
	wire_reader_init(&s->reader, true);
	for (int i = 0; i < 2; i++) {
		struct vm_flow *f = &s->flows[i];
		f->fd = STDOUT_FILENO + i;
		f->ring = arena_alloc(a, WIRE_CREDIT_BYTES);
		f->regular = fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode);
	}
	return arena_check(a, e);
}

/* ---- to the guest ---- */

/* There is always room for what has to be said: input is read only where nothing waits. */
static void put(struct vm_streams *s, uint8_t type, uint32_t stream, const void *body,
		uint32_t length)
{
	if (s->out_start == s->out_end)
		s->out_start = s->out_end = 0;
	if (VM_OUT_BYTES - s->out_end < WIRE_HEADER_BYTES + length)
		return;
	wire_header(s->out + s->out_end, type, 0, stream, length);
	if (length)
		memcpy(s->out + s->out_end + WIRE_HEADER_BYTES, body, length);
	s->out_end += WIRE_HEADER_BYTES + length;
}

static bool has_room(const struct vm_streams *s)
{
	return VM_OUT_BYTES - s->out_end >= 4 * CREDIT_FRAME || s->out_start == s->out_end;
}

static void give_credit(struct vm_streams *s, unsigned which)
{
	struct vm_flow *f = &s->flows[which];
	uint8_t body[4];

	if (!has_room(s))
		return;
	if (f->broken && f->wants_tell) {
		put(s, WIRE_END, FLOW_STDIN + 1 + which, NULL, 0);
		f->wants_tell = false;
	}
	if (f->ended || !f->owed || (f->owed < CREDIT_STEP && f->used))
		return;
	for (int i = 0; i < 4; i++)
		body[i] = (uint8_t)(f->owed >> 8 * i);
	put(s, WIRE_CREDIT, FLOW_STDIN + 1 + which, body, sizeof body);
	f->owed = 0;
}

static bool wants_input(const struct vm_streams *s, bool running)
{
	return running && s->greeted && !s->closed && !s->input_ended && s->credit &&
	       s->out_start == s->out_end;
}

static void read_input(struct vm_streams *s)
{
	uint8_t data[INPUT_BYTES];
	size_t room = s->credit < sizeof data ? s->credit : sizeof data;
	ssize_t n = read(STDIN_FILENO, data, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		s->input_ended = true;
		put(s, WIRE_END, FLOW_STDIN, NULL, 0);
		return;
	}
	s->credit -= (uint32_t)n;
	put(s, WIRE_DATA, FLOW_STDIN, data, (uint32_t)n);
}

static void send_out(struct vm_streams *s)
{
	while (s->out_start < s->out_end) {
		ssize_t n = send(s->port, s->out + s->out_start, s->out_end - s->out_start,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			s->closed |= errno != EAGAIN;
			return;
		}
		s->out_start += (size_t)n;
	}
	s->out_start = s->out_end = 0;
}

/* ---- from the guest ---- */

static void count(struct vm_streams *s, uint32_t *length)
{
	uint64_t left = s->limit_bytes - s->count_bytes;

	if (s->limit_bytes && *length > left) {
		s->exceeded = true;
		*length = (uint32_t)left;
	}
	s->count_bytes += *length;
}

static int take_data(struct vm_streams *s, unsigned which, const struct wire_frame *f,
		     struct err *e)
{
	struct vm_flow *flow = &s->flows[which];
	uint32_t length = f->length;

	if (flow->ended || length > WIRE_CREDIT_BYTES - flow->used - flow->owed)
		return err_set(e, ERR_PROTOCOL, 0,
			       "the guest sent more on stream %u than it had credit for",
			       f->stream);
	if (flow->broken) {
		flow->owed += length;
		return 0;
	}
	count(s, &length);
	for (uint32_t done = 0; done < length;) {
		uint32_t at = (flow->start + flow->used) % WIRE_CREDIT_BYTES;
		uint32_t n = WIRE_CREDIT_BYTES - at;
		n = n < length - done ? n : length - done;
		memcpy(flow->ring + at, f->body + done, n);
		flow->used += n;
		done += n;
	}
	return 0;
}

static int take(struct vm_streams *s, const struct wire_frame *f, struct err *e)
{
	static const uint8_t hello[] = { WIRE_VERSION, 0, 0, 0, 'h', 'u', 's', 'k' };
	unsigned which = f->stream - FLOW_STDIN;

	if (f->type == WIRE_HELLO) {
		s->greeted = true;
		put(s, WIRE_HELLO, 0, hello, sizeof hello);
		return 0;
	}
	if (f->stream < FLOW_STDIN || which > 2)
		return err_set(e, ERR_PROTOCOL, 0, "the guest sent \"%s\" on stream %u",
			       wire_type_name(f->type), f->stream);
	switch (f->type) {
	case WIRE_DATA:
		return take_data(s, which - 1, f, e);
	case WIRE_CREDIT:
		if (wire_u32(f->body) > WIRE_CREDIT_BYTES - s->credit)
			return err_set(e, ERR_PROTOCOL, 0, "the guest gave too much credit");
		s->credit += wire_u32(f->body);
		return 0;
	case WIRE_END:
		if (which == 0)
			s->input_ended = true; /* the program reads no more */
		else
			s->flows[which - 1].ended = true;
		return 0;
	default:
		return err_set(e, ERR_PROTOCOL, 0, "the guest sent \"%s\" on the data port",
			       wire_type_name(f->type));
	}
}

static int receive(struct vm_streams *s, struct err *e)
{
	struct wire_frame frame;
	size_t room;
	int more;
	uint8_t *at = wire_reader_room(&s->reader, &room);
	ssize_t n = recv(s->port, at, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		s->closed = true;
		return 0;
	}
	wire_reader_add(&s->reader, (size_t)n);
	while ((more = wire_next(&s->reader, &frame, e)) > 0) {
		if (take(s, &frame, e) < 0)
			return -1;
	}
	return more;
}

/* A pipe that can be written to takes PIPE_BUF without waiting; others share its flags. */
static void write_out(struct vm_flow *f)
{
	uint32_t n = WIRE_CREDIT_BYTES - f->start;

	n = n < f->used ? n : f->used;
	if (!f->regular && n > PIPE_BUF)
		n = PIPE_BUF;
	ssize_t written = write(f->fd, f->ring + f->start, n);
	if (written < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (written < 0) {
		f->broken = f->wants_tell = true;
		f->owed += f->used;
		f->used = 0;
		return;
	}
	f->start = (f->start + (uint32_t)written) % WIRE_CREDIT_BYTES;
	f->used -= (uint32_t)written;
	f->owed += (uint32_t)written;
}

/* ---- all ---- */

void vm_streams_poll(const struct vm_streams *s, bool running, struct pollfd p[VM_STREAM_FDS])
{
	short events = s->out_start < s->out_end ? POLLIN | POLLOUT : POLLIN;

	p[POLL_PORT] = (struct pollfd){ s->closed ? -1 : s->port, events, 0 };
	p[POLL_INPUT] = (struct pollfd){ wants_input(s, running) ? STDIN_FILENO : -1, POLLIN, 0 };
	for (int i = 0; i < 2; i++)
		p[POLL_STDOUT + i] =
			(struct pollfd){ s->flows[i].used ? s->flows[i].fd : -1, POLLOUT, 0 };
}

int vm_streams_step(struct vm_streams *s, bool running, const struct pollfd p[VM_STREAM_FDS],
		    struct err *e)
{
	if (p[POLL_PORT].revents & (POLLIN | POLLHUP | POLLERR) && receive(s, e) < 0)
		return -1;
	if (p[POLL_INPUT].revents && wants_input(s, running))
		read_input(s);
	for (unsigned i = 0; i < 2; i++) {
		if (p[POLL_STDOUT + i].revents && s->flows[i].used)
			write_out(&s->flows[i]);
		if (s->greeted)
			give_credit(s, i);
	}
	if (!s->closed)
		send_out(s);
	return 0;
}

bool vm_streams_blocked(const struct vm_streams *s)
{
	return s->flows[0].used || s->flows[1].used;
}

bool vm_streams_done(const struct vm_streams *s)
{
	return !vm_streams_blocked(s) &&
	       (s->closed || s->exceeded || (s->flows[0].ended && s->flows[1].ended));
}
