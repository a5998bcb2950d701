/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: every way to write an option, and every way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/cli.h"

struct options {
	bool flag, other;
	const char *string;
	struct option_list list;
	struct opt_u32 number;
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "flag", 'f', OPTION_FLAG, AT(flag), NULL, "" },
	{ "other", 'o', OPTION_FLAG, AT(other), NULL, "" },
	{ "string", 's', OPTION_STRING, AT(string), "TEXT", "" },
	{ "stringent", 0, OPTION_FLAG, AT(other), NULL, "" },
	{ "list", 'l', OPTION_STRINGS, AT(list), "ITEM", "" },
	{ "number", 'n', OPTION_U32, AT(number), "N", "" },
	{ "old-flag", 0, OPTION_IGNORED_FLAG, 0, NULL, "" },
	{ "old-string", 0, OPTION_IGNORED_STRING, 0, "X", "" },
};

/* What a command line came to; the words are split at blanks. */
struct outcome {
	struct options o;
	char *argv[600];
	int argc, index, result;
	struct err e;
	char text[4096];
};

static void parse(struct outcome *t, bool stop, const char *line)
{
	*t = (struct outcome){ .o.string = NULL };
	snprintf(t->text, sizeof t->text, "%s", line);
	for (char *p = strtok(t->text, " "); p; p = strtok(NULL, " "))
		/* '' stands for an empty word. */
		t->argv[t->argc++] = strcmp(p, "''") == 0 ? p + 2 : p;
	t->result = options_parse(rows, sizeof rows / sizeof *rows, &t->o, stop, t->argc, t->argv,
				  &t->index, &t->e);
}

/* The arguments that are left, joined by blanks. */
static const char *rest(const struct outcome *t)
{
	static char text[4096];

	text[0] = '\0';
	for (int i = t->index; i < t->argc; i++) {
		strcat(text, i > t->index ? " " : "");
		strcat(text, t->argv[i]);
	}
	return text;
}

static void test_forms(void **state)
{
	static const char *const strings[] = { "--string x", "--string=x", "-s x",    "-sx",
					       "-fs x",	     "-fsx",	   "-f -s x", "-s y -s x" };
	struct outcome t;

	(void)state;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		parse(&t, false, strings[i]);
		if (t.result != 0 || !t.o.string || strcmp(t.o.string, "x") != 0 ||
		    t.index != t.argc)
			fail_msg("%s: %s", strings[i], t.e.msg);
	}
	parse(&t, false, "-fo --number=7 -l a --list=b -lc");
	assert_int_equal(t.result, 0);
	assert_true(t.o.flag && t.o.other && t.o.number.set);
	assert_int_equal(t.o.number.value, 7);
	assert_int_equal(t.o.list.count, 3);
	assert_string_equal(t.o.list.items[2], "c");
	parse(&t, false, "--flag=false --other=true");
	assert_true(!t.o.flag && t.o.other);
	parse(&t, false, "--string= x");
	assert_string_equal(t.o.string, "");
	assert_string_equal(rest(&t), "x");
	/* A value may look like an option: it was asked for. */
	parse(&t, false, "--string --flag");
	assert_string_equal(t.o.string, "--flag");
	assert_false(t.o.flag);
	parse(&t, false, "--string=a=b");
	assert_string_equal(t.o.string, "a=b");
	parse(&t, false, "--old-flag --old-string y z");
	assert_int_equal(t.result, 0);
	assert_string_equal(rest(&t), "z");
}

static void test_arguments(void **state)
{
	struct outcome t;

	(void)state;
	parse(&t, false, "id --flag more -s x");
	assert_int_equal(t.result, 0);
	assert_true(t.o.flag);
	assert_string_equal(t.o.string, "x");
	assert_string_equal(rest(&t), "id more");
	parse(&t, true, "--flag id --other");
	assert_int_equal(t.result, 0);
	assert_true(t.o.flag && !t.o.other);
	assert_string_equal(rest(&t), "id --other");
	/* "--" ends the options and goes; what follows is untouched. */
	parse(&t, false, "a -f -- --other -s");
	assert_int_equal(t.result, 0);
	assert_string_equal(rest(&t), "a --other -s");
	assert_false(t.o.other);
	parse(&t, true, "-- --flag");
	assert_string_equal(rest(&t), "--flag");
	/* "-" and negative numbers are arguments. */
	parse(&t, false, "- -9 -f");
	assert_int_equal(t.result, 0);
	assert_string_equal(rest(&t), "- -9");
	parse(&t, false, "");
	assert_int_equal(t.result, 0);
	assert_int_equal(t.index, 0);
	parse(&t, false, "''");
	assert_int_equal(t.argc - t.index, 1);
}

