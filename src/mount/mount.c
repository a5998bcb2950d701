/* SPDX-License-Identifier: Apache-2.0 */
#include "src/mount/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

int mount_tree_clone(int dirfd, const char *path, int flags, struct err *e)
{
	unsigned how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT;

	if (flags & MOUNT_TREE_RECURSIVE)
		how |= AT_RECURSIVE;
	if (flags & MOUNT_TREE_NOFOLLOW)
		how |= AT_SYMLINK_NOFOLLOW;
	if (!*path)
		how |= AT_EMPTY_PATH;
	int fd = open_tree(dirfd, path, how);
	if (fd < 0 && errno == EINVAL && !(flags & MOUNT_TREE_RECURSIVE))
		return err_set(e, ERR_SYSTEM, errno,
			       "clone mount %s: it may have locked submounts (use rbind), be "
			       "unbindable, or belong to another mount namespace",
			       path);
	return fd < 0 ? err_sys(e, "clone mount %s", path) : fd;
}

int mount_attrs_apply(int fd, const struct mount_attrs *attrs, bool recursive, const char *name,
		      struct err *e)
{
	struct mount_attr attr = {
		.attr_set = attrs->set,
		.attr_clr = attrs->clear,
		.propagation = attrs->propagation,
	};

	if (attrs->userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (unsigned)attrs->userns;
	}
	if (!attr.attr_set && !attr.attr_clr && !attr.propagation)
		return 0;
	/* The access-time modes are one field: setting any of them means clearing the field. */
	if (attr.attr_set & MOUNT_ATTR__ATIME || attr.attr_clr & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	unsigned how = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	if (mount_setattr(fd, "", how, &attr, sizeof attr) == 0)
		return 0;
	if (attrs->userns >= 0 && errno == EINVAL)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "idmap %s: its file system may not support idmapped mounts on this "
			       "kernel",
			       name);
	if (errno == EPERM && attr.attr_clr)
		return err_set(e, ERR_SYSTEM, errno,
			       "set attributes of mount %s: a flag may be locked by the user "
			       "namespace that mounted the source",
			       name);
	return err_sys(e, "set attributes of mount %s", name);
}

