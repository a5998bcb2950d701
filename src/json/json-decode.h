/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_JSON_DECODE_H
#define HUSK_JSON_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/json/json-tree.h"
#include "src/json/json-types.h"

/*
 * From a tree to C structs by tables. One row per property: name, kind, place in the struct.
 * The tables are data, so a test can list every property that is decoded, and "features" and the
 * manual are printed from the same rows.
 *
 * null counts as absent, as in the Go programs that write these files. Errors read
 * "config.json:6: linux.resources.memory.limit: expected integer, got string".
 */

struct json_decoder;
struct json_table;

enum json_field_kind {
	JSON_AS_BOOL,
	JSON_AS_OPT_BOOL,
	JSON_AS_U16,
	JSON_AS_U32,
	JSON_AS_U64,
	JSON_AS_I64,
	JSON_AS_OPT_U32,
	JSON_AS_OPT_I32,
	JSON_AS_OPT_U64,
	JSON_AS_OPT_I64,
	JSON_AS_STRING,     /* char * */
	JSON_AS_STRINGS,    /* struct str_list */
	JSON_AS_U32_LIST,   /* uint32_t *NAME, size_t NAME_count */
	JSON_AS_KEY_VALUES, /* struct key_value *NAME, size_t NAME_count */
	JSON_AS_ENUM,       /* an integer of field.size bytes */
	JSON_AS_ENUM_LIST,  /* uint32_t *NAME, size_t NAME_count */
	JSON_AS_FLAGS,      /* array of names, or-ed into an integer of field.size bytes */
	JSON_AS_OBJECT,     /* a struct inside this one, or this one itself (JSON_SAME) */
	JSON_AS_POINTER,    /* a struct of its own, NULL when absent */
	JSON_AS_LIST,       /* array of structs: NAME, NAME_count */
	JSON_AS_MAP,        /* object with free keys: structs whose first member is char *key */
	JSON_AS_CUSTOM,     /* field.custom does it */
	JSON_AS_IGNORED,    /* known, and rightly without effect here */
	JSON_AS_REFUSED,    /* ERR_UNSUPPORTED with field.text, unless null */
};

enum json_field_flag {
	JSON_REQUIRED = 1 << 0,
	JSON_ZERO_UNSET = 1 << 1,  /* optional number: 0 means absent */
	JSON_EMPTY_UNSET = 1 << 2, /* string: "" means absent */
	JSON_UNKNOWN_BAD = 1 << 3, /* object: other properties are an error in any file */
};

/* A name in the file and the number it stands for. Tables end with a NULL name. */
struct json_name {
	const char *name;
	uint64_t value;
};

struct json_enum {
	const char *what; /* "capability", for the message about an unknown name */
	const struct json_name *names;
};

struct json_field {
	const char *name;
	size_t name_length;
	enum json_field_kind kind;
	unsigned flags;
	size_t offset, count_offset;
	size_t size;  /* of the integer, or of an element */
	int64_t min;  /* with max: the range, when narrower than the type's */
	uint64_t max; /* 0: the type's own range */
	const struct json_table *table;
	const struct json_enum *names;
	const char *text;
	/* @node is never null. Fails with json_decode_fail(). */
	int (*custom)(struct json_decoder *d, const struct json_node *node, void *object);
};

/* For "%.*s": what a file says is quoted in messages up to this length. */
#define SHOWN(text) 96, (text)

struct json_table {
	const struct json_field *fields;
	size_t count;         /* at most 64 */
	size_t size;          /* of the struct */
	unsigned flags;       /* JSON_UNKNOWN_BAD */
	const void *defaults; /* initial value of the struct, NULL: zeros */
	/* Called after the members, for what a row cannot say. */
	int (*finish)(struct json_decoder *d, const struct json_node *node, void *object);
};

/* Where the decoder is, for messages. Lives on the C stack. */
struct json_frame {
	const struct json_frame *up;
	const char *name; /* member, or NULL for an array element */
	size_t index;
	bool free_key; /* printed as ["name"] */
};

struct json_decoder {
	const struct json_doc *doc;
	struct arena *arena;
	struct err *err;
	bool strict; /* unknown properties are errors: husk's own files */
	const struct json_frame *frame;
};

