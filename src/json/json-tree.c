/* SPDX-License-Identifier: Apache-2.0 */
#include "src/json/json-tree.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "src/base/clean.h"
#include "src/base/text.h"

/* Up to this many members are compared pairwise, more are sorted: no input makes it quadratic. */
#define PAIRWISE_MAX 12

struct builder {
	struct json_doc *doc;
	struct arena *arena;
	struct err *err; /* kind is ERR_NONE until a callback fails */
	yajl_handle yajl;
	struct json_node *open[JSON_DEPTH_MAX]; /* containers around the place being read */
	struct json_node *last[JSON_DEPTH_MAX]; /* last member of each */
	size_t depth, nodes;
	size_t token_end; /* where the previous string ended: its successor's escapes start after it
			   */
	char *key;        /* of the value that comes next */
	uint32_t key_length;
};

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[] = { "null",   "boolean", "number",
					     "string", "array",   "object" };

	return names[kind];
}

size_t json_tree_line(const struct json_doc *doc, size_t offset)
{
	size_t line = 1;
	const char *p = doc->text, *end = p + (offset < doc->length ? offset : doc->length);

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		line++;
		p++;
	}
	return line;
}

/* Bytes of the sequence that starts at @p with a byte of 0x80 or more, 0 if it is malformed. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* The second byte tells overlong forms, UTF-16 surrogates and what is above U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool json_utf8_valid(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + length;

	while (p < end) {
		uint64_t eight;
		/* Nearly all text is ASCII: eight bytes at a time. */
		if (end - p >= 8) {
			memcpy(&eight, p, sizeof eight);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				p += 8;
				continue;
			}
		}
		if (*p < 0x80) {
			p++;
			continue;
		}
		size_t n = utf8_sequence(p, (size_t)(end - p));
		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

/* "a.b[3].c" of the innermost open container, for messages about it. */
static void open_path(const struct builder *b, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (size_t i = 1; i < b->depth && n + 1 < size; i++) {
		if (b->open[i]->key)
			n += text_format(out + n, size - n, "%s%s", n ? "." : "", b->open[i]->key);
		else
			n += text_format(out + n, size - n, "[%u]", b->open[i - 1]->count - 1);
	}
	if (n && n + 1 < size)
		text_format(out + n, size - n, ": ");
}

