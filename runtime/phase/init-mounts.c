/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a container, in the order of config.json. Every target is opened once inside the
 * root (openat2, RESOLVE_IN_ROOT) and used as a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "runtime/phase/cgroup-view.h"
#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/mount/mount.h"

static bool wants_nofollow(const struct plan_mount *m)
{
	/* A symlink in the way of /proc or /sys has sent mounts elsewhere (CVE-2023-27561). */
	return m->dest_nofollow || text_equal(m->fstype, "proc") || text_equal(m->fstype, "sysfs");
}

/* True if an earlier mount of this list is a tmpfs at the directory that @path lies in. */
static bool is_below_tmpfs(const struct init *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!n || !slash[1])
		return false;
	for (size_t i = 0; i < c->plan->rootfs.mounts_count; i++) {
		const struct plan_mount *m = &c->plan->rootfs.mounts[i];
		if (m->destination == path)
			return false;
		if (m->kind == PLAN_MOUNT_NEW && text_equal(m->fstype, "tmpfs") &&
		    strlen(m->destination) == n && memcmp(m->destination, path, n) == 0)
			return true;
	}
	return false;
}

/* The directory at the destination, made if it is missing. */
static int target_dir(struct init *c, const struct plan_mount *m, struct err *e)
{
	const char *name;

	/* Most often the directory is to be made in a tmpfs that was mounted a moment ago. */
	if (is_below_tmpfs(c, m->destination)) {
		int parent = init_parent(c, m->destination, &name, e);
		if (parent < 0)
			return -1;
		if (mkdirat(parent, name, 0755) == 0 || errno == EEXIST) {
			int fd =
				openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd >= 0)
				return fd;
		}
	}
	return path_mkdirs_in_root(c->rootfs, m->destination, 0755, wants_nofollow(m), e);
}

/* A mount that an earlier entry made, seen through its destination. */
static int reopen(const struct init *c, const struct plan_mount *m, struct err *e)
{
	int fd = path_open_in_root(c->rootfs, m->destination, O_PATH);

	return fd < 0 ? err_sys(e, "open mount %s", m->destination) : fd;
}

static bool has_attrs(const struct mount_attrs *a)
{
	return a->set || a->clear || a->propagation || a->userns >= 0;
}

/* Attributes and propagation of a mount by its descriptor. */
static int finish(int fd, const struct plan_mount *m, struct err *e)
{
	if (mount_attrs_apply(fd, &m->attrs, false, m->destination, e) < 0 ||
	    mount_attrs_apply(fd, &m->rec_attrs, true, m->destination, e) < 0)
		return -1;
	for (size_t i = 0; i < m->propagation_count; i++) {
		if (mount_change(fd, m->propagation[i], NULL, m->destination, e) < 0)
			return -1;
	}
	return 0;
}

/* Instead of a new sysfs, mqueue or cgroup that this user namespace may not mount: the host's. */
static int bind_instead(const struct plan_mount *m, int target, const struct err *reason,
			struct err *e)
{
	struct mount_attrs attrs = {
		.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.userns = -1,
	};
	struct err ignored;
	SWEPT_FD int tree =
		mount_tree_clone(AT_FDCWD, m->fallback_source, MOUNT_TREE_RECURSIVE, &ignored);

	if (tree < 0) {
		*e = *reason;
		return -1;
	}
	/* mqueue has to stay writable to be of use; the others show the host and must not be. */
	if (text_equal(m->fstype, "mqueue"))
		attrs.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	if (mount_attrs_apply(tree, &attrs, true, m->destination, e) < 0)
		return -1;
	return mount_attach(tree, target, m->destination, e);
}

/* The mount itself, and the second choices for user namespaces. */
static int mount_or_instead(const struct plan_mount *m, struct mount_new *new, int target,
			    struct err *e)
{
	struct err reason;

	if (mount_new(new, target, m->destination, &reason) == 0)
		return 0;
	if (m->fallback_data && reason.errnum == EINVAL) {
		new->data = *m->fallback_data ? m->fallback_data : NULL;
		return mount_new(new, target, m->destination, e);
	}
	if (m->fallback_source && (reason.errnum == EPERM || reason.errnum == EBUSY))
		return bind_instead(m, target, &reason, e);
	*e = reason;
	return -1;
}

