/* SPDX-License-Identifier: Apache-2.0 */
/* The key of the strict gate, and what can come out of a filter. */
#include "tests/unit/test-seccomp-random.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "src/seccomp/seccomp-gate.h"
#include "src/seccomp/seccomp-guard.h"
#include "src/seccomp/seccomp-reach.h"
#include "src/seccomp/seccomp-simulate.h"

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

#define REFUSED (SECCOMP_RET_ERRNO | 99)

static const struct seccomp_gate gate = {
	.path = 0x00003a5c12345679,
	.argv = 0x000012fe87654328,
	.dirfd = (uint32_t)AT_FDCWD,
};

/* Docker's profile without execve and execveat, with the gate in front. */
static void make(struct seccomp_program *rules, struct seccomp_program *gated)
{
	static const char *const names[] = { "execve", "execveat" };
	struct seccomp_policy policy;

	make_docker_like(&arena, &policy);
	struct seccomp_rule *all = arena_new_array(&arena, policy.rules_count + 1, struct seccomp_rule);
	all[0] = (struct seccomp_rule){ .names = names, .names_count = 2, .action = REFUSED };
	memcpy(all + 1, policy.rules, policy.rules_count * sizeof *all);
	policy.rules = all;
	policy.rules_count++;
	policy.order = SECCOMP_ORDER_FIRST_MATCH;
	must_compile(&policy, &arena, rules);
	gated->count = rules->count + SECCOMP_GATE_INSTRUCTIONS;
	gated->code = arena_new_array(&arena, gated->count, struct sock_filter);
	seccomp_gate_write(&gate, gated->code);
	memcpy(gated->code + SECCOMP_GATE_INSTRUCTIONS, rules->code,
	       rules->count * sizeof *rules->code);
	struct err e = { 0 };
	if (seccomp_simulate_check(gated->code, gated->count, &e) < 0)
		fail_msg("%s", e.msg);
}

static uint32_t native(void)
{
	return seccomp_names_arch(seccomp_names_native())->audit;
}

static struct seccomp_data the_call(void)
{
	return (struct seccomp_data){
		.nr = SYS_execveat,
		.arch = native(),
		.args = { (uint64_t)(int64_t)AT_FDCWD, gate.path, gate.argv, 5, 0, 7 },
	};
}

static void test_key(void **state)
{
	struct seccomp_program rules, gated;
	struct seccomp_data data = the_call();

	(void)state;
	make(&rules, &gated);
	assert_int_equal(seccomp_simulate(rules.code, rules.count, &data, NULL), REFUSED);
	assert_int_equal(seccomp_simulate(gated.code, gated.count, &data, NULL), SECCOMP_RET_ALLOW);
	/* What the kernel does not look at. */
	data.args[0] &= 0xffffffff;
	data.args[3] = data.args[5] = 0;
	assert_int_equal(seccomp_simulate(gated.code, gated.count, &data, NULL), SECCOMP_RET_ALLOW);
}

/* Each wrong bit counts, and takes as long as any other. */
static void test_wrong_bits(void **state)
{
	static const struct {
		unsigned argument, bits;
	} rows[] = { { 0, 32 }, { 1, 64 }, { 2, 64 }, { 4, 32 } };
	struct seccomp_program rules, gated;
	uint32_t first = 0;

	(void)state;
	make(&rules, &gated);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (unsigned bit = 0; bit < rows[i].bits; bit++) {
			struct seccomp_data data = the_call();
			uint32_t steps;
			data.args[rows[i].argument] ^= 1ull << bit;
			assert_int_equal(seccomp_simulate(gated.code, gated.count, &data, &steps),
					 REFUSED);
			first = first ? first : steps;
			assert_int_equal(steps, first);
		}
	}
}

/* Every other call is answered as before, and as cheaply where the kernel keeps the answer. */
static void test_others(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
					  AUDIT_ARCH_ARM };
	struct seccomp_program rules, gated;
	unsigned cached = 0;

	(void)state;
	make(&rules, &gated);
	for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
		for (uint32_t n = 0; n < 500; n++) {
			struct seccomp_data data = the_call();
			if (archs[i] == native() && n == SYS_execveat)
				continue;
			data.nr = (int)n;
			data.arch = archs[i];
			assert_int_equal(seccomp_simulate(gated.code, gated.count, &data, NULL),
					 seccomp_simulate(rules.code, rules.count, &data, NULL));
			if (n == SYS_execveat)
				continue;
			bool before = seccomp_simulate_cached(rules.code, rules.count, archs[i], n);
			assert_int_equal(before, seccomp_simulate_cached(gated.code, gated.count,
									 archs[i], n));
			cached += before;
		}
	}
	assert_in_range(cached, 200, 2000);
}

