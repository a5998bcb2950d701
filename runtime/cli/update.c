/* SPDX-License-Identifier: Apache-2.0 */
/* update: other limits for a container that exists. */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/plan/plan-cgroup.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

struct update_options {
	const char *resources, *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_share,
		*cpu_rt_period, *cpu_rt_runtime, *cpus, *mems, *cpu_idle, *memory,
		*memory_reservation, *memory_swap, *pids_limit, *l3_cache_schema, *mem_bw_schema;
};

#define AT(member) offsetof(struct update_options, member)

static const struct option_row rows[] = {
	{ "resources", 'r', OPTION_STRING, AT(resources), "FILE",
	  "resources object (JSON); - is standard input" },
	{ "blkio-weight", 0, OPTION_STRING, AT(blkio_weight), "N", "block I/O weight, 10 to 1000" },
	{ "cpu-period", 0, OPTION_STRING, AT(cpu_period), "USEC", "CPU period" },
	{ "cpu-quota", 0, OPTION_STRING, AT(cpu_quota), "USEC",
	  "CPU time per period; -1: no limit" },
	{ "cpu-burst", 0, OPTION_STRING, AT(cpu_burst), "USEC", "CPU time that may be saved up" },
	{ "cpu-share", 0, OPTION_STRING, AT(cpu_share), "N", "CPU shares (1024 is the default)" },
	{ "cpu-rt-period", 0, OPTION_STRING, AT(cpu_rt_period), "USEC", "realtime period" },
	{ "cpu-rt-runtime", 0, OPTION_STRING, AT(cpu_rt_runtime), "USEC", "realtime runtime" },
	{ "cpuset-cpus", 0, OPTION_STRING, AT(cpus), "LIST", "CPUs that may be used" },
	{ "cpuset-mems", 0, OPTION_STRING, AT(mems), "LIST", "memory nodes that may be used" },
	{ "cpu-idle", 0, OPTION_STRING, AT(cpu_idle), "0|1", "SCHED_IDLE for the whole container" },
	{ "kernel-memory", 0, OPTION_IGNORED_STRING, 0, "BYTES",
	  "accepted, obsolete in the kernel" },
	{ "kernel-memory-tcp", 0, OPTION_IGNORED_STRING, 0, "BYTES",
	  "accepted, obsolete in the kernel" },
	{ "memory", 0, OPTION_STRING, AT(memory), "BYTES", "memory limit; -1: none" },
	{ "memory-reservation", 0, OPTION_STRING, AT(memory_reservation), "BYTES",
	  "soft memory limit" },
	{ "memory-swap", 0, OPTION_STRING, AT(memory_swap), "BYTES",
	  "limit of memory and swap; -1: none" },
	{ "pids-limit", 0, OPTION_STRING, AT(pids_limit), "N",
	  "number of processes; -1: no limit" },
	{ "l3-cache-schema", 0, OPTION_STRING, AT(l3_cache_schema), "SCHEMA",
	  "Intel RDT (refused: not supported)" },
	{ "mem-bw-schema", 0, OPTION_STRING, AT(mem_bw_schema), "SCHEMA",
	  "Intel RDT (refused: not supported)" },
};

/* "64M", "1g" and plain bytes, as runc takes them for memory. */
static int parse_bytes(const char *text, int64_t *value)
{
	static const char units[] = "kmgt";
	char number[32];
	size_t n = strlen(text);
	int64_t scale = 1;

	if (n > 1 && (text[n - 1] == 'b' || text[n - 1] == 'B'))
		n--;
	const char *unit = n ? strchr(units, text[n - 1] | 0x20) : NULL;
	if (unit && *unit) {
		for (const char *u = units; u <= unit; u++)
			scale *= 1024;
		n--;
	}
	if (n >= sizeof number) {
		errno = EINVAL;
		return -1;
	}
	memcpy(number, text, n);
	number[n] = '\0';
	if (text_parse_i64(number, value) < 0)
		return -1;
	if (__builtin_mul_overflow(*value, scale, value)) {
		errno = ERANGE;
		return -1;
	}
	return 0;
}

static int take_i64(const char *text, const char *name, bool bytes, struct opt_i64 *out,
		    struct err *e)
{
	if (!text)
		return 0;
	if ((bytes ? parse_bytes(text, &out->value) : text_parse_i64(text, &out->value)) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a number%s", name, text,
			       bytes ? " of bytes" : "");
	out->set = true;
	return 0;
}

