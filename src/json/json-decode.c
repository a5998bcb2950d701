/* SPDX-License-Identifier: Apache-2.0 */
#include "src/json/json-decode.h"

#include <errno.h>
#include <string.h>

#include "src/base/text.h"

#define PATH_MAX_BYTES 384
/* Longer lists of allowed names would push the rest out of the message. */
#define LIST_MAX_BYTES 300

/* ------------------------------------------------------------- messages */

static size_t frame_path(const struct json_frame *frame, char *out, size_t size)
{
	if (!frame)
		return 0;
	size_t n = frame_path(frame->up, out, size);
	if (n + 1 >= size)
		return n;
	if (!frame->name)
		return n + text_format(out + n, size - n, "[%zu]", frame->index);
	if (frame->free_key)
		return n + text_format(out + n, size - n, "[\"%s\"]", frame->name);
	return n + text_format(out + n, size - n, "%s%s", n ? "." : "", frame->name);
}

static int fail_v(struct json_decoder *d, int kind, const struct json_node *node,
		  const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static int fail_v(struct json_decoder *d, int kind, const struct json_node *node,
		  const char *format, va_list args)
{
	char path[PATH_MAX_BYTES] = "", text[ERR_MSG_MAX];
	size_t n = frame_path(d->frame, path, sizeof path);

	text_vformat(text, sizeof text, format, args);
	err_set(d->err, kind, 0, "%s:%zu: %s%s%s", d->doc->name,
		json_tree_line(d->doc, node->offset), path, n ? ": " : "", text);
	return json_clean_message(d->err);
}

int json_decode_fail(struct json_decoder *d, const struct json_node *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_v(d, ERR_CONFIG, node, format, args);
	va_end(args);
	return -1;
}

int json_decode_fail_kind(struct json_decoder *d, int kind, const struct json_node *node,
			  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_v(d, kind, node, format, args);
	va_end(args);
	return -1;
}

static int fail_memory(struct json_decoder *d)
{
	arena_check(d->arena, d->err);
	return err_prefix(d->err, "%s", d->doc->name);
}

static int expected(struct json_decoder *d, const struct json_node *node, const char *want)
{
	if (node->kind == JSON_NUMBER)
		return json_decode_fail(d, node, "expected %s, got number %.*s", want,
					SHOWN(node->text));
	return json_decode_fail(d, node, "expected %s, got %s", want, json_kind_name(node->kind));
}

int json_decode_expect(struct json_decoder *d, const struct json_node *node, enum json_kind kind)
{
	if (node->kind == kind)
		return 0;
	return expected(d, node, json_kind_name(kind));
}

/* -------------------------------------------------------------- scalars */

struct range {
	int64_t min;
	uint64_t max;
};

static struct range field_range(const struct json_field *f)
{
	if (f->max)
		return (struct range){ f->min, f->max };
	switch (f->kind) {
	case JSON_AS_U16:
		return (struct range){ 0, UINT16_MAX };
	case JSON_AS_U32:
	case JSON_AS_OPT_U32:
	case JSON_AS_U32_LIST:
		return (struct range){ 0, UINT32_MAX };
	case JSON_AS_OPT_I32:
		return (struct range){ INT32_MIN, INT32_MAX };
	case JSON_AS_I64:
	case JSON_AS_OPT_I64:
		return (struct range){ INT64_MIN, INT64_MAX };
	default:
		return (struct range){ 0, UINT64_MAX };
	}
}

/* The value as 64 bits in two's complement; the row's kind knows the sign. */
static int read_integer(struct json_decoder *d, const struct json_field *f,
			const struct json_node *node, uint64_t *value)
{
	struct range range = field_range(f);
	bool negative, big = false;
	int64_t below;

	if (node->kind != JSON_NUMBER)
		return expected(d, node, "integer");
	negative = node->text[0] == '-';
	if (negative && text_parse_i64(node->text, &below) == 0)
		*value = (uint64_t)below;
	else if (!negative && text_parse_u64(node->text, value) == 0)
		below = 0;
	else if (errno == ERANGE)
		big = true;
	else
		return expected(d, node, "integer"); /* 1.5, 1e3 */
	if (!big && *value == 0 && (f->flags & JSON_ZERO_UNSET))
		return 0;
	if (big || (negative && below < range.min) || (!negative && *value > range.max) ||
	    (!negative && range.min > 0 && *value < (uint64_t)range.min))
		return json_decode_fail(d, node, "%.*s is out of range: %lld to %llu",
					SHOWN(node->text), (long long)range.min,
					(unsigned long long)range.max);
	return 0;
}

static int put_integer(struct json_decoder *d, const struct json_field *f,
		       const struct json_node *node, void *at)
{
	uint64_t value = 0;

	if (read_integer(d, f, node, &value) < 0)
		return -1;
	bool set = value != 0 || !(f->flags & JSON_ZERO_UNSET);
	switch (f->kind) {
	case JSON_AS_U16:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case JSON_AS_U32:
		*(uint32_t *)at = (uint32_t)value;
		break;
	case JSON_AS_U64:
		*(uint64_t *)at = value;
		break;
	case JSON_AS_I64:
		*(int64_t *)at = (int64_t)value;
		break;
	case JSON_AS_OPT_U32:
		*(struct opt_u32 *)at = (struct opt_u32){ set, (uint32_t)value };
		break;
	case JSON_AS_OPT_I32:
		*(struct opt_i32 *)at = (struct opt_i32){ set, (int32_t)value };
		break;
	case JSON_AS_OPT_U64:
		*(struct opt_u64 *)at = (struct opt_u64){ set, value };
		break;
	default:
		*(struct opt_i64 *)at = (struct opt_i64){ set, (int64_t)value };
		break;
	}
	return 0;
}

static int put_boolean(struct json_decoder *d, const struct json_field *f,
		       const struct json_node *node, void *at)
{
	if (json_decode_expect(d, node, JSON_BOOL) < 0)
		return -1;
	if (f->kind == JSON_AS_BOOL)
		*(bool *)at = node->boolean;
	else
		*(struct opt_bool *)at = (struct opt_bool){ true, node->boolean };
	return 0;
}

static int put_string(struct json_decoder *d, const struct json_field *f,
		      const struct json_node *node, void *at)
{
	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	if (node->count || !(f->flags & JSON_EMPTY_UNSET))
		*(char **)at = node->text;
	return 0;
}

/* ---------------------------------------------------------------- names */

const struct json_name *json_enum_find(const struct json_enum *list, const char *name,
				       size_t length)
{
	for (const struct json_name *n = list->names; n->name; n++) {
		if (strncmp(n->name, name, length) == 0 && n->name[length] == '\0')
			return n;
	}
	return NULL;
}

const char *json_enum_name(const struct json_enum *list, uint64_t value)
{
	for (const struct json_name *n = list->names; n->name; n++) {
		if (n->value == value)
			return n->name;
	}
	return NULL;
}

bool json_enum_list(const struct json_enum *list, char *out, size_t size)
{
	size_t n = 0;

	for (const struct json_name *row = list->names; row->name; row++) {
		n += text_format(out + n, size - n, "%s%s", n ? ", " : "", row->name);
		if (n + 1 >= size)
			return false;
	}
	return true;
}

static int read_name(struct json_decoder *d, const struct json_field *f,
		     const struct json_node *node, uint64_t *value)
{
	char list[LIST_MAX_BYTES];

	if (json_decode_expect(d, node, JSON_STRING) < 0)
		return -1;
	const struct json_name *found = json_enum_find(f->names, node->text, node->count);
	if (found) {
		*value = found->value;
		return 0;
	}
	if (!json_enum_list(f->names, list, sizeof list))
		return json_decode_fail(d, node, "unknown %s \"%.*s\"", f->names->what,
					SHOWN(node->text));
	return json_decode_fail(d, node, "unknown %s \"%.*s\": must be one of %s", f->names->what,
				SHOWN(node->text), list);
}

static void put_sized(void *at, size_t size, uint64_t value)
{
	if (size == sizeof(uint64_t))
		*(uint64_t *)at = value;
	else if (size == sizeof(uint32_t))
		*(uint32_t *)at = (uint32_t)value;
	else
		*(uint8_t *)at = (uint8_t)value;
}

static int put_enum(struct json_decoder *d, const struct json_field *f,
		    const struct json_node *node, void *at)
{
	uint64_t value = 0;

	if (read_name(d, f, node, &value) < 0)
		return -1;
	put_sized(at, f->size, value);
	return 0;
}

/* ---------------------------------------------------------------- lists */

/* What the functions for one element share. */
struct filling {
	const struct json_field *field;
	void *items;
	size_t count;
	uint64_t flags;
};

/*
 * Call @one for each element of an array, or each member of an object with free keys, with the
 * place told to the decoder.
 */
static int for_each(struct json_decoder *d, const struct json_node *node, bool map,
		    int (*one)(struct json_decoder *, const struct json_node *, struct filling *),
		    struct filling *fill)
{
	struct json_frame frame = { .up = d->frame, .free_key = map };
	int result = 0;

	d->frame = &frame;
	for (const struct json_node *n = node->first; n && result == 0; n = n->next) {
		frame.name = n->key;
		frame.index = fill->count;
		if (map && n->key_length == 0)
			result = json_decode_fail(d, n, "the key is empty");
		else
			result = one(d, n, fill);
		fill->count++;
	}
	d->frame = frame.up;
	return result;
}

/* Room for as many elements of @size bytes as @node has, and one more. */
static int make_room(struct json_decoder *d, const struct json_node *node, enum json_kind kind,
		     size_t size, struct filling *fill)
{
	if (json_decode_expect(d, node, kind) < 0)
		return -1;
	fill->items = arena_array(d->arena, (size_t)node->count + 1, size);
	return fill->items ? 0 : fail_memory(d);
}

static int one_flag(struct json_decoder *d, const struct json_node *n, struct filling *fill)
{
	uint64_t value = 0;

	if (read_name(d, fill->field, n, &value) < 0)
		return -1;
	fill->flags |= value;
	return 0;
}

static int put_flags(struct json_decoder *d, const struct json_field *f,
		     const struct json_node *node, void *at)
{
	struct filling fill = { .field = f };

	if (json_decode_expect(d, node, JSON_ARRAY) < 0 ||
	    for_each(d, node, false, one_flag, &fill) < 0)
		return -1;
	put_sized(at, f->size, fill.flags);
	return 0;
}

static int one_string(struct json_decoder *d, const struct json_node *n, struct filling *fill)
{
	if (json_decode_expect(d, n, JSON_STRING) < 0)
		return -1;
	((char **)fill->items)[fill->count] = n->text;
	return 0;
}

static int put_strings(struct json_decoder *d, const struct json_node *node, struct str_list *list)
{
	struct filling fill = { 0 };

	if (make_room(d, node, JSON_ARRAY, sizeof(char *), &fill) < 0 ||
	    for_each(d, node, false, one_string, &fill) < 0)
		return -1;
	*list = (struct str_list){ fill.items, fill.count };
	return 0;
}

static int one_number(struct json_decoder *d, const struct json_node *n, struct filling *fill)
{
	uint64_t value = 0;

	if ((fill->field->names ? read_name : read_integer)(d, fill->field, n, &value) < 0)
		return -1;
	((uint32_t *)fill->items)[fill->count] = (uint32_t)value;
	return 0;
}

static int put_numbers(struct json_decoder *d, const struct json_field *f,
		       const struct json_node *node, uint32_t **items, size_t *count)
{
	struct filling fill = { .field = f };

	if (make_room(d, node, JSON_ARRAY, sizeof(uint32_t), &fill) < 0 ||
	    for_each(d, node, false, one_number, &fill) < 0)
		return -1;
	*items = fill.items;
	*count = fill.count;
	return 0;
}

static int one_key_value(struct json_decoder *d, const struct json_node *n, struct filling *fill)
{
	if (json_decode_expect(d, n, JSON_STRING) < 0)
		return -1;
	((struct key_value *)fill->items)[fill->count] = (struct key_value){ n->key, n->text };
	return 0;
}

static int put_key_values(struct json_decoder *d, const struct json_node *node,
			  struct key_value **items, size_t *count)
{
	struct filling fill = { 0 };

	if (make_room(d, node, JSON_OBJECT, sizeof(struct key_value), &fill) < 0 ||
	    for_each(d, node, true, one_key_value, &fill) < 0)
		return -1;
	*items = fill.items;
	*count = fill.count;
	return 0;
}

static int one_struct(struct json_decoder *d, const struct json_node *n, struct filling *fill)
{
	char *item = (char *)fill->items + fill->count * fill->field->size;

	if (json_decode_object(d, n, fill->field->table, item) < 0)
		return -1;
	/* After the defaults of the table. */
	if (fill->field->kind == JSON_AS_MAP)
		*(char **)(void *)item = n->key;
	return 0;
}

static int put_structs(struct json_decoder *d, const struct json_field *f,
		       const struct json_node *node, void **items, size_t *count)
{
	bool map = f->kind == JSON_AS_MAP;
	struct filling fill = { .field = f };

	if (make_room(d, node, map ? JSON_OBJECT : JSON_ARRAY, f->size, &fill) < 0 ||
	    for_each(d, node, map, one_struct, &fill) < 0)
		return -1;
	*items = fill.items;
	*count = fill.count;
	return 0;
}

static int put_pointer(struct json_decoder *d, const struct json_field *f,
		       const struct json_node *node, void **at)
{
	void *object = arena_alloc(d->arena, f->size);

	if (!object)
		return fail_memory(d);
	*at = object;
	return json_decode_object(d, node, f->table, object);
}

/* --------------------------------------------------------------- fields */

static int put_field(struct json_decoder *d, const struct json_field *f,
		     const struct json_node *node, char *object)
{
	void *at = object + f->offset;
	size_t *count = (size_t *)(void *)(object + f->count_offset);

	switch (f->kind) {
	case JSON_AS_BOOL:
	case JSON_AS_OPT_BOOL:
		return put_boolean(d, f, node, at);
	case JSON_AS_STRING:
		return put_string(d, f, node, at);
	case JSON_AS_STRINGS:
		return put_strings(d, node, at);
	case JSON_AS_U32_LIST:
	case JSON_AS_ENUM_LIST:
		return put_numbers(d, f, node, at, count);
	case JSON_AS_KEY_VALUES:
		return put_key_values(d, node, at, count);
	case JSON_AS_ENUM:
		return put_enum(d, f, node, at);
	case JSON_AS_FLAGS:
		return put_flags(d, f, node, at);
	case JSON_AS_OBJECT:
		return json_decode_object(d, node, f->table, at);
	case JSON_AS_POINTER:
		return put_pointer(d, f, node, at);
	case JSON_AS_LIST:
	case JSON_AS_MAP:
		return put_structs(d, f, node, at, count);
	case JSON_AS_CUSTOM:
		return f->custom(d, node, object);
	case JSON_AS_IGNORED:
		return 0;
	case JSON_AS_REFUSED:
		return json_decode_fail_kind(d, ERR_UNSUPPORTED, node, "%s", f->text);
	default:
		return put_integer(d, f, node, at);
	}
}

static const struct json_field *find_field(const struct json_table *table,
					   const struct json_node *node)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *f = &table->fields[i];
		if (f->name_length == node->key_length &&
		    memcmp(f->name, node->key, node->key_length) == 0)
			return f;
	}
	return NULL;
}

