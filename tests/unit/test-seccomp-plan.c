/* SPDX-License-Identifier: Apache-2.0 */
/* From linux.seccomp and the annotations to a filter. */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/plan/plan-seccomp.h"
#include "src/seccomp/seccomp-simulate.h"

static struct arena arena;
static struct spec_seccomp seccomp;
static struct spec_linux linux_config;
static struct spec spec;
static struct spec_seccomp_syscall calls[2];
static char *names[] = { (char[]){ "getppid" }, (char[]){ "mseal" }, NULL };

/* getppid and mseal (462) are allowed, the default is an errno. */
static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	calls[0] =
		(struct spec_seccomp_syscall){ .names = { names, 2 }, .action = SECCOMP_RET_ALLOW };
	seccomp = (struct spec_seccomp){ .default_action = SECCOMP_RET_ERRNO,
					 .syscalls = calls,
					 .syscalls_count = 1 };
	linux_config = (struct spec_linux){ .seccomp = &seccomp };
	spec = (struct spec){ .linux_config = &linux_config };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct plan_filter *plan(void)
{
	struct plan_filter *filter;
	struct err e = { 0 };

	if (plan_seccomp(&spec, &arena, &filter, &e) < 0)
		fail_msg("plan: %s", e.msg);
	return filter;
}

static void refused(const char *text)
{
	struct plan_filter *filter;
	struct err e = { 0 };

	assert_int_equal(plan_seccomp(&spec, &arena, &filter, &e), -1);
	assert_string_equal(e.msg, text);
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_null(filter);
}

/* What a native call gets. */
static uint32_t run(const struct plan_filter *f, const char *name, uint32_t number)
{
	const struct seccomp_arch *arch = seccomp_names_arch(seccomp_names_native());
	struct seccomp_data data = { .arch = arch->audit, .nr = (int)number };
	struct seccomp_call call;

	if (name) {
		seccomp_names_call(arch, name, &call);
		data.nr = (int)call.number;
	}
	return seccomp_simulate(f->code, f->count, &data, NULL);
}

static void test_none(void **state)
{
	(void)state;
	linux_config.seccomp = NULL;
	assert_null(plan());
}

static void test_defaults(void **state)
{
	struct plan_filter *f = plan();

	(void)state;
	assert_int_equal(run(f, "getppid", 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(f, "getuid", 0), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(run(f, NULL, 463), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(f->flags, 0);
	assert_false(f->notify);
	seccomp.flags = SECCOMP_FILTER_FLAG_LOG;
	assert_int_equal(plan()->flags, SECCOMP_FILTER_FLAG_LOG);
}

/* Where calls newer than the profile get ENOSYS. */
static void test_enosys(void **state)
{
	(void)state;
	seccomp.default_errno_ret = (struct opt_u32){ .set = true, .value = EPERM };
	assert_int_equal(run(plan(), NULL, 463), SECCOMP_RET_ERRNO | ENOSYS);
	seccomp.default_errno_ret.value = ENXIO;
	assert_int_equal(run(plan(), NULL, 463), SECCOMP_RET_ERRNO | ENXIO);
	assert_int_equal(run(plan(), "getuid", 0), SECCOMP_RET_ERRNO | ENXIO);
	seccomp.default_errno_ret.set = false;
	seccomp.default_action = SECCOMP_RET_KILL_PROCESS;
	assert_int_equal(run(plan(), NULL, 463), SECCOMP_RET_KILL_PROCESS);
	seccomp.default_action = SECCOMP_RET_TRACE;
	assert_int_equal(run(plan(), NULL, 463), SECCOMP_RET_TRACE | EPERM);
}

static void test_actions(void **state)
{
	(void)state;
	seccomp.default_action = SECCOMP_RET_ALLOW;
	calls[0].action = SECCOMP_RET_ERRNO;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ERRNO | EPERM);
	calls[0].errno_ret = (struct opt_u32){ .set = true, .value = 0 };
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ERRNO);
	calls[0].action = SECCOMP_RET_TRACE;
	calls[0].errno_ret.value = 77;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_TRACE | 77);
	calls[0].action = SECCOMP_RET_KILL_THREAD;
	calls[0].errno_ret.set = false;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_KILL_THREAD);
}

static void test_arguments(void **state)
{
	struct spec_seccomp_arg args[] = {
		{ .index = 0, .op = SPEC_SECCOMP_EQ, .value = 0 },
		{ .index = 1, .op = SPEC_SECCOMP_MASKED_EQ, .value = 1, .value_two = 0 },
	};

	(void)state;
	calls[0].args = args;
	calls[0].args_count = 2;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ALLOW);
	args[1].value_two = 1;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ERRNO | EPERM);
	args[1].index = 0;
	/* Two on one argument: alternatives. */
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ALLOW);
}

/* The native architecture counts whether it is listed or not, and comes first. */
static void test_architectures(void **state)
{
	uint32_t archs[] = { AUDIT_ARCH_S390X, seccomp_names_native(), SPEC_ARCH_X32 };

	(void)state;
	seccomp.architectures = archs;
	seccomp.architectures_count = 1;
	struct plan_filter *f = plan();
	assert_int_equal(run(f, "getppid", 0), SECCOMP_RET_ALLOW);
	assert_int_equal(f->code[1].k, seccomp_names_native());
	seccomp.architectures_count = 3;
	assert_int_equal(run(plan(), "getppid", 0), SECCOMP_RET_ALLOW);
}

