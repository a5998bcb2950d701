/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON layer: tree and decoder. Texts of refusals are in tests/spec/json.golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/json/json-decode.h"
#include "src/json/json-tree.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct parsed {
	struct arena arena;
	struct json_doc doc;
	struct err err;
	int result;
};

static void parse_bytes(struct parsed *p, const char *text, size_t length)
{
	*p = (struct parsed){ .doc = { .name = "t", .text = text, .length = length } };
	arena_init(&p->arena, 0);
	p->result = json_tree_parse(&p->doc, &p->arena, &p->err);
}

static void parse(struct parsed *p, const char *text)
{
	parse_bytes(p, text, strlen(text));
}

/* ----------------------------------------------------------------- tree */

static void tree_shape(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "{\"a\": [1, -2.5e3, \"x\\n\\u00e9\"],\n \"b\": {\"c\": null}, \"d\": true, "
		  "\"\": false}");
	assert_int_equal(p.result, 0);
	assert_int_equal(p.doc.root->kind, JSON_OBJECT);
	assert_int_equal(p.doc.root->count, 4);
	const struct json_node *a = json_tree_member(p.doc.root, "a");
	assert_int_equal(a->kind, JSON_ARRAY);
	assert_int_equal(a->count, 3);
	assert_null(a->first->key);
	assert_string_equal(a->first->text, "1");
	assert_string_equal(a->first->next->text, "-2.5e3");
	assert_int_equal(a->first->next->kind, JSON_NUMBER);
	assert_string_equal(a->first->next->next->text, "x\n\xc3\xa9");
	assert_int_equal(a->first->next->next->count, 4);
	assert_null(a->first->next->next->next);
	const struct json_node *b = json_tree_member(p.doc.root, "b");
	assert_int_equal(json_tree_member(b, "c")->kind, JSON_NULL);
	assert_int_equal(json_tree_line(&p.doc, b->offset), 2);
	assert_true(json_tree_member(p.doc.root, "d")->boolean);
	assert_false(json_tree_member(p.doc.root, "")->boolean);
	assert_null(json_tree_member(p.doc.root, "e"));
	assert_null(json_tree_member(a, "a"));
	arena_free(&p.arena);
}

static void tree_find(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "{\"a\": {\"b\": [10, {\"x.y\": 5}]}, \"m\": {\"k.1\": \"v\"}}");
	const struct json_node *root = p.doc.root;
	assert_string_equal(json_tree_find(root, "a.b[0]")->text, "10");
	assert_string_equal(json_tree_find(root, "a.b[1][\"x.y\"]")->text, "5");
	assert_string_equal(json_tree_find(root, "m[\"k.1\"]")->text, "v");
	/* What is missing is answered by what is around it. */
	assert_ptr_equal(json_tree_find(root, "a.b[7].c"), json_tree_find(root, "a.b"));
	assert_ptr_equal(json_tree_find(root, "nothing.at.all"), root);
	assert_ptr_equal(json_tree_find(root, ""), root);
	assert_ptr_equal(json_tree_find(root, "a..b"), json_tree_find(root, "a"));
	assert_ptr_equal(json_tree_find(root, "a["), json_tree_find(root, "a"));
	arena_free(&p.arena);
}

/* @open and @close around nothing, @n deep. */
static char *nest(size_t n, char open, char close)
{
	char *text = calloc(2 * n + 1, 1);

	memset(text, open, n);
	memset(text + n, close, n);
	return text;
}

static void tree_depth(void **state)
{
	static const struct {
		size_t depth;
		int result;
	} rows[] = { { 1, 0 }, { 64, 0 }, { 65, -1 }, { 100000, -1 } };
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = nest(rows[i].depth, '[', ']');
		parse(&p, text);
		assert_int_equal(p.result, rows[i].result);
		if (p.result < 0)
			assert_non_null(strstr(p.err.msg, "nested too deeply"));
		arena_free(&p.arena);
		free(text);
	}
}

