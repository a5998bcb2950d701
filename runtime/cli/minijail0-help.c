/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "runtime/cli/minijail0.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-names.h"

#define HELP_COLUMN 34
#define CALLS_END   1024 /* beyond the last number of any architecture that counts from 0 */

static void print_option(const struct minijail_option *o)
{
	char left[96];
	char letter[3] = { '-', o->letter, '\0' };
	/* An argument that may be left out stands at its option: "-t[<size>]". */
	const char *blank = o->argument == MINIJAIL_NEEDED ? " " : "";
	size_t n = text_format(left, sizeof left, "  %s%s%s%s%s%s", o->letter ? letter : "",
			       o->letter && *o->name ? ", " : "", *o->name ? "--" : "", o->name,
			       blank, o->value);

	if (n >= HELP_COLUMN - 1)
		printf("%s\n%*s%s\n", left, HELP_COLUMN, "", o->help);
	else
		printf("%-*s%s\n", HELP_COLUMN, left, o->help);
}

void minijail0_help_print(bool by_link)
{
	printf("usage: %sminijail0 [option...] [--] program [argument...]\n\n"
	       "Runs the program in a jail; without options, as it is.\n\noptions:\n",
	       by_link ? "" : "husk ");
	for (size_t i = 0; i < minijail_options_count; i++)
		print_option(&minijail_options[i]);
	printf("\nman husk-minijail0 has the details, and what differs from other minijail0s.\n");
}

void minijail0_calls_print(void)
{
	const struct seccomp_arch *arch = seccomp_names_arch(seccomp_names_native());
	char name[64];

	for (uint32_t i = 0; arch && i < CALLS_END; i++) {
		if (seccomp_names_of(arch, arch->base + i, name, sizeof name) == 0)
			printf("%s [%u]\n", name, arch->base + i);
	}
}
