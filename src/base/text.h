/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_TEXT_H
#define HUSK_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/*
 * Formatting without stdio, for processes that must not allocate or take
 * locks (init, middle). Conversions: %s %.*s %c %d %i %u %x %o %ld %lu %lx
 * %lld %llu %llx %zu %zd %% and zero-padded widths such as %04o. Anything
 * else is printed as it stands, which a test asserts never happens.
 * Writes at most @size bytes with a terminating NUL and returns the length
 * written (without NUL), never more than @size - 1.
 */
size_t text_format(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t text_vformat(char *buffer, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/* True if text_format() of the same arguments would have been cut: length == size - 1. */
#define text_cut(length, size) ((length) + 1 >= (size))

/* The system's words for an errno value, without locale and allocation. */
const char *text_errno(int errnum);

/*
 * Strict decimal parsers: digits only (a leading '-' for the signed one), no
 * sign, blanks or trailing text, in range. Return 0, or -1 with errno EINVAL
 * or ERANGE and *value untouched. CVE-2026-30892 and CVE-2016-3697 were lax
 * parsers of numbers in identity options.
 */
int text_parse_u64(const char *text, uint64_t *value);
int text_parse_i64(const char *text, int64_t *value);
int text_parse_u32(const char *text, uint32_t *value);

/* Seconds since the epoch as "2026-01-31T23:59:59" (UTC). gmtime(3) would read the time zone files. */
#define TEXT_TIME_MAX 32
const char *text_time(int64_t sec, char out[TEXT_TIME_MAX]);

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
#define text_equal(a, b) (strcmp((a), (b)) == 0)

/* Put @length bytes of @data behind the @used ones in @text, which has @size and ends with NUL; of what does not fit the
 * beginning goes. */
void text_keep_last(char *text, size_t size, size_t *used, const char *data, size_t length);

#endif
