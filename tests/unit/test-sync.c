/* SPDX-License-Identifier: Apache-2.0 */
/* What parent, middle and init say to each other, and what they do not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/phase/sync.h"
#include "src/base/io.h"
#include "src/base/text.h"

struct pair {
	int a, b;
	struct err e;
	unsigned fds;
};

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof *p);
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	p->a = s[0];
	p->b = s[1];
	p->fds = open_fds();
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	/* Whatever a test sent: nothing of it is still open. */
	if (open_fds() != p->fds)
		return -1;
	close(p->a);
	if (p->b >= 0)
		close(p->b);
	free(p);
	return 0;
}

static void test_value(void **state)
{
	struct pair *p = *state;
	int32_t value = 0;

	assert_int_equal(sync_send(p->a, SYNC_PID, 4194304, &p->e), 0);
	assert_int_equal(sync_wait(p->b, SYNC_PID, &value, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(value, 4194304);
	assert_int_equal(sync_send(p->a, SYNC_PID, -1, &p->e), 0);
	assert_int_equal(sync_wait(p->b, SYNC_PID, &value, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(value, -1);
	/* In order, one packet is one message. */
	sync_send(p->a, SYNC_MAPPED, 1, &p->e);
	sync_send(p->a, SYNC_HOOKED, 2, &p->e);
	assert_int_equal(sync_wait(p->b, SYNC_MAPPED, NULL, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(sync_wait(p->b, SYNC_HOOKED, &value, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(value, 2);
}

static void test_wrong_type(void **state)
{
	struct pair *p = *state;
	int fd = STDERR_FILENO, got[1];
	size_t n = 1;

	sync_send(p->a, SYNC_MAPPED, 0, &p->e);
	assert_int_equal(sync_wait(p->b, SYNC_HOOKED, NULL, NULL, NULL, &p->e), -1);
	assert_int_equal(p->e.kind, ERR_PROTOCOL);
	char expected[80];
	text_format(expected, sizeof expected, "message %d where %d was expected: Protocol error",
		    SYNC_MAPPED, SYNC_HOOKED);
	assert_string_equal(p->e.msg, expected);
	/* With a descriptor, which must not stay open. */
	sync_send_body(p->a, SYNC_CREATED, "x", 1, &fd, 1, &p->e);
	assert_int_equal(sync_wait(p->b, SYNC_MOUNTED, NULL, got, &n, &p->e), -1);
	assert_int_equal(n, 0);
	/* Nobody asked for the descriptor: refused even though the type is right. */
	sync_send_body(p->a, SYNC_CREATED, "x", 1, &fd, 1, &p->e);
	assert_int_equal(sync_wait(p->b, SYNC_CREATED, NULL, NULL, NULL, &p->e), -1);
}

static void test_end(void **state)
{
	struct pair *p = *state;

	sync_send(p->a, SYNC_MAPPED, 0, &p->e);
	/* Unread messages of ours make the kernel say "reset" instead of "end". */
	close(p->b);
	p->b = -1;
	assert_int_equal(sync_wait(p->a, SYNC_CREATED, NULL, NULL, NULL, &p->e), SYNC_EOF);
	assert_int_equal(sync_wait(p->a, SYNC_CREATED, NULL, NULL, NULL, &p->e), SYNC_EOF);
	assert_int_equal(sync_send(p->a, SYNC_MAPPED, 0, &p->e), -1);
	assert_int_equal(p->e.errnum, EPIPE);
	p->fds--;
}

/* Its last words count more than that it did not listen any more. */
static void test_end_with_error(void **state)
{
	struct pair *p = *state;
	struct err failure = { .phase = "init", .step = "mounts", .msg = "why" };
	int fd = STDERR_FILENO, got[1];
	size_t n = 1;

	sync_send(p->a, SYNC_MAPPED, 0, &p->e);
	sync_send(p->b, SYNC_PID, 7, &p->e);
	sync_send_body(p->b, SYNC_CREATED, NULL, 0, &fd, 1, &p->e);
	sync_send_error(p->b, &failure);
	close(p->b);
	p->b = -1;
	p->fds--;
	assert_int_equal(sync_wait(p->a, SYNC_PID, NULL, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(sync_wait(p->a, SYNC_CREATED, NULL, got, &n, &p->e), SYNC_OK);
	assert_int_equal(n, 1);
	close(got[0]);
	assert_int_equal(sync_wait(p->a, SYNC_HOOKED, NULL, NULL, NULL, &p->e), -1);
	assert_string_equal(p->e.msg, "why");
	assert_int_equal(sync_wait(p->a, SYNC_HOOKED, NULL, NULL, NULL, &p->e), SYNC_EOF);
}

static void test_body(void **state)
{
	struct pair *p = *state;
	static char out[SYNC_BODY_MAX], in[SYNC_BODY_MAX];
	int fd = STDERR_FILENO, got[1] = { -1 };
	size_t size = sizeof in, n = 1;

	memset(out, 'x', sizeof out);
	out[sizeof out - 1] = '!';
	assert_int_equal(sync_send_body(p->a, SYNC_FEED, out, sizeof out, &fd, 1, &p->e), 0);
	assert_int_equal(sync_wait_body(p->b, SYNC_FEED, in, &size, got, &n, &p->e), SYNC_OK);
	assert_int_equal(size, sizeof out);
	assert_int_equal(n, 1);
	assert_int_equal(fcntl(got[0], F_GETFD), FD_CLOEXEC);
	close(got[0]);
	assert_memory_equal(in, out, sizeof out);
	size = sizeof in;
	assert_int_equal(sync_send_body(p->a, SYNC_FEED, NULL, 0, NULL, 0, &p->e), 0);
	assert_int_equal(sync_wait_body(p->b, SYNC_FEED, in, &size, NULL, NULL, &p->e), SYNC_OK);
	assert_int_equal(size, 0);
}

static void test_oversize(void **state)
{
	struct pair *p = *state;
	static char out[SYNC_BODY_MAX + 64], in[8];
	int fd = STDERR_FILENO, got[1];
	size_t size = sizeof in, n = 1;

	assert_int_equal(sync_send_body(p->a, SYNC_FEED, out, SYNC_BODY_MAX + 1, NULL, 0, &p->e),
			 -1);
	assert_int_equal(p->e.errnum, EMSGSIZE);
	/* More than the receiver has room for. */
	assert_int_equal(sync_send_body(p->a, SYNC_FEED, out, 9, &fd, 1, &p->e), 0);
	assert_int_equal(sync_wait_body(p->b, SYNC_FEED, in, &size, got, &n, &p->e), -1);
	assert_int_equal(p->e.kind, ERR_PROTOCOL);
	assert_int_equal(n, 0);
	/* More than any message has: somebody else's packet. */
	size = sizeof in;
	n = 1;
	((uint32_t *)(void *)out)[0] = SYNC_FEED;
	assert_int_equal(io_send_fds(p->a, out, sizeof out, &fd, 1), 0);
	assert_int_equal(sync_wait_body(p->b, SYNC_FEED, in, &size, got, &n, &p->e), -1);
	assert_int_equal(n, 0);
}

static void test_short(void **state)
{
	struct pair *p = *state;
	int fd = STDERR_FILENO, got[1];

	for (size_t size = 1; size < 8; size++) {
		size_t n = 1;
		assert_int_equal(io_send_fds(p->a, "\1\0\0\0\0\0\0\0", size, &fd, 1), 0);
		assert_int_equal(sync_wait(p->b, SYNC_MAPPED, NULL, got, &n, &p->e), -1);
		assert_int_equal(p->e.kind, ERR_PROTOCOL);
		assert_int_equal(n, 0);
	}
}

static void test_error(void **state)
{
	struct pair *p = *state;
	struct err failure = { .phase = "init", .step = "mounts" };

	strcpy(failure.msg, "mount /proc: Operation not permitted");
	failure.kind = ERR_SYSTEM;
	failure.errnum = EPERM;
	sync_send_error(p->a, &failure);
	errno = 0;
	assert_int_equal(sync_wait(p->b, SYNC_CREATED, NULL, NULL, NULL, &p->e), -1);
	assert_memory_equal(&p->e, &failure, sizeof failure);
	assert_int_equal(errno, EPERM);
	sync_send_error(p->a, &failure);
	assert_int_equal(sync_wait(p->b, SYNC_CREATED, NULL, NULL, NULL, NULL), -1);
	/* Waiting for an error is how "executed" is awaited. */
	sync_send_error(p->a, &failure);
	assert_int_equal(sync_wait(p->b, SYNC_ERROR, NULL, NULL, NULL, &p->e), -1);
	close(p->a);
	p->a = dup(p->b);
	assert_int_equal(sync_wait(p->b, SYNC_ERROR, NULL, NULL, NULL, &p->e), SYNC_EOF);
}

/* An error without any end to its texts, and one of another size. */
static void test_error_hostile(void **state)
{
	struct pair *p = *state;
	struct err failure;

	memset(&failure, 'x', sizeof failure);
	sync_send_error(p->a, &failure);
	assert_int_equal(sync_wait(p->b, SYNC_CREATED, NULL, NULL, NULL, &p->e), -1);
	assert_true(memchr(p->e.msg, '\0', sizeof p->e.msg) != NULL);
	assert_true(memchr(p->e.phase, '\0', sizeof p->e.phase) != NULL);
	assert_true(memchr(p->e.step, '\0', sizeof p->e.step) != NULL);
	assert_int_equal(sync_send_body(p->a, SYNC_ERROR, "short", 5, NULL, 0, &p->e), 0);
	assert_int_equal(sync_wait(p->b, SYNC_CREATED, NULL, NULL, NULL, &p->e), -1);
	assert_int_equal(p->e.kind, ERR_PROTOCOL);
	assert_string_equal(p->e.msg, "error message of 5 bytes: Protocol error");
}

#define with_pair(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_pair(test_value),	       with_pair(test_wrong_type),
		with_pair(test_end),	       with_pair(test_end_with_error),
		with_pair(test_body),	       with_pair(test_oversize),
		with_pair(test_short),	       with_pair(test_error),
		with_pair(test_error_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
