/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/text.h"
#include "src/cgroup/cgroup-plan.h"

/* CPU time and cpusets. */

/*
 * v1: five files that check each other (quota/period against the parent's, burst against the quota,
 * shares against idle): whatever the present values are, some order works, so refused ones are
 * tried again after the others.
 */
static void time_v1(struct limits_builder *b, int place)
{
	const struct cgroup_limits *l = b->limits;

	if (l->cpu_period_usec.set && l->cpu_period_usec.value)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.cfs_period_us", "%llu",
				  (unsigned long long)l->cpu_period_usec.value);
	if (l->cpu_quota_usec.set && l->cpu_quota_usec.value > 0)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.cfs_quota_us", "%lld",
				  (long long)l->cpu_quota_usec.value);
	else if (l->cpu_quota_usec.set && l->cpu_quota_usec.value)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY | CGROUP_WRITE_OPTIONAL,
				  "cpu.cfs_quota_us", "-1");
	if (l->cpu_burst_usec.set)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.cfs_burst_us", "%llu",
				  (unsigned long long)l->cpu_burst_usec.value);
	if (l->cpu_realtime_period_usec.set && l->cpu_realtime_period_usec.value)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.rt_period_us", "%llu",
				  (unsigned long long)l->cpu_realtime_period_usec.value);
	if (l->cpu_realtime_runtime_usec.set && l->cpu_realtime_runtime_usec.value)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.rt_runtime_us", "%lld",
				  (long long)l->cpu_realtime_runtime_usec.value);
}

static void time_v2(struct limits_builder *b, int place)
{
	const struct cgroup_limits *l = b->limits;
	int64_t quota = l->cpu_quota_usec.set ? l->cpu_quota_usec.value : 0;
	unsigned long long period = l->cpu_period_usec.set ? l->cpu_period_usec.value : 0;
	char number[24] = "max", tail[24] = "";

	if (quota > 0)
		text_format(number, sizeof number, "%lld", (long long)quota);
	if (period)
		text_format(tail, sizeof tail, " %llu", period);
	/* A quota alone keeps the period. A period alone would make the quota "max", which on
	 * a running container would take away its limit unasked. */
	if (quota)
		cgroup_plan_write(b, place,
				  CGROUP_WRITE_RETRY | (quota < 0 ? CGROUP_WRITE_OPTIONAL : 0u),
				  "cpu.max", "%s%s", number, tail);
	else if (period && b->update)
		cgroup_plan_write(b, place, CGROUP_WRITE_PERIOD, "cpu.max", "%llu", period);
	else if (period)
		cgroup_plan_write(b, place, 0, "cpu.max", "max %llu", period);
	if (l->cpu_burst_usec.set)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, "cpu.max.burst", "%llu",
				  (unsigned long long)l->cpu_burst_usec.value);
}

static bool nonzero(const struct cgroup_u64 *n)
{
	return n->set && n->value;
}

static int plan_time(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	bool realtime = nonzero(&l->cpu_realtime_period_usec) ||
			(l->cpu_realtime_runtime_usec.set && l->cpu_realtime_runtime_usec.value);

	bool lifts = l->cpu_quota_usec.set && l->cpu_quota_usec.value < 0;
	bool needed = nonzero(&l->cpu_shares) ||
		      (l->cpu_quota_usec.set && l->cpu_quota_usec.value > 0) ||
		      nonzero(&l->cpu_period_usec) || l->cpu_burst_usec.set || l->cpu_idle.set ||
		      realtime;
	if (!needed && !lifts)
		return 0;
	/* Where nothing can limit, nothing has to be lifted. */
	int place = needed ? cgroup_plan_place(b, CGROUP_CPU, "cpu", e)
			   : cgroup_set_find(b->set, CGROUP_CPU);
	if (place < 0)
		return needed ? -1 : 0;
	bool v2 = b->set->places[place].v2;
	if (v2 && realtime)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "cpu.realtimeRuntime and cpu.realtimePeriod: cgroup v2 has no limit "
			       "on realtime scheduling");
	if (l->cpu_idle.set && (l->cpu_idle.value < 0 || l->cpu_idle.value > 1))
		return err_config(e, "cpu.idle: %lld is neither 0 nor 1",
				  (long long)l->cpu_idle.value);
	/* Idle cgroups refuse a weight: with idle=1 the weight has to come first, with idle=0 after
	 * it, which the second try does. */
	if (nonzero(&l->cpu_shares))
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY, v2 ? "cpu.weight" : "cpu.shares",
				  "%llu",
				  (unsigned long long)(v2 ? cgroup_weight_of_shares(
								    l->cpu_shares.value)
							  : l->cpu_shares.value));
	if (v2)
		time_v2(b, place);
	else
		time_v1(b, place);
	if (l->cpu_idle.set)
		cgroup_plan_write(b, place, 0, "cpu.idle", "%lld", (long long)l->cpu_idle.value);
	return 0;
}

static int plan_cpuset(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	bool cpus = l->cpus && *l->cpus, mems = l->mems && *l->mems;

	if (!cpus && !mems)
		return 0;
	int place = cgroup_plan_place(b, CGROUP_CPUSET, cpus ? "cpu.cpus" : "cpu.mems", e);
	if (place < 0)
		return -1;
	if (cpus)
		cgroup_plan_write(b, place, 0, "cpuset.cpus", "%s", l->cpus);
	if (mems)
		cgroup_plan_write(b, place, 0, "cpuset.mems", "%s", l->mems);
	b->plan->cpus_given = cpus;
	b->plan->mems_given = mems;
	return 0;
}

int cgroup_plan_cpu(struct limits_builder *b, struct err *e)
{
	return plan_time(b, e) < 0 || plan_cpuset(b, e) < 0 ? -1 : 0;
}
