/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup-plan.h"

/* The device list: which devices a container may use or make nodes of. */

#define RWM (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD)

const struct cgroup_device cgroup_devices_default[] = {
	/* Making a node is harmless where using it is refused. */
	{ true, 'c', -1, -1, CGROUP_DEVICE_MKNOD },
	{ true, 'b', -1, -1, CGROUP_DEVICE_MKNOD },
	{ true, 'c', 1, 3, RWM },    /* null */
	{ true, 'c', 1, 8, RWM },    /* random */
	{ true, 'c', 1, 7, RWM },    /* full */
	{ true, 'c', 5, 0, RWM },    /* tty */
	{ true, 'c', 1, 5, RWM },    /* zero */
	{ true, 'c', 1, 9, RWM },    /* urandom */
	{ true, 'c', 5, 1, RWM },    /* console */
	{ true, 'c', 136, -1, RWM }, /* pts/N */
	{ true, 'c', 5, 2, RWM },    /* ptmx */
	/* net/tun: runc 1.2.0 left it out and 1.2.4 put it back, since VPN programs make the node
	 * themselves and their engines cannot name it. */
	{ true, 'c', 10, 200, RWM },
};
const size_t cgroup_devices_default_count =
	sizeof cgroup_devices_default / sizeof cgroup_devices_default[0];

static int check_rule(const struct cgroup_device *d, struct err *e)
{
	if (d->type != 'a' && d->type != 'b' && d->type != 'c')
		return err_config(e, "devices: type \"%c\" is none of a, b, c", d->type);
	if (d->type == 'a' && (d->major >= 0 || d->minor >= 0))
		return err_config(
			e, "devices: type \"a\" stands for all devices and takes no numbers");
	if (d->major < -1 || d->major > UINT32_MAX || d->minor < -1 || d->minor > UINT32_MAX)
		return err_config(e, "devices: %lld:%lld is not a device number",
				  (long long)d->major, (long long)d->minor);
	return 0;
}

/* ---- v1 ---- */

/*
 * The kernel keeps a default and a list of exceptions. A rule against the default adds its bits to
 * the exception with the very same numbers, a rule with the default removes them from it, and does
 * nothing if there is none: a deny inside a wider allow would be lost without a word. This models
 * the list, so that such a rule is refused, and repeated ones cost no system call.
 */
struct v1_list {
	bool allow_default;
	size_t count;
	struct cgroup_device *exceptions;
};

static bool same_devices(const struct cgroup_device *a, const struct cgroup_device *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static bool numbers_meet(int64_t a, int64_t b)
{
	return a < 0 || b < 0 || a == b;
}

static bool overlap(const struct cgroup_device *a, const struct cgroup_device *b)
{
	return a->type == b->type && numbers_meet(a->major, b->major) &&
	       numbers_meet(a->minor, b->minor) && (a->access & b->access);
}

static bool covers(const struct cgroup_device *wide, const struct cgroup_device *narrow)
{
	return wide->type == narrow->type && (wide->major < 0 || wide->major == narrow->major) &&
	       (wide->minor < 0 || wide->minor == narrow->minor) &&
	       !(narrow->access & ~wide->access);
}

static const char *describe(const struct cgroup_device *d, char out[64])
{
	char major[16] = "*", minor[16] = "*";

	if (d->major >= 0)
		text_format(major, sizeof major, "%lld", (long long)d->major);
	if (d->minor >= 0)
		text_format(minor, sizeof minor, "%lld", (long long)d->minor);
	text_format(out, 64, "%c %s:%s %s%s%s", d->type, major, minor,
		    d->access & CGROUP_DEVICE_READ ? "r" : "",
		    d->access & CGROUP_DEVICE_WRITE ? "w" : "",
		    d->access & CGROUP_DEVICE_MKNOD ? "m" : "");
	return out;
}

/* A rule with the default: takes bits out of exceptions. 1 worth a write, 0 nothing to do, -1. */
static int v1_remove(struct v1_list *list, const struct cgroup_device *d, struct err *e)
{
	char rule[64], other[64];
	int found = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct cgroup_device *x = &list->exceptions[i];
		if (!overlap(x, d))
			continue;
		/* A wildcard that swallows an exception whole would have to remove that one by
		 * name: the caller's list says so more clearly. */
		if (!same_devices(x, d))
			return err_set(
				e, ERR_UNSUPPORTED, 0,
				"devices: cgroup v1 cannot %s %s after %s %s (a rule must name "
				"the same numbers as the one that it takes back)",
				d->allow ? "allow" : "deny", describe(d, rule),
				d->allow ? "deny" : "allow", describe(x, other));
		x->access &= ~d->access;
		found = 1;
	}
	return found;
}

static int v1_rule(struct limits_builder *b, int place, struct v1_list *list,
		   const struct cgroup_device *d, struct err *e)
{
	char line[64];
	int worth = 1;

	if (d->allow == list->allow_default) {
		worth = v1_remove(list, d, e);
	} else {
		for (size_t i = 0; i < list->count && worth; i++)
			worth = !covers(&list->exceptions[i], d);
		if (worth)
			list->exceptions[list->count++] = *d;
	}
	if (worth > 0)
		cgroup_plan_write(b, place, CGROUP_WRITE_DEVICE,
				  d->allow ? "devices.allow" : "devices.deny", "%s",
				  describe(d, line));
	return worth < 0 ? -1 : 0;
}

static int plan_v1(struct limits_builder *b, int place, struct err *e)
{
	const struct cgroup_limits *l = b->limits;
	struct v1_list list = { .allow_default = true };

	/* Twice: "a" with partial access becomes one rule for block and one for character devices.
	 */
	list.exceptions = arena_new_array(b->a, 2 * l->devices_count, struct cgroup_device);
	if (!list.exceptions)
		return arena_check(b->a, e);
	for (size_t i = 0; i < l->devices_count; i++) {
		struct cgroup_device d = l->devices[i];
		if (!d.access)
			continue;
		if (d.type == 'a' && d.access == RWM) {
			/* Sets the default and forgets all exceptions. */
			list.allow_default = d.allow;
			list.count = 0;
			cgroup_plan_write(b, place, CGROUP_WRITE_DEVICE,
					  d.allow ? "devices.allow" : "devices.deny", "a");
			continue;
		}
		bool both = d.type == 'a';
		if (both)
			d.type = 'b';
		if (v1_rule(b, place, &list, &d, e) < 0)
			return -1;
		d.type = 'c';
		if (both && v1_rule(b, place, &list, &d, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- both ---- */

/* v2 has the device program without any controller; v1's hierarchy, where mounted, goes first. */
static int device_place(const struct cgroup_set *set)
{
	int i = cgroup_set_find(set, CGROUP_DEVICES);

	return i >= 0 ? i : cgroup_set_v2(set);
}

int cgroup_plan_devices(struct limits_builder *b, struct err *e)
{
	const struct cgroup_limits *l = b->limits;

	if (!l->devices_count)
		return 0;
	for (size_t i = 0; i < l->devices_count; i++)
		if (check_rule(&l->devices[i], e) < 0)
			return -1;
	int place = device_place(b->set);
	if (place < 0 && l->devices_optional)
		return 0;
	if (place < 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "devices: this host has neither a devices hierarchy nor cgroup v2");
	if (!b->set->places[place].v2)
		return plan_v1(b, place, e);
	b->plan->program_place = (uint8_t)place;
	b->plan->program = cgroup_devices_compile(l->devices, l->devices_count, true, b->a,
						  &b->plan->program_count, e);
	return b->plan->program ? 0 : -1;
}
