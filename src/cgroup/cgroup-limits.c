/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-limits.h"

#include <net/if.h>
#include <stdarg.h>
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup-plan.h"

/* From limits to writes: the common parts, and the resources that take a line or two. */

#define VALUE_MAX 512

int cgroup_plan_place(struct limits_builder *b, uint32_t controller, const char *what,
		      struct err *e)
{
	int i = cgroup_set_find(b->set, controller);
	char name[32];

	if (i < 0) {
		cgroup_controllers_print(controller, cgroup_set_v2(b->set) >= 0, ',', name,
					 sizeof name);
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: the %s controller is not available on this host", what, name);
	}
	if (b->set->places[i].v2)
		b->plan->require |= controller;
	return i;
}

static struct cgroup_write *append(struct limits_builder *b)
{
	struct cgroup_limits_plan *plan = b->plan;

	if (plan->writes_count == b->room) {
		size_t room = b->room ? b->room * 2 : 32;
		struct cgroup_write *bigger = arena_new_array(b->a, room, struct cgroup_write);
		if (!bigger)
			return NULL; /* sticky: checked at the end */
		if (b->room)
			memcpy(bigger, b->writes, b->room * sizeof *bigger);
		b->writes = bigger;
		b->room = room;
		plan->writes = bigger;
	}
	return &b->writes[plan->writes_count++];
}

void cgroup_plan_write(struct limits_builder *b, int place, unsigned flags, const char *file,
		       const char *format, ...)
{
	struct cgroup_write *w = append(b);
	char value[VALUE_MAX];
	va_list args;

	if (!w)
		return;
	va_start(args, format);
	text_vformat(value, sizeof value, format, args);
	va_end(args);
	*w = (struct cgroup_write){
		.place = (uint8_t)place,
		.flags = (uint8_t)flags,
		.file = file,
		.value = arena_strdup(b->a, value),
	};
	/* "No limit" is what a new cgroup has anyway. */
	if (!(flags & CGROUP_WRITE_DEVICE) && !text_equal(value, "-1") &&
	    !text_starts(value, "max"))
		b->plan->limited = true;
}

static int plan_pids(struct limits_builder *b, struct err *e)
{
	const struct cgroup_s64 *limit = &b->limits->pids_limit;

	if (!limit->set)
		return 0;
	if (limit->value < 0) {
		/* Where nothing can limit, nothing does. */
		int maybe = cgroup_set_find(b->set, CGROUP_PIDS);
		if (maybe >= 0)
			cgroup_plan_write(b, maybe, CGROUP_WRITE_LATE | CGROUP_WRITE_OPTIONAL,
					  "pids.max", "max");
		return 0;
	}
	int place = cgroup_plan_place(b, CGROUP_PIDS, "pids.limit", e);
	if (place < 0)
		return -1;
	cgroup_plan_write(b, place, CGROUP_WRITE_LATE, "pids.max", "%lld", (long long)limit->value);
	return 0;
}

/* The size is part of a file name: "2MB", "1GB", "64KB". */
static bool page_size_ok(const char *size)
{
	size_t digits = strspn(size, "0123456789");

	return digits > 0 && digits < 10 && *size != '0' && strchr("KMG", size[digits]) &&
	       text_equal(size + digits + (size[digits] != '\0'), "B");
}

static int plan_hugetlb(struct limits_builder *b, struct err *e)
{
	for (size_t i = 0; i < b->limits->hugetlb_count; i++) {
		const struct cgroup_hugetlb *h = &b->limits->hugetlb[i];
		if (!page_size_ok(h->page_size))
			return err_config(e,
					  "hugepageLimits: page size \"%s\" is not of the form "
					  "2MB or 1GB",
					  h->page_size);
		int place = cgroup_plan_place(b, CGROUP_HUGETLB, "hugepageLimits", e);
		if (place < 0)
			return -1;
		const char *suffix = b->set->places[place].v2 ? "max" : "limit_in_bytes";
		/* The limit on reservations, where the kernel has it (5.7), stops a program when it
		 * maps; the one on use kills it when it touches. */
		cgroup_plan_write(b, place, CGROUP_WRITE_OPTIONAL,
				  arena_format(b->a, "hugetlb.%s.rsvd.%s", h->page_size, suffix),
				  "%llu", (unsigned long long)h->limit_bytes);
		cgroup_plan_write(b, place, 0,
				  arena_format(b->a, "hugetlb.%s.%s", h->page_size, suffix), "%llu",
				  (unsigned long long)h->limit_bytes);
	}
	return 0;
}

/* net_cls and net_prio exist on v1 only; the v2 way is eBPF, which no runtime configuration
 * describes. */
