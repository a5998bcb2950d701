/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "runtime/cli/cli.h"
#include "runtime/spec/spec.h"

#define HELP_COLUMN 34

static void print_row(const struct option_row *row)
{
	char left[128];
	int n = snprintf(left, sizeof left, "  %c%c%s --%s%s%s%s", row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
			 row->kind == OPTION_PERHAPS ? "[="
			 : row->value                ? " "
						     : "",
			 row->value ? row->value : "", row->kind == OPTION_PERHAPS ? "]" : "");

	/* Two blanks at least: some values are several words. */
	if (n >= HELP_COLUMN - 1)
		printf("%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
	else
		printf("%-*s%s\n", HELP_COLUMN, left, row->help);
}

static void print_rows(const struct option_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_row(&rows[i]);
}

void help_print(const struct verb *verb)
{
	if (verb) {
		printf("usage: husk [global options] %s%s%s%s\n\n%s.\n", verb->name,
		       verb->options_count ? " [options]" : "", *verb->arguments ? " " : "",
		       verb->arguments, verb->about);
		if (verb->more)
			printf("\n%s", verb->more);
		if (verb->options_count)
			printf("\noptions:\n");
		print_rows(verb->options, verb->options_count);
		printf("\nman husk-%.*s has the details.\n", (int)strcspn(verb->name, " "),
		       verb->name);
		return;
	}
	printf("usage: husk [global options] VERB [options] [arguments]\n\n"
	       "Runs programs in isolation; an OCI runtime.\n\nverbs:\n");
	for (size_t i = 0; verbs[i]; i++)
		printf("  %-12s%s\n", verbs[i]->name, verbs[i]->about);
	printf("\nglobal options:\n");
	print_rows(global_rows, global_rows_count);
	printf("\n\"husk VERB --help\" and man husk have the details.\n");
}

void version_print(void)
{
	printf("husk version %s\ncommit: %s\nspec: %s\n", PACKAGE_VERSION, HUSK_COMMIT,
	       SPEC_OCI_VERSION_MAX);
}
