/* SPDX-License-Identifier: Apache-2.0 */
/* husk's compiler against libseccomp: chosen policies, and every number of a profile like Docker's.
 */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "src/seccomp/seccomp-simulate.h"

static void same(const struct seccomp_policy *policy, const struct seccomp_program *ours,
		 const struct seccomp_program *theirs, const struct seccomp_data *data)
{
	uint32_t our = seccomp_simulate(ours->code, ours->count, data, NULL);
	uint32_t their = seccomp_simulate(theirs->code, theirs->count, data, NULL);

	if (our == their)
		return;
	explain_difference(policy, data);
	fail_msg("husk %08x, libseccomp %08x", our, their);
}

static void same_everywhere(const struct seccomp_policy *policy, const struct seccomp_program *ours,
			    const struct seccomp_program *theirs)
{
	static const uint64_t values[] = { 0,	       1,	    8,		 9,
					   40,	       41,	    0x20000,	 0x20008,
					   0xffffffff, 0x100000000, 0x100000008, 0x10000000,
					   0x3d0f00,   0x7e020000,  ~(uint64_t)0 };
	static const uint32_t bases[] = { 0, SECCOMP_X32_BIT, 0x80000000, 0xffffff00 };
	static const uint32_t audits[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
					   0 };

	for (size_t a = 0; a < 4; a++)
		for (size_t b = 0; b < 4; b++)
			for (uint32_t n = 0; n < 700; n++)
				for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
					struct seccomp_data data = { .arch = audits[a],
								     .nr = (int)(bases[b] + n) };
					data.args[0] = values[v];
					data.args[1] = values[(v + n) % 15];
					same(policy, ours, theirs, &data);
				}
}

/* Every number, with the arguments that matter, for the shape of profile that matters most. */
static void test_docker_like(void **state)
{
	struct arena arena;
	struct seccomp_policy policy;
	struct seccomp_program ours, plain, tree;

	(void)state;
	arena_init(&arena, 0);
	make_docker_like(&arena, &policy);
	must_compile(&policy, &arena, &ours);
	assert_int_equal(oracle_compile(&policy, 1, &arena, &plain), 0);
	assert_int_equal(oracle_compile(&policy, 2, &arena, &tree), 0);
	same_everywhere(&policy, &ours, &plain);
	same_everywhere(&policy, &ours, &tree);
	print_message("# instructions: husk %zu, libseccomp %zu, with its binary tree %zu\n",
		      ours.count, plain.count, tree.count);
	assert_true(ours.count * 2 < plain.count);
	arena_free(&arena);
}

struct row {
	const char *name;
	uint32_t archs[3];
	struct seccomp_rule rules[5]; /* up to one without names */
	struct {
		uint32_t audit, number;
		uint64_t args[2];
		uint32_t result;
	} calls[8]; /* up to one without a result */
};

#define ALLOW	     SECCOMP_RET_ALLOW
#define EPERM_RESULT (SECCOMP_RET_ERRNO | EPERM)
#define KILL_RESULT  0x12345678u /* stands for 0 in a row */
#define NAMES(...)                                                                                 \
	.names = (const char *const[])                                                             \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define COMPARES(...)                                                                              \
	.compares = (const struct seccomp_compare[])                                               \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			99                                                                         \
		}                                                                                  \
	}

