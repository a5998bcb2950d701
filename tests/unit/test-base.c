/* SPDX-License-Identifier: Apache-2.0 */
/* src/base without files: errors, text, numbers, arenas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/text.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

/* ---- errors ---- */

static void test_err_set(void **state)
{
	struct err e = { .phase = "init", .step = "old" };

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "/x"), -1);
	assert_string_equal(e.msg, "open /x: No such file or directory");
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.errnum, ENOENT);
	assert_int_equal(errno, ENOENT);
	/* Where an earlier failure was says nothing about this one. */
	assert_string_equal(e.phase, "");
	assert_string_equal(e.step, "");
	assert_int_equal(err_config(&e, "mounts[%d]: %s", 3, "no"), -1);
	assert_string_equal(e.msg, "mounts[3]: no");
	assert_int_equal(e.errnum, 0);
	/* Nobody wants the text: errno is still there for the caller. */
	errno = 0;
	assert_int_equal(err_set(NULL, ERR_SYSTEM, EBUSY, "x"), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(err_prefix(NULL, "x"), -1);
	assert_int_equal(err_append(NULL, "x"), -1);
}

static void test_err_prefix_append(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_EXEC, EACCES, "exec %s", "/bin/sh");
	assert_int_equal(err_prefix(&e, "mounts[%zu]", (size_t)7), -1);
	assert_int_equal(err_append(&e, " (mode %04o)", 0644), -1);
	assert_string_equal(e.msg, "mounts[7]: exec /bin/sh: Permission denied (mode 0644)");
	assert_int_equal(e.kind, ERR_EXEC);
	assert_int_equal(e.errnum, EACCES);
}

/* A text of @n letters that shows where it was cut: a..z over and over. */
static char *letters(size_t n)
{
	char *text = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i % 26);
	text[n] = '\0';
	return text;
}

/* Both ends of what does not fit must survive, and nothing else may change. */
static void check_cut(const char *whole, const char *cut)
{
	const char *gap = strstr(cut, "[...]");

	assert_int_equal(strlen(cut), ERR_MSG_MAX - 1);
	assert_non_null(gap);
	size_t head = (size_t)(gap - cut), tail = strlen(gap + 5);
	assert_memory_equal(cut, whole, head);
	assert_string_equal(gap + 5, whole + strlen(whole) - tail);
	/* In the middle, as good as it gets. */
	assert_in_range(head, tail - 1, tail + 1);
}

static void test_err_cut(void **state)
{
	static const size_t lengths[] = {
		ERR_MSG_MAX - 2, ERR_MSG_MAX - 1, ERR_MSG_MAX, ERR_MSG_MAX + 1, 1000, 4096, 8000
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < LEN(lengths); i++) {
		char *text = letters(lengths[i]);
		err_config(&e, "%s", text);
		if (lengths[i] < ERR_MSG_MAX)
			assert_string_equal(e.msg, text);
		else
			check_cut(text, e.msg);
		free(text);
	}
}

/* The system's words and the object at the start are what a reader needs of a long path. */
static void test_err_cut_keeps_ends(void **state)
{
	char *path = letters(4000);
	struct err e;

	(void)state;
	err_set(&e, ERR_SYSTEM, ENAMETOOLONG, "open /%s", path);
	assert_true(text_starts(e.msg, "open /abc"));
	assert_true(text_ends(e.msg, ": File name too long"));
	err_prefix(&e, "mounts[2]");
	assert_true(text_starts(e.msg, "mounts[2]: open /abc"));
	assert_true(text_ends(e.msg, ": File name too long"));
	err_append(&e, " (a hint)");
	assert_true(text_starts(e.msg, "mounts[2]: open /abc"));
	assert_true(text_ends(e.msg, " too long (a hint)"));
	assert_true(strlen(e.msg) < ERR_MSG_MAX);
	free(path);
}

static void test_err_kinds(void **state)
{
	(void)state;
	for (int a = ERR_NONE; a <= ERR_NO_MEMORY; a++) {
		assert_non_null(err_kind_name(a));
		for (int b = a + 1; b <= ERR_NO_MEMORY; b++)
			assert_string_not_equal(err_kind_name(a), err_kind_name(b));
	}
	assert_string_equal(err_kind_name(-1), "unknown");
	assert_string_equal(err_kind_name(ERR_NO_MEMORY + 1), "unknown");
}

/* ---- formatting: snprintf is the oracle ---- */

static unsigned long long random_number(void)
{
	unsigned long long value = 0;

	/* Short numbers as often as long ones, and the edges. */
	for (int i = 0; i < 4; i++)
		value = value << 16 ^ (unsigned long long)random();
	switch (random() % 8) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return 1ULL << 63;
	case 3:
		return INT_MAX;
	case 4:
		return (unsigned long long)(long long)INT_MIN;
	default:
		return value >> random() % 64;
	}
}

