/* SPDX-License-Identifier: Apache-2.0 */
/* What was recorded becomes a policy: narrowing, texts, profiles, merging, options for files. */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-simulate.h"

static struct arena arena;
static struct learn learn;
static const struct seccomp_arch *x86_64;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	learn_init(&learn, &arena);
	x86_64 = seccomp_names_arch(AUDIT_ARCH_X86_64);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* A call was let through with these first three arguments. */
static struct learn_call *see(struct learn *l, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	struct seccomp_data data = { .args = { a, b, c } };
	struct learn_call *call = learn_call_named(l, x86_64, name);

	assert_non_null(call);
	call->origin |= LEARN_SEEN;
	call->let++;
	learn_call_add(l, call, &data);
	return call;
}

static const char *text_of(const struct learn *l)
{
	struct err e = { 0 };
	size_t length;
	const char *text = learn_text(l, &arena, &length, &e);

	if (!text)
		fail_msg("%s", e.msg);
	return text ? text : "";
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

/* What the policy @text answers. */
static uint32_t answer(const char *text, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	struct seccomp_data data = { .arch = AUDIT_ARCH_X86_64, .args = { a, b, c } };
	struct seccomp_program program;
	struct seccomp_call call;
	struct policy policy;
	struct err e = { 0 };

	if (policy_parse("test", text, strlen(text), NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0)
		fail_msg("%s", e.msg);
	seccomp_names_call(x86_64, name, &call);
	data.nr = (int)call.number;
	return seccomp_simulate(program.code, program.count, &data, NULL);
}

#define ALLOW SECCOMP_RET_ALLOW
#define KILL  SECCOMP_RET_KILL_PROCESS

/* ---------------------------------------------------------------- records */

static void test_records(void **state)
{
	(void)state;
	struct learn_call *c = see(&learn, "read", 1, 2, 3);
	assert_ptr_equal(c, see(&learn, "read", 4, 5, 6));
	assert_int_equal(c->let, 2);
	assert_null(c->row);
	/* The table grows. */
	for (uint32_t i = 0; i < 3000; i++)
		assert_non_null(learn_call_get(&learn, x86_64, i));
	assert_int_equal(learn.count, 3000);
	assert_ptr_equal(c, learn_call_named(&learn, x86_64, "read"));
	/* Another architecture's are others. */
	const struct seccomp_arch *x86 = seccomp_names_arch(AUDIT_ARCH_I386);
	assert_ptr_not_equal(c, learn_call_get(&learn, x86, c->number));
	assert_null(learn_call_named(&learn, x86_64, "socketcall"));
}

static void test_archs(void **state)
{
	(void)state;
	struct seccomp_data data = { .nr = 0, .arch = AUDIT_ARCH_X86_64 };
	assert_int_equal(learn_arch_of(&data)->token, AUDIT_ARCH_X86_64);
	data.nr |= SECCOMP_X32_BIT;
	assert_int_equal(learn_arch_of(&data)->token, SECCOMP_ARCH_X32);
	data.nr = -1;
	assert_int_equal(learn_arch_of(&data)->token, AUDIT_ARCH_X86_64);
	data.arch = 12345;
	assert_null(learn_arch_of(&data));
}

/* -------------------------------------------------------------- narrowing */

static void test_sets(void **state)
{
	(void)state;
	struct learn_clause *clauses;

	/* Bits that the kernel does not see do not make another value. */
	see(&learn, "ioctl", 0, 0x5413, 0);
	see(&learn, "ioctl", 1, 0xffffffff00005413, 0);
	struct learn_call *c = see(&learn, "ioctl", 0, 0x5401, 0);
	assert_int_equal(learn_narrow(c, &arena, &clauses), 2);
	assert_int_equal(clauses[0].compares[0].value, 0x5401);
	assert_int_equal(clauses[1].compares[0].value, 0x5413);
	const char *text = text_of(&learn);
	has(text, "ioctl: \\\n\targ1 == TCGETS || \\\n\targ1 == TIOCGWINSZ\n");
	assert_int_equal(answer(text, "ioctl", 0, 0x5401, 0), ALLOW);
	assert_int_equal(answer(text, "ioctl", 0, 0x5412, 0), KILL);
	/* Too many are none. */
	for (uint64_t i = 0; i < 60; i++)
		see(&learn, "ioctl", 0, i << 8, 0);
	assert_int_equal(learn_narrow(c, &arena, &clauses), 0);
	assert_int_equal(answer(text_of(&learn), "ioctl", 0, 0x5412, 0), ALLOW);
}

static void test_masks(void **state)
{
	(void)state;
	/* Eight values are a set, nine are a mask. */
	for (uint64_t i = 0; i < 8; i++)
		see(&learn, "mprotect", 0, 0, i);
	has(text_of(&learn), "arg2 == PROT_READ|PROT_WRITE|PROT_EXEC\n");
	see(&learn, "mprotect", 0, 0, 0x1000001);
	const char *text = text_of(&learn);
	has(text, "mprotect: arg2 in PROT_READ|PROT_WRITE|PROT_EXEC|PROT_GROWSDOWN\n");
	assert_int_equal(answer(text, "mprotect", 0, 0, 0x1000007), ALLOW);
	assert_int_equal(answer(text, "mprotect", 0, 0, 8), KILL);
}

static void test_clone(void **state)
{
	(void)state;
	see(&learn, "clone", 0x1200011, 0, 0);
	const char *text = text_of(&learn);
	has(text, "clone: arg0 == SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID\n");
	assert_int_equal(answer(text, "clone", 0x1200011, 0, 0), ALLOW);
	assert_int_equal(answer(text, "clone", 0x1200011 | 0x10000000, 0, 0), KILL);
}

static void test_sockets(void **state)
{
	(void)state;
	see(&learn, "socket", 1, 0x80001, 0);
	see(&learn, "socket", 16, 3, 15);
	const char *text = text_of(&learn);
	has(text, "arg0 == AF_UNIX && arg1 == SOCK_STREAM|SOCK_CLOEXEC && arg2 == 0");
	/* Only the combinations that were seen. */
	assert_int_equal(answer(text, "socket", 1, 0x80001, 0), ALLOW);
	assert_int_equal(answer(text, "socket", 1, 0x80001, 15), KILL);
	/* Many of them are known by their families. */
	for (uint64_t i = 0; i < 20; i++)
		see(&learn, "socket", 16, 3, i);
	text = text_of(&learn);
	has(text, "socket: \\\n\targ0 == AF_UNIX || \\\n\targ0 == AF_NETLINK\n");
	assert_int_equal(answer(text, "socket", 16, 3, 200), ALLOW);
	assert_int_equal(answer(text, "socket", 2, 1, 0), KILL);
}

static void test_refused(void **state)
{
	(void)state;
	struct learn_call *c = learn_call_named(&learn, x86_64, "io_uring_setup");
	c->origin = LEARN_SEEN;
	c->refused = 1;
	see(&learn, "read", 0, 0, 0);
	const char *text = text_of(&learn);
	has(text, "io_uring_setup: return ENOSYS\n");
	assert_int_equal(answer(text, "io_uring_setup", 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	/* Once let through, it is allowed. */
	c->let = 1;
	assert_int_equal(answer(text_of(&learn), "io_uring_setup", 0, 0, 0), ALLOW);
}

static void test_numbers_without_names(void **state)
{
	(void)state;
	struct learn_call *c = learn_call_get(&learn, x86_64, 3999);
	c->origin = LEARN_SEEN;
	c->let = 1;
	has(text_of(&learn), "3999: allow");
}

static void test_own_filter(void **state)
{
	(void)state;
	see(&learn, "prctl", 22, 2, 0);
	has(text_of(&learn), "@default return EPERM\n");
}

/* ---------------------------------------------------------------- implied */

static void test_implied(void **state)
{
	(void)state;
	see(&learn, "clone", 17, 0, 0);
	learn_imply(&learn);
	const char *text = text_of(&learn);
	has(text, "clone3: return ENOSYS\n");
	has(text, "restart_syscall");
	has_not(text, "futex");
	/* CLONE_THREAD. */
	see(&learn, "clone", 0x3d0f00, 0, 0);
	learn_imply(&learn);
	text = text_of(&learn);
	assert_int_equal(answer(text, "futex", 0, 0, 0), ALLOW);
	assert_int_equal(answer(text, "mprotect", 0, 0, 3), ALLOW);
	assert_int_equal(answer(text, "mprotect", 0, 0, 7), KILL);
}

static void test_implied_stays_any(void **state)
{
	(void)state;
	see(&learn, "brk", 0, 0, 0);
	struct learn_call *c = learn_call_named(&learn, x86_64, "mmap");
	c->origin = LEARN_MERGED;
	c->let = 1;
	c->any = true;
	learn_imply(&learn);
	assert_int_equal(answer(text_of(&learn), "mmap", 0, 0, 7), ALLOW);
}

/* ---------------------------------------------------------------- merging */

static char path[] = "/tmp/husk-test-learn.XXXXXX";

static void merge_text(struct learn *l, const char *text)
{
	struct err e = { 0 };
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (learn_merge(l, path, &e) < 0)
		fail_msg("%s", e.msg);
}

static const char *merge_fails(const char *text)
{
	static struct err e;
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(learn_merge(&learn, path, &e), -1);
	return e.msg;
}

/* Calls as a program of any kind makes them. */
static void see_random(struct learn *l, unsigned *seed)
{
	static const char *const names[] = { "read",   "ioctl", "prctl",  "fcntl",  "clone",
					     "mmap",   "mprotect", "socket", "socketpair", "futex",
					     "madvise", "unshare", "openat", "arch_prctl" };
	int count = rand_r(seed) % 120;

	for (int i = 0; i < count; i++) {
		uint64_t values[3];
		for (size_t k = 0; k < 3; k++)
			values[k] = (uint64_t)(rand_r(seed) % 12) << rand_r(seed) % 28;
		see(l, names[(size_t)rand_r(seed) % (sizeof names / sizeof *names)], values[0],
		    values[1], values[2]);
	}
	see(l, "exit_group", 0, 0, 0);
}

/* Writing and merging changes nothing; learn_text() asks the result for all that was seen. */
static void test_round_trip(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct learn one, two;
		unsigned seed = round;
		learn_init(&one, &arena);
		learn_init(&two, &arena);
		see_random(&one, &seed);
		const char *text = text_of(&one);
		merge_text(&two, text);
		const char *again = text_of(&two);
		/* Remarks may be others. */
		if (strcmp(text, again) != 0)
			fail_msg("round %u:\n%s\nbecomes\n%s", round, text, again);
		arena_free(&arena);
		arena_init(&arena, 0);
	}
}

/* The same by way of a profile for OCI. */
static void test_round_trip_oci(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct json_writer w;
		struct learn one, two;
		unsigned seed = round;
		struct err e = { 0 };
		learn_init(&one, &arena);
		learn_init(&two, &arena);
		see_random(&one, &seed);
		json_write_init(&w, false);
		learn_oci(&one, &arena, &w);
		const char *profile = json_write_finish(&w, NULL, &e);
		if (!profile)
			fail_msg("%s", e.msg);
		merge_text(&two, profile);
		assert_string_equal(text_of(&one), text_of(&two));
		json_write_free(&w);
		arena_free(&arena);
		arena_init(&arena, 0);
	}
}

static void test_merge_adds(void **state)
{
	(void)state;
	see(&learn, "ioctl", 0, 0x5401, 0);
	see(&learn, "mprotect", 0, 0, 1);
	merge_text(&learn, "@arch x86_64\nread: allow\nioctl: arg1 == TIOCGWINSZ\n"
			   "mprotect: arg2 in PROT_EXEC|PROT_READ\nsocket: arg0 == AF_UNIX\n");
	see(&learn, "socket", 2, 1, 0);
	const char *text = text_of(&learn);
	assert_int_equal(answer(text, "read", 0, 0, 0), ALLOW);
	assert_int_equal(answer(text, "ioctl", 0, 0x5401, 0), ALLOW);
	assert_int_equal(answer(text, "ioctl", 0, 0x5413, 0), ALLOW);
	assert_int_equal(answer(text, "mprotect", 0, 0, 5), ALLOW);
	assert_int_equal(answer(text, "mprotect", 0, 0, 2), KILL);
	assert_int_equal(answer(text, "socket", 1, 5, 9), ALLOW);
	assert_int_equal(answer(text, "socket", 2, 1, 0), ALLOW);
	assert_int_equal(answer(text, "socket", 3, 1, 0), KILL);
	/* Allowed whatever the arguments swallows what was seen. */
	merge_text(&learn, "@arch x86_64\nioctl: allow\n");
	assert_int_equal(answer(text_of(&learn), "ioctl", 0, 77, 0), ALLOW);
}

static void test_merge_refuses(void **state)
{
	(void)state;
	has(merge_fails("read: allow\nopen: return EPERM\n"), ":2: open: cannot be merged");
	has(merge_fails("read: arg2 == 5\n"), ":1: read: cannot be merged");
	has(merge_fails("ioctl: arg1 == TCGETS && arg0 == 1\n"), "cannot be merged");
	has(merge_fails("ioctl: arg1 != TCGETS\n"), "cannot be merged");
	has(merge_fails("@denylist\nopen: return EPERM\n"), "allows whatever it does not name");
	has(merge_fails("read: \n"), ":1:");
	assert_non_null(merge_fails("{"));
}

static void test_merge_comments(void **state)
{
	(void)state;
	learn.want_files = learn.want_network = true;
	see(&learn, "read", 0, 0, 0);
	learn_run_add(&learn, "program --option");
	learn_endpoint_add(&learn, "connect tcp 192.0.2.1:443");
	learn_endpoint_add(&learn, "connect tcp 192.0.2.1:443");
	learn_file_add(&learn, "/nowhere/of the/kind", LEARN_GIVEN);
	learn_file_add(&learn, "/nowhere/else", LEARN_GIVEN | LEARN_WRITE);
	const char *text = text_of(&learn);
	has(text, "#   $ program --option\n");
	has(text, "#   > connect tcp 192.0.2.1:443\n");
	has(text, "#   --rw /nowhere/else\n");
	has(text, "#   --ro-bind '/nowhere/of the/kind' '/nowhere/of the/kind'\n");
	struct learn two;
	learn_init(&two, &arena);
	merge_text(&two, text);
	assert_string_equal(text_of(&two), text);
}

/* ------------------------------------------------------------------ files */

static bool has_option(const char *wanted, bool writable)
{
	struct learn_option *options;
	size_t count = learn_file_options(&learn, &arena, &options);

	for (size_t i = 0; i < count; i++)
		if (text_equal(options[i].path, wanted) && options[i].writable == writable)
			return true;
	return false;
}

static size_t count_options(void)
{
	struct learn_option *options;

	return learn_file_options(&learn, &arena, &options);
}

static void test_files(void **state)
{
	(void)state;
	/* What every sandbox has, what is not there, what was only passed through. */
	learn_file_add(&learn, "/etc/passwd", LEARN_READ);
	learn_file_add(&learn, "/usr/bin/../lib", LEARN_READ);
	learn_file_add(&learn, "/dev/null", LEARN_WRITE | LEARN_MAKE);
	learn_file_add(&learn, "/proc/self/exe", LEARN_READ);
	learn_file_add(&learn, "/var/nowhere", LEARN_READ);
	learn_file_add(&learn, "/var", LEARN_LOOK);
	learn_file_add(&learn, "/tmp/husk-is-not-there", LEARN_WRITE | LEARN_MAKE);
	assert_int_equal(count_options(), 0);
	/* Reading /etc is for all, writing there is not. */
	learn_file_add(&learn, "/etc/passwd", LEARN_WRITE);
	assert_true(has_option("/etc/passwd", true));
	learn_file_add(&learn, path, LEARN_LOOK);
	assert_true(has_option(path, false));
	learn_file_add(&learn, path, LEARN_WRITE);
	assert_true(has_option(path, true));
	/* A directory contains what is in it. */
	learn_file_add(&learn, "/var/lib/..//lib/./dpkg", LEARN_GIVEN);
	learn_file_add(&learn, "/var/lib/dpkg/status", LEARN_GIVEN);
	learn_file_add(&learn, "/var/lib/dpkg/lock", LEARN_GIVEN | LEARN_WRITE);
	learn_file_add(&learn, "/var/lib/dpkg-other", LEARN_GIVEN);
	assert_true(has_option("/var/lib/dpkg", false));
	assert_false(has_option("/var/lib/dpkg/status", false));
	assert_true(has_option("/var/lib/dpkg/lock", true));
	assert_true(has_option("/var/lib/dpkg-other", false));
}

static void test_many_files(void **state)
{
	(void)state;
	char name[64];

	setenv("HOME", "/nowhere/home", 1);
	for (int i = 0; i < 8; i++) {
		text_format(name, sizeof name, "/nowhere/many/%d", i);
		learn_file_add(&learn, name, LEARN_GIVEN);
		text_format(name, sizeof name, "/nowhere/few/%d", i);
		if (i < 7)
			learn_file_add(&learn, name, LEARN_GIVEN);
		/* Not the home, nor what it is in. */
		text_format(name, sizeof name, "/nowhere/home/%d", i);
		learn_file_add(&learn, name, LEARN_GIVEN);
		text_format(name, sizeof name, "/nowhere/%d", i);
		learn_file_add(&learn, name, LEARN_GIVEN);
		text_format(name, sizeof name, "/elsewhere/%d", i);
		learn_file_add(&learn, name, LEARN_GIVEN);
	}
	assert_true(has_option("/nowhere/many", false));
	assert_true(has_option("/nowhere/few/0", false));
	assert_true(has_option("/nowhere/home/0", false));
	assert_true(has_option("/nowhere/0", false));
	assert_int_equal(count_options(), 1 + 7 + 8 + 8 + 8);
}

static void test_words(void **state)
{
	(void)state;
	char word[32];

	assert_true(learn_word_print("/a/b-c_d.e", word, sizeof word));
	assert_string_equal(word, "/a/b-c_d.e");
	assert_true(learn_word_print("/a b$(c)", word, sizeof word));
	assert_string_equal(word, "'/a b$(c)'");
	assert_false(learn_word_print("/a\nb", word, sizeof word));
	assert_false(learn_word_print("/a\\", word, sizeof word));
	assert_false(learn_word_print("/it's", word, sizeof word));
	assert_false(learn_word_print("/a/very/long/path/that/does/not/fit", word, sizeof word));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_records),
		TEST(test_archs),
		TEST(test_sets),
		TEST(test_masks),
		TEST(test_clone),
		TEST(test_sockets),
		TEST(test_refused),
		TEST(test_numbers_without_names),
		TEST(test_own_filter),
		TEST(test_implied),
		TEST(test_implied_stays_any),
		TEST(test_round_trip),
		TEST(test_round_trip_oci),
		TEST(test_merge_adds),
		TEST(test_merge_refuses),
		TEST(test_merge_comments),
		TEST(test_files),
		TEST(test_many_files),
		TEST(test_words),
	};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
