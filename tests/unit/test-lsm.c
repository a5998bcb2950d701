/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels and the private procfs that they are written through. The attack tests build what a
 * hostile image or a racing container would (CVE-2019-16884, CVE-2019-19921, CVE-2025-52881) and
 * look whether a write arrives there: each has a control that shows that it would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "src/lsm/lsm-apparmor.h"
#include "src/lsm/lsm-landlock.h"
#include "src/lsm/lsm-selinux.h"
#include "src/ns/ns-proc.h"
#include "tests/unit/in-child.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void put_file(int dir, const char *path, const char *text)
{
	char part[256];

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
		mkdirat(dir, part, 0755);
	}
	int fd = openat(dir, path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void remove_tree(const char *dir)
{
	char command[200];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static void detection(void **state)
{
	char root[] = "/tmp/husk-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(root));
	int sys = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(lsm_apparmor_enabled(sys), 0);
	assert_int_equal(lsm_selinux_enabled(sys), 0);
	put_file(sys, "module/apparmor/parameters/enabled", "N\n");
	assert_int_equal(lsm_apparmor_enabled(sys), 0);
	put_file(sys, "module/apparmor/parameters/enabled", "");
	assert_int_equal(lsm_apparmor_enabled(sys), 0);
	put_file(sys, "module/apparmor/parameters/enabled", "Y\n");
	assert_int_equal(lsm_apparmor_enabled(sys), 1);
	/* A directory of that name is no selinuxfs. */
	put_file(sys, "fs/selinux/enforce", "1");
	assert_int_equal(lsm_selinux_enabled(sys), 0);
	close(sys);
	remove_tree(root);
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0ul, LANDLOCK_CREATE_RULESET_VERSION);
	assert_int_equal(lsm_landlock_version(), version > 0 ? version : 0);
}

static void mount_option(void **state)
{
	char text[64];
	struct err e;

	(void)state;
	assert_int_equal(lsm_selinux_mount_option("u:r:t:s0:c1,c2", NULL, text, sizeof text, &e),
			 24);
	assert_string_equal(text, "context=\"u:r:t:s0:c1,c2\"");
	assert_true(lsm_selinux_mount_option("a", "rootcontext", text, sizeof text, &e) > 0);
	assert_string_equal(text, "rootcontext=\"a\"");
	assert_int_equal(lsm_selinux_mount_option("a\",suid=\"", NULL, text, sizeof text, &e), -1);
	assert_int_equal(lsm_selinux_mount_option("", NULL, text, sizeof text, &e), -1);
	assert_int_equal(lsm_selinux_mount_option("a", NULL, text, 8, &e), -1);
}

static void sysctl_path(void **state)
{
	static const struct {
		const char *key, *path; /* NULL: refused */
	} table[] = {
		{ "net.ipv4.ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/conf/eth0.1/forwarding", "sys/net/ipv4/conf/eth0.1/forwarding" },
		{ "net.ipv4.conf.eth0/1.forwarding", "sys/net/ipv4/conf/eth0.1/forwarding" },
		{ "kernel.msgmax", "sys/kernel/msgmax" },
		{ "one", "sys/one" },
		{ "", NULL },
		{ ".", NULL },
		{ "/", NULL },
		{ "/net/ipv4", NULL },
		{ "net..ipv4", NULL },
		{ "net.ipv4.", NULL },
		{ "net/../kernel/core_pattern", NULL },
		{ "net.//.kernel", NULL },
		{ "net/./ipv4", NULL },
		{ "../self/mem", NULL },
	};
	char out[64];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		ssize_t n = ns_proc_sysctl_path(table[i].key, out, sizeof out, &e);
		if ((n >= 0) != (table[i].path != NULL))
			fail_msg("\"%s\": %zd", table[i].key, n);
		if (n < 0)
			continue;
		assert_string_equal(out, table[i].path);
		assert_int_equal(n, strlen(out));
	}
	assert_int_equal(ns_proc_sysctl_path("net.ipv4.ip_forward", out, 20, &e), -1);
}

