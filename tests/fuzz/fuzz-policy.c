/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy: refused with a message, or compiled to a filter that the kernel would take
 * and that answers what the rules say.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/policy-export.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };

static void require(bool promise)
{
	if (!promise)
		abort();
}

static void check_call(const struct policy *p, const struct seccomp_program *program,
		       const struct seccomp_arch *arch, uint32_t number, uint64_t value)
{
	struct seccomp_data call = { .nr = (int)number, .arch = arch->audit };

	for (size_t i = 0; i < 6; i++)
		call.args[i] = value + i % 2;
	uint32_t got = seccomp_simulate(program->code, program->count, &call, NULL);
	size_t rule = policy_decide(p, arch, &call);
	if (rule != POLICY_NO_RULE)
		require(got == p->seccomp.rules[rule].action);
	else
		require(got == p->seccomp.default_action || got == (SECCOMP_RET_ERRNO | ENOSYS));
}

static void check_policy(const struct policy *p, struct arena *a)
{
	static const uint64_t values[] = { 0, 1, 2, 0x5412, 0x80000000, UINT32_MAX, UINT64_MAX };
	struct seccomp_program program;
	struct err e = { 0 };
	size_t length;
	char *text;

	if (policy_program(p, a, &program, &e) < 0) {
		require(e.msg[0]);
		return;
	}
	require(seccomp_simulate_check(program.code, program.count, &e) == 0);
	for (size_t i = 0; i < p->seccomp.archs_count; i++)
		for (uint32_t n = 0; n < 60; n++)
			check_call(p, &program, seccomp_names_arch(p->seccomp.archs[i]), n,
				   values[(n + i) % 7]);
	require(policy_export_text(p, a, &text, &length, &e) == 0 || e.msg[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct policy_options options = { .archs = archs, .archs_count = size % 4 };
	struct policy policy;
	struct err e = { 0 };
	struct arena a;

	/* Other files are none of its business. */
	if (memmem(data, size, "@include", 8) || memmem(data, size, "@frequency", 10))
		return 0;
	options.dialect = (enum policy_dialect)(size % 3);
	arena_init(&a, 256 << 20);
	if (policy_parse("input", text, size, &options, &a, &policy, &e) == 0)
		check_policy(&policy, &a);
	else
		require(e.kind != ERR_NONE && e.msg[0]);
	arena_free(&a);
	return 0;
}
