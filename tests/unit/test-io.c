/* SPDX-License-Identifier: Apache-2.0 */
/* Files, descriptors over sockets, process identities: in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"

struct fixture {
	char path[64];
	int dir;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->path, "/tmp/husk-io-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	close(f->dir);
	snprintf(command, sizeof command, "rm -r %s", f->path);
	int status = system(command);
	free(f);
	return status;
}

static void put(const struct fixture *f, const char *name, const void *data, size_t size)
{
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, data, size), 0);
	close(fd);
}

static unsigned entries(const struct fixture *f)
{
	DIR *d = opendir(f->path);
	unsigned n = 0;

	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.');
	closedir(d);
	return n;
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- reading and writing ---- */

static void test_read_at(void **state)
{
	struct fixture *f = *state;
	char text[8];

	put(f, "a", "12345\n\n", 7);
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), 5);
	assert_string_equal(text, "12345");
	put(f, "a", "1234567", 7);
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), 7);
	/* No room for the NUL: an error, not a cut number. */
	put(f, "a", "12345678", 8);
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), -1);
	assert_int_equal(errno, EFBIG);
	put(f, "a", "", 0);
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), 0);
	assert_string_equal(text, "");
	put(f, "a", "\n\n", 2);
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), 0);
	assert_int_equal(io_read_at(f->dir, "none", text, sizeof text), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_write_at(void **state)
{
	struct fixture *f = *state;
	char text[16];

	assert_int_equal(io_write_at(f->dir, "none", "x"), -1);
	assert_int_equal(errno, ENOENT);
	put(f, "a", "xxxx", 4);
	assert_int_equal(io_write_at(f->dir, "a", "12"), 0);
	/* A control file has no end to cut: what was there stays in this one. */
	assert_int_equal(io_read_at(f->dir, "a", text, sizeof text), 4);
	assert_string_equal(text, "12xx");
	assert_int_equal(io_write_at(AT_FDCWD, "/dev/full", "1"), -1);
	assert_int_equal(errno, ENOSPC);
}

static void test_read_file_limits(void **state)
{
	struct fixture *f = *state;
	struct arena a;
	struct err e;
	char *data, big[9000];
	size_t length;

	arena_init(&a, 0);
	memset(big, 'x', sizeof big);
	put(f, "a", big, sizeof big);
	int fd = openat(f->dir, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_read_file(fd, "a", sizeof big, &a, &data, &length, &e), 0);
	assert_int_equal(length, sizeof big);
	assert_memory_equal(data, big, sizeof big);
	assert_int_equal(data[length], 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(io_read_file(fd, "a", sizeof big - 1, &a, &data, &length, &e), -1);
	assert_string_equal(e.msg, "read a: more than 8999 bytes: File too large");
	close(fd);
	assert_int_equal(io_read_file(f->dir, "dir", 10, &a, &data, &length, &e), -1);
	assert_string_equal(e.msg, "read dir: Is a directory");
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_read_file(fd, "null", 10, &a, &data, &length, &e), 0);
	assert_int_equal(length, 0);
	assert_string_equal(data, "");
	close(fd);
	arena_free(&a);
}

/* A pipe says nothing of its size, and gives what it has in pieces. */
static void test_read_file_pipe(void **state)
{
	const size_t size = 100000;
	struct arena a;
	struct err e;
	char *data;
	size_t length;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *out = malloc(size);
		for (size_t i = 0; i < size; i++)
			out[i] = (char)('a' + i % 26);
		_exit(io_write_full(p[1], out, size) < 0);
	}
	close(p[1]);
	arena_init(&a, 0);
	assert_int_equal(io_read_file(p[0], "pipe", 1 << 20, &a, &data, &length, &e), 0);
	assert_int_equal(length, size);
	assert_int_equal(data[size - 1], 'a' + (size - 1) % 26);
	arena_free(&a);
	close(p[0]);
	waitpid(pid, NULL, 0);
}

/* ---- replacing ---- */

