/* SPDX-License-Identifier: Apache-2.0 */
/* src/cred on the running kernel: credentials of forked children, id maps, keyrings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "src/cred/cred-caps.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-keyring.h"
#include "tests/unit/in-child.h"

#define B(n) CRED_CAP_BIT(n)

static int proc_open(void)
{
	return open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The sets as read from procfs are those of capget(2) and PR_CAPBSET_READ. */
static void caps_read(void **state)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct cred_caps caps;
	uint64_t known, bounding = 0;
	struct err e;
	int proc = proc_open();

	(void)state;
	assert_int_equal(cred_caps_read(proc, &caps, &e), 0);
	assert_int_equal(cred_caps_known(proc, &known, &e), 0);
	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	assert_int_equal(caps.permitted, data[0].permitted | (uint64_t)data[1].permitted << 32);
	assert_int_equal(caps.effective, data[0].effective | (uint64_t)data[1].effective << 32);
	for (unsigned long i = 0; i < 64; i++) {
		int rc = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		assert_int_equal(rc >= 0, (known & B(i)) != 0);
		if (rc == 1)
			bounding |= B(i);
	}
	assert_int_equal(caps.bounding, bounding);
	close(proc);
}

/* Docker's default set. */
#define DEFAULT_CAPS                                                                               \
	(B(CAP_CHOWN) | B(CAP_DAC_OVERRIDE) | B(CAP_FSETID) | B(CAP_FOWNER) | B(CAP_MKNOD) |       \
	 B(CAP_NET_RAW) | B(CAP_SETGID) | B(CAP_SETUID) | B(CAP_SETFCAP) | B(CAP_SETPCAP) |        \
	 B(CAP_NET_BIND_SERVICE) | B(CAP_SYS_CHROOT) | B(CAP_KILL) | B(CAP_AUDIT_WRITE))

struct change {
	uid_t uid;
	struct cred_caps want;
	bool final; /* compare after the last capset, else after exec */
};

/* The phases' whole order, as documented in cred-caps.h. */
static void change_creds(const struct change *c)
{
	struct cred_caps held, got, want = c->want;
	const gid_t groups[] = { 7, 8 };
	gid_t seen[4];
	uint64_t known;
	struct err e;
	int proc = proc_open();

	CHECK_OK(cred_caps_read(proc, &held, &e), e);
	CHECK_OK(cred_caps_known(proc, &known, &e), e);
	if (cred_caps_clamp(&want, &held, known))
		SKIP_CHILD("this process lacks capabilities of Docker's default set");
	CHECK_OK(cred_caps_drop_bounding(held.bounding, want.bounding, &e), e);
	CHECK_OK(cred_groups_set(CRED_GROUPS_SET, groups, 2, &e), e);
	CHECK_OK(cred_ids_set(c->uid, 5, c->uid != 0, &e), e);
	struct cred_caps until = cred_caps_until_exec(&want, &held);
	CHECK_OK(cred_caps_set(&until, &e), e);
	CHECK_OK(cred_caps_raise_ambient(want.ambient, &e), e);
	CHECK_OK(cred_caps_read(proc, &got, &e), e);
	CHECK(got.effective == (want.effective | B(CAP_SYS_ADMIN)));
	CHECK_OK(cred_caps_set(&want, &e), e);
	CHECK_OK(cred_caps_read(proc, &got, &e), e);
	CHECK(memcmp(&got, &want, sizeof got) == 0);
	uid_t r, f, s;
	CHECK(getresuid(&r, &f, &s) == 0 && r == c->uid && f == c->uid && s == c->uid);
	CHECK(getresgid(&r, &f, &s) == 0 && r == 5 && f == 5 && s == 5);
	CHECK(getgroups(4, seen) == 2 && seen[0] == 7 && seen[1] == 8);
}

static void root_default(void *arg)
{
	(void)arg;
	change_creds(&(struct change){ .want = { .bounding = DEFAULT_CAPS,
						 .permitted = DEFAULT_CAPS,
						 .effective = DEFAULT_CAPS } });
}