static int attach(int tree, int target, const char *below, const char *name, struct err *e)
{
	unsigned how = MOVE_MOUNT_F_EMPTY_PATH | (*below ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

	if (move_mount(tree, "", target, below, how) < 0) {
		if (errno == ENOTDIR || errno == EISDIR || errno == EINVAL)
			return err_set(e, ERR_SYSTEM, errno,
				       "attach mount at %s: source and destination must both be "
				       "directories or both be files",
				       name);
		return err_sys(e, "attach mount at %s", name);
	}
	return 0;
}

int mount_attach(int tree, int target, const char *name, struct err *e)
{
	return attach(tree, target, "", name, e);
}

int mount_attach_below(int tree, int dir, const char *entry, struct err *e)
{
	return attach(tree, dir, entry, entry, e);
}

/* fsconfig(2) takes values of at most 255 bytes (vfs_fsconfig_locked(), fs/fsopen.c). */
#define OPTION_MAX 256

/* Give the options of mount(2)'s data one by one. -1 with errno at the first that is refused. */
static int configure(int fs, const struct mount_new *m)
{
	char option[OPTION_MAX];

	fsconfig(fs, FSCONFIG_SET_STRING, "source", m->source ? m->source : m->fstype, 0);
	for (const char *p = m->data; p && *p; p += strspn(p, ",")) {
		size_t n = strcspn(p, ",");
		text_format(option, sizeof option, "%.*s", (int)n, p);
		p += n;
		char *equals = strchr(option, '=');
		if (equals)
			*equals++ = '\0';
		if (fsconfig(fs, equals ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, equals,
			     0) < 0)
			return -1;
	}
	return 0;
}

/* The kernel's own words, from the log of a file system context (fsopen(2)). */
static void append_log(int fs, struct err *e)
{
	char text[256];

	for (ssize_t n; (n = read(fs, text, sizeof text - 1)) > 0;) {
		while (n > 0 && text[n - 1] == '\n')
			n--;
		text[n] = '\0';
		/* Lines start with a level letter and a blank: "e tmpfs: Bad value for 'size'". */
		err_append(e, " (%s)", n > 2 && text[1] == ' ' ? text + 2 : text);
	}
}

static void explain(const struct mount_new *m, struct err *e)
{
	CLEAN_FD int fs = fsopen(m->fstype, FSOPEN_CLOEXEC);

	if (fs < 0) {
		if (errno == ENODEV)
			err_append(e, " (this kernel has no file system \"%s\")", m->fstype);
		return;
	}
	if (configure(fs, m) == 0)
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	append_log(fs, e);
}

static unsigned attrs_of_flags(unsigned long flags)
{
	static const struct {
		unsigned long flag;
		unsigned attr;
	} table[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	};
	unsigned attrs = 0;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		attrs |= flags & table[i].flag ? table[i].attr : 0;
	return attrs;
}

/* An overlay's lowerdir is soon longer than one option may be. */
static bool has_long_option(const char *data)
{
	for (const char *p = data; p && *p; p += strspn(p, ",")) {
		size_t n = strcspn(p, ",");
		if (n >= OPTION_MAX)
			return true;
		p += n;
	}
	return false;
}

int mount_hidden_make(const char *data, struct err *e)
{
	CLEAN_FD int fs =
		mount_new_detached(&(struct mount_new){ "tmpfs", "tmpfs", data, 0 }, "/", e);

	if (fs < 0)
		return -1;
	CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open /");
	return mount_attach(fs, root, "/", e) < 0 ? -1 : take_fd(&fs);
}

int mount_hidden_drop(int fd, struct err *e)
{
	char path[PATH_FD_MAX];

	return umount2(path_of_fd(fd, path), MNT_DETACH) < 0 ? err_sys(e, "detach a hidden tmpfs")
							     : 0;
}

/* By mount(2), where nobody can interfere: in a tmpfs of our own, which lies over "/" for as long
 * as that takes. The result is a copy. */
static int new_detached_by_mount(const struct mount_new *m, const char *name, struct err *e)
{
	CLEAN_FD int hidden = mount_hidden_make("mode=700", e);

	if (hidden < 0)
		return -1;
	if (mkdirat(hidden, "new", 0700) < 0)
		return err_sys(e, "make a hidden mount point for %s", name);
	CLEAN_FD int target = openat(hidden, "new", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int tree = target < 0 ? err_sys(e, "open a hidden mount point for %s", name)
			      : mount_new(m, target, name, e);
	if (tree == 0)
		tree = mount_tree_clone(hidden, "new", 0, e);
	if (mount_hidden_drop(hidden, tree < 0 ? NULL : e) < 0 && tree >= 0) {
		close(tree);
		return -1;
	}
	return tree;
}

int mount_new_detached(const struct mount_new *m, const char *name, struct err *e)
{
	static const struct {
		unsigned long flag;
		const char *option;
	} super[] = {
		{ MS_SYNCHRONOUS, "sync" },
		{ MS_DIRSYNC, "dirsync" },
		{ MS_LAZYTIME, "lazytime" },
		{ MS_MANDLOCK, "mand" },
	};
	if (has_long_option(m->data))
		return new_detached_by_mount(m, name, e);
	SWEPT_FD int fs = fsopen(m->fstype, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(e, "mount %s at %s", m->fstype, name);
	bool configured = configure(fs, m) == 0;
	for (size_t i = 0; i < sizeof super / sizeof *super; i++) {
		if (configured && m->ms_flags & super[i].flag)
			fsconfig(fs, FSCONFIG_SET_FLAG, super[i].option, NULL, 0);
	}
	if (!configured || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		err_sys(e, "mount %s at %s", m->fstype, name);
		append_log(fs, e);
		return -1;
	}
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, attrs_of_flags(m->ms_flags));
	return fd < 0 ? err_sys(e, "mount %s at %s", m->fstype, name) : fd;
}

/* File systems of which neither source nor options are paths, which could be relative ones. */
static bool is_pathless(const char *fstype)
{
	static const char *const types[] = { "proc",   "sysfs",  "tmpfs",  "devpts",
					     "mqueue", "cgroup", "cgroup2" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (text_equal(fstype, types[i]))
			return true;
	}
	return false;
}

/* mount(2) takes a path. "." of the target costs half of /proc/self/fd/N, whose entries the kernel
 * makes for each process, and has to remove when it ends. */
static int mount_on(const struct mount_new *m, int target)
{
	char path[PATH_FD_MAX] = ".";

	if (!is_pathless(m->fstype) || fchdir(target) < 0)
		path_of_fd(target, path);
	return mount(m->source, path, m->fstype, m->ms_flags, m->data);
}

int mount_new(const struct mount_new *m, int target, const char *name, struct err *e)
{
	if (mount_on(m, target) == 0)
		return 0;
	err_sys(e, "mount %s at %s", m->fstype, name);
	if (e && e->errnum != EPERM && e->errnum != EBUSY)
		explain(m, e);
	else if (e && e->errnum == EPERM && text_equal(m->fstype, "proc"))
		err_append(e, " (inside another container a new procfs is only allowed where the "
			      "existing one is not masked)");
	else if (e && e->errnum == EPERM && text_equal(m->fstype, "sysfs"))
		err_append(e, " (a new sysfs needs a network namespace owned by the container's "
			      "user namespace; bind /sys instead)");
	return -1;
}

int mount_bind(int source, int target, const char *name, struct err *e)
{
	SWEPT_FD int tree =
		open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0)
		return err_sys(e, "bind over %s", name);
	return mount_attach(tree, target, name, e);
}

int mount_change(int fd, unsigned long ms_flags, const char *data, const char *name, struct err *e)
{
	char path[PATH_FD_MAX];

	if (mount(NULL, path_of_fd(fd, path), NULL, ms_flags, data) < 0)
		return err_sys(e, "change mount %s", name);
	return 0;
}

int mount_tmpfs_detached(const char *mode, uint64_t attrs, bool empty, struct err *e)
{
	SWEPT_FD int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_sys(e, "fsopen tmpfs");
	if (mode && fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode, 0) < 0)
		return err_sys(e, "fsconfig tmpfs mode=%s", mode);
	/* One block and one inode: nothing can be stored, should it ever become writable. */
	if (empty && (fsconfig(fs, FSCONFIG_SET_STRING, "nr_blocks", "1", 0) < 0 ||
		      fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) < 0))
		return err_sys(e, "fsconfig tmpfs limits");
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, "create tmpfs");
	int fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
	return fd < 0 ? err_sys(e, "fsmount tmpfs") : fd;
}

int mount_root_propagation(unsigned long propagation, struct err *e)
{
	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return err_sys(e, "change propagation of /");
	return 0;
}

int mount_enter_root(int fd, bool pivot, struct err *e)
{
	if (fchdir(fd) < 0)
		return err_sys(e, "enter root file system");
	if (!pivot) {
		if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
			return err_sys(e, "move root file system to /");
		if (chroot(".") < 0)
			return err_sys(e, "chroot to root file system");
	} else {
		/* pivot_root(".", ".") stacks the old root on top of the new one: no directory
		 * for it is needed inside the root file system (pivot_root(2), NOTES). */
		if (kernel_pivot_root(".", ".") < 0)
			return err_set(e, ERR_SYSTEM, errno,
				       "pivot_root: is the root a ramdisk? (--no-pivot)");
		if (umount2(".", MNT_DETACH) < 0)
			return err_sys(e, "detach old root");
	}
	if (chdir("/") < 0)
		return err_sys(e, "change directory to the new root");
	return 0;
}
