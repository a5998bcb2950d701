/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings, registers and chains, seen from a driver, with virtio-rng as the device: what a driver may do
 * works, and each way of breaking the rules makes the device ask for a reset and come back after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define INDIRECT (1ull << VIRTIO_RING_F_INDIRECT_DESC)
#define EVENTS   (1ull << VIRTIO_RING_F_EVENT_IDX)
#define SIZE     16

static int setup(void **state)
{
	struct driver *dr = malloc(sizeof *dr);

	if (!dr || driver_init(dr) < 0)
		return -1;
	dr->d = rng_make(&dr->host, NULL);
	*state = dr;
	return dr->d ? 0 : -1;
}

static int teardown(void **state)
{
	driver_free(*state);
	free(*state);
	return 0;
}

static void start(struct driver *dr, uint64_t features)
{
	assert_int_equal(driver_start(dr, features, SIZE), 0);
	driver_run(dr);
	(void)driver_interrupts(dr);
}

/* One chain of one buffer goes through. */
static void works(struct driver *dr)
{
	uint32_t head, length;

	driver_own(dr, 0, 3, DRIVER_DATA, 64, DESC_WRITE, 0);
	driver_offer(dr, 0, 3);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &length));
	assert_int_equal(head, 3);
	assert_int_equal(length, 64);
	assert_false(driver_take(dr, 0, &head, &length));
}

/* What is in the queue breaks the rules, the guest is told, nothing is used, and a reset heals it. */
static void breaks(struct driver *dr)
{
	uint32_t head, length;

	driver_run(dr);
	assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_true(driver_get(dr, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	assert_true(driver_interrupts(dr) > 0);
	assert_non_null(dr->d->broken_why);
	assert_false(driver_take(dr, 0, &head, &length));
	/* Broken is broken: also what would be right is not done. */
	driver_own(dr, 0, 3, DRIVER_DATA, 64, DESC_WRITE, 0);
	driver_offer(dr, 0, 3);
	driver_run(dr);
	assert_false(driver_take(dr, 0, &head, &length));
	start(dr, INDIRECT);
	works(dr);
}

static void test_memory(void **state)
{
	uint8_t low[64], high[32];
	struct guest_memory m = { low, high, sizeof low, sizeof high, -1 };

	(void)state;
	assert_ptr_equal(memory_at(&m, 0, 64), low);
	assert_ptr_equal(memory_at(&m, 63, 1), low + 63);
	assert_null(memory_at(&m, 64, 1));
	assert_null(memory_at(&m, 1, 64));
	assert_null(memory_at(&m, 1, UINT64_MAX));
	assert_null(memory_at(&m, UINT64_MAX, 2));
	assert_null(memory_at(&m, MEMORY_HOLE_START, 1));
	assert_null(memory_at(&m, MEMORY_HOLE_END - 1, 2));
	assert_ptr_equal(memory_at(&m, MEMORY_HOLE_END, 32), high);
	assert_null(memory_at(&m, MEMORY_HOLE_END + 32, 1));
	assert_non_null(memory_at(&m, UINT64_MAX, 0));
	m.high = NULL;
	assert_null(memory_at(&m, MEMORY_HOLE_END, 1));
}

static void count_call(void *ctx, uint32_t events)
{
	(void)events;
	++*(int *)ctx;
}

static void test_loop(void **state)
{
	struct driver *dr = *state;
	int calls = 0, pair[2];
	struct loop_source s = { .events = EPOLLIN, .ready = count_call, .ctx = &calls };

	assert_int_equal(pipe(pair), 0);
	s.fd = pair[0];
	assert_int_equal(loop_add(&dr->loop, &s, NULL), 0);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 1);
	/* Level-triggered: still there. */
	assert_int_equal(loop_once(&dr->loop, -1, NULL), 1);
	assert_int_equal(calls, 2);
	/* Who waits for nothing does not hear that the other end is gone either. */
	assert_int_equal(loop_change(&dr->loop, &s, 0), 0);
	close(pair[1]);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	assert_int_equal(loop_change(&dr->loop, &s, EPOLLIN), 0);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 1);
	loop_remove(&dr->loop, &s);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	assert_int_equal(loop_add(&dr->loop, &s, NULL), 0);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 1);
	loop_remove(&dr->loop, &s);
	close(pair[0]);
	struct err e = { 0 };
	assert_int_equal(loop_add(&dr->loop, &s, &e), -1);
	assert_non_null(strstr(e.msg, "wait on descriptor"));
}

