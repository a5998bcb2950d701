/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-stats.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-stats-parse.h"

/* What a container has used, from the control files. Files: cgroup-v1/ and cgroup-v2.rst of the
 * kernel. */

#define TEXT_MAX (1u << 20) /* memory.stat has 3 KiB; one blkio file a line per device and kind */

struct reader {
	const struct cgroup_place *place;
	struct arena *a;
};

static uint64_t number(const struct reader *r, const char *file)
{
	uint64_t value = 0;

	return cgroup_file_read_u64(r->place, file, &value) < 0 ? 0 : value;
}

/* v1 has no word for "no limit": it prints the largest multiple of a page. */
static uint64_t limit_v1(const struct reader *r, const char *file)
{
	uint64_t value = number(r, file);

	return value >= 0x7ffffffffffff000u ? CGROUP_UNLIMITED : value;
}

/* The whole of a file in the arena; "" if it is missing. */
static char *text(const struct reader *r, const char *file)
{
	CLEAN_FD int fd = cgroup_file_open(r->place, file, O_RDONLY);
	char *data;
	size_t length;

	if (fd < 0 || io_read_file(fd, file, TEXT_MAX, r->a, &data, &length, NULL) < 0)
		return (char *)arena_alloc(r->a, 1);
	return data;
}

/* ---- cpu ---- */

static void cpu_v2(const struct reader *r, struct cgroup_stats *s)
{
	const char *stat = text(r, "cpu.stat");
	uint64_t usec;

	if (!stat)
		return;
	if (cgroup_text_find(stat, "usage_usec", &usec) == 0)
		s->cpu.usage_total_nsec = usec * 1000;
	if (cgroup_text_find(stat, "user_usec", &usec) == 0)
		s->cpu.usage_user_nsec = usec * 1000;
	if (cgroup_text_find(stat, "system_usec", &usec) == 0)
		s->cpu.usage_kernel_nsec = usec * 1000;
	if (cgroup_text_find(stat, "throttled_usec", &usec) == 0)
		s->cpu.throttled_nsec = usec * 1000;
	if (cgroup_text_find(stat, "burst_usec", &usec) == 0)
		s->cpu.burst_nsec = usec * 1000;
	cgroup_text_find(stat, "nr_periods", &s->cpu.periods);
	cgroup_text_find(stat, "nr_throttled", &s->cpu.throttled_periods);
	cgroup_text_find(stat, "nr_bursts", &s->cpu.bursts);
	cgroup_psi_parse(text(r, "cpu.pressure"), &s->cpu.psi);
}

static void cpu_v1(const struct reader *r, struct cgroup_stats *s)
{
	const char *stat = text(r, "cpu.stat");

	if (!stat)
		return;
	cgroup_text_find(stat, "nr_periods", &s->cpu.periods);
	cgroup_text_find(stat, "nr_throttled", &s->cpu.throttled_periods);
	cgroup_text_find(stat, "throttled_time", &s->cpu.throttled_nsec);
	cgroup_text_find(stat, "nr_bursts", &s->cpu.bursts);
	cgroup_text_find(stat, "burst_time", &s->cpu.burst_nsec);
}

static void cpuacct_v1(const struct reader *r, struct cgroup_stats *s)
{
	const char *stat = text(r, "cpuacct.stat");
	long ticks = sysconf(_SC_CLK_TCK);
	uint64_t value;

	s->cpu.usage_total_nsec = number(r, "cpuacct.usage");
	if (ticks <= 0)
		ticks = 100;
	if (stat && cgroup_text_find(stat, "user", &value) == 0)
		s->cpu.usage_user_nsec = value * (1000000000u / (uint64_t)ticks);
	if (stat && cgroup_text_find(stat, "system", &value) == 0)
		s->cpu.usage_kernel_nsec = value * (1000000000u / (uint64_t)ticks);
	s->cpu.percpu_count =
		cgroup_numbers_parse(text(r, "cpuacct.usage_percpu"), r->a, &s->cpu.percpu_nsec);
	cgroup_percpu_parse(text(r, "cpuacct.usage_all"), r->a, s);
}

/* ---- memory ---- */

static void raw_parse(const struct reader *r, struct cgroup_stats *s)
{
	char *stat = text(r, "memory.stat");

	s->memory.raw_count = cgroup_pairs_parse(stat, r->a, &s->memory.raw);
}

