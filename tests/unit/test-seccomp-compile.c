/* SPDX-License-Identifier: Apache-2.0 */
/* What libseccomp cannot be the oracle for: husk's own rules, limits, errors, the kernel's cache.
 */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

#define ALLOW	      SECCOMP_RET_ALLOW
#define EPERM_RESULT  (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYS_RESULT (SECCOMP_RET_ERRNO | ENOSYS)

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct seccomp_program compile(const struct seccomp_policy *policy)
{
	struct seccomp_program program;
	struct err e = { 0 };

	if (seccomp_compile(policy, &arena, &program, &e) < 0)
		fail_msg("compile: %s", e.msg);
	if (seccomp_simulate_check(program.code, program.count, &e) < 0)
		fail_msg("check: %s", e.msg);
	return program;
}

static uint32_t run(const struct seccomp_program *p, uint32_t arch, uint32_t number,
		    uint64_t argument)
{
	struct seccomp_data data = { .nr = (int)number, .arch = arch, .args = { argument } };

	return seccomp_simulate(p->code, p->count, &data, NULL);
}

static const char *refusal(const struct seccomp_policy *policy, int kind)
{
	static struct err e;
	struct seccomp_program program;

	e = (struct err){ 0 };
	assert_int_equal(seccomp_compile(policy, &arena, &program, &e), -1);
	assert_int_equal(e.kind, kind);
	return e.msg;
}

static const char *const two_names[] = { "read", "mseal" }; /* 0 and 462 */
static const char *const getpid_name[] = { "getpid" };

/* --------------------------------------------------------- new calls */

static void test_enosys(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };
	const struct seccomp_rule rules[] = {
		{ .names = two_names, .names_count = 2, .action = ALLOW },
		/* Equal to the default, so without effect, but the name counts. */
		{ .names = (const char *const[]){ "setxattrat" },
		  .names_count = 1,
		  .action = EPERM_RESULT },
	};
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .enosys_above = true,
					 .archs = archs,
					 .archs_count = 3,
					 .rules = rules,
					 .rules_count = 2 };
	struct seccomp_program p = compile(&policy);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run(&p, archs[i], 462, 0), ALLOW);
		assert_int_equal(run(&p, archs[i], 463, 0), EPERM_RESULT);
		assert_int_equal(run(&p, archs[i], 464, 0), ENOSYS_RESULT);
		assert_int_equal(run(&p, archs[i], 0x3fffffff, 0), ENOSYS_RESULT);
		assert_int_equal(run(&p, archs[i], 300, 0), EPERM_RESULT);
		/* A tracer's way to skip a call. */
		assert_int_equal(run(&p, archs[i], 0xffffffff, 0), EPERM_RESULT);
	}
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, SECCOMP_X32_BIT + 464, 0),
			 SECCOMP_RET_KILL_THREAD);
	assert_int_equal(run(&p, AUDIT_ARCH_AARCH64, 0xfffffffe, 0), ENOSYS_RESULT);
	policy.enosys_above = false;
	p = compile(&policy);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 464, 0), EPERM_RESULT);
}

static void test_enosys_x32(void **state)
{
	const uint32_t archs[] = { SECCOMP_ARCH_X32, AUDIT_ARCH_X86_64 };
	const struct seccomp_rule rule = { .names = two_names, .names_count = 2, .action = ALLOW };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .enosys_above = true,
					 .archs = archs,
					 .archs_count = 2,
					 .rules = &rule,
					 .rules_count = 1 };
	struct seccomp_program p = compile(&policy);

	(void)state;
	for (uint32_t base = 0; base <= SECCOMP_X32_BIT; base += SECCOMP_X32_BIT) {
		assert_int_equal(run(&p, AUDIT_ARCH_X86_64, base + 462, 0), ALLOW);
		assert_int_equal(run(&p, AUDIT_ARCH_X86_64, base + 463, 0), ENOSYS_RESULT);
		assert_int_equal(run(&p, AUDIT_ARCH_X86_64, base + 39, 0), EPERM_RESULT);
	}
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 0xffffffff, 0), EPERM_RESULT);
}

