/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden plans. Each *.golden file in tests/plan is a list of cases:
 *
 *   case NAME
 *   host NAME           one of plan-hosts.c
 *   option WORD...      of the request: no-pivot no-new-keyring cgroup-disabled preserve-fds=N
 *                       listen-fds=N notify=PATH filter
 *   base NAME           default, rootless, default-v2 (as "husk spec" writes them), a base that
 *                       was defined before, or nothing: {}
 *   merge JSON          over the base: objects member by member, null removes, "name+" appends to
 *                       a list; all else is replaced
 *   define NAME         instead of a plan: what was merged is a base for later cases
 *   plan
 *   ...                 the plan as plan_print() has it, or "error KIND: MESSAGE"
 *   end
 *
 * With HUSK_UPDATE_GOLDEN=1 the files are written anew. TAP on standard output.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/plan/plan-make.h"
#include "runtime/plan/plan-print.h"
#include "runtime/spec/spec-print.h"
#include "runtime/spec/spec.h"
#include "src/base/text.h"
#include "src/json/json-tree.h"
#include "src/json/json-write.h"
#include "tests/plan/plan-hosts.h"

struct golden_case {
	char name[128], host[32], options[256];
	char *config;
};

struct file {
	const char *name;
	FILE *in, *out;
	char *line;
	size_t size;
};

#define BASES_MAX 16
static struct {
	char name[32];
	char *config;
} bases[BASES_MAX];
static size_t bases_count;

static unsigned done, failed;

static void die(const char *what, const char *detail)
{
	printf("Bail out! %s: %s\n", what, detail);
	exit(1);
}

/* ---- merging ---- */

static void print_value(struct json_writer *w, const char *key, const struct json_node *n)
{
	switch (n->kind) {
	case JSON_NULL:
		json_write_null(w, key);
		return;
	case JSON_BOOL:
		json_write_bool(w, key, n->boolean);
		return;
	case JSON_NUMBER:
		json_write_raw(w, key, n->text, n->count);
		return;
	case JSON_STRING:
		json_write_text(w, key, n->text, n->count);
		return;
	case JSON_ARRAY:
		json_write_array_begin(w, key);
		for (const struct json_node *c = n->first; c; c = c->next)
			print_value(w, NULL, c);
		json_write_array_end(w);
		return;
	case JSON_OBJECT:
		json_write_object_begin(w, key);
		for (const struct json_node *c = n->first; c; c = c->next)
			print_value(w, c->key, c);
		json_write_object_end(w);
		return;
	}
}

static void append(struct json_writer *w, const char *key, const struct json_node *list,
		   const struct json_node *more)
{
	json_write_array_begin(w, key);
	for (const struct json_node *c = list ? list->first : NULL; c; c = c->next)
		print_value(w, NULL, c);
	for (const struct json_node *c = more->first; c; c = c->next)
		print_value(w, NULL, c);
	json_write_array_end(w);
}

static void merge_node(struct json_writer *w, const char *key, const struct json_node *base,
		       const struct json_node *patch)
{
	char name[128];

	if (base->kind != JSON_OBJECT || patch->kind != JSON_OBJECT) {
		print_value(w, key, patch);
		return;
	}
	json_write_object_begin(w, key);
	for (const struct json_node *c = base->first; c; c = c->next) {
		const struct json_node *with = json_tree_member(patch, c->key);
		text_format(name, sizeof name, "%s+", c->key);
		const struct json_node *more = json_tree_member(patch, name);
		if (more)
			append(w, c->key, c, more);
		else if (!with)
			print_value(w, c->key, c);
		else if (with->kind != JSON_NULL)
			merge_node(w, c->key, c, with);
	}
	for (const struct json_node *c = patch->first; c; c = c->next) {
		text_format(name, sizeof name, "%s", c->key);
		bool plus = text_ends(name, "+");
		if (plus)
			name[strlen(name) - 1] = '\0';
		if (!json_tree_member(base, name) && c->kind != JSON_NULL)
			print_value(w, name, c);
	}
	json_write_object_end(w);
}