static void user_ambient(void *arg)
{
	const uint64_t bind = B(CAP_NET_BIND_SERVICE);

	(void)arg;
	change_creds(&(struct change){ .uid = 1234,
				       .want = { .bounding = DEFAULT_CAPS,
						 .permitted = bind,
						 .effective = bind,
						 .inheritable = bind,
						 .ambient = bind } });
	/* The point of ambient capabilities: the program has them, and nothing else. */
	dup2(child_report, 1);
	execl("/bin/sh", "sh", "-c",
	      "grep -q '^CapPrm:.0000000000000400$' /proc/self/status &&"
	      "grep -q '^CapEff:.0000000000000400$' /proc/self/status && exit 0;"
	      "grep Cap /proc/self/status",
	      NULL);
}

static void user_none(void *arg)
{
	(void)arg;
	change_creds(&(struct change){ .uid = 1234, .want = { .bounding = DEFAULT_CAPS } });
	/* With keepcaps alone the permitted set would have survived: it must not. */
	CHECK(setresuid(0, 0, 0) < 0);
}

/* CVE-2022-27650 and its kin: no inheritable capabilities unless asked for. */
static void inheritable_cleared(void *arg)
{
	struct cred_caps all = { .permitted = B(CAP_CHOWN),
				 .effective = B(CAP_CHOWN),
				 .inheritable = B(CAP_CHOWN) };
	struct cred_caps none = { .permitted = B(CAP_CHOWN), .effective = B(CAP_CHOWN) }, got;
	struct err e;
	int proc = proc_open();

	(void)arg;
	CHECK_OK(cred_caps_set(&all, &e), e);
	CHECK_OK(cred_caps_raise_ambient(B(CAP_CHOWN), &e), e);
	CHECK_OK(cred_caps_read(proc, &got, &e), e);
	CHECK(got.inheritable == B(CAP_CHOWN) && got.ambient == B(CAP_CHOWN));
	CHECK_OK(cred_caps_set(&none, &e), e);
	CHECK_OK(cred_caps_read(proc, &got, &e), e);
	CHECK(got.inheritable == 0 && got.ambient == 0);
	CHECK_OK(cred_caps_set(&all, &e), e);
	CHECK_OK(cred_caps_raise_ambient(B(CAP_CHOWN), &e), e);
	CHECK_OK(cred_caps_clear_ambient(&e), e);
	CHECK_OK(cred_caps_read(proc, &got, &e), e);
	CHECK(got.ambient == 0 && got.inheritable == B(CAP_CHOWN));
}

static void errors_say_why(void *arg)
{
	struct cred_caps none = { 0 };
	const gid_t group = 1;
	struct err e;

	(void)arg;
	CHECK_OK(cred_caps_set(&none, &e), e);
	CHECK(cred_caps_drop_bounding(B(CAP_CHOWN), 0, &e) == -1);
	CHECK(strstr(e.msg, "drop CAP_CHOWN (0) from the bounding set: Operation not permitted") &&
	      strstr(e.msg, "CAP_SETPCAP"));
	CHECK(cred_caps_raise_ambient(B(CAP_CHOWN), &e) == -1 && strstr(e.msg, "CAP_CHOWN"));
	struct cred_caps some = { .permitted = 1 };
	CHECK(cred_caps_set(&some, &e) == -1 && strstr(e.msg, "permitted 1,"));
	CHECK(cred_groups_set(CRED_GROUPS_SET, &group, 1, &e) == -1 && strstr(e.msg, "CAP_SETGID"));
	CHECK(cred_groups_set(CRED_GROUPS_KEEP, &group, 1, &e) == 0);
	CHECK(cred_groups_set(CRED_GROUPS_DENIED, NULL, 0, &e) == 0);
	CHECK(cred_ids_set(77, 0, false, &e) == -1 && strstr(e.msg, "set user id 77"));
	CHECK(cred_ids_set(0, 77, false, &e) == -1 && strstr(e.msg, "set group id 77"));
}