static void test_replace(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct stat st;
	char text[16];

	assert_int_equal(io_replace_at(f->dir, "s", "one", 3, 0600, &e), 0);
	assert_int_equal(fstatat(f->dir, "s", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	ino_t first = st.st_ino;
	int held = openat(f->dir, "s", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_replace_at(f->dir, "s", "two!", 4, 0600, &e), 0);
	assert_int_equal(fstatat(f->dir, "s", &st, 0), 0);
	/* Whoever reads the old one reads all of it. */
	assert_true(st.st_ino != first);
	assert_int_equal(io_read_full(held, text, sizeof text), 3);
	close(held);
	assert_int_equal(io_read_at(f->dir, "s", text, sizeof text), 4);
	assert_string_equal(text, "two!");
	assert_int_equal(entries(f), 1);
}

static void test_replace_symlink(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct stat st;
	char text[16];

	put(f, "victim", "safe", 4);
	assert_int_equal(symlinkat("victim", f->dir, "s"), 0);
	assert_int_equal(io_replace_at(f->dir, "s", "new", 3, 0644, &e), 0);
	io_read_at(f->dir, "victim", text, sizeof text);
	assert_string_equal(text, "safe");
	assert_int_equal(fstatat(f->dir, "s", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	/* The temporary name is guessable: a link that waits there is not written through. */
	char name[32];
	snprintf(name, sizeof name, ".t.%d", getpid());
	assert_int_equal(symlinkat("victim", f->dir, name), 0);
	assert_int_equal(io_replace_at(f->dir, "t", "new", 3, 0644, &e), -1);
	io_read_at(f->dir, "victim", text, sizeof text);
	assert_string_equal(text, "safe");
}

static void test_replace_failures(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_int_equal(mkdirat(f->dir, "d", 0755), 0);
	assert_int_equal(io_replace_at(f->dir, "d", "x", 1, 0644, &e), -1);
	assert_int_equal(e.errnum, EISDIR);
	/* Nothing half-made stays beside it. */
	assert_int_equal(entries(f), 1);
	int gone = openat(f->dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(f->dir, "d", AT_REMOVEDIR), 0);
	assert_int_equal(io_replace_at(gone, "x", "x", 1, 0644, &e), -1);
	assert_int_equal(e.errnum, ENOENT);
	close(gone);
}

/* ---- descriptors over sockets ---- */

static void test_fds(void **state)
{
	int s[2], out[3], in[3];
	size_t n = 3;
	char text[8] = "";

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	for (int i = 0; i < 3; i++)
		out[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_send_fds(s[0], "hello", 5, out, 3), 0);
	assert_int_equal(io_recv_fds(s[1], text, sizeof text, in, &n), 5);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "hello", 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fcntl(in[i], F_GETFD), FD_CLOEXEC);
		close(in[i]);
		close(out[i]);
	}
	/* Descriptors without data: a NUL goes along, or nothing would arrive. */
	assert_int_equal(io_send_fds(s[0], NULL, 0, &s[0], 1), 0);
	n = 1;
	assert_int_equal(io_recv_fds(s[1], text, sizeof text, in, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(text[0], 0);
	close(in[0]);
	close(s[0]);
	n = 1;
	assert_int_equal(io_recv_fds(s[1], text, sizeof text, in, &n), 0);
	assert_int_equal(n, 0);
	close(s[1]);
}

/* What was not asked for is refused, and none of it stays open. */
static void test_fds_surplus(void **state)
{
	int s[2], out[70], in[64];
	char text[8];

	(void)state;
	for (size_t i = 0; i < 70; i++)
		out[i] = STDERR_FILENO;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	unsigned before = open_fds();
	for (size_t sent = 1; sent <= 64; sent = sent * 2 + 1) {
		for (size_t room = 0; room < sent && room < 64; room += room + 1) {
			size_t n = room;
			assert_int_equal(io_send_fds(s[0], "x", 1, out, sent), 0);
			assert_int_equal(io_recv_fds(s[1], text, sizeof text, in, &n), -1);
			assert_int_equal(errno, EMSGSIZE);
			assert_int_equal(n, 0);
			assert_int_equal(open_fds(), before);
		}
	}
	assert_int_equal(io_send_fds(s[0], "x", 1, out, 65), -1);
	assert_int_equal(errno, EINVAL);
	close(s[0]);
	close(s[1]);
}

/* A limit in the middle of a message: none of it is kept, and the reason is the limit. */
static void test_fds_limit(void **state)
{
	struct rlimit old, low;
	int s[2], in[8];
	int out[8];
	char text[8];
	size_t n = 8;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	for (size_t i = 0; i < 8; i++)
		out[i] = s[0];
	unsigned before = open_fds();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)(s[1] > s[0] ? s[1] : s[0]) + 4;
	assert_int_equal(io_send_fds(s[0], "x", 1, out, 8), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	ssize_t got = io_recv_fds(s[1], text, sizeof text, in, &n);
	int error = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(got, -1);
	assert_int_equal(error, EMFILE);
	assert_int_equal(open_fds(), before);
	close(s[0]);
	close(s[1]);
}

static void test_fds_truncated(void **state)
{
	int s[2], in[1];
	size_t n = 1;
	char text[4];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	unsigned before = open_fds();
	assert_int_equal(io_send_fds(s[0], "longer than that", 16, &s[0], 1), 0);
	assert_int_equal(io_recv_fds(s[1], text, sizeof text, in, &n), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(open_fds(), before);
	close(s[0]);
	/* The receiver is gone: an error, not SIGPIPE. */
	close(s[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	close(s[1]);
	assert_int_equal(io_send_fds(s[0], "x", 1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
	close(s[0]);
}

static void test_move_above(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_move_above(fd, 0), fd);
	int moved = io_move_above(fd, 50);
	assert_true(moved >= 50);
	assert_int_equal(fcntl(moved, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close(moved);
	assert_int_equal(io_move_above(-1, 3), -1);
}

/* ---- process identities, from a procfs that is made up ---- */

static void put_stat(const struct fixture *f, pid_t pid, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "%d", pid);
	assert_true(mkdirat(f->dir, path, 0755) == 0 || errno == EEXIST);
	strcat(path, "/stat");
	put(f, path, text, strlen(text));
}

/* The name is the program's to choose: it must not move the fields that identity rests on. */
static void test_pid_stat_names(void **state)
{
	static const char *const names[] = { "sh",	    "a b c",  "",	  ")",
					     ") Z 1 2 3 4", "(((",    "x) R 7 8", "\n\n",
					     "1 2 3",	    "))) ) ", "\xff\xfe", "\t",
					     "(sd-pam)" };
	struct fixture *f = *state;
	struct pid_stat st;
	char text[512];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text,
			 "77 (%s) S 1234 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 12 "
			 "13 "
			 "14 0 0 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
			 names[i]);
		put_stat(f, 77, text);
		assert_int_equal(pid_stat_read(f->dir, 77, &st), 0);
		if (st.state != 'S' || st.parent != 1234 || st.start_ticks != 987654321)
			fail_msg("name \"%s\": %c %d %llu", names[i], st.state, st.parent,
				 (unsigned long long)st.start_ticks);
	}
}

static void test_pid_stat_errors(void **state)
{
	struct fixture *f = *state;
	struct pid_stat st;

	assert_int_equal(pid_stat_read(f->dir, 5, &st), -1);
	assert_int_equal(errno, ESRCH);
	put_stat(f, 5, "nothing of this kind\n");
	assert_int_equal(pid_stat_read(f->dir, 5, &st), -1);
	assert_int_equal(errno, EPROTO);
	put_stat(f, 5, "");
	assert_int_equal(pid_stat_read(f->dir, 5, &st), -1);
	put_stat(f, 5, "5 (x)");
	assert_int_equal(pid_stat_read(f->dir, 5, &st), -1);
	/* Cut off: fields that are missing are 0, and nothing is read past the end. */
	put_stat(f, 5, "5 (x) R 3");
	assert_int_equal(pid_stat_read(f->dir, 5, &st), 0);
	assert_int_equal(st.parent, 3);
	assert_int_equal(st.start_ticks, 0);
}

static void test_pid_exact(void **state)
{
	struct pid_stat st;
	int p[2];
	char c;

	(void)state;
	assert_int_equal(pid_stat_read(AT_FDCWD, getpid(), &st), 0);
	assert_int_equal(st.parent, getppid());
	assert_int_equal(st.state, 'R');
	int fd = pid_open_exact(AT_FDCWD, getpid(), st.start_ticks);
	assert_true(fd >= 0);
	assert_int_equal(pid_wait_end(fd, 0), 0);
	close(fd);
	assert_int_equal(pid_open_exact(AT_FDCWD, getpid(), st.start_ticks + 1), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(pid_open_exact(AT_FDCWD, 0, 0), -1);
	assert_int_equal(pid_open_exact(AT_FDCWD, -1, 0), -1);
	/* A zombie is gone as far as anybody here is concerned. */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		close(p[1]);
		_exit(read(p[0], &c, 1) < 0);
	}
	assert_int_equal(pid_stat_read(AT_FDCWD, child, &st), 0);
	fd = pid_open_exact(AT_FDCWD, child, st.start_ticks);
	assert_true(fd >= 0);
	close(p[1]);
	close(p[0]);
	assert_int_equal(pid_wait_end(fd, 10000), 1);
	assert_int_equal(pid_open_exact(AT_FDCWD, child, st.start_ticks), -1);
	assert_int_equal(errno, ESRCH);
	close(fd);
	waitpid(child, NULL, 0);
}

static void test_pid_file(void **state)
{
	struct fixture *f = *state;
	struct err e;
	char path[128], text[16];

	snprintf(path, sizeof path, "%s/pid", f->path);
	assert_int_equal(pid_file_write(path, 4194304, &e), 0);
	assert_int_equal(io_read_at(f->dir, "pid", text, sizeof text), 7);
	assert_string_equal(text, "4194304");
	/* conmon reads the whole file as a number. */
	put(f, "pid", "123456789 old", 13);
	assert_int_equal(pid_file_write(path, 7, &e), 0);
	assert_int_equal(io_read_at(f->dir, "pid", text, sizeof text), 1);
	put(f, "victim", "safe", 4);
	assert_int_equal(unlinkat(f->dir, "pid", 0), 0);
	assert_int_equal(symlinkat("victim", f->dir, "pid"), 0);
	assert_int_equal(pid_file_write(path, 8, &e), 0);
	io_read_at(f->dir, "victim", text, sizeof text);
	assert_string_equal(text, "safe");
	snprintf(path, sizeof path, "%s/no/such/pid", f->path);
	assert_int_equal(pid_file_write(path, 8, &e), -1);
	assert_true(text_starts(e.msg, "write pid file /tmp/husk-io-"));
	assert_true(text_ends(e.msg, "No such file or directory"));
	/* Relative to the working directory, with and without a slash. */
	assert_int_equal(fchdir(f->dir), 0);
	assert_int_equal(pid_file_write("plain", 9, &e), 0);
	assert_int_equal(pid_file_write("./dotted", 10, &e), 0);
	io_read_at(f->dir, "dotted", text, sizeof text);
	assert_string_equal(text, "10");
	assert_int_equal(chdir("/"), 0);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_directory(test_read_at),	     in_directory(test_write_at),
		in_directory(test_read_file_limits), cmocka_unit_test(test_read_file_pipe),
		in_directory(test_replace),	     in_directory(test_replace_symlink),
		in_directory(test_replace_failures), cmocka_unit_test(test_fds),
		cmocka_unit_test(test_fds_limit), cmocka_unit_test(test_fds_surplus),  cmocka_unit_test(test_fds_truncated),
		cmocka_unit_test(test_move_above),   in_directory(test_pid_stat_names),
		in_directory(test_pid_stat_errors),  cmocka_unit_test(test_pid_exact),
		in_directory(test_pid_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
