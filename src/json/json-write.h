/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_JSON_WRITE_H
#define HUSK_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/json/json-types.h"

/*
 * JSON text, written front to back into a growing buffer or into a fixed one (which allocates
 * nothing, for processes that may not). Failure is sticky: write everything, then look once, at
 * json_write_finish(). Brackets are balanced by the caller; a mistake there fails the text.
 *
 * Every function takes the key first: NULL inside an array and at the top.
 */

#define JSON_WRITE_DEPTH_MAX 32

struct json_writer {
	char *text;
	size_t length, size;
	bool fixed, pretty, failed;
	unsigned depth;
	uint32_t has_members; /* one bit per level */
	uint32_t is_array;
};

/* @pretty: one member a line, indented by tabs; else without blanks or newlines. */
void json_write_init(struct json_writer *w, bool pretty);
/* Into @buffer, which the caller keeps. */
void json_write_init_fixed(struct json_writer *w, char *buffer, size_t size, bool pretty);
/* Free what json_write_init() grew. */
void json_write_free(struct json_writer *w);

void json_write_object_begin(struct json_writer *w, const char *key);
void json_write_object_end(struct json_writer *w);
void json_write_array_begin(struct json_writer *w, const char *key);
void json_write_array_end(struct json_writer *w);

/* NUL-terminated; bytes that are not UTF-8 become U+FFFD. A NULL value writes null. */
void json_write_string(struct json_writer *w, const char *key, const char *value);
void json_write_text(struct json_writer *w, const char *key, const char *value, size_t length);
void json_write_u64(struct json_writer *w, const char *key, uint64_t value);
void json_write_i64(struct json_writer *w, const char *key, int64_t value);
/* Up to 6 decimals, no exponent; what JSON has no number for (NaN, infinity) becomes null. */
void json_write_double(struct json_writer *w, const char *key, double value);
void json_write_bool(struct json_writer *w, const char *key, bool value);
void json_write_null(struct json_writer *w, const char *key);
/* Text that is JSON already. */
void json_write_raw(struct json_writer *w, const char *key, const char *json, size_t length);

/* A whole array of strings, or an object of strings. */
void json_write_strings(struct json_writer *w, const char *key, const struct str_list *list);
void json_write_key_values(struct json_writer *w, const char *key, const struct key_value *items,
			   size_t count);

/*
 * The NUL-terminated text, owned by the writer, its length in *length (may be NULL); or NULL with
 * @e set when memory ran out, the fixed buffer was too small, or brackets are unbalanced.
 */
const char *json_write_finish(struct json_writer *w, size_t *length, struct err *e);

#endif