/* The same arguments to both; in a buffer that is often too small. */
#define COMPARE(format, ...)                                                                       \
	do {                                                                                       \
		char mine[64], theirs[64];                                                         \
		size_t size = 1 + (size_t)random() % sizeof mine;                                  \
		memset(mine, '#', sizeof mine);                                                    \
		size_t n = text_format(mine, size, format, __VA_ARGS__);                           \
		int m = snprintf(theirs, size, format, __VA_ARGS__);                               \
		assert_string_equal(mine, theirs);                                                 \
		assert_int_equal(n, strlen(mine));                                                 \
		/* Said to be cut whenever it was; a text that just fits may be, too. */           \
		if ((size_t)m >= size)                                                             \
			assert_true(text_cut(n, size));                                            \
		for (size_t i = size; i < sizeof mine; i++)                                        \
			assert_int_equal(mine[i], '#');                                            \
	} while (0)

static void compare_narrow(unsigned long long v)
{
	COMPARE("%d", (int)v);
	COMPARE("<%i>", (int)v);
	COMPARE("%u", (unsigned)v);
	COMPARE("%x", (unsigned)v);
	COMPARE("%o", (unsigned)v);
	COMPARE("%c|%c", (int)(v % 95 + 32), 'z');
	COMPARE("%04o", (unsigned)v & 07777);
	COMPARE("%02d:%02d", (int)(v % 100), (int)(v % 7));
	COMPARE("%09d", (int)v);
	COMPARE("%03x", (unsigned)v);
	COMPARE("%%%d%%", (int)v);
}

static void compare_wide(unsigned long long v)
{
	COMPARE("%ld", (long)v);
	COMPARE("%lu", (unsigned long)v);
	COMPARE("%lx", (unsigned long)v);
	COMPARE("%lld", (long long)v);
	COMPARE("%llu", v);
	COMPARE("%llx", v);
	COMPARE("%zu", (size_t)v);
	COMPARE("%zd", (ssize_t)v);
	COMPARE("%09ld", (long)v);
	COMPARE("%020llu %d", v, (int)v);
}

static void compare_strings(unsigned long long v)
{
	char *text = letters((size_t)(v % 70));

	COMPARE("%s", text);
	COMPARE("\"%s\": %d", text, (int)v);
	COMPARE("%.*s", (int)(v % 80), text);
	COMPARE("%.*s/%s", (int)(v % 11), text, "end");
	COMPARE("%.*s", -1, text);
	free(text);
}

static void test_format(void **state)
{
	(void)state;
	srandom(4711);
	for (int i = 0; i < 20000; i++) {
		unsigned long long v = random_number();
		compare_narrow(v);
		compare_wide(v);
		if (i % 10 == 0)
			compare_strings(v);
	}
	COMPARE("plain %s", "");
	COMPARE("%s%s%s", "a", "", "b");
}

/* Not terminated, and only as much as was said may be read. */
static void test_format_bounded_string(void **state)
{
	char *raw = malloc(3), out[16];

	(void)state;
	memcpy(raw, "abc", 3);
	assert_int_equal(text_format(out, sizeof out, "%.*s.", 3, raw), 4);
	assert_string_equal(out, "abc.");
	free(raw);
}

