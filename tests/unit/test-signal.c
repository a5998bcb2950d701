/* SPDX-License-Identifier: Apache-2.0 */
/* Signals by name and number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/signal-names.h"

static void test_names(void **state)
{
	struct err e;
	char text[32];

	(void)state;
	/* Every name that the C library has, in the ways that people write it. */
	for (int sig = 1; sig < 32; sig++) {
		const char *name = sigabbrev_np(sig);
		assert_non_null(name);
		assert_int_equal(signal_parse(name, &e), sig);
		snprintf(text, sizeof text, "SIG%s", name);
		assert_int_equal(signal_parse(text, &e), sig);
		for (char *p = text; *p; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
		assert_int_equal(signal_parse(text, &e), sig);
		assert_int_equal(signal_parse(text + 3, &e), sig);
	}
}

static void test_table(void **state)
{
	static const struct {
		const char *text;
		int sig;
	} table[] = {
		{ "KILL", SIGKILL },	{ "9", SIGKILL },	    { "SIGKILL", SIGKILL },
		{ "15", SIGTERM },	{ "IOT", SIGABRT },	    { "CLD", SIGCHLD },
		{ "SigCld", SIGCHLD },	{ "09", SIGKILL },	    { "64", 64 },
		{ "winch", SIGWINCH },	{ "USR1", SIGUSR1 },	    { "sigusr2", SIGUSR2 },
		{ "SIGPOLL", SIGPOLL }, { "SIGSTKFLT", SIGSTKFLT },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		e.msg[0] = '\0';
		if (signal_parse(table[i].text, &e) != table[i].sig)
			fail_msg("%s: %s", table[i].text, e.msg);
	}
}

static void test_realtime(void **state)
{
	struct err e;
	char text[32];

	(void)state;
	assert_int_equal(signal_parse("RTMIN", &e), SIGRTMIN);
	assert_int_equal(signal_parse("SIGRTMAX", &e), SIGRTMAX);
	for (int i = 0; i <= SIGRTMAX - SIGRTMIN; i++) {
		snprintf(text, sizeof text, "rtmin+%d", i);
		assert_int_equal(signal_parse(text, &e), SIGRTMIN + i);
		snprintf(text, sizeof text, "SIGRTMAX-%d", i);
		assert_int_equal(signal_parse(text, &e), SIGRTMAX - i);
	}
	snprintf(text, sizeof text, "RTMIN+%d", SIGRTMAX - SIGRTMIN + 1);
	assert_int_equal(signal_parse(text, &e), -1);
	snprintf(text, sizeof text, "RTMAX-%d", SIGRTMAX - SIGRTMIN + 1);
	assert_int_equal(signal_parse(text, &e), -1);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "",	     "0",	   "65",      "-9",
					   "SIG",    "KILLS",	   "KIL",     "9 ",
					   " 9",     "SIGSIGKILL", "RTMIN-1", "RTMAX+1",
					   "RTMIN+", "RTMINx",	   "+9",      "4294967305",
					   "SIG9",   "0x9" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e = (struct err){ .kind = ERR_NONE };
		int sig = signal_parse(bad[i], &e);
		if (sig != -1 || e.kind != ERR_USAGE || !e.msg[0])
			fail_msg("\"%s\": %d %s", bad[i], sig, e.msg);
	}
	signal_parse("65", &e);
	assert_string_equal(e.msg, "signal 65: is not between 1 and 64");
	signal_parse("FOO", &e);
	assert_string_equal(e.msg, "signal \"FOO\": there is none of this name");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_realtime),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
