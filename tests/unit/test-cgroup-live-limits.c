/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: limits, devices, freezing, killing and statistics. */
#include "tests/unit/test-cgroup-fixture.h"

static const struct cgroup_device deny_all[] = {
	{ false, 'a', -1, -1, 7 },
	{ true, 'c', 1, 3, 7 },
	{ true, 'c', 1, 5, CGROUP_DEVICE_READ },
};

/* ---- limits ---- */

static void expect_file(struct fixture *f, uint32_t controller, const char *v1,
			const char *v1_value, const char *v2, const char *v2_value)
{
	int i = cgroup_set_find(&f->set, controller);
	char text[512];

	assert_true(i >= 0);
	const struct cgroup_place *place = &f->set.places[i];
	read_file(place->dir, place->v2 ? v2 : v1, text, sizeof text);
	assert_string_equal(strtok(text, "\n"), place->v2 ? v2_value : v1_value);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;

	need_host();
	f->limits.memory_limit_bytes = (struct cgroup_s64){ true, 64 << 20 };
	f->limits.pids_limit = (struct cgroup_s64){ true, 20 };
	f->limits.cpu_shares = (struct cgroup_u64){ true, 1024 };
	f->limits.cpu_quota_usec = (struct cgroup_s64){ true, 50000 };
	f->limits.cpu_period_usec = (struct cgroup_u64){ true, 200000 };
	f->limits.cpus = "0";
	create(f);
	ok(cgroup_limits_apply(&f->plan, &f->set, 0, CGROUP_APPLY_LATE, &f->e));
	expect_file(f, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864", "memory.max",
		    "67108864");
	expect_file(f, CGROUP_PIDS, "pids.max", "20", "pids.max", "20");
	expect_file(f, CGROUP_CPU, "cpu.shares", "1024", "cpu.weight", "100");
	expect_file(f, CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 200000");
	expect_file(f, CGROUP_CPUSET, "cpuset.cpus", "0", "cpuset.cpus", "0");
	/* It can be entered with the cpuset that was given. */
	assert_int_equal(status_of(start(f, do_nothing, NULL)), 0);
}

static void update(struct fixture *f, const struct cgroup_limits *limits)
{
	struct cgroup_limits_plan plan;

	ok(cgroup_limits_plan(limits, &f->set, true, &f->a, &plan, &f->e));
	ok(cgroup_limits_apply(&plan, &f->set, 0, CGROUP_APPLY_ALL, &f->e));
}

static void set_memory(struct fixture *f, int64_t limit, int64_t swap)
{
	update(f, &(struct cgroup_limits){ .memory_limit_bytes = { true, limit },
					   .memory_swap_bytes = { true, swap } });
}

/* Limit and memory+swap in every order of old and new values. */
static void test_update_memory(void **state)
{
	struct fixture *f = *state;
	int i = cgroup_set_find(&f->set, CGROUP_MEMORY);
	char path[PATH_MAX];

	need_host();
	snprintf(path, sizeof path, "%s/%s", f->set.places[i].dir,
		 f->set.places[i].v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
	f->limits.memory_limit_bytes = (struct cgroup_s64){ true, 64 << 20 };
	create(f);
	if (access(path, F_OK) < 0)
		skip(); /* no swap accounting */
	set_memory(f, 64 << 20, 96 << 20);
	expect_file(f, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "100663296", "memory.swap.max",
		    "33554432");
	set_memory(f, 256 << 20, 512 << 20);
	expect_file(f, CGROUP_MEMORY, "memory.limit_in_bytes", "268435456", "memory.max",
		    "268435456");
	set_memory(f, 32 << 20, 32 << 20);
	expect_file(f, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "33554432", "memory.swap.max",
		    "0");
	set_memory(f, -1, -1);
	expect_file(f, CGROUP_MEMORY, "memory.limit_in_bytes", "9223372036854771712", "memory.max",
		    "max");
	/* A memory limit above memory+swap stays an error, and says what is there. */
	set_memory(f, 32 << 20, 32 << 20);
	if (!f->set.places[i].v2) {
		struct cgroup_limits bad = { .memory_limit_bytes = { true, 1 << 30 } };
		struct cgroup_limits_plan plan;
		ok(cgroup_limits_plan(&bad, &f->set, true, &f->a, &plan, &f->e));
		assert_int_equal(cgroup_limits_apply(&plan, &f->set, 0, CGROUP_APPLY_ALL, &f->e),
				 -1);
		assert_non_null(strstr(f->e.msg, "memory.limit_in_bytes: Invalid argument"));
	}
}

static void test_update_cpu(void **state)
{
	struct fixture *f = *state;
	struct cgroup_limits l = { .cpu_period_usec = { true, 100000 },
				   .cpu_quota_usec = { true, 50000 } };

	need_host();
	f->limits = l;
	create(f);
	/* A period alone leaves the quota. */
	update(f, &(struct cgroup_limits){ .cpu_period_usec = { true, 200000 } });
	expect_file(f, CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 200000");
	/* A burst above the old quota waits for the new one. */
	update(f, &(struct cgroup_limits){ .cpu_burst_usec = { true, 50000 } });
	update(f, &(struct cgroup_limits){ .cpu_quota_usec = { true, 20000 },
					   .cpu_burst_usec = { true, 10000 } });
	expect_file(f, CGROUP_CPU, "cpu.cfs_burst_us", "10000", "cpu.max.burst", "10000");
	/* From weight to idle and back. */
	update(f, &(struct cgroup_limits){ .cpu_shares = { true, 512 }, .cpu_idle = { true, 1 } });
	expect_file(f, CGROUP_CPU, "cpu.idle", "1", "cpu.idle", "1");
	update(f, &(struct cgroup_limits){ .cpu_shares = { true, 1024 }, .cpu_idle = { true, 0 } });
	expect_file(f, CGROUP_CPU, "cpu.shares", "1024", "cpu.weight", "100");
}

/* pids.max of 0 lets what is inside live, and start nothing more. */
static int fork_when_told(void *data)
{
	int *pipe = data;
	char c;

	if (read(pipe[0], &c, 1) != 1)
		return 2;
	return fork() < 0 && errno == EAGAIN ? 0 : 1;
}

static void test_pids_zero(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2];

	need_host();
	f->limits.pids_limit = (struct cgroup_s64){ true, 0 };
	create(f);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = start(f, fork_when_told, pipe_fds);
	ok(cgroup_limits_apply(&f->plan, &f->set, 0, CGROUP_APPLY_LATE, &f->e));
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(status_of(pid), 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* ---- devices ---- */

static int use_devices(void *data)
{
	(void)data;
	int fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return 1;
	if (open("/dev/zero", O_RDONLY) < 0)
		return 2;
	if (open("/dev/zero", O_RDWR) >= 0 || errno != EPERM)
		return 3;
	if (open("/dev/full", O_RDONLY) >= 0 || errno != EPERM)
		return 4;
	return 0;
}

static void test_devices(void **state)
{
	struct fixture *f = *state;

	need_host();
	f->limits.devices = deny_all;
	f->limits.devices_count = sizeof deny_all / sizeof deny_all[0];
	create(f);
	assert_int_equal(status_of(start(f, use_devices, NULL)), 0);
}

static int open_full(void *data)
{
	(void)data;
	return open("/dev/full", O_RDONLY) < 0 ? errno : 0;
}

/* An update replaces the list instead of adding a second one that is asked as well. */
static void test_devices_update(void **state)
{
	static const struct cgroup_device more[] = {
		{ false, 'a', -1, -1, 7 },
		{ true, 'c', 1, 7, 7 },
	};
	struct fixture *f = *state;

	need_host();
	f->limits.devices = deny_all;
	f->limits.devices_count = sizeof deny_all / sizeof deny_all[0];
	create(f);
	assert_int_equal(status_of(start(f, open_full, NULL)), EPERM);
	for (int i = 0; i < 2; i++)
		update(f, &(struct cgroup_limits){ .devices = more, .devices_count = 2 });
	assert_int_equal(status_of(start(f, open_full, NULL)), 0);
	update(f, &(struct cgroup_limits){ .devices = deny_all, .devices_count = 3 });
	assert_int_equal(status_of(start(f, open_full, NULL)), EPERM);
}

/* ---- freeze, kill ---- */

static int __attribute__((noreturn)) count_up(void *data)
{
	volatile int *counter = data;

	for (;;) {
		++*counter;
		usleep(100);
	}
}

static void test_freeze(void **state)
{
	struct fixture *f = *state;
	volatile int *counter =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need_host();
	create(f);
	pid_t pid = start(f, count_up, (void *)counter);
	while (!*counter)
		usleep(100);
	assert_int_equal(cgroup_frozen(&f->set, &f->e), 0);
	ok(cgroup_freeze(&f->set, &f->e));
	assert_int_equal(cgroup_frozen(&f->set, &f->e), 1);
	int frozen_at = *counter;
	usleep(20000);
	assert_int_equal(*counter, frozen_at);
	ok(cgroup_thaw(&f->set, &f->e));
	assert_int_equal(cgroup_frozen(&f->set, &f->e), 0);
	while (*counter == frozen_at)
		usleep(100);
	/* What is frozen dies when killed. */
	ok(cgroup_freeze(&f->set, &f->e));
	ok(cgroup_kill(&f->set, &f->e));
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	munmap((void *)counter, 4096);
}

static void test_kill(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2];
	pid_t *pids;

	need_host();
	create(f);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = start(f, family, pipe_fds);
	read_bytes(pipe_fds[0], 3);
	assert_int_equal(cgroup_pids(&f->set, &f->a, &pids, &f->e), 3);
	bool found = false;
	for (int i = 0; i < 3; i++)
		found |= pids[i] == pid;
	assert_true(found);
	assert_int_equal(cgroup_signal(&f->set, SIGCONT, &f->e), 3);
	assert_int_equal(cgroup_wait_empty(&f->set, 10, &f->e), 0);
	ok(cgroup_kill(&f->set, &f->e));
	assert_int_equal(status_of(pid), 128 + SIGKILL);
	assert_int_equal(cgroup_wait_empty(&f->set, 5000, &f->e), 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* ---- facts ---- */

static int eat(void *data)
{
	size_t size = *(size_t *)data;

	for (;;) {
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, size);
	}
}

static void test_oom(void **state)
{
	struct fixture *f = *state;
	struct cgroup_oom_watch watch;
	struct cgroup_oom oom;
	size_t size = 1 << 20;

	need_host();
	f->limits.memory_limit_bytes = (struct cgroup_s64){ true, 8 << 20 };
	f->limits.memory_swap_bytes = (struct cgroup_s64){ true, 8 << 20 };
	ok(cgroup_limits_plan(&f->limits, &f->set, false, &f->a, &f->plan, &f->e));
	struct cgroup_create_options o = { .enable = CGROUP_V2_DEFAULT,
					   .require = f->plan.require };
	ok(cgroup_create(&f->set, &o, &f->created, &f->e));
	if (cgroup_limits_apply(&f->plan, &f->set, 0, CGROUP_APPLY_ALL, &f->e) < 0)
		skip(); /* no swap accounting */
	ok(cgroup_oom_watch(&f->set, &watch, &f->e));
	ok(cgroup_oom_read(&f->set, &oom, &f->e));
	assert_int_equal(oom.oom_kill, 0);
	assert_int_equal(status_of(start(f, eat, &size)), 128 + SIGKILL);
	ok(cgroup_oom_read(&f->set, &oom, &f->e));
	assert_true(oom.oom_kill >= 1);
	assert_int_equal(cgroup_oom_next(&watch, &f->e), 1);
	ok(cgroup_remove(&f->set, &f->created, 0, &f->e));
	assert_int_equal(cgroup_oom_next(&watch, &f->e), -1);
	assert_int_equal(f->e.errnum, ENODEV);
	close(watch.fd);
}

static int burn(void *data)
{
	size_t size = 4 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	clock_t end = clock() + CLOCKS_PER_SEC / 20;

	memset(p, 1, size);
	while (clock() < end)
		;
	((volatile int *)data)[0] = 1;
	return do_pause(NULL);
}

static void test_stats(void **state)
{
	struct fixture *f = *state;
	volatile int *done =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct cgroup_stats s;

	need_host();
	f->limits.pids_limit = (struct cgroup_s64){ true, 7 };
	f->limits.memory_limit_bytes = (struct cgroup_s64){ true, 64 << 20 };
	create(f);
	pid_t pid = start(f, burn, (void *)done);
	ok(cgroup_limits_apply(&f->plan, &f->set, 0, CGROUP_APPLY_LATE, &f->e));
	while (!*done)
		usleep(1000);
	ok(cgroup_stats_read(&f->set, &f->a, &s, &f->e));
	assert_true(s.cpu.usage_total_nsec > 20000000 && s.cpu.usage_total_nsec < 60000000000);
	assert_true(s.memory.usage.present);
	assert_true(s.memory.usage.usage >= 4 << 20);
	assert_int_equal(s.memory.usage.limit, 64 << 20);
	assert_true(s.memory.raw_count > 10);
	assert_int_equal(s.pids.current, 1);
	assert_int_equal(s.pids.limit, 7);
	assert_non_null(s.cpus);
	assert_true(*s.cpus >= '0' && *s.cpus <= '9');
	kill(pid, SIGKILL);
	status_of(pid);
	munmap((void *)done, 4096);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live(test_limits),    live(test_update_memory), live(test_update_cpu),
		live(test_pids_zero), live(test_devices),	live(test_devices_update),
		live(test_freeze),    live(test_kill),		live(test_oom),
		live(test_stats),
	};

	alarm(60); /* a test that hangs must not hold up the others */
	return cmocka_run_group_tests(tests, find_out, NULL);
}
