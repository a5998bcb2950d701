/* SPDX-License-Identifier: Apache-2.0 */
/* Which cgroups the container gets, and who may change them. */
#include <string.h>

#include "runtime/plan/plan-cgroup.h"
#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

/*
 * Without cgroupsPath: one directory of our own, so that nothing above it has to be made or kept. A
 * caller without rights over the top can only have been given a part of the tree: its own.
 */
static const char *default_path(const struct plan_request *r)
{
	bool top = r->host->euid == 0 && r->host->initial_userns;

	if (r->spec->sandbox && r->spec->sandbox->cgroup_parent)
		return arena_format(r->arena, "%s/husk-%s", r->spec->sandbox->cgroup_parent, r->id);
	return arena_format(r->arena, "%shusk-%s", top ? "/" : "", r->id);
}

/* crun's and runc's rule: cgroup v2, an own cgroup namespace, and a mount of it that is writable. */
static bool wants_delegation(const struct plan_request *r, const struct plan *plan)
{
	if (r->host->cgroup.mode != CGROUP_MODE_V2 || !plan->namespaces.new_user ||
	    !(plan->namespaces.types & CLONE_NEWCGROUP))
		return false;
	for (size_t i = 0; i < r->spec->mounts_count; i++) {
		const struct spec_mount *m = &r->spec->mounts[i];
		if (m->type && (text_equal(m->type, "cgroup") || text_equal(m->type, "cgroup2")))
			return !(m->attr_set & MOUNT_ATTR_RDONLY);
	}
	return false;
}

static int add_delegation(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct plan_namespaces *ns = &plan->namespaces;
	int64_t uid = cred_map_to_host(ns->uid_maps, ns->uid_maps_count, 0);
	int64_t gid = cred_map_to_host(ns->gid_maps, ns->gid_maps_count, 0);

	(void)e;
	if (!wants_delegation(r, plan) || uid < 0 || gid < 0)
		return 0;
	/* Only root can give files away; for anybody else they belong to the right one already. */
	if (!host_has_cap(r->host, CAP_CHOWN))
		return 0;
	plan->cgroup.delegate = true;
	plan->cgroup.delegate_uid_host = (uid_t)uid;
	plan->cgroup.delegate_gid_host = (gid_t)gid;
	return 0;
}

/* Nothing of the control group file systems is shown inside: what limits nothing is not made. But v2, where
 * there is one, is where leftovers are looked for. */
static void drop_unwanted(uint32_t wanted, struct cgroup_set *set)
{
	uint32_t drop = 0;

	for (unsigned i = 0; i < set->count; i++)
		drop |= set->places[i].v2 || set->places[i].controllers & wanted ? 0 : 1u << i;
	cgroup_set_drop(set, drop);
}

int plan_cgroup_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;
	struct plan_cgroup *c = &plan->cgroup;
	struct cgroup_limits limits = { 0 };
	bool in_user_ns = plan_in_userns(plan) || !r->host->initial_userns;

	if (r->cgroup_disabled || r->host->cgroup.mode == CGROUP_MODE_NONE) {
		if (l->resources && plan_cgroup_is_limited(l->resources))
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "linux.resources: limits were asked for, but %s",
				       r->cgroup_disabled ? "the cgroup manager is \"disabled\""
							  : "no cgroup hierarchy is mounted");
		return 0;
	}
	const char *path = l->cgroups_path ? l->cgroups_path : default_path(r);
	if (!path)
		return arena_check(r->arena, e);
	if (cgroup_set_plan(&r->host->cgroup, path, r->arena, &c->set, e) < 0)
		return err_prefix(e, "linux.cgroupsPath");
	if (r->spec->sandbox)
		drop_unwanted(r->spec->sandbox->controllers, &c->set);
	limits.devices_optional = in_user_ns;
	if (l->resources && plan_cgroup_limits(l->resources, r->arena, &limits, e) < 0)
		return -1;
	if (cgroup_limits_plan(&limits, &c->set, false, r->arena, &c->limits, e) < 0)
		return err_prefix(e, "linux.resources");
	c->enabled = true;
	c->enable = CGROUP_V2_DEFAULT | c->limits.require;
	/* Somebody who is not really root may lack a hierarchy; that is only an error if limits need it. */
	c->tolerate = !c->limits.limited && (r->host->euid != 0 || !r->host->initial_userns);
	c->exec_below = r->spec->extensions.delegate_cgroup;
	return add_delegation(r, plan, e);
}
