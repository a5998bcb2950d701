/* SPDX-License-Identifier: Apache-2.0 */
/* The runner of phases: order, what is undone when, and who names an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/phase/exec-join.h"
#include "runtime/phase/finish.h"
#include "runtime/phase/init.h"
#include "runtime/phase/middle.h"
#include "runtime/phase/parent.h"
#include "runtime/phase/start.h"
#include "runtime/phase/step.h"
#include "src/json/json-tree.h"

/* Every call leaves a letter: capitals do, small ones undo. */
struct log {
	char text[64];
	char fails;    /* the step with this letter fails */
	char unwanted; /* this one has nothing to do */
	bool foreign;  /* its error comes from another process and has names */
};

static int note(void *ctx, char letter, struct err *e)
{
	struct log *l = ctx;
	size_t n = strlen(l->text);

	l->text[n] = letter;
	if (letter != l->fails)
		return 0;
	err_set(e, ERR_SYSTEM, EIO, "work of %c", letter);
	if (l->foreign) {
		strcpy(e->phase, "elsewhere");
		strcpy(e->step, "there");
	}
	return -1;
}

#define STEP(letter, small)                                                                        \
	static int run_##small(void *ctx, struct err *e)                                           \
	{                                                                                          \
		return note(ctx, letter, e);                                                       \
	}                                                                                          \
	static void undo_##small(void *ctx)                                                        \
	{                                                                                          \
		struct log *l = ctx;                                                               \
		l->text[strlen(l->text)] = #small[0];                                              \
		errno = ENOTTY;                                                                    \
	}                                                                                          \
	static bool wanted_##small(const void *ctx)                                                \
	{                                                                                          \
		return ((const struct log *)ctx)->unwanted != letter;                              \
	}

STEP('A', a)
STEP('B', b)
STEP('C', c)
STEP('D', d)

static const struct step steps[] = {
	{ "first", run_a, .undo = undo_a },
	{ "second", run_b, .undo = undo_b, .wanted = wanted_b },
	{ "third", run_c, .wanted = wanted_c },
	{ "fourth", run_d, .undo = undo_d, .wanted = wanted_d },
};
static const struct phase phase = PHASE("test", steps, "nobody");

static int run(struct log *l, struct err *e)
{
	memset(l->text, 0, sizeof l->text);
	(void)wanted_a;
	(void)undo_c;
	*e = (struct err){ .kind = ERR_NONE };
	return phase_run(&phase, l, e);
}

static void test_order(void **state)
{
	struct log l = { .fails = 0 };
	struct err e;

	(void)state;
	assert_int_equal(run(&l, &e), 0);
	assert_string_equal(l.text, "ABCD");
	l.unwanted = 'B';
	assert_int_equal(run(&l, &e), 0);
	assert_string_equal(l.text, "ACD");
	memset(l.text, 0, sizeof l.text);
	phase_undo(&phase, &l);
	assert_string_equal(l.text, "da");
	l.unwanted = 0;
	memset(l.text, 0, sizeof l.text);
	phase_undo(&phase, &l);
	assert_string_equal(l.text, "dba");
}

