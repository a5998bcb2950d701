/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between host and guest: what is said arrives, and everything else is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/text.h"
#include "vm-shim/wire/wire.h"

static struct wire_reader reader;

static void add(const void *data, size_t size)
{
	size_t room;
	uint8_t *at = wire_reader_room(&reader, &room);

	assert_true(room >= size);
	memcpy(at, data, size);
	wire_reader_add(&reader, size);
}

static void add_frame(uint8_t type, uint8_t flags, uint32_t stream, const void *body,
		      uint32_t length)
{
	uint8_t header[WIRE_HEADER_BYTES];

	wire_header(header, type, flags, stream, length);
	add(header, sizeof header);
	add(body, length);
}

static void add_hello(void)
{
	static const uint8_t body[] = { WIRE_VERSION, 0, 0, 0, 'm', 'e' };

	add_frame(WIRE_HELLO, 0, 0, body, sizeof body);
}

static void greet(bool from_guest)
{
	struct wire_frame f;
	struct err e = { 0 };

	wire_reader_init(&reader, from_guest);
	add_hello();
	assert_int_equal(wire_next(&reader, &f, &e), 1);
	assert_int_equal(f.type, WIRE_HELLO);
	assert_int_equal(f.length, 6);
	assert_int_equal(wire_next(&reader, &f, &e), 0);
}

static void test_header(void **state)
{
	static const uint8_t expected[] = { 0x34, 0x12, 0, 0, 64, 1, 0, 0, 5, 0, 0, 0x80 };
	uint8_t header[WIRE_HEADER_BYTES];

	(void)state;
	wire_header(header, WIRE_DATA, 1, 0x80000005, 0x1234);
	assert_memory_equal(header, expected, sizeof expected);
	assert_int_equal(wire_u32(header + 8), 0x80000005);
}

/* Byte by byte, and all at once. */
static void test_pieces(void **state)
{
	uint8_t all[256];
	struct wire_frame f;
	struct err e = { 0 };
	size_t size = 0, room;

	(void)state;
	for (int i = 0; i < 3; i++) {
		wire_header(all + size, WIRE_DATA, 0, 5, 7);
		memcpy(all + size + WIRE_HEADER_BYTES, "content", 7);
		size += WIRE_HEADER_BYTES + 7;
	}
	greet(true);
	for (size_t i = 0; i < size; i++) {
		add(all + i, 1);
		bool whole = (i + 1) % (WIRE_HEADER_BYTES + 7) == 0;
		assert_int_equal(wire_next(&reader, &f, &e), whole);
		if (whole) {
			assert_memory_equal(f.body, "content", 7);
			assert_int_equal(wire_next(&reader, &f, &e), 0);
		}
		wire_reader_room(&reader, &room);
		assert_true(room > 0);
	}
	add(all, size);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(wire_next(&reader, &f, &e), 1);
		assert_int_equal(f.stream, 5);
		assert_memory_equal(f.body, "content", 7);
	}
	assert_int_equal(wire_next(&reader, &f, &e), 0);
}

/* The longest frame fits, and leaves room for nothing else until it is taken. */
static void test_longest(void **state)
{
	static uint8_t body[WIRE_BODY_MAX];
	struct wire_frame f;
	struct err e = { 0 };
	size_t room;

	(void)state;
	memset(body, 0xa5, sizeof body);
	greet(false);
	add_frame(WIRE_CONFIG, WIRE_MORE, 0, body, sizeof body);
	wire_reader_room(&reader, &room);
	assert_int_equal(room, 0);
	wire_reader_add(&reader, 1000); /* a caller's mistake goes nowhere */
	assert_int_equal(wire_next(&reader, &f, &e), 1);
	assert_int_equal(f.length, sizeof body);
	assert_int_equal(f.flags, WIRE_MORE);
	assert_memory_equal(f.body, body, sizeof body);
	assert_int_equal(wire_next(&reader, &f, &e), 0);
	wire_reader_room(&reader, &room);
	assert_int_equal(room, sizeof reader.buffer);
}

struct bad {
	bool from_guest;
	uint8_t type, flags;
	uint16_t reserved;
	uint32_t stream, length;
	const char *says;
};