/* s390 leaves 0 in the instruction for a number that its kernel does not know. */
static void test_enosys_s390(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_S390X };
	const struct seccomp_rule rule = { .names = getpid_name,
					   .names_count = 1,
					   .action = ALLOW };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .enosys_above = true,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = &rule,
					 .rules_count = 1 };
	struct seccomp_program p = compile(&policy);

	(void)state;
	assert_int_equal(run(&p, AUDIT_ARCH_S390X, 0, 0), ENOSYS_RESULT);
	assert_int_equal(run(&p, AUDIT_ARCH_S390X, 1, 0), EPERM_RESULT);
	assert_int_equal(run(&p, AUDIT_ARCH_S390X, 20, 0), ALLOW);
	assert_int_equal(run(&p, AUDIT_ARCH_S390X, 21, 0), ENOSYS_RESULT);
}

/* Nothing named: no highest number, and no guess. */
static void test_enosys_nothing_named(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .enosys_above = true,
					 .archs = archs,
					 .archs_count = 1 };
	struct seccomp_program p = compile(&policy);

	(void)state;
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 9999, 0), EPERM_RESULT);
}

/* ----------------------------------------------------- narrow values */

struct narrow_row {
	enum seccomp_op op;
	uint64_t value, argument;
	bool holds;
};

/* On 32-bit registers a condition means what it says, where libseccomp cuts the value. */
static void test_narrow(void **state)
{
	static const struct narrow_row rows[] = {
		{ SECCOMP_OP_EQ, 5, 5, true },
		{ SECCOMP_OP_EQ, 0x100000005, 5, false },
		{ SECCOMP_OP_NE, 0x100000005, 5, true },
		{ SECCOMP_OP_LT, 0x100000000, 0xffffffff, true },
		{ SECCOMP_OP_LE, 0x100000000, 0xffffffff, true },
		{ SECCOMP_OP_GT, 0x100000000, 0xffffffff, false },
		{ SECCOMP_OP_GE, 0x100000000, 0, false },
		{ SECCOMP_OP_LT, 0, 0, false },
		{ SECCOMP_OP_GE, 0, 0, true },
		{ SECCOMP_OP_GT, 0xffffffff, 0xffffffff, false },
		{ SECCOMP_OP_LE, 0xffffffff, 0xffffffff, true },
		/* -100, AT_FDCWD, as a 64-bit number */
		{ SECCOMP_OP_EQ, 0xffffffffffffff9c, 0xffffff9c, true },
		{ SECCOMP_OP_MASKED_EQ, 0xffffffff00000000, 7, true },
		/* The high word of a register that is not looked at. */
		{ SECCOMP_OP_EQ, 5, 0x100000005, true },
	};
	const uint32_t archs[] = { AUDIT_ARCH_I386 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct seccomp_compare compare = { 0, rows[i].op, rows[i].value, 0 };
		const struct seccomp_rule rule = { .names = getpid_name,
						   .names_count = 1,
						   .action = ALLOW,
						   .compares = &compare,
						   .compares_count = 1 };
		struct seccomp_policy policy = { .default_action = EPERM_RESULT,
						 .archs = archs,
						 .archs_count = 1,
						 .rules = &rule,
						 .rules_count = 1 };
		struct seccomp_program p = compile(&policy);
		uint32_t got = run(&p, AUDIT_ARCH_I386, 20, rows[i].argument);
		if (got != (rows[i].holds ? ALLOW : EPERM_RESULT))
			fail_msg("row %zu: %08x", i, got);
	}
}

/* ----------------------------------------------------- architectures */