static void test_registers(void **state)
{
	struct driver *dr = *state;
	uint8_t byte = 0xff;
	uint64_t wide = ~0ull;

	assert_int_equal(driver_get(dr, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_DEVICE_ID), 4);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_NUM_MAX), 256);
	driver_set(dr, VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_READY), 0);
	/* No shared memory region: its length is -1. */
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_SHM_LEN_HIGH), UINT32_MAX);
	driver_set(dr, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 7);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	/* Registers have 32 bits; anything else reads 0 and writes nothing. */
	virtio_mmio_read(dr->d, VIRTIO_MMIO_MAGIC_VALUE, &byte, 1);
	assert_int_equal(byte, 0);
	virtio_mmio_read(dr->d, VIRTIO_MMIO_MAGIC_VALUE, &wide, 8);
	assert_int_equal(wide, 0);
	assert_int_equal(driver_get(dr, 2), 0);
	assert_int_equal(driver_get(dr, 0xffc), 0);
	assert_int_equal(driver_get(dr, 0xfffffffc), 0);
	byte = 1;
	virtio_mmio_write(dr->d, VIRTIO_MMIO_STATUS, &byte, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_STATUS), 0);
	/* There is no configuration to write. */
	driver_set(dr, VIRTIO_MMIO_CONFIG, 5);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_CONFIG), 0);
}

static void test_status(void **state)
{
	struct driver *dr = *state;
	uint64_t one = 1ull << VIRTIO_F_VERSION_1;

	/* DRIVER_OK without features; features that are not offered; not version 1. */
	driver_set(dr, VIRTIO_MMIO_STATUS, 7);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_STATUS), 3);
	assert_int_equal(driver_negotiate(dr, one | 1), -1);
	assert_int_equal(driver_negotiate(dr, INDIRECT), -1);
	assert_int_equal(driver_negotiate(dr, one), 0);
	assert_int_equal(dr->d->driver_ok_count, 0);
	/* Afterwards they are fixed, and bits of the status do not go away one by one. */
	driver_set(dr, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	driver_set(dr, VIRTIO_MMIO_STATUS, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_STATUS), 11);
	assert_int_equal(dr->d->accepted, one);
	driver_set(dr, VIRTIO_MMIO_STATUS, 15);
	assert_int_equal(dr->d->driver_ok_count, 1);
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_STATUS), 0);
	assert_int_equal(dr->d->accepted, 0);
}

static void test_queue_setup(void **state)
{
	struct driver *dr = *state;

	start(dr, 0);
	/* Not while it is in use. */
	driver_set(dr, VIRTIO_MMIO_QUEUE_NUM, 8);
	driver_set(dr, VIRTIO_MMIO_QUEUE_DESC_HIGH, 8);
	works(dr);
	/* Sizes that are none. */
	assert_int_equal(driver_negotiate(dr, 1ull << VIRTIO_F_VERSION_1), 0);
	static const uint32_t odd[] = { 0, 3, 512, 0x10000, 0x10010 };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		driver_set(dr, VIRTIO_MMIO_QUEUE_NUM, odd[i]);
		assert_int_equal(dr->d->queues[0].size, 0);
	}
	driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* Each of the three rings outside memory, or at an odd place. */
static void test_queue_outside(void **state)
{
	static const struct {
		uint32_t offset, value;
	} cases[] = {
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, DRIVER_BYTES - 128 },
		{ VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x80000000 },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, 0x4008 },
		{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, DRIVER_BYTES - 36 },
		{ VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 1 },
		{ VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x5001 },
		{ VIRTIO_MMIO_QUEUE_USED_LOW, DRIVER_BYTES - 128 },
		{ VIRTIO_MMIO_QUEUE_USED_HIGH, 0xffffffff },
		{ VIRTIO_MMIO_QUEUE_USED_LOW, 0x6002 },
	};
	struct driver *dr = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(driver_negotiate(dr, 1ull << VIRTIO_F_VERSION_1), 0);
		driver_queue_setup(dr, 0, SIZE);
		driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 0);
		driver_set(dr, cases[i].offset, cases[i].value);
		driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 1);
		assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_READY), 0);
		assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	start(dr, 0);
	works(dr);
}

