/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden error texts of the configuration. Each *.golden file in tests/spec is a list of cases:
 *
 *   case NAME
 *   base minimal | full | process | resources      (full when absent)
 *   set PATH JSON                                  change the base; missing objects are made
 *   del PATH
 *   text                                           or instead: the file itself, up to a line "."
 *   error MESSAGE | unsupported MESSAGE | ok       "config.json:1: " is understood in front
 *   line N MESSAGE                                 for text: an error on line N
 *
 * The bases are in base.json. TAP on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/spec.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/json/json-tree.h"
#include "src/json/json-write.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

struct golden_case {
	char name[256];
	struct arena arena;
	struct json_node *root; /* edited */
	char base[16];
	char *text; /* NULL: root is written */
	size_t length;
};

static struct json_doc bases; /* of base.json */
static unsigned done, failed;

static void die(const char *what, const char *detail)
{
	printf("Bail out! %s: %s\n", what, detail);
	exit(1);
}

/* -------------------------------------------------------------- editing */

static struct json_node *parse(const char *name, const char *text, struct arena *a)
{
	struct json_doc doc = { .name = name, .text = text, .length = strlen(text) };
	struct err e = { 0 };

	if (json_tree_parse(&doc, a, &e) < 0)
		die("not JSON", e.msg);
	return doc.root;
}

static void print_value(struct json_writer *w, const char *key, const struct json_node *n)
{
	switch (n->kind) {
	case JSON_NULL:
		json_write_null(w, key);
		break;
	case JSON_BOOL:
		json_write_bool(w, key, n->boolean);
		break;
	case JSON_NUMBER:
		json_write_raw(w, key, n->text, n->count);
		break;
	case JSON_STRING:
		json_write_text(w, key, n->text, n->count);
		break;
	case JSON_ARRAY:
		json_write_array_begin(w, key);
		for (n = n->first; n; n = n->next)
			print_value(w, NULL, n);
		json_write_array_end(w);
		break;
	case JSON_OBJECT:
		json_write_object_begin(w, key);
		for (n = n->first; n; n = n->next)
			print_value(w, n->key, n);
		json_write_object_end(w);
		break;
	}
}

/* One step of a path: a key, or an index for which key is NULL. */
struct component {
	char key[128];
	bool is_index;
	size_t index;
};

static const char *next_component(const char *p, struct component *c)
{
	size_t n;

	*c = (struct component){ 0 };
	if (p[0] == '[' && p[1] == '"') {
		p += 2;
		n = strcspn(p, "\"");
		text_format(c->key, sizeof c->key, "%.*s", (int)n, p);
		return p + n + 2;
	}
	if (p[0] == '[') {
		c->is_index = true;
		c->index = strtoul(p + 1, NULL, 10);
		return strchr(p, ']') + 1;
	}
	p += *p == '.';
	n = strcspn(p, ".[");
	text_format(c->key, sizeof c->key, "%.*s", (int)n, p);
	return p + n;
}

/* The link to the child that @c names; *link is NULL if there is none. */
static struct json_node **find_link(struct json_node *up, const struct component *c)
{
	struct json_node **link = &up->first;

	for (size_t i = 0; *link; link = &(*link)->next, i++) {
		if (c->is_index ? i == c->index : strcmp((*link)->key, c->key) == 0)
			break;
	}
	return link;
}

static void set_value(struct golden_case *g, const char *path, struct json_node *value)
{
	struct json_node *up = g->root, **link = NULL;
	struct component c;
	const char *p = path;

	while (*p) {
		p = next_component(p, &c);
		link = find_link(up, &c);
		if (*link && *p) {
			up = *link;
			continue;
		}
		struct json_node *n = *p ? arena_new(&g->arena, struct json_node) : value;
		if (*p)
			n->kind = *p == '[' && p[1] != '"' ? JSON_ARRAY : JSON_OBJECT;
		n->key = up->kind == JSON_OBJECT ? arena_strdup(&g->arena, c.key) : NULL;
		n->key_length = (uint32_t)strlen(c.key);
		n->next = *link ? (*link)->next : NULL;
		if (!*link)
			up->count++;
		*link = n;
		up = n;
	}
	if (!link)
		g->root = value;
}

static void delete_value(struct golden_case *g, const char *path)
{
	struct json_node *up = g->root, **link = NULL;
	struct component c;

	for (const char *p = path; *p;) {
		if (link)
			up = *link;
		p = next_component(p, &c);
		link = find_link(up, &c);
		if (!*link)
			die("nothing to delete", path);
	}
	*link = (*link)->next;
	up->count--;
}

/* ---------------------------------------------------------------- cases */

static void begin_case(struct golden_case *g, const char *name)
{
	arena_free(&g->arena);
	*g = (struct golden_case){ 0 };
	text_format(g->name, sizeof g->name, "%s", name);
	text_format(g->base, sizeof g->base, "full");
}

/* A private copy of the base, so that an edit does not reach the next case. */
static void open_base(struct golden_case *g)
{
	struct json_writer w;
	const struct json_node *from = json_tree_member(bases.root, g->base);

	if (!from)
		die("no such base", g->base);
	json_write_init(&w, false);
	print_value(&w, NULL, from);
	g->root = parse("base", json_write_finish(&w, NULL, NULL), &g->arena);
	json_write_free(&w);
}