/* Own mount namespace, so that nothing here reaches another process. */
static void private_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		SKIP_CHILD("no mount namespaces");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void proc_open_body(void *arg)
{
	struct err e;
	char text[64];

	(void)arg;
	private_mounts();
	int full = ns_proc_open(false, &e);
	CHECK_OK(full, e);
	int pids = ns_proc_open(true, &e);
	CHECK_OK(pids, e);
	CHECK_OK(ns_proc_check(full, &e), e);
	CHECK_OK(ns_proc_check(pids, &e), e);
	CHECK(fcntl(full, F_GETFD) == FD_CLOEXEC && fcntl(pids, F_GETFD) == FD_CLOEXEC);
	/* subset=pid has no sys/, the other one does; both know who we are. */
	int fd = ns_proc_file(full, "sys/kernel/ostype", O_RDONLY, &e);
	CHECK_OK(fd, e);
	CHECK(read(fd, text, 5) == 5 && memcmp(text, "Linux", 5) == 0);
	CHECK(ns_proc_file(pids, "sys/kernel/ostype", O_RDONLY, &e) == -1 && e.errnum == ENOENT);
	fd = ns_proc_file(pids, "self/comm", O_RDONLY, &e);
	CHECK_OK(fd, e);
	CHECK_OK(ns_proc_write(pids, "self/comm", "renamed", &e), e);
	CHECK(read(fd, text, sizeof text) == 8 && memcmp(text, "renamed\n", 8) == 0);
	/* Not followed: the link that "self" is, magic links, anything upwards. */
	CHECK(ns_proc_file(full, "self", O_RDONLY, &e) == -1 && e.errnum == ELOOP);
	CHECK(ns_proc_file(full, "mounts", O_RDONLY, &e) == -1 && e.errnum == ELOOP);
	CHECK(ns_proc_file(full, "self/root/etc/passwd", O_RDONLY, &e) == -1 && e.errnum == ELOOP);
	CHECK(ns_proc_file(full, "self/exe", O_RDONLY, &e) == -1 && e.errnum == ELOOP);
	CHECK(ns_proc_file(full, "../etc/passwd", O_RDONLY, &e) == -1);
	CHECK(ns_proc_file(full, "/etc/passwd", O_RDONLY, &e) == -1);
	CHECK(strstr(e.msg, "open /etc/passwd in procfs"));
	CHECK(ns_proc_write(full, "self/nothing", "x", &e) == -1 && e.errnum == ENOENT);
	CHECK(ns_proc_write(full, "self/oom_score_adj", "none", &e) == -1 && e.errnum == EINVAL);
}

static void proc_check_body(void *arg)
{
	struct err e;

	(void)arg;
	CHECK(ns_proc_check(open("/proc/sys", O_PATH | O_CLOEXEC), &e) == -1);
	CHECK(ns_proc_check(open("/proc/self", O_PATH | O_CLOEXEC), &e) == -1);
	CHECK(ns_proc_check(open("/tmp", O_PATH | O_CLOEXEC), &e) == -1);
	CHECK(ns_proc_check(open("/sys", O_PATH | O_CLOEXEC), &e) == -1);
	CHECK(strstr(e.msg, "not the root of a procfs"));
	CHECK(ns_proc_check(open("/proc", O_PATH | O_CLOEXEC), &e) == 0);
}

/* In a user namespace without a fully visible procfs a new instance is refused. */
static void proc_fallback_body(void *arg)
{
	struct err e;

	(void)arg;
	private_mounts();
	/* A part of the only procfs is hidden, and in the new namespace that mount is locked. */
	CHECK(mount("none", "/proc/sys", "tmpfs", 0, NULL) == 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0)
		SKIP_CHILD("no user namespaces");
	pid_t pid = fork();
	if (pid == 0) {
		int context = fsopen("proc", FSOPEN_CLOEXEC);
		fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
		if (fsmount(context, FSMOUNT_CLOEXEC, 0) >= 0)
			_exit(78);
		int fd = ns_proc_open(true, &e);
		_exit(fd < 0 || ns_proc_check(fd, &e) < 0);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 78)
		SKIP_CHILD("this kernel does not mind a covered procfs");
	CHECK(status == 0);
}