static void tree_too_many(void **state)
{
	size_t n = 2 * (size_t)JSON_NODES_MAX;
	char *text = malloc(n + 2);
	struct parsed p;

	(void)state;
	/* [1,1,1,...: one value more than allowed, the array counted. */
	memset(text, '1', n + 1);
	for (size_t i = 0; i < n; i += 2)
		text[i] = ',';
	text[0] = '[';
	text[n] = ']';
	parse_bytes(&p, text, n + 1);
	assert_int_equal(p.result, -1);
	assert_non_null(strstr(p.err.msg, "too many values"));
	arena_free(&p.arena);
	free(text);
}

static void tree_too_large(void **state)
{
	static const char text[] = "{}";
	struct parsed p;

	(void)state;
	parse_bytes(&p, text, (size_t)JSON_TEXT_MAX + 1);
	assert_int_equal(p.result, -1);
	assert_string_equal(p.err.msg, "t: larger than 16 MiB");
	arena_free(&p.arena);
}

/* Many members: the duplicate is found without comparing all with all. */
static void tree_many_members(void **state)
{
	size_t size = 20 * 60000, n = 0;
	char *text = malloc(size);
	struct parsed p;

	(void)state;
	text[n++] = '{';
	for (int i = 0; i < 60000; i++)
		n += (size_t)snprintf(text + n, size - n, "%s\"key%d\":1", i ? "," : "", i);
	n += (size_t)snprintf(text + n, size - n, "}");
	parse_bytes(&p, text, n);
	assert_int_equal(p.result, 0);
	arena_free(&p.arena);
	n += (size_t)snprintf(text + n - 1, size - n, ",\"key31337\":2}") - 1;
	parse_bytes(&p, text, n);
	assert_int_equal(p.result, -1);
	assert_string_equal(p.err.msg, "t:1: duplicate property \"key31337\"");
	arena_free(&p.arena);
	free(text);
}

static void tree_limited_arena(void **state)
{
	static const char text[] =
		"[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", 1, 2, 3]";
	struct json_doc doc = { .name = "t", .text = text, .length = sizeof text - 1 };
	struct err e;

	(void)state;
	for (size_t limit = 1; limit < 400; limit += 7) {
		struct arena a;
		e = (struct err){ 0 };
		arena_init(&a, limit);
		if (json_tree_parse(&doc, &a, &e) < 0)
			assert_int_equal(e.kind, ERR_NO_MEMORY);
		else
			assert_true(limit > 100);
		arena_free(&a);
	}
}

static void utf8(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "", true },
		{ "plain", true },
		{ "\xc2\x80", true },
		{ "\xdf\xbf", true },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "a\xe2\x82\xac"
		  "b",
		  true },
		{ "\x80", false },
		{ "\xbf", false },
		{ "\xc0\x80", false },	       /* NUL in two bytes */
		{ "\xc1\xbf", false },	       /* overlong */
		{ "\xe0\x9f\xbf", false },     /* overlong */
		{ "\xed\xa0\x80", false },     /* surrogate */
		{ "\xed\xbf\xbf", false },     /* surrogate */
		{ "\xf0\x8f\xbf\xbf", false }, /* overlong */
		{ "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
		{ "\xc3", false },
		{ "\xe2\x82", false },
		{ "\xe2\x28\xa1", false },
		{ "\xf0\x9f\x98", false },
	};
	char text[64];
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_utf8_valid(rows[i].text, strlen(rows[i].text)),
				 rows[i].valid);
		/* The same as a value and as a key. */
		snprintf(text, sizeof text, "[\"%s\"]", rows[i].text);
		parse(&p, text);
		assert_int_equal(p.result == 0, rows[i].valid);
		arena_free(&p.arena);
		snprintf(text, sizeof text, "{\"%s\": 1}", rows[i].text);
		parse(&p, text);
		assert_int_equal(p.result == 0, rows[i].valid);
		arena_free(&p.arena);
	}
}

