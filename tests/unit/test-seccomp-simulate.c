/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's check against the kernel's own, and what each instruction does. */
#include "tests/unit/test-seccomp-random.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/seccomp/seccomp-simulate.h"

#define RET(value)                                                                                 \
	{                                                                                          \
		BPF_RET | BPF_K, 0, 0, (value)                                                     \
	}
#define RET_A                                                                                      \
	{                                                                                          \
		BPF_RET | BPF_A, 0, 0, 0                                                           \
	}
#define LOAD(k)                                                                                    \
	{                                                                                          \
		BPF_LD | BPF_W | BPF_ABS, 0, 0, (k)                                                \
	}
#define LDI(k)                                                                                     \
	{                                                                                          \
		BPF_LD | BPF_IMM, 0, 0, (k)                                                        \
	}
#define LDXI(k)                                                                                    \
	{                                                                                          \
		BPF_LDX | BPF_IMM, 0, 0, (k)                                                       \
	}
#define ALU(op, k)                                                                                 \
	{                                                                                          \
		BPF_ALU | (op) | BPF_K, 0, 0, (k)                                                  \
	}
#define ALUX(op)                                                                                   \
	{                                                                                          \
		BPF_ALU | (op) | BPF_X, 0, 0, 0                                                    \
	}

struct checked {
	struct sock_filter code[6];
	size_t count;
	const char *fault; /* NULL: accepted */
};

static const struct checked checked_rows[] = {
	{ { RET(0) }, 1, NULL },
	{ { RET(0) }, 0, "a filter has 1 to 4096 instructions, not 0" },
	{ { LDI(1) }, 1, "the filter does not end in a return" },
	{ { LOAD(60), RET(0) }, 2, NULL },
	{ { LOAD(64), RET(0) },
	  2,
	  "filter instruction 0 (0x20): load outside of struct seccomp_data" },
	{ { LOAD(2), RET(0) },
	  2,
	  "filter instruction 0 (0x20): load outside of struct seccomp_data" },
	{ { { BPF_LD | BPF_H | BPF_ABS, 0, 0, 0 }, RET(0) },
	  2,
	  "filter instruction 0 (0x28): opcode not allowed" },
	{ { { BPF_LD | BPF_W | BPF_IND, 0, 0, 0 }, RET(0) },
	  2,
	  "filter instruction 0 (0x40): opcode not allowed" },
	{ { { BPF_ALU | BPF_MOD | BPF_K, 0, 0, 3 }, RET(0) },
	  2,
	  "filter instruction 0 (0x94): opcode not allowed" },
	{ { { BPF_RET | BPF_X, 0, 0, 0 } }, 1, "filter instruction 0 (0xe): opcode not allowed" },
	{ { ALU(BPF_DIV, 0), RET(0) }, 2, "filter instruction 0 (0x34): division by zero" },
	{ { ALU(BPF_LSH, 32), RET(0) }, 2, "filter instruction 0 (0x64): shift by more than 31" },
	{ { ALU(BPF_RSH, 31), RET(0) }, 2, NULL },
	{ { { BPF_ST, 0, 0, 16 }, RET(0) },
	  2,
	  "filter instruction 0 (0x2): scratch memory has 16 words" },
	{ { { BPF_LD | BPF_MEM, 0, 0, 3 }, RET(0) },
	  2,
	  "filter instruction 0 reads scratch memory before it is written" },
	{ { { BPF_ST, 0, 0, 3 }, { BPF_LD | BPF_MEM, 0, 0, 3 }, RET(0) }, 3, NULL },
	{ { { BPF_JMP | BPF_JA, 0, 0, 1 }, RET(0), RET(0) }, 3, NULL },
	{ { { BPF_JMP | BPF_JA, 0, 0, 2 }, RET(0), RET(0) },
	  3,
	  "filter instruction 0 (0x5): jump out of the program" },
	{ { { BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0 }, RET(0) },
	  2,
	  "filter instruction 0 (0x15): jump out of the program" },
	{ { { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0 }, RET(0) },
	  2,
	  "filter instruction 0 (0x15): jump out of the program" },
	/* Written on one way only. */
	{ { { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0 },
	    { BPF_ST, 0, 0, 0 },
	    { BPF_LD | BPF_MEM, 0, 0, 0 },
	    RET(0) },
	  4,
	  "filter instruction 2 reads scratch memory before it is written" },
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof checked_rows / sizeof *checked_rows; i++) {
		const struct checked *row = &checked_rows[i];
		struct err e = { 0 };
		int result = seccomp_simulate_check(row->code, row->count, &e);
		assert_int_equal(result, row->fault ? -1 : 0);
		assert_string_equal(e.msg, row->fault ? row->fault : "");
	}
}

