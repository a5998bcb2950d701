/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-blk against a real file: each request, and each that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define SIZE    16
#define SECTORS 2048u
#define DATA    (DRIVER_DATA + 0x1000)
#define STATUS  (DRIVER_DATA + 0x800)

struct fixture {
	struct driver dr;
	int fd;
};

static int make(struct fixture *f, bool readonly)
{
	struct vm_disk disk = { f->fd, readonly, "husk-disk-0123456789" };

	f->dr.d = block_make(&f->dr.host, &disk, NULL);
	return f->dr.d ? driver_start(&f->dr, 1ull << VIRTIO_RING_F_INDIRECT_DESC, SIZE) : -1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char path[] = "/tmp/husk-block-XXXXXX";

	if (!f || driver_init(&f->dr) < 0)
		return -1;
	f->fd = mkstemp(path);
	unlink(path);
	/* Half a sector more than the device may show. */
	if (f->fd < 0 || ftruncate(f->fd, SECTORS * 512 + 256) < 0)
		return -1;
	*state = f;
	return make(f, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	driver_free(&f->dr);
	close(f->fd);
	free(f);
	return 0;
}

static void header(struct driver *dr, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr head = { type, 0, sector };

	memcpy(driver_at(dr, DRIVER_DATA), &head, sizeof head);
	*(uint8_t *)driver_at(dr, STATUS) = 0xee;
}

/* Header, @bytes of data at DATA, status; the status, and through @length what was used. */
static int ask(struct driver *dr, uint32_t type, uint64_t sector, uint32_t bytes, uint32_t *length)
{
	uint32_t head, used;
	uint16_t write = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID ? DESC_WRITE : 0;

	header(dr, type, sector);
	driver_own(dr, 0, 0, DRIVER_DATA, sizeof(struct virtio_blk_outhdr), DESC_NEXT, 1);
	driver_own(dr, 0, 1, DATA, bytes, (uint16_t)(write | DESC_NEXT), 2);
	driver_own(dr, 0, 2, STATUS, 1, DESC_WRITE, 0);
	driver_offer(dr, 0, 0);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &used));
	if (length)
		*length = used;
	return *(uint8_t *)driver_at(dr, STATUS);
}

static void pattern(void *at, size_t bytes, unsigned seed)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)at)[i] = (uint8_t)(seed + i * 7 + i / 251);
}

static void test_configuration(void **state)
{
	struct fixture *f = *state;
	struct virtio_blk_config config;
	uint64_t offered = driver_offered(&f->dr);

	driver_config(&f->dr, 0, &config, sizeof config);
	assert_int_equal(config.capacity, SECTORS);
	assert_int_equal(config.blk_size, 512);
	assert_int_equal(config.seg_max, 254);
	assert_true(offered >> VIRTIO_BLK_F_FLUSH & 1);
	assert_true(offered >> VIRTIO_BLK_F_DISCARD & 1);
	assert_true(offered >> VIRTIO_BLK_F_WRITE_ZEROES & 1);
	assert_false(offered >> VIRTIO_BLK_F_RO & 1);
}

static void test_read_write(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint8_t want[8192], is[8192];
	uint32_t length;

	pattern(want, sizeof want, 1);
	memcpy(driver_at(dr, DATA), want, sizeof want);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_OUT, 100, sizeof want, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, 1);
	assert_int_equal(pread(f->fd, is, sizeof is, 100 * 512), sizeof is);
	assert_memory_equal(is, want, sizeof is);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_FLUSH, 0, 0, NULL), VIRTIO_BLK_S_OK);

	memset(driver_at(dr, DATA), 0, sizeof want);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_IN, 102, 512, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, 513);
	assert_memory_equal(driver_at(dr, DATA), want + 1024, 512);
	/* The last sector. */
	assert_int_equal(ask(dr, VIRTIO_BLK_T_OUT, SECTORS - 1, 512, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_IN, SECTORS - 1, 512, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_GET_ID, 0, 20, &length), VIRTIO_BLK_S_OK);
	assert_int_equal(length, 21);
	assert_memory_equal(driver_at(dr, DATA), "husk-disk-0123456789", 20);
}

