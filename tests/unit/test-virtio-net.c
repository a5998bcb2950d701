/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-net over a stream, as passt speaks it: frames in pieces, without room, too large, and an end that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define SIZE   64
#define RX     0
#define TX     1
#define HEADER 12u
#define ROOM   0x8000ull
#define MERGE  (1ull << VIRTIO_NET_F_MRG_RXBUF)

struct fixture {
	struct driver dr;
	int peer, own;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int pair[2];

	if (!f || driver_init(&f->dr) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	f->own = pair[0];
	f->peer = pair[1];
	fcntl(f->peer, F_SETFL, O_NONBLOCK);
	struct vm_net net = { VM_NET_STREAM, f->own, { 2, 0, 0, 1, 2, 3 }, 1400, false };
	f->dr.d = net_make(&f->dr.host, &net, NULL);
	*state = f;
	return f->dr.d ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	driver_free(&f->dr);
	if (f->peer >= 0)
		close(f->peer);
	close(f->own);
	free(f);
	return 0;
}

static uint64_t buffer(unsigned i)
{
	return DRIVER_DATA + ROOM * i;
}

static void post(struct driver *dr, uint16_t i, uint32_t length)
{
	memset(driver_at(dr, buffer(i)), 0xee, ROOM);
	driver_own(dr, RX, i, buffer(i), length, DESC_WRITE, 0);
	driver_offer(dr, RX, i);
	driver_run(dr);
}

static void send_raw(struct fixture *f, const void *data, size_t length)
{
	assert_int_equal(send(f->peer, data, length, 0), length);
	driver_run(&f->dr);
}

static void send_frame(struct fixture *f, const void *frame, uint32_t length)
{
	uint32_t prefix = htonl(length);

	send_raw(f, &prefix, 4);
	send_raw(f, frame, length);
}

static void pattern(uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)(i * 13 + i / 256);
}

static void test_configuration(void **state)
{
	struct fixture *f = *state;
	struct virtio_net_config config;
	uint64_t offered = driver_offered(&f->dr);

	driver_config(&f->dr, 0, &config, sizeof config);
	assert_memory_equal(config.mac, "\2\0\0\1\2\3", 6);
	assert_int_equal(config.mtu, 1400);
	assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
	assert_true(offered >> VIRTIO_NET_F_MTU & 1);
	assert_false(offered >> VIRTIO_NET_F_CSUM & 1);
}

static void test_receive(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint8_t frame[200];
	uint32_t head, length, prefix = htonl(sizeof frame);
	static const uint8_t header[HEADER] = { [10] = 1 };

	pattern(frame, sizeof frame);
	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	/* Byte for byte, and before there is a buffer. */
	for (size_t i = 0; i < 4; i++)
		send_raw(f, (uint8_t *)&prefix + i, 1);
	for (size_t i = 0; i < sizeof frame; i++)
		send_raw(f, frame + i, 1);
	assert_false(driver_take(dr, RX, &head, &length));
	post(dr, 0, 2048);
	assert_true(driver_take(dr, RX, &head, &length));
	assert_int_equal(length, HEADER + sizeof frame);
	assert_memory_equal(driver_at(dr, buffer(0)), header, HEADER);
	assert_memory_equal(driver_at(dr, buffer(0) + HEADER), frame, sizeof frame);
	/* One that does not fit is dropped, its buffer stays, and the next one comes. */
	post(dr, 1, HEADER + 199);
	send_frame(f, frame, 200);
	assert_false(driver_take(dr, RX, &head, &length));
	send_frame(f, frame, 199);
	assert_true(driver_take(dr, RX, &head, &length));
	assert_int_equal(head, 1);
	assert_int_equal(length, HEADER + 199);
	/* Many by one call of the socket's, more than are served in one turn. */
	uint8_t many[300 * 8];
	for (unsigned i = 0; i < 300; i++)
		memcpy(many + i * 8, "\0\0\0\4abcd", 8);
	send_raw(f, many, sizeof many);
	for (unsigned i = 0; i < 300; i++) {
		post(dr, (uint16_t)(i % 32), 64);
		assert_true(driver_take(dr, RX, &head, &length));
		assert_int_equal(length, HEADER + 4);
	}
	post(dr, 40, 64);
	assert_false(driver_take(dr, RX, &head, &length));
}

static void test_mergeable(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static uint8_t frame[65535];
	uint32_t head, length;
	size_t done = 0;
	uint16_t buffers;

	pattern(frame, sizeof frame);
	assert_int_equal(driver_start(dr, MERGE, SIZE), 0);
	/* All buffers at once, or none. */
	for (uint16_t i = 0; i < 32; i++)
		post(dr, i, 2000);
	send_frame(f, frame, sizeof frame);
	assert_false(driver_take(dr, RX, &head, &length));
	post(dr, 32, 2000);
	for (unsigned i = 0; i < 33; i++) {
		assert_true(driver_take(dr, RX, &head, &length));
		assert_int_equal(head, i);
		size_t skip = i ? 0 : HEADER;
		assert_memory_equal(driver_at(dr, buffer(i) + skip), frame + done, length - skip);
		done += length - skip;
	}
	assert_int_equal(done, sizeof frame);
	memcpy(&buffers, driver_at(dr, buffer(0) + 10), 2);
	assert_int_equal(buffers, 33);
	/* Never into more than 64: dropped. */
	for (uint16_t i = 0; i < 64; i++)
		post(dr, i, 16);
	send_frame(f, frame, 2000);
	assert_false(driver_take(dr, RX, &head, &length));
	send_frame(f, frame, 4);
	assert_true(driver_take(dr, RX, &head, &length));
	assert_int_equal(length, 16);
}