/*
 * The kernel's opinion without installing anything: with NEW_LISTENER it allocates a descriptor
 * after the check and before anything else, and none is left. 1 taken, 0 refused, -1 the call is
 * forbidden here.
 */
static int ask_kernel(const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = { (unsigned short)count,
				      (struct sock_filter *)(uintptr_t)code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		    &program) >= 0)
		return -1;
	return errno == EMFILE ? 1 : errno == EINVAL ? 0 : -1;
}

static const uint16_t opcodes[] = {
	BPF_LD | BPF_W | BPF_ABS,
	BPF_LD | BPF_W | BPF_LEN,
	BPF_LDX | BPF_W | BPF_LEN,
	BPF_RET | BPF_K,
	BPF_RET | BPF_A,
	BPF_LD | BPF_IMM,
	BPF_LDX | BPF_IMM,
	BPF_MISC | BPF_TAX,
	BPF_MISC | BPF_TXA,
	BPF_LD | BPF_MEM,
	BPF_LDX | BPF_MEM,
	BPF_ST,
	BPF_STX,
	BPF_JMP | BPF_JA,
	BPF_JMP | BPF_JEQ | BPF_K,
	BPF_JMP | BPF_JGT | BPF_X,
	BPF_ALU | BPF_DIV,
	BPF_ALU | BPF_LSH,
	BPF_ALU | BPF_NEG,
	BPF_ALU | BPF_XOR | BPF_X,
};

static size_t random_program(uint64_t *r, struct sock_filter code[12])
{
	size_t count = 1 + random_below(r, 11);

	for (size_t i = 0; i < count; i++) {
		code[i].code = random_below(r, 12) ? opcodes[random_below(r, 20)]
						   : (uint16_t)random_below(r, 256);
		code[i].jt = (uint8_t)random_below(r, 3);
		code[i].jf = (uint8_t)random_below(r, 3);
		code[i].k = random_below(r, 8) ? random_below(r, 20) : random_below(r, 80);
	}
	if (random_below(r, 8))
		code[count - 1].code = BPF_RET | BPF_K;
	return count;
}

static void compare_with_kernel(void)
{
	struct rlimit none = { 0, 0 };
	uint64_t r = 1;
	unsigned taken = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_NOFILE, &none) < 0)
		_exit(77);
	for (unsigned i = 0; i < 20000; i++) {
		struct sock_filter code[12];
		size_t count = random_program(&r, code);
		int kernel = ask_kernel(code, count);
		if (kernel < 0)
			_exit(77);
		taken += (unsigned)kernel;
		if (kernel != (seccomp_simulate_check(code, count, NULL) == 0)) {
			print_program(kernel ? "the kernel takes" : "the kernel refuses", code,
				      count);
			_exit(1);
		}
	}
	/* Both answers were common. */
	_exit(taken > 2000 && taken < 18000 ? 0 : 2);
}