/* No real answer is milder than what is said to be the mildest. */
static void test_mildest(void **state)
{
	struct seccomp_program rules, gated;
	uint64_t r = 1;

	(void)state;
	make(&rules, &gated);
	assert_int_equal(seccomp_reach_mildest(rules.code, rules.count, native(), SYS_execve),
			 SECCOMP_RET_ERRNO);
	assert_int_equal(seccomp_reach_mildest(gated.code, gated.count, native(), SYS_execveat),
			 SECCOMP_RET_ALLOW);
	/* Allowed for some arguments. */
	assert_int_equal(seccomp_reach_mildest(rules.code, rules.count, native(), SYS_personality),
			 SECCOMP_RET_ALLOW);
	for (unsigned i = 0; i < 20000; i++) {
		struct seccomp_data data = { .nr = (int)random_below(&r, 460), .arch = native() };
		for (unsigned k = 0; k < 6; k++)
			data.args[k] = random_below(&r, 2) ? random_below(&r, 20) : 1ull << random_below(&r, 60);
		uint32_t answer = seccomp_simulate(rules.code, rules.count, &data, NULL);
		uint32_t mildest = seccomp_reach_mildest(rules.code, rules.count, native(),
							 (uint32_t)data.nr);
		assert_true((int32_t)(answer & SECCOMP_RET_ACTION_FULL) <= (int32_t)mildest);
	}
}

/* ---- the guard of the entry gate ---- */

#define CLONE_BIT 0x00800000u

static bool is_refused(const struct seccomp_guard *g, uint32_t number)
{
	for (size_t i = 0; i < g->refused_count; i++) {
		if (g->refused[i] == number)
			return true;
	}
	return false;
}

static uint32_t expected(const struct seccomp_guard *g, const struct seccomp_data *data)
{
	uint32_t number = (uint32_t)data->nr;

	if (g->audit == AUDIT_ARCH_X86_64 && number >= SECCOMP_X32_BIT)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (number == g->clone3)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (number == g->clone)
		return data->args[0] & CLONE_BIT ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;
	return is_refused(g, number) ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;
}

static void try_guard(const struct seccomp_guard guards[2], const struct sock_filter *code, size_t count)
{
	for (size_t i = 0; i < 2; i++) {
		for (uint32_t n = 0; n < 1200; n++) {
			struct seccomp_data data = {
				.nr = (int)(n < 600 ? n : SECCOMP_X32_BIT + n - 600),
				.arch = guards[i].audit,
				.args = { n % 2 ? CLONE_BIT | 17 : 17 },
			};
			uint32_t answer = seccomp_simulate(code, count, &data, NULL);
			assert_int_equal(answer, expected(&guards[i], &data));
			data.args[0] ^= CLONE_BIT;
			assert_int_equal(seccomp_simulate(code, count, &data, NULL),
					 expected(&guards[i], &data));
			bool cached = answer == SECCOMP_RET_ALLOW && n != guards[i].clone;
			assert_int_equal(seccomp_simulate_cached(code, count, data.arch,
								 (uint32_t)data.nr),
					 cached);
		}
	}
}

/* None to as many as there is room for. */
static void test_guard(void **state)
{
	static const struct seccomp_data foreign = { .arch = AUDIT_ARCH_AARCH64 };
	struct sock_filter code[SECCOMP_GUARD_INSTRUCTIONS];
	uint64_t r = 1;

	(void)state;
	for (size_t room = 0; room <= SECCOMP_GUARD_CALLS; room++) {
		struct seccomp_guard guards[2] = {
			{ .audit = AUDIT_ARCH_X86_64, .clone = 56, .clone3 = 435 },
			{ .audit = AUDIT_ARCH_I386, .clone = 120, .clone3 = 435 },
		};
		struct err e = { 0 };
		for (size_t i = 0; i < 2; i++) {
			while (guards[i].refused_count < room) {
				uint32_t n = random_below(&r, 470);
				if (n != guards[i].clone && n != 435 && !is_refused(&guards[i], n))
					guards[i].refused[guards[i].refused_count++] = n;
			}
		}
		size_t count = seccomp_guard_write(guards, 2, CLONE_BIT, code);
		assert_in_range(count, 1, SECCOMP_GUARD_INSTRUCTIONS);
		if (seccomp_simulate_check(code, count, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(seccomp_simulate(code, count, &foreign, NULL),
				 SECCOMP_RET_KILL_PROCESS);
		try_guard(guards, code, count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_wrong_bits),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_mildest),
		cmocka_unit_test(test_guard),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-gate", tests, setup, teardown);
}