static void test_chains(void **state)
{
	struct driver *dr = *state;
	uint32_t head, length;
	uint8_t zeros[32] = { 0 };

	start(dr, INDIRECT);
	/* Three descriptors, one of them empty, in any order. */
	driver_own(dr, 0, 7, DRIVER_DATA, 16, DESC_WRITE | DESC_NEXT, 2);
	driver_own(dr, 0, 2, ~0ull, 0, DESC_WRITE | DESC_NEXT, 15);
	driver_own(dr, 0, 15, DRIVER_DATA + 100, 32, DESC_WRITE, 77);
	driver_offer(dr, 0, 7);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &length));
	assert_int_equal(head, 7);
	assert_int_equal(length, 48);
	assert_memory_not_equal(driver_at(dr, DRIVER_DATA + 100), zeros, 32);
	assert_memory_equal(driver_at(dr, DRIVER_DATA + 16), zeros, 32);

	/* An indirect table, at an odd address. */
	uint64_t table = DRIVER_DATA + 0x1003;
	driver_descriptor(dr, table, 0, DRIVER_DATA, 8, DESC_WRITE | DESC_NEXT, 2);
	driver_descriptor(dr, table, 2, DRIVER_DATA, 8, DESC_WRITE | DESC_NEXT, 1);
	driver_descriptor(dr, table, 1, DRIVER_DATA, 9, DESC_WRITE, 0);
	driver_own(dr, 0, 0, table, 48, DESC_INDIRECT, 0);
	driver_offer(dr, 0, 0);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &length));
	assert_int_equal(length, 25);

	/* All around the ring, many times, whole queues at once. */
	for (unsigned round = 0; round < 5000; round++) {
		for (uint16_t i = 0; i < SIZE; i++) {
			driver_own(dr, 0, i, DRIVER_DATA, 1 + i, DESC_WRITE, 0);
			driver_put(dr, 0, i);
		}
		driver_notify(dr, 0);
		driver_run(dr);
		for (uint16_t i = 0; i < SIZE; i++) {
			assert_true(driver_take(dr, 0, &head, &length));
			assert_int_equal(head, i);
			assert_int_equal(length, 1 + i);
		}
	}
}

struct broken_case {
	const char *name;
	uint16_t head;
	struct {
		unsigned i;
		uint64_t address;
		uint32_t length;
		uint16_t flags, next;
	} own[3];
};

#define TABLE (DRIVER_DATA + 0x2000) /* entry 0 plain, 1 indirect, 2 and 3 a loop */

