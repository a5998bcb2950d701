/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where an address of the guest's becomes a pointer. Free of everything else, so that tests
 * and fuzzers use it with memory of their own.
 */
#include <stddef.h>

#include "vm-shim/vmm/memory.h"

/* Neither sum nor difference can wrap: what is subtracted was compared before. */
static void *piece(uint8_t *base, uint64_t start, uint64_t bytes, uint64_t address, uint64_t length)
{
	if (!base || address < start || address - start > bytes ||
	    length > bytes - (address - start))
		return NULL;
	return base + (address - start);
}

void *memory_at(const struct guest_memory *m, uint64_t address, uint64_t length)
{
	static uint8_t nothing;

	if (!length)
		return &nothing;
	void *p = piece(m->low, 0, m->low_bytes, address, length);
	return p ? p : piece(m->high, MEMORY_HOLE_END, m->high_bytes, address, length);
}
