/* SPDX-License-Identifier: Apache-2.0 */
/* What husk's own processes are held to is what policies/self says. TAP on standard output. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "runtime/phase/reaper-filter.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"

/* Beyond the last number of any architecture, x32 included. */
#define NUMBERS 0x40000400u

static const char path[] = POLICY_DIRECTORY "/self/reaper.policy";

static unsigned compare(const struct seccomp_program *text, const struct sock_filter *code,
			size_t count)
{
	unsigned different = 0;

	for (uint32_t nr = 0; nr < NUMBERS; nr = nr == 1024 ? 0x40000000u : nr + 1) {
		struct seccomp_data data = { .nr = (int)nr, .arch = seccomp_names_native() };
		for (int foreign = 0; foreign < 2; foreign++) {
			data.arch ^= foreign ? 1 : 0;
			uint32_t said = seccomp_simulate(text->code, text->count, &data, NULL);
			uint32_t done = seccomp_simulate(code, count, &data, NULL);
			/* Both kill, for the policy's part by thread or by process. */
			if (said != done && !(foreign && done == SECCOMP_RET_KILL_PROCESS &&
					      said != SECCOMP_RET_ALLOW)) {
				printf("# call %u: %x, and not %x\n", nr, done, said);
				different++;
			}
		}
	}
	return different;
}

int main(void)
{
	struct sock_filter code[REAPER_FILTER_MAX];
	size_t count = reaper_filter_make(code);
	struct seccomp_program program;
	struct policy policy;
	struct arena arena;
	struct err e;

	arena_init(&arena, 0);
	if (policy_load(path, NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0) {
		printf("1..1\nnot ok 1 - reaper: the policy compiles\n# %s\n", e.msg);
		return 1;
	}
	int taken = seccomp_simulate_check(code, count, &e) == 0;
	printf("%sok 1 - reaper: the kernel would take the instructions\n", taken ? "" : "not ");
	unsigned different = compare(&program, code, count);
	printf("%sok 2 - reaper: they answer every call as the policy does\n1..2\n",
	       different ? "not " : "");
	return !taken || different;
}
