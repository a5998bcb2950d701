/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every step of every phase as "PHASE:STEP", from the very tables that run: what the fault tests
 * have to cover can never be out of date. With an argument, the number of phases instead.
 */
#include <stdio.h>

#include "runtime/phase/exec-join.h"
#include "runtime/phase/finish.h"
#include "runtime/phase/init.h"
#include "runtime/phase/middle.h"
#include "runtime/phase/parent.h"
#include "runtime/phase/start.h"

static const struct phase *const phases[] = {
	&parent_phase,	    &middle_phase, &init_phase,	  &start_phase,
	&exec_parent_phase, &exec_phase,   &finish_phase,
};
#define COUNT (sizeof phases / sizeof *phases)

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		printf("%zu\n", COUNT);
		return 0;
	}
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t k = 0; k < phases[i]->steps_count; k++)
			printf("%s:%s\n", phases[i]->name, phases[i]->steps[k].name);
	}
	return 0;
}