static int take_u64(const char *text, const char *name, struct opt_u64 *out, struct err *e)
{
	if (!text)
		return 0;
	if (text_parse_u64(text, &out->value) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a number from 0", name, text);
	out->set = true;
	return 0;
}

static int take_cpu(const struct update_options *o, struct spec_cpu *cpu, struct err *e)
{
	if (take_u64(o->cpu_share, "cpu-share", &cpu->shares, e) < 0 ||
	    take_i64(o->cpu_quota, "cpu-quota", false, &cpu->quota_usec, e) < 0 ||
	    take_u64(o->cpu_period, "cpu-period", &cpu->period_usec, e) < 0 ||
	    take_u64(o->cpu_burst, "cpu-burst", &cpu->burst_usec, e) < 0 ||
	    take_i64(o->cpu_rt_runtime, "cpu-rt-runtime", false, &cpu->realtime_runtime_usec, e) <
		    0 ||
	    take_u64(o->cpu_rt_period, "cpu-rt-period", &cpu->realtime_period_usec, e) < 0 ||
	    take_i64(o->cpu_idle, "cpu-idle", false, &cpu->idle, e) < 0)
		return -1;
	if (o->cpus)
		cpu->cpus = (char *)(uintptr_t)o->cpus;
	if (o->mems)
		cpu->mems = (char *)(uintptr_t)o->mems;
	return 0;
}

static int take_memory(const struct update_options *o, struct spec_memory *m, struct err *e)
{
	if (take_i64(o->memory, "memory", true, &m->limit_bytes, e) < 0 ||
	    take_i64(o->memory_reservation, "memory-reservation", true, &m->reservation_bytes, e) <
		    0)
		return -1;
	return take_i64(o->memory_swap, "memory-swap", true, &m->swap_bytes, e);
}

static int from_options(struct call *call, const struct update_options *o, struct spec_resources *r,
			struct err *e)
{
	struct opt_u64 weight = { 0 };

	if (!r->cpu)
		r->cpu = arena_new(call->arena, struct spec_cpu);
	if (!r->memory)
		r->memory = arena_new(call->arena, struct spec_memory);
	if (!r->block_io)
		r->block_io = arena_new(call->arena, struct spec_block_io);
	if (arena_check(call->arena, e) < 0)
		return -1;
	if (take_cpu(o, r->cpu, e) < 0 || take_memory(o, r->memory, e) < 0 ||
	    take_i64(o->pids_limit, "pids-limit", false, &r->pids_limit, e) < 0 ||
	    take_u64(o->blkio_weight, "blkio-weight", &weight, e) < 0)
		return -1;
	if (weight.set)
		r->block_io->weight = (struct opt_u32){ true, weight.value > UINT32_MAX
								      ? UINT32_MAX
								      : (uint32_t)weight.value };
	return spec_resources_check(r, "", e);
}

static int load(struct call *call, const struct update_options *o, struct spec_resources **r,
		struct err *e)
{
	if (o->l3_cache_schema || o->mem_bw_schema)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"update: Intel RDT (--l3-cache-schema, --mem-bw-schema) is not supported");
	if (!o->resources) {
		*r = arena_new(call->arena, struct spec_resources);
		return arena_check(call->arena, e);
	}
	if (text_equal(o->resources, "-"))
		return spec_resources_load(STDIN_FILENO, "standard input", call->arena, r, e);
	CLEAN_FD int fd = open(o->resources, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", o->resources);
	return spec_resources_load(fd, o->resources, call->arena, r, e);
}

static int update_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct update_options *o = options;
	struct container c;
	struct spec_resources *resources;
	struct cgroup_limits limits = { 0 };
	struct cgroup_limits_plan plan;

	(void)argc;
	if (load(call, o, &resources, e) < 0 || from_options(call, o, resources, e) < 0 ||
	    container_open(call, argv[0], true, &c, e) < 0 ||
	    container_expect(&c, 1u << STATE_CREATED | 1u << STATE_RUNNING | 1u << STATE_PAUSED,
			     "update", e) < 0)
		return -1;
	if (!c.state.cgroup_enabled)
		return err_set(e, ERR_UNSUPPORTED, 0, "update \"%s\": the container has no cgroup",
			       argv[0]);
	limits.devices_optional = c.state.namespaces & CLONE_NEWUSER;
	if (plan_cgroup_limits(resources, call->arena, &limits, e) < 0 ||
	    cgroup_limits_plan(&limits, &c.state.cgroup, true, call->arena, &plan, e) < 0)
		return -1;
	return cgroup_limits_apply(&plan, &c.state.cgroup, 0, CGROUP_APPLY_ALL, e);
}

const struct verb verb_update = {
	.name = "update",
	.arguments = "CONTAINER",
	.about = "Change the limits of a container",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct update_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = update_verb,
};
