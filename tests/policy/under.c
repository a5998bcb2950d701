/* SPDX-License-Identifier: Apache-2.0 */
/* under POLICY COMMAND [ARG...]: execute a command under the filter of a policy and nothing else. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-install.h"

int main(int argc, char **argv)
{
	struct seccomp_program program;
	struct policy policy;
	struct arena arena;
	struct err e = { 0 };

	if (argc < 3) {
		fprintf(stderr, "usage: under POLICY COMMAND [ARG...]\n");
		return 2;
	}
	arena_init(&arena, 0);
	if (policy_load(argv[1], NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    seccomp_install(program.code, program.count, 0, &e) < 0) {
		fprintf(stderr, "under: %s\n", e.msg);
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
