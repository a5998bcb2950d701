/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_JSON_TREE_H
#define HUSK_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/*
 * JSON text as a bounded tree in an arena. yajl is used as a lexer that calls back; its own tree
 * is not safe on untrusted input (it frees recursively, returns the first of two equal keys,
 * and its strings end at an escaped NUL).
 *
 * Refused, because later stages could be led astray by it: more than JSON_DEPTH_MAX
 * levels, more than JSON_NODES_MAX values, a key twice in one object, NUL in a string, text that is
 * not UTF-8 (overlong forms and lone surrogates included), anything after the value.
 */

#define JSON_DEPTH_MAX 64
#define JSON_NODES_MAX 262144
#define JSON_TEXT_MAX  (16u << 20)

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	char *key;              /* in an object, else NULL */
	struct json_node *next; /* sibling */
	union {
		struct json_node *first; /* array, object */
		char *text;              /* string; number as it was written */
		bool boolean;
	};
	uint32_t count;  /* members, or bytes of text */
	uint32_t offset; /* byte where the value ends (its bracket opens); see json_tree_line() */
	uint32_t key_length; /* bytes */
	enum json_kind kind;
};

/* A file (or other text) and its tree. */
struct json_doc {
	const char *name; /* for messages */
	const char *text; /* must live as long as the tree if lines are to be told */
	size_t length;
	struct json_node *root;
};

/*
 * Parse doc->text (name, text and length are set by the caller) into doc->root. The tree
 * owns copies of all strings, in @a. Errors are ERR_CONFIG "NAME:LINE: ...", or ERR_NO_MEMORY.
 */
int json_tree_parse(struct json_doc *doc, struct arena *a, struct err *e);

/* Line (from 1) of a byte offset. */
size_t json_tree_line(const struct json_doc *doc, size_t offset);

/* The member of an object, or NULL (also when @object is no object). */
const struct json_node *json_tree_member(const struct json_node *object, const char *key);

/*
 * Follow a path as messages print it (linux.devices[2].path, annotations["a.b"]) as far as it
 * exists, and return the last node found: the place to point at when something is missing.
 */
const struct json_node *json_tree_find(const struct json_node *root, const char *path);

/*
 * Messages quote what the file says. Replace control characters in @e, which would let a file
 * write to the reader's terminal or forge lines of a log. Returns -1, as err_set() does.
 */
int json_clean_message(struct err *e);

/* "null", "boolean", "number", "string", "array", "object". */
const char *json_kind_name(enum json_kind kind);

/* True if the bytes are well-formed UTF-8 (RFC 3629). */
bool json_utf8_valid(const char *text, size_t length);

#endif