static int plan_network(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;

	if (l->net_class_id.set && l->net_class_id.value) {
		int place = cgroup_plan_place(b, CGROUP_NET_CLS, "network.classID", e);
		if (place < 0)
			return -1;
		cgroup_plan_write(b, place, 0, "net_cls.classid", "%llu",
				  (unsigned long long)l->net_class_id.value);
	}
	for (size_t i = 0; i < l->net_priorities_count; i++) {
		const struct cgroup_net_priority *p = &l->net_priorities[i];
		int place = cgroup_plan_place(b, CGROUP_NET_PRIO, "network.priorities", e);
		if (place < 0)
			return -1;
		if (!*p->interface || strlen(p->interface) >= IFNAMSIZ ||
		    strpbrk(p->interface, " \t\n/"))
			return err_config(e,
					  "network.priorities: \"%s\" is not the name of a "
					  "network interface",
					  p->interface);
		cgroup_plan_write(b, place, 0, "net_prio.ifpriomap", "%s %u", p->interface,
				  p->priority);
	}
	return 0;
}

static int plan_rdma(struct limits_builder *b, struct err *e)
{
	for (size_t i = 0; i < b->limits->rdma_count; i++) {
		const struct cgroup_rdma *r = &b->limits->rdma[i];
		char handles[40] = "", objects[40] = "";
		int place = cgroup_plan_place(b, CGROUP_RDMA, "rdma", e);
		if (place < 0)
			return -1;
		if (!*r->device || strlen(r->device) > 128 || strpbrk(r->device, " \t\n"))
			return err_config(e, "rdma: \"%s\" is not the name of a device", r->device);
		if (r->hca_handles.set)
			text_format(handles, sizeof handles, " hca_handle=%llu",
				    (unsigned long long)r->hca_handles.value);
		if (r->hca_objects.set)
			text_format(objects, sizeof objects, " hca_object=%llu",
				    (unsigned long long)r->hca_objects.value);
		if (*handles || *objects)
			cgroup_plan_write(b, place, 0, "rdma.max", "%s%s%s", r->device, handles,
					  objects);
	}
	return 0;
}

/* ---- unified ---- */

/* "memory.max" needs the controller that is its first part; cgroup.* belongs to v2 itself. */
static int unified_controller(struct limits_builder *b, int v2, const char *file, struct err *e)
{
	const struct cgroup_place *place = &b->set->places[v2];
	const char *dot = strchr(file, '.');
	char name[64];

	if (strchr(file, '/') || !dot || dot == file)
		return err_config(e,
				  "unified: key \"%s\" is not a file name of the form "
				  "CONTROLLER.NAME",
				  file);
	text_format(name, sizeof name, "%.*s", (int)(dot - file), file);
	/* irq.pressure comes with the kernel's pressure accounting, without a controller. */
	if (text_equal(name, "cgroup") || text_equal(name, "irq"))
		return 0;
	uint32_t controller = cgroup_controllers_parse(name, "");
	if (controller == CGROUP_OTHER || !(controller & place->controllers))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "unified: key \"%s\": the %s controller is not available in the "
			       "cgroup v2 hierarchy of this host",
			       file, name);
	b->plan->require |= controller;
	return 0;
}

static int plan_unified(struct limits_builder *b, struct err *e)
{
	const struct cgroup_named_list *list = &b->limits->unified;
	int v2 = cgroup_set_v2(b->set);

	if (list->count && v2 < 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "unified: this host has no cgroup v2 hierarchy");
	for (size_t i = 0; i < list->count; i++) {
		const char *file = list->items[i].name, *value = list->items[i].value;
		if (unified_controller(b, v2, file, e) < 0)
			return -1;
		/* At the same time as pids.limit, over which it has the last word. */
		unsigned flags = text_equal(file, "pids.max") ? CGROUP_WRITE_LATE : 0;
		/* The kernel takes one line per write: io.max has one for each device. */
		while (*value) {
			size_t n = strcspn(value, "\n");
			if (n >= VALUE_MAX)
				return err_config(e, "unified: value of \"%s\" is too long", file);
			if (n)
				cgroup_plan_write(b, v2, flags, file, "%.*s", (int)n, value);
			value += n + (value[n] == '\n');
		}
	}
	return 0;
}

/* ---- the whole ---- */

int cgroup_limits_plan(const struct cgroup_limits *limits, const struct cgroup_set *set,
		       bool update, struct arena *a, struct cgroup_limits_plan *plan, struct err *e)
{
	/* Devices first: nothing may be opened before the list is in force. Unified last: it is
	 * what the user wants to have the final word. */
	static int (*const parts[])(struct limits_builder *, struct err *) = {
		cgroup_plan_devices, cgroup_plan_memory, cgroup_plan_cpu,
		cgroup_plan_blkio,   plan_hugetlb,       plan_network,
		plan_rdma,           plan_pids,          plan_unified,
	};
	struct limits_builder b = {
		.limits = limits,
		.set = set,
		.update = update,
		.a = a,
		.plan = plan,
	};

	*plan = (struct cgroup_limits_plan){
		.devices_optional = limits->devices_optional,
		.update = update,
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (parts[i](&b, e) < 0)
			return -1;
	return arena_check(a, e);
}
