/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-usage.h"

#include "src/cgroup/cgroup-file.h"

#define USEC 1000ull

/* The place of @controller, or NULL. */
static const struct cgroup_place *place_of(const struct cgroup_set *set, uint32_t controller)
{
	int index = cgroup_set_find(set, controller);

	return index < 0 ? NULL : &set->places[index];
}

static uint64_t keyed(const char *text, const char *key)
{
	uint64_t value = 0;

	return cgroup_text_find(text, key, &value) < 0 ? 0 : value;
}

static void read_cpu(const struct cgroup_set *set, struct cgroup_usage *u)
{
	const struct cgroup_place *p = place_of(set, CGROUP_CPUACCT);
	char text[2048];

	/* v2 counts in every group, whatever controllers it has. */
	if (!p && cgroup_set_v2(set) >= 0)
		p = &set->places[cgroup_set_v2(set)];
	if (!p)
		return;
	if (p->v2) {
		if (cgroup_file_read(p, "cpu.stat", text, sizeof text) < 0)
			return;
		u->cpu_nsec = keyed(text, "usage_usec") * USEC;
		u->cpu_user_nsec = keyed(text, "user_usec") * USEC;
		u->cpu_system_nsec = keyed(text, "system_usec") * USEC;
		u->has_cpu = true;
		return;
	}
	u->has_cpu = cgroup_file_read_u64(p, "cpuacct.usage", &u->cpu_nsec) == 0;
	(void)cgroup_file_read_u64(p, "cpuacct.usage_user", &u->cpu_user_nsec);
	(void)cgroup_file_read_u64(p, "cpuacct.usage_sys", &u->cpu_system_nsec);
}

static void read_memory(const struct cgroup_set *set, struct cgroup_usage *u)
{
	const struct cgroup_place *p = place_of(set, CGROUP_MEMORY);
	char text[1024];

	if (!p || cgroup_file_read(p, p->v2 ? "memory.events" : "memory.oom_control", text,
				   sizeof text) < 0)
		return;
	u->has_memory = true;
	u->oom_kills = keyed(text, "oom_kill");
	(void)cgroup_file_read_u64(p, p->v2 ? "memory.peak" : "memory.max_usage_in_bytes",
				   &u->memory_peak_bytes);
}

static void read_pids(const struct cgroup_set *set, struct cgroup_usage *u)
{
	const struct cgroup_place *p = place_of(set, CGROUP_PIDS);
	char text[256];

	if (!p || cgroup_file_read(p, "pids.events", text, sizeof text) < 0)
		return;
	u->has_pids = true;
	u->pids_refused = keyed(text, "max");
}

void cgroup_usage_read(const struct cgroup_set *set, struct cgroup_usage *usage)
{
	*usage = (struct cgroup_usage){ 0 };
	read_cpu(set, usage);
	read_memory(set, usage);
	read_pids(set, usage);
}

uint64_t cgroup_usage_cpu(const struct cgroup_set *set)
{
	struct cgroup_usage usage = { 0 };

	read_cpu(set, &usage);
	return usage.cpu_nsec;
}