static uint64_t raw_find(const struct cgroup_stats *s, const char *key)
{
	for (size_t i = 0; i < s->memory.raw_count; i++)
		if (text_equal(s->memory.raw[i].key, key))
			return s->memory.raw[i].value;
	return 0;
}

static void memory_v2(const struct reader *r, struct cgroup_stats *s)
{
	struct cgroup_stat_memory *m = &s->memory.usage, *swap = &s->memory.swap;

	raw_parse(r, s);
	s->memory.cache = raw_find(s, "file");
	if (cgroup_file_read_u64(r->place, "memory.current", &m->usage) < 0)
		return;
	m->present = true;
	m->limit = number(r, "memory.max");
	m->max_usage = number(r, "memory.peak"); /* Linux 5.19 */
	const char *events = text(r, "memory.events");
	if (events)
		cgroup_text_find(events, "max", &m->failcnt);
	if (cgroup_file_read_u64(r->place, "memory.swap.current", &swap->usage) == 0) {
		swap->present = true;
		swap->limit = number(r, "memory.swap.max");
		swap->max_usage = number(r, "memory.swap.peak"); /* Linux 6.5 */
	}
	cgroup_psi_parse(text(r, "memory.pressure"), &s->memory.psi);
}

static void memory_v1_kind(const struct reader *r, const char *prefix, struct cgroup_stat_memory *m)
{
	char file[64];

	text_format(file, sizeof file, "%s.usage_in_bytes", prefix);
	if (cgroup_file_read_u64(r->place, file, &m->usage) < 0)
		return;
	m->present = true;
	text_format(file, sizeof file, "%s.max_usage_in_bytes", prefix);
	m->max_usage = number(r, file);
	text_format(file, sizeof file, "%s.failcnt", prefix);
	m->failcnt = number(r, file);
	text_format(file, sizeof file, "%s.limit_in_bytes", prefix);
	m->limit = limit_v1(r, file);
}

static void memory_v1(const struct reader *r, struct cgroup_stats *s)
{
	raw_parse(r, s);
	s->memory.cache = raw_find(s, "cache");
	memory_v1_kind(r, "memory", &s->memory.usage);
	memory_v1_kind(r, "memory.memsw", &s->memory.swap);
	memory_v1_kind(r, "memory.kmem", &s->memory.kernel);
	memory_v1_kind(r, "memory.kmem.tcp", &s->memory.kernel_tcp);
}

/* ---- block devices ---- */

static void blkio_v2(const struct reader *r, struct cgroup_stats *s)
{
	cgroup_io_stat_parse(text(r, "io.stat"), r->a, &s->blkio.service_bytes, &s->blkio.serviced);
	cgroup_psi_parse(text(r, "io.pressure"), &s->blkio.psi);
}

static void blkio_v1(const struct reader *r, struct cgroup_stats *s)
{
	/* BFQ's files count what it scheduled; without BFQ they are empty, and those of the
	 * throttling code count everything. */
	static const struct {
		const char *bfq, *throttle;
		size_t offset;
	} files[] = {
#define LIST(member) offsetof(struct cgroup_stats, blkio.member)
		{ "blkio.bfq.io_service_bytes_recursive",
		  "blkio.throttle.io_service_bytes_recursive", LIST(service_bytes) },
		{ "blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive",
		  LIST(serviced) },
		{ "blkio.bfq.io_queued_recursive", NULL, LIST(queued) },
		{ "blkio.bfq.io_service_time_recursive", NULL, LIST(service_time) },
		{ "blkio.bfq.io_wait_time_recursive", NULL, LIST(wait_time) },
		{ "blkio.bfq.io_merged_recursive", NULL, LIST(merged) },
		{ "blkio.bfq.time_recursive", NULL, LIST(time) },
		{ "blkio.bfq.sectors_recursive", NULL, LIST(sectors) },
#undef LIST
	};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct cgroup_stat_blkio_list *list =
			(struct cgroup_stat_blkio_list *)((char *)s + files[i].offset);
		cgroup_blkio_parse(text(r, files[i].bfq), r->a, list);
		if (!list->count && files[i].throttle)
			cgroup_blkio_parse(text(r, files[i].throttle), r->a, list);
	}
}

/* ---- the rest ---- */

