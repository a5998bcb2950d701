/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON: what is accepted can be written and is then read back as the same text, so
 * reader and writer agree about every value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/json/json-tree.h"
#include "src/json/json-write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Containers as deep as the writer can go; below that, null stands for the rest. */
static void print(struct json_writer *w, const char *key, const struct json_node *n)
{
	bool too_deep = w->depth + 2 >= JSON_WRITE_DEPTH_MAX;

	if (n->kind == JSON_BOOL) {
		json_write_bool(w, key, n->boolean);
	} else if (n->kind == JSON_NUMBER) {
		json_write_raw(w, key, n->text, n->count);
	} else if (n->kind == JSON_STRING) {
		json_write_text(w, key, n->text, n->count);
	} else if (n->kind == JSON_NULL || too_deep) {
		json_write_null(w, key);
	} else if (n->kind == JSON_ARRAY) {
		json_write_array_begin(w, key);
		for (n = n->first; n; n = n->next)
			print(w, NULL, n);
		json_write_array_end(w);
	} else {
		json_write_object_begin(w, key);
		for (n = n->first; n; n = n->next)
			print(w, n->key, n);
		json_write_object_end(w);
	}
}

/* The text of @in, written; NULL if it is refused. The caller frees. */
static char *rewrite(const char *in, size_t length, bool pretty)
{
	struct json_doc doc = { .name = "fuzz", .text = in, .length = length };
	struct json_writer w;
	struct arena a;
	struct err e = { 0 };
	char *out = NULL;

	arena_init(&a, 64 << 20);
	if (json_tree_parse(&doc, &a, &e) == 0) {
		json_write_init(&w, pretty);
		print(&w, NULL, doc.root);
		const char *text = json_write_finish(&w, NULL, &e);
		if (!text)
			abort();
		out = strdup(text);
		json_write_free(&w);
	} else if (e.kind == ERR_NONE || !e.msg[0]) {
		abort(); /* refused without saying why */
	}
	arena_free(&a);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *once = rewrite((const char *)data, size, false);

	if (!once)
		return 0;
	char *pretty = rewrite(once, strlen(once), true);
	char *twice = pretty ? rewrite(pretty, strlen(pretty), false) : NULL;
	if (!twice || strcmp(once, twice) != 0)
		abort();
	free(twice);
	free(pretty);
	free(once);
	return 0;
}
