/* SPDX-License-Identifier: Apache-2.0 */
/* What a host has and where a container goes in it, from texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup.h"

static const char hybrid_mounts[] =
	"23 1 259:1 / / rw,relatime - ext4 /dev/root rw\n"
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 master:3 - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,xattr,cpuset,clone_children\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
	"42 23 0:40 / /mnt/with\\040blank rw - cgroup cgroup rw,pids\n";

static const char hybrid_self[] = "12:debug:/\n"
				  "11:pids:/\n"
				  "10:name=systemd:/user.slice\n"
				  "9:memory:/a/b\n"
				  "8:cpuset:/\n"
				  "7:cpu,cpuacct:/user.slice\n"
				  "0::/user.slice/session-1.scope\n";

struct fixture {
	struct arena a;
	struct cgroup_host host;
	struct cgroup_set set;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	arena_init(&f->a, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->a);
	free(f);
	return 0;
}

static void parse(struct fixture *f, const char *mounts, const char *self)
{
	if (cgroup_host_parse(mounts, self, &f->a, &f->host, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

static const struct cgroup_hierarchy *named(struct fixture *f, const char *name)
{
	for (unsigned i = 0; i < f->host.count; i++)
		if (strcmp(f->host.hierarchies[i].name, name) == 0)
			return &f->host.hierarchies[i];
	return NULL;
}

static void test_hybrid(void **state)
{
	struct fixture *f = *state;

	parse(f, hybrid_mounts, hybrid_self);
	assert_int_equal(f->host.mode, CGROUP_MODE_HYBRID);
	/* debug is mounted nowhere. */
	assert_int_equal(f->host.count, 6);
	assert_null(named(f, "debug"));
	const struct cgroup_hierarchy *v2 = &f->host.hierarchies[0];
	assert_true(v2->v2);
	assert_string_equal(v2->mount, "/sys/fs/cgroup/unified");
	assert_string_equal(v2->own, "/user.slice/session-1.scope");
	const struct cgroup_hierarchy *cpu = named(f, "cpu,cpuacct");
	assert_non_null(cpu);
	assert_int_equal(cpu->controllers, CGROUP_CPU | CGROUP_CPUACCT);
	assert_string_equal(cpu->mount, "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(named(f, "memory")->own, "/a/b");
	assert_int_equal(named(f, "name=systemd")->controllers, CGROUP_NAMED);
	assert_string_equal(named(f, "pids")->mount, "/mnt/with blank");
	/* cpuset is not taken for a hierarchy with cpu. */
	assert_string_equal(named(f, "cpuset")->mount, "/sys/fs/cgroup/cpuset");
}

static void test_modes(void **state)
{
	struct fixture *f = *state;
	static const char v2_mount[] = "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
	static const char v1_mount[] = "30 1 0:26 / /cg/memory rw - cgroup none rw,memory\n";

	parse(f, v2_mount, "0::/\n");
	assert_int_equal(f->host.mode, CGROUP_MODE_V2);
	assert_int_equal(f->host.count, 1);
	parse(f, v1_mount, "1:memory:/\n");
	assert_int_equal(f->host.mode, CGROUP_MODE_V1);
	parse(f, v1_mount, "2:cpu:/\n1:memory:/\n0::/x");
	assert_int_equal(f->host.mode, CGROUP_MODE_V1);
	assert_int_equal(f->host.count, 1);
	parse(f, "", "0::/\n");
	assert_int_equal(f->host.mode, CGROUP_MODE_NONE);
	assert_int_equal(f->host.count, 0);
	parse(f, v2_mount, "");
	assert_int_equal(f->host.mode, CGROUP_MODE_NONE);
}

/* Engines without cgroup namespaces mount the container's part of the tree. */
static void test_mount_of_a_part(void **state)
{
	struct fixture *f = *state;

	parse(f, "30 1 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
	      "0::/docker/abc/init\n");
	assert_string_equal(f->host.hierarchies[0].own, "/init");
	parse(f, "30 1 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
	      "0::/docker/abc\n");
	assert_string_equal(f->host.hierarchies[0].own, "/");
	/* Not below it, though it starts with the same letters; the second mount fits. */
	parse(f,
	      "30 1 0:26 /docker/abc /one rw - cgroup2 cgroup2 rw\n"
	      "31 1 0:26 / /two rw - cgroup2 cgroup2 rw\n",
	      "0::/docker/abcd\n");
	assert_string_equal(f->host.hierarchies[0].mount, "/two");
	assert_string_equal(f->host.hierarchies[0].own, "/docker/abcd");
	/* The first one is kept where two fit. */
	parse(f,
	      "30 1 0:26 / /one rw - cgroup2 cgroup2 rw\n"
	      "31 1 0:26 / /two rw - cgroup2 cgroup2 rw\n",
	      "0::/x\n");
	assert_string_equal(f->host.hierarchies[0].mount, "/one");
	/* Where none shows it, the first. */
	parse(f,
	      "30 1 0:26 /a /one rw - cgroup2 cgroup2 rw\n"
	      "31 1 0:26 /b /two rw - cgroup2 cgroup2 rw\n",
	      "0::/x\n");
	assert_string_equal(f->host.hierarchies[0].mount, "/one");
	assert_string_equal(f->host.hierarchies[0].own, "/");
	/* A mount from outside of the cgroup namespace: usable, but nothing is known. */
	parse(f, "30 1 0:26 /.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/\n");
	assert_string_equal(f->host.hierarchies[0].own, "/");
	parse(f, "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../other\n");
	assert_string_equal(f->host.hierarchies[0].own, "/");
}