/* The page sizes that this kernel has, from the names of the files in the directory. */
static void hugetlb(const struct reader *r, struct cgroup_stats *s)
{
	const char *end = r->place->v2 ? ".current" : ".usage_in_bytes";
	CLEAN_DIR DIR *dir = opendir(r->place->dir);
	struct cgroup_stat_hugetlb *list = arena_new_array(r->a, 16, struct cgroup_stat_hugetlb);
	struct dirent *entry;
	char file[320];

	while (dir && list && (entry = readdir(dir)) && s->hugetlb_count < 16) {
		const char *size = entry->d_name + 8;
		if (!text_starts(entry->d_name, "hugetlb.") || !text_ends(entry->d_name, end) ||
		    strstr(size, ".rsvd."))
			continue;
		int n = (int)strcspn(size, ".");
		struct cgroup_stat_hugetlb *h = &list[s->hugetlb_count++];
		h->page_size = arena_format(r->a, "%.*s", n, size);
		h->usage = number(r, entry->d_name);
		if (r->place->v2) {
			text_format(file, sizeof file, "hugetlb.%.*s.events", n, size);
			const char *events = text(r, file);
			if (events)
				cgroup_text_find(events, "max", &h->failcnt);
			continue;
		}
		text_format(file, sizeof file, "hugetlb.%.*s.max_usage_in_bytes", n, size);
		h->max_usage = number(r, file);
		text_format(file, sizeof file, "hugetlb.%.*s.failcnt", n, size);
		h->failcnt = number(r, file);
	}
	s->hugetlb = list;
}

static void pids(const struct reader *r, struct cgroup_stats *s)
{
	uint64_t limit = number(r, "pids.max");

	s->pids.current = number(r, "pids.current");
	s->pids.limit = limit == UINT64_MAX ? 0 : limit;
}

static void cpuset(const struct reader *r, struct cgroup_stats *s)
{
	s->cpus = text(r, r->place->v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus");
	s->mems = text(r, r->place->v2 ? "cpuset.mems.effective" : "cpuset.effective_mems");
	for (char *p = (char *)s->cpus; p && *p; p++)
		*p = *p == '\n' ? '\0' : *p;
	for (char *p = (char *)s->mems; p && *p; p++)
		*p = *p == '\n' ? '\0' : *p;
}

static void rdma(const struct reader *r, struct cgroup_stats *s)
{
	s->rdma_current_count = cgroup_rdma_parse(text(r, "rdma.current"), r->a, &s->rdma_current);
	s->rdma_limit_count = cgroup_rdma_parse(text(r, "rdma.max"), r->a, &s->rdma_limit);
}

static const struct {
	uint32_t controller;
	void (*v1)(const struct reader *, struct cgroup_stats *);
	void (*v2)(const struct reader *, struct cgroup_stats *);
} sources[] = {
	{ CGROUP_CPU, cpu_v1, cpu_v2 },       { CGROUP_CPUACCT, cpuacct_v1, NULL },
	{ CGROUP_CPUSET, cpuset, cpuset },    { CGROUP_MEMORY, memory_v1, memory_v2 },
	{ CGROUP_BLKIO, blkio_v1, blkio_v2 }, { CGROUP_PIDS, pids, pids },
	{ CGROUP_HUGETLB, hugetlb, hugetlb }, { CGROUP_RDMA, rdma, rdma },
};

int cgroup_stats_read(const struct cgroup_set *set, struct arena *a, struct cgroup_stats *stats,
		      struct err *e)
{
	int v2 = cgroup_set_v2(set);

	*stats = (struct cgroup_stats){ 0 };
	if (!set->count)
		return err_set(e, ERR_UNSUPPORTED, 0, "the container has no cgroup");
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		int place = cgroup_set_find(set, sources[i].controller);
		/* v2's cpu.stat is there without the controller. */
		if (place < 0 && sources[i].controller == CGROUP_CPU)
			place = v2;
		if (place < 0)
			continue;
		struct reader r = { .place = &set->places[place], .a = a };
		if (!r.place->v2)
			sources[i].v1(&r, stats);
		else if (sources[i].v2)
			sources[i].v2(&r, stats);
	}
	if (cgroup_set_find(set, CGROUP_MEMORY) >= 0)
		cgroup_oom_read(set, &stats->memory.oom, NULL);
	return arena_check(a, e);
}