static void test_malformed(void **state)
{
	static const struct bad table[] = {
		{ true, 0, 0, 0, 0, 0, "unknown type 0" },
		{ true, 14, 0, 0, 0, 0, "unknown type 14" },
		{ true, 31, 0, 0, 0, 0, "unknown type 31" },
		{ true, 63, 0, 0, 0, 0, "unknown type 63" },
		{ true, 67, 0, 0, 0, 0, "unknown type 67" },
		{ true, 255, 0, 0, 0, 0, "unknown type 255" },
		{ true, WIRE_CONFIG, 0, 0, 0, 0, "the guest sent \"config\", which is not its" },
		{ true, WIRE_SHUTDOWN, 0, 0, 0, 0, "not its to send" },
		{ false, WIRE_STARTED, 0, 0, 1, 4, "the host sent \"started\", which is not its" },
		{ false, WIRE_REPORT, 0, 0, 1, 0, "not its to send" },
		{ true, WIRE_DATA, 0, 0, 5, 0, "\"data\" of 0 bytes (1 to 65536 may be)" },
		{ true, WIRE_DATA, 0, 0, 5, WIRE_BODY_MAX + 1, "\"data\" of 65537 bytes" },
		{ true, WIRE_DATA, 0, 0, 5, UINT32_MAX, "\"data\" of 4294967295 bytes" },
		{ false, WIRE_SIGNAL, 0, 0, 1, 3, "\"signal\" of 3 bytes (4 to 4 may be)" },
		{ false, WIRE_SIGNAL, 0, 0, 1, 5, "\"signal\" of 5 bytes" },
		{ false, WIRE_RESIZE, 0, 0, 1, 8, "\"resize\" of 8 bytes" },
		{ false, WIRE_TIME, 0, 0, 0, 4, "\"time\" of 4 bytes" },
		{ false, WIRE_RESEED, 0, 0, 0, 31, "\"reseed\" of 31 bytes" },
		{ false, WIRE_RESEED, 0, 0, 0, 513, "\"reseed\" of 513 bytes" },
		{ false, WIRE_START, 0, 0, 1, 1, "\"start\" of 1 bytes" },
		{ true, WIRE_ERROR, 0, 0, 0, 4097, "\"error\" of 4097 bytes" },
		{ true, WIRE_END, 0, 0, 5, 1, "\"end\" of 1 bytes" },
		{ true, WIRE_DATA, WIRE_MORE, 0, 5, 1, "with flags 01 and 0000" },
		{ false, WIRE_CONFIG, 2, 0, 0, 1, "with flags 02 and 0000" },
		{ false, WIRE_CONFIG, 0x81, 0, 0, 1, "with flags 81 and 0000" },
		{ false, WIRE_CONFIG, 0, 0x100, 0, 1, "with flags 00 and 0100" },
		{ false, WIRE_CONFIG, 0, 0, 1, 1, "\"config\" on stream 1" },
		{ false, WIRE_START, 0, 0, 0, 0, "\"start\" on stream 0" },
		{ false, WIRE_START, 0, 0, WIRE_PROCESSES_MAX + 1, 0, "\"start\" on stream 16" },
		{ true, WIRE_ERROR, 0, 0, 16, 1, "\"error\" on stream 16" },
		{ true, WIRE_DATA, 0, 0, 1, 1, "\"data\" on stream 1" },
		{ true, WIRE_DATA, 0, 0, 7, 1, "\"data\" on stream 7" },
		{ true, WIRE_DATA, 0, 0, WIRE_STREAMS_MAX + 1, 1, "\"data\" on stream 65" },
		{ true, WIRE_DATA, 0, 0, UINT32_MAX, 1, "\"data\" on stream 4294967295" },
		{ true, WIRE_DATA, 0, 0, 4, 1, "the guest sent \"data\" on stream 4" },
		{ false, WIRE_DATA, 0, 0, 5, 1, "the host sent \"data\" on stream 5" },
		{ true, WIRE_CREDIT, 0, 0, 5, 4, "the guest sent \"credit\" on stream 5" },
		{ false, WIRE_CREDIT, 0, 0, 4, 4, "the host sent \"credit\" on stream 4" },
		{ true, WIRE_HELLO, 0, 0, 0, 4, "\"hello\" twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct bad *b = &table[i];
		uint8_t header[WIRE_HEADER_BYTES];
		struct wire_frame f;
		struct err e = { 0 };
		greet(b->from_guest);
		wire_header(header, b->type, b->flags, b->stream, b->length);
		header[6] = (uint8_t)b->reserved;
		header[7] = (uint8_t)(b->reserved >> 8);
		/* The header alone is enough, and it stays refused. */
		add(header, sizeof header);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(wire_next(&reader, &f, &e), -1);
			assert_int_equal(e.kind, ERR_PROTOCOL);
			if (!strstr(e.msg, b->says))
				fail_msg("%s: does not say \"%s\"", e.msg, b->says);
		}
	}
}