/* Lines that no kernel writes must not be read beyond their end. */
static void test_broken_texts(void **state)
{
	static const char *const mounts[] = { "",
					      "\n",
					      "30",
					      "30 1 0:26 / /x rw - cgroup2",
					      " - cgroup",
					      "30 1 0:26 / /x rw cgroup2 cgroup2 rw",
					      "a b c d e f - cgroup2 g ",
					      "30 1 0:26 / \\04 rw - cgroup2 x rw",
					      " - cgroup - cgroup - cgroup2 \n - cgroup2  " };
	static const char *const bad[] = { "0", "0:", "0::", "0:x", "0::relative", ":" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
		assert_int_equal(cgroup_host_parse(mounts[i], "0::/\n", &f->a, &f->host, &f->e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(cgroup_host_parse("", bad[i], &f->a, &f->host, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_PROTOCOL);
	}
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;
	char mounts[4096] = "", self[2048] = "";

	for (int i = 0; i < CGROUP_MAX + 1; i++) {
		size_t m = strlen(mounts), s = strlen(self);
		snprintf(mounts + m, sizeof mounts - m,
			 "%d 1 0:1 / /m%d rw - cgroup c rw,name=n%d\n", i, i, i);
		snprintf(self + s, sizeof self - s, "%d:name=n%d:/\n", i, i);
	}
	assert_int_equal(cgroup_host_parse(mounts, self, &f->a, &f->host, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_UNSUPPORTED);
}

/* ---- names of controllers ---- */

static void test_controllers(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(cgroup_controllers_parse("cpu,cpuacct", ","), CGROUP_CPU | CGROUP_CPUACCT);
	assert_int_equal(cgroup_controllers_parse(" io  memory ", " "),
			 CGROUP_BLKIO | CGROUP_MEMORY);
	assert_int_equal(cgroup_controllers_parse("blkio", ","), CGROUP_BLKIO);
	assert_int_equal(cgroup_controllers_parse("cpus", ","), CGROUP_OTHER);
	assert_int_equal(cgroup_controllers_parse("name=", ","), CGROUP_OTHER);
	assert_int_equal(cgroup_controllers_parse("", ","), 0);
	cgroup_controllers_print(CGROUP_CPU | CGROUP_BLKIO | CGROUP_PIDS, true, ' ', text,
				 sizeof text);
	assert_string_equal(text, "cpu io pids");
	cgroup_controllers_print(CGROUP_CPU | CGROUP_BLKIO, false, ',', text, sizeof text);
	assert_string_equal(text, "cpu,blkio");
	assert_int_equal(cgroup_controllers_print(0, true, ' ', text, sizeof text), 0);
	assert_string_equal(text, "");
	for (uint32_t bit = 1; bit <= CGROUP_DMEM; bit <<= 1) {
		if (bit == CGROUP_NAMED || bit == CGROUP_OTHER)
			continue;
		assert_true(cgroup_controllers_print(bit, true, ' ', text, sizeof text) > 0);
		assert_int_equal(cgroup_controllers_parse(text, " "), bit);
	}
}

/* ---- sets ---- */

static const char *dir_of(struct fixture *f, uint32_t controller)
{
	int i = cgroup_set_find(&f->set, controller);

	return i < 0 ? "none" : f->set.places[i].dir;
}

static void plan(struct fixture *f, const char *path)
{
	if (cgroup_set_plan(&f->host, path, &f->a, &f->set, &f->e) < 0)
		fail_msg("%s: %s", path, f->e.msg);
}

static void test_set_paths(void **state)
{
	struct fixture *f = *state;

	parse(f, hybrid_mounts, hybrid_self);
	plan(f, "/machine/c1");
	assert_int_equal(f->set.count, f->host.count);
	assert_int_equal(cgroup_set_v2(&f->set), 0);
	assert_string_equal(f->set.places[0].dir, "/sys/fs/cgroup/unified/machine/c1");
	assert_string_equal(dir_of(f, CGROUP_MEMORY), "/sys/fs/cgroup/memory/machine/c1");
	assert_string_equal(dir_of(f, CGROUP_CPUACCT), "/sys/fs/cgroup/cpu,cpuacct/machine/c1");
	assert_int_equal(f->set.places[0].mount_length, strlen("/sys/fs/cgroup/unified"));
	plan(f, "//machine/./c1/");
	assert_string_equal(dir_of(f, CGROUP_MEMORY), "/sys/fs/cgroup/memory/machine/c1");
	/* Relative: below the caller on v1, beside it on v2. */
	plan(f, "c1");
	assert_string_equal(dir_of(f, CGROUP_MEMORY), "/sys/fs/cgroup/memory/a/b/c1");
	assert_string_equal(dir_of(f, CGROUP_CPUSET), "/sys/fs/cgroup/cpuset/c1");
	assert_string_equal(f->set.places[0].dir, "/sys/fs/cgroup/unified/user.slice/c1");
	assert_string_equal(dir_of(f, CGROUP_PIDS), "/mnt/with blank/c1");
	assert_string_equal(dir_of(f, CGROUP_RDMA), "none");
}

static void test_set_refusals(void **state)
{
	static const char *const bad[] = { "/a/../b", "..",  "/..", "a/..", "/",
					   "",	      "./.", "//",  "a\nb" };
	struct fixture *f = *state;

	parse(f, hybrid_mounts, hybrid_self);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(cgroup_set_plan(&f->host, bad[i], &f->a, &f->set, &f->e), -1);
		assert_int_equal(f->e.kind, ERR_CONFIG);
	}
	/* Two dots are only special alone. */
	plan(f, "/..a/b../...");
}

static void test_set_below_and_drop(void **state)
{
	struct fixture *f = *state;
	struct cgroup_set sub;

	parse(f, hybrid_mounts, hybrid_self);
	plan(f, "/c1");
	assert_int_equal(cgroup_set_below(&f->set, 0, "x/y", &f->a, &sub, &f->e), 0);
	assert_string_equal(sub.places[0].dir, "/sys/fs/cgroup/unified/c1/x/y");
	assert_int_equal(cgroup_set_below(&f->set, CGROUP_MEMORY, "x", &f->a, &sub, &f->e), 0);
	assert_string_equal(sub.places[0].dir, "/sys/fs/cgroup/unified/c1");
	assert_string_equal(sub.places[cgroup_set_find(&sub, CGROUP_MEMORY)].dir,
			    "/sys/fs/cgroup/memory/c1/x");
	assert_int_equal(cgroup_set_below(&f->set, 0, "/", &f->a, &sub, &f->e), 0);
	assert_string_equal(sub.places[0].dir, "/sys/fs/cgroup/unified/c1");
	assert_int_equal(cgroup_set_below(&f->set, 0, "../c2", &f->a, &sub, &f->e), -1);
	unsigned before = f->set.count;
	const char *second = f->set.places[1].dir;
	cgroup_set_drop(&f->set, 1u);
	assert_int_equal(f->set.count, before - 1);
	assert_string_equal(f->set.places[0].dir, second);
	assert_int_equal(cgroup_set_v2(&f->set), -1);
}

/* Of four places the second was skipped and the third was there before. */
static void test_settle(void **state)
{
	struct cgroup_set set = {
		.count = 4,
		.places = { { .dir = "/0" }, { .dir = "/1" }, { .dir = "/2" }, { .dir = "/3" } },
	};
	struct cgroup_created created = {
		.made = 1 | 8, .skipped = 2, .skipped_errno = EACCES, .parents = { 1, 0, 0, 3 }
	};

	(void)state;
	cgroup_created_settle(&set, &created);
	assert_int_equal(set.count, 3);
	assert_string_equal(set.places[1].dir, "/2");
	assert_int_equal(created.made, 1 | 4);
	assert_int_equal(created.skipped, 0);
	assert_int_equal(created.parents[2], 3);
	assert_int_equal(created.parents[1], 0);
	/* Again: nothing changes. */
	cgroup_created_settle(&set, &created);
	assert_int_equal(set.count, 3);
	assert_int_equal(created.made, 1 | 4);
}

/* v1 wins where both have a controller: that is where its files are. */
static void test_set_find(void **state)
{
	struct cgroup_set set = {
		.count = 2,
		.places = { { .v2 = true,
			      .controllers = CGROUP_MEMORY | CGROUP_HUGETLB,
			      .dir = "/2" },
			    { .controllers = CGROUP_MEMORY, .dir = "/1" } },
	};

	(void)state;
	assert_int_equal(cgroup_set_find(&set, CGROUP_MEMORY), 1);
	assert_int_equal(cgroup_set_find(&set, CGROUP_HUGETLB), 0);
	assert_int_equal(cgroup_set_find(&set, CGROUP_CPU), -1);
}

/* ---- small texts ---- */

static void test_text(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(cgroup_text_u64("12 34"), 12);
	assert_int_equal(cgroup_text_u64(""), 0);
	assert_int_equal(cgroup_text_u64("-1"), 0);
	assert_true(cgroup_text_u64("18446744073709551615") == UINT64_MAX);
	assert_true(cgroup_text_u64("99999999999999999999") == UINT64_MAX);
	assert_int_equal(cgroup_text_find("low 1\noom 2\noom_kill 3\n", "oom", &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(cgroup_text_find("low 1\noom_kill 3\n", "oom", &value), -1);
	assert_int_equal(cgroup_text_find("low 1\noom_kill 3", "oom_kill", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(cgroup_text_find("", "oom", &value), -1);
}

/* Adjacent or not, with holes: all are closed, nothing else is. */
static void test_close_all(void **state)
{
	int fds[4], kept;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (round) {
			close(fds[1]);
			fds[1] = -1;
		}
		cgroup_close_all(fds, 4);
		for (int i = 0; i < 4; i++)
			if (fds[i] >= 0)
				assert_int_equal(fcntl(fds[i], F_GETFD), -1);
		assert_int_equal(fcntl(kept, F_GETFD), FD_CLOEXEC);
		close(kept);
	}
}

/* ---- creation in a directory that only looks like a cgroup hierarchy ---- */

static void write_text(const char *dir, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_tolerated(void **state)
{
	struct fixture *f = *state;
	char top[] = "/tmp/husk-cgroup-XXXXXX", dir[64];
	struct cgroup_created created;
	struct cgroup_create_options o = { .tolerate = true };

	/* /proc refuses new directories, whoever asks; some kernels with ENOENT. */
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof dir, "%s/c1", top);
	f->set = (struct cgroup_set){
		.count = 2,
		.places = { { .controllers = CGROUP_PIDS,
			      .dir = dir,
			      .mount_length = (unsigned)strlen(top) },
			    { .controllers = CGROUP_CPU, .dir = "/sys/kernel/husk" } },
	};
	int sys = mkdir("/sys/kernel/husk", 0755);
	bool refused = sys < 0 && (errno == EPERM || errno == EACCES || errno == EROFS);
	if (refused) {
		assert_int_equal(cgroup_create(&f->set, &o, &created, &f->e), 0);
		assert_int_equal(created.made, 1);
		assert_int_equal(created.skipped, 2);
		assert_true(created.skipped_errno != 0);
		rmdir(dir);
		o.tolerate = false;
		assert_int_equal(cgroup_create(&f->set, &o, &created, &f->e), -1);
		assert_non_null(strstr(f->e.msg, "create cgroup /sys/kernel/husk"));
		assert_int_equal(access(dir, F_OK), -1);
	}
	rmdir(top);
	if (!refused)
		skip();
}

/* A cpuset parent that nobody has filled is filled from above, first. */
static void test_cpuset_inheritance_fails_cleanly(void **state)
{
	struct fixture *f = *state;
	char top[] = "/tmp/husk-cgroup-XXXXXX", dir[64];
	struct cgroup_created created;
	struct cgroup_create_options o = { 0 };

	assert_non_null(mkdtemp(top));
	write_text(top, "cpuset.cpus", "0-3\n");
	snprintf(dir, sizeof dir, "%s/c1", top);
	f->set = (struct cgroup_set){
		.count = 1,
		.places = { { .controllers = CGROUP_CPUSET,
			      .dir = dir,
			      .mount_length = (unsigned)strlen(top) } },
	};
	/* The new directory has no files here: the copy fails, and nothing stays. */
	assert_int_equal(cgroup_create(&f->set, &o, &created, &f->e), -1);
	assert_non_null(strstr(f->e.msg, "copy the cpuset"));
	assert_int_equal(access(dir, F_OK), -1);
	char file[64];
	snprintf(file, sizeof file, "%s/cpuset.cpus", top);
	unlink(file);
	rmdir(top);
}

#define with(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with(test_hybrid),
		with(test_modes),
		with(test_mount_of_a_part),
		with(test_broken_texts),
		with(test_too_many),
		with(test_controllers),
		with(test_set_paths),
		with(test_set_refusals),
		with(test_set_below_and_drop),
		with(test_set_find),
		cmocka_unit_test(test_settle),
		with(test_text),
		with(test_close_all),
		with(test_tolerated),
		with(test_cpuset_inheritance_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
