/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a kernel. The first two say how much memory the machine has and how long its initramfs is. What
 * is taken has its entry in memory, and nothing is written beside it: there are pages around it that
 * nobody may touch.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vm-shim/vmm/boot.h"

#define MIB       0x100000ull
#define LOW_MAX   (64 * MIB)
#define GUARD     (16 * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *room(void)
{
	static uint8_t *start;

	if (start)
		return start;
	uint8_t *all = mmap(NULL, LOW_MAX + 2 * GUARD, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED || mprotect(all + GUARD, LOW_MAX, PROT_READ | PROT_WRITE) < 0)
		abort();
	start = all + GUARD;
	return start;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t initrd[255 * 64];
	struct boot_entry entry;
	struct err e = { 0 };

	if (size < 2)
		return 0;
	uint64_t low = (data[0] % 64 + 1) * MIB;
	/* At the end of the room, so that what comes behind it is noticed. */
	struct guest_memory m = { .low = room() + LOW_MAX - low, .low_bytes = low, .fd = -1 };
	struct boot_request r = {
		.kernel = { .name = "k", .fd = -1, .bytes = data + 2, .size = size - 2 },
		.initrd = { .name = "i", .fd = -1, .bytes = initrd, .size = data[1] * 64u },
		.cmdline = "quiet",
	};
	if (boot_load(&m, &r, &entry, &e) < 0) {
		if (!memchr(e.msg, 0, sizeof e.msg) || !e.msg[0])
			abort();
		return 0;
	}
	if (entry.address < BOOT_HIGH || entry.address >= low)
		abort();
	return 0;
}