static void caps_live(void **state)
{
	(void)state;
	need_root();
	child_result(root_default, NULL);
	child_result(user_ambient, NULL);
	child_result(user_none, NULL);
	child_result(inheritable_cleared, NULL);
	child_result(errors_say_why, NULL);
}

/* A child in a new user namespace that waits until told to go on. */
struct ns_child {
	pid_t pid;
	int go;
};

static struct ns_child start_ns_child(void)
{
	int ready[2], go[2];
	char c = 0;

	if (pipe(ready) < 0 || pipe(go) < 0)
		return (struct ns_child){ -1, -1 };
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		close(ready[0]);
		close(go[1]);
		c = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
		if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &c, 1) != 1 || c != 'y') {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return (struct ns_child){ pid, go[1] };
}

static void end_ns_child(struct ns_child *c)
{
	close(c->go);
	waitpid(c->pid, NULL, 0);
}

static void maps_write(void **state)
{
	const struct cred_id_map maps[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	char text[100], path[64], got[200];
	struct ns_child c;
	struct err e;
	int proc = proc_open();

	(void)state;
	need_root();
	c = start_ns_child();
	if (c.pid < 0) {
		print_message("# skip: no user namespaces\n");
		skip();
	}
	cred_map_print(maps, 2, text, sizeof text);
	assert_int_equal(cred_map_write(proc, c.pid, "uid_map", text, &e), 0);
	snprintf(path, sizeof path, "/proc/%d/uid_map", c.pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, got, sizeof got - 1);
	assert_true(n > 0);
	got[n] = '\0';
	unsigned a[6];
	assert_int_equal(sscanf(got, "%u %u %u %u %u %u", a, a + 1, a + 2, a + 3, a + 4, a + 5), 6);
	assert_int_equal(a[1], 1000);
	assert_int_equal(a[5], 65536);
	close(fd);
	/* Only once. */
	assert_int_equal(cred_map_write(proc, c.pid, "uid_map", text, &e), -1);
	assert_non_null(strstr(e.msg, "written only once"));
	assert_int_equal(cred_map_deny_groups(proc, c.pid, &e), 0);
	end_ns_child(&c);
	/* What does not fit into the kernel's one page. */
	char *big = malloc(70000);
	memset(big, '1', 69999);
	big[69999] = '\0';
	assert_int_equal(cred_map_write(proc, getpid(), "uid_map", big, &e), -1);
	assert_int_equal(e.kind, ERR_CONFIG);
	free(big);
	close(proc);
}

/* In a namespace with denied setgroups the state is seen, and the error explains itself. */
static void groups_denied_body(void *arg)
{
	const gid_t group = 0;
	struct err e;
	int proc = proc_open();

	(void)arg;
	CHECK(cred_groups_denied(proc, &e) == 0);
	if (unshare(CLONE_NEWUSER) < 0)
		SKIP_CHILD("no user namespaces");
	CHECK_OK(cred_map_deny_groups(proc, getpid(), &e), e);
	CHECK(cred_groups_denied(proc, &e) == 1);
	CHECK(cred_groups_set(CRED_GROUPS_SET, &group, 1, &e) == -1);
	CHECK(strstr(e.msg, "not denied"));
	CHECK(cred_groups_set(CRED_GROUPS_DENIED, NULL, 0, &e) == 0);
	CHECK_OK(cred_map_write(proc, getpid(), "gid_map", "0 0 1\n", &e), e);
	CHECK_OK(cred_map_write(proc, getpid(), "uid_map", "0 0 1\n", &e), e);
	CHECK(cred_ids_set(0, 5, false, &e) == -1 && strstr(e.msg, "not mapped"));
	CHECK(cred_ids_set(5, 0, false, &e) == -1 && strstr(e.msg, "not mapped"));
	CHECK_OK(cred_ids_set(0, 0, false, &e), e);
}

static void groups_denied(void **state)
{
	(void)state;
	need_root();
	child_result(groups_denied_body, NULL);
}

/* newuidmap stands for any program here: what counts is how it is called and what it says. */
static void map_tool(void **state)
{
	const struct cred_id_map maps[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	static const char script[] =
		"#!/bin/sh\n"
		"if [ \"$*\" = \"42 0 1000 1 1 100000 65536\" ]; then exit 0; fi\n"
		"echo \"asked for $*\" >&2\n"
		"i=0; while [ $i -lt 3000 ]; do echo talkative >&2; i=$((i+1)); done\n"
		"exit 3\n";
	char dir[] = "/tmp/husk-test-XXXXXX", path[64];
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/newuidmap", dir);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
	close(fd);
	char *old = strdup(getenv("PATH"));
	setenv("PATH", dir, 1);
	int good = cred_map_run_tool("newuidmap", 42, maps, 2, &e);
	int bad = cred_map_run_tool("newuidmap", 43, maps, 1, &e);
	struct err missing;
	int none = cred_map_run_tool("newgidmap", 42, maps, 2, &missing);
	setenv("PATH", old, 1);
	free(old);
	unlink(path);
	rmdir(dir);
	assert_int_equal(good, 0);
	assert_int_equal(bad, -1);
	assert_non_null(
		strstr(e.msg, "newuidmap for process 43: exit status 3: asked for 43 0 1000 1"));
	assert_int_equal(none, -1);
	assert_int_equal(missing.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(missing.msg, "package uidmap"));
}

static long keyctl(int op, long a, long b, long c)
{
	return syscall(SYS_keyctl, op, a, b, c, 0l);
}

static void describe(char *text, size_t size)
{
	memset(text, 0, size);
	CHECK(keyctl(KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, (long)text, (long)size - 1) > 0);
}

/* A child that joins @name and tells its serial; with CRED_KEYRING_OWNER it stays to hold it. */
static pid_t keyring_child(const char *name, int search, long *serial)
{
	int ends[2];

	CHECK(pipe(ends) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		long key = -1;
		if (cred_keyring_join(name, search, NULL) == 0)
			key = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0);
		if (write(ends[1], &key, sizeof key) == sizeof key && search == CRED_KEYRING_OWNER)
			sleep(20);
		_exit(0);
	}
	CHECK(read(ends[0], serial, sizeof *serial) == sizeof *serial);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void keyrings_body(void *arg)
{
	long open, found;
	char text[200];
	struct err e;

	(void)arg;
	long before = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0);
	int rc = cred_keyring_join("_ses.husk-test-private", CRED_KEYRING_AS_IT_IS, &e);
	if (rc == 1)
		SKIP_CHILD("this kernel has no keyrings");
	if (rc < 0)
		SKIP_CHILD(e.msg);
	/* A new kernel may start with other permissions: then cred-keyring.c has to follow. */
	describe(text, sizeof text);
	CHECK(strstr(text, ";3f130000;_ses.husk-test-private"));
	long private = keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0);
	CHECK(private > 0 && private != before);

	/* Another process finds the open one by its name, and not the private one. */
	pid_t holder = keyring_child("_ses.husk-test-open", CRED_KEYRING_OWNER, &open);
	CHECK(open > 0 && open != private);
	waitpid(keyring_child("_ses.husk-test-private", CRED_KEYRING_AS_IT_IS, &found), NULL, 0);
	CHECK(found > 0 && found != private);
	waitpid(keyring_child("_ses.husk-test-open", CRED_KEYRING_AS_IT_IS, &found), NULL, 0);
	CHECK(found == open);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}

static void keyrings(void **state)
{
	(void)state;
	child_result(keyrings_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_read),  cmocka_unit_test(caps_live),
		cmocka_unit_test(maps_write), cmocka_unit_test(groups_denied),
		cmocka_unit_test(map_tool),   cmocka_unit_test(keyrings),
	};

	return cmocka_run_group_tests_name("cred-live", tests, NULL, NULL);
}
