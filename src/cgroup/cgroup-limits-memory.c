/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/text.h"
#include "src/cgroup/cgroup-plan.h"

/* Memory and swap. */

/* 0 stands for "not set": engines send it for what the user did not name. */
static int64_t value_of(const struct cgroup_s64 *n)
{
	return n->set ? n->value : 0;
}

static const char *number(struct limits_builder *b, int64_t value, bool v2)
{
	if (value < 0)
		return v2 ? "max" : "-1";
	return arena_format(b->a, "%lld", (long long)value);
}

/* "No limit" holds by itself where the file is missing. */
static unsigned optional(int64_t value)
{
	return value < 0 ? CGROUP_WRITE_OPTIONAL : 0;
}

static int check_range(const char *name, int64_t value, struct err *e)
{
	if (value < -1)
		return err_config(e, "memory.%s: %lld is neither a size nor -1 for no limit", name,
				  (long long)value);
	return 0;
}

/*
 * v1 counts memory+swap against memsw, which may never be below the memory limit. Raising both
 * wants memsw first, lowering both the limit first: the kernel says EINVAL to the wrong one, which
 * then comes again.
 */
static int limit_v1(struct limits_builder *b, int place, int64_t limit, int64_t swap)
{
	if (limit)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY | optional(limit),
				  "memory.limit_in_bytes", "%s", number(b, limit, false));
	/* No limit on memory with one on the sum makes no sense: lift both, as other runtimes do.
	 */
	if (limit == -1 && !swap)
		swap = -1;
	/* Kernels booted without swap accounting lack the file; "no limit" is true there anyway. */
	if (swap)
		cgroup_plan_write(b, place, CGROUP_WRITE_RETRY | optional(swap),
				  "memory.memsw.limit_in_bytes", "%s", number(b, swap, false));
	return 0;
}

/* v2 counts swap alone: convert. */
static int limit_v2(struct limits_builder *b, int place, int64_t limit, int64_t swap, struct err *e)
{
	unsigned check = b->limits->memory_check_before_update ? CGROUP_WRITE_CHECK : 0;

	if (swap > 0 && !limit)
		return err_config(e, "memory.swap: cgroup v2 limits swap alone, so memory.limit is "
				     "needed to convert memory+swap");
	/* Swap before memory: a lower memory.max pushes pages out, which should have a place to go.
	 */
	if (limit == -1 && !swap)
		swap = -1;
	if (swap) {
		int64_t alone = swap > 0 && limit > 0 ? swap - limit : swap;
		/* No swap in the kernel: 0 and "max" hold by themselves. */
		cgroup_plan_write(b, place, alone <= 0 ? CGROUP_WRITE_OPTIONAL : 0u,
				  "memory.swap.max", "%s", number(b, alone, true));
	}
	if (limit)
		cgroup_plan_write(b, place, check | optional(limit), "memory.max", "%s",
				  number(b, limit, true));
	return 0;
}

/* Docker sends disableOOMKiller: false with every container, which a new one has anyway. */
static bool wants_oom_control(const struct limits_builder *b)
{
	const struct cgroup_limits *l = b->limits;

	return l->memory_oom_kill_disable_set && (l->memory_oom_kill_disable || b->update);
}

/* What v2 does not have. */
static int plan_v1_only(struct limits_builder *b, int place, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	bool v2 = b->set->places[place].v2;

	if (l->memory_swappiness.set) {
		if (l->memory_swappiness.value > 100)
			return err_config(e, "memory.swappiness: %llu is above 100",
					  (unsigned long long)l->memory_swappiness.value);
		if (v2)
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "memory.swappiness: cgroup v2 has no such setting");
		cgroup_plan_write(b, place, 0, "memory.swappiness", "%llu",
				  (unsigned long long)l->memory_swappiness.value);
	}
	if (wants_oom_control(b)) {
		if (v2 && !l->memory_oom_kill_disable)
			return 0;
		if (v2)
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "memory.disableOOMKiller: cgroup v2 cannot do without it");
		cgroup_plan_write(b, place, 0, "memory.oom_control", "%d",
				  l->memory_oom_kill_disable);
	}
	return 0;
}

int cgroup_plan_memory(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	int64_t limit = value_of(&l->memory_limit_bytes), swap = value_of(&l->memory_swap_bytes);
	int64_t reservation = value_of(&l->memory_reservation_bytes);

	/* Memory has been counted with the children's on every kernel since 5.11, v1 or v2. */
	if (l->memory_use_hierarchy_set && !l->memory_use_hierarchy)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "memory.useHierarchy: kernels since 5.11 know only true");
	if (!limit && !swap && !reservation && !l->memory_swappiness.set && !wants_oom_control(b))
		return 0;
	if (check_range("limit", limit, e) < 0 || check_range("swap", swap, e) < 0 ||
	    check_range("reservation", reservation, e) < 0)
		return -1;
	if (swap > 0 && limit > 0 && swap < limit)
		return err_config(e,
				  "memory.swap: %lld is memory+swap and cannot be below "
				  "memory.limit, %lld",
				  (long long)swap, (long long)limit);
	if (swap > 0 && !limit && !b->update)
		return err_config(e, "memory.swap: it is memory+swap and needs memory.limit");
	bool needed = limit > 0 || swap > 0 || reservation > 0 || l->memory_swappiness.set ||
		      wants_oom_control(b);
	int place = needed ? cgroup_plan_place(b, CGROUP_MEMORY, "memory", e)
			   : cgroup_set_find(b->set, CGROUP_MEMORY);
	if (place < 0)
		return needed ? -1 : 0;
	bool v2 = b->set->places[place].v2;
	if (plan_v1_only(b, place, e) < 0)
		return -1;
	if ((v2 ? limit_v2(b, place, limit, swap, e) : limit_v1(b, place, limit, swap)) < 0)
		return -1;
	/* v1: the size that is left alone when memory is short; none means that the container is
	 * never shrunk for being above it, which is the default. v2: the size that is protected;
	 * its default is 0, and "max" would be the very opposite. */
	if (reservation && v2)
		cgroup_plan_write(b, place, optional(reservation), "memory.low", "%lld",
				  reservation < 0 ? 0LL : (long long)reservation);
	else if (reservation)
		cgroup_plan_write(b, place, optional(reservation), "memory.soft_limit_in_bytes",
				  "%s", number(b, reservation, false));
	return 0;
}
