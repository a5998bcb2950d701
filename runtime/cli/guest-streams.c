/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams of the guest's programs, over one port for all of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/guest-init.h"
#include "src/base/clean.h"

#define CHUNK      (32u << 10) /* what the port's driver takes at once */
#define END_OF_TTY 4           /* what a terminal takes for the end of its input: ^D */
/* Credit is given in pieces of this, or every byte would cost a frame. */
#define CREDIT_STEP (WIRE_CREDIT_BYTES / 4)

/* ---- the port ---- */

int guest_port_open(struct guest_port *p, int fd, struct err *e)
{
	static const uint8_t version[] = { WIRE_VERSION, 0, 0, 0 };

	p->fd = fd;
	p->start = p->used = 0;
	wire_reader_init(&p->reader, false);
	return wire_send(fd, WIRE_HELLO, 0, 0, version, sizeof version, -1, e);
}

int guest_port_flush(struct guest_port *p, struct err *e)
{
	while (p->used) {
		ssize_t n = write(p->fd, p->out + p->start, p->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return err_sys(e, "write to the data port");
		p->start += (size_t)n;
		p->used -= (size_t)n;
	}
	p->start = 0;
	return 0;
}

/* Room behind what is on its way, for a frame with a body of @length. NULL: not now. */
static uint8_t *room_for(struct guest_port *p, size_t length)
{
	size_t need = WIRE_HEADER_BYTES + length;

	if (sizeof p->out - p->start - p->used < need && p->start) {
		memmove(p->out, p->out + p->start, p->used);
		p->start = 0;
	}
	return sizeof p->out - p->used < need ? NULL : p->out + p->start + p->used;
}

/* Data waits until there is room for many small frames besides, so that credit and ends never wait for it. */
static bool takes_data(const struct guest_port *p)
{
	return p->used < sizeof p->out - 2 * CHUNK;
}

static bool say(struct guest_port *p, uint8_t type, uint32_t stream, const uint32_t *value)
{
	uint32_t length = value ? 4 : 0;
	uint8_t *at = room_for(p, length);

	if (!at)
		return false;
	wire_header(at, type, 0, stream, length);
	for (uint32_t i = 0; i < length; i++)
		at[WIRE_HEADER_BYTES + i] = (uint8_t)(*value >> 8 * i);
	p->used += WIRE_HEADER_BYTES + length;
	return true;
}

/* ---- streams ---- */

int guest_streams_open(struct guest_streams *s, unsigned number, struct err *e)
{
	*s = (struct guest_streams){
		.number = number,
		.input = { .fd = -1, .credit = WIRE_CREDIT_BYTES },
		.outputs = { { .fd = -1, .credit = WIRE_CREDIT_BYTES },
			     { .fd = -1, .credit = WIRE_CREDIT_BYTES } },
	};
	s->input.buffer = malloc(WIRE_CREDIT_BYTES);
	return s->input.buffer ? 0 : err_set(e, ERR_NO_MEMORY, ENOMEM, "allocate a buffer");
}

static void close_input(struct guest_streams *s)
{
	if (!s->terminal)
		drop_fd(&s->input.fd);
	s->input.fd = -1;
	s->input.used = 0;
}

void guest_streams_close(struct guest_streams *s)
{
	close_input(s);
	drop_fd(&s->outputs[0].fd);
	drop_fd(&s->outputs[1].fd);
	free(s->input.buffer);
	s->input.buffer = NULL;
}

bool guest_streams_done(const struct guest_streams *s)
{
	return s->input.refused && s->outputs[0].ended && s->outputs[1].ended;
}

void guest_streams_end(struct guest_streams *s)
{
	close_input(s);
	s->input.refusing = true;
}

static int take_input(struct guest_input *in, const struct wire_frame *f, struct err *e)
{
	if (f->type == WIRE_END) {
		in->ending = true;
		return 0;
	}
	if (in->ending || f->length > in->credit)
		return err_set(e, ERR_PROTOCOL, 0,
			       in->ending ? "the host sent data behind the end of stream %u"
					  : "the host sent more than its credit on stream %u",
			       f->stream);
	in->credit -= f->length;
	/* What was on its way when the program closed its input. */
	if (in->fd < 0)
		return 0;
	/* The buffer has room for all credit that was ever given. */
	size_t at = (in->start + in->used) % WIRE_CREDIT_BYTES;
	size_t first = WIRE_CREDIT_BYTES - at < f->length ? WIRE_CREDIT_BYTES - at : f->length;
	memcpy(in->buffer + at, f->body, first);
	memcpy(in->buffer, f->body + first, f->length - first);
	in->used += f->length;
	return 0;
}

int guest_streams_take(struct guest_streams *s, const struct wire_frame *f, struct err *e)
{
	unsigned which = f->stream % 4;

	if (which == 0)
		return take_input(&s->input, f, e);
	struct guest_output *o = &s->outputs[which - 1];
	if (f->type == WIRE_END) {
		/* Nobody reads it: the program is told by its next write. A terminal has but one end. */
		if (!s->terminal)
			drop_fd(&o->fd);
		o->ending = true;
		return 0;
	}
	uint32_t more = wire_u32(f->body);
	if (more > WIRE_CREDIT_BYTES - o->credit)
		return err_set(e, ERR_PROTOCOL, 0, "the host gave too much credit on stream %u",
			       f->stream);
	o->credit += more;
	return 0;
}

void guest_streams_poll(const struct guest_streams *s, const struct guest_port *p,
			struct pollfd fds[GUEST_STREAM_FDS])
{
	const struct guest_input *in = &s->input;
	bool writes = in->used || (in->ending && in->fd >= 0);

	/* A pipe whose reader is gone says so unasked; a terminal is not asked twice. */
	fds[0] = (struct pollfd){ writes || !s->terminal ? in->fd : -1, writes ? POLLOUT : 0, 0 };
	for (size_t i = 0; i < 2; i++) {
		const struct guest_output *o = &s->outputs[i];
		bool reads = (o->credit || o->ended) && takes_data(p);
		fds[1 + i] = (struct pollfd){ reads ? o->fd : -1, POLLIN, 0 };
	}
}

static void write_input(struct guest_streams *s)
{
	static const char end = END_OF_TTY;
	struct guest_input *in = &s->input;

	while (in->used) {
		size_t first = WIRE_CREDIT_BYTES - in->start;
		ssize_t n =
			write(in->fd, in->buffer + in->start, in->used < first ? in->used : first);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			guest_streams_end(s);
			return;
		}
		in->start = (in->start + (size_t)n) % WIRE_CREDIT_BYTES;
		in->used -= (size_t)n;
		in->due += (uint32_t)n;
	}
	if (!in->ending)
		return;
	if (s->terminal && write(in->fd, &end, 1) < 0 && errno == EAGAIN)
		return;
	close_input(s);
}