int json_clean_message(struct err *e)
{
	for (char *p = e ? e->msg : NULL; p && *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	return -1;
}

/* Returns 0, which makes yajl stop. */
static int refuse(struct builder *b, size_t offset, const char *what, const char *object)
{
	char path[256];

	open_path(b, path, sizeof path);
	err_set(b->err, ERR_CONFIG, 0, "%s:%zu: %s%s%s%s%s", b->doc->name,
		json_tree_line(b->doc, offset), path, what, object ? " \"" : "",
		object ? object : "", object ? "\"" : "");
	json_clean_message(b->err);
	return 0;
}

static size_t position(const struct builder *b)
{
	return yajl_get_bytes_consumed(b->yajl);
}

static struct json_node *add(struct builder *b, enum json_kind kind)
{
	if (++b->nodes > JSON_NODES_MAX) {
		refuse(b, position(b), "the file has too many values", NULL);
		return NULL;
	}
	struct json_node *node = arena_new(b->arena, struct json_node);
	if (!node)
		return NULL;
	node->kind = kind;
	node->offset = (uint32_t)position(b);
	node->key = b->key;
	node->key_length = b->key_length;
	b->key = NULL;
	b->key_length = 0;
	if (b->depth == 0) {
		b->doc->root = node;
		return node;
	}
	struct json_node *up = b->open[b->depth - 1];
	if (up->count++ == 0)
		up->first = node;
	else
		b->last[b->depth - 1]->next = node;
	b->last[b->depth - 1] = node;
	return node;
}

static int open_container(struct builder *b, enum json_kind kind)
{
	if (b->depth == JSON_DEPTH_MAX)
		return refuse(b, position(b), "nested too deeply (more than 64 levels)", NULL);
	struct json_node *node = add(b, kind);
	if (!node)
		return 0;
	b->open[b->depth++] = node;
	return 1;
}

static int on_start_map(void *ctx)
{
	return open_container(ctx, JSON_OBJECT);
}

static int on_start_array(void *ctx)
{
	return open_container(ctx, JSON_ARRAY);
}

static int on_end_array(void *ctx)
{
	struct builder *b = ctx;

	b->depth--;
	return 1;
}

static bool same_key(const struct json_node *a, const struct json_node *b)
{
	return a->key_length == b->key_length && memcmp(a->key, b->key, a->key_length) == 0;
}

static int compare_keys(const void *left, const void *right)
{
	const struct json_node *const *a = left, *const *b = right;
	int order = strcmp((*a)->key, (*b)->key);

	/* By place among equals, so that the later one is the one that is reported. */
	if (order == 0)
		return (*a)->offset < (*b)->offset ? -1 : 1;
	return order;
}

static const struct json_node *find_twin_pairwise(const struct json_node *object)
{
	for (const struct json_node *n = object->first; n; n = n->next) {
		for (const struct json_node *m = object->first; m != n; m = m->next) {
			if (same_key(n, m))
				return n;
		}
	}
	return NULL;
}

/* Sort pointers to the members: n log n whatever the keys are, unlike a hash. -1: no memory. */
static int find_twin_sorted(const struct json_node *object, const struct json_node **twin)
{
	CLEAN_FREE const struct json_node **sorted = calloc(object->count, sizeof(void *));
	size_t n = 0;

	if (!sorted)
		return -1;
	for (const struct json_node *m = object->first; m; m = m->next)
		sorted[n++] = m;
	qsort(sorted, n, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < n && !*twin; i++) {
		if (same_key(sorted[i - 1], sorted[i]))
			*twin = sorted[i];
	}
	return 0;
}

static int on_end_map(void *ctx)
{
	struct builder *b = ctx;
	const struct json_node *object = b->open[b->depth - 1], *twin = NULL;

	if (object->count <= PAIRWISE_MAX) {
		twin = find_twin_pairwise(object);
	} else if (find_twin_sorted(object, &twin) < 0) {
		err_set(b->err, ERR_NO_MEMORY, ENOMEM, "%s: check for duplicate properties",
			b->doc->name);
		return 0;
	}
	if (twin)
		return refuse(b, twin->offset, "duplicate property", twin->key);
	b->depth--;
	return 1;
}

/*
 * yajl turns a lone surrogate escape into "?". What was written and what is used would differ, so
 * look at the raw text, which starts somewhere after the previous string.
 */
static bool surrogates_paired(const char *raw, size_t length)
{
	bool high = false;

	for (size_t i = 0; i + 1 < length; i++) {
		bool escape = raw[i] == '\\';
		bool low = false, now_high = false;
		if (escape && raw[i + 1] == 'u' && i + 5 < length && (raw[i + 2] | 0x20) == 'd') {
			int digit = raw[i + 3] | 0x20; /* d8..db: high, dc..df: low */
			now_high = digit == '8' || digit == '9' || digit == 'a' || digit == 'b';
			low = digit >= 'c' && digit <= 'f';
		}
		if (high != low)
			return false;
		high = now_high;
		if (escape)
			i += raw[i + 1] == 'u' ? 5 : 1;
	}
	return !high;
}

/* Check and copy a key or string value. */
static char *take_text(struct builder *b, const char *text, size_t length)
{
	size_t end = position(b);
	bool escaped = text < b->doc->text || text >= b->doc->text + b->doc->length;
	char *copy = NULL;

	if (memchr(text, '\0', length))
		refuse(b, end, "a string contains NUL", NULL);
	else if (!json_utf8_valid(text, length) ||
		 (escaped && !surrogates_paired(b->doc->text + b->token_end, end - b->token_end)))
		refuse(b, end, "a string is not valid UTF-8", NULL);
	else
		copy = arena_memdup(b->arena, text, length);
	b->token_end = end;
	return copy;
}

static int on_map_key(void *ctx, const unsigned char *text, size_t length)
{
	struct builder *b = ctx;

	b->key = take_text(b, (const char *)text, length);
	b->key_length = (uint32_t)length;
	return b->key != NULL;
}

static int on_string(void *ctx, const unsigned char *text, size_t length)
{
	struct builder *b = ctx;
	char *copy = take_text(b, (const char *)text, length);
	struct json_node *node = copy ? add(b, JSON_STRING) : NULL;

	if (!node)
		return 0;
	node->text = copy;
	node->count = (uint32_t)length;
	return 1;
}

static int on_number(void *ctx, const char *text, size_t length)
{
	struct builder *b = ctx;
	struct json_node *node = add(b, JSON_NUMBER);

	if (!node)
		return 0;
	node->text = arena_memdup(b->arena, text, length);
	node->count = (uint32_t)length;
	return node->text != NULL;
}

static int on_boolean(void *ctx, int value)
{
	struct json_node *node = add(ctx, JSON_BOOL);

	if (!node)
		return 0;
	node->boolean = value != 0;
	return 1;
}

static int on_null(void *ctx)
{
	return add(ctx, JSON_NULL) != NULL;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* yajl's words ("parse error: premature EOF\n"), without its prefix and newline. */
static int refuse_syntax(struct builder *b, size_t offset)
{
	unsigned char *message = yajl_get_error(b->yajl, 0, NULL, 0);
	const char *text = message ? (const char *)message : "syntax error";
	const char *colon = strstr(text, ": ");

	if (colon)
		text = colon + 2;
	err_set(b->err, ERR_CONFIG, 0, "%s:%zu: not valid JSON: %.*s", b->doc->name,
		json_tree_line(b->doc, offset), (int)strcspn(text, "\n"), text);
	if (message)
		yajl_free_error(b->yajl, message);
	return -1;
}

static int run_lexer(struct builder *b)
{
	const unsigned char *text = (const unsigned char *)b->doc->text;
	yajl_status status = yajl_parse(b->yajl, text, b->doc->length);

	if (status == yajl_status_error)
		return refuse_syntax(b, position(b));
	/* What is missing at the end: yajl's position is that of a text of its own by then. */
	if (status == yajl_status_ok && yajl_complete_parse(b->yajl) != yajl_status_ok)
		return refuse_syntax(b, b->doc->length);
	if (status == yajl_status_ok && b->doc->root)
		return 0;
	/* A callback stopped it: either it said why, or the arena is exhausted. */
	if (arena_check(b->arena, b->err) < 0)
		err_prefix(b->err, "%s", b->doc->name);
	return -1;
}

int json_tree_parse(struct json_doc *doc, struct arena *a, struct err *e)
{
	struct err local = { 0 };
	struct builder b = { .doc = doc, .arena = a, .err = e ? e : &local };

	doc->root = NULL;
	if (doc->length > JSON_TEXT_MAX)
		return err_config(e, "%s: larger than %u MiB", doc->name, JSON_TEXT_MAX >> 20);
	b.yajl = yajl_alloc(&callbacks, NULL, &b);
	if (!b.yajl)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "%s: start the JSON parser", doc->name);
	/* take_text() checks more strictly. */
	yajl_config(b.yajl, yajl_dont_validate_strings, 1);
	int result = run_lexer(&b);
	yajl_free(b.yajl);
	return result;
}

static const struct json_node *member_of(const struct json_node *object, const char *key,
					 size_t length)
{
	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json_node *n = object->first; n; n = n->next) {
		if (n->key_length == length && memcmp(n->key, key, length) == 0)
			return n;
	}
	return NULL;
}

const struct json_node *json_tree_member(const struct json_node *object, const char *key)
{
	return member_of(object, key, strlen(key));
}

static const struct json_node *element_of(const struct json_node *array, const char *digits)
{
	unsigned long index = strtoul(digits, NULL, 10);
	const struct json_node *n = array->kind == JSON_ARRAY ? array->first : NULL;

	while (n && index--)
		n = n->next;
	return n;
}

const struct json_node *json_tree_find(const struct json_node *root, const char *path)
{
	const struct json_node *node = root, *next;

	while (node && *path) {
		size_t length;
		if (path[0] == '[' && path[1] == '"') {
			path += 2;
			length = strcspn(path, "\"");
			next = member_of(node, path, length);
			path += length;
			path += strcspn(path, "]");
		} else if (path[0] == '[') {
			next = element_of(node, path + 1);
			path += strcspn(path, "]");
		} else {
			path += *path == '.';
			length = strcspn(path, ".[");
			next = member_of(node, path, length);
			path += length;
			if (length == 0)
				break;
		}
		path += *path == ']';
		if (!next)
			break;
		node = next;
	}
	return node;
}
