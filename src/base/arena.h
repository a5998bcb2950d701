/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_ARENA_H
#define HUSK_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "src/base/err.h"

/*
 * Memory that is freed as a whole. The tree of a JSON file, the spec and the
 * plan live in one arena each; nothing in them is freed alone. Allocation
 * failure is sticky: arena_alloc() returns NULL and the builder checks
 * arena_failed() once at its end, or at once where it dereferences.
 */
struct arena {
	struct arena_block *blocks;
	size_t used_bytes, limit_bytes; /* limit 0: none */
	int failed;
};

void arena_init(struct arena *a, size_t limit_bytes);
void arena_free(struct arena *a);

/* Zeroed memory, aligned for any type; NULL when out of memory or over the limit. */
void *arena_alloc(struct arena *a, size_t bytes);
/* Zeroed array; NULL also when count * size overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
char *arena_strdup(struct arena *a, const char *text);
char *arena_memdup(struct arena *a, const void *data, size_t bytes);
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define arena_new(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

/* 0, or -1 with @e saying that memory ran out. */
int arena_check(const struct arena *a, struct err *e);

#endif