/* Those of the OCI specification, and what happens to those that libseccomp does not know. */
static void test_architectures(void **state)
{
	static const char *const oci[] = {
		"SCMP_ARCH_X86",	 "SCMP_ARCH_X86_64",  "SCMP_ARCH_X32",
		"SCMP_ARCH_ARM",	 "SCMP_ARCH_AARCH64", "SCMP_ARCH_LOONGARCH64",
		"SCMP_ARCH_M68K",	 "SCMP_ARCH_MIPS",    "SCMP_ARCH_MIPS64",
		"SCMP_ARCH_MIPS64N32",	 "SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64",
		"SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",     "SCMP_ARCH_PPC64",
		"SCMP_ARCH_PPC64LE",	 "SCMP_ARCH_S390",    "SCMP_ARCH_S390X",
		"SCMP_ARCH_SH",		 "SCMP_ARCH_SHEB",    "SCMP_ARCH_PARISC",
		"SCMP_ARCH_PARISC64",	 "SCMP_ARCH_RISCV64",
	};
	const struct seccomp_rule rule = { .names = getpid_name,
					   .names_count = 1,
					   .action = ALLOW };
	uint32_t all[sizeof oci / sizeof *oci];
	size_t known = 0, count = sizeof oci / sizeof *oci;
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .archs = all,
					 .archs_count = count,
					 .rules = &rule,
					 .rules_count = 1 };

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch_parse(oci[i]);
		assert_non_null(arch);
		all[i] = arch->token;
		known += seccomp_names_resolvable(arch);
	}
	struct seccomp_program p = compile(&policy);
	assert_int_equal(p.unknown_archs_count, count - known);
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(all[i]);
		struct seccomp_call call;
		seccomp_names_call(arch, "getpid", &call);
		if (seccomp_names_resolvable(arch))
			assert_int_equal(run(&p, arch->audit, call.number, 0), ALLOW);
		else
			assert_int_equal(run(&p, arch->audit, 20, 0), SECCOMP_RET_KILL_THREAD);
	}
	assert_true(known >= 18);
}

static void test_unknown_architectures(void **state)
{
	const uint32_t loongarch = AUDIT_ARCH_LOONGARCH64, nonsense = 0x1234;
	struct seccomp_policy policy = { .default_action = ALLOW,
					 .archs = &loongarch,
					 .archs_count = 1 };

	(void)state;
	if (!seccomp_names_resolvable(seccomp_names_arch(loongarch)))
		assert_non_null(strstr(refusal(&policy, ERR_UNSUPPORTED),
				       "knows none of the architectures"));
	policy.archs = &nonsense;
	assert_string_equal(refusal(&policy, ERR_CONFIG), "unknown architecture 0x1234");
}

static void test_repeated_architectures(void **state)
{
	const uint32_t once[] = { AUDIT_ARCH_X86_64, SECCOMP_ARCH_X32 };
	const uint32_t often[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64, SECCOMP_ARCH_X32,
				   AUDIT_ARCH_X86_64, SECCOMP_ARCH_X32 };
	const struct seccomp_rule rule = { .names = getpid_name,
					   .names_count = 1,
					   .action = ALLOW };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .archs = once,
					 .archs_count = 2,
					 .rules = &rule,
					 .rules_count = 1 };
	struct seccomp_program a = compile(&policy);

	(void)state;
	policy.archs = often;
	policy.archs_count = 5;
	struct seccomp_program b = compile(&policy);
	assert_int_equal(a.count, b.count);
	assert_memory_equal(a.code, b.code, a.count * sizeof *a.code);
}

/* ------------------------------------------------------------- names */

static void test_unknown_names(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	const char *const names[] = { "getpid", "no_such_call", "waitpid", "another" };
	const struct seccomp_rule rule = { .names = names, .names_count = 4, .action = ALLOW };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .archs = archs,
					 .archs_count = 2,
					 .rules = &rule,
					 .rules_count = 1 };
	struct seccomp_program p = compile(&policy);

	(void)state;
	/* Not waitpid: x86-64 lacks it, i386 has it. */
	assert_int_equal(p.unknown_names_count, 2);
	assert_string_equal(p.unknown_names[0], "no_such_call");
	assert_string_equal(p.unknown_names[1], "another");
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 0), ALLOW);
	assert_int_equal(run(&p, AUDIT_ARCH_I386, 7, 0), ALLOW);
	policy.strict_names = true;
	assert_string_equal(refusal(&policy, ERR_CONFIG), "unknown system call no_such_call");
}

/* ------------------------------------------------------------ errors */

static void test_nonsense(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	struct seccomp_compare compare = { 6, SECCOMP_OP_EQ, 0, 0 };
	struct seccomp_rule rule = { .names = getpid_name,
				     .names_count = 1,
				     .action = ALLOW,
				     .compares = &compare,
				     .compares_count = 1 };
	struct seccomp_policy policy = { .default_action = EPERM_RESULT,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = &rule,
					 .rules_count = 1 };

	(void)state;
	assert_string_equal(refusal(&policy, ERR_CONFIG),
			    "rule for getpid: calls have arguments 0 to 5, not 6");
	compare.index = 5;
	compare.op = (enum seccomp_op)9;
	assert_string_equal(refusal(&policy, ERR_CONFIG), "rule for getpid: unknown operator 9");
	compare.op = SECCOMP_OP_EQ;
	rule.action = 0x12340000;
	assert_string_equal(refusal(&policy, ERR_CONFIG),
			    "rule for getpid: unknown action 0x12340000");
	rule.action = ALLOW;
	policy.default_action = 0x00010000;
	assert_string_equal(refusal(&policy, ERR_CONFIG), "unknown default action 0x10000");
}

