/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan/plan-cgroup.h"

#include <string.h>

/* spec.h has its own optional numbers: the layers below know nothing of it. */
#define COPY_NUMBER(to, from)                                                                      \
	do {                                                                                       \
		(to).set = (from).set;                                                             \
		(to).value = (from).value;                                                         \
	} while (0)

static void convert_memory(const struct spec_memory *m, struct cgroup_limits *l)
{
	if (!m)
		return;
	COPY_NUMBER(l->memory_limit_bytes, m->limit_bytes);
	COPY_NUMBER(l->memory_reservation_bytes, m->reservation_bytes);
	COPY_NUMBER(l->memory_swap_bytes, m->swap_bytes);
	COPY_NUMBER(l->memory_swappiness, m->swappiness);
	l->memory_oom_kill_disable_set = m->disable_oom_killer.set;
	l->memory_oom_kill_disable = m->disable_oom_killer.value;
	l->memory_use_hierarchy_set = m->use_hierarchy.set;
	l->memory_use_hierarchy = m->use_hierarchy.value;
	l->memory_check_before_update = m->check_before_update;
}

static void convert_cpu(const struct spec_cpu *c, struct cgroup_limits *l)
{
	if (!c)
		return;
	COPY_NUMBER(l->cpu_shares, c->shares);
	COPY_NUMBER(l->cpu_quota_usec, c->quota_usec);
	COPY_NUMBER(l->cpu_period_usec, c->period_usec);
	COPY_NUMBER(l->cpu_burst_usec, c->burst_usec);
	COPY_NUMBER(l->cpu_realtime_runtime_usec, c->realtime_runtime_usec);
	COPY_NUMBER(l->cpu_realtime_period_usec, c->realtime_period_usec);
	COPY_NUMBER(l->cpu_idle, c->idle);
	l->cpus = c->cpus;
	l->mems = c->mems;
}

/* ---- block devices ---- */

static void convert_throttle(const struct spec_throttle_device *from, size_t count, struct arena *a,
			     struct cgroup_device_list *to)
{
	struct cgroup_device_value *items = arena_new_array(a, count, struct cgroup_device_value);

	for (size_t i = 0; items && i < count; i++)
		items[i] =
			(struct cgroup_device_value){ from[i].major, from[i].minor, from[i].rate };
	to->items = items;
	to->count = items ? count : 0;
}

/* One list with two optional weights becomes two lists. A weight of 0 is one that is not set. */
static void convert_weights(const struct spec_block_io *b, struct arena *a, struct cgroup_limits *l)
{
	size_t count = b->weight_devices_count;
	struct cgroup_device_value *weights = arena_new_array(a, count, struct cgroup_device_value);
	struct cgroup_device_value *leaves = arena_new_array(a, count, struct cgroup_device_value);

	for (size_t i = 0; weights && leaves && i < count; i++) {
		const struct spec_weight_device *d = &b->weight_devices[i];
		if (d->weight.set && d->weight.value)
			weights[l->blkio_weight_device.count++] =
				(struct cgroup_device_value){ d->major, d->minor, d->weight.value };
		if (d->leaf_weight.set && d->leaf_weight.value)
			leaves[l->blkio_leaf_weight_device.count++] =
				(struct cgroup_device_value){ d->major, d->minor,
							      d->leaf_weight.value };
	}
	l->blkio_weight_device.items = weights;
	l->blkio_leaf_weight_device.items = leaves;
}

static void convert_block_io(const struct spec_block_io *b, struct arena *a,
			     struct cgroup_limits *l)
{
	if (!b)
		return;
	COPY_NUMBER(l->blkio_weight, b->weight);
	COPY_NUMBER(l->blkio_leaf_weight, b->leaf_weight);
	convert_weights(b, a, l);
	convert_throttle(b->throttle_read_bps_devices, b->throttle_read_bps_devices_count, a,
			 &l->blkio_read_bps);
	convert_throttle(b->throttle_write_bps_devices, b->throttle_write_bps_devices_count, a,
			 &l->blkio_write_bps);
	convert_throttle(b->throttle_read_iops_devices, b->throttle_read_iops_devices_count, a,
			 &l->blkio_read_iops);
	convert_throttle(b->throttle_write_iops_devices, b->throttle_write_iops_devices_count, a,
			 &l->blkio_write_iops);
}

/* ---- lists ---- */

static void convert_hugepages(const struct spec_resources *r, struct arena *a,
			      struct cgroup_limits *l)
{
	struct cgroup_hugetlb *items =
		arena_new_array(a, r->hugepage_limits_count, struct cgroup_hugetlb);

	for (size_t i = 0; items && i < r->hugepage_limits_count; i++)
		items[i] = (struct cgroup_hugetlb){ r->hugepage_limits[i].page_size,
						    r->hugepage_limits[i].limit_bytes };
	l->hugetlb = items;
	l->hugetlb_count = items ? r->hugepage_limits_count : 0;
}

static void convert_network(const struct spec_network *n, struct arena *a, struct cgroup_limits *l)
{
	if (!n)
		return;
	COPY_NUMBER(l->net_class_id, n->class_id);
	struct cgroup_net_priority *items =
		arena_new_array(a, n->priorities_count, struct cgroup_net_priority);
	for (size_t i = 0; items && i < n->priorities_count; i++)
		items[i] = (struct cgroup_net_priority){ n->priorities[i].name,
							 n->priorities[i].priority };
	l->net_priorities = items;
	l->net_priorities_count = items ? n->priorities_count : 0;
}

