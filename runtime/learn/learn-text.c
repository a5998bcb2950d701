/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/learn/learn.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-simulate.h"

/* Where lines are wrapped. */
#define COLUMNS 100

struct writer {
	const struct learn *l;
	struct arena *arena;
	struct learn_call **calls;
	bool *written; /* as calls */
	bool several;  /* architectures */
	char *text;
	size_t length, room;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
	char piece[4096];
	va_list args;

	va_start(args, format);
	size_t n = text_vformat(piece, sizeof piece, format, args);
	va_end(args);
	if (w->length + n >= w->room) {
		size_t room = (w->room + n) * 2 + 4096;
		char *grown = arena_alloc(w->arena, room);
		if (!grown)
			return;
		if (w->length)
			memcpy(grown, w->text, w->length);
		w->text = grown;
		w->room = room;
	}
	memcpy(w->text + w->length, piece, n + 1);
	w->length += n;
}

/* ------------------------------------------------------------------ calls */

static void put_name(struct writer *w, const struct learn_call *c)
{
	put(w, "%s", c->name);
	if (w->several)
		put(w, "[arch=%s]", seccomp_names_arch(c->arch)->name);
}

static void put_compare(struct writer *w, const struct learn_call *c, size_t argument,
			const struct seccomp_compare *compare)
{
	bool mask = compare->op == SECCOMP_OP_MASKED_EQ;
	const struct seccomp_arch *arch = seccomp_names_arch(c->arch);
	uint64_t value = mask ? ~compare->value : compare->value;
	char text[LEARN_VALUE_MAX];

	if (compare->narrow || !arch->wide)
		value &= UINT32_MAX;
	learn_value_print(&c->row->arguments[argument], value, c->arch, text, sizeof text);
	put(w, "arg%u %s %s", compare->index, mask ? "in" : "==", text);
}

/* A statement of its own, with an alternative on each line where there are several. */
static void put_narrowed(struct writer *w, const struct learn_call *c,
			 const struct learn_clause *clauses, size_t count)
{
	put_name(w, c);
	put(w, ":");
	for (size_t i = 0; i < count; i++) {
		if (i)
			put(w, " || \\\n\t");
		else
			put(w, count > 1 ? " \\\n\t" : " ");
		for (size_t k = 0; k < clauses[i].count; k++) {
			put(w, k ? " && " : "");
			put_compare(w, c, k, &clauses[i].compares[k]);
		}
	}
	put(w, "\n");
}

/* What a reader may ask about a line. */
static const struct {
	const char *name, *why;
	bool once; /* only if it was made once */
} remarks[] = {
	{ "clone3", "Its flags are in memory, where no filter sees them.", false },
	{ "execve",
	  "Only the start of the program itself: not needed where the filter comes later.", true },
	{ "execve", "It starts other programs; they are under this policy, too.", false },
	{ "execveat", "It starts other programs; they are under this policy, too.", false },
	{ "io_uring_setup", "A ring makes calls that no filter sees.", false },
};

static void put_remark(struct writer *w, const struct learn_call *c)
{
	for (size_t i = 0; i < sizeof remarks / sizeof *remarks; i++)
		if (text_equal(remarks[i].name, c->name) &&
		    (!remarks[i].once || (c->let == 1 && c->origin == LEARN_SEEN))) {
			put(w, "# %s\n", remarks[i].why);
			return;
		}
}

static bool is_remarked(const struct learn_call *c)
{
	for (size_t i = 0; i < sizeof remarks / sizeof *remarks; i++)
		if (text_equal(remarks[i].name, c->name))
			return true;
	return false;
}

static bool in_group(const struct learn_call *c, const char *const *names)
{
	for (; names && *names; names++)
		if (text_equal(*names, c->name))
			return true;
	return !names;
}

/* Those of a group (NULL: all that are left) that have not been written, in one heading. */
struct selection {
	const char *group;
	const char *const *names;
	bool only_implied;
};

static bool selected(const struct writer *w, size_t i, const struct selection *s)
{
	bool is_implied = w->calls[i]->origin == LEARN_IMPLIED;

	return !w->written[i] && is_implied == s->only_implied && in_group(w->calls[i], s->names);
}

