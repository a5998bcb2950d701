/* SPDX-License-Identifier: Apache-2.0 */
/* Running programs of the host, and keeping what they say. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/base/tool.h"

/* "0 1 2 ... 999\n", in pieces of @piece bytes: longer than what is kept. */
static void say_numbers(struct tool_said *s, size_t piece, char *all, size_t size)
{
	size_t length = 0;

	for (int i = 0; i < 1000; i++)
		length += (size_t)snprintf(all + length, size - length, "%d ", i);
	for (size_t at = 0; at < length; at += piece)
		tool_said_add(s, all + at, at + piece < length ? piece : length - at);
}

static void test_said(void **state)
{
	static const size_t pieces[] = { 1, 7, 512, TOOL_SAID_BYTES - 1, TOOL_SAID_BYTES, 4096 };
	const size_t most = TOOL_SAID_BYTES - 1;
	char all[8192];

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct tool_said first = { 0 }, last = { .last = true };
		say_numbers(&first, pieces[i], all, sizeof all);
		assert_int_equal(first.length, most);
		assert_memory_equal(first.text, all, most);
		assert_int_equal(first.text[most], 0);
		say_numbers(&last, pieces[i], all, sizeof all);
		assert_int_equal(last.length, most);
		assert_memory_equal(last.text, all + strlen(all) - most, most);
		assert_int_equal(last.text[most], 0);
	}
}

static void test_line(void **state)
{
	struct tool_said said = { 0 };

	(void)state;
	assert_string_equal(tool_said_line(&said), "");
	tool_said_add(&said, "one\ntwo\nthree\n\n", 15);
	assert_string_equal(tool_said_line(&said), "one");
	said = (struct tool_said){ .last = true };
	tool_said_add(&said, "one\ntwo\nthree\n\n", 15);
	assert_string_equal(tool_said_line(&said), "three");
	said = (struct tool_said){ .last = true };
	tool_said_add(&said, "alone", 5);
	assert_string_equal(tool_said_line(&said), "alone");
}

static int run(const char *script, struct tool_said *said, struct err *e)
{
	const char *argv[] = { "sh", "-c", script, NULL };

	return tool_run(argv, said, e);
}

static void test_run(void **state)
{
	struct tool_said said = { 0 };
	sigset_t all, before;
	struct err e;

	(void)state;
	/* Both of its outputs, and nothing to read; it can be killed while the caller blocks all. */
	int status = run("echo out; echo err >&2; cat; exit 3", &said, &e);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_string_equal(said.text, "out\nerr");
	assert_int_equal(tool_check("it", status, "words", &e), -1);
	assert_string_equal(e.msg, "it: exit status 3: words");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	status = run("kill -TERM $$; sleep 60", &said, &e);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(tool_check("it", status, "words", &e), -1);
	assert_string_equal(e.msg, "it: killed by signal 15: words");
	/* More than a pipe holds does not make it wait. */
	status = run("head -c 300000 /dev/zero", &said, &e);
	assert_int_equal(status, 0);
	assert_int_equal(tool_check("it", status, "words", &e), 0);
}

static void test_run_missing(void **state)
{
	const char *nowhere[] = { "husk-has-no-such-program", NULL };
	const char *refused[] = { "/proc/self/status", NULL };
	struct tool_said said = { 0 };
	struct err e;

	(void)state;
	/* A directory that may not be searched makes it another error. */
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
	assert_int_equal(tool_run(nowhere, &said, &e), -1);
	assert_int_equal(e.kind, ERR_NO_PROGRAM);
	assert_string_equal(e.msg, "run husk-has-no-such-program: No such file or directory");
	assert_int_equal(tool_run(refused, &said, &e), -1);
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_int_equal(e.errnum, EACCES);
}

/* The idle process is there, and then it is not, not even as a zombie. */
static void test_idle(void **state)
{
	(void)state;
	pid_t pid = pid_start_idle(0);
	assert_true(pid > 0);
	assert_int_equal(kill(pid, 0), 0);
	pid_end(pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(pid_reap(pid), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said), cmocka_unit_test(test_line),
		cmocka_unit_test(test_run),  cmocka_unit_test(test_run_missing),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
