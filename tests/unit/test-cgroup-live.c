/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: making, joining, marking and removing them. */
#include <linux/capability.h>
#include <sys/xattr.h>

#include "tests/unit/test-cgroup-fixture.h"

/* ---- creation and joining ---- */

static int print_cgroups(void *data)
{
	int *pipe = data;
	char text[8192];
	int fd = open("/proc/self/cgroup", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text);

	return write(pipe[1], text, (size_t)n) == n ? 0 : 1;
}

static void test_join(void **state)
{
	struct fixture *f = *state;
	char text[8192];
	int pipe_fds[2];

	need_host();
	create(f);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = start(f, print_cgroups, pipe_fds);
	assert_int_equal(status_of(pid), 0);
	ssize_t n = read(pipe_fds[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	/* Every hierarchy that is mounted, the named one and v2, too. */
	unsigned found = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		found += text_ends(line, f->path);
	assert_int_equal(found, f->set.count);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	ok(cgroup_remove(&f->set, &f->created, 0, &f->e));
	for (unsigned i = 0; i < f->set.count; i++)
		assert_int_equal(access(f->set.places[i].dir, F_OK), -1);
}

static void test_parents_stay_or_go(void **state)
{
	struct fixture *f = *state;
	char parent[PATH_MAX];

	need_host();
	create(f);
	snprintf(parent, sizeof parent, "%s", f->set.places[0].dir);
	*strrchr(parent, '/') = '\0';
	ok(cgroup_remove(&f->set, &f->created, 0, &f->e));
	assert_int_equal(access(parent, F_OK), 0);
	ok(cgroup_remove(&f->set, &f->created, CGROUP_REMOVE_PARENTS, &f->e));
	assert_int_equal(access(parent, F_OK), -1);
}

static void test_used_path_is_refused(void **state)
{
	struct fixture *f = *state;
	struct cgroup_create_options o = { .enable = 0 };
	struct cgroup_created second;

	need_host();
	create(f);
	pid_t pid = start(f, do_pause, NULL);
	assert_int_equal(cgroup_create(&f->set, &o, &second, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_STATE);
	assert_non_null(strstr(f->e.msg, "in it already"));
	assert_int_equal(second.made, 0);
	assert_int_equal(access(f->set.places[0].dir, F_OK), 0);
	kill(pid, SIGKILL);
	status_of(pid);
}

static void test_empty_path_is_joined_and_left(void **state)
{
	struct fixture *f = *state;
	struct cgroup_create_options o = { .enable = 0 };
	struct cgroup_created second;

	need_host();
	create(f);
	ok(cgroup_create(&f->set, &o, &second, &f->e));
	assert_int_equal(second.made, 0);
	ok(cgroup_remove(&f->set, &second, 0, &f->e));
	for (unsigned i = 0; i < f->set.count; i++)
		assert_int_equal(access(f->set.places[i].dir, F_OK), 0);
}

/* A creation that fails half-way leaves nothing, new parents included. */
static void test_failure_is_undone(void **state)
{
	struct fixture *f = *state;
	struct cgroup_create_options o = { .mark = f->mark };
	struct cgroup_set broken = f->set;
	char parent[PATH_MAX];

	need_host();
	if (broken.count == CGROUP_MAX)
		skip();
	broken.places[broken.count++] =
		(struct cgroup_place){ .dir = "/proc/husk/unit", .mount_length = 5 };
	assert_int_equal(cgroup_create(&broken, &o, &f->created, &f->e), -1);
	assert_int_equal(f->created.made, 0);
	snprintf(parent, sizeof parent, "%s", f->set.places[0].dir);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(access(parent, F_OK), -1);
}

/* v1: a cpuset that somebody made and never filled is filled before ours copies it. */
static void test_unfilled_cpuset(void **state)
{
	struct fixture *f = *state;
	int i = cgroup_set_find(&f->set, CGROUP_CPUSET);
	char parent[PATH_MAX], text[256];

	need_host();
	if (i < 0 || f->set.places[i].v2)
		skip();
	snprintf(parent, sizeof parent, "%s", f->set.places[i].dir);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(mkdir(parent, 0755), 0);
	create(f);
	f->created.parents[i] = 1; /* for teardown() */
	read_file(f->set.places[i].dir, "cpuset.cpus", text, sizeof text);
	assert_true(*text >= '0' && *text <= '9');
	assert_int_equal(status_of(start(f, do_nothing, NULL)), 0);
}

/* Others come and go below the same parent, which goes with the last of them. */
static int churn(struct fixture *f, int seed)
{
	struct cgroup_create_options o = { .mark = f->mark };
	struct cgroup_set set;
	char path[160];

	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "%s/p/%d-%d", f->path, seed, i);
		if (cgroup_set_plan(&f->host, path, &f->a, &set, &f->e) < 0)
			return 1;
		set.count = 1;
		if (cgroup_create(&set, &o, &f->created, &f->e) < 0) {
			fprintf(stderr, "# %s\n", f->e.msg);
			return 2;
		}
		/* The parent may have been made by any of us: all try to take it along. */
		f->created.parents[0] = 3;
		if (cgroup_remove(&set, &f->created, CGROUP_REMOVE_PARENTS, &f->e) < 0)
			return 3;
	}
	return 0;
}

static void test_shared_parent(void **state)
{
	struct fixture *f = *state;
	pid_t pids[3];

	need_host();
	fflush(NULL);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(churn(f, i));
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(status_of(pids[i]), 0);
	assert_int_equal(access(f->set.places[0].dir, F_OK), -1);
}

/* ---- removal ---- */

static void test_remove_kills(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2];

	need_host();
	create(f);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = start(f, family, pipe_fds);
	read_bytes(pipe_fds[0], 3);
	/* Nested directories in every hierarchy. */
	for (unsigned i = 0; i < f->set.count; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/a", f->set.places[i].dir);
		assert_int_equal(mkdir(path, 0755), 0);
		snprintf(path, sizeof path, "%s/a/b", f->set.places[i].dir);
		assert_int_equal(mkdir(path, 0755), 0);
		snprintf(path, sizeof path, "%s/c", f->set.places[i].dir);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	ok(cgroup_remove(&f->set, &f->created, CGROUP_REMOVE_KILL, &f->e));
	for (unsigned i = 0; i < f->set.count; i++)
		assert_int_equal(access(f->set.places[i].dir, F_OK), -1);
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Deeper than a path can be long, as a container with a delegated tree may do. */
static void test_remove_deep(void **state)
{
	struct fixture *f = *state;
	enum { DEPTH = 300 };
	char name[64];
	int levels = 0;

	need_host();
	create(f);
	memset(name, 'd', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	int fd = open(f->set.places[0].dir, O_RDONLY | O_DIRECTORY);
	while (levels < DEPTH && mkdirat(fd, name, 0755) == 0) {
		int next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
		levels++;
	}
	close(fd);
	assert_true(levels * 64 > PATH_MAX);
	ok(cgroup_remove(&f->set, &f->created, 0, &f->e));
	assert_int_equal(access(f->set.places[0].dir, F_OK), -1);
}

static void test_remove_names_who_stays(void **state)
{
	struct fixture *f = *state;
	char number[32];

	need_host();
	create(f);
	pid_t pid = start(f, do_pause, NULL);
	assert_int_equal(cgroup_remove(&f->set, &f->created, 0, &f->e), -1);
	snprintf(number, sizeof number, "the first is %d", pid);
	assert_non_null(strstr(f->e.msg, number));
	/* The directory with the mark is still there. */
	assert_int_equal(access(f->set.places[0].dir, F_OK), 0);
	kill(pid, SIGKILL);
	status_of(pid);
}

/* ---- leftovers ---- */

static bool is_mine(const char *mark, void *data)
{
	return text_equal(mark, ((struct fixture *)data)->mark);
}

static bool is_nobodys(const char *mark, void *data)
{
	(void)mark, (void)data;
	return false;
}

static void test_find_marked(void **state)
{
	struct fixture *f = *state;
	struct cgroup_set found;
	struct cgroup_created created;

	need_host();
	assert_int_equal(cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e),
			 0);
	create(f);
	assert_int_equal(
		cgroup_find_marked(&f->host, is_nobodys, f, &f->a, &found, &created, &f->e), 0);
	assert_int_equal(cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e),
			 1);
	assert_int_equal(found.count, f->set.count);
	assert_int_equal(created.made, f->created.made);
	for (unsigned i = 0; i < found.count; i++) {
		assert_string_equal(found.places[i].dir, f->set.places[i].dir);
		assert_int_equal(found.places[i].v2, f->set.places[i].v2);
		assert_int_equal(found.places[i].controllers, f->set.places[i].controllers);
	}
	ok(cgroup_remove(&found, &created, CGROUP_REMOVE_KILL, &f->e));
	assert_int_equal(cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e),
			 0);
}