static void offer_frame(struct driver *dr, uint16_t i, const void *frame, uint32_t length)
{
	memset(driver_at(dr, buffer(i)), 0, HEADER);
	memcpy(driver_at(dr, buffer(i) + HEADER), frame, length);
	/* The header ends in the middle of a descriptor. */
	driver_own(dr, TX, (uint16_t)(2 * i), buffer(i), 5, DESC_NEXT, (uint16_t)(2 * i + 1));
	driver_own(dr, TX, (uint16_t)(2 * i + 1), buffer(i) + 5, HEADER - 5 + length, 0, 0);
	driver_offer(dr, TX, (uint16_t)(2 * i));
	driver_run(dr);
}

static void test_transmit(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static uint8_t frame[30000], back[30004];
	unsigned taken = 0, got = 0;
	uint32_t head, length;

	pattern(frame, sizeof frame);
	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	offer_frame(dr, 0, frame, 100);
	assert_true(driver_take(dr, TX, &head, &length));
	assert_int_equal(recv(f->peer, back, sizeof back, 0), 104);
	assert_memory_equal(back, "\0\0\0\x64", 4);
	assert_memory_equal(back + 4, frame, 100);
	/* More than the socket takes: the rest waits, in the middle of a frame, and all arrives whole. */
	for (uint16_t i = 0; i < 30; i++)
		offer_frame(dr, i, frame, sizeof frame);
	while (driver_take(dr, TX, &head, &length))
		taken++;
	assert_true(taken > 0 && taken < 30);
	for (; got < 30; got++) {
		size_t have = 0;

		while (have < sizeof back) {
			ssize_t n = recv(f->peer, back + have, sizeof back - have < 777 ? sizeof back - have : 777, 0);
			if (n > 0)
				have += (size_t)n;
			else
				driver_run(dr);
		}
		assert_memory_equal(back, "\0\0\x75\x30", 4);
		assert_memory_equal(back + 4, frame, sizeof frame);
	}
	driver_run(dr);
	while (driver_take(dr, TX, &head, &length))
		taken++;
	assert_int_equal(taken, 30);
	/* Empty ones are none. */
	offer_frame(dr, 0, frame, 0);
	assert_true(driver_take(dr, TX, &head, &length));
	assert_true(recv(f->peer, back, sizeof back, 0) < 0);
}

static void link_is_down(struct fixture *f)
{
	struct virtio_net_config config;

	driver_run(&f->dr);
	driver_config(&f->dr, 0, &config, sizeof config);
	assert_int_equal(config.status, 0);
	assert_true(driver_get(&f->dr, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(loop_once(&f->dr.loop, 0, NULL), 0);
}

static void test_gone(void **state)
{
	struct fixture *f = *state;
	uint32_t head, length;

	assert_int_equal(driver_start(&f->dr, 0, SIZE), 0);
	post(&f->dr, 0, 2048);
	close(f->peer);
	f->peer = -1;
	link_is_down(f);
	offer_frame(&f->dr, 1, "frame", 5);
	assert_true(driver_take(&f->dr, TX, &head, &length));
}

static void test_nonsense_from_host(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_start(&f->dr, 0, SIZE), 0);
	post(&f->dr, 0, 2048);
	send_raw(f, "\xff\xff\xff\xff", 4);
	link_is_down(f);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint32_t head, length;

	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	post(dr, 0, 2048);
	send_raw(f, "\0\0\0\5ab", 6);
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	send_raw(f, "cde", 3);
	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	post(dr, 0, 2048);
	/* The place in the stream is kept. */
	assert_true(driver_take(dr, RX, &head, &length));
	assert_int_equal(length, HEADER + 5);
	assert_memory_equal(driver_at(dr, buffer(0) + HEADER), "abcde", 5);
}

static void test_broken(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static const struct {
		unsigned queue;
		uint32_t length;
		uint16_t flags;
	} cases[] = {
		{ TX, 100, DESC_WRITE },
		{ TX, HEADER - 1, 0 },
		{ RX, 100, 0 },
		{ RX, HEADER - 1, DESC_WRITE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(driver_start(dr, MERGE, SIZE), 0);
		driver_own(dr, cases[i].queue, 0, DRIVER_DATA, cases[i].length, cases[i].flags, 0);
		driver_offer(dr, cases[i].queue, 0);
		send_frame(f, "frame", 5);
		driver_run(dr);
		assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
		assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	}
}

static void test_make(void **state)
{
	struct fixture *f = *state;
	struct vm_net net = { VM_NET_TAP, f->own, { 0 }, 0, false };
	struct err e = { 0 };

	assert_null(net_make(&f->dr.host, &net, &e));
	assert_non_null(strstr(e.msg, "is not attached to a tap device"));
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	net = (struct vm_net){ VM_NET_STREAM, pipes[0], { 0 }, 0, false };
	assert_null(net_make(&f->dr.host, &net, &e));
	assert_non_null(strstr(e.msg, "is not a socket"));
	close(pipes[0]);
	close(pipes[1]);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration), T(receive), T(mergeable), T(transmit), T(gone),
		T(nonsense_from_host), T(reset), T(broken), T(make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
