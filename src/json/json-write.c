/* SPDX-License-Identifier: Apache-2.0 */
#include "src/json/json-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/json/json-tree.h"

#define FIRST_BYTES 4096

void json_write_init(struct json_writer *w, bool pretty)
{
	*w = (struct json_writer){ .pretty = pretty };
}

void json_write_init_fixed(struct json_writer *w, char *buffer, size_t size, bool pretty)
{
	*w = (struct json_writer){ .text = buffer, .size = size, .fixed = true, .pretty = pretty };
}

void json_write_free(struct json_writer *w)
{
	if (!w->fixed)
		free(w->text);
	*w = (struct json_writer){ 0 };
}

/* Room for @n more bytes and the final NUL. */
static bool reserve(struct json_writer *w, size_t n)
{
	size_t need = w->length + n + 1, size = w->size ? w->size : FIRST_BYTES;

	if (w->failed)
		return false;
	if (need <= w->size)
		return true;
	while (size < need && size < SIZE_MAX / 2)
		size *= 2;
	char *grown = w->fixed ? NULL : realloc(w->text, size);
	if (!grown) {
		w->failed = true;
		return false;
	}
	w->text = grown;
	w->size = size;
	return true;
}

static void put(struct json_writer *w, const char *text, size_t n)
{
	if (!reserve(w, n))
		return;
	memcpy(w->text + w->length, text, n);
	w->length += n;
}

static void put_newline(struct json_writer *w)
{
	if (!w->pretty)
		return;
	put(w, "\n", 1);
	for (unsigned i = 0; i < w->depth; i++)
		put(w, "\t", 1);
}

/* Length of the run at @p that can be copied as it is. */
static size_t plain_run(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f && *p != '"' &&
	       *p != '\\')
		p++;
	return (size_t)(p - start);
}

