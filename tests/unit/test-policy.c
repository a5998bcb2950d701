/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a policy: options, formats, weights, printing. The language's errors are in
 * tests/policy. */
#include "tests/unit/test-seccomp-support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/policy/policy-compare.h"
#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-simulate.h"

#define ALLOW	  SECCOMP_RET_ALLOW
#define KILL	  SECCOMP_RET_KILL_PROCESS
#define RETURN(e) (SECCOMP_RET_ERRNO | (e))
#define NR_IOCTL  16
#define NR_READ	  0
#define NR_WRITE  1

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const uint32_t x86_64[] = { AUDIT_ARCH_X86_64 };

static struct seccomp_program compile(const char *text, const struct policy_options *from)
{
	struct policy_options options = from ? *from : (struct policy_options){ 0 };
	struct seccomp_program program = { 0 };
	struct policy policy;
	struct err e = { 0 };

	if (!options.archs_count) {
		options.archs = x86_64;
		options.archs_count = 1;
	}
	if (policy_parse("test", text, strlen(text), &options, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0)
		fail_msg("%s", e.msg);
	return program;
}

static uint32_t run_on(const struct seccomp_program *p, uint32_t arch, uint32_t number,
		       uint64_t first, uint64_t second)
{
	struct seccomp_data data = { .nr = (int)number, .arch = arch, .args = { first, second } };

	return seccomp_simulate(p->code, p->count, &data, NULL);
}

static uint32_t run(const struct seccomp_program *p, uint32_t number, uint64_t first,
		    uint64_t second)
{
	return run_on(p, AUDIT_ARCH_X86_64, number, first, second);
}

static void test_defaults(void **state)
{
	struct seccomp_program p = compile("read: 1\n", NULL);

	(void)state;
	assert_int_equal(run(&p, NR_READ, 0, 0), ALLOW);
	assert_int_equal(run(&p, NR_WRITE, 0, 0), KILL);
	assert_int_equal(run(&p, 2000, 0, 0), KILL);
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 3, 0, 0), KILL);
	p = compile("read: 1\n@default return EACCES\n", NULL);
	assert_int_equal(run(&p, NR_WRITE, 0, 0), RETURN(EACCES));
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 3, 0, 0), KILL);
	p = compile("write: 1\n@newer return ENOSYS\n", NULL);
	assert_int_equal(run(&p, NR_READ, 0, 0), KILL);
	assert_int_equal(run(&p, 2, 0, 0), RETURN(ENOSYS));
}

static void test_options(void **state)
{
	const struct policy_options permissive = { .default_set = true, .default_action = ALLOW };
	const struct policy_options log = { .default_set = true,
					    .default_action = SECCOMP_RET_LOG,
					    .log = true };
	struct seccomp_program p = compile("read: return EPERM\n@default trap", &permissive);

	(void)state;
	assert_int_equal(run(&p, NR_READ, 0, 0), RETURN(EPERM));
	assert_int_equal(run(&p, NR_WRITE, 0, 0), ALLOW);
	p = compile("read: return EPERM\nwrite: 1\nioctl: kill", &log);
	assert_int_equal(run(&p, NR_READ, 0, 0), SECCOMP_RET_LOG);
	assert_int_equal(run(&p, NR_WRITE, 0, 0), ALLOW);
	assert_int_equal(run(&p, NR_IOCTL, 0, 0), SECCOMP_RET_LOG);
	assert_int_equal(run(&p, 2, 0, 0), SECCOMP_RET_LOG);
}

static void test_dialects(void **state)
{
	const struct policy_options c = { .dialect = POLICY_DIALECT_C },
				    python = { .dialect = POLICY_DIALECT_PYTHON };
	const char *text = "ioctl: arg1 == 5; return EPERM";
	struct seccomp_program p = compile(text, NULL);

	(void)state;
	assert_int_equal(run(&p, NR_IOCTL, 0, 5), ALLOW);
	assert_int_equal(run(&p, NR_IOCTL, 0, 6), RETURN(EPERM));
	p = compile(text, &c);
	assert_int_equal(run(&p, NR_IOCTL, 0, 5), ALLOW);
	assert_int_equal(run(&p, NR_IOCTL, 0, 6), RETURN(EPERM));
	p = compile(text, &python);
	assert_int_equal(run(&p, NR_IOCTL, 0, 5), RETURN(EPERM));
	assert_int_equal(run(&p, NR_IOCTL, 0, 6), KILL);
	p = compile("@denylist\nioctl: arg1 == 5; return EPERM", NULL);
	assert_int_equal(run(&p, NR_IOCTL, 0, 5), RETURN(EPERM));
	assert_int_equal(run(&p, NR_IOCTL, 0, 6), ALLOW);
	assert_int_equal(run(&p, NR_READ, 0, 0), ALLOW);
	p = compile("ioctl: arg1 == 5; return", NULL);
	assert_int_equal(run(&p, NR_IOCTL, 0, 5), ALLOW);
	assert_int_equal(run(&p, NR_IOCTL, 0, 6), KILL);
}