static void test_format_edges(void **state)
{
	char out[8] = "1234567";
	const char *volatile none = NULL;
	/* Not in the list of conversions: as it stands, and nothing after it is read. */
	const char *odd = "%q %s";

	(void)state;
	assert_int_equal(text_format(out, 0, "%s", "x"), 0);
	assert_string_equal(out, "1234567");
	assert_int_equal(text_format(out, 1, "%s", "x"), 0);
	assert_string_equal(out, "");
	assert_int_equal(text_format(out, sizeof out, "%s", none), 6);
	assert_string_equal(out, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	assert_int_equal(text_format(out, sizeof out, odd), 5);
#pragma GCC diagnostic pop
	assert_string_equal(out, odd);
}

/* ---- numbers ---- */

static void test_parse_u64(void **state)
{
	static const struct {
		const char *text;
		int errnum; /* 0: fine */
		uint64_t value;
	} table[] = {
		{ "0", 0, 0 },
		{ "00", 0, 0 },
		{ "7", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", ERANGE, 0 },
		{ "99999999999999999999999", ERANGE, 0 },
		{ "", EINVAL, 0 },
		{ NULL, EINVAL, 0 },
		{ "-1", EINVAL, 0 },
		{ "+1", EINVAL, 0 },
		{ " 1", EINVAL, 0 },
		{ "1 ", EINVAL, 0 },
		{ "1\n", EINVAL, 0 },
		{ "0x10", EINVAL, 0 },
		{ "1e3", EINVAL, 0 },
		{ "1.0", EINVAL, 0 },
		{ "1:2", EINVAL, 0 },
		{ "\xd9\xa1", EINVAL, 0 }, /* an Arabic digit */
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		uint64_t value = 4242;
		errno = 0;
		int result = text_parse_u64(table[i].text, &value);
		if (result != (table[i].errnum ? -1 : 0) || errno != table[i].errnum ||
		    value != (table[i].errnum ? 4242 : table[i].value))
			fail_msg("\"%s\": %d, errno %d, %llu",
				 table[i].text ? table[i].text : "NULL", result, errno,
				 (unsigned long long)value);
	}
}

static void test_parse_i64(void **state)
{
	int64_t value = 1;

	(void)state;
	assert_int_equal(text_parse_i64("-9223372036854775808", &value), 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(text_parse_i64("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(text_parse_i64("-0", &value), 0);
	assert_true(value == 0);
	value = 5;
	errno = 0;
	assert_int_equal(text_parse_i64("9223372036854775808", &value), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(text_parse_i64("-9223372036854775809", &value), -1);
	assert_int_equal(errno, ERANGE);
	static const char *const bad[] = { "-", "--1", "- 1", "", "1-", "+1" };
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(text_parse_i64(bad[i], &value), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(text_parse_i64(NULL, &value), -1);
	assert_true(value == 5);
}

static void test_parse_u32(void **state)
{
	uint32_t value = 5;

	(void)state;
	assert_int_equal(text_parse_u32("4294967296", &value), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(text_parse_u32("-1", &value), -1);
	assert_int_equal(value, 5);
	assert_int_equal(text_parse_u32("4294967295", &value), 0);
	assert_true(value == UINT32_MAX);
}

static void test_words(void **state)
{
	(void)state;
	assert_true(text_starts("abc", "") && text_starts("abc", "abc") &&
		    text_starts("abc", "ab"));
	assert_false(text_starts("ab", "abc"));
	assert_false(text_starts("xab", "ab"));
	assert_true(text_ends("abc", "") && text_ends("abc", "abc") && text_ends("abc", "bc"));
	assert_false(text_ends("bc", "abc"));
	assert_false(text_ends("abcx", "abc"));
	assert_string_equal(text_errno(ENOENT), "No such file or directory");
	assert_string_equal(text_errno(4095), "Unknown error");
}

/* ---- arenas ---- */

static void test_arena_memory(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t n = 0; n < 40000; n = n * 3 / 2 + 1) {
		unsigned char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	char *text = arena_format(&a, "%s-%d", "x", 7);
	assert_string_equal(text, "x-7");
	assert_string_equal(arena_strdup(&a, text), "x-7");
	assert_null(arena_strdup(&a, NULL));
	assert_memory_equal(arena_memdup(&a, "a\0b", 3), "a\0b", 4);
	assert_int_equal(arena_check(&a, NULL), 0);
	arena_free(&a);
	assert_null(a.blocks);
}

static void test_arena_limit(void **state)
{
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 64 * 1024);
	size_t got = 0;
	while (arena_alloc(&a, 1000))
		got += 1000;
	assert_in_range(got, 60000, 64 * 1024);
	/* Sticky: the builder may look once, at its end. */
	assert_null(arena_alloc(&a, 1000));
	assert_int_equal(arena_check(&a, &e), -1);
	assert_int_equal(e.kind, ERR_NO_MEMORY);
	assert_string_equal(e.msg, "input needs more than 64 KiB of memory");
	arena_free(&a);
	assert_int_equal(a.limit_bytes, 64 * 1024);
	assert_non_null(arena_alloc(&a, 1000));
	assert_int_equal(arena_check(&a, &e), 0);
	arena_free(&a);
}

static void test_arena_overflow(void **state)
{
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_null(arena_array(&a, SIZE_MAX / 8 + 1, 16));
	assert_int_equal(arena_check(&a, &e), -1);
	arena_free(&a);
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, SIZE_MAX - 3));
	assert_int_equal(arena_check(&a, &e), -1);
	assert_string_equal(e.msg, "allocate memory: Cannot allocate memory");
	arena_free(&a);
	arena_init(&a, 4096);
	assert_null(arena_alloc(&a, SIZE_MAX / 2 - 8));
	arena_free(&a);
}

/* A text that was cut must not be taken for the whole. */
static void test_arena_format_cut(void **state)
{
	char *text = letters(9000);
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(arena_format(&a, "%s", text));
	assert_int_equal(arena_check(&a, NULL), -1);
	arena_free(&a);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set),
		cmocka_unit_test(test_err_prefix_append),
		cmocka_unit_test(test_err_cut),
		cmocka_unit_test(test_err_cut_keeps_ends),
		cmocka_unit_test(test_err_kinds),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_bounded_string),
		cmocka_unit_test(test_format_edges),
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_i64),
		cmocka_unit_test(test_parse_u32),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_arena_memory),
		cmocka_unit_test(test_arena_limit),
		cmocka_unit_test(test_arena_overflow),
		cmocka_unit_test(test_arena_format_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
