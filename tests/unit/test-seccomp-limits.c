/* SPDX-License-Identifier: Apache-2.0 */
/* What libseccomp cannot be the oracle for: husk's own rules, limits, errors, the kernel's cache.
 */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

#define ALLOW	     SECCOMP_RET_ALLOW
#define EPERM_RESULT (SECCOMP_RET_ERRNO | EPERM)

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

static void refused(const struct seccomp_policy *policy, const char *text)
{
	struct seccomp_program program;
	struct err e = { 0 };

	assert_int_equal(seccomp_compile(policy, &arena, &program, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.msg, text));
}

static const char *const two_names[] = { "read", "mseal" }; /* 0 and 462 */
static const char *const getpid_name[] = { "getpid" };

/* ------------------------------------------------------------- sizes */

/* One call with @count allowed values. */
static struct seccomp_policy many_values(uint32_t count, const uint32_t *archs)
{
	struct seccomp_compare *compares = arena_new_array(&arena, count, struct seccomp_compare);
	struct seccomp_rule *rules = arena_new_array(&arena, count, struct seccomp_rule);

	for (uint32_t i = 0; i < count; i++) {
		compares[i] = (struct seccomp_compare){ 0, SECCOMP_OP_EQ, 3 * i + 1, 0 };
		rules[i] = (struct seccomp_rule){ .names = getpid_name,
						  .names_count = 1,
						  .action = SECCOMP_RET_ERRNO | (i % 7),
						  .compares = &compares[i],
						  .compares_count = 1 };
	}
	return (struct seccomp_policy){ .default_action = ALLOW,
					.archs = archs,
					.archs_count = 1,
					.rules = rules,
					.rules_count = count };
}

/* Jumps over more than 255 instructions, and the deepest graph that fits. */
static void test_long(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	const uint32_t count = 3900;
	struct seccomp_policy policy = many_values(count, archs);
	struct seccomp_program p = compile(&policy);

	(void)state;
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 3 * i + 1),
				 SECCOMP_RET_ERRNO | (i % 7));
		assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 3 * i + 2), ALLOW);
	}
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 39, 0x100000001), ALLOW);
	assert_int_equal(run(&p, AUDIT_ARCH_X86_64, 40, 1), ALLOW);
	print_message("# %zu instructions for %u values\n", p.count, count);
}

static void test_too_long(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_X86_64 };
	static const char text[] =
		"the filter needs more than the 4096 instructions that the kernel "
		"takes: use fewer conditions on arguments";
	struct seccomp_policy policy = many_values(4090, archs);

	(void)state;
	refused(&policy, text);
	policy = many_values(4097, archs);
	refused(&policy, text);
	policy = many_values(150000, archs);
	refused(&policy, "more than 100000 rules");
}

/* --------------------------------------------- the kernel's call cache */

static bool conditional(const char *name)
{
	return strcmp(name, "personality") == 0 || strcmp(name, "socket") == 0 ||
	       strcmp(name, "clone") == 0 || strcmp(name, "clone3") == 0;
}

/* What a profile allows whatever the arguments must cost a bit test in the kernel, nothing more. */
static void test_cached_calls(void **state)
{
	static const uint32_t audits[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct seccomp_policy policy;
	unsigned cached = 0;

	(void)state;
	make_docker_like(&arena, &policy);
	policy.enosys_above = true;
	struct seccomp_program p = compile(&policy);
	for (size_t a = 0; a < 2; a++) {
		for (size_t i = 0; i < policy.rules[0].names_count; i++) {
			struct seccomp_call call;
			const char *name = policy.rules[0].names[i];
			seccomp_names_call(seccomp_names_arch(audits[a]), name, &call);
			if (!call.direct || conditional(name))
				continue;
			if (!seccomp_simulate_cached(p.code, p.count, audits[a], call.number))
				fail_msg("%s (%u) is not cached", name, call.number);
			cached++;
		}
	}
	assert_true(cached > 650);
	assert_false(seccomp_simulate_cached(p.code, p.count, AUDIT_ARCH_X86_64, 56));
	assert_false(seccomp_simulate_cached(p.code, p.count, AUDIT_ARCH_X86_64, 165));
}

static uint32_t steps(const struct seccomp_program *p, uint32_t number)
{
	struct seccomp_data data = { .nr = (int)number, .arch = AUDIT_ARCH_X86_64 };
	uint32_t count;

	seccomp_simulate(p->code, p->count, &data, &count);
	return count;
}

static void test_weights(void **state)
{
	const struct seccomp_weight weights[] = { { "mseal", 1000000 }, { "futex", 200000 } };
	struct seccomp_policy policy;

	(void)state;
	make_docker_like(&arena, &policy);
	policy.archs_count = 1;
	struct seccomp_rule *rules = (struct seccomp_rule *)(uintptr_t)policy.rules;
	rules[policy.rules_count++] = (struct seccomp_rule){ .names = &two_names[1],
							     .names_count = 1,
							     .action = SECCOMP_RET_LOG };
	struct seccomp_program plain = compile(&policy);
	policy.weights = weights;
	policy.weights_count = 2;
	struct seccomp_program weighted = compile(&policy);
	/* Load and test the architecture, load the number, test, test, return. */
	assert_true(steps(&weighted, 462) <= 6);
	assert_true(steps(&weighted, 462) < steps(&plain, 462));
	assert_true(steps(&weighted, 202) <= steps(&plain, 202));
	for (uint32_t n = 0; n < 600; n++)
		assert_int_equal(run(&plain, AUDIT_ARCH_X86_64, n, 0),
				 run(&weighted, AUDIT_ARCH_X86_64, n, 0));
}

static double now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void test_time(void **state)
{
	struct seccomp_policy policy;
	double best = 1e9;

	(void)state;
	make_docker_like(&arena, &policy);
	for (int i = 0; i < 20; i++) {
		struct seccomp_program p;
		struct arena own;
		arena_init(&own, 0);
		double start = now_usec();
		assert_int_equal(seccomp_compile(&policy, &own, &p, NULL), 0);
		double took = now_usec() - start;
		best = took < best ? took : best;
		arena_free(&own);
	}
	print_message("# a profile like Docker's compiles in %.0f microseconds\n", best);
	/* A quarter of a millisecond; the room is for sanitizers and busy machines. */
	assert_true(best < 10000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_long),    TEST(test_too_long), TEST(test_cached_calls),
		TEST(test_weights), TEST(test_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-limits", tests, NULL, NULL);
}