/* Directories that were there before must not be in the mark. */
static void test_mark_leaves_out_foreign(void **state)
{
	struct fixture *f = *state;
	struct cgroup_create_options o = { .mark = f->mark };
	struct cgroup_set one, found;
	struct cgroup_created foreign, created;

	need_host();
	if (f->set.count < 2)
		skip();
	one = f->set;
	one.places[0] = f->set.places[f->set.count - 1];
	one.count = 1;
	ok(cgroup_create(&one, &(struct cgroup_create_options){ 0 }, &foreign, &f->e));
	ok(cgroup_create(&f->set, &o, &f->created, &f->e));
	assert_int_equal(f->created.made, (1u << (f->set.count - 1)) - 1);
	assert_int_equal(cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e),
			 1);
	assert_int_equal(found.count, f->set.count - 1);
	ok(cgroup_remove(&f->set, &f->created, 0, &f->e));
	ok(cgroup_remove(&one, &foreign, CGROUP_REMOVE_PARENTS, &f->e));
}

/*
 * Without privilege over the host the mark is a user.* attribute, which a container with a
 * delegated tree can write: whatever list it holds, only the marked directory itself is believed.
 */
static int forge(void *data)
{
	struct fixture *f = data;
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct cgroup_set found;
	struct cgroup_created created;
	struct cgroup_create_options o = { .mark = f->mark };
	char value[512];

	if (syscall(SYS_capget, &header, caps) < 0)
		return 1;
	caps[0].effective &= ~(1u << CAP_SYS_ADMIN);
	caps[0].permitted &= ~(1u << CAP_SYS_ADMIN);
	if (syscall(SYS_capset, &header, caps) < 0)
		return 2;
	if (cgroup_create(&f->set, &o, &created, &f->e) < 0)
		return 3;
	snprintf(value, sizeof value, "%s\n1 0 /tmp\n1 0 /etc", f->mark);
	if (setxattr(f->set.places[0].dir, "user.husk.owner", value, strlen(value), 0) < 0)
		return 4;
	int n = cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e);
	if (n != 1 || found.count != 1 || created.made != 1)
		return 5;
	if (strcmp(found.places[0].dir, f->set.places[0].dir) != 0 ||
	    found.places[0].v2 != f->set.places[0].v2)
		return 6;
	return 0;
}