/* Cut in the oddest way: data and status in one descriptor, header in many, in an indirect table. */
static void test_layout(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint64_t table = DRIVER_DATA + 0x8000;
	uint8_t want[1024];
	uint32_t head, length;

	pattern(want, sizeof want, 9);
	assert_int_equal(pwrite(f->fd, want, sizeof want, 7 * 512), sizeof want);
	header(dr, VIRTIO_BLK_T_IN, 7);
	for (unsigned i = 0; i < 16; i++)
		driver_descriptor(dr, table, i, DRIVER_DATA + i, 1, DESC_NEXT, (uint16_t)(i + 1));
	driver_descriptor(dr, table, 16, DATA, 3, DESC_WRITE | DESC_NEXT, 17);
	driver_descriptor(dr, table, 17, DATA + 3, 1022, DESC_WRITE, 0);
	driver_own(dr, 0, 5, table, 18 * 16, DESC_INDIRECT, 0);
	driver_offer(dr, 0, 5);
	driver_run(dr);
	assert_true(driver_take(dr, 0, &head, &length));
	assert_int_equal(length, 1025);
	assert_memory_equal(driver_at(dr, DATA), want, 1024);
	assert_int_equal(*(uint8_t *)driver_at(dr, DATA + 1024), VIRTIO_BLK_S_OK);
}

static void test_beyond(void **state)
{
	static const struct {
		uint64_t sector;
		uint32_t bytes;
	} cases[] = {
		{ SECTORS, 512 },       { SECTORS - 1, 1024 },   { UINT64_MAX, 512 },
		{ UINT64_MAX / 512, 512 }, { 1ull << 55, 512 },  { SECTORS + 1, 0 },
		{ 0, 511 },             { 0, 513 },              { 0, (SECTORS + 1) * 512 },
	};
	struct fixture *f = *state;
	struct stat st;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (uint32_t type = VIRTIO_BLK_T_IN; type <= VIRTIO_BLK_T_OUT; type++)
			assert_int_equal(ask(&f->dr, type, cases[i].sector, cases[i].bytes, NULL),
					 VIRTIO_BLK_S_IOERR);
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_size, SECTORS * 512 + 256);
	assert_int_equal(ask(&f->dr, 77, 0, 0, NULL), VIRTIO_BLK_S_UNSUPP);
	/* Somebody has made the file shorter: an error, and no zeros. */
	assert_int_equal(ftruncate(f->fd, 1000), 0);
	assert_int_equal(ask(&f->dr, VIRTIO_BLK_T_IN, 1, 512, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(&f->dr, VIRTIO_BLK_T_IN, 0, 512, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(driver_get(&f->dr, VIRTIO_MMIO_STATUS), 15);
}

static void segment(struct driver *dr, unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes s = { sector, sectors, flags };

	memcpy(driver_at(dr, DATA + i * sizeof s), &s, sizeof s);
}

static void check_range(int fd, unsigned first, unsigned last, bool zero)
{
	uint8_t sector[512];

	for (unsigned i = first; i <= last; i++) {
		uint8_t any = 0;

		assert_int_equal(pread(fd, sector, 512, i * 512), 512);
		for (unsigned j = 0; j < 512; j++)
			any |= sector[j];
		if (zero != !any)
			fail_msg("sector %u is %s", i, any ? "not zero" : "zero");
	}
}

static void fill(int fd)
{
	uint8_t sector[512];

	memset(sector, 0x55, sizeof sector);
	for (unsigned i = 0; i < 128; i++)
		assert_int_equal(pwrite(fd, sector, 512, i * 512), 512);
}

static void test_zeroes(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint32_t unmap = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	for (uint32_t flags = 0; flags <= unmap; flags++) {
		fill(f->fd);
		segment(dr, 0, 3, 5, flags);
		segment(dr, 1, 20, 1, flags);
		segment(dr, 2, 0, 0, flags);
		assert_int_equal(ask(dr, VIRTIO_BLK_T_WRITE_ZEROES, 0, 48, NULL), VIRTIO_BLK_S_OK);
		check_range(f->fd, 0, 2, false);
		check_range(f->fd, 3, 7, true);
		check_range(f->fd, 8, 19, false);
		check_range(f->fd, 20, 20, true);
		check_range(f->fd, 21, 127, false);
	}
	fill(f->fd);
	segment(dr, 0, 8, 64, 0);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_DISCARD, 0, 16, NULL), VIRTIO_BLK_S_OK);
	check_range(f->fd, 0, 7, false);
	check_range(f->fd, 72, 127, false);

	/* What is beyond, too large, unknown, or no whole segment, changes nothing. */
	fill(f->fd);
	for (uint32_t type = VIRTIO_BLK_T_DISCARD; type <= VIRTIO_BLK_T_WRITE_ZEROES; type += 2) {
		segment(dr, 0, SECTORS - 1, 2, 0);
		assert_int_equal(ask(dr, type, 0, 16, NULL), VIRTIO_BLK_S_IOERR);
		segment(dr, 0, UINT64_MAX, 2, 0);
		assert_int_equal(ask(dr, type, 0, 16, NULL), VIRTIO_BLK_S_IOERR);
		segment(dr, 0, 0, UINT32_MAX, 0);
		assert_int_equal(ask(dr, type, 0, 16, NULL), VIRTIO_BLK_S_IOERR);
		segment(dr, 0, 0, 1, 0x80);
		assert_int_equal(ask(dr, type, 0, 16, NULL), VIRTIO_BLK_S_UNSUPP);
		segment(dr, 0, 0, 1, 0);
		assert_int_equal(ask(dr, type, 0, 15, NULL), VIRTIO_BLK_S_IOERR);
		assert_int_equal(ask(dr, type, 0, 0, NULL), VIRTIO_BLK_S_IOERR);
		assert_int_equal(ask(dr, type, 0, 17 * 16, NULL), VIRTIO_BLK_S_IOERR);
	}
	segment(dr, 0, 0, 1, unmap);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_DISCARD, 0, 16, NULL), VIRTIO_BLK_S_UNSUPP);
	check_range(f->fd, 0, 127, false);
}