/* "{a, b, c}: allow" for those whose arguments do not matter, then the others. */
static void put_group(struct writer *w, const struct selection *s)
{
	struct learn_clause *clauses;
	size_t plain = 0, total = 0, column = 1;

	for (size_t i = 0; i < w->l->count; i++) {
		if (!selected(w, i, s))
			continue;
		total++;
		plain += !learn_is_refused(w->calls[i]) && !is_remarked(w->calls[i]) &&
			 !learn_narrow(w->calls[i], w->arena, &clauses);
	}
	if (!total)
		return;
	put(w, "\n# %s\n", s->group);
	const char *open = plain > 1 ? "{" : "";
	for (size_t i = 0; i < w->l->count && plain; i++) {
		const struct learn_call *c = w->calls[i];
		if (!selected(w, i, s) || learn_is_refused(c) || is_remarked(c) ||
		    learn_narrow(c, w->arena, &clauses))
			continue;
		bool wrap = column + strlen(c->name) + 2 > COLUMNS - 10;
		if (*open || column == 1)
			put(w, "%s", open);
		else
			put(w, wrap ? ",\n\t" : ", ");
		column = wrap ? 9 : column + 2;
		size_t before = w->length;
		put_name(w, c);
		column += w->length - before;
		w->written[i] = true;
		open = "";
	}
	if (plain)
		put(w, "%s: allow\n", plain > 1 ? "}" : "");
	for (size_t i = 0; i < w->l->count; i++) {
		const struct learn_call *c = w->calls[i];
		if (!selected(w, i, s))
			continue;
		w->written[i] = true;
		put_remark(w, c);
		size_t count = learn_narrow(c, w->arena, &clauses);
		if (learn_is_refused(c) || !count) {
			put_name(w, c);
			put(w, ": %s\n", learn_is_refused(c) ? "return ENOSYS" : "allow");
		} else {
			put_narrowed(w, c, clauses, count);
		}
	}
}

static void put_calls(struct writer *w)
{
	static const char here[] = "@husk";
	struct selection s = { 0 };

	for (size_t i = 0; (s.group = policy_group_at(i, &s.names)); i++) {
		const char *name = s.group;
		if (!text_ends(name, here))
			continue;
		s.group =
			arena_format(w->arena, "%.*s", (int)(strlen(name) - sizeof here + 1), name);
		put_group(w, &s);
	}
	s = (struct selection){ .group = "other" };
	put_group(w, &s);
	s = (struct selection){
		.group = "Not seen, but up to chance: signals, threads that meet, where the heap "
			 "is.",
		.only_implied = true,
	};
	put_group(w, &s);
}

/* --------------------------------------------------------------- comments */

static void put_files(struct writer *w)
{
	struct learn_option *options;
	char word[2 * PATH_MAX];

	if (!w->l->want_files)
		return;
	size_t count = learn_file_options(w->l, w->arena, &options);
	put(w, "\n# Files beside what every sandbox has, as options of husk sandbox:\n");
	for (size_t i = 0; i < count; i++) {
		const struct learn_option *o = &options[i];
		if (!learn_word_print(o->path, word, sizeof word) || strlen(word) > 1024)
			put(w, "# (a path that fits on no line)\n");
		else if (o->writable)
			put(w, LEARN_OPTION_MARK "rw %s\n", word);
		else
			put(w, LEARN_OPTION_MARK "ro-bind %s %s\n", word, word);
	}
	if (!count)
		put(w, "#   (none)\n");
}

/* "connect tcp 192.0.2.1:443" as an option. What is on loopback needs none; indented, so that it is
 * not taken for an option about files when it is merged. */
static void put_allow(struct writer *w, const char *endpoint, bool *first)
{
	static const char connect[] = "connect ";
	const char *protocol = endpoint + sizeof connect - 1;

	if (!text_starts(endpoint, connect) || text_starts(protocol, "unix "))
		return;
	const char *address = strchr(protocol, ' ') + 1;
	if (text_starts(address, "127.") || text_starts(address, "[::1]") ||
	    text_ends(address, ":0"))
		return;
	if (*first)
		put(w, "# As options of husk sandbox, beside --network user:\n");
	*first = false;
	if (text_starts(protocol, "ip "))
		put(w, "#     --allow %s\n", address);
	else
		put(w, "#     --allow %s/%.*s\n", address, 3, protocol);
}

