/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes, the usual symlinks of /dev, and the console. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/mount/mount.h"
#include "src/tty/tty-console.h"

int init_parent(struct init *c, const char *path, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (c->parent >= 0 && slash && slash[1] && strlen(c->parent_path) == n &&
	    memcmp(c->parent_path, path, n) == 0 && !text_equal(slash + 1, "..")) {
		*name = slash + 1;
		return c->parent;
	}
	drop_fd(&c->parent);
	c->parent = path_parent_in_root(c->rootfs, path, name, e);
	text_format(c->parent_path, sizeof c->parent_path, "%.*s", (int)n, path);
	/* One too long to be remembered is not found again, that is all. */
	return c->parent;
}

void init_parent_covered(struct init *c, const char *path)
{
	size_t n = strlen(path);

	if (c->parent >= 0 && strncmp(c->parent_path, path, n) == 0 &&
	    (!c->parent_path[n] || c->parent_path[n] == '/' || (n && path[n - 1] == '/')))
		drop_fd(&c->parent);
}

/* A node that is there already is kept when it is what was asked for. */
static int check_existing(const struct plan_device *d, int parent, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat device %s", d->path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) ||
	    (!S_ISFIFO(d->mode) && st.st_rdev != d->number))
		return d->must_match ? err_set(e, ERR_CONFIG, EEXIST,
					       "device %s: another file is there", d->path)
				     : 0;
	return 0;
}

static int make_node(const struct plan_device *d, int parent, const char *name, struct err *e)
{
	if (mknodat(parent, name, d->mode, d->number) < 0) {
		if (errno == EEXIST)
			return check_existing(d, parent, name, e);
		return err_set(e, ERR_SYSTEM, errno,
			       "make device %s (%u:%u) (is the device allowed by the device "
			       "cgroup, and mknod by the file system?)",
			       d->path, major(d->number), minor(d->number));
	}
	/* The umask was cleared for all of init, so the mode is exact. Only this new node of our
	 * own is ever given away, never a device that was inherited. */
	if (d->chown && fchownat(parent, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "change owner of device %s", d->path);
	return 0;
}

/* In a user namespace mknod is not allowed: show the host's own node. */
static int bind_node(struct init *c, const struct plan_device *d, struct err *e)
{
	const char *name;
	struct stat st;
	struct err ignored;
	/* A mount that can be attached as it is, where the source can be cloned. */
	SWEPT_FD int source = mount_tree_clone(AT_FDCWD, d->path, 0, &ignored);

	if (source < 0 || fstat(source, &st) < 0)
		return err_sys(e, "open the host's device %s", d->path);
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT) || st.st_rdev != d->number)
		return err_set(e, ERR_CONFIG, 0,
			       "device %s: the host's is another device, and making one needs "
			       "CAP_MKNOD outside of user namespaces",
			       d->path);
	/* Most often into a /dev that was mounted a moment ago: the file that is made is the place. */
	int parent = init_parent(c, d->path, &name, e);
	if (parent < 0)
		return -1;
	if (mknodat(parent, name, S_IFREG | 0644, 0) == 0) {
		SWEPT_FD int made = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		return made < 0 ? err_sys(e, "open %s", d->path)
				: mount_attach(source, made, d->path, e);
	}
	SWEPT_FD int target = path_mkfile_in_root(c->rootfs, d->path, 0644, e);
	return target < 0 ? -1 : mount_attach(source, target, d->path, e);
}

int init_devices(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_rootfs *rootfs = &c->plan->rootfs;

	for (size_t i = 0; i < rootfs->devices_count; i++) {
		const struct plan_device *d = &rootfs->devices[i];
		const char *name;
		if (d->bind) {
			if (bind_node(c, d, e) < 0)
				return -1;
			continue;
		}
		int parent = init_parent(c, d->path, &name, e);
		if (parent < 0 || make_node(d, parent, name, e) < 0)
			return -1;
	}
	return 0;
}

int init_symlinks(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_rootfs *rootfs = &c->plan->rootfs;

	for (size_t i = 0; i < rootfs->symlinks_count; i++) {
		const struct plan_symlink *s = &rootfs->symlinks[i];
		const char *name;
		int parent = init_parent(c, s->path, &name, e);
		if (parent < 0)
			return -1;
		if (symlinkat(s->target, parent, name) < 0 && errno != EEXIST)
			return err_sys(e, "make symlink %s", s->path);
	}
	return 0;
}

/*
 * The terminal: a pty of the container's own devpts, its slave bound over /dev/console by descriptor
 * (CVE-2025-52565: by path, a symlink could have sent the mount to procfs).
 */
int init_console(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct plan_process *p = &c->plan->process;
	struct tty_pair pair;
	SWEPT_FD int devpts = path_open_in_root(c->rootfs, "/dev/pts", O_PATH | O_DIRECTORY);

	if (devpts < 0)
		return err_sys(e, "open /dev/pts for the terminal (is devpts among the mounts?)");
	if (tty_open(devpts, &pair, e) < 0)
		return -1;
	c->console_master = pair.master;
	c->console_slave = pair.slave;
	if (tty_set_size(pair.slave, p->console_rows, p->console_columns, e) < 0 ||
	    tty_set_owner(pair.slave, p->uid, (gid_t)-1, e) < 0)
		return -1;
	SWEPT_FD int target = path_mkfile_in_root(c->rootfs, "/dev/console", 0600, e);
	if (target < 0)
		return -1;
	return mount_bind(pair.slave, target, "/dev/console", e);
}