/* Decode doc->root, which must be an object, into a struct of table->size bytes. */
int json_decode(const struct json_doc *doc, const struct json_table *table, bool strict,
		void *object, struct arena *a, struct err *e);

/* ERR_CONFIG with the file, the line of @node and the path of the current frame. Returns -1. */
int json_decode_fail(struct json_decoder *d, const struct json_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with another kind of error. */
int json_decode_fail_kind(struct json_decoder *d, int kind, const struct json_node *node,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* -1 with "expected KIND, got ..." set unless @node is of @kind. */
int json_decode_expect(struct json_decoder *d, const struct json_node *node, enum json_kind kind);
/* Decode the members of one object, for custom rows. */
int json_decode_object(struct json_decoder *d, const struct json_node *node,
		       const struct json_table *table, void *object);
/* Write @list as "a, b, c" for a message; false if that takes more than @size bytes. */
bool json_enum_list(const struct json_enum *list, char *out, size_t size);
/* The row with this name (@length bytes), or NULL. */
const struct json_name *json_enum_find(const struct json_enum *list, const char *name,
				       size_t length);
/* The name of a value, or NULL. */
const char *json_enum_name(const struct json_enum *list, uint64_t value);

/*
 * Call @visit for every property below @table: "mounts[].destination", "linux.netDevices{}.name".
 * For tests and for printing documentation.
 */
void json_table_walk(const struct json_table *table, const char *prefix,
		     void (*visit)(void *ctx, const char *path, const struct json_field *field),
		     void *ctx);

/* ----------------------------------------------------------- row macros */

/* offsetof, and a compile error unless the member has the type that the kind writes. */
#define JSON_AT(type, member, want)                                                                \
	(offsetof(type, member) + 0 * sizeof(_Generic(((type *)0)->member, want : 1)))
#define JSON_ROW(row_kind, row_name, ...)                                                          \
	{                                                                                          \
		.name = row_name, .name_length = sizeof(row_name) - 1, .kind = row_kind,           \
		__VA_ARGS__                                                                        \
	}
#define JSON_COUNT_OF(type, member) .count_offset = JSON_AT(type, member##_count, size_t)

#define JSON_BOOL_ROW(type, member, name, ...)                                                     \
	JSON_ROW(JSON_AS_BOOL, name, .offset = JSON_AT(type, member, bool), __VA_ARGS__)
#define JSON_OPT_BOOL_ROW(type, member, name, ...)                                                 \
	JSON_ROW(JSON_AS_OPT_BOOL, name, .offset = JSON_AT(type, member, struct opt_bool),         \
		 __VA_ARGS__)
#define JSON_U16_ROW(type, member, name, ...)                                                      \
	JSON_ROW(JSON_AS_U16, name, .offset = JSON_AT(type, member, uint16_t), __VA_ARGS__)
#define JSON_U32_ROW(type, member, name, ...)                                                      \
	JSON_ROW(JSON_AS_U32, name, .offset = JSON_AT(type, member, uint32_t), __VA_ARGS__)
#define JSON_U64_ROW(type, member, name, ...)                                                      \
	JSON_ROW(JSON_AS_U64, name, .offset = JSON_AT(type, member, uint64_t), __VA_ARGS__)
#define JSON_I64_ROW(type, member, name, ...)                                                      \
	JSON_ROW(JSON_AS_I64, name, .offset = JSON_AT(type, member, int64_t), __VA_ARGS__)
#define JSON_OPT_U32_ROW(type, member, name, ...)                                                  \
	JSON_ROW(JSON_AS_OPT_U32, name, .offset = JSON_AT(type, member, struct opt_u32),           \
		 __VA_ARGS__)
#define JSON_OPT_I32_ROW(type, member, name, ...)                                                  \
	JSON_ROW(JSON_AS_OPT_I32, name, .offset = JSON_AT(type, member, struct opt_i32),           \
		 __VA_ARGS__)
#define JSON_OPT_U64_ROW(type, member, name, ...)                                                  \
	JSON_ROW(JSON_AS_OPT_U64, name, .offset = JSON_AT(type, member, struct opt_u64),           \
		 __VA_ARGS__)
#define JSON_OPT_I64_ROW(type, member, name, ...)                                                  \
	JSON_ROW(JSON_AS_OPT_I64, name, .offset = JSON_AT(type, member, struct opt_i64),           \
		 __VA_ARGS__)
#define JSON_STRING_ROW(type, member, name, ...)                                                   \
	JSON_ROW(JSON_AS_STRING, name, .offset = JSON_AT(type, member, char *), __VA_ARGS__)
#define JSON_STRINGS_ROW(type, member, name, ...)                                                  \
	JSON_ROW(JSON_AS_STRINGS, name, .offset = JSON_AT(type, member, struct str_list),          \
		 __VA_ARGS__)
#define JSON_U32_LIST_ROW(type, member, name, ...)                                                 \
	JSON_ROW(JSON_AS_U32_LIST, name, .offset = JSON_AT(type, member, uint32_t *),              \
		 JSON_COUNT_OF(type, member), __VA_ARGS__)
#define JSON_KEY_VALUES_ROW(type, member, name, ...)                                               \
	JSON_ROW(JSON_AS_KEY_VALUES, name, .offset = JSON_AT(type, member, struct key_value *),    \
		 JSON_COUNT_OF(type, member), __VA_ARGS__)
#define JSON_ENUM_ROW(type, member, name, enum_, ...)                                              \
	JSON_ROW(JSON_AS_ENUM, name, .offset = offsetof(type, member),                             \
		 .size = sizeof(((type *)0)->member), .names = &enum_, __VA_ARGS__)
#define JSON_ENUM_LIST_ROW(type, member, name, enum_, ...)                                         \
	JSON_ROW(JSON_AS_ENUM_LIST, name, .offset = JSON_AT(type, member, uint32_t *),             \
		 JSON_COUNT_OF(type, member), .names = &enum_, __VA_ARGS__)
#define JSON_FLAGS_ROW(type, member, name, enum_, ...)                                             \
	JSON_ROW(JSON_AS_FLAGS, name, .offset = offsetof(type, member),                            \
		 .size = sizeof(((type *)0)->member), .names = &enum_, __VA_ARGS__)
#define JSON_OBJECT_ROW(type, member, name, table_, ...)                                           \
	JSON_ROW(JSON_AS_OBJECT, name, .offset = offsetof(type, member),                           \
		 .size = sizeof(((type *)0)->member), .table = &table_, __VA_ARGS__)
/* An object whose properties are members of the struct around it. */
#define JSON_SAME_ROW(type, name, table_, ...)                                                     \
	JSON_ROW(JSON_AS_OBJECT, name, .size = sizeof(type), .table = &table_, __VA_ARGS__)
#define JSON_POINTER_ROW(type, member, name, table_, ...)                                          \
	JSON_ROW(JSON_AS_POINTER, name, .offset = offsetof(type, member),                          \
		 .size = sizeof(*((type *)0)->member), .table = &table_, __VA_ARGS__)
#define JSON_LIST_ROW(type, member, name, table_, ...)                                             \
	JSON_ROW(JSON_AS_LIST, name, .offset = offsetof(type, member),                             \
		 JSON_COUNT_OF(type, member), .size = sizeof(*((type *)0)->member),                \
		 .table = &table_, __VA_ARGS__)
#define JSON_MAP_ROW(type, member, name, table_, ...)                                              \
	JSON_ROW(JSON_AS_MAP, name, .offset = offsetof(type, member), JSON_COUNT_OF(type, member), \
		 .size = sizeof(*((type *)0)->member), .table = &table_, __VA_ARGS__)
#define JSON_CUSTOM_ROW(name, function, ...)                                                       \
	JSON_ROW(JSON_AS_CUSTOM, name, .custom = function, __VA_ARGS__)
#define JSON_IGNORED_ROW(row_name)       JSON_ROW(JSON_AS_IGNORED, row_name, .flags = 0)
#define JSON_REFUSED_ROW(row_name, hint) JSON_ROW(JSON_AS_REFUSED, row_name, .text = hint)

#define JSON_TABLE(type, rows, ...)                                                                \
	{                                                                                          \
		.fields = rows, .count = sizeof(rows) / sizeof *(rows), .size = sizeof(type),      \
		__VA_ARGS__                                                                        \
	}

#endif
