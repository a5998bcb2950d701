/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TESTS_IN_CHILD_H
#define HUSK_TESTS_IN_CHILD_H

/*
 * Tests that change the process (credentials, namespaces, terminals) run in a forked child:
 *
 *	static void body(void *arg) { CHECK(setuid(1) == 0); }
 *	assert_string_equal(in_child(body, NULL), "");
 *
 * CHECK() ends the child and tells the parent where and why. SKIP_CHILD() makes in_child() return
 * a text that starts with "skip", for child_result().
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int child_report = -1;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		if (!(condition)) {                                                                \
			dprintf(child_report, "%s:%d: %s (errno %d)", __FILE__, __LINE__,          \
				#condition, errno);                                                \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* For functions with a struct err *: the message is what one wants to see. */
#define CHECK_OK(call, err)                                                                        \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			dprintf(child_report, "%s:%d: %s: %s", __FILE__, __LINE__, #call,          \
				(err).msg);                                                        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

#define SKIP_CHILD(reason)                                                                         \
	do {                                                                                       \
		dprintf(child_report, "skip: %s", reason);                                         \
		_exit(0);                                                                          \
	} while (0)

/*
 * "" if the child went well. One that hangs is ended after 20 s, and the pipe is not waited for
 * much longer: a descendant that still runs may hold it.
 */
static inline const char *in_child(void (*body)(void *), void *arg)
{
	static char text[2000];
	int ends[2], status;
	size_t used = 0;
	ssize_t n;

	fflush(NULL);
	if (pipe(ends) < 0)
		return "pipe failed";
	pid_t pid = fork();
	if (pid < 0)
		return "fork failed";
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(20);
		close(ends[0]);
		child_report = ends[1];
		body(arg);
		_exit(0);
	}
	close(ends[1]);
	struct pollfd p = { ends[0], POLLIN, 0 };
	while (used < sizeof text - 1 && poll(&p, 1, 25000) == 1 &&
	       (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (used == 0 && status != 0)
		snprintf(text, sizeof text, "the child ended with wait status %#x", status);
	return text;
}

/* Assert in_child()'s result inside a cmocka test, or skip it. */
#define child_result(body, arg)                                                                    \
	do {                                                                                       \
		const char *said_ = in_child(body, arg);                                           \
		if (strncmp(said_, "skip", 4) == 0) {                                              \
			print_message("# %s\n", said_);                                            \
			skip();                                                                    \
		}                                                                                  \
		assert_string_equal(said_, "");                                                    \
	} while (0)

#define need_root()                                                                                \
	do {                                                                                       \
		if (geteuid() != 0) {                                                              \
			print_message("# skip: not root\n");                                       \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

#endif
