/* SPDX-License-Identifier: Apache-2.0 */
/* Masked and read-only paths: what the image has there is covered, on descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/mount/mount.h"

#define MASK_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* One empty read-only tmpfs serves all directories: the first gets it, the others copies. */
static int mask_directory(struct init *c, int target, const char *path, struct err *e)
{
	if (c->mask_dir < 0) {
		c->mask_dir = mount_tmpfs_detached("755", MASK_ATTRS, true, e);
		if (c->mask_dir < 0)
			return -1;
		return mount_attach(c->mask_dir, target, path, e);
	}
	SWEPT_FD int copy = mount_tree_clone(c->mask_dir, "", 0, e);
	if (copy < 0)
		return -1;
	return mount_attach(copy, target, path, e);
}

/*
 * The mask of a file is the host's null device: not the image's, which may be a symlink to anything
 * (CVE-2025-31133). Until the pivot "/dev/null" is the host's, and what it is gets checked anyway.
 */
static int open_null(struct err *e)
{
	struct stat st;
	SWEPT_FD int fd = open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(e, ERR_SYSTEM, 0, "/dev/null: is not the null device");
	return take_fd(&fd);
}

int init_masked_paths(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct str_list *paths = &c->plan->rootfs.masked_paths;
	SWEPT_FD int null = open_null(e);

	if (null < 0)
		return -1;
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->items[i];
		struct stat st;
		SWEPT_FD int target = path_open_in_root(c->rootfs, path, O_PATH);
		if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (target < 0 || fstat(target, &st) < 0)
			return err_sys(e, "open masked path %s", path);
		int result = S_ISDIR(st.st_mode) ? mask_directory(c, target, path, e)
						 : mount_bind(null, target, path, e);
		if (result < 0)
			return err_prefix(e, "maskedPaths[%zu]", i);
	}
	return 0;
}

int init_readonly_paths(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct str_list *paths = &c->plan->rootfs.readonly_paths;
	struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };

	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->items[i];
		SWEPT_FD int target = path_open_in_root(c->rootfs, path, O_PATH);
		if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		if (target < 0)
			return err_sys(e, "open read-only path %s", path);
		SWEPT_FD int tree = mount_tree_clone(target, "", MOUNT_TREE_RECURSIVE, e);
		if (tree < 0 || mount_attrs_apply(tree, &attrs, true, path, e) < 0 ||
		    mount_attach(tree, target, path, e) < 0)
			return err_prefix(e, "readonlyPaths[%zu]", i);
	}
	return 0;
}
