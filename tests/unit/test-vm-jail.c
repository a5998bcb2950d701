/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor can still do once it is locked up: a process goes through the same two functions and then
 * tries a list of things that a guest who has taken it over would want. Each has a control: the same
 * attempt before, by a process that was not locked up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "src/base/sanitized.h"
#include "tests/unit/in-child.h"
#include "vm-shim/vmm/filter.h"
#include "vm-shim/vmm/jail.h"

/* Each returns whether it got what it wanted. */
static bool reads_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool lists_root(void)
{
	return access("/etc", F_OK) == 0 || access("/proc/self", F_OK) == 0;
}

static bool writes_file(void)
{
	return open("/tmp", O_TMPFILE | O_WRONLY, 0600) >= 0 ||
	       open("/husk-jail-test", O_CREAT | O_WRONLY, 0600) >= 0;
}

/* A port that nobody listens on: where there is a network, that is what is said. */
static bool connects(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd >= 0 &&
	       (connect(fd, (struct sockaddr *)&a, sizeof a) == 0 || errno == ECONNREFUSED);
}

static int listener = -1;
static char abstract_name[40];

static bool connects_locally(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path + 1, abstract_name);
	return fd >= 0 && connect(fd, (struct sockaddr *)&a,
				  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					      strlen(abstract_name))) == 0;
}

static bool executes(void)
{
	static char name[] = "true", *argv[] = { name, NULL };
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		execv("/bin/true", argv);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool mounts(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && mount("x", "/", "tmpfs", 0, NULL) == 0;
}

static const struct attempt {
	const char *name;
	bool (*try)(void);
	bool root; /* in the jail without a filter only root's control is sure */
} attempts[] = {
	{ "read a file", reads_file, false },
	{ "see a directory", lists_root, false },
	{ "write a file", writes_file, false },
	{ "connect to a port", connects, false },
	{ "connect to an abstract socket", connects_locally, false },
	{ "execute a program", executes, false },
	{ "mount", mounts, true },
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

static void listen_locally(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(abstract_name, sizeof abstract_name, "husk-jail-test-%d", getpid());
	strcpy(a.sun_path + 1, abstract_name);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
					  strlen(abstract_name))),
			 0);
	assert_int_equal(listen(listener, 8), 0);
}

static void control(void *arg)
{
	const struct attempt *a = arg;

	CHECK(a->try());
}

static void enter(void)
{
	struct err e;

	if (jail_enter(&e) < 0) {
		/* Neither namespaces nor Landlock for this user: then there is no machine either. */
		if (strstr(e.msg, "one of the two is needed"))
			SKIP_CHILD("no user namespace, no Landlock");
		CHECK_OK(-1, e);
	}
}

static void jailed(void *arg)
{
	const struct attempt *a = arg;

	enter();
	CHECK(!a->try());
}

static void leaves_nothing(void **state)
{
	(void)state;
	listen_locally();
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (attempts[i].root && geteuid() != 0)
			continue;
		print_message("# %s\n", attempts[i].name);
		child_result(control, (void *)&attempts[i]);
		child_result(jailed, (void *)&attempts[i]);
	}
	close(listener);
}

/* Ends by SIGSYS at the call, or the call is none of those that are forbidden. */
struct forbidden {
	enum filter_role role;
	long nr, args[3];
};

static void filtered(void *arg)
{
	const struct forbidden *f = arg;
	struct err e;

	enter();
	CHECK_OK(filter_enter(f->role, &e), e);
	syscall(f->nr, f->args[0], f->args[1], f->args[2]);
}

static void forbids_calls(void **state)
{
	static const struct forbidden calls[] = {
		{ FILTER_VCPU, SYS_openat, { -100, 0, 0 } },
		{ FILTER_VCPU, SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
		{ FILTER_VCPU, SYS_ioctl, { 0, 0xae01, 0 } },
		{ FILTER_VCPU, SYS_clone, { SIGCHLD, 0, 0 } },
		{ FILTER_VCPU, SYS_execve, { 0, 0, 0 } },
		{ FILTER_VCPU, SYS_mmap, { 0, 4096, PROT_EXEC } },
		{ FILTER_MONITOR, SYS_openat, { -100, 0, 0 } },
		{ FILTER_MONITOR, SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
		{ FILTER_MONITOR, SYS_connect, { 0, 0, 0 } },
		{ FILTER_MONITOR, SYS_ioctl, { 0, 0xae80, 0 } },
		{ FILTER_MONITOR, SYS_ioctl, { 0, 0x5412, 0 } },
		{ FILTER_MONITOR, SYS_clone, { SIGCHLD, 0, 0 } },
		{ FILTER_MONITOR, SYS_execve, { 0, 0, 0 } },
		{ FILTER_MONITOR, SYS_kill, { 1, 0, 0 } },
		{ FILTER_MONITOR, SYS_ptrace, { PTRACE_ATTACH, 1, 0 } },
		{ FILTER_MONITOR, SYS_unshare, { CLONE_NEWUSER, 0, 0 } },
		{ FILTER_MONITOR, SYS_mprotect, { 0, 4096, PROT_EXEC } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		const char *said = in_child(filtered, (void *)&calls[i]);
		if (strncmp(said, "skip", 4) == 0)
			skip();
		/* Wait status 0x1f: SIGSYS; with 0x80, a core was dumped, which the limit forbids. */
		assert_string_equal(said, "the child ended with wait status 0x1f");
	}
}

static void allowed(void *arg)
{
	struct err e;
	int ends[2];
	char byte = 'x';

	(void)arg;
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	enter();
	CHECK_OK(filter_enter(FILTER_MONITOR, &e), e);
	CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED && munmap(p, 4096) == 0);
	/* The exit of in_child() is exit_group. */
}

static void allows_work(void **state)
{
	(void)state;
#if SANITIZED
	skip(); /* their allocator makes calls of its own */
#endif
	child_result(allowed, NULL);
}

static void attributes(void *arg)
{
	int death = 0;

	(void)arg;
	CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
	enter();
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	/* A change of user would have taken it away. */
	CHECK(prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0) == 0 && death == SIGKILL);
	for (unsigned long cap = 0; cap <= 40; cap++)
		CHECK(prctl(PR_CAPBSET_READ, cap, 0, 0, 0) <= 0 || geteuid() != 0);
	CHECK(getuid() != 0 && geteuid() != 0 && getgid() != 0);
	CHECK(setuid(0) < 0);
}

static void sets_attributes(void **state)
{
	(void)state;
	child_result(attributes, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_nothing),
		cmocka_unit_test(forbids_calls),
		cmocka_unit_test(allows_work),
		cmocka_unit_test(sets_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