/* Fill a tmpfs that nobody sees yet with what it is going to cover. */
static int copy_up(const struct plan_mount *m, int target, int tree, struct err *e)
{
	SWEPT_FD int covered = openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SWEPT_FD int fresh = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (covered < 0 || fresh < 0)
		return err_sys(e, "open %s for tmpcopyup", m->destination);
	return init_copy_up(covered, fresh, m->data && strstr(m->data, "mode="), e);
}

/*
 * What needs more than one mount(2): made complete while it is attached nowhere, so that the path of
 * the destination is used once and cannot be another place the second time.
 */
static int mount_complete(const struct plan_mount *m, struct mount_new *new, int target,
			  struct err *e)
{
	struct mount_attrs ro = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };
	bool readonly = new->ms_flags &MS_RDONLY;

	new->ms_flags &= ~(unsigned long)MS_RDONLY;
	SWEPT_FD int tree = mount_new_detached(new, m->destination, e);
	if (tree < 0 || (m->tmpcopyup && copy_up(m, target, tree, e) < 0))
		return -1;
	if (readonly && mount_attrs_apply(tree, &ro, false, m->destination, e) < 0)
		return -1;
	if (mount_attach(tree, target, m->destination, e) < 0)
		return -1;
	return finish(tree, m, e);
}

static int mount_filesystem(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	struct mount_new new = {
		.fstype = m->fstype,
		.source = m->source,
		.data = m->data,
		.ms_flags = m->ms_flags,
	};
	SWEPT_FD int target = target_dir(c, m, e);

	if (target < 0)
		return -1;
	if (m->late_readonly) {
		/* Made read-only when what lies below has been mounted: by this descriptor. */
		new.ms_flags &= ~(unsigned long)MS_RDONLY;
		SWEPT_FD int tree = mount_new_detached(&new, m->destination, e);
		if (tree < 0 || (m->tmpcopyup && copy_up(m, target, tree, e) < 0) ||
		    mount_attach(tree, target, m->destination, e) < 0 || finish(tree, m, e) < 0)
			return -1;
		c->sources[index] = take_fd(&tree);
		return 0;
	}
	bool more = has_attrs(&m->attrs) || has_attrs(&m->rec_attrs) || m->propagation_count;
	if (m->tmpcopyup || more)
		return mount_complete(m, &new, target, e);
	return mount_or_instead(m, &new, target, e);
}

int init_check_source(const struct plan_mount *m, int tree, struct err *e)
{
	struct stat st;

	if (!m->source_held)
		return 0;
	if (fstat(tree, &st) < 0)
		return err_sys(e, "stat mount source %s", m->source);
	if (st.st_dev != m->source_device || st.st_ino != m->source_inode)
		return err_set(e, ERR_SYSTEM, 0,
			       "mount source %s: is not what was opened any more, somebody has put "
			       "something else there",
			       m->source);
	return 0;
}

/* The copy of the source, with its attributes: from the parent, or made here. */
static int bind_source(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	if (m->parent_source)
		return take_fd(&c->sources[index]);
	int flags = (m->recursive ? MOUNT_TREE_RECURSIVE : 0) |
		    (m->source_nofollow ? MOUNT_TREE_NOFOLLOW : 0);
	SWEPT_FD int tree = mount_tree_clone(AT_FDCWD, m->source, flags, e);
	if (tree < 0 || init_check_source(m, tree, e) < 0)
		return -1;
	if (mount_attrs_apply(tree, &m->attrs, false, m->destination, e) < 0 ||
	    mount_attrs_apply(tree, &m->rec_attrs, true, m->destination, e) < 0)
		return -1;
	return take_fd(&tree);
}

static int bind_target(struct init *c, const struct plan_mount *m, int tree, struct err *e)
{
	struct stat st;

	if (fstat(tree, &st) < 0)
		return err_sys(e, "stat mount source %s", m->source);
	if (S_ISDIR(st.st_mode))
		return target_dir(c, m, e);
	return path_mkfile_in_root(c->rootfs, m->destination, 0644, e);
}

static int mount_bound(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	SWEPT_FD int tree = bind_source(c, m, index, e);

	if (tree < 0)
		return -1;
	SWEPT_FD int target = bind_target(c, m, tree, e);
	if (target < 0 || mount_attach(tree, target, m->destination, e) < 0)
		return -1;
	for (size_t i = 0; i < m->propagation_count; i++) {
		if (mount_change(tree, m->propagation[i], NULL, m->destination, e) < 0)
			return -1;
	}
	if (m->late_readonly)
		c->sources[index] = take_fd(&tree);
	return 0;
}