static void read_output(struct guest_streams *s, size_t i, struct guest_port *p)
{
	struct guest_output *o = &s->outputs[i];
	size_t want = o->credit < CHUNK && !o->ended ? o->credit : CHUNK;
	uint8_t *at = room_for(p, want);

	if (!at)
		return;
	ssize_t n = read(o->fd, at + WIRE_HEADER_BYTES, want);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* EIO: the last one has closed the terminal. */
		if (s->terminal)
			guest_streams_end(s);
		drop_fd(&o->fd);
		o->ending = true;
		return;
	}
	/* Nobody wants it; a terminal is read all the same. */
	if (o->ended)
		return;
	wire_header(at, WIRE_DATA, 0, s->number * 4 + 1 + (uint32_t)i, (uint32_t)n);
	o->credit -= (uint32_t)n;
	p->used += WIRE_HEADER_BYTES + (size_t)n;
}

void guest_streams_step(struct guest_streams *s, struct guest_port *p,
			const struct pollfd fds[GUEST_STREAM_FDS])
{
	if (fds[0].fd >= 0 && fds[0].revents & POLLERR)
		guest_streams_end(s);
	else if (fds[0].fd >= 0 && fds[0].revents)
		write_input(s);
	for (size_t i = 0; i < 2; i++) {
		if (fds[1 + i].fd >= 0 && fds[1 + i].revents && s->outputs[i].fd >= 0)
			read_output(s, i, p);
	}
}

void guest_streams_say(struct guest_streams *s, struct guest_port *p)
{
	struct guest_input *in = &s->input;
	uint32_t stream = s->number * 4;

	if (in->due >= CREDIT_STEP && !in->ending && in->fd >= 0 &&
	    say(p, WIRE_CREDIT, stream, &in->due)) {
		in->credit += in->due;
		in->due = 0;
	}
	if (in->refusing && !in->refused)
		in->refused = say(p, WIRE_END, stream, NULL);
	for (uint32_t i = 0; i < 2; i++) {
		struct guest_output *o = &s->outputs[i];
		if (o->ending && !o->ended)
			o->ended = say(p, WIRE_END, stream + 1 + i, NULL);
	}
}