static void messages_are_clean(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "{\"\\u001b[31mred\\n\": 1, \"\\u001b[31mred\\n\": 2}");
	assert_int_equal(p.result, -1);
	assert_string_equal(p.err.msg, "t:1: duplicate property \"?[31mred?\"");
	arena_free(&p.arena);
	/* No error wanted: nothing is written anywhere. */
	struct arena a;
	struct json_doc doc = { .name = "t", .text = "{", .length = 1 };
	arena_init(&a, 0);
	assert_int_equal(json_tree_parse(&doc, &a, NULL), -1);
	arena_free(&a);
}

/* --------------------------------------------------------------- decode */

static const struct json_name color_names[] = { { "red", 1 }, { "blue", 4 }, { NULL, 0 } };
static const struct json_enum colors = { "color", color_names };

struct inner {
	char *key;
	uint32_t number;
	char *text;
};

struct outer {
	bool flag;
	struct opt_bool opt_flag;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	int64_t i64;
	struct opt_u32 opt_u32, zero_unset;
	struct opt_i32 opt_i32;
	struct opt_u64 opt_u64;
	struct opt_i64 opt_i64;
	char *text, *empty_unset;
	struct str_list list;
	uint32_t *numbers;
	size_t numbers_count;
	struct key_value *pairs;
	size_t pairs_count;
	int color;
	uint32_t *palette;
	size_t palette_count;
	uint64_t mask;
	struct inner in, *pointer, *items, *map;
	size_t items_count, map_count;
	int custom;
	bool finished;
};

static const struct inner inner_defaults = { .number = 77 };
static const struct json_field inner_fields[] = {
	JSON_U32_ROW(struct inner, number, "number", .min = 5, .max = 100),
	JSON_STRING_ROW(struct inner, text, "text", .flags = JSON_REQUIRED),
};
static const struct json_table inner_table =
	JSON_TABLE(struct inner, inner_fields, .defaults = &inner_defaults);

static int custom(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct outer *o = object;

	if (node->kind != JSON_NUMBER)
		return json_decode_fail(d, node, "custom refuses");
	o->custom = 1;
	return 0;
}

static int finish(struct json_decoder *d, const struct json_node *node, void *object)
{
	(void)d;
	(void)node;
	((struct outer *)object)->finished = true;
	return 0;
}

static const struct json_field outer_fields[] = {
	JSON_BOOL_ROW(struct outer, flag, "flag"),
	JSON_OPT_BOOL_ROW(struct outer, opt_flag, "optFlag"),
	JSON_U16_ROW(struct outer, u16, "u16"),
	JSON_U32_ROW(struct outer, u32, "u32"),
	JSON_U64_ROW(struct outer, u64, "u64"),
	JSON_I64_ROW(struct outer, i64, "i64"),
	JSON_OPT_U32_ROW(struct outer, opt_u32, "optU32"),
	JSON_OPT_U32_ROW(struct outer, zero_unset, "zeroUnset", .flags = JSON_ZERO_UNSET, .min = 3,
			 .max = 9),
	JSON_OPT_I32_ROW(struct outer, opt_i32, "optI32"),
	JSON_OPT_U64_ROW(struct outer, opt_u64, "optU64"),
	JSON_OPT_I64_ROW(struct outer, opt_i64, "optI64"),
	JSON_STRING_ROW(struct outer, text, "text"),
	JSON_STRING_ROW(struct outer, empty_unset, "emptyUnset", .flags = JSON_EMPTY_UNSET),
	JSON_STRINGS_ROW(struct outer, list, "list"),
	JSON_U32_LIST_ROW(struct outer, numbers, "numbers"),
	JSON_KEY_VALUES_ROW(struct outer, pairs, "pairs"),
	JSON_ENUM_ROW(struct outer, color, "color", colors),
	JSON_ENUM_LIST_ROW(struct outer, palette, "palette", colors),
	JSON_FLAGS_ROW(struct outer, mask, "mask", colors),
	JSON_OBJECT_ROW(struct outer, in, "in", inner_table),
	JSON_POINTER_ROW(struct outer, pointer, "pointer", inner_table),
	JSON_LIST_ROW(struct outer, items, "items", inner_table),
	JSON_MAP_ROW(struct outer, map, "map", inner_table),
	JSON_CUSTOM_ROW("custom", custom),
	JSON_IGNORED_ROW("ignored"),
	JSON_REFUSED_ROW("refused", "is not for us"),
};
static const struct json_table outer_table =
	JSON_TABLE(struct outer, outer_fields, .finish = finish);