static void proc_live(void **state)
{
	(void)state;
	need_root();
	child_result(proc_open_body, NULL);
	child_result(proc_check_body, NULL);
}

static void proc_fallback(void **state)
{
	(void)state;
	need_root();
	child_result(proc_fallback_body, NULL);
}

static size_t size_of(const char *path)
{
	struct stat st;

	CHECK(stat(path, &st) == 0);
	return (size_t)st.st_size;
}

static void plant(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

	CHECK(fd >= 0);
	close(fd);
}

/*
 * A directory that looks like procfs takes part in place of it: what a volume mounted on /proc is.
 * No label and no sysctl may be written there.
 */
static void fake_proc_body(void *arg)
{
	struct err e;

	(void)arg;
	private_mounts();
	CHECK(mount("none", "/mnt", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("/mnt/1", 0755) == 0 && mkdir("/mnt/1/attr", 0755) == 0);
	CHECK(mkdir("/mnt/1/attr/apparmor", 0755) == 0 && symlink("1", "/mnt/self") == 0);
	plant("/mnt/1/attr/exec");
	plant("/mnt/1/attr/keycreate");
	plant("/mnt/1/attr/apparmor/exec");
	int fake = open("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(lsm_apparmor_exec(fake, "profile", &e) == -1 && e.errnum == EXDEV);
	CHECK(strstr(e.msg, "something else is in the place"));
	CHECK(lsm_selinux_exec(fake, "a:b:c", &e) == -1 && e.errnum == EXDEV);
	CHECK(lsm_selinux_keycreate(fake, "a:b:c", &e) == -1 && e.errnum == EXDEV);
	CHECK(size_of("/mnt/1/attr/exec") == 0 && size_of("/mnt/1/attr/keycreate") == 0);
	CHECK(size_of("/mnt/1/attr/apparmor/exec") == 0);
	CHECK(ns_proc_check(fake, &e) == -1);
	/* Control: nothing but the checks above kept the text out. */
	int fd = open("/mnt/self/attr/exec", O_WRONLY | O_CLOEXEC);
	CHECK(write(fd, "x", 1) == 1 && size_of("/mnt/1/attr/exec") == 1);
}

/*
 * Mounts over files of the visible /proc, as a racing container with a shared mount can make them:
 * a private handle does not see them, a handle of the visible procfs refuses them.
 */
static void covered_proc_body(void *arg)
{
	char path[64];
	struct err e;
	int fd;

	(void)arg;
	private_mounts();
	CHECK(mount("none", "/mnt", "tmpfs", 0, NULL) == 0);
	plant("/mnt/trap");
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", getpid());
	CHECK(mount("/mnt/trap", path, NULL, MS_BIND, NULL) == 0);
	int private = ns_proc_open(true, &e);
	CHECK_OK(private, e);
	CHECK_OK(ns_proc_write(private, "self/oom_score_adj", "123", &e), e);
	CHECK(size_of("/mnt/trap") == 0);
	int visible = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(ns_proc_write(visible, "self/oom_score_adj", "124", &e) == -1 && e.errnum == EXDEV);
	CHECK(size_of("/mnt/trap") == 0);
	/* The same for attr/exec, where this kernel has it. */
	snprintf(path, sizeof path, "/proc/%d/attr/exec", getpid());
	if (access(path, F_OK) == 0) {
		CHECK(mount("/mnt/trap", path, NULL, MS_BIND, NULL) == 0);
		CHECK(lsm_selinux_exec(visible, "a:b:c", &e) == -1 && e.errnum == EXDEV);
		CHECK(size_of("/mnt/trap") == 0);
	}
	/* Another file of procfs in its place, which the file system's magic number does not tell:
	 * CVE-2025-52881. */
	char comm[64], got[32] = "";
	snprintf(comm, sizeof comm, "/proc/%d/comm", getpid());
	if (access(path, F_OK) == 0) {
		CHECK(umount2(path, MNT_DETACH) == 0);
		CHECK(mount(comm, path, NULL, MS_BIND, NULL) == 0);
		CHECK(lsm_selinux_exec(visible, "gotcha", &e) == -1 && e.errnum == EXDEV);
		fd = open(comm, O_RDONLY | O_CLOEXEC);
		CHECK(read(fd, got, sizeof got - 1) > 0 && strcmp(got, "gotcha\n") != 0);
		close(fd);
		fd = open(path, O_WRONLY | O_CLOEXEC); /* control */
		CHECK(write(fd, "gotcha", 6) == 6 && close(fd) == 0);
		fd = open(comm, O_RDONLY | O_CLOEXEC);
		CHECK(read(fd, got, sizeof got) == 7 && memcmp(got, "gotcha\n", 7) == 0);
	}
	/* A sysctl. */
	CHECK(mount("/mnt/trap", "/proc/sys/kernel/hostname", NULL, MS_BIND, NULL) == 0);
	CHECK(ns_proc_write(visible, "sys/kernel/hostname", "x", &e) == -1 && e.errnum == EXDEV);
	/* A whole directory. */
	CHECK(mount("none", "/proc/sys/net", "tmpfs", 0, NULL) == 0);
	CHECK(mkdir("/proc/sys/net/ipv4", 0755) == 0);
	plant("/proc/sys/net/ipv4/ip_forward");
	CHECK(ns_proc_write(visible, "sys/net/ipv4/ip_forward", "1", &e) == -1);
	CHECK(e.errnum == EXDEV && size_of("/proc/sys/net/ipv4/ip_forward") == 0);
	/* Control: by path the trap is what gets written. */
	snprintf(path, sizeof path, "/proc/%d/oom_score_adj", getpid());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(write(fd, "9", 1) == 1 && size_of("/mnt/trap") == 1);
}

/* A sysctl of an own network namespace really changes, to exactly the value. */
static void sysctl_body(void *arg)
{
	char path[64], text[16] = "";
	struct err e;

	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		SKIP_CHILD("no network namespaces");
	int full = ns_proc_open(false, &e);
	CHECK_OK(full, e);
	CHECK(ns_proc_sysctl_path("net.ipv4.ip_default_ttl", path, sizeof path, &e) > 0);
	if (ns_proc_write(full, path, "77", &e) < 0)
		SKIP_CHILD(e.msg);
	int fd = ns_proc_file(full, path, O_RDONLY, &e);
	CHECK_OK(fd, e);
	CHECK(read(fd, text, sizeof text - 1) > 0 && strcmp(text, "77\n") == 0);
}

static void attacks(void **state)
{
	(void)state;
	need_root();
	child_result(fake_proc_body, NULL);
	child_result(covered_proc_body, NULL);
}

static void sysctl_live(void **state)
{
	(void)state;
	need_root();
	child_result(sysctl_body, NULL);
}

/* Without the security module: an error that says so, never silence. */
static void label_errors_body(void *arg)
{
	char name[5000];
	struct err e;

	(void)arg;
	private_mounts();
	int proc = ns_proc_open(true, &e);
	CHECK_OK(proc, e);
	int sys = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	CHECK(lsm_apparmor_exec(proc, name, &e) == -1 && e.kind == ERR_CONFIG);
	if (!lsm_apparmor_enabled(sys)) {
		CHECK(lsm_apparmor_exec(proc, "husk-test-none", &e) == -1);
		CHECK(strstr(e.msg, "set AppArmor profile husk-test-none for exec: "));
	}
	if (!lsm_selinux_enabled(sys))
		CHECK(lsm_selinux_exec(proc, "u:r:husk_test_none:s0", &e) == -1);
}

static void label_errors(void **state)
{
	(void)state;
	need_root();
	child_result(label_errors_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detection),	 cmocka_unit_test(mount_option),
		cmocka_unit_test(sysctl_path),	 cmocka_unit_test(proc_live),
		cmocka_unit_test(proc_fallback), cmocka_unit_test(attacks),
		cmocka_unit_test(sysctl_live),	 cmocka_unit_test(label_errors),
	};

	return cmocka_run_group_tests_name("lsm", tests, NULL, NULL);
}