static int fail_unknown(struct json_decoder *d, const struct json_table *table,
			const struct json_node *node)
{
	char list[LIST_MAX_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < table->count; i++)
		n += text_format(list + n, sizeof list - n, "%s%s", n ? ", " : "",
				 table->fields[i].name);
	return json_decode_fail(d, node, "unknown property \"%.*s\": known are %s",
				SHOWN(node->key), list);
}

static int check_required(struct json_decoder *d, const struct json_table *table,
			  const struct json_node *node, uint64_t seen)
{
	for (size_t i = 0; i < table->count; i++) {
		if ((table->fields[i].flags & JSON_REQUIRED) && !(seen >> i & 1))
			return json_decode_fail(d, node, "property \"%s\" is missing",
						table->fields[i].name);
	}
	return 0;
}

int json_decode_object(struct json_decoder *d, const struct json_node *node,
		       const struct json_table *table, void *object)
{
	struct json_frame frame = { .up = d->frame };
	bool strict = d->strict || (table->flags & JSON_UNKNOWN_BAD);
	uint64_t seen = 0;
	int result = 0;

	if (json_decode_expect(d, node, JSON_OBJECT) < 0)
		return -1;
	if (table->defaults)
		memcpy(object, table->defaults, table->size);
	for (const struct json_node *n = node->first; n && result == 0; n = n->next) {
		const struct json_field *f = find_field(table, n);
		if (!f && strict)
			return fail_unknown(d, table, n);
		if (!f || n->kind == JSON_NULL)
			continue;
		frame.name = n->key;
		d->frame = &frame;
		result = put_field(d, f, n, object);
		d->frame = frame.up;
		seen |= UINT64_C(1) << (f - table->fields);
	}
	if (result < 0)
		return -1;
	if (check_required(d, table, node, seen) < 0)
		return -1;
	return table->finish ? table->finish(d, node, object) : 0;
}

int json_decode(const struct json_doc *doc, const struct json_table *table, bool strict,
		void *object, struct arena *a, struct err *e)
{
	struct json_decoder d = { .doc = doc, .arena = a, .err = e, .strict = strict };

	return json_decode_object(&d, doc->root, table, object);
}

void json_table_walk(const struct json_table *table, const char *prefix,
		     void (*visit)(void *ctx, const char *path, const struct json_field *field),
		     void *ctx)
{
	char path[PATH_MAX_BYTES];

	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *f = &table->fields[i];
		const char *suffix = f->kind == JSON_AS_LIST  ? "[]."
				     : f->kind == JSON_AS_MAP ? "{}."
							      : ".";
		size_t n = text_format(path, sizeof path, "%s%s", prefix, f->name);
		visit(ctx, path, f);
		if (!f->table)
			continue;
		text_format(path + n, sizeof path - n, "%s", suffix);
		json_table_walk(f->table, path, visit, ctx);
	}
}