/* The failed step is undone, too: it may have done half of its work. */
static void test_failures(void **state)
{
	static const struct {
		char fails, unwanted;
		const char *text, *step;
	} table[] = {
		{ 'A', 0, "Aa", "first" },    { 'B', 0, "ABba", "second" },
		{ 'C', 0, "ABCba", "third" }, { 'D', 0, "ABCDdba", "fourth" },
		{ 'C', 'B', "ACa", "third" }, { 'D', 'B', "ACDda", "fourth" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct log l = { .fails = table[i].fails, .unwanted = table[i].unwanted };
		assert_int_equal(run(&l, &e), -1);
		assert_string_equal(l.text, table[i].text);
		assert_string_equal(e.phase, "test");
		assert_string_equal(e.step, table[i].step);
		/* What undoing does to errno is nobody's business. */
		assert_int_equal(errno, EIO);
		assert_int_equal(e.errnum, EIO);
	}
}

static void test_error_from_elsewhere(void **state)
{
	struct log l = { .fails = 'B', .foreign = true };
	struct err e;

	(void)state;
	assert_int_equal(run(&l, &e), -1);
	assert_string_equal(e.phase, "elsewhere");
	assert_string_equal(e.step, "there");
	/* Nobody wants to know: still undone. */
	memset(l.text, 0, sizeof l.text);
	l.foreign = false;
	assert_int_equal(phase_run(&phase, &l, NULL), -1);
	assert_string_equal(l.text, "ABba");
}

/* In another process: the named step is over, and what was done before is undone, too. */
static void test_behind(void **state)
{
	struct log l = { .fails = 0 };
	struct err e = { .kind = ERR_NONE };

	(void)state;
	assert_int_equal(phase_run_behind(&phase, "second", &l, &e), 0);
	assert_string_equal(l.text, "CD");
	memset(l.text, 0, sizeof l.text);
	assert_int_equal(phase_run_behind(&phase, "fourth", &l, &e), 0);
	assert_string_equal(l.text, "");
	l.fails = 'D';
	assert_int_equal(phase_run_behind(&phase, "second", &l, &e), -1);
	assert_string_equal(l.text, "CDdba");
	assert_string_equal(e.step, "fourth");
	memset(l.text, 0, sizeof l.text);
	assert_int_equal(phase_run_behind(&phase, "fifth", &l, &e), -1);
	assert_string_equal(l.text, "");
}

/* A line per step that ran, as text and as JSON. */
static void test_trace(void **state)
{
	struct log l = { .unwanted = 'C' };
	struct err e;
	char text[2048];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	phase_trace(p[1], false);
	assert_int_equal(run(&l, &e), 0);
	phase_trace(p[1], true);
	assert_int_equal(run(&l, &e), 0);
	phase_trace(-1, false);
	close(p[1]);
	ssize_t n = read(p[0], text, sizeof text - 1);
	close(p[0]);
	text[n > 0 ? n : 0] = '\0';
	assert_int_equal(strncmp(text, "husk: debug: test: first: ", 26), 0);
	assert_null(strstr(text, "third"));
	unsigned lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		if (lines < 3)
			continue;
		struct arena a;
		struct json_doc doc = { .name = "line", .text = line, .length = strlen(line) };
		arena_init(&a, 0);
		assert_int_equal(json_tree_parse(&doc, &a, &e), 0);
		const struct json_node *name = json_tree_member(doc.root, "step");
		assert_non_null(name);
		assert_string_equal(name->text, lines == 3   ? "first"
						: lines == 4 ? "second"
							     : "fourth");
		arena_free(&a);
	}
	assert_int_equal(lines, 6);
}

/* What struct err has room for is what names may need, or messages would lie. */
static void check_phase(const struct phase *p)
{
	const struct err *e = NULL;

	assert_true(strlen(p->name) < sizeof e->phase);
	assert_true(p->about && *p->about);
	assert_true(p->steps_count > 0);
	for (size_t i = 0; i < p->steps_count; i++) {
		assert_non_null(p->steps[i].run);
		assert_true(strlen(p->steps[i].name) < sizeof e->step);
		/* HUSK_FAULT and the log are split at these. */
		assert_int_equal(strcspn(p->steps[i].name, ": \""), strlen(p->steps[i].name));
		for (size_t k = i + 1; k < p->steps_count; k++)
			assert_string_not_equal(p->steps[i].name, p->steps[k].name);
	}
}

static size_t position(const struct phase *p, const char *name)
{
	for (size_t i = 0; i < p->steps_count; i++) {
		if (strcmp(p->steps[i].name, name) == 0)
			return i;
	}
	fail_msg("%s: no step %s", p->name, name);
	return 0;
}

/* The orders that are easy to get wrong, as the tables have them. */
static void check_order(const struct phase *p, const char *const *names)
{
	for (; names[1]; names++) {
		if (position(p, names[0]) >= position(p, names[1]))
			fail_msg("%s: %s has to come before %s", p->name, names[0], names[1]);
	}
}

static void test_tables(void **state)
{
	static const struct phase *const all[] = { &parent_phase, &middle_phase,      &init_phase,
						   &start_phase,  &exec_parent_phase, &exec_phase,
						   &finish_phase };
	static const char *const parent[] = { "intent",	       "cgroup", "clone",  "id-maps",
					      "runtime-hooks", "limits", "record", NULL };
	static const char *const init[] = { "tether",	    "rootfs",	    "mounts",
					    "devices",	    "create-hooks", "sysctls",
					    "masked-paths", "pivot-root",   "created",
					    "await-start",  "start-hooks",  "labels",
					    "credentials",  "execute",	    NULL };
	static const char *const init_cgroup[] = { "cgroup-join", "cgroup-namespace",
						   "cgroup-mounts", NULL };
	static const char *const finish[] = { "kill", "cgroup", "poststop-hooks", "state", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		check_phase(all[i]);
	check_order(&parent_phase, parent);
	check_order(&init_phase, init);
	check_order(&init_phase, init_cgroup);
	check_order(&finish_phase, finish);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_error_from_elsewhere),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
