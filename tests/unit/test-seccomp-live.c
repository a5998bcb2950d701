/* SPDX-License-Identifier: Apache-2.0 */
/* Filters in the running kernel: what is loaded does what the simulator says. */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/seccomp/seccomp-install.h"
#include "tests/unit/in-child.h"

static struct seccomp_program program;

static void install(unsigned flags)
{
	struct err e = { 0 };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_OK(seccomp_install(program.code, program.count, flags, &e), e);
}

/* One rule for some calls, everything else allowed; i386 and x32 as well. */
static void compile_rule(struct arena *a, const char *const *names, size_t count, uint32_t action,
			 const struct seccomp_compare *compare)
{
	static uint32_t archs[3];
	const struct seccomp_rule rule = { names, count, action, compare, compare ? 1 : 0 };
	struct seccomp_policy policy = { .default_action = SECCOMP_RET_ALLOW,
					 .archs = archs,
					 .archs_count = 1,
					 .rules = &rule,
					 .rules_count = 1 };

	archs[0] = seccomp_names_native();
	if (archs[0] == AUDIT_ARCH_X86_64) {
		archs[1] = AUDIT_ARCH_I386;
		policy.archs_count = 2;
	}
	must_compile(&policy, a, &program);
}

static void docker_like_body(void *arg)
{
	(void)arg;
	install(0);
	CHECK(getppid() > 0);
	CHECK(personality(0xffffffff) != -1);
	CHECK(personality(PER_LINUX32) != -1 && personality(PER_LINUX) != -1);
	CHECK(personality(PER_SVR4) == -1 && errno == EPERM);
	CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	CHECK(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0) == -1 && errno == EPERM);
	CHECK(mount("none", "/", "none", 0, NULL) == -1 && errno == EPERM);
	CHECK(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
	CHECK(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EPERM);
	CHECK(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	/* Above the highest number of the profile: as on a kernel that does not have it. */
	CHECK(syscall(9999) == -1 && errno == ENOSYS);
	CHECK(syscall(SYS_bpf, 0, NULL, 0) == -1 && errno == EPERM);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

static void test_docker_like(void **state)
{
	struct arena a;
	struct seccomp_policy policy;

	(void)state;
	if (seccomp_names_native() != AUDIT_ARCH_X86_64)
		skip();
	arena_init(&a, 0);
	make_docker_like(&a, &policy);
	policy.enosys_above = true;
	must_compile(&policy, &a, &program);
	child_result(docker_like_body, NULL);
	arena_free(&a);
}

#ifdef __x86_64__
/* A call of the 32-bit gate; -ENOSYS or a fault where the kernel has none. */
static long call32(long number, long argument)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static void i386_body(void *arg)
{
	(void)arg;
	if (call32(20, 0) != getpid())
		SKIP_CHILD("no 32-bit calls in this kernel");
	install(0);
	CHECK(call32(20, 0) == getpid());
	/* socketcall(SYS_SOCKET) and socket, getppid */
	CHECK(call32(102, 1) == -EXDEV);
	CHECK(call32(359, AF_UNIX) == -EXDEV);
	CHECK(call32(102, 2) != -EXDEV);
	CHECK(call32(64, 0) > 0);
	CHECK(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) == -1 && errno == EXDEV);
}

static void test_i386(void **state)
{
	static const char *const names[] = { "socket" };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	compile_rule(&a, names, 1, SECCOMP_RET_ERRNO | EXDEV, NULL);
	child_result(i386_body, NULL);
	arena_free(&a);
}
#endif

/* Ends by SIGSYS: x32 where only x86-64 is listed. */
static void foreign_body(void *arg)
{
	pid_t pid = fork();
	int status;

	(void)arg;
	if (pid == 0) {
		install(0);
		syscall(0x40000000 | SYS_getpid);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void test_foreign(void **state)
{
	static const char *const names[] = { "acct" };
	struct arena a;

	(void)state;
	if (seccomp_names_native() != AUDIT_ARCH_X86_64)
		skip();
	arena_init(&a, 0);
	compile_rule(&a, names, 1, SECCOMP_RET_ERRNO | EXDEV, NULL);
	child_result(foreign_body, NULL);
	arena_free(&a);
}

static void notify_body(void *arg)
{
	struct seccomp_notif_sizes sizes;
	unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | (unsigned)(uintptr_t)arg;
	struct err e = { 0 };

	CHECK(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	int listener = seccomp_install(program.code, program.count, flags, &e);
	CHECK_OK(listener, e);
	CHECK(fcntl(listener, F_GETFD) == FD_CLOEXEC);
	pid_t pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_getppid) == 4711 ? 0 : 1);
	struct seccomp_notif request = { 0 };
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0);
	struct seccomp_notif_resp answer = { .id = request.id, .val = 4711 };
	CHECK(request.data.nr == SYS_getppid);
	CHECK(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0);
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	/* The kernel allows one listener. */
	CHECK(seccomp_install(program.code, program.count, flags, &e) == -1 && e.errnum == EBUSY);
	CHECK(strstr(e.msg, "a listener already") != NULL);
}

static void test_notify(void **state)
{
	static const char *const names[] = { "getppid" };
	static const unsigned flags[] = {
		0,
		SECCOMP_FILTER_FLAG_TSYNC,
		SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
			SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	};
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	compile_rule(&a, names, 1, SECCOMP_RET_USER_NOTIF, NULL);
	assert_true(program.notifies);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if ((seccomp_kernel_flags() & flags[i]) == flags[i])
			child_result(notify_body, (void *)(uintptr_t)flags[i]);
	arena_free(&a);
}

static void *other_thread(void *barrier)
{
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return syscall(SYS_getppid) == -1 && errno == EXDEV ? barrier : NULL;
}

static void tsync_body(void *arg)
{
	unsigned flags = (unsigned)(uintptr_t)arg;
	pthread_barrier_t barrier;
	pthread_t thread;
	void *filtered;

	CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
	CHECK(pthread_create(&thread, NULL, other_thread, &barrier) == 0);
	pthread_barrier_wait(&barrier);
	install(flags);
	pthread_barrier_wait(&barrier);
	CHECK(pthread_join(thread, &filtered) == 0);
	CHECK((filtered != NULL) == (flags != 0));
	CHECK(syscall(SYS_getppid) == -1 && errno == EXDEV);
}

static void test_tsync(void **state)
{
	static const char *const names[] = { "getppid" };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	compile_rule(&a, names, 1, SECCOMP_RET_ERRNO | EXDEV, NULL);
	child_result(tsync_body, (void *)(uintptr_t)SECCOMP_FILTER_FLAG_TSYNC);
	child_result(tsync_body, NULL);
	arena_free(&a);
}

static void errors_body(void *arg)
{
	static struct sock_filter code[BPF_MAXINSNS + 1];
	struct err e = { 0 };

	(void)arg;
	for (size_t i = 0; i <= BPF_MAXINSNS; i++)
		code[i] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	CHECK(seccomp_install(code, 0, 0, &e) == -1 && e.kind == ERR_CONFIG);
	CHECK(seccomp_install(code, BPF_MAXINSNS + 1, 0, &e) == -1 && e.kind == ERR_CONFIG);
	if (geteuid() == 0)
		CHECK(setresuid(65534, 65534, 65534) == 0);
	CHECK(seccomp_install(code, 1, 0, &e) == -1 && e.errnum == EACCES);
	CHECK(strstr(e.msg, "no_new_privs") != NULL);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(seccomp_install(code, 1, 1u << 30, &e) == -1 && e.errnum == EINVAL);
	CHECK(seccomp_install(code, BPF_MAXINSNS, 0, &e) == 0);
	/* A flag for listeners, without one: dropped. */
	CHECK_OK(seccomp_install(code, 1, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &e), e);
	for (int i = 0; i < 8 && e.errnum != ENOMEM; i++)
		seccomp_install(code, BPF_MAXINSNS, 0, &e);
	CHECK(e.errnum == ENOMEM && strstr(e.msg, "32768") != NULL);
}

static void test_errors(void **state)
{
	(void)state;
	child_result(errors_body, NULL);
}

static void probe_body(void *arg)
{
	char before[4096] = "", after[4096] = "";

	(void)arg;
	CHECK(io_read_at(AT_FDCWD, "/proc/self/status", before, sizeof before) > 0);
	uint64_t flags = seccomp_kernel_flags();
	/* Linux 5.14, husk's oldest, has all but the last. */
	CHECK((flags & 0x1f) == (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
				 SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER |
				 SECCOMP_FILTER_FLAG_TSYNC_ESRCH));
	CHECK(!(flags & ~(uint64_t)0x3f));
	CHECK(seccomp_kernel_has_action(SECCOMP_RET_ALLOW));
	CHECK(seccomp_kernel_has_action(SECCOMP_RET_KILL_PROCESS));
	CHECK(seccomp_kernel_has_action(SECCOMP_RET_USER_NOTIF));
	CHECK(seccomp_kernel_has_action(SECCOMP_RET_ERRNO | EPERM));
	CHECK(!seccomp_kernel_has_action(0x12340000));
	CHECK(io_read_at(AT_FDCWD, "/proc/self/status", after, sizeof after) > 0);
	/* Nothing was installed. */
	CHECK(strstr(before, "Seccomp:") != NULL);
	CHECK(memcmp(strstr(before, "Seccomp:"), strstr(after, "Seccomp:"), 10) == 0);
}

static void test_probe(void **state)
{
	(void)state;
	child_result(probe_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_like),
#ifdef __x86_64__
		cmocka_unit_test(test_i386),
#endif
		cmocka_unit_test(test_foreign),	    cmocka_unit_test(test_notify),
		cmocka_unit_test(test_tsync),	    cmocka_unit_test(test_errors),
		cmocka_unit_test(test_probe),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-live", tests, NULL, NULL);
}
