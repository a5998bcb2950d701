/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/policy-cli.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define LIST_MAX  256
#define SHOWN_MAX ((size_t)4 << 20)

static void print_notes(const struct policy *p, const char *kind)
{
	for (size_t i = 0; i < p->notes_count; i++)
		fprintf(stderr, "%s:%u:%u: %s: %s\n", p->notes[i].file, p->notes[i].line,
			p->notes[i].column, kind, p->notes[i].text);
}

static void print_summary(const struct policy *p, const struct seccomp_program *program)
{
	printf("%s: ok, %zu instructions for", p->path, program->count);
	for (size_t i = 0; policy_cli_arch(p, i) && p->kind != POLICY_BPF; i++)
		printf("%s %s", i ? "," : "", policy_cli_arch(p, i)->name);
	printf("%s\n", p->kind == POLICY_BPF ? " whatever it tests" : "");
}

/* Statuses: 1 with --strict and notes, too. */
int policy_check_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
		      struct err *e)
{
	size_t notes = 0;

	for (int i = 0; i < argc; i++) {
		struct seccomp_program program;
		struct policy policy;
		if (policy_cli_program(call, o, argv[i], &policy, &program, e) < 0)
			return -1;
		print_notes(&policy, o->strict ? "error" : "note");
		notes += policy.notes_count;
		for (size_t k = 0; k < program.unknown_names_count; k++)
			fprintf(stderr, "%s: note: unknown system call %s\n", policy.path,
				program.unknown_names[k]);
		if (!o->strict || !policy.notes_count)
			print_summary(&policy, &program);
	}
	if (o->strict && notes)
		return err_config(e, "%zu note%s, which --strict makes errors", notes,
				  notes == 1 ? "" : "s");
	return 0;
}

/* ------------------------------------------------------------------ list */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The first sentence of the comment that a policy begins with, on one line. */
static void print_about(const char *text)
{
	size_t shown = 0;

	for (const char *c = text; *c == '#' || *c == ' '; c++) {
		while (*c == '#' || *c == ' ')
			c++;
		for (; *c && *c != '\n'; c++) {
			if ((*c == '.' || *c == ':') && (c[1] == '\n' || c[1] == ' '))
				return;
			if (*c >= ' ' && shown++ < 70)
				putchar(*c);
		}
		if (!*c)
			return;
		if (shown < 70 && c[1] == '#')
			putchar(' ');
	}
}

static int print_groups(void)
{
	const char *const *names;

	for (size_t i = 0; policy_group_at(i, &names); i++) {
		printf("%s:", policy_group_at(i, &names));
		for (; *names; names++)
			printf(" %s", *names);
		printf("\n");
	}
	return 0;
}

static int read_profile(struct call *call, const char *name, char **text, size_t *length,
			struct err *e)
{
	char *path = arena_format(call->arena, "%s/profiles/%s.policy", policy_directory, name);

	if (!path)
		return arena_check(call->arena, e);
	CLEAN_FD int fd = strchr(name, '/') ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, ERR_NOT_FOUND, 0,
			       "no policy is called %s (husk policy list names them)", name);
	return io_read_file(fd, path, SHOWN_MAX, call->arena, text, length, e);
}

int policy_list_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
		     struct err *e)
{
	char *names[LIST_MAX], *text = NULL;
	size_t count = 0, length = 0;
	struct dirent *d;

	(void)argc;
	(void)argv;
	if (o->groups)
		return print_groups();
	char *path = arena_format(call->arena, "%s/profiles", policy_directory);
	if (!path)
		return arena_check(call->arena, e);
	CLEAN_DIR DIR *dir = opendir(path);
	if (!dir)
		return err_sys(e, "open %s", path);
	while (count < LIST_MAX && (d = readdir(dir))) {
		if (!text_ends(d->d_name, ".policy"))
			continue;
		names[count] =
			arena_memdup(call->arena, d->d_name, strlen(d->d_name) - strlen(".policy"));
		if (!names[count++])
			return arena_check(call->arena, e);
	}
	qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count; i++) {
		if (read_profile(call, names[i], &text, &length, e) < 0 || !text)
			return -1;
		printf("%-16s", names[i]);
		print_about(text);
		printf("\n");
	}
	return 0;
}

int policy_show_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
		     struct err *e)
{
	char *text = NULL;
	size_t length = 0;

	(void)argc;
	if (read_profile(call, argv[0], &text, &length, e) < 0)
		return -1;
	return policy_cli_write(o, text, length, e);
}