static void test_errors(void **state)
{
	static const struct {
		const char *line, *message;
	} table[] = {
		{ "--strinx", "unknown option --strinx (did you mean --string?)" },
		{ "--strin=x", "unknown option --strin (did you mean --string?)" },
		{ "--zebra", "unknown option --zebra (--help lists them)" },
		{ "--zebra=secret", "unknown option --zebra (--help lists them)" },
		{ "-x", "unknown option -x (--help lists them)" },
		{ "-fx", "unknown option -x (--help lists them)" },
		{ "--string", "--string: needs a value (TEXT)" },
		{ "-s", "-s: needs a value (TEXT)" },
		{ "-fs", "-s: needs a value (TEXT)" },
		{ "--old-string", "--old-string: needs a value (X)" },
		{ "--flag=yes", "--flag: takes no value" },
		{ "--flag=", "--flag: takes no value" },
		{ "--old-flag=no", "--old-flag: takes no value" },
		{ "--number=", "--number: \"\" is not a number" },
		{ "--number=-1", "--number: \"-1\" is not a number" },
		{ "--number=0x10", "--number: \"0x10\" is not a number" },
		{ "--number=4294967296", "--number: \"4294967296\" is not a number" },
		{ "-n1k", "--number: \"1k\" is not a number" },
	};
	struct outcome t;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		parse(&t, false, table[i].line);
		if (t.result != -1 || strcmp(t.e.msg, table[i].message) != 0)
			fail_msg("%s: %d %s", table[i].line, t.result, t.e.msg);
		assert_int_equal(t.e.kind, ERR_USAGE);
	}
	/* A prefix is not enough, and a longer name is another one. */
	parse(&t, false, "--stringent");
	assert_int_equal(t.result, 0);
	assert_null(t.o.string);
	assert_true(t.o.other);
}

static void test_many(void **state)
{
	static char line[4096];
	struct outcome t;

	(void)state;
	line[0] = '\0';
	for (int i = 0; i < 64; i++)
		strcat(line, "a ");
	parse(&t, false, line);
	assert_int_equal(t.result, 0);
	strcat(line, "a");
	parse(&t, false, line);
	assert_int_equal(t.result, -1);
	assert_string_equal(t.e.msg, "more than 64 arguments");
	/* After "--" nothing is moved, so that nothing has to be counted. */
	memcpy(line, "-- ", 3);
	parse(&t, false, line);
	assert_int_equal(t.result, 0);
	line[0] = '\0';
	for (int i = 0; i <= OPTION_LIST_MAX; i++)
		strcat(line, "-lx ");
	parse(&t, false, line);
	assert_string_equal(t.e.msg, "--list: more than 256 times");
}

/* The tables themselves: a name or letter twice would hide the second. */
static void check_rows(const char *verb, const struct option_row *r, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++) {
		bool valued = r[i].kind != OPTION_FLAG && r[i].kind != OPTION_IGNORED_FLAG;
		if (valued != (r[i].value != NULL) || !r[i].help || !*r[i].help)
			fail_msg("%s --%s: value or help", verb, r[i].name);
		if (r[i].offset >= size && r[i].kind != OPTION_IGNORED_FLAG &&
		    r[i].kind != OPTION_IGNORED_STRING)
			fail_msg("%s --%s: outside of its structure", verb, r[i].name);
		for (size_t k = i + 1; k < count; k++) {
			if (strcmp(r[i].name, r[k].name) == 0 ||
			    (r[i].letter && r[i].letter == r[k].letter))
				fail_msg("%s --%s and --%s", verb, r[i].name, r[k].name);
		}
	}
}

static void test_tables(void **state)
{
	(void)state;
	check_rows("husk", global_rows, global_rows_count, sizeof(struct global_options));
	for (size_t i = 0; verbs[i]; i++) {
		const struct verb *v = verbs[i];
		check_rows(v->name, v->options, v->options_count, v->size);
		assert_ptr_equal(verb_find(v->name), v);
		assert_true(v->run && v->about && v->arguments);
		assert_true(v->arguments_min <= v->arguments_max);
	}
	assert_null(verb_find("no-such"));
	assert_null(verb_find(""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),  cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_many),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
