/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what the other side of a port of the virtual machine sends. Input: direction, whether a
 * "hello" was read before, the size of the pieces in which the rest comes. Frames are the same however
 * they are cut, lie inside the reader, and keep the table's bounds; what is refused says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vm-shim/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	uint64_t hash;
	bool refused;
};

static void note(struct result *r, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		r->hash = (r->hash ^ bytes[i]) * 0x100000001b3;
}

static void look(const struct wire_reader *r, const struct wire_frame *f, struct result *result)
{
	if (f->length > WIRE_BODY_MAX || f->body < r->buffer ||
	    f->body + f->length > r->buffer + r->have)
		abort();
	if (!wire_allowed(f->type, r->from_guest, f->length))
		abort();
	uint8_t header[WIRE_HEADER_BYTES];
	wire_header(header, f->type, f->flags, f->stream, f->length);
	if (memcmp(header, f->body - sizeof header, sizeof header) != 0)
		abort();
	note(result, header, sizeof header);
	note(result, f->body, f->length);
}

static struct result feed(const uint8_t *data, size_t size, uint8_t how, size_t piece)
{
	static struct wire_reader r;
	struct result result = { 0xcbf29ce484222325, false };

	wire_reader_init(&r, how & 1);
	r.greeted = how & 2;
	while (size && !result.refused) {
		struct wire_frame f;
		struct err e = { 0 };
		size_t room;
		uint8_t *at = wire_reader_room(&r, &room);
		if (!room)
			abort();
		size_t n = piece < size ? piece : size;
		n = n < room ? n : room;
		memcpy(at, data, n);
		wire_reader_add(&r, n);
		data += n;
		size -= n;
		int next;
		while ((next = wire_next(&r, &f, &e)) > 0)
			look(&r, &f, &result);
		result.refused = next < 0;
		if (next < 0 && (e.kind != ERR_PROTOCOL || !e.msg[0]))
			abort();
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct result pieces = feed(data + 2, size - 2, data[0], 1 + data[1]);
	struct result whole = feed(data + 2, size - 2, data[0], SIZE_MAX);

	if (pieces.hash != whole.hash || pieces.refused != whole.refused)
		abort();
	return 0;
}