static void test_make(void **state)
{
	struct fixture *f = *state;
	struct vm_disk disk = { open("/dev/zero", O_RDWR | O_CLOEXEC), false, "" };
	struct err e = { 0 };

	assert_null(block_make(&f->dr.host, &disk, &e));
	assert_non_null(strstr(e.msg, "neither a file nor a block device"));
	close(disk.fd);
	assert_null(block_make(&f->dr.host, &disk, &e));
	assert_non_null(strstr(e.msg, "disk: descriptor"));
}

static void test_readonly(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;

	device_free(dr->d);
	fill(f->fd);
	assert_int_equal(make(f, true), 0);
	uint64_t offered = driver_offered(dr);
	assert_true(offered >> VIRTIO_BLK_F_RO & 1);
	assert_false(offered >> VIRTIO_BLK_F_DISCARD & 1);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_IN, 0, 512, NULL), VIRTIO_BLK_S_OK);
	/* It was not offered, and nobody can be made to believe so. */
	memset(driver_at(dr, DATA), 0, 512);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_OUT, 0, 512, NULL), VIRTIO_BLK_S_IOERR);
	segment(dr, 0, 0, 1, 0);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_DISCARD, 0, 16, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_FLUSH, 0, 0, NULL), VIRTIO_BLK_S_OK);
	check_range(f->fd, 0, 127, false);
}

static void test_broken(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(driver_start(dr, 0, SIZE), 0);
		header(dr, VIRTIO_BLK_T_IN, 0);
		/* Too short a header; only writable; no room for a status; nothing at all. */
		if (i == 0) {
			driver_own(dr, 0, 0, DRIVER_DATA, 15, DESC_NEXT, 1);
			driver_own(dr, 0, 1, STATUS, 1, DESC_WRITE, 0);
		} else {
			driver_own(dr, 0, 0, DRIVER_DATA, i == 3 ? 0 : 16, i == 1 ? DESC_WRITE : 0,
				   0);
		}
		driver_offer(dr, 0, 0);
		driver_run(dr);
		assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
		assert_int_equal(*(uint8_t *)driver_at(dr, STATUS), 0xee);
	}
	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_IN, 0, 512, NULL), VIRTIO_BLK_S_OK);
}

static void *run_loop(void *argument)
{
	struct driver *dr = argument;

	while (__atomic_load_n(&dr->loop.running, __ATOMIC_ACQUIRE))
		loop_once(&dr->loop, 1, NULL);
	return NULL;
}

/* Resets while the loop's thread is at work: after one, nothing changes in the guest's memory any more. */
static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static uint8_t still[65536];
	pthread_t thread;

	memset(still, 0x77, sizeof still);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, dr), 0);
	for (unsigned round = 0; round < 300; round++) {
		assert_int_equal(driver_start(dr, 0, SIZE), 0);
		header(dr, VIRTIO_BLK_T_IN, 0);
		driver_own(dr, 0, 0, DRIVER_DATA, 16, DESC_NEXT, 1);
		driver_own(dr, 0, 1, DATA, sizeof still, DESC_WRITE | DESC_NEXT, 2);
		driver_own(dr, 0, 2, STATUS, 1, DESC_WRITE, 0);
		for (unsigned i = 0; i < SIZE; i++)
			driver_put(dr, 0, 0);
		driver_notify(dr, 0);
		usleep(round % 20 * 10);
		driver_set(dr, VIRTIO_MMIO_STATUS, 0);
		memcpy(driver_at(dr, DATA), still, sizeof still);
		usleep(50);
		assert_memory_equal(driver_at(dr, DATA), still, sizeof still);
	}
	__atomic_store_n(&dr->loop.running, 0, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	assert_int_equal(ask(dr, VIRTIO_BLK_T_IN, 0, 512, NULL), VIRTIO_BLK_S_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration), T(read_write),    T(layout),   T(beyond), T(zeroes),
		T(make),          T(readonly),      T(broken),   T(reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
