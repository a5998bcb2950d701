/* SPDX-License-Identifier: Apache-2.0 */
/*
 * husk-phases(7) against the tables of steps: the same phases, the same steps in the same order, and
 * the same marks for steps that may be skipped or are undone. TAP on standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/phase/exec-join.h"
#include "runtime/phase/finish.h"
#include "runtime/phase/init.h"
#include "runtime/phase/middle.h"
#include "runtime/phase/parent.h"
#include "runtime/phase/start.h"
#include "src/base/text.h"

static const struct phase *const phases[] = {
	&parent_phase, &middle_phase,      &init_phase, &start_phase,
	&finish_phase, &exec_parent_phase, &exec_phase,
};
#define PHASES (sizeof phases / sizeof *phases)

static unsigned count;

static void report(bool good, const char *text, const char *name)
{
	printf("%sok %u - %s %s\n", good ? "" : "not ", ++count, name, text);
}

/* What the page must say about a step: ".It Cm NAME Pq when needed , undone". */
static void expected_line(const struct step *s, char *out, size_t size)
{
	text_format(out, size, ".It Cm %s%s%s%s%s", s->name, s->wanted || s->undo ? " Pq " : "",
		    s->wanted ? "when needed" : "", s->wanted && s->undo ? " , " : "",
		    s->undo ? "undone" : "");
}

static const struct phase *phase_of(const char *line)
{
	for (size_t i = 0; i < PHASES; i++) {
		if (text_starts(line, ".Ss ") && text_equal(line + 4, phases[i]->name))
			return phases[i];
	}
	return NULL;
}

/* Reads the list after ".Ss PHASE". The first difference is shown. */
static bool same_steps(FILE *in, const struct phase *phase)
{
	char line[512], expected[256];
	size_t step = 0;

	while (fgets(line, sizeof line, in) && !text_starts(line, ".El")) {
		line[strcspn(line, "\n")] = '\0';
		if (!text_starts(line, ".It Cm "))
			continue;
		if (step == phase->steps_count) {
			printf("# the page has, and the table does not: %s\n", line);
			return false;
		}
		expected_line(&phase->steps[step++], expected, sizeof expected);
		if (!text_equal(line, expected)) {
			printf("# the page has \"%s\", the table wants \"%s\"\n", line, expected);
			return false;
		}
	}
	if (step < phase->steps_count)
		printf("# the page lacks the step %s\n", phase->steps[step].name);
	return step == phase->steps_count;
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	bool seen[PHASES] = { false };
	char line[512];

	text_format(line, sizeof line, "%s/man/husk-phases.7", srcdir ? srcdir : ".");
	FILE *in = fopen(line, "re");
	if (!in) {
		printf("Bail out! cannot read %s\n", line);
		return 1;
	}
	while (fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = '\0';
		const struct phase *phase = phase_of(line);
		if (!phase)
			continue;
		for (size_t i = 0; i < PHASES; i++)
			seen[i] |= phases[i] == phase;
		report(same_steps(in, phase), "has the same steps in husk-phases(7)", phase->name);
	}
	fclose(in);
	for (size_t i = 0; i < PHASES; i++)
		report(seen[i], "is in husk-phases(7)", phases[i]->name);
	printf("1..%u\n", count);
	return 0;
}