static const struct row rows[] = {
	{ "x32 is foreign where only x86-64 is listed, but -1 is not",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("getpid"), .action = ALLOW } },
	  { { AUDIT_ARCH_X86_64, 39, { 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 40, { 0 }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 39, { 0 }, KILL_RESULT },
	    { AUDIT_ARCH_X86_64, 0xfffffffe, { 0 }, KILL_RESULT },
	    { AUDIT_ARCH_X86_64, 0xffffffff, { 0 }, EPERM_RESULT },
	    { AUDIT_ARCH_I386, 20, { 0 }, KILL_RESULT } } },
	{ "x86-64 is foreign where only x32 is listed",
	  { SECCOMP_ARCH_X32 },
	  { { NAMES("getpid"), .action = ALLOW } },
	  { { AUDIT_ARCH_X86_64, 39, { 0 }, KILL_RESULT },
	    { AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 39, { 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 40, { 0 }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, 0xffffffff, { 0 }, EPERM_RESULT } } },
	{ "both x86-64 and x32",
	  { AUDIT_ARCH_X86_64, SECCOMP_ARCH_X32 },
	  { { NAMES("ioctl"), .action = ALLOW } },
	  { { AUDIT_ARCH_X86_64, 16, { 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 514, { 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 16, { 0 }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, 514, { 0 }, EPERM_RESULT } } },
	{ "socketcall and ipc on i386",
	  { AUDIT_ARCH_I386 },
	  { { NAMES("socket", "accept", "shmat"), .action = ALLOW } },
	  { { AUDIT_ARCH_I386, 102, { 1 }, ALLOW },
	    { AUDIT_ARCH_I386, 102, { 5 }, ALLOW },
	    { AUDIT_ARCH_I386, 102, { 2 }, EPERM_RESULT },
	    { AUDIT_ARCH_I386, 359, { 77 }, ALLOW },
	    { AUDIT_ARCH_I386, 117, { 21 }, ALLOW },
	    { AUDIT_ARCH_I386, 117, { 22 }, EPERM_RESULT },
	    { AUDIT_ARCH_I386, 397, { 9 }, ALLOW } } },
	{ "argument 0 of a socket call is lost behind socketcall",
	  { AUDIT_ARCH_I386 },
	  { { NAMES("socket"), .action = ALLOW, COMPARES({ 0, SECCOMP_OP_NE, 16 }) } },
	  { { AUDIT_ARCH_I386, 102, { 1 }, ALLOW },
	    { AUDIT_ARCH_I386, 359, { 16 }, EPERM_RESULT },
	    { AUDIT_ARCH_I386, 359, { 1 }, ALLOW } } },
	{ "conditions on one argument are alternatives, on several they add up",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("kill"), .action = ALLOW,
	      COMPARES({ 0, SECCOMP_OP_EQ, 1 }, { 0, SECCOMP_OP_EQ, 2 }, { 1, SECCOMP_OP_EQ, 9 }) },
	    { NAMES("tkill"), .action = ALLOW,
	      COMPARES({ 0, SECCOMP_OP_EQ, 1 }, { 1, SECCOMP_OP_EQ, 9 }) } },
	  { { AUDIT_ARCH_X86_64, 62, { 1, 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 2, 0 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 3, 9 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 3, 0 }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, 200, { 1, 9 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 200, { 1, 0 }, EPERM_RESULT } } },
	{ "a rule without conditions replaces those with, wherever it stands",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("kill"), .action = SECCOMP_RET_TRAP, COMPARES({ 0, SECCOMP_OP_EQ, 1 }) },
	    { NAMES("kill"), .action = ALLOW },
	    { NAMES("kill"), .action = SECCOMP_RET_LOG, COMPARES({ 0, SECCOMP_OP_EQ, 2 }) },
	    { NAMES("kill"), .action = SECCOMP_RET_TRAP } },
	  { { AUDIT_ARCH_X86_64, 62, { 1 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 2 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 3 }, ALLOW } } },
	{ "a rule with the default action does not take away what another one gives",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("kill"), .action = EPERM_RESULT }, { NAMES("kill"), .action = ALLOW } },
	  { { AUDIT_ARCH_X86_64, 62, { 1 }, ALLOW } } },
	{ "64-bit arguments are compared whole",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("personality"), .action = ALLOW, COMPARES({ 0, SECCOMP_OP_EQ, 8 }) },
	    { NAMES("mmap"), .action = ALLOW, COMPARES({ 0, SECCOMP_OP_GT, 0xffffffff }) } },
	  { { AUDIT_ARCH_X86_64, 135, { 8 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 135, { 0x100000008 }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, 9, { 0xffffffff }, EPERM_RESULT },
	    { AUDIT_ARCH_X86_64, 9, { 0x100000000 }, ALLOW } } },
	{ "a mask of nothing is no condition",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("kill"), .action = ALLOW, COMPARES({ 0, SECCOMP_OP_MASKED_EQ, 0, 5 }) } },
	  { { AUDIT_ARCH_X86_64, 62, { 1 }, ALLOW } } },
	{ "the compared value counts only below the mask",
	  { AUDIT_ARCH_X86_64 },
	  { { NAMES("kill"), .action = ALLOW, COMPARES({ 0, SECCOMP_OP_MASKED_EQ, 6, 3 }) } },
	  { { AUDIT_ARCH_X86_64, 62, { 2 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 0xfffffff3 }, ALLOW },
	    { AUDIT_ARCH_X86_64, 62, { 6 }, EPERM_RESULT } } },
	{ "arm's own calls, and names that an architecture does not have",
	  { AUDIT_ARCH_ARM, AUDIT_ARCH_AARCH64 },
	  { { NAMES("set_tls", "open", "openat"), .action = ALLOW } },
	  { { AUDIT_ARCH_ARM, 0xf0005, { 0 }, ALLOW },
	    { AUDIT_ARCH_ARM, 5, { 0 }, ALLOW },
	    { AUDIT_ARCH_AARCH64, 56, { 0 }, ALLOW },
	    { AUDIT_ARCH_AARCH64, 5, { 0 }, EPERM_RESULT } } },
};

static void build_row(const struct row *row, struct seccomp_policy *policy,
		      struct seccomp_rule *rules)
{
	*policy = (struct seccomp_policy){ .default_action = EPERM_RESULT,
					   .archs = row->archs,
					   .rules = rules };
	while (policy->archs_count < 3 && row->archs[policy->archs_count])
		policy->archs_count++;
	for (; row->rules[policy->rules_count].names; policy->rules_count++) {
		struct seccomp_rule *rule = &rules[policy->rules_count];
		*rule = row->rules[policy->rules_count];
		while (rule->names[rule->names_count])
			rule->names_count++;
		while (rule->compares && rule->compares[rule->compares_count].index != 99)
			rule->compares_count++;
	}
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena;
		struct seccomp_policy policy;
		struct seccomp_rule rules[5];
		struct seccomp_program ours, theirs;
		arena_init(&arena, 0);
		build_row(&rows[i], &policy, rules);
		must_compile(&policy, &arena, &ours);
		assert_int_equal(oracle_compile(&policy, 1, &arena, &theirs), 0);
		for (size_t j = 0; j < 8 && rows[i].calls[j].result; j++) {
			struct seccomp_data data = { .arch = rows[i].calls[j].audit,
						     .nr = (int)rows[i].calls[j].number };
			memcpy(data.args, rows[i].calls[j].args, sizeof rows[i].calls[j].args);
			uint32_t wanted = rows[i].calls[j].result;
			uint32_t got = seccomp_simulate(ours.code, ours.count, &data, NULL);
			if (got != (wanted == KILL_RESULT ? SECCOMP_RET_KILL_THREAD : wanted))
				fail_msg("%s, call %zu: %08x", rows[i].name, j, got);
			same(&policy, &ours, &theirs, &data);
		}
		arena_free(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_docker_like),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-table", tests, NULL, NULL);
}