static int load(const struct golden_case *g, const char *text, size_t length, struct err *e)
{
	struct arena a;
	struct spec *s;
	struct spec_process *p;
	struct spec_resources *r;
	int result;

	arena_init(&a, 0);
	if (strcmp(g->base, "process") == 0)
		result = spec_process_parse("config.json", text, length, &a, &p, e);
	else if (strcmp(g->base, "resources") == 0)
		result = spec_resources_parse("config.json", text, length, &a, &r, e);
	else
		result = spec_parse("config.json", text, length, &a, &s, e);
	arena_free(&a);
	return result;
}

static void end_case(struct golden_case *g, const char *file, int kind, const char *expected)
{
	struct json_writer w;
	struct err e = { 0 };
	size_t length = g->length;
	const char *text = g->text;

	json_write_init(&w, false);
	if (!text) {
		if (!g->root)
			open_base(g);
		print_value(&w, NULL, g->root);
		text = json_write_finish(&w, &length, &e);
	}
	int result = load(g, text, length, &e);
	bool good = expected ? result < 0 && e.kind == kind && strcmp(e.msg, expected) == 0
			     : result == 0;
	printf("%sok %u - %s: %s\n", good ? "" : "not ", ++done, file, g->name);
	if (!good) {
		failed++;
		printf("# expected: %s\n#      got: %s (%s)\n", expected ? expected : "no error",
		       result < 0 ? e.msg : "no error", err_kind_name(e.kind));
	}
	json_write_free(&w);
	begin_case(g, "case without a name");
}

/* Collect the lines up to "." as the text of the file. */
static void read_text(struct golden_case *g, FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	g->text = arena_alloc(&g->arena, 65536);
	while ((n = getline(&line, &size, in)) > 0 && strcmp(line, ".\n") != 0) {
		if (g->length + (size_t)n > 65000)
			die("text is too long", g->name);
		memcpy(g->text + g->length, line, (size_t)n);
		g->length += (size_t)n;
	}
	free(line);
}

static const char *with_line(char *out, size_t size, unsigned long line, const char *message)
{
	text_format(out, size, "config.json:%lu: %s", line, message);
	return out;
}

static void run_line(struct golden_case *g, const char *file, char *line, FILE *in)
{
	char *rest = line + strcspn(line, " "), message[1024];

	if (*rest)
		*rest++ = '\0';
	if (strcmp(line, "case") == 0) {
		begin_case(g, rest);
	} else if (strcmp(line, "base") == 0) {
		text_format(g->base, sizeof g->base, "%s", rest);
	} else if (strcmp(line, "text") == 0) {
		read_text(g, in);
	} else if (strcmp(line, "set") == 0 || strcmp(line, "del") == 0) {
		char *value = rest + strcspn(rest, " ");
		if (!g->root)
			open_base(g);
		if (*value)
			*value++ = '\0';
		if (line[0] == 's')
			set_value(g, strcmp(rest, "-") == 0 ? "" : rest,
				  parse(g->name, value, &g->arena));
		else
			delete_value(g, rest);
	} else if (strcmp(line, "error") == 0) {
		end_case(g, file, ERR_CONFIG, with_line(message, sizeof message, 1, rest));
	} else if (strcmp(line, "unsupported") == 0) {
		end_case(g, file, ERR_UNSUPPORTED, with_line(message, sizeof message, 1, rest));
	} else if (strcmp(line, "line") == 0) {
		unsigned long number = strtoul(rest, &rest, 10);
		end_case(g, file, ERR_CONFIG, with_line(message, sizeof message, number, rest + 1));
	} else if (strcmp(line, "ok") == 0) {
		end_case(g, file, ERR_NONE, NULL);
	} else {
		die("unknown line", line);
	}
}

static void run_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	struct golden_case g = { 0 };
	char *line = NULL;
	size_t size = 0;

	if (!in)
		die("open", name);
	while (getline(&line, &size, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			run_line(&g, name, line, in);
	}
	arena_free(&g.arena);
	free(line);
	fclose(in);
}

static int is_golden(const struct dirent *d)
{
	return text_ends(d->d_name, ".golden");
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct dirent **files;
	struct arena a;
	struct err e = { 0 };
	char *text;

	text_format(path, sizeof path, "%s/tests/spec", srcdir ? srcdir : ".");
	int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dirfd, "base.json", O_RDONLY | O_CLOEXEC);
	int n = scandir(path, &files, is_golden, alphasort);
	if (fd < 0 || n <= 0)
		die("nothing to test in", path);
	arena_init(&a, 0);
	bases.name = "base.json";
	if (io_read_file(fd, bases.name, 1 << 20, &a, &text, &bases.length, &e) < 0)
		die("read", e.msg);
	bases.text = text;
	if (json_tree_parse(&bases, &a, &e) < 0)
		die("parse", e.msg);
	close(fd);
	for (int i = 0; i < n; i++) {
		run_file(dirfd, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	close(dirfd);
	arena_free(&a);
	printf("1..%u\n", done);
	return failed != 0;
}