static int decode(struct parsed *p, struct outer *o, const char *text, bool strict)
{
	*o = (struct outer){ 0 };
	parse(p, text);
	assert_int_equal(p->result, 0);
	return json_decode(&p->doc, &outer_table, strict, o, &p->arena, &p->err);
}

static void decode_scalars(void **state)
{
	struct parsed p;
	struct outer o;

	(void)state;
	assert_int_equal(
		decode(&p, &o,
		       "{\"flag\": true, \"optFlag\": false, \"u16\": 65535, \"u32\": 4294967295,"
		       "\"u64\": 18446744073709551615, \"i64\": -9223372036854775808,"
		       "\"optU32\": 0, \"zeroUnset\": 0, \"optI32\": -2147483648, \"optU64\": 7,"
		       "\"optI64\": -1, \"text\": \"\", \"emptyUnset\": \"\", \"custom\": 1,"
		       "\"ignored\": {\"x\": []}, \"refused\": null}",
		       true),
		0);
	assert_true(o.flag);
	assert_true(o.opt_flag.set && !o.opt_flag.value);
	assert_int_equal(o.u16, 65535);
	assert_int_equal(o.u32, UINT32_MAX);
	assert_true(o.u64 == UINT64_MAX);
	assert_true(o.i64 == INT64_MIN);
	assert_true(o.opt_u32.set && o.opt_u32.value == 0);
	assert_false(o.zero_unset.set);
	assert_true(o.opt_i32.set && o.opt_i32.value == INT32_MIN);
	assert_true(o.opt_u64.set && o.opt_u64.value == 7);
	assert_true(o.opt_i64.set && o.opt_i64.value == -1);
	assert_string_equal(o.text, "");
	assert_null(o.empty_unset);
	assert_int_equal(o.custom, 1);
	assert_true(o.finished);
	arena_free(&p.arena);
}

static void decode_lists(void **state)
{
	struct parsed p;
	struct outer o;

	(void)state;
	assert_int_equal(
		decode(&p, &o,
		       "{\"list\": [\"a\", \"b\"], \"numbers\": [3, 4], \"pairs\": {\"k\": \"v\"},"
		       "\"color\": \"blue\", \"palette\": [\"blue\", \"red\"], \"mask\": [\"red\", "
		       "\"blue\"],"
		       "\"in\": {\"text\": \"i\"}, \"pointer\": {\"text\": \"p\", \"number\": 5},"
		       "\"items\": [{\"text\": \"0\"}, {\"text\": \"1\"}],"
		       "\"map\": {\"x\": {\"text\": \"mx\"}, \"y\": {\"text\": \"my\"}}}",
		       false),
		0);
	assert_int_equal(o.list.count, 2);
	assert_string_equal(o.list.items[1], "b");
	assert_null(o.list.items[2]);
	assert_int_equal(o.numbers_count, 2);
	assert_int_equal(o.numbers[1], 4);
	assert_int_equal(o.pairs_count, 1);
	assert_string_equal(o.pairs[0].key, "k");
	assert_string_equal(o.pairs[0].value, "v");
	assert_int_equal(o.color, 4);
	assert_int_equal(o.palette_count, 2);
	assert_int_equal(o.palette[0], 4);
	assert_int_equal(o.mask, 5);
	assert_int_equal(o.in.number, 77);
	assert_int_equal(o.pointer->number, 5);
	assert_int_equal(o.items_count, 2);
	assert_string_equal(o.items[1].text, "1");
	assert_int_equal(o.items[1].number, 77);
	assert_int_equal(o.map_count, 2);
	assert_string_equal(o.map[1].key, "y");
	assert_string_equal(o.map[1].text, "my");
	arena_free(&p.arena);
}

