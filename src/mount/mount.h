/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_MOUNT_MOUNT_H
#define HUSK_MOUNT_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * Mounts on descriptors. No function takes a path inside a container's root: targets are O_PATH
 * descriptors from src/base/path.h, so that nothing can swap a symlink in between. All of these are
 * called in a container's init: no heap, no stdio.
 */

/* A detached copy of the mount at @path below @dirfd (open_tree(2) with OPEN_TREE_CLONE).
 * @flags: MOUNT_TREE_*. Mount fd, or -1. */
#define MOUNT_TREE_RECURSIVE 1
#define MOUNT_TREE_NOFOLLOW  2
int mount_tree_clone(int dirfd, const char *path, int flags, struct err *e);

/* What mount_setattr(2) changes on a mount (or, with @recursive, a whole tree). */
struct mount_attrs {
	uint64_t set, clear;  /* MOUNT_ATTR_* */
	uint64_t propagation; /* one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE, or 0 */
	int userns;           /* descriptor of the namespace whose mapping is applied, or -1 */
};

/* Apply @attrs to the mount at @fd. Nothing is called when there is nothing to change. */
int mount_attrs_apply(int fd, const struct mount_attrs *attrs, bool recursive, const char *name,
		      struct err *e);

/* Attach the detached tree @tree at the descriptor @target. @name is for errors. */
int mount_attach(int tree, int target, const char *name, struct err *e);

/* The same at the directory or file @entry of @dir, a file system that nobody else has reached yet:
 * @entry is looked up, and must not be a symlink. */
int mount_attach_below(int tree, int dir, const char *entry, struct err *e);

/*
 * Mount a new file system on @target, a directory, with one mount(2). @ms_flags are MS_*; @data may be
 * NULL. When the kernel refuses, its own explanation is fetched through fsopen(2) and added to the
 * error. May change the current directory, which is one of the container's then.
 */
struct mount_new {
	const char *fstype, *source, *data;
	unsigned long ms_flags;
};
int mount_new(const struct mount_new *m, int target, const char *name, struct err *e);

/* The same as a detached mount, for what needs more work before it may be seen. Mount fd or -1. */
int mount_new_detached(const struct mount_new *m, const char *name, struct err *e);

/* Bind @source over @target (both descriptors of the same kind of file) without sub-mounts. */
int mount_bind(int source, int target, const char *name, struct err *e);

/* mount(2) with only flags on the mount that @fd refers to (remount, propagation). */
int mount_change(int fd, unsigned long ms_flags, const char *data, const char *name, struct err *e);

/* A detached tmpfs of at most @size_bytes and @inodes (0: no limit), with MOUNT_ATTR_* flags. */
int mount_tmpfs_detached(const char *mode, uint64_t attrs, bool empty, struct err *e);

/*
 * A tmpfs of this namespace that only the returned descriptor leads to: it lies over "/", which nobody
 * enters by its path who has it as root. For what older kernels refuse to make of a detached one: bind
 * mounts of its files (before Linux 6.15), layers of an overlay. To be dropped, before the pivot; what was
 * made of it stays. @data is for mount(2), short: "mode=700,size=4096".
 */
int mount_hidden_make(const char *data, struct err *e);
int mount_hidden_drop(int fd, struct err *e);

/* Make "/" and everything below have @propagation (MS_PRIVATE, MS_SLAVE, ...) in this namespace. */
int mount_root_propagation(unsigned long propagation, struct err *e);

/* Make the mount @fd (attached, current directory of the caller afterwards) the root and
 * detach the old one: fchdir, pivot_root(".", "."), umount2(".", MNT_DETACH), chdir("/").
 * Without @pivot (a root on a ramdisk cannot be pivoted) move the mount over "/" and chroot. */
int mount_enter_root(int fd, bool pivot, struct err *e);

/* A user namespace that only carries the given uid_map and gid_map texts, for idmapped
 * mounts. Forks a short-lived child. Namespace fd, or -1. Not for init. */
int mount_idmap_userns(const char *uid_map, const char *gid_map, struct err *e);

#endif