/* What the kernel does not see of an argument must not decide. */
static void test_upper_halves(void **state)
{
	struct seccomp_program p = compile("ioctl: { arg1 == TIOCSTI; return EPERM, allow }\n"
					   "openat: arg0 == AT_FDCWD\n"
					   "mmap: { arg2 == 4; return EPERM, allow }\n",
					   NULL);

	(void)state;
	assert_int_equal(run(&p, NR_IOCTL, 0, 0x5412), RETURN(EPERM));
	assert_int_equal(run(&p, NR_IOCTL, 0, 0x100005412), RETURN(EPERM));
	assert_int_equal(run(&p, NR_IOCTL, 0, 0x5413), ALLOW);
	assert_int_equal(run(&p, 257, 0xffffff9c, 0), ALLOW);
	assert_int_equal(run(&p, 257, (uint64_t)-100, 0), ALLOW);
	assert_int_equal(run(&p, 257, 0xffffff9b, 0), KILL);
}

/* socket(2) must not be had through socketcall(2), whose arguments nobody sees. */
static void test_socketcall(void **state)
{
	const uint32_t archs[] = { AUDIT_ARCH_I386 };
	const struct policy_options options = { .archs = archs, .archs_count = 1 };
	struct seccomp_program p = compile("socket: arg0 == AF_UNIX\nrecv: 1", &options);

	(void)state;
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 359, 1, 0), ALLOW);
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 359, 2, 0), KILL);
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 102, 1, 1), KILL);
	assert_int_equal(run_on(&p, AUDIT_ARCH_I386, 102, 10, 1), KILL);
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static uint32_t steps(const struct seccomp_program *p, uint32_t number)
{
	struct seccomp_data data = { .nr = (int)number, .arch = AUDIT_ARCH_X86_64 };
	uint32_t count;

	seccomp_simulate(p->code, p->count, &data, &count);
	return count;
}

