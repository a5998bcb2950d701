/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/cgroup-view.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup.h"
#include "src/mount/mount.h"

/* The last component of the hierarchy's mount point, which is what its directory is called here, too. */
static const char *hierarchy_name(const struct cgroup_place *place, char name[PATH_MAX])
{
	const char *slash;

	text_format(name, PATH_MAX, "%.*s", (int)place->mount_length, place->dir);
	slash = strrchr(name, '/');
	return slash && slash[1] ? slash + 1 : NULL;
}

/* The option that selects a hierarchy is its list of controllers, or name=. */
static void hierarchy_option(const struct cgroup_place *place, const char *name, char *out,
			     size_t size)
{
	if (place->controllers & CGROUP_NAMED)
		text_format(out, size, "name=%s", name);
	else
		cgroup_controllers_print(place->controllers, false, ',', out, size);
}

static int mount_hierarchy(const struct plan_mount *m, const struct cgroup_place *place,
			   const char *name, int view, struct err *e)
{
	char path[PATH_MAX], option[128];

	hierarchy_option(place, name, option, sizeof option);
	/* Nobody else has ever seen this tmpfs, so there can be no symlink below it. */
	text_format(path, sizeof path, "/proc/self/fd/%d/%s", view, name);
	if (mount("cgroup", path, place->v2 ? "cgroup2" : "cgroup", m->ms_flags,
		  place->v2 ? NULL : option) == 0)
		return 0;
	return err_sys(e, "mount cgroup hierarchy %s", name);
}

/* Its attributes are set with those of all the others. */
static int bind_hierarchy(const struct cgroup_place *place, const char *name, int view,
			  struct err *e)
{
	struct err missing;
	CLEAN_FD int tree = mount_tree_clone(AT_FDCWD, place->dir, 0, &missing);

	/* A caller without rights over this hierarchy has no cgroup in it to be shown. */
	if (tree < 0 && missing.errnum == ENOENT)
		return 0;
	if (tree < 0) {
		*e = missing;
		return -1;
	}
	return mount_attach_below(tree, view, name, e);
}

/*
 * Without its own cgroup namespace a writable v1 mount would let root in the container set
 * release_agent (CVE-2022-0492): read-only, whatever was asked for. Only the directory that they lie
 * in is what the options say.
 */
static int restrict_hierarchies(const struct plan_mount *m, int view, struct err *e)
{
	struct mount_attrs all = {
		.set = m->attrs.set | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		       MOUNT_ATTR_NOEXEC,
		.userns = -1,
	};
	struct mount_attrs writable = { .clear = MOUNT_ATTR_RDONLY, .userns = -1 };

	if (mount_attrs_apply(view, &all, true, m->destination, e) < 0)
		return -1;
	if (m->ms_flags & MS_RDONLY)
		return 0;
	return mount_attrs_apply(view, &writable, false, m->destination, e);
}

int cgroup_view_new(const struct plan_mount *m, struct err *e)
{
	struct mount_new tmpfs = {
		.fstype = "tmpfs",
		.source = "tmpfs",
		.data = "mode=755",
		.ms_flags = (m->ms_flags & ~(unsigned long)MS_RDONLY) | MS_NOSUID | MS_NODEV |
			    MS_NOEXEC,
	};

	return mount_new_detached(&tmpfs, m->destination, e);
}

int cgroup_view_fill(const struct plan *plan, const struct plan_mount *m, int view, struct err *e)
{
	const struct cgroup_set *set = &plan->cgroup.set;
	bool own_namespace = plan->namespaces.types & CLONE_NEWCGROUP;
	struct mount_attrs ro = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };
	char buffer[PATH_MAX];

	for (unsigned i = 0; i < set->count; i++) {
		const struct cgroup_place *place = &set->places[i];
		const char *name = hierarchy_name(place, buffer);
		if (!name)
			continue;
		if (mkdirat(view, name, 0755) < 0)
			return err_sys(e, "make directory %s/%s", m->destination, name);
		int result = own_namespace ? mount_hierarchy(m, place, name, view, e)
					   : bind_hierarchy(place, name, view, e);
		if (result < 0)
			return -1;
	}
	if (!own_namespace)
		return restrict_hierarchies(m, view, e);
	return m->ms_flags & MS_RDONLY ? mount_attrs_apply(view, &ro, false, m->destination, e) : 0;
}

/* The only mount of its kind, or NULL. */
static const struct plan_mount *find_view(const struct plan_rootfs *rootfs)
{
	const struct plan_mount *found = NULL;

	for (size_t i = rootfs->cgroup_mount_index; i < rootfs->mounts_count; i++) {
		if (rootfs->mounts[i].kind != PLAN_MOUNT_CGROUP_V1)
			continue;
		if (found)
			return NULL;
		found = &rootfs->mounts[i];
	}
	return found;
}

int cgroup_view_make(const struct plan *plan)
{
	const struct plan_mount *m = find_view(&plan->rootfs);
	struct mount_attrs own = { .propagation = MS_PRIVATE, .userns = -1 };
	struct err ignored;

	/* Init's mounts follow the host's where the root does, and are its user namespace's. */
	if (!m || plan->namespaces.types & (CLONE_NEWCGROUP | CLONE_NEWUSER) ||
	    !(plan->namespaces.made & CLONE_NEWNS) ||
	    plan->rootfs.propagation & (MS_SHARED | MS_SLAVE))
		return -1;
	/* Whatever fails here is tried again by init, which reports it. */
	CLEAN_FD int view = cgroup_view_new(m, &ignored);
	if (view < 0 || cgroup_view_fill(plan, m, view, &ignored) < 0 ||
	    mount_attrs_apply(view, &own, true, m->destination, &ignored) < 0)
		return -1;
	return take_fd(&view);
}
