/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup.h"

/* Which directories a container has. Nothing here touches the host. */

/*
 * @path without empty and "." components and slashes at its ends, in the arena. A ".." could leave
 * the sub-tree that an engine meant (and, with annotations, that an image may choose from); a
 * newline would make /proc/PID/cgroup ambiguous, and the kernel refuses it, too.
 */
static char *clean_path(const char *path, struct arena *a, struct err *e)
{
	char *out = arena_alloc(a, strlen(path) + 1), *o = out;

	if (!out) {
		arena_check(a, e);
		return NULL;
	}
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			err_config(e, "cgroup path %s: \"..\" is not allowed", path);
			return NULL;
		}
		if (n && !(n == 1 && *p == '.')) {
			if (o > out)
				*o++ = '/';
			memcpy(o, p, n);
			o += n;
		}
		p += n + (p[n] == '/');
	}
	*o = '\0';
	if (strchr(out, '\n')) {
		err_config(e, "cgroup path %s: a newline is not allowed", path);
		return NULL;
	}
	return out;
}

/* Length of @path without its last component: "/a/b" -> 2, "/a" and "/" -> 0. */
static int parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash - path) : 0;
}

int cgroup_set_plan(const struct cgroup_host *host, const char *path, struct arena *a,
		    struct cgroup_set *set, struct err *e)
{
	char *clean = clean_path(path, a, e);

	*set = (struct cgroup_set){ 0 };
	if (!clean)
		return -1;
	if (!*clean)
		return err_config(e,
				  "cgroup path \"%s\": it would be the root of the hierarchy, "
				  "which cannot be a container's own",
				  path);
	for (unsigned i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *h = &host->hierarchies[i];
		/* A mount point of "/" would give "//path"; it cannot be, but costs nothing. */
		const char *mount = text_equal(h->mount, "/") ? "" : h->mount;
		int base = 0; /* so much of the caller's own cgroup goes in front */
		if (*path != '/' && !text_equal(h->own, "/"))
			base = h->v2 ? parent_length(h->own) : (int)strlen(h->own);
		set->places[set->count++] = (struct cgroup_place){
			.v2 = h->v2,
			.controllers = h->controllers,
			.mount_length = (unsigned)strlen(mount),
			.dir = arena_format(a, "%s%.*s/%s", mount, base, h->own, clean),
		};
	}
	return arena_check(a, e);
}

int cgroup_set_below(const struct cgroup_set *set, uint32_t controllers, const char *sub,
		     struct arena *a, struct cgroup_set *out, struct err *e)
{
	char *clean = clean_path(sub, a, e);

	if (!clean)
		return -1;
	*out = *set;
	for (unsigned i = 0; i < set->count && *clean; i++) {
		struct cgroup_place *place = &out->places[i];
		if (!controllers || (place->controllers & controllers))
			place->dir = arena_format(a, "%s/%s", place->dir, clean);
	}
	return arena_check(a, e);
}

void cgroup_set_drop(struct cgroup_set *set, uint32_t mask)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < set->count; i++)
		if (!(mask & 1u << i))
			set->places[kept++] = set->places[i];
	set->count = kept;
}

void cgroup_created_settle(struct cgroup_set *set, struct cgroup_created *created)
{
	uint32_t skipped = created->skipped, made = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < set->count; i++) {
		if (skipped & 1u << i)
			continue;
		if (created->made & 1u << i)
			made |= 1u << kept;
		created->parents[kept++] = created->parents[i];
	}
	cgroup_set_drop(set, skipped);
	created->made = made;
	created->skipped = 0;
}

int cgroup_set_v2(const struct cgroup_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->places[i].v2)
			return (int)i;
	return -1;
}

int cgroup_set_find(const struct cgroup_set *set, uint32_t controller)
{
	int v2 = -1;

	for (unsigned i = 0; i < set->count; i++) {
		if (!(set->places[i].controllers & controller))
			continue;
		if (!set->places[i].v2)
			return (int)i;
		v2 = (int)i;
	}
	return v2;
}