static void convert_rdma(const struct spec_resources *r, struct arena *a, struct cgroup_limits *l)
{
	struct cgroup_rdma *items = arena_new_array(a, r->rdma_count, struct cgroup_rdma);

	for (size_t i = 0; items && i < r->rdma_count; i++) {
		items[i].device = r->rdma[i].device;
		COPY_NUMBER(items[i].hca_handles, r->rdma[i].hca_handles);
		COPY_NUMBER(items[i].hca_objects, r->rdma[i].hca_objects);
	}
	l->rdma = items;
	l->rdma_count = items ? r->rdma_count : 0;
}

static void convert_unified(const struct spec_resources *r, struct arena *a,
			    struct cgroup_limits *l)
{
	struct cgroup_named_value *items =
		arena_new_array(a, r->unified_count, struct cgroup_named_value);

	for (size_t i = 0; items && i < r->unified_count; i++)
		items[i] = (struct cgroup_named_value){ r->unified[i].key, r->unified[i].value };
	l->unified.items = items;
	l->unified.count = items ? r->unified_count : 0;
}

static unsigned convert_access(unsigned access)
{
	return (access & SPEC_ACCESS_READ ? CGROUP_DEVICE_READ : 0u) |
	       (access & SPEC_ACCESS_WRITE ? CGROUP_DEVICE_WRITE : 0u) |
	       (access & SPEC_ACCESS_MKNOD ? CGROUP_DEVICE_MKNOD : 0u);
}

static void convert_devices(const struct spec_resources *r, struct arena *a,
			    struct cgroup_limits *l)
{
	size_t own = r->devices_count, all = own + cgroup_devices_default_count;
	struct cgroup_device *items = own ? arena_new_array(a, all, struct cgroup_device) : NULL;

	/* No list at all: nothing is restricted, so nothing needs to be opened up. */
	if (!items)
		return;
	for (size_t i = 0; i < own; i++)
		items[i] = (struct cgroup_device){ r->devices[i].allow, r->devices[i].type,
						   r->devices[i].major, r->devices[i].minor,
						   convert_access(r->devices[i].access) };
	/* After the configuration's own rules, as with other runtimes: what /dev must have in
	 * every container cannot be taken away by a rule that was meant for something else. */
	memcpy(items + own, cgroup_devices_default, cgroup_devices_default_count * sizeof *items);
	l->devices = items;
	l->devices_count = all;
}

int plan_cgroup_limits(const struct spec_resources *r, struct arena *a,
		       struct cgroup_limits *limits, struct err *e)
{
	convert_devices(r, a, limits);
	convert_memory(r->memory, limits);
	convert_cpu(r->cpu, limits);
	convert_block_io(r->block_io, a, limits);
	convert_hugepages(r, a, limits);
	convert_network(r->network, a, limits);
	convert_rdma(r, a, limits);
	convert_unified(r, a, limits);
	COPY_NUMBER(limits->pids_limit, r->pids_limit);
	return arena_check(a, e);
}

/* ---- is anything asked for? ---- */

static bool number_set(bool set, uint64_t value)
{
	return set && value != 0;
}

static bool memory_limited(const struct spec_memory *m)
{
	/* Engines send 0 for what the user did not name, and -1 for no limit, which needs none. */
	return m && ((m->limit_bytes.set && m->limit_bytes.value > 0) ||
		     (m->reservation_bytes.set && m->reservation_bytes.value > 0) ||
		     (m->swap_bytes.set && m->swap_bytes.value > 0) || m->swappiness.set ||
		     (m->disable_oom_killer.set && m->disable_oom_killer.value));
}

static bool cpu_limited(const struct spec_cpu *c)
{
	return c && (number_set(c->shares.set, c->shares.value) ||
		     (c->quota_usec.set && c->quota_usec.value > 0) ||
		     number_set(c->period_usec.set, c->period_usec.value) ||
		     number_set(c->burst_usec.set, c->burst_usec.value) ||
		     number_set(c->realtime_period_usec.set, c->realtime_period_usec.value) ||
		     (c->realtime_runtime_usec.set && c->realtime_runtime_usec.value) ||
		     (c->idle.set && c->idle.value) || c->cpus || c->mems);
}

static bool block_io_limited(const struct spec_block_io *b)
{
	return b &&
	       (number_set(b->weight.set, b->weight.value) ||
		number_set(b->leaf_weight.set, b->leaf_weight.value) || b->weight_devices_count ||
		b->throttle_read_bps_devices_count || b->throttle_write_bps_devices_count ||
		b->throttle_read_iops_devices_count || b->throttle_write_iops_devices_count);
}

bool plan_cgroup_is_limited(const struct spec_resources *r)
{
	return memory_limited(r->memory) || cpu_limited(r->cpu) || block_io_limited(r->block_io) ||
	       (r->pids_limit.set && r->pids_limit.value >= 0) || r->hugepage_limits_count ||
	       (r->network && (number_set(r->network->class_id.set, r->network->class_id.value) ||
			       r->network->priorities_count)) ||
	       r->rdma_count || r->unified_count;
}
