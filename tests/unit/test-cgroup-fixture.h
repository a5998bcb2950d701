/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TESTS_TEST_CGROUP_FIXTURE_H
#define HUSK_TESTS_TEST_CGROUP_FIXTURE_H

/*
 * For tests on the control groups of this machine, whatever version it has. They are skipped
 * without the right to make cgroups. Everything is made below one directory per hierarchy, named
 * after the test's pid, and removed by teardown().
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-limits.h"
#include "src/cgroup/cgroup-stats.h"
#include "src/cgroup/cgroup.h"

struct fixture {
	struct arena a;
	struct cgroup_host host;
	struct cgroup_set set;
	struct cgroup_created created;
	struct cgroup_fds fds;
	struct cgroup_limits limits;
	struct cgroup_limits_plan plan;
	char path[128], mark[128];
	struct err e;
};

static bool usable;

#define ok(expression)                                                                             \
	do {                                                                                       \
		if ((expression) < 0)                                                              \
			fail_msg("%s: %s", #expression, f->e.msg);                                 \
	} while (0)

#define need_host()                                                                                \
	do {                                                                                       \
		if (!usable)                                                                       \
			skip();                                                                    \
	} while (0)

static inline int setup(void **state)
{
	static int number;
	struct fixture *f = calloc(1, sizeof *f);

	arena_init(&f->a, 0);
	f->fds.v2 = -1;
	snprintf(f->path, sizeof f->path, "/husk-unit-%d/c%d", getpid(), number++);
	snprintf(f->mark, sizeof f->mark, "/run/husk-unit:%d:%d", getpid(), number);
	*state = f;
	if (cgroup_host_read(&f->a, &f->host, &f->e) < 0 ||
	    cgroup_set_plan(&f->host, f->path, &f->a, &f->set, &f->e) < 0) {
		fprintf(stderr, "# %s\n", f->e.msg);
		return -1;
	}
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	cgroup_fds_close(&f->fds);
	cgroup_remove(&f->set, &f->created, CGROUP_REMOVE_KILL | CGROUP_REMOVE_PARENTS, NULL);
	arena_free(&f->a);
	free(f);
	return 0;
}

/* Make the cgroups with the limits in f->limits. */
static inline void create(struct fixture *f)
{
	ok(cgroup_limits_plan(&f->limits, &f->set, false, &f->a, &f->plan, &f->e));
	struct cgroup_create_options o = {
		.mark = f->mark,
		.enable = CGROUP_V2_DEFAULT,
		.require = f->plan.require,
		.cpus_given = f->plan.cpus_given,
		.mems_given = f->plan.mems_given,
	};
	ok(cgroup_create(&f->set, &o, &f->created, &f->e));
	assert_int_equal(f->created.skipped, 0);
	assert_int_equal(f->created.made, (1u << f->set.count) - 1);
	ok(cgroup_limits_apply(&f->plan, &f->set, 0, CGROUP_APPLY_EARLY, &f->e));
}

/* Fork into the cgroups of f->set and run @body. Returns when the child is inside. The child's pid.
 */
static inline pid_t start(struct fixture *f, int (*body)(void *), void *data)
{
	int joined[2];
	char c;

	ok(cgroup_open(&f->set, 0, &f->fds, &f->e));
	assert_int_equal(pipe(joined), 0);
	struct clone_args args = { .exit_signal = SIGCHLD };
	if (f->fds.v2 >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)f->fds.v2;
	}
	pid_t pid = kernel_clone3(&args);
	if (pid < 0) {
		cgroup_clone_error(&f->set, errno, &f->e);
		fail_msg("%s", f->e.msg);
	}
	if (pid == 0) {
		unsigned failed;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cgroup_join(&f->fds, &failed) < 0)
			_exit(100 + (int)failed);
		close(joined[0]);
		close(joined[1]);
		_exit(body(data));
	}
	cgroup_fds_close(&f->fds);
	close(joined[1]);
	assert_int_equal(read(joined[0], &c, 1), 0);
	close(joined[0]);
	return pid;
}

static inline int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int do_nothing(void *data)
{
	(void)data;
	return 0;
}

static inline int __attribute__((noreturn)) do_pause(void *data)
{
	(void)data;
	for (;;)
		pause();
}

static inline void read_file(const char *dir, const char *file, char *out, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", dir, file);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (n < 0)
		fail_msg("%s: %s", path, strerror(errno));
	out[n] = '\0';
	close(fd);
}

/* A container of three processes. */
static inline int family(void *data)
{
	int *pipe = data;
	pid_t parent = getpid();

	for (int i = 0; i < 2; i++)
		if (fork() == 0) {
			/* Should the test fail, nobody else would end them. */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				_exit(1);
			break;
		}
	if (write(pipe[1], "x", 1) != 1)
		return 1;
	return do_pause(NULL);
}

static inline void read_bytes(int fd, int count)
{
	char c;

	while (count-- > 0)
		assert_int_equal(read(fd, &c, 1), 1);
}

static inline int find_out(void **state)
{
	struct fixture *f;

	if (setup(state) < 0)
		return 0;
	f = *state;
	struct cgroup_create_options o = { 0 };
	usable = f->set.count && cgroup_create(&f->set, &o, &f->created, &f->e) == 0;
	if (!usable)
		fprintf(stderr, "# skipped: %s\n",
			f->set.count ? f->e.msg : "no cgroup hierarchy is mounted");
	teardown(state);
	return 0;
}

#define live(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
