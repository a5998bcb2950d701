/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/memory.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_BYTES 0x200000ull
/* The start of a kernel touches about so much. The rest gets huge pages as it is used, or not. */
#define BOOT_BYTES (128ull << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* An address at which huge pages can lie: what is too much at both ends is given back. */
static uint8_t *reserve(uint64_t bytes)
{
	size_t room = (size_t)(bytes + HUGE_BYTES);
	uint8_t *start =
		mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	size_t before = (size_t)(-(uintptr_t)start & (HUGE_BYTES - 1));
	if (before)
		munmap(start, before);
	munmap(start + before + bytes, room - before - (size_t)bytes);
	return start + before;
}

/*
 * Huge pages, or the guest's first second is thousands of faults. For memory of a file MADV_HUGEPAGE alone
 * does nothing on most distributions (shmem_enabled is "never"); collapsing works everywhere.
 * All of this is advice: without it the machine is slower, and the same.
 */
static void make_huge(uint8_t *start, uint64_t bytes, int fd)
{
	uint64_t boot = (bytes < BOOT_BYTES ? bytes : BOOT_BYTES) & ~(HUGE_BYTES - 1);

	(void)madvise(start, (size_t)bytes, MADV_HUGEPAGE);
	if (fd < 0 || !boot)
		return;
	for (uint64_t at = 0; at < boot; at += HUGE_BYTES)
		*(volatile uint8_t *)(start + at) = 0;
	(void)madvise(start, (size_t)boot, MADV_COLLAPSE);
}

static uint8_t *map_part(int fd, uint64_t offset, uint64_t bytes, unsigned flags, struct err *e)
{
	uint8_t *start = reserve(bytes);
	int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;

	if (!start || mmap(start, (size_t)bytes, PROT_READ | PROT_WRITE, kind | MAP_FIXED, fd,
			   fd < 0 ? 0 : (off_t)offset) == MAP_FAILED) {
		err_sys(e, "map %llu MiB of memory for the guest", (unsigned long long)bytes >> 20);
		if (start)
			munmap(start, (size_t)bytes);
		return NULL;
	}
	(void)madvise(start, (size_t)bytes, MADV_DONTDUMP);
	if (flags & MEMORY_MERGEABLE && madvise(start, (size_t)bytes, MADV_MERGEABLE) < 0) {
		err_sys(e, "let the kernel merge the guest's pages (CONFIG_KSM)");
		munmap(start, (size_t)bytes);
		return NULL;
	}
	make_huge(start, bytes, fd);
	if (flags & MEMORY_PREALLOC && madvise(start, (size_t)bytes, MADV_POPULATE_WRITE) < 0) {
		err_sys(e, "take %llu MiB of memory for the guest in advance",
			(unsigned long long)bytes >> 20);
		munmap(start, (size_t)bytes);
		return NULL;
	}
	return start;
}

int memory_make(struct guest_memory *m, uint64_t bytes, unsigned flags, struct err *e)
{
	*m = (struct guest_memory){ .fd = -1 };
	if (!bytes || bytes & 0xfff || bytes > UINT64_C(1) << 42)
		return err_config(e, "memory of %llu bytes (whole pages, at most 4 TiB)",
				  (unsigned long long)bytes);
	if (flags & MEMORY_SHARED) {
		m->fd = memfd_create("husk-vm-memory", MFD_CLOEXEC);
		if (m->fd < 0 || ftruncate(m->fd, (off_t)bytes) < 0) {
			err_sys(e, "make a file of %llu MiB in memory for the guest",
				(unsigned long long)bytes >> 20);
			memory_free(m);
			return -1;
		}
	}
	uint64_t low = bytes < MEMORY_HOLE_START ? bytes : MEMORY_HOLE_START;
	m->low = map_part(m->fd, 0, low, flags, e);
	m->low_bytes = m->low ? low : 0;
	if (m->low && bytes > low) {
		m->high = map_part(m->fd, low, bytes - low, flags, e);
		m->high_bytes = m->high ? bytes - low : 0;
	}
	if (!m->low || (bytes > low && !m->high)) {
		memory_free(m);
		return -1;
	}
	return 0;
}

void memory_free(struct guest_memory *m)
{
	int saved = errno;

	if (m->low)
		munmap(m->low, (size_t)m->low_bytes);
	if (m->high)
		munmap(m->high, (size_t)m->high_bytes);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct guest_memory){ .fd = -1 };
	errno = saved;
}