static void test_broken_chains(void **state)
{
	static const struct broken_case cases[] = {
		{ "head", SIZE, { { 0, DRIVER_DATA, 1, DESC_WRITE, 0 } } },
		{ "next", 0, { { 0, DRIVER_DATA, 1, DESC_WRITE | DESC_NEXT, SIZE } } },
		{ "itself", 0, { { 0, DRIVER_DATA, 1, DESC_WRITE | DESC_NEXT, 0 } } },
		{ "loop of empty ones",
		  0,
		  { { 0, 0, 0, DESC_WRITE | DESC_NEXT, 1 }, { 1, 0, 0, DESC_WRITE | DESC_NEXT, 0 } } },
		{ "behind memory", 0, { { 0, DRIVER_BYTES, 1, DESC_WRITE, 0 } } },
		{ "over the end", 0, { { 0, DRIVER_BYTES - 1, 2, DESC_WRITE, 0 } } },
		{ "wraps", 0, { { 0, UINT64_MAX - 3, 8, DESC_WRITE, 0 } } },
		{ "in the hole", 0, { { 0, MEMORY_HOLE_START, 8, DESC_WRITE, 0 } } },
		{ "too long", 0, { { 0, DRIVER_DATA, UINT32_MAX, DESC_WRITE, 0 } } },
		{ "readable only", 0, { { 0, DRIVER_DATA, 8, 0, 0 } } },
		{ "readable behind writable",
		  0,
		  { { 0, DRIVER_DATA, 8, DESC_WRITE | DESC_NEXT, 1 }, { 1, DRIVER_DATA, 8, 0, 0 } } },
		{ "indirect and next",
		  0,
		  { { 0, TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1 },
		    { 1, DRIVER_DATA, 8, DESC_WRITE, 0 } } },
		{ "indirect of no size", 0, { { 0, TABLE, 0, DESC_INDIRECT, 0 } } },
		{ "indirect of odd size", 0, { { 0, TABLE, 24, DESC_INDIRECT, 0 } } },
		{ "indirect outside", 0, { { 0, DRIVER_BYTES - 16, 32, DESC_INDIRECT, 0 } } },
		{ "indirect in indirect", 0, { { 0, TABLE + 16, 16, DESC_INDIRECT, 0 } } },
		{ "loop in indirect", 0, { { 0, TABLE + 32, 32, DESC_INDIRECT, 0 } } },
		{ "beyond indirect", 0, { { 0, TABLE + 32, 16, DESC_INDIRECT, 0 } } },
	};
	struct driver *dr = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		start(dr, INDIRECT);
		driver_descriptor(dr, TABLE, 0, DRIVER_DATA, 8, DESC_WRITE, 0);
		driver_descriptor(dr, TABLE, 1, TABLE, 16, DESC_INDIRECT, 0);
		driver_descriptor(dr, TABLE, 2, DRIVER_DATA, 8, DESC_WRITE | DESC_NEXT, 1);
		driver_descriptor(dr, TABLE, 3, DRIVER_DATA, 8, DESC_WRITE | DESC_NEXT, 0);
		for (size_t j = 0; j < 3; j++)
			if (cases[i].own[j].flags || cases[i].own[j].length)
				driver_own(dr, 0, cases[i].own[j].i, cases[i].own[j].address,
					   cases[i].own[j].length, cases[i].own[j].flags,
					   cases[i].own[j].next);
		driver_offer(dr, 0, cases[i].head);
		breaks(dr);
	}
}

/* Not negotiated, too many descriptors, more than 4 GiB in all, an index that jumps. */
static void test_broken_more(void **state)
{
	struct driver *dr = *state;

	start(dr, 0);
	driver_descriptor(dr, TABLE, 0, DRIVER_DATA, 8, DESC_WRITE, 0);
	driver_own(dr, 0, 0, TABLE, 16, DESC_INDIRECT, 0);
	driver_offer(dr, 0, 0);
	breaks(dr);

	start(dr, INDIRECT);
	for (uint16_t i = 0; i < 257; i++)
		driver_descriptor(dr, TABLE, i, DRIVER_DATA, 1, DESC_WRITE | DESC_NEXT,
				  (uint16_t)(i + 1));
	driver_descriptor(dr, TABLE, 256, DRIVER_DATA, 1, DESC_WRITE, 0);
	driver_own(dr, 0, 0, TABLE, 257 * 16, DESC_INDIRECT, 0);
	driver_offer(dr, 0, 0);
	breaks(dr);

	/* The memory is mapped once, and the chain has it 1200 times; 256 of 16 MiB need larger memory. */
	start(dr, INDIRECT);
	dr->memory.low_bytes = 64ull << 20;
	uint8_t *own = dr->memory.low, *large = malloc(64ull << 20);
	memcpy(large, own, DRIVER_BYTES);
	dr->memory.low = large;
	for (uint16_t i = 0; i < 256; i++)
		driver_descriptor(dr, TABLE, i, 0, 32u << 20, DESC_NEXT, (uint16_t)(i + 1));
	driver_own(dr, 0, 0, TABLE, 256 * 16, DESC_INDIRECT, 0);
	driver_offer(dr, 0, 0);
	breaks(dr);
	dr->memory.low = own;
	dr->memory.low_bytes = DRIVER_BYTES;
	free(large);

	start(dr, INDIRECT);
	dr->queues[0].available_index = SIZE;
	driver_offer(dr, 0, 0);
	breaks(dr);
}

static void put_event(struct driver *dr, uint16_t value)
{
	memcpy(driver_at(dr, driver_available(0) + 4 + 2 * SIZE), &value, 2);
}

