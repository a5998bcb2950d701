/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer; our own reader judges what it wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "src/json/json-tree.h"
#include "src/json/json-write.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void write_sample(struct json_writer *w)
{
	static char a[] = "a", b[] = "b", k[] = "k", v[] = "v";
	static char *items[] = { a, b, NULL };
	const struct str_list list = { items, 2 };
	const struct key_value pairs[] = { { k, v } };

	json_write_object_begin(w, NULL);
	json_write_string(w, "s", "\"\\/\b\f\n\r\t\x01\x7f\xc3\xa9\xff");
	json_write_string(w, "none", NULL);
	json_write_u64(w, "u", UINT64_MAX);
	json_write_i64(w, "i", INT64_MIN);
	json_write_bool(w, "b", true);
	json_write_strings(w, "list", &list);
	json_write_key_values(w, "map", pairs, 1);
	json_write_array_begin(w, "empty");
	json_write_array_end(w);
	json_write_object_begin(w, "o");
	json_write_object_end(w);
	json_write_raw(w, "raw", "[1]", 3);
	json_write_object_end(w);
}

static const char compact[] =
	"{\"s\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f\xc3\xa9\xef\xbf\xbd\",\"none\":null,"
	"\"u\":18446744073709551615,\"i\":-9223372036854775808,\"b\":true,\"list\":[\"a\",\"b\"],"
	"\"map\":{\"k\":\"v\"},\"empty\":[],\"o\":{},\"raw\":[1]}";

static void write_compact(void **state)
{
	struct json_doc doc = { .name = "t" };
	struct json_writer w;
	struct arena a;

	(void)state;
	json_write_init(&w, false);
	write_sample(&w);
	doc.text = json_write_finish(&w, &doc.length, NULL);
	assert_string_equal(doc.text, compact);
	assert_int_equal(doc.length, strlen(compact));
	arena_init(&a, 0);
	assert_int_equal(json_tree_parse(&doc, &a, NULL), 0);
	assert_string_equal(json_tree_member(doc.root, "s")->text,
			    "\"\\/\b\f\n\r\t\x01\x7f\xc3\xa9\xef\xbf\xbd");
	arena_free(&a);
	json_write_free(&w);
}

static void write_pretty(void **state)
{
	struct json_writer w;

	(void)state;
	json_write_init(&w, true);
	json_write_object_begin(&w, NULL);
	json_write_u64(&w, "a", 1);
	json_write_array_begin(&w, "b");
	json_write_object_begin(&w, NULL);
	json_write_object_end(&w);
	json_write_null(&w, NULL);
	json_write_array_end(&w);
	json_write_object_end(&w);
	assert_string_equal(json_write_finish(&w, NULL, NULL),
			    "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t{},\n\t\tnull\n\t]\n}");
	json_write_free(&w);
}

static void write_fixed(void **state)
{
	char buffer[sizeof compact + 8];
	struct json_writer w;
	struct err e;

	(void)state;
	for (size_t size = 0; size < sizeof buffer; size++) {
		memset(buffer, '#', sizeof buffer);
		json_write_init_fixed(&w, buffer, size, false);
		write_sample(&w);
		const char *text = json_write_finish(&w, NULL, &e);
		if (size >= sizeof compact) {
			assert_string_equal(text, compact);
		} else {
			assert_null(text);
			assert_string_equal(e.msg, "write JSON: the buffer is too small");
		}
		assert_int_equal(buffer[size], '#');
		json_write_free(&w);
	}
}

static void write_doubles(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1.5, "1.5" },
		{ -2.25, "-2.25" },
		{ 0.1, "0.1" },
		{ 1e15, "1000000000000000" },
		{ 0.9999999, "1" },
		{ 12.000001, "12.000001" },
		{ NAN, "null" },
		{ INFINITY, "null" },
		{ -INFINITY, "null" },
		{ 1e300, "null" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_writer w;
		json_write_init(&w, false);
		json_write_double(&w, NULL, rows[i].value);
		assert_string_equal(json_write_finish(&w, NULL, NULL), rows[i].text);
		json_write_free(&w);
	}
}

/* Each of these is a mistake of the caller. */
static void unbalanced(struct json_writer *w)
{
	json_write_object_begin(w, NULL);
}

static void crossed(struct json_writer *w)
{
	json_write_object_begin(w, NULL);
	json_write_array_end(w);
}

static void too_many_ends(struct json_writer *w)
{
	json_write_object_begin(w, NULL);
	json_write_object_end(w);
	json_write_object_end(w);
}

static void key_in_array(struct json_writer *w)
{
	json_write_array_begin(w, NULL);
	json_write_u64(w, "k", 1);
	json_write_array_end(w);
}

static void no_key(struct json_writer *w)
{
	json_write_object_begin(w, NULL);
	json_write_u64(w, NULL, 1);
	json_write_object_end(w);
}

static void two_values(struct json_writer *w)
{
	json_write_u64(w, NULL, 1);
	json_write_u64(w, NULL, 2);
}

static void nothing(struct json_writer *w)
{
	(void)w;
}

static void too_deep(struct json_writer *w)
{
	for (int i = 0; i < 40; i++)
		json_write_array_begin(w, NULL);
	for (int i = 0; i < 40; i++)
		json_write_array_end(w);
}

static void write_mistakes(void **state)
{
	void (*const mistakes[])(struct json_writer *) = { unbalanced,	 crossed, too_many_ends,
							   key_in_array, no_key,  two_values,
							   nothing,	 too_deep };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		struct json_writer w;
		json_write_init(&w, false);
		mistakes[i](&w);
		assert_null(json_write_finish(&w, NULL, &e));
		json_write_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_compact),  cmocka_unit_test(write_pretty),
		cmocka_unit_test(write_fixed),	  cmocka_unit_test(write_doubles),
		cmocka_unit_test(write_mistakes),
	};

	return cmocka_run_group_tests_name("json-write", tests, NULL, NULL);
}