static int mount_again(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	SWEPT_FD int fd = reopen(c, m, e);

	(void)index;
	if (fd < 0)
		return -1;
	if (m->kind == PLAN_MOUNT_REMOUNT && (m->ms_flags || m->data) &&
	    mount_change(fd, MS_REMOUNT | m->ms_flags, m->data, m->destination, e) < 0)
		return -1;
	return finish(fd, m, e);
}

static int make_symlink(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	const char *name;
	char target[PATH_MAX];
	ssize_t n = readlink(m->source, target, sizeof target - 1);

	(void)index;
	if (n < 0)
		return err_sys(e, "read symlink %s", m->source);
	target[n] = '\0';
	SWEPT_FD int parent = path_parent_in_root(c->rootfs, m->destination, &name, e);
	if (parent < 0)
		return -1;
	if (symlinkat(target, parent, name) < 0 && errno != EEXIST)
		return err_sys(e, "make symlink %s", m->destination);
	return 0;
}

/* The parent may have made it already. */
static int mount_cgroup_v1(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	SWEPT_FD int target = target_dir(c, m, e);

	(void)index;
	if (target < 0)
		return -1;
	if (c->cgroup_view >= 0)
		return mount_attach(take_fd(&c->cgroup_view), target, m->destination, e);
	SWEPT_FD int view = cgroup_view_new(m, e);
	if (view < 0 || mount_attach(view, target, m->destination, e) < 0)
		return -1;
	return cgroup_view_fill(c->plan, m, view, e);
}

static int (*const kinds[])(struct init *, const struct plan_mount *, size_t, struct err *) = {
	[PLAN_MOUNT_NEW] = mount_filesystem,      [PLAN_MOUNT_BIND] = mount_bound,
	[PLAN_MOUNT_REMOUNT] = mount_again,       [PLAN_MOUNT_PROPAGATE] = mount_again,
	[PLAN_MOUNT_CGROUP_V1] = mount_cgroup_v1, [PLAN_MOUNT_SYMLINK] = make_symlink,
	[PLAN_MOUNT_OVERLAY] = init_make_overlay, [PLAN_MAKE_DIRECTORY] = init_make_directory,
	[PLAN_MAKE_FILE] = init_make_file,        [PLAN_MAKE_DATA] = init_make_data,
	[PLAN_MAKE_LINK] = init_make_link,        [PLAN_MAKE_MODE] = init_make_mode,
};

static int mount_range(struct init *c, size_t from, size_t to, struct err *e)
{
	for (size_t i = from; i < to; i++) {
		const struct plan_mount *m = &c->plan->rootfs.mounts[i];
		if (kinds[m->kind](c, m, i, e) < 0)
			return err_prefix(e, "mounts[%zu]", i);
		init_parent_covered(c, m->destination);
	}
	return 0;
}

int init_mounts(void *ctx, struct err *e)
{
	struct init *c = ctx;

	return mount_range(c, 0, c->plan->rootfs.cgroup_mount_index, e);
}

int init_cgroup_mounts(void *ctx, struct err *e)
{
	struct init *c = ctx;

	return mount_range(c, c->plan->rootfs.cgroup_mount_index, c->plan->rootfs.mounts_count, e);
}

bool init_has_late_readonly(const void *ctx)
{
	const struct init *c = ctx;

	for (size_t i = 0; i < c->plan->rootfs.mounts_count; i++) {
		if (c->plan->rootfs.mounts[i].late_readonly)
			return true;
	}
	return false;
}

int init_late_readonly(void *ctx, struct err *e)
{
	struct init *c = ctx;
	struct mount_attrs ro = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };

	for (size_t i = 0; i < c->plan->rootfs.mounts_count; i++) {
		const struct plan_mount *m = &c->plan->rootfs.mounts[i];
		if (!m->late_readonly)
			continue;
		if (mount_attrs_apply(c->sources[i], &ro, false, m->destination, e) < 0)
			return err_prefix(e, "mounts[%zu]", i);
		drop_fd(&c->sources[i]);
	}
	return 0;
}
