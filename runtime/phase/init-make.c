/* SPDX-License-Identifier: Apache-2.0 */
/* Directories, files, symlinks and overlays that have their turn among the mounts. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/mount/mount.h"

int init_make_directory(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	const char *name;
	CLEAN_FD int parent = path_parent_in_root(c->rootfs, m->destination, &name, e);

	(void)index;
	if (parent < 0)
		return -1;
	if (mkdirat(parent, name, m->mode_set ? m->mode : 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make directory %s", m->destination);
	CLEAN_FD int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open directory %s", m->destination) : 0;
}

/* A new file @name with the entry's content and mode. */
static int write_file(const struct plan_mount *m, int parent, const char *name, mode_t mode,
		      struct err *e)
{
	/* What was there is replaced, not written to: it may be a link to another place. */
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, "replace file %s", m->destination);
	CLEAN_FD int fd =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "make file %s", m->destination);
	if (io_write_full(fd, m->content, m->content_bytes) < 0)
		return err_sys(e, "write file %s", m->destination);
	return 0;
}

int init_make_file(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	const char *name;
	CLEAN_FD int parent = path_parent_in_root(c->rootfs, m->destination, &name, e);

	(void)index;
	return parent < 0 ? -1 : write_file(m, parent, name, m->mode_set ? m->mode : 0644, e);
}

/* The file lies in a tmpfs that nobody sees; what is bound is that file alone. */
int init_make_data(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	struct mount_attrs ro = {
		.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
		.userns = -1,
	};
	CLEAN_FD int fs = mount_hidden_make("mode=700", e);

	(void)index;
	if (fs < 0 || write_file(m, fs, "data", m->mode_set ? m->mode : 0600, e) < 0)
		return -1;
	CLEAN_FD int tree = mount_tree_clone(fs, "data", 0, e);
	if (tree < 0 || mount_attrs_apply(tree, &ro, false, m->destination, e) < 0 ||
	    mount_hidden_drop(fs, e) < 0)
		return -1;
	CLEAN_FD int target = path_mkfile_in_root(c->rootfs, m->destination, 0644, e);
	return target < 0 ? -1 : mount_attach(tree, target, m->destination, e);
}

int init_make_link(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	char there[PATH_MAX];
	const char *name;
	CLEAN_FD int parent = path_parent_in_root(c->rootfs, m->destination, &name, e);

	(void)index;
	if (parent < 0)
		return -1;
	if (symlinkat(m->content, parent, name) == 0)
		return 0;
	int errnum = errno;
	ssize_t n = readlinkat(parent, name, there, sizeof there - 1);
	if (n >= 0)
		there[n] = '\0';
	/* The same link is as good as a new one. */
	if (n >= 0 && text_equal(there, m->content))
		return 0;
	return err_set(e, ERR_SYSTEM, errnum, "make symlink %s", m->destination);
}

int init_make_mode(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	char path[PATH_FD_MAX];
	CLEAN_FD int fd = path_open_in_root(c->rootfs, m->destination, O_PATH);

	(void)index;
	/* fchmod(2) takes no O_PATH descriptor. */
	if (fd < 0 || chmod(path_of_fd(fd, path), m->mode) < 0)
		return err_sys(e, "change mode of %s", m->destination);
	return 0;
}

/* Upper and work directory in a tmpfs that nothing else ever sees: changes are lost in the end. */
static int memory_layer(const struct plan_mount *m, char *data, size_t size, struct err *e)
{
	CLEAN_FD int fs = mount_hidden_make(m->overlay_memory, e);

	if (fs < 0)
		return -1;
	if (mkdirat(fs, "upper", 0755) < 0 || mkdirat(fs, "work", 0755) < 0)
		return err_sys(e, "make layers of overlay %s", m->destination);
	text_format(data, size, "%s,upperdir=/proc/self/fd/%d/upper,workdir=/proc/self/fd/%d/work",
		    m->data, fs, fs);
	return take_fd(&fs);
}

int init_make_overlay(struct init *c, const struct plan_mount *m, size_t index, struct err *e)
{
	char data[PLAN_OVERLAY_DATA_MAX + 128];
	struct mount_new new = { "overlay", "overlay", m->data, m->ms_flags };
	CLEAN_FD int layer = -1;

	(void)index;
	if (m->overlay_memory) {
		layer = memory_layer(m, data, sizeof data, e);
		if (layer < 0)
			return -1;
		new.data = data;
	}
	CLEAN_FD int target = path_mkdirs_in_root(c->rootfs, m->destination, 0755, 0, e);
	if (target < 0 || mount_new(&new, target, m->destination, e) < 0)
		return -1;
	return layer < 0 ? 0 : mount_hidden_drop(layer, e);
}