static void decode_errors(void **state)
{
	static const struct {
		const char *text, *message;
		bool strict;
		int kind;
	} rows[] = {
		{ "{\"x\": 1}", NULL, false, 0 },
		{ "{\"map\": {\"a\": {\"text\": \"\",\n\"x\": 1}}}",
		  "t:2: map[\"a\"]: unknown property \"x\": known are number, text", true,
		  ERR_CONFIG },
		{ "{\"u16\": 65536}", "t:1: u16: 65536 is out of range: 0 to 65535", false,
		  ERR_CONFIG },
		{ "{\"optI32\": 2147483648}",
		  "t:1: optI32: 2147483648 is out of range: -2147483648 to 2147483647", false,
		  ERR_CONFIG },
		{ "{\"zeroUnset\": 2}", "t:1: zeroUnset: 2 is out of range: 3 to 9", false,
		  ERR_CONFIG },
		{ "{\"in\": {\"number\": 4, \"text\": \"\"}}",
		  "t:1: in.number: 4 is out of range: 5 to 100", false, ERR_CONFIG },
		{ "{\"in\": {}}", "t:1: in: property \"text\" is missing", false, ERR_CONFIG },
		{ "{\"items\": [{\"text\": \"\"},\n{\"text\": 1}]}",
		  "t:2: items[1].text: expected string, got number 1", false, ERR_CONFIG },
		{ "{\"palette\": [\"red\", \"green\"]}",
		  "t:1: palette[1]: unknown color \"green\": must be one of red, blue", false,
		  ERR_CONFIG },
		{ "{\"pairs\": {\"a.b\": 1}}", "t:1: pairs[\"a.b\"]: expected string, got number 1",
		  false, ERR_CONFIG },
		{ "{\"custom\": \"x\"}", "t:1: custom: custom refuses", false, ERR_CONFIG },
		{ "{\"refused\": {}}", "t:1: refused: is not for us", false, ERR_UNSUPPORTED },
		{ "{\"u64\": -0}", NULL, false, 0 },
		{ "{\"u64\": true}", "t:1: u64: expected integer, got boolean", false, ERR_CONFIG },
	};
	struct parsed p;
	struct outer o;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int result = decode(&p, &o, rows[i].text, rows[i].strict);
		assert_int_equal(result, rows[i].message ? -1 : 0);
		if (rows[i].message) {
			assert_string_equal(p.err.msg, rows[i].message);
			assert_int_equal(p.err.kind, rows[i].kind);
		}
		arena_free(&p.arena);
	}
}

static void walk_one(void *ctx, const char *path, const struct json_field *field)
{
	(void)field;
	strcat(ctx, path);
	strcat(ctx, " ");
}

static void walk(void **state)
{
	char all[2048] = "";

	(void)state;
	json_table_walk(&outer_table, "top.", walk_one, all);
	assert_non_null(strstr(all, "top.flag top.optFlag "));
	assert_non_null(strstr(all, " top.in top.in.number top.in.text top.pointer "));
	assert_non_null(strstr(all, " top.items top.items[].number "));
	assert_non_null(strstr(all, " top.map top.map{}.number "));
}

static void enums(void **state)
{
	char list[16];

	(void)state;
	assert_true(json_enum_list(&colors, list, sizeof list));
	assert_string_equal(list, "red, blue");
	assert_false(json_enum_list(&colors, list, 6));
	assert_int_equal(json_enum_find(&colors, "blue", 4)->value, 4);
	assert_null(json_enum_find(&colors, "blu", 3));
	assert_null(json_enum_find(&colors, "", 0));
	assert_string_equal(json_enum_name(&colors, 1), "red");
	assert_null(json_enum_name(&colors, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree_shape),
		cmocka_unit_test(tree_find),
		cmocka_unit_test(tree_depth),
		cmocka_unit_test(tree_too_many),
		cmocka_unit_test(tree_too_large),
		cmocka_unit_test(tree_many_members),
		cmocka_unit_test(tree_limited_arena),
		cmocka_unit_test(utf8),
		cmocka_unit_test(messages_are_clean),
		cmocka_unit_test(decode_scalars),
		cmocka_unit_test(decode_lists),
		cmocka_unit_test(decode_errors),
		cmocka_unit_test(walk),
		cmocka_unit_test(enums),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
