/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: by control group where one can be made, by the process's own limits where they mean the
 * same or nearly so, and else refused. Wall time and output are the supervisor's.
 */
#include <string.h>
#include <sys/resource.h>

#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/spec-tables.h"
#include "src/cgroup/cgroup.h"

#define CPU_PERIOD_USEC 100000
#define RLIMITS_ROOM    24

static void set_rlimit(struct sandbox_builder *b, int resource, uint64_t soft, uint64_t hard)
{
	struct spec_process *p = b->spec->process;

	/* The last one counts: a limit by name is given after those that have options of their own.
	 */
	for (size_t i = 0; i < p->rlimits_count; i++) {
		if (p->rlimits[i].resource == resource) {
			p->rlimits[i] = (struct spec_rlimit){ resource, soft, hard };
			return;
		}
	}
	if (p->rlimits_count < RLIMITS_ROOM)
		p->rlimits[p->rlimits_count++] = (struct spec_rlimit){ resource, soft, hard };
}

static void add_rlimits(struct sandbox_builder *b)
{
	const struct sandbox_limits *l = &b->sandbox->limits;
	const struct {
		const struct opt_u64 *value;
		int resource;
	} simple[] = {
		{ &l->file_bytes, RLIMIT_FSIZE },
		{ &l->open_files, RLIMIT_NOFILE },
		{ &l->stack_bytes, RLIMIT_STACK },
		{ &l->address_bytes, RLIMIT_AS },
	};
	/* A core file is a copy of everything that the program knew; it may also go to a program of
	 * the host (core(5)), which 0 does not prevent, but 1 does (fs/coredump.c). */
	uint64_t core = l->core_bytes.set && l->core_bytes.value > 1 ? l->core_bytes.value : 1;

	set_rlimit(b, RLIMIT_CORE, core, core);
	for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
		if (simple[i].value->set)
			set_rlimit(b, simple[i].resource, simple[i].value->value,
				   simple[i].value->value);
	}
	if (l->cpu_msec.set) {
		/* Whole seconds, and of each process alone: the group's clock is what counts where
		 * there is one. One second later the signal is one that cannot be caught. */
		uint64_t seconds = (l->cpu_msec.value + 999) / 1000;
		if (b->made->cgroup)
			seconds++;
		else
			sandbox_note(
				b,
				"limits.cpuTimeMsec: of each process alone and in whole seconds, "
				"by RLIMIT_CPU");
		set_rlimit(b, RLIMIT_CPU, seconds, seconds + 1);
	}
	for (size_t i = 0; i < l->rlimits_count; i++) {
		const struct sandbox_rlimit *r = &l->rlimits[i];
		set_rlimit(b, sandbox_rlimit_parse(r->type),
			   r->soft.set ? r->soft.value : RLIM_INFINITY,
			   r->hard.set ? r->hard.value : RLIM_INFINITY);
	}
}

static int without_group(struct sandbox_builder *b, const char *what, struct err *e)
{
	return sandbox_weaken(
		b, e,
		"%s: needs a control group that this user may make (root, or a delegated "
		"part of cgroup v2)",
		what);
}

static int add_memory(struct sandbox_builder *b, struct spec_resources *r, struct err *e)
{
	const struct sandbox_limits *l = &b->sandbox->limits;

	if (!l->memory_bytes.set)
		return 0;
	if (!b->made->cgroup) {
		if (without_group(b, "limits.memoryBytes", e) < 0)
			return -1;
		set_rlimit(b, RLIMIT_AS, l->memory_bytes.value, l->memory_bytes.value);
		return 0;
	}
	r->memory = arena_new(b->arena, struct spec_memory);
	if (!r->memory)
		return arena_check(b->arena, e);
	r->memory->limit_bytes = (struct opt_i64){ true, (int64_t)l->memory_bytes.value };
	/* v1 has nothing like it: there the supervisor kills the rest when it hears of the first. */
	if (b->host->cgroup_v2) {
		r->unified = arena_new(b->arena, struct key_value);
		if (!r->unified)
			return arena_check(b->arena, e);
		*r->unified = (struct key_value){ arena_strdup(b->arena, "memory.oom.group"),
						  arena_strdup(b->arena, "1") };
		r->unified_count = 1;
	}
	/* Memory and swap together. Where there is no swap its files are often missing, too. */
	if (b->host->swap)
		r->memory->swap_bytes = (struct opt_i64){
			true, (int64_t)(l->memory_bytes.value +
					(l->swap_bytes.set ? l->swap_bytes.value : 0))
		};
	return 0;
}

