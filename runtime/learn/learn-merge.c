/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/learn/learn.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define TEXT_BYTES_MAX (16u << 20)

/* ------------------------------------------------------------------ rules */

static int argument_of(const struct learn_call *c, uint32_t index)
{
	for (size_t i = 0; c->row && i < c->row->count; i++)
		if (c->row->arguments[i].index == index)
			return (int)i;
	return -1;
}

/* "Is this value" in either of the two forms; the value in *out. */
static bool is_value(const struct seccomp_compare *c, uint64_t *out)
{
	*out = c->op == SECCOMP_OP_EQ ? c->value : c->value_two;
	return c->op == SECCOMP_OP_EQ || (c->op == SECCOMP_OP_MASKED_EQ && c->value == UINT32_MAX);
}

/* What the conditions of a rule add; false where they are others than are written here. */
static bool add_compares(struct learn *l, struct learn_call *c, const struct seccomp_rule *rule)
{
	const struct seccomp_compare *only = &rule->compares[0];
	struct learn_values v = { 0 };
	unsigned have = 0;

	if (!c->row)
		return false;
	uint64_t all = c->narrow >> c->row->arguments[0].index & 1 ? UINT32_MAX : UINT64_MAX;
	/* arg in MASK */
	if (rule->compares_count == 1 && only->op == SECCOMP_OP_MASKED_EQ && !only->value_two &&
	    only->value != UINT32_MAX && argument_of(c, only->index) == 0 && c->row->mask) {
		c->masked = true;
		c->mask |= ~only->value & all;
		return true;
	}
	for (size_t i = 0; i < rule->compares_count; i++) {
		int at = argument_of(c, rule->compares[i].index);
		uint64_t value;
		if (at < 0 || have & 1u << at || !is_value(&rule->compares[i], &value))
			return false;
		have |= 1u << at;
		v.of[at] = value;
	}
	if (have == 1 && c->row->count > 1)
		c->first_only = true;
	else if (have != (1u << c->row->count) - 1)
		return false;
	learn_call_add_values(l, c, &v);
	return true;
}

static int fail(const struct policy *p, size_t rule, const char *name, const char *what,
		struct err *e)
{
	if (p->origins && p->origins[rule].file)
		return err_config(e, "%s:%u: %s: %s", p->origins[rule].file, p->origins[rule].line,
				  name, what);
	return err_config(e, "%s: %s: %s", p->path, name, what);
}

static int merge_rule(struct learn *l, const struct policy *p, size_t index,
		      const struct seccomp_arch *arch, struct err *e)
{
	const struct seccomp_rule *rule = &p->seccomp.rules[index];

	for (size_t i = 0; i < rule->names_count; i++) {
		const char *name = rule->names[i];
		struct learn_call *c = learn_call_named(l, arch, name);
		if (!c)
			continue;
		if (rule->action == (SECCOMP_RET_ERRNO | ENOSYS) && !rule->compares_count) {
			c->refused++;
			c->origin |= LEARN_MERGED;
			continue;
		}
		if (rule->action != SECCOMP_RET_ALLOW)
			return fail(p, index, name, "cannot be merged: it refuses something", e);
		c->origin |= LEARN_MERGED;
		c->let++;
		if (!rule->compares_count)
			c->any = true;
		else if (!add_compares(l, c, rule))
			return fail(
				p, index, name,
				"cannot be merged: its condition is none that husk learn writes",
				e);
	}
	return 0;
}

/* --------------------------------------------------------------- comments */

/* The next word of a comment, without its quotes; NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " "), *end;

	if (!*word)
		return NULL;
	if (*word == '\'') {
		word++;
		end = strchr(word, '\'');
		if (!end)
			return NULL;
	} else {
		end = word + strcspn(word, " ");
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static void merge_option(struct learn *l, char *line)
{
	char *option = next_word(&line), *path = next_word(&line);

	if (!option || !path || *path != '/')
		return;
	if (text_equal(option, "rw"))
		learn_file_add(l, path, LEARN_GIVEN | LEARN_WRITE);
	else if (text_equal(option, "ro-bind"))
		learn_file_add(l, path, LEARN_GIVEN);
	l->want_files = true;
}

void learn_run_add(struct learn *l, const char *run)
{
	const char **grown;

	for (size_t i = 0; i < l->runs_count; i++)
		if (text_equal(l->runs[i], run))
			return;
	grown = arena_new_array(l->arena, l->runs_count + 1, const char *);
	if (!grown)
		return;
	if (l->runs_count)
		memcpy(grown, l->runs, l->runs_count * sizeof *grown);
	grown[l->runs_count++] = arena_strdup(l->arena, run);
	l->runs = grown;
}

static void merge_line(struct learn *l, char *line)
{
	if (text_starts(line, LEARN_RUN_MARK)) {
		learn_run_add(l, line + strlen(LEARN_RUN_MARK));
	} else if (text_starts(line, LEARN_OPTION_MARK)) {
		merge_option(l, line + strlen(LEARN_OPTION_MARK));
	} else if (text_starts(line, LEARN_ENDPOINT_MARK)) {
		learn_endpoint_add(l, line + strlen(LEARN_ENDPOINT_MARK));
		l->want_network = true;
	}
}

static int merge_comments(struct learn *l, const char *path, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length;
	char *text, *line;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (io_read_file(fd, path, TEXT_BYTES_MAX, l->arena, &text, &length, e) < 0)
		return -1;
	for (; (line = strsep(&text, "\n"));)
		merge_line(l, line);
	return 0;
}

int learn_merge(struct learn *l, const char *path, struct err *e)
{
	struct policy p;

	if (policy_load(path, NULL, l->arena, &p, e) < 0)
		return -1;
	if (p.kind == POLICY_BPF)
		return err_config(e, "%s: a BPF program cannot be merged", path);
	if (p.seccomp.default_action == SECCOMP_RET_ALLOW ||
	    p.seccomp.default_action == SECCOMP_RET_LOG)
		return err_config(e, "%s: cannot be merged: it allows whatever it does not name",
				  path);
	for (size_t i = 0; i < p.seccomp.rules_count; i++) {
		uint32_t own = p.seccomp.rules[i].arch;
		for (size_t k = 0; k < p.seccomp.archs_count; k++) {
			const struct seccomp_arch *arch = seccomp_names_arch(p.seccomp.archs[k]);
			if (!arch || (own && own != arch->token))
				continue;
			if (merge_rule(l, &p, i, arch, e) < 0)
				return -1;
		}
	}
	if (p.kind == POLICY_TEXT && merge_comments(l, path, e) < 0)
		return -1;
	return arena_check(l->arena, e);
}
