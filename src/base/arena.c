/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"

#define BLOCK_BYTES 16384
#define ALIGNMENT   16

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(ALIGNMENT) char data[];
};

void arena_init(struct arena *a, size_t limit_bytes)
{
	*a = (struct arena){ .limit_bytes = limit_bytes };
}

void arena_free(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){ .limit_bytes = a->limit_bytes };
}

static struct arena_block *grow(struct arena *a, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct arena_block *b = malloc(sizeof *b + size);

	if (!b)
		return NULL;
	b->size = size;
	b->used = 0;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_block *b = a->blocks;

	if (bytes > SIZE_MAX / 2) {
		a->failed = 1;
		return NULL;
	}
	bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (a->limit_bytes && a->used_bytes + bytes > a->limit_bytes) {
		a->failed = 1;
		return NULL;
	}
	if (!b || b->size - b->used < bytes)
		b = grow(a, bytes);
	if (!b) {
		a->failed = 1;
		return NULL;
	}
	void *p = b->data + b->used;
	b->used += bytes;
	a->used_bytes += bytes;
	return memset(p, 0, bytes);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		a->failed = 1;
		return NULL;
	}
	return arena_alloc(a, bytes);
}

char *arena_memdup(struct arena *a, const void *data, size_t bytes)
{
	char *copy = arena_alloc(a, bytes + 1);

	if (copy)
		memcpy(copy, data, bytes);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return text ? arena_memdup(a, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *a, const char *format, ...)
{
	char text[8192];
	va_list args;

	va_start(args, format);
	size_t n = text_vformat(text, sizeof text, format, args);
	va_end(args);
	if (text_cut(n, sizeof text)) {
		a->failed = 1;
		return NULL;
	}
	return arena_memdup(a, text, n);
}

int arena_check(const struct arena *a, struct err *e)
{
	if (!a->failed)
		return 0;
	if (a->limit_bytes && a->used_bytes + BLOCK_BYTES > a->limit_bytes)
		return err_set(e, ERR_NO_MEMORY, 0, "input needs more than %zu KiB of memory",
			       a->limit_bytes / 1024);
	return err_set(e, ERR_NO_MEMORY, ENOMEM, "allocate memory");
}
