/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-balloon: what is given back is gone, what is not stays, and nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define SIZE  16
#define FIRST (DRIVER_DATA / 4096 + 64) /* the pages in question */
#define STATS (1ull << VIRTIO_BALLOON_F_STATS_VQ)

static int setup(void **state)
{
	struct driver *dr = malloc(sizeof *dr);

	if (!dr || driver_init(dr) < 0)
		return -1;
	dr->d = balloon_make(&dr->host, NULL);
	*state = dr;
	return dr->d ? driver_start(dr, ~0ull, SIZE) : -1;
}

static int teardown(void **state)
{
	driver_free(*state);
	free(*state);
	return 0;
}

static void fill(struct driver *dr, unsigned pages)
{
	memset(driver_at(dr, FIRST * 4096), 0x5a, pages * 4096ul);
}

static bool is_there(struct driver *dr, unsigned page)
{
	return *(uint8_t *)driver_at(dr, (FIRST + page) * 4096 + 77) == 0x5a;
}

static void give(struct driver *dr, unsigned queue, const uint32_t *frames, uint32_t count)
{
	memcpy(driver_at(dr, DRIVER_DATA), frames, 4ul * count);
	driver_own(dr, queue, 0, DRIVER_DATA, 4 * count, 0, 0);
	driver_offer(dr, queue, 0);
	driver_run(dr);
}

static void check_inflate(struct driver *dr)
{
	uint32_t frames[] = { FIRST, FIRST + 1, FIRST + 2, FIRST + 5, FIRST + 4 };
	uint32_t head, length;

	fill(dr, 8);
	give(dr, 0, frames, 5);
	assert_true(driver_take(dr, 0, &head, &length));
	static const bool there[] = { false, false, false, true, false, false, true, true };
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(is_there(dr, i), there[i]);
	give(dr, 1, frames, 5);
	assert_true(driver_take(dr, 1, &head, &length));
	fill(dr, 8);
	assert_true(is_there(dr, 0));
}

static void test_inflate(void **state)
{
	check_inflate(*state);
}

/* Memory that others have mapped, too: the pages go from all of them. */
static void test_shared(void **state)
{
	struct driver *dr = *state;

	dr->memory.fd = memfd_create("husk-test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(dr->memory.fd, DRIVER_BYTES), 0);
	assert_ptr_not_equal(mmap(dr->memory.low, DRIVER_BYTES, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_FIXED, dr->memory.fd, 0),
			     MAP_FAILED);
	assert_int_equal(driver_start(dr, ~0ull, SIZE), 0);
	check_inflate(dr);
}

static void test_target(void **state)
{
	struct driver *dr = *state;
	struct balloon_stats s;

	(void)driver_interrupts(dr);
	balloon_set(dr->d, (1 << 20) + 1);
	assert_int_equal(driver_interrupts(dr), 1);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_CONFIG), 257);
	driver_set(dr, VIRTIO_MMIO_CONFIG + 4, 100);
	driver_set(dr, VIRTIO_MMIO_CONFIG, 5);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_CONFIG), 257);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_CONFIG + 4), 100);
	balloon_stats_read(dr->d, &s);
	assert_int_equal(s.actual_bytes, 409600);
	assert_false(s.valid);
	balloon_set(dr->d, UINT64_MAX);
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_CONFIG), UINT32_MAX);
}

static void test_stats(void **state)
{
	struct driver *dr = *state;
	struct virtio_balloon_stat tags[] = { { VIRTIO_BALLOON_S_MEMFREE, 1000 },
					      { VIRTIO_BALLOON_S_MEMTOT, 3000 },
					      { VIRTIO_BALLOON_S_AVAIL, 2000 },
					      { 999, 7 } };
	struct balloon_stats s;
	uint32_t head, length;

	memcpy(driver_at(dr, DRIVER_DATA), tags, sizeof tags);
	driver_own(dr, 2, 0, DRIVER_DATA, sizeof tags + 3, 0, 0);
	driver_offer(dr, 2, 0);
	driver_run(dr);
	assert_false(driver_take(dr, 2, &head, &length));
	balloon_stats_read(dr->d, &s);
	assert_true(s.valid);
	assert_int_equal(s.free_bytes, 1000);
	assert_int_equal(s.total_bytes, 3000);
	assert_int_equal(s.available_bytes, 2000);
	/* And the guest is asked again, once. */
	assert_true(driver_take(dr, 2, &head, &length));
	balloon_stats_read(dr->d, &s);
	assert_false(driver_take(dr, 2, &head, &length));
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	balloon_stats_read(dr->d, &s);
	assert_false(s.valid);
}

/* Free pages, as they are: whole pages only. Behind statistics, or in their place. */
static void test_reports(void **state)
{
	struct driver *dr = *state;
	uint32_t head, length;

	for (unsigned queue = 3; queue >= 2; queue--) {
		assert_int_equal(driver_start(dr, queue == 3 ? ~0ull : ~STATS, SIZE), 0);
		fill(dr, 8);
		driver_own(dr, queue, 0, FIRST * 4096, 8192, DESC_WRITE | DESC_NEXT, 1);
		driver_own(dr, queue, 1, (FIRST + 4) * 4096 - 100, 4096 + 200, DESC_WRITE, 0);
		driver_offer(dr, queue, 0);
		driver_run(dr);
		assert_true(driver_take(dr, queue, &head, &length));
		static const bool there[] = { false, false, true, true, false, true };
		for (unsigned i = 0; i < 6; i++)
			assert_int_equal(is_there(dr, i), there[i]);
	}
}

static void broken(struct driver *dr)
{
	driver_run(dr);
	assert_true(driver_get(dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(driver_start(dr, ~0ull, SIZE), 0);
}

static void test_broken(void **state)
{
	struct driver *dr = *state;
	uint32_t frames[] = { FIRST, DRIVER_BYTES / 4096 };

	fill(dr, 1);
	give(dr, 0, frames, 2);
	broken(dr);
	frames[1] = UINT32_MAX;
	give(dr, 0, frames, 2);
	broken(dr);
	driver_own(dr, 3, 0, FIRST * 4096, 4096, 0, 0);
	driver_offer(dr, 3, 0);
	broken(dr);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(inflate), T(shared), T(target), T(stats), T(reports), T(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
