/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/policy-cli.h"
#include "runtime/policy/policy-compare.h"
#include "src/base/text.h"

#define ARCHS_MAX 64

/* The architectures of either; a BPF program has none of its own, and is asked about the other's.
 */
static size_t choose_archs(const struct policy policies[2], const struct seccomp_arch **out)
{
	bool bpf = policies[0].kind == POLICY_BPF && policies[1].kind == POLICY_BPF;
	size_t count = 0;

	for (size_t k = 0; k < 2; k++) {
		if (policies[k].kind == POLICY_BPF && !bpf)
			continue;
		for (size_t i = 0; policy_cli_arch(&policies[k], i) && count < ARCHS_MAX; i++) {
			const struct seccomp_arch *arch = policy_cli_arch(&policies[k], i);
			bool listed = false;
			for (size_t j = 0; j < count; j++)
				listed = listed || out[j] == arch;
			if (!listed)
				out[count++] = arch;
		}
	}
	return count;
}

static void print_difference(const struct seccomp_arch *arch, const struct policy_difference *d)
{
	char name[64], a[POLICY_ACTION_MAX], b[POLICY_ACTION_MAX];
	size_t last = SECCOMP_ARGUMENTS;

	policy_cli_name(arch, d->number, name, sizeof name);
	policy_action_print(d->a, a, sizeof a);
	policy_action_print(d->b, b, sizeof b);
	printf("%s %s", arch->name, name);
	if (!d->always) {
		while (last > 1 && !d->args[last - 1])
			last--;
		for (size_t i = 0; i < last; i++)
			printf("%s0x%llx", i ? ", " : "(", (unsigned long long)d->args[i]);
		printf(")");
	}
	printf(": %s -> %s\n", a, b);
}

/* Status 1 where they differ. */
int policy_diff_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
		     struct err *e)
{
	const struct seccomp_arch *archs[ARCHS_MAX];
	struct seccomp_program programs[2];
	struct policy policies[2];
	struct policy_difference *found;
	size_t count, total = 0;

	(void)argc;
	for (size_t i = 0; i < 2; i++)
		if (policy_cli_program(call, o, argv[i], &policies[i], &programs[i], e) < 0)
			return -1;
	size_t archs_count = choose_archs(policies, archs);
	for (size_t i = 0; i < archs_count; i++) {
		if (policy_compare(&programs[0], &programs[1], archs[i], false, call->arena, &found,
				   &count, e) < 0)
			return -1;
		for (size_t k = 0; k < count; k++)
			print_difference(archs[i], &found[k]);
		total += count;
	}
	return total ? 1 : 0;
}