static const struct json_node *parse(const char *what, const char *text, struct arena *a)
{
	struct json_doc doc = { .name = what, .text = text, .length = strlen(text) };
	struct err e;

	if (json_tree_parse(&doc, a, &e) < 0)
		die(what, e.msg);
	return doc.root;
}

static void merge(struct golden_case *g, const char *patch)
{
	struct json_writer w;
	struct arena a;

	arena_init(&a, 0);
	json_write_init(&w, false);
	merge_node(&w, NULL, parse(g->name, g->config, &a), parse(g->name, patch, &a));
	const char *text = json_write_finish(&w, NULL, NULL);
	if (!text)
		die("merge", g->name);
	free(g->config);
	g->config = strdup(text);
	json_write_free(&w);
	arena_free(&a);
}

static void set_base(struct golden_case *g, const char *name)
{
	struct spec_default options = { .rootless = text_equal(name, "rootless"),
					.cgroup_namespace = !text_equal(name, "default"),
					.uid_host = 1000,
					.gid_host = 1000 };
	struct json_writer w;

	free(g->config);
	for (size_t i = 0; i < bases_count; i++) {
		if (text_equal(bases[i].name, name)) {
			g->config = strdup(bases[i].config);
			return;
		}
	}
	if (!text_starts(name, "default") && !options.rootless)
		die("no such base", name);
	json_write_init(&w, false);
	spec_default_print(&w, &options);
	g->config = strdup(json_write_finish(&w, NULL, NULL));
	json_write_free(&w);
}

static void define(const struct golden_case *g, const char *name)
{
	if (bases_count == BASES_MAX)
		die("too many bases", name);
	text_format(bases[bases_count].name, sizeof bases->name, "%s", name);
	bases[bases_count++].config = strdup(g->config);
}

/* ---- planning ---- */