static void expect_bad_body(uint8_t type, uint32_t stream, uint32_t value, const char *says)
{
	uint8_t body[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
			   (uint8_t)(value >> 24) };
	struct wire_frame f;
	struct err e = { 0 };

	add_frame(type, 0, stream, body, sizeof body);
	assert_int_equal(wire_next(&reader, &f, &e), -1);
	assert_int_equal(e.kind, ERR_PROTOCOL);
	if (!strstr(e.msg, says))
		fail_msg("%s: does not say \"%s\"", e.msg, says);
}

static void test_bodies(void **state)
{
	(void)state;
	wire_reader_init(&reader, true);
	expect_bad_body(WIRE_HELLO, 0, 2, "the guest speaks version 2 of the protocol");
	wire_reader_init(&reader, false);
	expect_bad_body(WIRE_HELLO, 0, 0, "the host speaks version 0");
	wire_reader_init(&reader, true);
	expect_bad_body(WIRE_CREDIT, 4, 1, "\"credit\" before \"hello\"");
	greet(true);
	expect_bad_body(WIRE_CREDIT, 4, 0, "credit for 0 bytes");
	greet(true);
	expect_bad_body(WIRE_CREDIT, 4, WIRE_CREDIT_BYTES + 1, "credit for 262145 bytes");
}

/* Every type of both directions, at its bounds. */
static void test_allowed(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool known = !text_equal(wire_type_name((uint8_t)type), "unknown");
		bool may = false;
		for (uint32_t length = 0; length <= WIRE_BODY_MAX; length += length < 600 ? 1 : 61)
			may |= wire_allowed((uint8_t)type, true, length) ||
			       wire_allowed((uint8_t)type, false, length);
		assert_int_equal(known, may);
		assert_false(wire_allowed((uint8_t)type, true, WIRE_BODY_MAX + 1));
		assert_false(wire_allowed((uint8_t)type, false, UINT32_MAX));
	}
	assert_true(wire_allowed(WIRE_RESEED, false, 32));
	assert_true(wire_allowed(WIRE_RESEED, false, 512));
	assert_false(wire_allowed(WIRE_RESEED, true, 512));
	assert_string_equal(wire_type_name(WIRE_STATS_ASK), "stats-ask");
}

static void test_send(void **state)
{
	struct wire_frame f;
	struct err e = { 0 };
	int pair[2];
	size_t room;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	greet(true);
	assert_int_equal(wire_send(pair[0], WIRE_LOG, 0, 3, "text", 4, 1000, &e), 0);
	uint8_t *at = wire_reader_room(&reader, &room);
	ssize_t n = read(pair[1], at, room);
	assert_int_equal(n, WIRE_HEADER_BYTES + 4);
	wire_reader_add(&reader, (size_t)n);
	assert_int_equal(wire_next(&reader, &f, &e), 1);
	assert_int_equal(f.type, WIRE_LOG);
	assert_int_equal(f.stream, 3);
	assert_memory_equal(f.body, "text", 4);
	/* What no side may send is not sent. */
	assert_int_equal(wire_send(pair[0], WIRE_SIGNAL, 0, 1, "x", 1, 0, &e), -1);
	assert_int_equal(wire_send(pair[0], 99, 0, 1, "", 0, 0, &e), -1);
	assert_string_equal(e.msg, "send \"unknown\": 0 bytes are not allowed");
	close(pair[0]);
	close(pair[1]);
}

/* Nobody reads: the time ends, on sockets that would wait and on other descriptors. */
static void test_send_deadline(void **state)
{
	static uint8_t body[WIRE_BODY_MAX];
	struct err e = { 0 };
	int pair[2];

	(void)state;
	for (int pipes = 0; pipes < 2; pipes++) {
		if (pipes)
			assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
		else
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
					 0);
		int out = pipes ? pair[1] : pair[0], in = pipes ? pair[0] : pair[1];
		int status = 0;
		for (int i = 0; i < 100 && status == 0; i++)
			status = wire_send(out, WIRE_DATA, 0, 5, body, sizeof body, 30, &e);
		assert_int_equal(status, -1);
		assert_string_equal(e.msg, "send \"data\": the other side does not take it: "
					   "Connection timed out");
		close(in);
		if (!pipes) {
			assert_int_equal(wire_send(out, WIRE_END, 0, 5, NULL, 0, -1, &e), -1);
			assert_string_equal(e.msg, "send \"end\": Broken pipe");
		}
		close(out);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),    cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_longest),   cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_bodies),    cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_send),      cmocka_unit_test(test_send_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
