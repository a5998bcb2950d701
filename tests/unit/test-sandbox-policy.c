/* SPDX-License-Identifier: Apache-2.0 */
/* The policy that a sandbox has when none is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "runtime/cli/sandbox-filter.h"
#include "runtime/policy/policy.h"
#include "src/base/kernel.h"
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

#ifdef __x86_64__
static uint32_t action(const struct seccomp_program *f, uint32_t arch, int nr, uint64_t a0, uint64_t a1)
{
	struct seccomp_data data = { .arch = arch, .nr = nr, .args = { a0, a1 } };

	return seccomp_simulate(f->code, f->count, &data, NULL);
}

static void test_policy(void **state)
{
	const uint32_t allow = SECCOMP_RET_ALLOW, killing = SECCOMP_RET_KILL_PROCESS;
	const uint32_t eperm = SECCOMP_RET_ERRNO | EPERM, enosys = SECCOMP_RET_ERRNO | ENOSYS;
	const struct {
		int nr;
		uint64_t a0, a1;
		uint32_t result;
	} rows[] = {
		{ SYS_read, 0, 0, allow },
		{ SYS_execve, 0, 0, allow },
		{ SYS_clone, 0x1200011, 0, allow },
		{ SYS_clone, CLONE_NEWUSER, 0, eperm },
		{ SYS_clone, CLONE_NEWNS | 17, 0, eperm },
		{ SYS_clone, CLONE_NEWNET, 0, eperm },
		{ SYS_clone3, 0, 0, enosys },
		{ SYS_unshare, CLONE_NEWUSER, 0, eperm },
		{ SYS_ioctl, 0, TCGETS, allow },
		{ SYS_ioctl, 0, TIOCSTI, eperm },
		{ SYS_ioctl, 0, (1ull << 32) | TIOCSTI, eperm },
		{ SYS_ioctl, 0, TIOCLINUX, eperm },
		{ SYS_ioctl, 0, (7ull << 60) | TIOCLINUX, eperm },
		{ SYS_personality, 0xffffffff, 0, allow },
		{ SYS_personality, 0x40000, 0, allow },
		{ SYS_personality, 0x400000, 0, eperm },
		{ SYS_mount, 0, 0, eperm },
		{ SYS_ptrace, 0, 0, eperm },
		{ SYS_bpf, 0, 0, eperm },
		{ SYS_keyctl, 0, 0, eperm },
		{ 425, 0, 0, enosys }, /* io_uring_setup */
		{ 9999, 0, 0, enosys },
		{ SYS_kexec_load, 0, 0, killing },
		{ SYS_reboot, 0, 0, killing },
		{ SYS_init_module, 0, 0, killing },
	};
	struct seccomp_program program, *f = &program;
	struct policy policy;
	struct err e = { 0 };

	(void)state;
	if (policy_load_default(NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t got = action(f, AUDIT_ARCH_X86_64, rows[i].nr, rows[i].a0, rows[i].a1);
		if (got != rows[i].result)
			fail_msg("call %d(%llx, %llx): %x", rows[i].nr,
				 (unsigned long long)rows[i].a0, (unsigned long long)rows[i].a1,
				 got);
	}
	/* No way around it by another kind of call. */
	assert_int_not_equal(action(f, AUDIT_ARCH_I386, 3, 0, 0), allow);
	assert_int_not_equal(action(f, AUDIT_ARCH_X86_64, 0x40000000, 0, 0), allow);
	/* What is allowed whatever its arguments costs the kernel one bit. */
	assert_true(seccomp_simulate_cached(f->code, f->count, AUDIT_ARCH_X86_64, SYS_read));
}
#endif

/* What is built in is the policy that is installed, and no other. */
static void test_same(void **state)
{
	const char *srcdir = getenv("srcdir");
	struct seccomp_program own, file;
	struct policy policy;
	char path[4096];
	struct err e = { 0 };

	(void)state;
	snprintf(path, sizeof path, "%s/policies/profiles/default.policy", srcdir ? srcdir : ".");
	if (policy_load_default(NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &own, &e) < 0 ||
	    policy_load(path, NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &file, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(own.count, file.count);
	assert_memory_equal(own.code, file.code, own.count * sizeof *own.code);
}

static void test_none(void **state)
{
	struct sandbox s = { .policy = (char *)"none" };
	struct plan_filter *filter;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(sandbox_filter_make(&s, &arena, &filter, &e), 0);
	assert_null(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
		cmocka_unit_test(test_policy),
#endif
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
