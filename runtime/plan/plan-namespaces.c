/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

#define EARLY_TYPES ((uint64_t)(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS))

/* Those that act on the next child only, and those that depend on what the child does first. */
static uint64_t late_types(const struct plan_request *r)
{
	uint64_t late = CLONE_NEWTIME;

	/* On v1 the process enters its cgroups itself, and the namespace's root is where it is then. */
	if (r->host->cgroup.mode != CGROUP_MODE_V2)
		late |= CLONE_NEWCGROUP;
	return late;
}

static int add_namespaces(const struct plan_request *r, struct plan_namespaces *ns, struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;
	uint64_t late = late_types(r);

	ns->joins = arena_new_array(r->arena, l->namespaces_count + 1, struct plan_join);
	if (!ns->joins)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < l->namespaces_count; i++) {
		const struct spec_namespace *n = &l->namespaces[i];
		ns->types |= n->type;
		if (n->path)
			ns->joins[ns->joins_count++] = (struct plan_join){ n->type, n->path };
		else if (n->type & late)
			ns->late_flags |= n->type;
		else
			ns->clone_flags |= n->type;
	}
	return 0;
}

static struct cred_id_map *copy_maps(struct arena *a, const struct id_mapping *from, size_t count)
{
	struct cred_id_map *to = arena_new_array(a, count + 1, struct cred_id_map);

	for (size_t i = 0; to && i < count; i++)
		to[i] = (struct cred_id_map){ from[i].container_id, from[i].host_id, from[i].size };
	return to;
}

static const char *map_text(struct arena *a, const struct cred_id_map *maps, size_t count)
{
	char text[CRED_MAP_LINES_MAX * CRED_MAP_LINE_BYTES];
	ssize_t n = cred_map_print(maps, count, text, sizeof text);

	return n < 0 ? NULL : arena_memdup(a, text, (size_t)n);
}

/* A caller without rights may map its own id, and only that one, by itself (user_namespaces(7)). */
static bool only_own_id(const struct cred_id_map *maps, size_t count, uint32_t own)
{
	return !count || (count == 1 && maps[0].count == 1 && maps[0].id_host == own);
}

static int add_user_namespace(const struct plan_request *r, struct plan_namespaces *ns,
			      struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;
	bool privileged = host_has_cap(r->host, CAP_SETUID) && host_has_cap(r->host, CAP_SETGID);

	ns->uid_maps = copy_maps(r->arena, l->uid_mappings, l->uid_mappings_count);
	ns->gid_maps = copy_maps(r->arena, l->gid_mappings, l->gid_mappings_count);
	ns->uid_maps_count = l->uid_mappings_count;
	ns->gid_maps_count = l->gid_mappings_count;
	if (arena_check(r->arena, e) < 0)
		return -1;
	/* Who stays who he is can do without: then the kernel shows the overflow id. */
	const struct spec_inherit *inherit = r->spec->sandbox ? &r->spec->sandbox->inherit : NULL;
	bool uid_unmapped = !ns->uid_maps_count && inherit && inherit->uid;
	bool gid_unmapped = !ns->gid_maps_count && inherit && inherit->gid;
	if ((!ns->uid_maps_count && !uid_unmapped) || (!ns->gid_maps_count && !gid_unmapped))
		return err_config(e, "linux.%s: a new user namespace needs them",
				  ns->uid_maps_count ? "gidMappings" : "uidMappings");
	if ((!uid_unmapped &&
	     cred_map_check("linux.uidMappings", ns->uid_maps, ns->uid_maps_count, e) < 0) ||
	    (!gid_unmapped &&
	     cred_map_check("linux.gidMappings", ns->gid_maps, ns->gid_maps_count, e) < 0))
		return -1;
	if (!privileged) {
		/* newgidmap denies setgroups, too, where the own group is all it is asked for. */
		bool own_group = only_own_id(ns->gid_maps, ns->gid_maps_count, r->host->egid);
		ns->map_by_tools =
			!own_group || !only_own_id(ns->uid_maps, ns->uid_maps_count, r->host->euid);
		ns->setgroups_deny = own_group;
	}
	ns->uid_map = map_text(r->arena, ns->uid_maps, ns->uid_maps_count);
	ns->gid_map = map_text(r->arena, ns->gid_maps, ns->gid_maps_count);
	return arena_check(r->arena, e);
}

