/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <string.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif
/* The kernel refuses a deadline runtime below 1 << DL_SCALE nanoseconds. */
#define DEADLINE_RUNTIME_MIN 1024

static int check_rlimits(struct spec_check *c, const struct spec_process *p)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < p->rlimits_count; i++) {
		const struct spec_rlimit *r = &p->rlimits[i];
		const char *name = json_enum_name(&spec_rlimit_names, (uint64_t)r->resource);
		spec_check_at(c, "rlimits[%zu]", i);
		if (!name)
			return spec_check_fail(c, "unknown resource %d", r->resource);
		if (seen >> r->resource & 1)
			return spec_check_fail(c, "%s is set twice", name);
		seen |= 1u << r->resource;
		if (r->soft > r->hard)
			return spec_check_fail(c, "%s: soft (%llu) is above hard (%llu)", name,
					       (unsigned long long)r->soft,
					       (unsigned long long)r->hard);
	}
	return 0;
}

/* Times of a deadline process: runtime <= deadline <= period (0: as the deadline). */
static int check_deadline(struct spec_check *c, const struct spec_scheduler *s)
{
	uint64_t period = s->period_nsec ? s->period_nsec : s->deadline_nsec;

	if (s->runtime_nsec < DEADLINE_RUNTIME_MIN)
		return spec_check_fail(spec_check_at(c, "scheduler.runtime"),
				       "must be at least 1024 nanoseconds with SCHED_DEADLINE");
	if (s->runtime_nsec > s->deadline_nsec)
		return spec_check_fail(spec_check_at(c, "scheduler.deadline"),
				       "must be at least runtime (%llu)",
				       (unsigned long long)s->runtime_nsec);
	if (s->deadline_nsec > period)
		return spec_check_fail(spec_check_at(c, "scheduler.period"),
				       "must be at least deadline (%llu)",
				       (unsigned long long)s->deadline_nsec);
	/* The kernel uses the sign bit. */
	if (period >> 63)
		return spec_check_fail(spec_check_at(c, "scheduler.period"), "is too large");
	return 0;
}

static int check_priority(struct spec_check *c, const struct spec_scheduler *s, bool realtime,
			  const char *policy)
{
	if (realtime && s->priority.value < 1)
		return spec_check_fail(spec_check_at(c, "scheduler.priority"),
				       "%s needs a priority of 1 to 99", policy);
	if (!realtime && s->priority.value)
		return spec_check_fail(spec_check_at(c, "scheduler.priority"),
				       "%s has none: only SCHED_FIFO and SCHED_RR do", policy);
	return 0;
}

static int check_scheduler(struct spec_check *c, const struct spec_scheduler *s)
{
	const char *policy = json_enum_name(&spec_scheduler_policies, (uint64_t)s->policy);
	bool realtime = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	bool deadline = s->policy == SCHED_DEADLINE;

	if (s->policy == SPEC_SCHED_ISO)
		return spec_check_refuse(spec_check_at(c, "scheduler.policy"),
					 "Linux reserves SCHED_ISO without implementing it: use "
					 "SCHED_RR or SCHED_OTHER");
	if (check_priority(c, s, realtime, policy) < 0)
		return -1;
	if ((realtime || deadline) && s->nice.value)
		return spec_check_fail(spec_check_at(c, "scheduler.nice"),
				       "has no effect with %s: remove it", policy);
	if (deadline)
		return check_deadline(c, s);
	if (s->runtime_nsec || s->deadline_nsec || s->period_nsec)
		return spec_check_fail(spec_check_at(c, "scheduler"),
				       "runtime, deadline and period need SCHED_DEADLINE, not %s",
				       policy);
	if (s->flags & (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN))
		return spec_check_fail(spec_check_at(c, "scheduler.flags"),
				       "SCHED_FLAG_RECLAIM and SCHED_FLAG_DL_OVERRUN need "
				       "SCHED_DEADLINE");
	return 0;
}

int spec_check_process(struct spec_check *c, const struct spec_process *p)
{
	if (spec_check_absolute(c, p->cwd, "cwd") < 0)
		return -1;
	if (!p->args.count)
		return spec_check_fail(spec_check_at(c, "args"), "must name the program to run");
	if (!p->args.items[0][0])
		return spec_check_fail(spec_check_at(c, "args[0]"), "must not be empty");
	if (spec_check_env(c, &p->env, "env") < 0 || check_rlimits(c, p) < 0)
		return -1;
	if (p->scheduler && check_scheduler(c, p->scheduler) < 0)
		return -1;
	/* Both go to files of procfs, in which a newline would end the value. */
	if (spec_check_printable(c, p->apparmor_profile, "apparmorProfile") < 0)
		return -1;
	return spec_check_printable(c, p->selinux_label, "selinuxLabel");
}
