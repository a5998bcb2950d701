/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-plan.h"

/* Block devices. */

static int check_weight(const char *name, uint64_t weight, struct err *e)
{
	/* The scale of v1's CFQ scheduler; its successor BFQ counts from 1. */
	if (weight < 10 || weight > 1000)
		return err_config(e, "blockIO.%s: %llu is not between 10 and 1000", name,
				  (unsigned long long)weight);
	return 0;
}

/* The kernel's name depends on the scheduler: BFQ has files of its own on both versions. */
static int plan_weight(struct limits_builder *b, int place, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	unsigned long long weight = l->blkio_weight.set ? l->blkio_weight.value : 0;
	bool v2 = b->set->places[place].v2;

	if (weight) {
		if (check_weight("weight", weight, e) < 0)
			return -1;
		cgroup_plan_write(b, place, CGROUP_WRITE_OR_NEXT,
				  v2 ? "io.bfq.weight" : "blkio.weight", "%llu", weight);
		if (v2)
			cgroup_plan_write(b, place, 0, "io.weight", "%llu",
					  (unsigned long long)cgroup_weight_of_blkio(weight));
		else
			cgroup_plan_write(b, place, 0, "blkio.bfq.weight", "%llu", weight);
	}
	for (size_t i = 0; i < l->blkio_weight_device.count; i++) {
		const struct cgroup_device_value *d = &l->blkio_weight_device.items[i];
		if (check_weight("weightDevice.weight", d->value, e) < 0)
			return -1;
		cgroup_plan_write(b, place, CGROUP_WRITE_OR_NEXT,
				  v2 ? "io.bfq.weight" : "blkio.weight_device", "%lld:%lld %llu",
				  (long long)d->major, (long long)d->minor,
				  (unsigned long long)d->value);
		cgroup_plan_write(b, place, 0, v2 ? "io.weight" : "blkio.bfq.weight_device",
				  "%lld:%lld %llu", (long long)d->major, (long long)d->minor,
				  (unsigned long long)(v2 ? cgroup_weight_of_blkio(d->value)
							  : d->value));
	}
	return 0;
}

/* Weights against the cgroup's own children: only CFQ knew them, which left with Linux 5.0. */
static int plan_leaf_weight(struct limits_builder *b, int place, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	unsigned long long weight = l->blkio_leaf_weight.set ? l->blkio_leaf_weight.value : 0;

	if (!weight && !l->blkio_leaf_weight_device.count)
		return 0;
	if (b->set->places[place].v2)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "blockIO.leafWeight: cgroup v2 has no such setting");
	if (weight) {
		if (check_weight("leafWeight", weight, e) < 0)
			return -1;
		cgroup_plan_write(b, place, 0, "blkio.leaf_weight", "%llu", weight);
	}
	for (size_t i = 0; i < l->blkio_leaf_weight_device.count; i++) {
		const struct cgroup_device_value *d = &l->blkio_leaf_weight_device.items[i];
		if (check_weight("weightDevice.leafWeight", d->value, e) < 0)
			return -1;
		cgroup_plan_write(b, place, 0, "blkio.leaf_weight_device", "%lld:%lld %llu",
				  (long long)d->major, (long long)d->minor,
				  (unsigned long long)d->value);
	}
	return 0;
}

static void plan_throttle(struct limits_builder *b, int place,
			  const struct cgroup_device_list *list, const char *v1_file,
			  const char *v2_key)
{
	bool v2 = b->set->places[place].v2;

	for (size_t i = 0; i < list->count; i++) {
		const struct cgroup_device_value *d = &list->items[i];
		long long major = d->major, minor = d->minor;
		unsigned long long rate = d->value;
		/* 0 lifts the limit on v1; v2 wants a word for that. */
		if (!v2)
			cgroup_plan_write(b, place, 0, v1_file, "%lld:%lld %llu", major, minor,
					  rate);
		else if (rate)
			cgroup_plan_write(b, place, 0, "io.max", "%lld:%lld %s=%llu", major, minor,
					  v2_key, rate);
		else
			cgroup_plan_write(b, place, 0, "io.max", "%lld:%lld %s=max", major, minor,
					  v2_key);
	}
}

int cgroup_plan_blkio(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;

	if (!(l->blkio_weight.set && l->blkio_weight.value) &&
	    !(l->blkio_leaf_weight.set && l->blkio_leaf_weight.value) &&
	    !l->blkio_weight_device.count && !l->blkio_leaf_weight_device.count &&
	    !l->blkio_read_bps.count && !l->blkio_write_bps.count && !l->blkio_read_iops.count &&
	    !l->blkio_write_iops.count)
		return 0;
	int place = cgroup_plan_place(b, CGROUP_BLKIO, "blockIO", e);
	if (place < 0 || plan_weight(b, place, e) < 0 || plan_leaf_weight(b, place, e) < 0)
		return -1;
	plan_throttle(b, place, &l->blkio_read_bps, "blkio.throttle.read_bps_device", "rbps");
	plan_throttle(b, place, &l->blkio_write_bps, "blkio.throttle.write_bps_device", "wbps");
	plan_throttle(b, place, &l->blkio_read_iops, "blkio.throttle.read_iops_device", "riops");
	plan_throttle(b, place, &l->blkio_write_iops, "blkio.throttle.write_iops_device", "wiops");
	return 0;
}
