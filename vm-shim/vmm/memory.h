/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_MEMORY_H
#define HUSK_VMM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * The guest's memory: below the hole for devices, and what does not fit there from 4 GiB on. Every
 * address that comes from the guest goes through memory_at(), nothing else computes with them.
 */
#define MEMORY_HOLE_START 0xc0000000ull
#define MEMORY_HOLE_END   0x100000000ull

struct guest_memory {
	uint8_t *low, *high;
	uint64_t low_bytes, high_bytes;
	int fd; /* memfd when shared with another process (vhost-user), else -1 */
};

enum {
	MEMORY_SHARED = 1 << 0,
	MEMORY_PREALLOC = 1 << 1,
	MEMORY_MERGEABLE = 1 << 2,
};

int memory_make(struct guest_memory *m, uint64_t bytes, unsigned flags, struct err *e);
void memory_free(struct guest_memory *m);
/* @length bytes at @address, or NULL unless all of them are memory in one piece. 0 bytes: never NULL. */
void *memory_at(const struct guest_memory *m, uint64_t address, uint64_t length);

#endif