static uint32_t number_after(const char *options, const char *name)
{
	const char *at = strstr(options, name);

	return at ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

static const char *word_after(const char *options, const char *name, struct arena *a)
{
	const char *at = strstr(options, name);

	return at ? arena_memdup(a, at + strlen(name), strcspn(at + strlen(name), " ")) : NULL;
}

/* The plan as text, or its refusal. The text is in @a. */
static const char *make(const struct golden_case *g, struct arena *a)
{
	static struct sock_filter code[3];
	static struct plan_filter filter = { .code = code, .count = 3, .flags = 2 };
	struct host host;
	struct spec *spec;
	struct plan plan;
	struct err e = { .kind = 0 };
	char *text;
	size_t length;
	struct plan_request request = {
		.host = &host,
		.arena = a,
		.id = "id",
		.bundle = "/bundle",
		.no_pivot = strstr(g->options, "no-pivot") != NULL,
		.no_new_keyring = strstr(g->options, "no-new-keyring") != NULL,
		.cgroup_disabled = strstr(g->options, "cgroup-disabled") != NULL,
		.preserve_fds = number_after(g->options, "preserve-fds="),
		.listen_fds = number_after(g->options, "listen-fds="),
		.notify_socket = word_after(g->options, "notify=", a),
		.filter = strstr(g->options, "filter") ? &filter : NULL,
	};

	if (!plan_host_make(g->host, a, &host))
		die("no such host", g->host);
	if (spec_parse("config.json", g->config, strlen(g->config), a, &spec, &e) < 0)
		die(g->name, e.msg);
	request.spec = spec;
	if (plan_make(&request, &plan, &e) < 0)
		return arena_format(a, "error %s: %s\n", err_kind_name(e.kind), e.msg);
	if (plan_print(&plan, a, &text, &length, &e) < 0)
		die("print", e.msg);
	return text;
}

/* ---- files ---- */

static bool next_line(struct file *f)
{
	ssize_t n = getline(&f->line, &f->size, f->in);

	if (n > 0 && f->line[n - 1] == '\n')
		f->line[n - 1] = '\0';
	return n > 0;
}

/* A line of each where they part. */
static void show_difference(const char *expected, const char *got)
{
	while (*expected && *got) {
		size_t n = strcspn(expected, "\n"), m = strcspn(got, "\n");
		if (n != m || memcmp(expected, got, n) != 0)
			break;
		expected += n + (expected[n] != '\0');
		got += m + (got[m] != '\0');
	}
	printf("# expected: %.*s\n#      got: %.*s\n", (int)strcspn(expected, "\n"), expected,
	       (int)strcspn(got, "\n"), got);
}

static void run_case(struct file *f, const struct golden_case *g)
{
	struct arena a;
	char *expected = NULL;
	size_t length = 0;
	FILE *collect = open_memstream(&expected, &length);

	arena_init(&a, 0);
	while (next_line(f) && !text_equal(f->line, "end"))
		fprintf(collect, "%s\n", f->line);
	fclose(collect);
	const char *got = make(g, &a);
	bool good = text_equal(expected, got) || f->out;
	printf("%sok %u - %s: %s\n", good ? "" : "not ", ++done, f->name, g->name);
	if (!good) {
		failed++;
		show_difference(expected, got);
	}
	if (f->out)
		fprintf(f->out, "%send\n", got);
	free(expected);
	arena_free(&a);
}

static void begin_case(struct golden_case *g, const char *name)
{
	free(g->config);
	*g = (struct golden_case){ .config = strdup("{}") };
	text_format(g->name, sizeof g->name, "%s", name);
	text_format(g->host, sizeof g->host, "root-v2");
}

static void run_line(struct file *f, struct golden_case *g)
{
	char *rest = strchr(f->line, ' ');
	size_t n = rest ? (size_t)(rest++ - f->line) : strlen(f->line);
	const char *word = f->line;

	if (!*word || *word == '#')
		return;
	if (n == 4 && memcmp(word, "plan", n) == 0)
		run_case(f, g);
	else if (!rest)
		die(f->name, f->line);
	else if (n == 4 && memcmp(word, "case", n) == 0)
		begin_case(g, rest);
	else if (n == 4 && memcmp(word, "host", n) == 0)
		text_format(g->host, sizeof g->host, "%s", rest);
	else if (n == 4 && memcmp(word, "base", n) == 0)
		set_base(g, rest);
	else if (n == 5 && memcmp(word, "merge", n) == 0)
		merge(g, rest);
	else if (n == 6 && memcmp(word, "option", n) == 0)
		text_format(g->options, sizeof g->options, "%s", rest);
	else if (n == 6 && memcmp(word, "define", n) == 0)
		define(g, rest);
	else
		die(f->name, f->line);
}

static void run_file(const char *dir, const char *name, bool update)
{
	struct file f = { .name = name };
	struct golden_case g = { .config = NULL };
	char path[4096], fresh[4096];

	text_format(path, sizeof path, "%s/%s", dir, name);
	text_format(fresh, sizeof fresh, "%s.new", path);
	f.in = fopen(path, "re");
	f.out = update ? fopen(fresh, "we") : NULL;
	if (!f.in || (update && !f.out))
		die("open", path);
	begin_case(&g, "without a name");
	while (next_line(&f)) {
		if (f.out)
			fprintf(f.out, "%s\n", f.line);
		run_line(&f, &g);
	}
	fclose(f.in);
	free(f.line);
	free(g.config);
	if (f.out && (fclose(f.out) != 0 || rename(fresh, path) < 0))
		die("write", path);
}

static int is_golden(const struct dirent *d)
{
	return text_ends(d->d_name, ".golden");
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	struct dirent **files;
	char dir[4096];

	text_format(dir, sizeof dir, "%s/tests/plan", srcdir ? srcdir : ".");
	int n = scandir(dir, &files, is_golden, alphasort);
	if (n <= 0)
		die("nothing to test in", dir);
	for (int i = 0; i < n; i++) {
		run_file(dir, files[i]->d_name, getenv("HUSK_UPDATE_GOLDEN") != NULL);
		free(files[i]);
	}
	free(files);
	while (bases_count)
		free(bases[--bases_count].config);
	printf("1..%u\n", done);
	return failed != 0;
}