static int add_pids(struct sandbox_builder *b, struct spec_resources *r, struct err *e)
{
	const struct opt_u64 *pids = &b->sandbox->limits.pids;

	if (!pids->set)
		return 0;
	/* One more for pid 1, which is husk's. */
	if (b->made->cgroup) {
		r->pids_limit = (struct opt_i64){ true, (int64_t)pids->value + 1 };
		return 0;
	}
	/* The kernel does not hold its own root to it. */
	if (b->host->uid == 0)
		return without_group(b, "limits.pids", e);
	sandbox_note(b, "limits.pids: by RLIMIT_NPROC in the user namespace");
	set_rlimit(b, RLIMIT_NPROC, pids->value + 1, pids->value + 1);
	return 0;
}

static int add_cpus(struct sandbox_builder *b, struct spec_resources *r, struct err *e)
{
	const struct sandbox_limits *l = &b->sandbox->limits;

	if (l->cpu_list) {
		const char *wrong = spec_list_parse(l->cpu_list, SPEC_CPU_MAX, b->arena,
						    &b->spec->sandbox->cpus);
		if (wrong)
			return err_config(e, "limits.cpuList: \"%s\" %s", l->cpu_list, wrong);
	}
	if (!l->cpu_millis.set && !l->cpu_share.set)
		return 0;
	if (!b->made->cgroup)
		return without_group(b, l->cpu_millis.set ? "limits.cpuMillis" : "limits.cpuShare",
				     e);
	r->cpu = arena_new(b->arena, struct spec_cpu);
	if (!r->cpu)
		return arena_check(b->arena, e);
	r->cpu->shares = l->cpu_share;
	if (!l->cpu_millis.set)
		return 0;
	r->cpu->period_usec = (struct opt_u64){ true, CPU_PERIOD_USEC };
	r->cpu->quota_usec =
		(struct opt_i64){ true, (int64_t)(l->cpu_millis.value * CPU_PERIOD_USEC / 1000) };
	return 0;
}

static int add_nice(struct sandbox_builder *b, struct err *e)
{
	struct spec_scheduler *scheduler;

	if (!b->sandbox->limits.nice.set)
		return 0;
	scheduler = arena_new(b->arena, struct spec_scheduler);
	if (!scheduler)
		return arena_check(b->arena, e);
	scheduler->nice = b->sandbox->limits.nice;
	b->spec->process->scheduler = scheduler;
	return 0;
}

bool sandbox_wants_group(const struct sandbox *s)
{
	const struct sandbox_limits *l = &s->limits;

	return l->memory_bytes.set || l->pids.set || l->cpu_millis.set || l->cpu_share.set ||
	       l->cpu_msec.set || l->cgroup_parent || (s->report && !s->no_report);
}

int sandbox_limits_make(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox_limits *l = &b->sandbox->limits;
	struct spec_resources *r = arena_new(b->arena, struct spec_resources);

	b->spec->process->rlimits = arena_new_array(b->arena, RLIMITS_ROOM, struct spec_rlimit);
	if (!r || !b->spec->process->rlimits)
		return arena_check(b->arena, e);
	b->made->cgroup = b->host->cgroup && sandbox_wants_group(b->sandbox);
	if (l->cgroup_parent && !b->made->cgroup &&
	    sandbox_weaken(b, e,
			   "limits.cgroupParent: %s is no control group in which this user may "
			   "make others",
			   l->cgroup_parent) < 0)
		return -1;
	b->spec->sandbox->cgroup_parent = l->cgroup_parent;
	b->spec->linux_config->resources = r;
	b->spec->sandbox->controllers = CGROUP_CPUACCT | CGROUP_MEMORY |
					(l->pids.set ? CGROUP_PIDS : 0u) |
					(l->cpu_millis.set || l->cpu_share.set ? CGROUP_CPU : 0u);
	b->spec->process->oom_score_adj = l->oom_score;
	add_rlimits(b);
	if (add_memory(b, r, e) < 0 || add_pids(b, r, e) < 0 || add_cpus(b, r, e) < 0)
		return -1;
	return add_nice(b, e);
}