static void test_interrupts(void **state)
{
	struct driver *dr = *state;
	uint16_t flag = VRING_AVAIL_F_NO_INTERRUPT, event;

	start(dr, 0);
	works(dr);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	assert_int_equal(driver_interrupts(dr), 1);
	driver_set(dr, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	memcpy(driver_at(dr, driver_available(0)), &flag, 2);
	works(dr);
	assert_int_equal(driver_interrupts(dr), 0);
	/* A notification with nothing in the queue is no reason for an interrupt. */
	flag = 0;
	memcpy(driver_at(dr, driver_available(0)), &flag, 2);
	driver_notify(dr, 0);
	driver_run(dr);
	assert_int_equal(driver_interrupts(dr), 0);

	/* With event idx: when the index passes the one asked for; the other way round, the device asks to
	 * be told of the next one. */
	start(dr, EVENTS);
	put_event(dr, 2);
	works(dr);
	assert_int_equal(driver_interrupts(dr), 1); /* the first always */
	works(dr);
	assert_int_equal(driver_interrupts(dr), 0);
	works(dr);
	assert_int_equal(driver_interrupts(dr), 1);
	works(dr);
	assert_int_equal(driver_interrupts(dr), 0);
	memcpy(&event, driver_at(dr, driver_used(0) + 4 + 8 * SIZE), 2);
	assert_int_equal(event, 4);
}

static void test_reset(void **state)
{
	struct driver *dr = *state;
	uint32_t head, length;

	start(dr, 0);
	driver_own(dr, 0, 0, DRIVER_DATA, 8, DESC_WRITE, 0);
	driver_offer(dr, 0, 0);
	/* The notification waits in the loop: by the time it is looked at, there is no queue any more. */
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	driver_run(dr);
	assert_false(driver_take(dr, 0, &head, &length));
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_QUEUE_READY), 0);
	start(dr, 0);
	works(dr);
	/* A queue that is stopped alone does nothing, either. */
	driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 0);
	driver_offer(dr, 0, 3);
	driver_run(dr);
	assert_false(driver_take(dr, 0, &head, &length));
	/* A chain from before is not given back into the queue of after. */
	start(dr, 0);
	struct virtio_chain chain;
	driver_put(dr, 0, 0);
	assert_int_equal(virtio_queue_next(dr->d->queues, &chain), 1);
	start(dr, 0);
	virtio_queue_give(dr->d->queues, &chain, 8);
	assert_false(driver_take(dr, 0, &head, &length));
	works(dr);
	/* What was put before the driver was ready is found. */
	assert_int_equal(driver_negotiate(dr, 1ull << VIRTIO_F_VERSION_1), 0);
	driver_queue_setup(dr, 0, SIZE);
	driver_own(dr, 0, 0, DRIVER_DATA, 8, DESC_WRITE, 0);
	driver_put(dr, 0, 0);
	driver_set(dr, VIRTIO_MMIO_STATUS, 15);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &length));
}

static void test_slices(void **state)
{
	struct virtio_chain chain = { .in_count = 3, .out_count = 2 };
	struct iovec part[VIRTIO_CHAIN_MAX];
	char in[] = "abcdefgh", out[8] = "", back[8] = "";

	(void)state;
	chain.in[0] = (struct iovec){ in, 3 };
	chain.in[1] = (struct iovec){ in + 3, 1 };
	chain.in[2] = (struct iovec){ in + 4, 4 };
	chain.out[0] = (struct iovec){ out, 2 };
	chain.out[1] = (struct iovec){ out + 4, 2 };
	assert_int_equal(virtio_chain_read(&chain, 0, back, 8), 8);
	assert_memory_equal(back, in, 8);
	assert_int_equal(virtio_chain_read(&chain, 2, back, 3), 3);
	assert_memory_equal(back, "cde", 3);
	assert_int_equal(virtio_chain_read(&chain, 6, back, 8), 2);
	assert_int_equal(virtio_chain_read(&chain, 8, back, 8), 0);
	assert_int_equal(virtio_chain_write(&chain, 1, "XYZW", 4), 3);
	assert_memory_equal(out, "\0X\0\0YZ", 6);
	assert_int_equal(virtio_slice(chain.in, 3, 3, 2, part), 2);
	assert_ptr_equal(part[0].iov_base, in + 3);
	assert_int_equal(part[1].iov_len, 1);
	assert_int_equal(virtio_slice(chain.in, 3, UINT64_MAX, 2, part), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory),  T(loop),   T(registers),     T(status),      T(queue_setup), T(queue_outside),
		T(chains),  T(slices), T(broken_chains), T(broken_more), T(interrupts),  T(reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
