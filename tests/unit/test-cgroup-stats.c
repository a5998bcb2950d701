/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics from directories of text files as kernels write them. */
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

#include "src/cgroup/cgroup-stats-parse.h"
#include "src/cgroup/cgroup-stats.h"

struct fixture {
	char path[64];
	struct cgroup_set set;
	struct cgroup_stats s;
	struct arena a;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	arena_init(&f->a, 0);
	strcpy(f->path, "/tmp/husk-stats-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->set.count = 1;
	f->set.places[0].dir = f->path;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", f->path);
	arena_free(&f->a);
	int status = system(command);
	free(f);
	return status;
}

static void file(struct fixture *f, const char *name, const char *text)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void read_stats(struct fixture *f)
{
	if (cgroup_stats_read(&f->set, &f->a, &f->s, &f->e) < 0)
		fail_msg("%s", f->e.msg);
}

static void test_v2(void **state)
{
	struct fixture *f = *state;
	struct cgroup_stats *s = &f->s;

	f->set.places[0].v2 = true;
	f->set.places[0].controllers = CGROUP_V2_DEFAULT | CGROUP_HUGETLB | CGROUP_RDMA;
	file(f, "cpu.stat",
	     "usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 9\nnr_throttled 4\n"
	     "throttled_usec 70\nnr_bursts 2\nburst_usec 5\n");
	file(f, "cpu.pressure",
	     "some avg10=1.25 avg60=0.50 avg300=12.07 total=1234\n"
	     "full avg10=0.00 avg60=0.00 avg300=0.01 total=99\n");
	file(f, "memory.stat", "anon 4096\nfile 8192\nfile_mapped 1\n");
	file(f, "memory.current", "12288\n");
	file(f, "memory.max", "max\n");
	file(f, "memory.peak", "20000\n");
	file(f, "memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n");
	file(f, "memory.swap.current", "10\n");
	file(f, "memory.swap.max", "100\n");
	file(f, "pids.current", "5\n");
	file(f, "pids.max", "max\n");
	file(f, "io.stat",
	     "8:0 rbytes=4096 wbytes=100 rios=2 wios=3 dbytes=0 dios=0\n"
	     "7:1 \n"
	     "253:0 rbytes=1 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n");
	file(f, "hugetlb.2MB.current", "2097152\n");
	file(f, "hugetlb.2MB.rsvd.current", "7\n");
	file(f, "hugetlb.2MB.events", "max 6\n");
	file(f, "rdma.current", "mlx5_0 hca_handle=2 hca_object=3\n");
	file(f, "rdma.max", "mlx5_0 hca_handle=max hca_object=30\n");
	file(f, "cpuset.cpus.effective", "0-1\n");
	file(f, "cpuset.mems.effective", "0\n");
	read_stats(f);
	assert_int_equal(s->cpu.usage_total_nsec, 3000000);
	assert_int_equal(s->cpu.usage_user_nsec, 2000000);
	assert_int_equal(s->cpu.usage_kernel_nsec, 1000000);
	assert_int_equal(s->cpu.periods, 9);
	assert_int_equal(s->cpu.throttled_periods, 4);
	assert_int_equal(s->cpu.throttled_nsec, 70000);
	assert_int_equal(s->cpu.bursts, 2);
	assert_int_equal(s->cpu.burst_nsec, 5000);
	assert_true(s->cpu.psi.present);
	assert_float_equal(s->cpu.psi.some.avg10, 1.25, 1e-9);
	assert_float_equal(s->cpu.psi.some.avg300, 12.07, 1e-9);
	assert_int_equal(s->cpu.psi.some.total_usec, 1234);
	assert_float_equal(s->cpu.psi.full.avg300, 0.01, 1e-9);
	assert_int_equal(s->cpu.psi.full.total_usec, 99);
	assert_false(s->memory.psi.present);
	assert_int_equal(s->memory.cache, 8192);
	assert_int_equal(s->memory.usage.usage, 12288);
	assert_true(s->memory.usage.limit == CGROUP_UNLIMITED);
	assert_int_equal(s->memory.usage.max_usage, 20000);
	assert_int_equal(s->memory.usage.failcnt, 3);
	assert_int_equal(s->memory.swap.usage, 10);
	assert_int_equal(s->memory.swap.limit, 100);
	assert_int_equal(s->memory.raw_count, 3);
	assert_string_equal(s->memory.raw[2].key, "file_mapped");
	assert_int_equal(s->memory.oom.oom, 2);
	assert_int_equal(s->memory.oom.oom_kill, 1);
	assert_int_equal(s->pids.current, 5);
	assert_int_equal(s->pids.limit, 0);
	assert_int_equal(s->blkio.service_bytes.count, 4);
	assert_int_equal(s->blkio.service_bytes.items[1].value, 100);
	assert_string_equal(s->blkio.service_bytes.items[1].op, "Write");
	assert_int_equal(s->blkio.serviced.items[2].major, 253);
	assert_int_equal(s->hugetlb_count, 1);
	assert_string_equal(s->hugetlb[0].page_size, "2MB");
	assert_int_equal(s->hugetlb[0].usage, 2097152);
	assert_int_equal(s->hugetlb[0].failcnt, 6);
	assert_int_equal(s->rdma_current_count, 1);
	assert_int_equal(s->rdma_current[0].hca_objects, 3);
	assert_true(s->rdma_limit[0].hca_handles == UINT64_MAX);
	assert_string_equal(s->cpus, "0-1");
	assert_string_equal(s->mems, "0");
}

static void test_v1(void **state)
{
	struct fixture *f = *state;
	struct cgroup_stats *s = &f->s;

	f->set.places[0].controllers = CGROUP_CPU | CGROUP_CPUACCT | CGROUP_MEMORY | CGROUP_BLKIO |
				       CGROUP_PIDS | CGROUP_HUGETLB;
	file(f, "cpu.stat", "nr_periods 9\nnr_throttled 4\nthrottled_time 70\n");
	file(f, "cpuacct.usage", "5000\n");
	file(f, "cpuacct.stat", "user 3\nsystem 2\n");
	file(f, "cpuacct.usage_percpu", "1000 4000 \n");
	file(f, "cpuacct.usage_all", "cpu user system\n0 600 400\n1 3000 1000\n");
	file(f, "memory.stat",
	     "cache 8192\nrss 1\nhierarchical_memory_limit 9223372036854771712\n");
	file(f, "memory.usage_in_bytes", "12288\n");
	file(f, "memory.max_usage_in_bytes", "20000\n");
	file(f, "memory.failcnt", "3\n");
	file(f, "memory.limit_in_bytes", "9223372036854771712\n");
	file(f, "memory.memsw.usage_in_bytes", "12300\n");
	file(f, "memory.memsw.limit_in_bytes", "50000\n");
	file(f, "memory.oom_control", "oom_kill_disable 1\nunder_oom 1\noom_kill 8\n");
	file(f, "pids.current", "5\n");
	file(f, "pids.max", "100\n");
	file(f, "blkio.throttle.io_service_bytes_recursive",
	     "8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n");
	file(f, "blkio.bfq.io_service_bytes_recursive", "Total 0\n");
	file(f, "blkio.bfq.sectors_recursive", "8:0 17\n");
	file(f, "hugetlb.1GB.usage_in_bytes", "1\n");
	file(f, "hugetlb.1GB.max_usage_in_bytes", "2\n");
	file(f, "hugetlb.1GB.failcnt", "3\n");
	file(f, "hugetlb.1GB.rsvd.usage_in_bytes", "9\n");
	read_stats(f);
	assert_int_equal(s->cpu.usage_total_nsec, 5000);
	assert_int_equal(s->cpu.usage_user_nsec, 3 * (1000000000 / sysconf(_SC_CLK_TCK)));
	assert_int_equal(s->cpu.throttled_nsec, 70);
	assert_int_equal(s->cpu.percpu_count, 2);
	assert_int_equal(s->cpu.percpu_nsec[1], 4000);
	assert_int_equal(s->cpu.percpu_user_nsec[1], 3000);
	assert_int_equal(s->cpu.percpu_kernel_nsec[0], 400);
	assert_int_equal(s->memory.cache, 8192);
	assert_int_equal(s->memory.usage.failcnt, 3);
	assert_true(s->memory.usage.limit == CGROUP_UNLIMITED);
	assert_int_equal(s->memory.swap.usage, 12300);
	assert_int_equal(s->memory.swap.limit, 50000);
	assert_false(s->memory.kernel.present);
	assert_true(s->memory.oom.under_oom);
	assert_true(s->memory.oom.kill_disabled);
	assert_int_equal(s->memory.oom.oom_kill, 8);
	assert_int_equal(s->pids.limit, 100);
	/* BFQ has only its sum: the throttling code's numbers are taken. */
	assert_int_equal(s->blkio.service_bytes.count, 3);
	assert_string_equal(s->blkio.service_bytes.items[2].op, "Total");
	assert_int_equal(s->blkio.sectors.count, 1);
	assert_string_equal(s->blkio.sectors.items[0].op, "");
	assert_int_equal(s->blkio.sectors.items[0].value, 17);
	assert_int_equal(s->hugetlb_count, 1);
	assert_int_equal(s->hugetlb[0].failcnt, 3);
}

/* A host where nothing can be read gives zeros, not errors. */
static void test_empty(void **state)
{
	struct fixture *f = *state;

	for (int version = 1; version <= 2; version++) {
		f->set.places[0].v2 = version == 2;
		f->set.places[0].controllers = (1u << 17) - 1;
		read_stats(f);
		assert_int_equal(f->s.cpu.usage_total_nsec, 0);
		assert_false(f->s.memory.usage.present);
		assert_int_equal(f->s.memory.raw_count, 0);
		assert_int_equal(f->s.blkio.service_bytes.count, 0);
		assert_string_equal(f->s.cpus, "");
	}
	f->set.count = 0;
	assert_int_equal(cgroup_stats_read(&f->set, &f->a, &f->s, &f->e), -1);
}

static void test_broken_texts(void **state)
{
	static const char *const texts[] = { "",
					     "\n",
					     " ",
					     "some",
					     "some \n",
					     "8:0",
					     "8:0 ",
					     ":",
					     "8: Read 1",
					     "Read",
					     "8:0 Read",
					     "x rbytes=",
					     "1:1 rbytes=max wbytes",
					     "cpu user system",
					     "cpu user system\n0",
					     "cpu user system\n0 1",
					     "mlx5",
					     "mlx5 hca_handle",
					     "key",
					     "key ",
					     "key\nkey 1\n" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct cgroup_stats s = { 0 };
		const struct cgroup_stat_pair *pairs;
		const struct cgroup_stat_rdma *rdma;
		const uint64_t *numbers;
		cgroup_psi_parse(texts[i], &s.cpu.psi);
		cgroup_numbers_parse(texts[i], &f->a, &numbers);
		cgroup_percpu_parse(texts[i], &f->a, &s);
		cgroup_pairs_parse(arena_strdup(&f->a, texts[i]), &f->a, &pairs);
		cgroup_blkio_parse(arena_strdup(&f->a, texts[i]), &f->a, &s.blkio.time);
		cgroup_io_stat_parse(arena_strdup(&f->a, texts[i]), &f->a, &s.blkio.merged,
				     &s.blkio.queued);
		cgroup_rdma_parse(arena_strdup(&f->a, texts[i]), &f->a, &rdma);
		assert_int_equal(s.blkio.queued.count, 0);
	}
	/* Out of memory: nothing is dereferenced. */
	struct arena tiny;
	struct cgroup_stats s = { 0 };
	arena_init(&tiny, 1);
	char text[] = "8:0 Read 1\n";
	cgroup_blkio_parse(text, &tiny, &s.blkio.time);
	assert_int_equal(s.blkio.time.count, 0);
	cgroup_psi_parse(NULL, &s.cpu.psi);
	cgroup_pairs_parse(NULL, &tiny, &s.memory.raw);
	arena_free(&tiny);
}

static void test_oom_without_memory(void **state)
{
	struct fixture *f = *state;
	struct cgroup_oom oom;

	f->set.places[0].controllers = CGROUP_CPU;
	assert_int_equal(cgroup_oom_read(&f->set, &oom, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_UNSUPPORTED);
	f->set.places[0].controllers = CGROUP_MEMORY;
	assert_int_equal(cgroup_oom_read(&f->set, &oom, &f->e), -1);
	assert_int_equal(f->e.errnum, ENOENT);
}

#define with(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with(test_v2),
		with(test_v1),
		with(test_empty),
		with(test_broken_texts),
		with(test_oom_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
