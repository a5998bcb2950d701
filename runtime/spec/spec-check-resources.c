/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/spec/spec-tables.h"

static int check_memory(struct spec_check *c, const struct spec_memory *m)
{
	if (!m)
		return 0;
	/* swap counts memory and swap together, a frequent surprise. */
	if (m->swap_bytes.set && m->limit_bytes.set && m->swap_bytes.value >= 0 &&
	    (m->limit_bytes.value < 0 || m->swap_bytes.value < m->limit_bytes.value))
		return spec_check_fail(
			spec_check_at(c, "memory.swap"),
			"%lld is below memory.limit (%lld): it is the limit of memory "
			"and swap together",
			(long long)m->swap_bytes.value, (long long)m->limit_bytes.value);
	return 0;
}

static int check_list(struct spec_check *c, const char *value, unsigned max, const char *path)
{
	const char *wrong = value ? spec_list_parse(value, max, NULL, NULL) : NULL;

	if (!wrong)
		return 0;
	return spec_check_fail(spec_check_at(c, "%s", path), "\"%.*s\" %s", SHOWN(value), wrong);
}

static int check_cpu(struct spec_check *c, const struct spec_cpu *p)
{
	if (!p)
		return 0;
	if (p->quota_usec.set && p->quota_usec.value > 0 && p->burst_usec.set &&
	    p->burst_usec.value > (uint64_t)p->quota_usec.value)
		return spec_check_fail(spec_check_at(c, "cpu.burst"),
				       "%llu is above cpu.quota (%lld)",
				       (unsigned long long)p->burst_usec.value,
				       (long long)p->quota_usec.value);
	if (p->realtime_runtime_usec.set && p->realtime_period_usec.set &&
	    p->realtime_runtime_usec.value > 0 &&
	    (uint64_t)p->realtime_runtime_usec.value > p->realtime_period_usec.value)
		return spec_check_fail(spec_check_at(c, "cpu.realtimeRuntime"),
				       "%lld is above cpu.realtimePeriod (%llu)",
				       (long long)p->realtime_runtime_usec.value,
				       (unsigned long long)p->realtime_period_usec.value);
	if (check_list(c, p->cpus, SPEC_CPU_MAX, "cpu.cpus") < 0)
		return -1;
	return check_list(c, p->mems, SPEC_NODE_MAX, "cpu.mems");
}

static int check_block_io(struct spec_check *c, const struct spec_block_io *b)
{
	for (size_t i = 0; b && i < b->weight_devices_count; i++) {
		if (!b->weight_devices[i].weight.set && !b->weight_devices[i].leaf_weight.set)
			return spec_check_fail(spec_check_at(c, "blockIO.weightDevice[%zu]", i),
					       "needs weight or leafWeight");
	}
	return 0;
}

/* [1-9][0-9]*[KMG]B, as the control files are named. */
static bool page_size_valid(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 8 && text[0] != '0' && text[digits] &&
	       strchr("KMG", text[digits]) && strcmp(text + digits + 1, "B") == 0;
}

static int check_hugepages(struct spec_check *c, const struct spec_resources *r)
{
	for (size_t i = 0; i < r->hugepage_limits_count; i++) {
		const char *size = r->hugepage_limits[i].page_size;
		spec_check_at(c, "hugepageLimits[%zu].pageSize", i);
		if (!page_size_valid(size))
			return spec_check_fail(c, "\"%.*s\" is not of the form 64KB, 2MB or 1GB",
					       SHOWN(size));
		for (size_t k = 0; k < i; k++) {
			if (strcmp(r->hugepage_limits[k].page_size, size) == 0)
				return spec_check_fail(c, "%s is listed twice", size);
		}
	}
	return 0;
}

static int check_network(struct spec_check *c, const struct spec_network *n)
{
	for (size_t i = 0; n && i < n->priorities_count; i++) {
		if (!spec_interface_name(n->priorities[i].name, false))
			return spec_check_fail(spec_check_at(c, "network.priorities[%zu].name", i),
					       "\"%.*s\" is not a valid name of a network device",
					       SHOWN(n->priorities[i].name));
	}
	return 0;
}

static int check_rdma(struct spec_check *c, const struct spec_resources *r)
{
	for (size_t i = 0; i < r->rdma_count; i++) {
		const struct spec_rdma *d = &r->rdma[i];
		spec_check_at(c, "rdma[\"%.*s\"]", SHOWN(d->device));
		if (!d->hca_handles.set && !d->hca_objects.set)
			return spec_check_fail(c, "needs hcaHandles or hcaObjects");
		/* The device and its limits share one line of the control file. */
		if (!spec_text_printable(d->device) || strchr(d->device, ' '))
			return spec_check_fail(c, "is not a valid name of a device");
	}
	return 0;
}

/* Files that act on processes: written by husk at their time, never as a resource. */
static bool is_action(const char *file)
{
	static const char *const actions[] = {
		"cgroup.procs",  "cgroup.threads",         "cgroup.kill",
		"cgroup.freeze", "cgroup.subtree_control", "cgroup.type"
	};

	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(file, actions[i]) == 0)
			return true;
	}
	return false;
}

static int check_unified(struct spec_check *c, const struct spec_resources *r)
{
	for (size_t i = 0; i < r->unified_count; i++) {
		const char *file = r->unified[i].key, *dot = strchr(file, '.');
		spec_check_at(c, "unified[\"%.*s\"]", SHOWN(file));
		if (strchr(file, '/') || !dot || dot == file || !dot[1] ||
		    !spec_text_printable(file))
			return spec_check_fail(c, "is not the name of a cgroup v2 file, such as "
						  "memory.high");
		if (is_action(file))
			return spec_check_fail(c, "is no resource limit");
	}
	return 0;
}

int spec_check_resources(struct spec_check *c, const struct spec_resources *r)
{
	if (check_memory(c, r->memory) < 0 || check_cpu(c, r->cpu) < 0 ||
	    check_block_io(c, r->block_io) < 0)
		return -1;
	if (check_hugepages(c, r) < 0 || check_network(c, r->network) < 0 || check_rdma(c, r) < 0)
		return -1;
	return check_unified(c, r);
}
