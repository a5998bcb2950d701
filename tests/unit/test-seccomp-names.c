/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that husk has itself, against libseccomp and the system's headers. */
#include "tests/unit/test-seccomp-support.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static void test_architectures(void **state)
{
	(void)state;
	for (size_t i = 0; seccomp_names_arch_at(i); i++) {
		const struct seccomp_arch *arch = seccomp_names_arch_at(i);
		uint32_t token = seccomp_arch_resolve_name(arch->name);
		/* 0: an older library. */
		if (token)
			assert_int_equal(token, arch->token);
		assert_int_equal(seccomp_names_resolvable(arch), token != 0);
		assert_ptr_equal(seccomp_names_arch(arch->token), arch);
		assert_ptr_equal(seccomp_names_arch_parse(arch->name), arch);
		assert_ptr_equal(seccomp_names_arch_parse(arch->oci_name), arch);
		assert_int_equal(arch->big_endian, !(arch->token & __AUDIT_ARCH_LE));
		if (arch->token != SECCOMP_ARCH_X32)
			assert_int_equal(arch->audit, arch->token);
	}
	assert_null(seccomp_names_arch_parse("SCMP_ARCH_VAX"));
	assert_null(seccomp_names_arch(0x7777));
	assert_non_null(seccomp_names_arch(seccomp_names_native()));
}

static const char *const mux_names[] = {
	"socket",     "bind",	 "connect",    "listen",  "accept",   "getsockname", "getpeername",
	"socketpair", "send",	 "recv",       "sendto",  "recvfrom", "shutdown",    "setsockopt",
	"getsockopt", "sendmsg", "recvmsg",    "accept4", "recvmmsg", "sendmmsg",    "semop",
	"semget",     "semctl",	 "semtimedop", "msgsnd",  "msgrcv",   "msgget",	     "msgctl",
	"shmat",      "shmdt",	 "shmget",     "shmctl",
};

/* The number of @name, found by asking libseccomp for the name of every number. */
static int direct_number(const struct seccomp_arch *arch, const char *name)
{
	int found = -1;

	for (uint32_t n = arch->base; n < arch->base + 500 && found < 0; n++) {
		char *back = seccomp_syscall_resolve_num_arch(arch->token, (int)n);
		if (back && strcmp(back, name) == 0)
			found = (int)n;
		free(back);
	}
	return found;
}

static void test_multiplexed(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (size_t a = 0; seccomp_names_arch_at(a); a++) {
		const struct seccomp_arch *arch = seccomp_names_arch_at(a);
		int socketcall = seccomp_syscall_resolve_name_arch(arch->token, "socketcall");
		int ipc = seccomp_syscall_resolve_name_arch(arch->token, "ipc");
		if (!seccomp_names_resolvable(arch) || socketcall < 0)
			continue;
		for (size_t i = 0; i < sizeof mux_names / sizeof *mux_names; i++) {
			struct seccomp_call call;
			int direct = direct_number(arch, mux_names[i]);
			int pseudo = seccomp_syscall_resolve_name_arch(arch->token, mux_names[i]);
			seccomp_names_call(arch, mux_names[i], &call);
			if (call.direct != (direct >= 0) ||
			    (call.direct && call.number != (uint32_t)direct))
				fail_msg("%s on %s: %d, libseccomp %d", mux_names[i], arch->name,
					 call.direct ? (int)call.number : -1, direct);
			assert_true(call.known && call.multiplexed);
			assert_int_equal(call.mux_number, pseudo > -200 ? socketcall : ipc);
			assert_int_equal(call.mux_value,
					 pseudo > -200 ? -pseudo - 100 : -pseudo - 200);
			seen++;
		}
	}
	/* i386, mips, mipsel, three of ppc, two of s390. */
	assert_true(seen >= 8 * sizeof mux_names / sizeof *mux_names);
}

/* What libseccomp knows, too, must be the same in husk: the supplement is not asked then. */
static void test_all_names(void **state)
{
	(void)state;
	for (size_t a = 0; seccomp_names_arch_at(a); a++) {
		const struct seccomp_arch *arch = seccomp_names_arch_at(a);
		for (uint32_t n = arch->base; n < arch->base + 560; n++) {
			char *name = seccomp_syscall_resolve_num_arch(arch->token, (int)n);
			struct seccomp_call call;
			char back[64];
			if (!name)
				continue;
			seccomp_names_call(arch, name, &call);
			assert_true(call.known && call.direct);
			/* Some numbers have two names. */
			if (call.number != n)
				assert_int_equal(
					seccomp_syscall_resolve_name_arch(arch->token, name),
					call.number);
			assert_int_equal(seccomp_names_of(arch, n, back, sizeof back), 0);
			assert_string_equal(back, name);
			free(name);
		}
	}
}