static void test_notify(void **state)
{
	(void)state;
	calls[0].action = SECCOMP_RET_USER_NOTIF;
	refused("linux.seccomp: a rule notifies, but there is no listenerPath");
	seccomp.listener_path = (char[]){ "/run/agent" };
	seccomp.listener_metadata = (char[]){ "data" };
	struct plan_filter *f = plan();
	assert_true(f->notify);
	assert_string_equal(f->listener_path, "/run/agent");
	assert_string_equal(f->listener_metadata, "data");
	spec.extensions.seccomp_receiver = (char[]){ "/run/other" };
	assert_string_equal(plan()->listener_path, "/run/other");
}

static void test_unknown_names(void **state)
{
	char *unknown[] = { (char[]){ "no_such_call" }, NULL };

	(void)state;
	calls[1] = (struct spec_seccomp_syscall){ .names = { unknown, 1 },
						  .action = SECCOMP_RET_ALLOW };
	seccomp.syscalls_count = 2;
	struct plan_filter *f = plan();
	assert_int_equal(f->notes_count, 1);
	assert_non_null(strstr(f->notes[0], "\"no_such_call\""));
	spec.extensions.seccomp_fail_unknown = true;
	refused("linux.seccomp: unknown system call no_such_call");
}

/* ret ALLOW; ret USER_NOTIF; a jump out of the program */
static void test_raw(void **state)
{
	char allow[] = "BgAAAAAA/38=", notify[] = "BgAAAAAAwH8=", jump[] = "BQAAAAUAAAA=";

	(void)state;
	spec.extensions.seccomp_bpf_data = allow;
	struct plan_filter *f = plan();
	assert_int_equal(f->count, 1);
	assert_int_equal(f->code[0].k, SECCOMP_RET_ALLOW);
	/* Also without linux.seccomp. */
	linux_config.seccomp = NULL;
	assert_int_equal(plan()->count, 1);
	spec.extensions.seccomp_bpf_data = notify;
	refused("linux.seccomp: a rule notifies, but there is no listenerPath");
	spec.extensions.seccomp_bpf_data = jump;
	refused("annotations[\"run.oci.seccomp_bpf_data\"]: filter instruction 0 (0x5): jump out "
		"of the "
		"program");
}

static void test_raw_text(void **state)
{
	static const char *const malformed[] = {
		"BgAAAAAA/38", "BgAAAAAA/3=8", "Bg\nAAAAAA/38=",
		"====",	       "BgAA*AAA/38=", "BgAAAAAA/38====="
	};

	(void)state;
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
		spec.extensions.seccomp_bpf_data = (char *)(uintptr_t)malformed[i];
		refused("annotations[\"run.oci.seccomp_bpf_data\"]: is not base64");
	}
	spec.extensions.seccomp_bpf_data = (char[]){ "BgAAAAAA" };
	refused("annotations[\"run.oci.seccomp_bpf_data\"]: 6 bytes are no whole number of BPF "
		"instructions");
	spec.extensions.seccomp_bpf_data = (char[]){ "" };
	refused("annotations[\"run.oci.seccomp_bpf_data\"]: 0 bytes are no whole number of BPF "
		"instructions");
}

static int count_files(const char *path)
{
	char command[200];

	snprintf(command, sizeof command, "ls '%s' | wc -l", path);
	FILE *in = popen(command, "r");
	int count = -1;
	if (!in || fscanf(in, "%d", &count) != 1)
		count = -1;
	if (in)
		pclose(in);
	return count;
}

static void test_cache(void **state)
{
	char top[] = "/tmp/test-seccomp-plan.XXXXXX", path[100], command[200];
	struct plan_filter *first, *second, *other;

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof path, "%s/filters", top);
	assert_int_equal(plan_seccomp_from(&spec, AT_FDCWD, path, &arena, &first, NULL), 0);
	assert_int_equal(count_files(path), 1);
	assert_int_equal(plan_seccomp_from(&spec, AT_FDCWD, path, &arena, &second, NULL), 0);
	assert_int_equal(count_files(path), 1);
	assert_int_equal(first->count, second->count);
	assert_memory_equal(first->code, second->code, first->count * sizeof *first->code);
	/* What is not in the program does not come from the cache. */
	seccomp.flags = SECCOMP_FILTER_FLAG_LOG;
	assert_int_equal(plan_seccomp_from(&spec, AT_FDCWD, path, &arena, &second, NULL), 0);
	assert_int_equal(second->flags, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(count_files(path), 1);
	seccomp.default_action = SECCOMP_RET_ALLOW;
	assert_int_equal(plan_seccomp_from(&spec, AT_FDCWD, path, &arena, &other, NULL), 0);
	assert_int_equal(count_files(path), 2);
	/* Without the cache it works as well. */
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(plan_seccomp_from(&spec, AT_FDCWD, path, &arena, &second, NULL), 0);
	assert_int_equal(second->count, other->count);
	snprintf(command, sizeof command, "rm -r '%s'", top);
	assert_int_equal(system(command), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_none),     TEST(test_defaults),      TEST(test_enosys),
		TEST(test_actions),  TEST(test_arguments),     TEST(test_architectures),
		TEST(test_notify),   TEST(test_unknown_names), TEST(test_raw),
		TEST(test_raw_text), TEST(test_cache),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-plan", tests, NULL, NULL);
}
