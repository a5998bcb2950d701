/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader of policies says: errors with their caret, and notes. Each *.golden file in
 * tests/policy is a list of cases:
 *
 *   case NAME
 *   option dialect c|python, arch NAME, denylist, skip-unknown, depth N
 *   > NAME                 what follows is the file NAME (before that: case.policy)
 *   | TEXT                 a line of it; "\t" and the like as in printf(1)
 *   = TEXT                 a line of the error
 *   + TEXT                 a note; a case without "=" must compile
 *
 * "golden --print FILE" prints the file with what is said now. TAP on standard output.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/policy/policy.h"
#include "src/base/text.h"

#define TEXT_MAX 65536

struct golden {
	char name[256], wanted[TEXT_MAX], got[TEXT_MAX];
	struct policy_options options;
	uint32_t archs[8];
	FILE *file; /* being written */
	bool open;
};

static unsigned done, failed;
static bool printing;

static void die(const char *what, const char *detail)
{
	printf("Bail out! %s: %s: %s\n", what, detail, strerror(errno));
	exit(1);
}

static void append(char *to, const char *prefix, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, TEXT_MAX - n, "%s%s\n", prefix, text);
}

static void run(struct golden *g)
{
	struct seccomp_program program;
	struct policy policy;
	struct err e = { 0 };
	struct arena arena;
	char line[1024];

	arena_init(&arena, 0);
	g->options.archs = g->archs;
	if (policy_load("./case.policy", &g->options, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0) {
		for (char *save, *l = strtok_r(e.msg, "\n", &save); l;
		     l = strtok_r(NULL, "\n", &save))
			append(g->got, "= ", l);
	} else {
		for (size_t i = 0; i < policy.notes_count; i++) {
			const struct policy_note *n = &policy.notes[i];
			snprintf(line, sizeof line, "%s:%u:%u: %s", n->file, n->line, n->column,
				 n->text);
			append(g->got, "+ ", line);
		}
	}
	arena_free(&arena);
}

static void close_file(struct golden *g)
{
	if (g->file && fclose(g->file) == EOF)
		die("write", g->name);
	g->file = NULL;
}

static void finish(struct golden *g)
{
	if (!g->open)
		return;
	close_file(g);
	run(g);
	done++;
	if (printing) {
		printf("%s\n", g->got);
	} else if (strcmp(g->wanted, g->got) == 0) {
		printf("ok %u - %s\n", done, g->name);
	} else {
		failed++;
		printf("not ok %u - %s\n# wanted:\n", done, g->name);
		fprintf(stderr, "%s# got:\n%s", g->wanted, g->got);
	}
	memset(g, 0, sizeof *g);
}

static void open_file(struct golden *g, const char *name)
{
	close_file(g);
	unlink(name);
	g->file = fopen(name, "wxe");
	if (!g->file)
		die("create", name);
}

static void set_option(struct golden *g, char *text)
{
	const char *value = strchr(text, ' ') ? strchr(text, ' ') + 1 : "";

	if (text_starts(text, "dialect c"))
		g->options.dialect = POLICY_DIALECT_C;
	else if (text_starts(text, "dialect python"))
		g->options.dialect = POLICY_DIALECT_PYTHON;
	else if (text_starts(text, "arch "))
		g->archs[g->options.archs_count++] = policy_arch_parse(value);
	else if (text_equal(text, "denylist"))
		g->options.denylist = true;
	else if (text_equal(text, "skip-unknown"))
		g->options.skip_unknown = true;
	else if (text_starts(text, "depth "))
		g->options.include_depth = (uint32_t)strtoul(value, NULL, 10);
	else
		die("option", text);
}

static void write_line(struct golden *g, const char *text)
{
	if (!g->file)
		open_file(g, "case.policy");
	for (; *text; text++) {
		if (*text == '\\' && text[1] == 't')
			putc('\t', g->file);
		else if (*text == '\\' && text[1] == 'r')
			putc('\r', g->file);
		else if (*text == '\\' && text[1] == 'e')
			putc('\033', g->file);
		else if (*text == '\\' && text[1] == '0')
			putc('\0', g->file);
		else {
			putc(*text, g->file);
			continue;
		}
		text++;
	}
	putc('\n', g->file);
}

static void take_line(struct golden *g, char *line)
{
	bool answer = text_starts(line, "= ") || text_starts(line, "+ ");

	if (text_starts(line, "case ")) {
		finish(g);
		g->open = true;
		snprintf(g->name, sizeof g->name, "%s", line + 5);
	} else if (text_starts(line, "option ")) {
		set_option(g, line + 7);
	} else if (text_starts(line, "> ")) {
		open_file(g, line + 2);
	} else if (text_starts(line, "| ") || text_equal(line, "|")) {
		write_line(g, line[1] ? line + 2 : "");
	} else if (answer) {
		append(g->wanted, "", line);
	} else if (*line && *line != '#') {
		die("unknown line", line);
	}
	if (printing && !answer && *line)
		printf("%s\n", line);
}

static void run_file(const char *path)
{
	static struct golden g;
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		die("open", path);
	while (getline(&line, &size, f) >= 0) {
		line[strcspn(line, "\n")] = 0;
		take_line(&g, line);
	}
	finish(&g);
	free(line);
	fclose(f);
}

static int run_all(const char *dir)
{
	struct dirent **names;
	char path[8192];
	int count = scandir(dir, &names, NULL, alphasort);

	if (count < 0)
		die("open", dir);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
		if (text_ends(path, ".golden"))
			run_file(path);
		free(names[i]);
	}
	free(names);
	printf("1..%u\n", done);
	/* A runner that sees no files must not pass. */
	return failed || done < 60;
}

int main(int argc, char **argv)
{
	char tmp[] = "/tmp/husk-policy-XXXXXX", path[4096], dir[4096];
	const char *srcdir = getenv("srcdir");
	int status = 0;

	printing = argc == 3 && text_equal(argv[1], "--print");
	snprintf(dir, sizeof dir, "%s/tests/policy", srcdir ? srcdir : ".");
	if (!realpath(printing ? argv[2] : dir, path))
		die("realpath", dir);
	if (!mkdtemp(tmp) || chdir(tmp) < 0)
		die("make", tmp);
	if (printing)
		run_file(path);
	else
		status = run_all(path);
	for (const char *const *name = (const char *const[]){ "case.policy", "a.policy", "b.policy",
							      "c.policy", "f.frequency", NULL };
	     *name; name++)
		unlink(*name);
	if (chdir("/") < 0 || rmdir(tmp) < 0)
		die("remove", tmp);
	return status;
}