static void test_check_like_kernel(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		compare_with_kernel();
	assert_true(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

struct ran {
	struct sock_filter code[6];
	uint32_t result;
};

/* Numbers are 32 bits wide and unsigned. */
static const struct ran ran_rows[] = {
	{ { LOAD(0), RET_A }, 39 },
	{ { LOAD(4), RET_A }, AUDIT_ARCH_X86_64 },
	{ { LOAD(8), RET_A }, 0x55667788 },
	{ { LOAD(12), RET_A }, 0x11223344 },
	{ { LOAD(16), RET_A }, 0xddeeff00 },
	{ { LOAD(20), RET_A }, 0x99aabbcc },
	{ { LOAD(60), RET_A }, 6 },
	{ { { BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 }, RET_A }, 64 },
	{ { { BPF_LDX | BPF_W | BPF_LEN, 0, 0, 0 }, { BPF_MISC | BPF_TXA, 0, 0, 0 }, RET_A }, 64 },
	{ { LDI(7), ALU(BPF_ADD, 0xffffffff), RET_A }, 6 },
	{ { LDI(7), ALU(BPF_SUB, 8), RET_A }, 0xffffffff },
	{ { LDI(7), ALU(BPF_MUL, 6), RET_A }, 42 },
	{ { LDI(0xfffffff0), ALU(BPF_DIV, 16), RET_A }, 0x0fffffff },
	{ { LDI(12), ALU(BPF_AND, 10), RET_A }, 8 },
	{ { LDI(12), ALU(BPF_OR, 3), RET_A }, 15 },
	{ { LDI(12), ALU(BPF_XOR, 10), RET_A }, 6 },
	{ { LDI(1), ALU(BPF_LSH, 31), RET_A }, 0x80000000 },
	{ { LDI(0x80000000), ALU(BPF_RSH, 31), RET_A }, 1 },
	{ { LDI(5), { BPF_ALU | BPF_NEG, 0, 0, 0 }, RET_A }, 0xfffffffb },
	{ { LDI(5), LDXI(3), ALUX(BPF_SUB), RET_A }, 2 },
	/* The kernel ends the program with 0. */
	{ { LDI(5), LDXI(0), ALUX(BPF_DIV), RET(9) }, 0 },
	{ { LDI(1), LDXI(33), ALUX(BPF_LSH), RET_A }, 2 },
	{ { LDI(4), { BPF_ST, 0, 0, 2 }, LDI(5), { BPF_LD | BPF_MEM, 0, 0, 2 }, RET_A }, 4 },
	{ { LDXI(4), { BPF_STX, 0, 0, 2 }, { BPF_LD | BPF_MEM, 0, 0, 2 }, RET_A }, 4 },
	{ { LDI(4), { BPF_MISC | BPF_TAX, 0, 0, 0 }, LDI(5), ALUX(BPF_MUL), RET_A }, 20 },
	{ { { BPF_JMP | BPF_JA, 0, 0, 1 }, RET(1), RET(2) }, 2 },
	{ { LDI(5), { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 5 }, RET(1), RET(2) }, 1 },
	{ { LDI(5), { BPF_JMP | BPF_JGT | BPF_K, 0, 1, 5 }, RET(1), RET(2) }, 2 },
	{ { LDI(0x80000000), { BPF_JMP | BPF_JGE | BPF_K, 0, 1, 5 }, RET(1), RET(2) }, 1 },
	{ { LDI(6), { BPF_JMP | BPF_JSET | BPF_K, 0, 1, 9 }, RET(1), RET(2) }, 2 },
	{ { LDI(6), LDXI(6), { BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0 }, RET(1), RET(2) }, 1 },
};

static void test_run(void **state)
{
	const struct seccomp_data data = { .nr = 39,
					   .arch = AUDIT_ARCH_X86_64,
					   .instruction_pointer = 0x1122334455667788,
					   .args = { 0x99aabbccddeeff00, 1, 2, 3, 4,
						     0x600000005 } };

	(void)state;
	for (size_t i = 0; i < sizeof ran_rows / sizeof *ran_rows; i++) {
		uint32_t got = seccomp_simulate(ran_rows[i].code, 6, &data, NULL);
		if (got != ran_rows[i].result)
			fail_msg("row %zu: %08x, not %08x", i, got, ran_rows[i].result);
	}
}

/* Where the machine is big-endian, the high word comes first. */
static void test_byte_order(void **state)
{
	const struct sock_filter first[] = { LOAD(16), RET_A }, second[] = { LOAD(20), RET_A };
	struct seccomp_data data = { .arch = AUDIT_ARCH_S390X, .args = { 0x1111111122222222 } };
	uint32_t steps = 0;

	(void)state;
	assert_int_equal(seccomp_simulate(first, 2, &data, &steps), 0x11111111);
	assert_int_equal(seccomp_simulate(second, 2, &data, NULL), 0x22222222);
	assert_int_equal(steps, 2);
}

static void test_cached(void **state)
{
	const struct sock_filter by_number[] = { LOAD(0),
						 { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 5 },
						 RET(SECCOMP_RET_ALLOW),
						 RET(SECCOMP_RET_LOG) };
	const struct sock_filter argument[] = {
		LOAD(0), { BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5 }, LOAD(16), RET(SECCOMP_RET_ALLOW)
	};
	const struct sock_filter arithmetic[] = { LOAD(0), ALU(BPF_SUB, 1),
						  RET(SECCOMP_RET_ALLOW) };

	(void)state;
	assert_true(seccomp_simulate_cached(by_number, 4, AUDIT_ARCH_X86_64, 5));
	assert_false(seccomp_simulate_cached(by_number, 4, AUDIT_ARCH_X86_64, 6));
	assert_true(seccomp_simulate_cached(argument, 4, AUDIT_ARCH_X86_64, 5));
	assert_false(seccomp_simulate_cached(argument, 4, AUDIT_ARCH_X86_64, 6));
	assert_false(seccomp_simulate_cached(arithmetic, 3, AUDIT_ARCH_X86_64, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),  cmocka_unit_test(test_check_like_kernel),
		cmocka_unit_test(test_run),    cmocka_unit_test(test_byte_order),
		cmocka_unit_test(test_cached),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-simulate", tests, NULL, NULL);
}