/* One byte that is special in JSON. */
static void put_escape(struct json_writer *w, unsigned char c)
{
	static const char letters[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
	const char *found = memchr(letters, c, sizeof letters - 1);
	char text[8];

	if (found) {
		char pair[2] = { '\\', names[found - letters] };
		put(w, pair, 2);
		return;
	}
	put(w, text, text_format(text, sizeof text, "\\u%04x", c));
}

static void put_quoted(struct json_writer *w, const char *value, size_t length)
{
	const char *p = value, *end = value + length;

	put(w, "\"", 1);
	while (p < end) {
		size_t run = plain_run(p, end);
		put(w, p, run);
		p += run;
		if (p == end)
			break;
		if ((unsigned char)*p < 0x80) {
			put_escape(w, (unsigned char)*p++);
			continue;
		}
		/* The longest well-formed sequence; a stray byte is replaced alone. */
		size_t n = 4 < end - p ? 4 : (size_t)(end - p);
		while (n > 1 &&
		       !(((unsigned char)p[n - 1] & 0xc0) == 0x80 && json_utf8_valid(p, n)))
			n--;
		if (n > 1)
			put(w, p, n);
		else
			put(w, "\xef\xbf\xbd", 3);
		p += n;
	}
	put(w, "\"", 1);
}

/* Comma, newline and key in front of a value. */
static void begin_value(struct json_writer *w, const char *key)
{
	uint32_t bit = UINT32_C(1) << w->depth;
	bool in_object = w->depth && !(w->is_array & bit);

	/* A key where none belongs, a missing one, and a second value at the top. */
	if (in_object != (key != NULL) || (w->depth == 0 && (w->has_members & bit)))
		w->failed = true;
	if (w->has_members & bit)
		put(w, ",", 1);
	w->has_members |= bit;
	if (w->depth)
		put_newline(w);
	if (!key)
		return;
	put_quoted(w, key, strlen(key));
	put(w, ": ", w->pretty ? 2 : 1);
}

static void begin_container(struct json_writer *w, const char *key, bool array)
{
	begin_value(w, key);
	put(w, array ? "[" : "{", 1);
	if (w->depth + 1 >= JSON_WRITE_DEPTH_MAX) {
		w->failed = true;
		return;
	}
	uint32_t bit = UINT32_C(1) << ++w->depth;
	w->has_members &= ~bit;
	w->is_array = array ? w->is_array | bit : w->is_array & ~bit;
}

static void end_container(struct json_writer *w, bool array)
{
	uint32_t bit = UINT32_C(1) << w->depth;

	if (w->depth == 0 || array != ((w->is_array & bit) != 0)) {
		w->failed = true;
		return;
	}
	w->depth--;
	if (w->has_members & bit)
		put_newline(w);
	put(w, array ? "]" : "}", 1);
}

void json_write_object_begin(struct json_writer *w, const char *key)
{
	begin_container(w, key, false);
}

void json_write_object_end(struct json_writer *w)
{
	end_container(w, false);
}

void json_write_array_begin(struct json_writer *w, const char *key)
{
	begin_container(w, key, true);
}

void json_write_array_end(struct json_writer *w)
{
	end_container(w, true);
}

void json_write_text(struct json_writer *w, const char *key, const char *value, size_t length)
{
	begin_value(w, key);
	put_quoted(w, value, length);
}

void json_write_string(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_write_text(w, key, value, strlen(value));
	else
		json_write_null(w, key);
}

void json_write_raw(struct json_writer *w, const char *key, const char *json, size_t length)
{
	begin_value(w, key);
	put(w, json, length);
}

void json_write_u64(struct json_writer *w, const char *key, uint64_t value)
{
	char text[32];

	json_write_raw(w, key, text,
		       text_format(text, sizeof text, "%llu", (unsigned long long)value));
}

void json_write_i64(struct json_writer *w, const char *key, int64_t value)
{
	char text[32];

	json_write_raw(w, key, text, text_format(text, sizeof text, "%lld", (long long)value));
}

void json_write_double(struct json_writer *w, const char *key, double value)
{
	char text[64];
	bool negative = value < 0;
	double magnitude = negative ? -value : value;

	/* Written by hand: stdio is out of reach here, and its decimal point depends on the locale.
	 */
	if (!(magnitude < 1e18)) {
		json_write_null(w, key);
		return;
	}
	uint64_t whole = (uint64_t)magnitude;
	uint64_t millionths = (uint64_t)((magnitude - (double)whole) * 1e6 + 0.5);
	if (millionths >= 1000000) {
		whole++;
		millionths -= 1000000;
	}
	size_t n = text_format(text, sizeof text, "%s%llu.%06llu", negative ? "-" : "",
			       (unsigned long long)whole, (unsigned long long)millionths);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	json_write_raw(w, key, text, n);
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
	json_write_raw(w, key, value ? "true" : "false", value ? 4 : 5);
}

void json_write_null(struct json_writer *w, const char *key)
{
	json_write_raw(w, key, "null", 4);
}

void json_write_strings(struct json_writer *w, const char *key, const struct str_list *list)
{
	json_write_array_begin(w, key);
	for (size_t i = 0; i < list->count; i++)
		json_write_string(w, NULL, list->items[i]);
	json_write_array_end(w);
}

void json_write_key_values(struct json_writer *w, const char *key, const struct key_value *items,
			   size_t count)
{
	json_write_object_begin(w, key);
	for (size_t i = 0; i < count; i++)
		json_write_string(w, items[i].key, items[i].value);
	json_write_object_end(w);
}

const char *json_write_finish(struct json_writer *w, size_t *length, struct err *e)
{
	if (w->depth == 0 && w->has_members && reserve(w, 0)) {
		w->text[w->length] = '\0';
		if (length)
			*length = w->length;
		return w->text;
	}
	if (w->failed)
		err_set(e, ERR_NO_MEMORY, 0, "write JSON: %s",
			w->fixed ? "the buffer is too small" : "out of memory or misplaced key");
	else
		err_set(e, ERR_PROTOCOL, 0, "write JSON: unbalanced brackets");
	return NULL;
}