static void put_endpoints(struct writer *w)
{
	bool internet = false, first = true;

	if (!w->l->want_network)
		return;
	put(w, "\n# Endpoints:\n");
	for (size_t i = 0; i < w->l->endpoints_count; i++) {
		put(w, LEARN_ENDPOINT_MARK "%s\n", w->l->endpoints[i]);
		internet |= !strstr(w->l->endpoints[i], " unix ");
	}
	if (!w->l->endpoints_count)
		put(w, "#   (none)\n");
	if (w->l->endpoints_lost)
		put(w, "# (and more)\n");
	if (internet)
		put(w, "# They need a network: husk sandbox has none but with --network.\n");
	for (size_t i = 0; i < w->l->endpoints_count; i++)
		put_allow(w, w->l->endpoints[i], &first);
}

/* prctl(PR_SET_SECCOMP) or seccomp(SECCOMP_SET_MODE_FILTER). */
static bool filters_itself(const struct writer *w)
{
	static const uint64_t set_seccomp = 22;

	for (size_t i = 0; i < w->l->count; i++) {
		const struct learn_call *c = w->calls[i];
		if (text_equal(c->name, "seccomp"))
			return true;
		for (size_t k = 0; text_equal(c->name, "prctl") && k < c->values_count; k++)
			if (c->values[k].of[0] == set_seccomp)
				return true;
	}
	return false;
}

static void put_head(struct writer *w)
{
	uint32_t last = 0;

	put(w, "# Written by husk learn, from:\n");
	for (size_t i = 0; i < w->l->runs_count; i++)
		put(w, LEARN_RUN_MARK "%s\n", w->l->runs[i]);
	put(w, "# What other runs need is not in it: learn those too, with --merge.\n\n@arch ");
	for (size_t i = 0; i < w->l->count; i++) {
		if (w->calls[i]->arch == last)
			continue;
		w->several |= last != 0;
		put(w, "%s%s", last ? ", " : "", seccomp_names_arch(w->calls[i]->arch)->name);
		last = w->calls[i]->arch;
	}
	if (filters_itself(w))
		put(w, "\n# Its own filters refuse calls that nobody saw; to kill for those would "
		       "be too much.\n"
		       "@default return EPERM\n");
	else
		put(w, "\n@default kill-process\n");
}

/* ------------------------------------------------------------------ check */

/* Would the filter let through what was recorded? */
static int check_call(const struct seccomp_program *p, const struct learn_call *c, struct err *e)
{
	uint32_t wanted = learn_is_refused(c) ? SECCOMP_RET_ERRNO : SECCOMP_RET_ALLOW;
	size_t count = c->row && c->values_count ? c->values_count : 1;

	for (size_t i = 0; i < count; i++) {
		struct seccomp_data data = { .nr = (int)c->number,
					     .arch = seccomp_names_arch(c->arch)->audit };
		for (size_t k = 0; c->row && c->values_count && k < c->row->count; k++)
			data.args[c->row->arguments[k].index] = c->values[i].of[k];
		/* Only masks are known: no bit is one of the allowed values. */
		uint32_t got = seccomp_simulate(p->code, p->count, &data, NULL);
		if ((got & SECCOMP_RET_ACTION_FULL) != wanted)
			return err_set(
				e, ERR_PROTOCOL, 0,
				"learned policy: %s with arguments that were seen is answered with "
				"0x%08x (this is a defect of husk)",
				c->name, got);
	}
	return 0;
}

static int check(struct writer *w, struct err *e)
{
	struct seccomp_program program;
	struct policy policy;

	if (policy_parse("learned policy", w->text, w->length, NULL, w->arena, &policy, e) < 0 ||
	    policy_program(&policy, w->arena, &program, e) < 0)
		return -1;
	for (size_t i = 0; i < w->l->count; i++)
		if (check_call(&program, w->calls[i], e) < 0)
			return -1;
	return 0;
}

const char *learn_text(const struct learn *l, struct arena *a, size_t *length, struct err *e)
{
	struct writer w = { .l = l, .arena = a, .calls = learn_calls_sorted(l, a) };

	w.written = arena_new_array(a, l->count + 1, bool);
	if (!w.calls || !w.written) {
		arena_check(a, e);
		return NULL;
	}
	put_head(&w);
	put_calls(&w);
	put_files(&w);
	put_endpoints(&w);
	if (arena_check(a, e) < 0 || check(&w, e) < 0)
		return NULL;
	*length = w.length;
	return w.text;
}