/*
 * A caller without rights whose configuration has no user namespace gets one, so that "run" just
 * works: itself as root, and behind it the subordinate ids that it owns.
 */
static struct cred_id_map *own_maps(struct arena *a, uint32_t own, const struct cred_id_map *sub,
				    size_t sub_count, size_t *count)
{
	struct cred_id_map *maps = arena_new_array(a, sub_count + 1, struct cred_id_map);
	uint32_t next = 1;

	if (!maps)
		return NULL;
	maps[0] = (struct cred_id_map){ 0, own, 1 };
	*count = 1;
	for (size_t i = 0; i < sub_count; i++) {
		maps[(*count)++] = (struct cred_id_map){ next, sub[i].id_host, sub[i].count };
		next += sub[i].count;
	}
	return maps;
}

static int add_own_user_namespace(const struct plan_request *r, struct plan_namespaces *ns,
				  struct err *e)
{
	const struct host *h = r->host;
	/* Both or none: a group without its users is of no use. */
	bool sub = h->subuids_count && h->subgids_count;

	ns->types |= CLONE_NEWUSER;
	ns->clone_flags |= CLONE_NEWUSER;
	ns->uid_maps = own_maps(r->arena, h->euid, h->subuids, sub ? h->subuids_count : 0,
				&ns->uid_maps_count);
	ns->gid_maps = own_maps(r->arena, h->egid, h->subgids, sub ? h->subgids_count : 0,
				&ns->gid_maps_count);
	if (arena_check(r->arena, e) < 0)
		return -1;
	ns->map_by_tools = sub;
	ns->setgroups_deny = !sub;
	ns->uid_map = map_text(r->arena, ns->uid_maps, ns->uid_maps_count);
	ns->gid_map = map_text(r->arena, ns->gid_maps, ns->gid_maps_count);
	return arena_check(r->arena, e);
}

static void add_time_offsets(const struct plan_request *r, struct plan_namespaces *ns)
{
	const struct spec_time_offset *m = &r->spec->linux_config->monotonic_offset;
	const struct spec_time_offset *b = &r->spec->linux_config->boottime_offset;
	char text[128];
	size_t n = 0;

	if (m->set)
		n += text_format(text + n, sizeof text - n, "monotonic %lld %u\n",
				 (long long)m->sec, m->nsec);
	if (b->set)
		n += text_format(text + n, sizeof text - n, "boottime %lld %u\n", (long long)b->sec,
				 b->nsec);
	if (n)
		ns->time_offsets = arena_strdup(r->arena, text);
}

static uint64_t joined_types(const struct plan_namespaces *ns)
{
	uint64_t types = 0;

	for (size_t i = 0; i < ns->joins_count; i++)
		types |= ns->joins[i].type;
	return types;
}

int plan_namespaces_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	struct plan_namespaces *ns = &plan->namespaces;

	if (add_namespaces(r, ns, e) < 0)
		return -1;
	uint64_t joined = joined_types(ns);
	bool rootless = r->host->euid != 0 && !host_has_cap(r->host, CAP_SYS_ADMIN);
	bool own_user = rootless && !(ns->types & CLONE_NEWUSER) && !r->spec->sandbox;
	if (own_user && add_own_user_namespace(r, ns, e) < 0)
		return -1;
	ns->made = ns->clone_flags | ns->late_flags;
	ns->new_user = ns->clone_flags & CLONE_NEWUSER;
	/* init is in its new user namespace from the start, so that they belong to that all the same. */
	if (!(joined & CLONE_NEWUSER)) {
		ns->early_flags = ns->clone_flags & EARLY_TYPES;
		ns->clone_flags &= ~EARLY_TYPES;
	}
	if (ns->new_user && !own_user && add_user_namespace(r, ns, e) < 0)
		return -1;
	ns->keep_ids = ns->new_user && (cred_map_to_host(ns->uid_maps, ns->uid_maps_count, 0) < 0 ||
					cred_map_to_host(ns->gid_maps, ns->gid_maps_count, 0) < 0);
	add_time_offsets(r, ns);
	/* Rights over a time namespace come from the user namespace that it is made in. */
	ns->middle = joined & CLONE_NEWUSER ||
		     (ns->new_user && (ns->late_flags | joined) & CLONE_NEWTIME);
	return arena_check(r->arena, e);
}