static void test_forged_mark(void **state)
{
	struct fixture *f = *state;

	need_host();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(forge(f));
	int status = status_of(pid);
	f->created.made = (1u << f->set.count) - 1; /* for teardown() */
	memset(f->created.parents, 1, sizeof f->created.parents);
	assert_int_equal(status, 0);
	/* The host's root does not look at such marks at all. */
	struct cgroup_set found;
	struct cgroup_created created;
	assert_int_equal(cgroup_find_marked(&f->host, is_mine, f, &f->a, &found, &created, &f->e),
			 0);
}

/* ---- exec into a container that has reorganised its cgroup ---- */

static void test_open_of_init(void **state)
{
	struct fixture *f = *state;
	int v2 = cgroup_set_v2(&f->set);
	char sub[PATH_MAX], expected[PATH_MAX], text[64];
	struct cgroup_set inner;

	need_host();
	if (v2 < 0)
		skip();
	create(f);
	ok(cgroup_set_below(&f->set, 0, "init.scope", &f->a, &inner, &f->e));
	snprintf(sub, sizeof sub, "%s", inner.places[v2].dir);
	assert_int_equal(mkdir(sub, 0755), 0);
	struct cgroup_set outer = f->set;
	f->set = inner;
	f->set.count = 1; /* v2 alone */
	pid_t pid = start(f, do_pause, NULL);
	f->set = outer;
	ok(cgroup_open(&f->set, 0, &f->fds, &f->e));
	ok(cgroup_open_of_init(&f->set, AT_FDCWD, pid, &f->fds, &f->e));
	snprintf(text, sizeof text, "/proc/self/fd/%d", f->fds.v2);
	ssize_t n = readlink(text, expected, sizeof expected - 1);
	assert_true(n > 0);
	expected[n] = '\0';
	assert_string_equal(expected, sub);
	/* Ourselves are not in the container. */
	assert_int_equal(cgroup_open_of_init(&f->set, AT_FDCWD, getpid(), &f->fds, &f->e), -1);
	kill(pid, SIGKILL);
	status_of(pid);
}