/* @frequency makes the way to what it names shorter. */
static void test_frequency(void **state)
{
	char dir[] = "/tmp/husk-policy-XXXXXX", policy_path[64], path[64];
	struct seccomp_program plain, weighted;
	struct policy policy;
	struct err e = { 0 };
	char text[4096];
	size_t n = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(policy_path, sizeof policy_path, "%s/p.policy", dir);
	snprintf(path, sizeof path, "%s/f", dir);
	for (uint32_t i = 0; i < 300; i += 3)
		n += text_format(text + n, sizeof text - n, "%u: %s\n", i,
				 i % 2 ? "allow" : "return EPERM");
	write_file(policy_path, text, n);
	assert_int_equal(policy_load(policy_path, NULL, &arena, &policy, &e), 0);
	assert_int_equal(policy_program(&policy, &arena, &plain, &e), 0);
	n += text_format(text + n, sizeof text - n, "@frequency ./f\n");
	write_file(policy_path, text, n);
	static const char often[] = "# most of all\n201: 5000\n201: 5000\n";
	write_file(path, often, sizeof often - 1);
	if (policy_load(policy_path, NULL, &arena, &policy, &e) < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(policy.seccomp.weights_count, 1);
	assert_int_equal(policy.seccomp.weights[0].weight, 10000);
	assert_int_equal(policy_program(&policy, &arena, &weighted, &e), 0);
	assert_true(steps(&weighted, 201) < steps(&plain, 201));
	unlink(policy_path);
	unlink(path);
	rmdir(dir);
}

static void test_formats(void **state)
{
	static const char json[] =
		"{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":"
		"[\"SCMP_ARCH_X86_64\"],\"syscalls\":[{\"names\":[\"read\"],\"action\":"
		"\"SCMP_ACT_ALLOW\"}]}}}";
	char path[] = "/tmp/husk-policy-XXXXXX";
	struct seccomp_program text, program;
	struct policy_difference *found;
	struct policy policy;
	struct err e = { 0 };
	size_t count;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	text = compile("read: 1\n@default return EPERM\n@newer return ENOSYS", NULL);
	/* The profile, inside of a configuration and alone. */
	for (int i = 0; i < 2; i++) {
		size_t skip = i ? sizeof "{\"linux\":{\"seccomp\":" - 1 : 0;
		write_file(path, json + skip, sizeof json - 1 - skip - (i ? 2 : 0));
		if (policy_load(path, NULL, &arena, &policy, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(policy.kind, POLICY_OCI);
		assert_int_equal(policy_program(&policy, &arena, &program, &e), 0);
		assert_int_equal(policy_compare(&text, &program,
						seccomp_names_arch(AUDIT_ARCH_X86_64), false,
						&arena, &found, &count, &e),
				 0);
		assert_int_equal(count, 0);
	}
	write_file(path, text.code, text.count * sizeof *text.code);
	assert_int_equal(policy_load(path, NULL, &arena, &policy, &e), 0);
	assert_int_equal(policy.kind, POLICY_BPF);
	assert_int_equal(policy_program(&policy, &arena, &program, &e), 0);
	assert_int_equal(run(&program, NR_READ, 0, 0), ALLOW);
	write_file(path, text.code, text.count * sizeof *text.code - 8);
	assert_int_equal(policy_load(path, NULL, &arena, &policy, &e), -1);
	unlink(path);
	assert_int_equal(policy_load("no-such-policy", NULL, &arena, &policy, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* A policy that differs in anything that matters has a filter of its own. */
static void test_cache(void **state)
{
	static const char *const texts[] = {
		"ioctl: arg1 == 5",
		"ioctl: arg1 & 5",
		"ioctl: arg1 in 5",
		"read: arg1 == 5",
		"mmap: arg1 == 5",
		"ioctl: arg1 == 5\n@newer return ENOSYS",
		"ioctl[arch=arm64]: arg1 == 5",
		"ioctl: arg1 == 5\n@default trap",
	};
	char dir[] = "/tmp/husk-policy-XXXXXX", path[64], file[128];
	struct seccomp_program first, second;
	struct policy_cache cache = { .dirfd = AT_FDCWD };
	struct policy policy;
	struct err e = { 0 };
	unsigned files = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/cache", dir);
	cache.paths[0] = path;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(
			policy_parse("t", texts[i], strlen(texts[i]), NULL, &arena, &policy, &e),
			0);
		assert_int_equal(policy_program(&policy, &arena, &first, &e), 0);
		for (int round = 0; round < 2; round++) {
			assert_int_equal(
				policy_program_cached(&policy, &cache, &arena, &second, &e),
				0);
			assert_int_equal(first.count, second.count);
			assert_memory_equal(first.code, second.code,
					    first.count * sizeof *first.code);
		}
	}
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%.40s", path, entry->d_name);
		unlink(file);
		files++;
	}
	closedir(d);
	assert_int_equal(files, sizeof texts / sizeof *texts);
	rmdir(path);
	rmdir(dir);
}

/* Every condition that is printed is read as itself. */
static void test_printing(void **state)
{
	static const struct seccomp_compare compares[] = {
		{ 0, SECCOMP_OP_EQ, 5, 0, false },
		{ 1, SECCOMP_OP_NE, (uint64_t)-100, 0, false },
		{ 2, SECCOMP_OP_LT, 0x10000, 0, false },
		{ 3, SECCOMP_OP_LE, UINT64_MAX - 5000, 0, false },
		{ 4, SECCOMP_OP_GE, 1, 0, false },
		{ 5, SECCOMP_OP_GT, 9, 0, false },
		{ 1, SECCOMP_OP_MASKED_EQ, 0xff0, 0, false },
		{ 1, SECCOMP_OP_MASKED_EQ, 0xff0, 0x120, false },
		{ 1, SECCOMP_OP_MASKED_EQ, (uint64_t)1 << 63 | 1, (uint64_t)1 << 63, false },
		{ 0, SECCOMP_OP_MASKED_NE, 0x7e020000, 0, false },
	};
	const struct seccomp_arch *arch = seccomp_names_arch(AUDIT_ARCH_X86_64);
	uint64_t random = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < sizeof compares / sizeof *compares; i++) {
		const struct seccomp_compare *c = &compares[i];
		char condition[POLICY_COMPARE_MAX], text[POLICY_COMPARE_MAX + 64];
		policy_compare_print(c, true, condition, sizeof condition);
		/* A call of which no argument has 32 bits. */
		snprintf(text, sizeof text, "read: %s", condition);
		struct seccomp_program p = compile(text, NULL);
		for (unsigned k = 0; k < 2000; k++) {
			struct seccomp_data data = { .arch = arch->audit };
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t argument = k % 3 == 0	 ? c->value + k % 5 - 2
					    : k % 3 == 1 ? c->value_two ^ (random >> 60)
							 : random >> (random & 63);
			data.args[c->index] = argument;
			bool holds = seccomp_simulate(p.code, p.count, &data, NULL) == ALLOW;
			if (holds != policy_compare_holds(c, arch, argument))
				fail_msg("%s: %llx", text, (unsigned long long)argument);
		}
	}
}

static void test_actions(void **state)
{
	static const char *const words[] = { "allow",	     "log",	     "trap",
					     "kill-process", "kill-thread",  "user-notify",
					     "trace",	     "return EPERM", "return 200" };
	static const char *const wrong[] = { "",	   "permit",	  "return",
					     "return X",   "return 5000", "return 1\n",
					     "kill; allow" };
	char text[POLICY_ACTION_MAX];
	uint32_t action;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		assert_int_equal(policy_action_parse(words[i], &action, &e), 0);
		policy_action_print(action, text, sizeof text);
		assert_string_equal(text, words[i]);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(policy_action_parse(wrong[i], &action, &e), -1);
}

static void test_constants(void **state)
{
	static const struct {
		const char *text;
		uint32_t arch;
		uint64_t value;
	} rows[] = {
		{ "O_DIRECTORY", AUDIT_ARCH_X86_64, 0200000 },
		{ "O_DIRECTORY", AUDIT_ARCH_RISCV64, 0200000 },
		{ "O_DIRECTORY", AUDIT_ARCH_AARCH64, 040000 },
		{ "O_DIRECTORY", AUDIT_ARCH_ARM, 040000 },
		{ "O_TMPFILE", AUDIT_ARCH_X86_64, 020200000 },
		{ "O_TMPFILE", AUDIT_ARCH_ARM, 020040000 },
		{ "AT_FDCWD", AUDIT_ARCH_X86_64, (uint64_t)-100 },
		{ "AT_FDCWD", AUDIT_ARCH_I386, (uint32_t)-100 },
		{ "FS_IOC_GETFLAGS", AUDIT_ARCH_X86_64, 0x80086601 },
		{ "FS_IOC_GETFLAGS", SECCOMP_ARCH_X32, 0x80046601 },
		{ "F_SETLK64", AUDIT_ARCH_I386, 13 },
		{ "~0", AUDIT_ARCH_ARM, 0xffffffff },
		{ "~0", AUDIT_ARCH_X86_64, UINT64_MAX },
		{ "-1", AUDIT_ARCH_I386, 0xffffffff },
		{ "PROT_READ|(PROT_WRITE | 4)", AUDIT_ARCH_X86_64, 7 },
		{ "ADDR_COMPAT_LAYOUT", AUDIT_ARCH_X86_64, 0x200000 },
		{ "XATTR_REPLACE", AUDIT_ARCH_X86_64, 2 },
	};
	uint64_t value;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(policy_value_parse(rows[i].text, rows[i].arch, &value, &e), 0);
		if (value != rows[i].value)
			fail_msg("%s: %llx", rows[i].text, (unsigned long long)value);
	}
	assert_int_equal(policy_value_parse("MAP_32BIT", AUDIT_ARCH_ARM, &value, &e), -1);
	assert_int_equal(policy_value_parse("1 2", AUDIT_ARCH_ARM, &value, &e), -1);
	assert_int_equal(policy_value_parse("", AUDIT_ARCH_ARM, &value, &e), -1);
}

static void test_groups(void **state)
{
	const char *const *names;
	struct seccomp_call call;
	const char *seen[1024];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; policy_group_at(i, &names); i++)
		for (; *names; names++) {
			for (size_t k = 0; k < count; k++)
				assert_string_not_equal(seen[k], *names);
			seccomp_names_call(seccomp_names_arch(AUDIT_ARCH_X86_64), *names, &call);
			if (!call.known)
				fail_msg("%s", *names);
			seen[count++] = *names;
		}
	assert_true(count > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dialects, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_upper_halves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_socketcall, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_frequency, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_formats, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cache, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_printing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_actions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_constants, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_groups, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