struct number {
	const char *name;
	uint32_t number;
};

static void test_supplement(void **state)
{
	static const struct number common[] = {
		{ "clone3", 435 },
		{ "close_range", 436 },
		{ "futex_waitv", 449 },
		{ "cachestat", 451 },
		{ "fchmodat2", 452 },
		{ "futex_wake", 454 },
		{ "futex_wait", 455 },
		{ "futex_requeue", 456 },
		{ "statmount", 457 },
		{ "listmount", 458 },
		{ "lsm_get_self_attr", 459 },
		{ "lsm_set_self_attr", 460 },
		{ "lsm_list_modules", 461 },
		{ "mseal", 462 },
		{ "setxattrat", 463 },
		{ "getxattrat", 464 },
		{ "listxattrat", 465 },
		{ "removexattrat", 466 },
		{ "open_tree_attr", 467 },
		{ "file_getattr", 468 },
		{ "file_setattr", 469 },
		{ "listns", 470 },
	};
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386,
					  SECCOMP_ARCH_X32,  AUDIT_ARCH_AARCH64,
					  AUDIT_ARCH_ARM,    AUDIT_ARCH_RISCV64,
					  AUDIT_ARCH_MIPS,   AUDIT_ARCH_MIPSEL64,
					  AUDIT_ARCH_S390X,  AUDIT_ARCH_PPC64LE };
	static const uint32_t bases[] = { 0, 0, 0x40000000, 0, 0, 0, 4000, 5000, 0, 0 };
	char back[64];

	(void)state;
	for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
		const struct seccomp_arch *arch = seccomp_names_arch(archs[a]);
		for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
			struct seccomp_call call;
			seccomp_names_call(arch, common[i].name, &call);
			assert_true(call.known && call.direct && !call.multiplexed);
			assert_int_equal(call.number, bases[a] + common[i].number);
			assert_int_equal(seccomp_names_of(arch, call.number, back, sizeof back), 0);
			assert_string_equal(back, common[i].name);
		}
	}
}

static void expect(uint32_t token, const char *name, bool known, int number)
{
	struct seccomp_call call;

	seccomp_names_call(seccomp_names_arch(token), name, &call);
	assert_int_equal(call.known, known);
	assert_int_equal(call.direct ? (int)call.number : -1, number);
}

/* Calls of one architecture, and those that it alone lacks. */
static void test_single(void **state)
{
	(void)state;
	expect(AUDIT_ARCH_X86_64, "uretprobe", true, 335);
	expect(AUDIT_ARCH_X86_64, "uprobe", true, 336);
	expect(AUDIT_ARCH_AARCH64, "uretprobe", true, -1);
	expect(AUDIT_ARCH_RISCV64, "riscv_hwprobe", true, 258);
	expect(AUDIT_ARCH_X86_64, "riscv_hwprobe", true, -1);
	expect(AUDIT_ARCH_X86_64, "map_shadow_stack", true, 453);
	expect(SECCOMP_ARCH_X32, "map_shadow_stack", true, -1);
	expect(AUDIT_ARCH_X86_64, "waitpid", true, -1);
	expect(AUDIT_ARCH_I386, "waitpid", true, 7);
	expect(AUDIT_ARCH_X86_64, "send", true, -1);
	expect(AUDIT_ARCH_X86_64, "", false, -1);
	expect(AUDIT_ARCH_X86_64, "Read", false, -1);
}

/* The build machine's own headers. */
static void test_headers(void **state)
{
	static const struct number native[] = {
		{ "read", SYS_read },
		{ "execveat", SYS_execveat },
		{ "openat2", SYS_openat2 },
		{ "seccomp", SYS_seccomp },
#ifdef SYS_cachestat
		{ "cachestat", SYS_cachestat },
#endif
#ifdef SYS_mseal
		{ "mseal", SYS_mseal },
#endif
#ifdef SYS_listmount
		{ "listmount", SYS_listmount },
#endif
#ifdef SYS_open_tree_attr
		{ "open_tree_attr", SYS_open_tree_attr },
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof native / sizeof *native; i++)
		expect(seccomp_names_native(), native[i].name, true, (int)native[i].number);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_architectures), cmocka_unit_test(test_multiplexed),
		cmocka_unit_test(test_all_names),     cmocka_unit_test(test_supplement),
		cmocka_unit_test(test_single),	      cmocka_unit_test(test_headers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-names", tests, NULL, NULL);
}