/* ------------------------------------------------------------- others */

static void test_order(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	const struct seccomp_compare below = { 0, SECCOMP_OP_LT, 10, 0 },
				     five = { 0, SECCOMP_OP_EQ, 5, 0 };
	const struct seccomp_rule rules[] = {
		{ getpid_name, 1, SECCOMP_RET_LOG, &below, 1 },
		{ getpid_name, 1, SECCOMP_RET_TRAP, &five, 1 },
		{ getpid_name, 1, EPERM_RESULT, NULL, 0 },
		{ getpid_name, 1, SECCOMP_RET_KILL_PROCESS, &five, 1 },
	};
	struct seccomp_policy policy = { .default_action = ALLOW,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = rules,
					 .rules_count = 2,
					 .order = SECCOMP_ORDER_FIRST_MATCH };
	struct seccomp_program p = compile(&policy);

	(void)state;
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 5), SECCOMP_RET_LOG);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 20), ALLOW);
	policy.order = SECCOMP_ORDER_LIBSECCOMP;
	p = compile(&policy);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 5), SECCOMP_RET_TRAP);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 6), SECCOMP_RET_LOG);
	policy.rules_count = 4;
	p = compile(&policy);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 5), EPERM_RESULT);
	policy.order = SECCOMP_ORDER_FIRST_MATCH;
	p = compile(&policy);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 5), SECCOMP_RET_LOG);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 20), EPERM_RESULT);
}

static void test_notifies(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	struct seccomp_rule rule = { getpid_name, 1, SECCOMP_RET_USER_NOTIF, NULL, 0 };
	struct seccomp_policy policy = { .default_action = ALLOW,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = &rule,
					 .rules_count = 1 };

	(void)state;
	assert_true(compile(&policy).notifies);
	rule.action = SECCOMP_RET_TRAP;
	assert_false(compile(&policy).notifies);
}

/* The shortest programs, instruction by instruction. */
static void test_shape(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_AARCH64 };
	const struct seccomp_compare flag = { 1, SECCOMP_OP_MASKED_EQ, 0x10, 0x10 };
	struct seccomp_rule rule = { getpid_name, 1, EPERM_RESULT, &flag, 1 };
	struct seccomp_policy policy = { .default_action = ALLOW,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = &rule,
					 .rules_count = 1 };
	const struct sock_filter wanted[] = {
		{ 0x20, 0, 0, 4 },
		{ 0x15, 0, 6, AUDIT_ARCH_AARCH64 },
		{ 0x20, 0, 0, 0 },
		{ 0x15, 0, 3, 172 },
		{ 0x20, 0, 0, 24 },
		{ 0x45, 0, 1, 0x10 },
		{ 0x06, 0, 0, EPERM_RESULT },
		{ 0x06, 0, 0, ALLOW },
		{ 0x06, 0, 0, SECCOMP_RET_KILL_THREAD },
	};
	struct seccomp_program p = compile(&policy);

	(void)state;
	assert_int_equal(p.count, 9);
	assert_memory_equal(p.code, wanted, sizeof wanted);
	/* Nothing to tell apart. */
	policy.rules_count = 0;
	policy.bad_arch_action = ALLOW;
	assert_int_equal(compile(&policy).count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_enosys),
		TEST(test_enosys_x32),
		TEST(test_enosys_s390),
		TEST(test_enosys_nothing_named),
		TEST(test_narrow),
		TEST(test_architectures),
		TEST(test_unknown_architectures),
		TEST(test_repeated_architectures),
		TEST(test_unknown_names),
		TEST(test_nonsense),
		TEST(test_order),
		TEST(test_notifies),
		TEST(test_shape),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-compile", tests, NULL, NULL);
}