static void test_delegate(void **state)
{
	struct fixture *f = *state;
	int v2 = cgroup_set_v2(&f->set);
	char path[PATH_MAX];
	struct stat st;

	need_host();
	if (v2 < 0)
		skip();
	create(f);
	ok(cgroup_delegate(&f->set, 12345, 54321, &f->e));
	assert_int_equal(stat(f->set.places[v2].dir, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 54321);
	snprintf(path, sizeof path, "%s/cgroup.procs", f->set.places[v2].dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	/* Limits stay the host's. */
	snprintf(path, sizeof path, "%s/cgroup.max.depth", f->set.places[v2].dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
}

/* v2: a cgroup with processes can have no children with controllers; the error says who and why. */
static void test_internal_processes(void **state)
{
	struct fixture *f = *state;
	struct cgroup_set inner;
	struct cgroup_created created;
	int v2 = cgroup_set_v2(&f->set);

	need_host();
	if (f->host.mode != CGROUP_MODE_V2)
		skip();
	create(f);
	pid_t pid = start(f, do_pause, NULL);
	ok(cgroup_set_below(&f->set, 0, "inner", &f->a, &inner, &f->e));
	struct cgroup_create_options o = { .enable = CGROUP_PIDS, .require = CGROUP_MEMORY };
	assert_int_equal(cgroup_create(&inner, &o, &created, &f->e), -1);
	assert_non_null(strstr(f->e.msg, "enable the memory controller"));
	assert_non_null(strstr(f->e.msg, "a cgroup with processes cannot have children"));
	assert_int_equal(access(inner.places[v2].dir, F_OK), -1);
	/* Without need for it, the child is made without controllers. */
	o.require = 0;
	ok(cgroup_create(&inner, &o, &created, &f->e));
	ok(cgroup_remove(&inner, &created, 0, &f->e));
	kill(pid, SIGKILL);
	status_of(pid);
}

/* v2: why a process cannot be started in a cgroup is said by what it looks like. */
static void test_clone_error(void **state)
{
	struct fixture *f = *state;
	int v2 = cgroup_set_v2(&f->set);
	char path[PATH_MAX];

	need_host();
	if (f->host.mode != CGROUP_MODE_V2)
		skip();
	create(f);
	snprintf(path, sizeof path, "%s/cgroup.subtree_control", f->set.places[v2].dir);
	int fd = open(path, O_WRONLY);
	assert_int_equal(write(fd, "+memory", 7), 7);
	close(fd);
	ok(cgroup_open(&f->set, 0, &f->fds, &f->e));
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .flags = CLONE_INTO_CGROUP,
				   .cgroup = (unsigned)f->fds.v2 };
	pid_t pid = kernel_clone3(&args);
	if (pid == 0)
		_exit(0);
	assert_int_equal(pid, -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(cgroup_clone_error(&f->set, errno, &f->e), -1);
	assert_non_null(strstr(f->e.msg, "controllers (memory) are enabled for its children"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live(test_join),
		live(test_parents_stay_or_go),
		live(test_used_path_is_refused),
		live(test_empty_path_is_joined_and_left),
		live(test_failure_is_undone),
		live(test_remove_kills),
		live(test_remove_deep),
		live(test_remove_names_who_stays),
		live(test_find_marked),
		live(test_mark_leaves_out_foreign),
		live(test_open_of_init),
		live(test_delegate),
		live(test_internal_processes),
		live(test_forged_mark),
		live(test_unfilled_cpuset),
		live(test_shared_parent),
		live(test_clone_error),
	};

	alarm(60); /* a test that hangs must not hold up the others */
	return cmocka_run_group_tests(tests, find_out, NULL);
}
