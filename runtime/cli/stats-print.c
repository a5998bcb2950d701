/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/stats-print.h"

static void print_psi(struct json_writer *w, const char *key, const struct cgroup_stat_psi *psi)
{
	if (!psi->present)
		return;
	json_write_object_begin(w, key);
	for (int full = 0; full < 2; full++) {
		json_write_object_begin(w, full ? "full" : "some");
		json_write_double(w, "avg10", full ? psi->full.avg10 : psi->some.avg10);
		json_write_double(w, "avg60", full ? psi->full.avg60 : psi->some.avg60);
		json_write_double(w, "avg300", full ? psi->full.avg300 : psi->some.avg300);
		json_write_u64(w, "total", full ? psi->full.total_usec : psi->some.total_usec);
		json_write_object_end(w);
	}
	json_write_object_end(w);
}

static void print_numbers(struct json_writer *w, const char *key, const uint64_t *values,
			  size_t count)
{
	if (!count || !values)
		return;
	json_write_array_begin(w, key);
	for (size_t i = 0; i < count; i++)
		json_write_u64(w, NULL, values[i]);
	json_write_array_end(w);
}

static void print_cpu(struct json_writer *w, const struct cgroup_stats *s)
{
	json_write_object_begin(w, "cpu");
	json_write_object_begin(w, "usage");
	json_write_u64(w, "total", s->cpu.usage_total_nsec);
	print_numbers(w, "percpu", s->cpu.percpu_nsec, s->cpu.percpu_count);
	print_numbers(w, "percpu_kernel", s->cpu.percpu_kernel_nsec, s->cpu.percpu_count);
	print_numbers(w, "percpu_user", s->cpu.percpu_user_nsec, s->cpu.percpu_count);
	json_write_u64(w, "kernel", s->cpu.usage_kernel_nsec);
	json_write_u64(w, "user", s->cpu.usage_user_nsec);
	json_write_object_end(w);
	json_write_object_begin(w, "throttling");
	json_write_u64(w, "periods", s->cpu.periods);
	json_write_u64(w, "throttledPeriods", s->cpu.throttled_periods);
	json_write_u64(w, "throttledTime", s->cpu.throttled_nsec);
	json_write_object_end(w);
	json_write_object_begin(w, "burst");
	json_write_u64(w, "burstsPeriods", s->cpu.bursts);
	json_write_u64(w, "burstTime", s->cpu.burst_nsec);
	json_write_object_end(w);
	print_psi(w, "psi", &s->cpu.psi);
	json_write_object_end(w);
}

static void print_usage(struct json_writer *w, const char *key, const struct cgroup_stat_memory *m)
{
	json_write_object_begin(w, key);
	json_write_u64(w, "limit", m->limit);
	json_write_u64(w, "usage", m->usage);
	json_write_u64(w, "max", m->max_usage);
	json_write_u64(w, "failcnt", m->failcnt);
	json_write_object_end(w);
}

static void print_memory(struct json_writer *w, const struct cgroup_stats *s)
{
	json_write_object_begin(w, "memory");
	json_write_u64(w, "cache", s->memory.cache);
	print_usage(w, "usage", &s->memory.usage);
	print_usage(w, "swap", &s->memory.swap);
	print_usage(w, "kernel", &s->memory.kernel);
	print_usage(w, "kernelTCP", &s->memory.kernel_tcp);
	json_write_object_begin(w, "raw");
	for (size_t i = 0; i < s->memory.raw_count; i++)
		json_write_u64(w, s->memory.raw[i].key, s->memory.raw[i].value);
	json_write_object_end(w);
	json_write_u64(w, "oomKill", s->memory.oom.oom_kill);
	print_psi(w, "psi", &s->memory.psi);
	json_write_object_end(w);
}

static void print_blkio_list(struct json_writer *w, const char *key,
			     const struct cgroup_stat_blkio_list *list)
{
	if (!list->count)
		return;
	json_write_array_begin(w, key);
	for (size_t i = 0; i < list->count; i++) {
		json_write_object_begin(w, NULL);
		json_write_u64(w, "major", list->items[i].major);
		json_write_u64(w, "minor", list->items[i].minor);
		if (list->items[i].op)
			json_write_string(w, "op", list->items[i].op);
		json_write_u64(w, "value", list->items[i].value);
		json_write_object_end(w);
	}
	json_write_array_end(w);
}

static void print_blkio(struct json_writer *w, const struct cgroup_stats *s)
{
	json_write_object_begin(w, "blkio");
	print_blkio_list(w, "ioServiceBytesRecursive", &s->blkio.service_bytes);
	print_blkio_list(w, "ioServicedRecursive", &s->blkio.serviced);
	print_blkio_list(w, "ioQueueRecursive", &s->blkio.queued);
	print_blkio_list(w, "ioServiceTimeRecursive", &s->blkio.service_time);
	print_blkio_list(w, "ioWaitTimeRecursive", &s->blkio.wait_time);
	print_blkio_list(w, "ioMergedRecursive", &s->blkio.merged);
	print_blkio_list(w, "ioTimeRecursive", &s->blkio.time);
	print_blkio_list(w, "sectorsRecursive", &s->blkio.sectors);
	print_psi(w, "psi", &s->blkio.psi);
	json_write_object_end(w);
}

static void print_hugetlb(struct json_writer *w, const struct cgroup_stats *s)
{
	json_write_object_begin(w, "hugetlb");
	for (size_t i = 0; i < s->hugetlb_count; i++) {
		json_write_object_begin(w, s->hugetlb[i].page_size);
		json_write_u64(w, "usage", s->hugetlb[i].usage);
		json_write_u64(w, "max", s->hugetlb[i].max_usage);
		json_write_u64(w, "failcnt", s->hugetlb[i].failcnt);
		json_write_object_end(w);
	}
	json_write_object_end(w);
}

void stats_print(struct json_writer *w, const struct cgroup_stats *s)
{
	print_cpu(w, s);
	if (s->cpus || s->mems) {
		json_write_object_begin(w, "cpuset");
		json_write_string(w, "cpus", s->cpus ? s->cpus : "");
		json_write_string(w, "mems", s->mems ? s->mems : "");
		json_write_object_end(w);
	}
	print_memory(w, s);
	json_write_object_begin(w, "pids");
	json_write_u64(w, "current", s->pids.current);
	json_write_u64(w, "limit", s->pids.limit);
	json_write_object_end(w);
	print_blkio(w, s);
	print_hugetlb(w, s);
}
