/* SPDX-License-Identifier: Apache-2.0 */
#include "src/ns/ns-proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define PROC_ROOT_INO 1 /* <linux/proc_fs.h>: the root of every procfs */
#define PATH_BYTES    512

/* A new instance, attached nowhere. fd or -1 with errno. */
static int make_instance(bool pid_only)
{
	CLEAN_FD int context = fsopen("proc", FSOPEN_CLOEXEC);

	if (context < 0)
		return -1;
	if (pid_only && fsconfig(context, FSCONFIG_SET_STRING, "subset", "pid", 0) < 0)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC,
		       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int ns_proc_open(bool pid_only, struct err *e)
{
	int fd = make_instance(pid_only);

	if (fd >= 0)
		return fd;
	/*
	 * A procfs may only be mounted in a user namespace where one is visible without anything
	 * over it, else it would show what someone has hidden. Then the visible one has to
	 * do. A clone leaves behind what is mounted on it, unless those mounts are locked.
	 */
	CLEAN_FD int proc = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (proc < 0)
		proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (proc < 0)
		return err_sys(e, "open /proc");
	if (ns_proc_check(proc, e) < 0)
		return err_prefix(e, "/proc");
	return take_fd(&proc);
}

int ns_proc_check(int fd, struct err *e)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "stat procfs");
	if (fs.f_type != KERNEL_PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INO)
		return err_set(e, ERR_SYSTEM, EXDEV,
			       "not the root of a procfs (type %lx, inode %lu)",
			       (unsigned long)fs.f_type, (unsigned long)st.st_ino);
	return 0;
}

/* @path with a leading "self/" replaced by the pid that it stands for. 0 or -1 with errno. */
static int resolve_self(int procfd, const char *path, char out[PATH_BYTES])
{
	char self[16] = "";
	ssize_t n = 0;

	if (text_starts(path, "self/")) {
		n = readlinkat(procfd, "self", self, sizeof self - 1);
		if (n < 0)
			return -1;
		self[n] = '\0';
		path += 4;
	}
	if (text_cut(text_format(out, PATH_BYTES, "%s%s", self, path), PATH_BYTES)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int ns_proc_file(int procfd, const char *path, int flags, struct err *e)
{
	char real[PATH_BYTES];
	int fd = resolve_self(procfd, path, real);

	if (fd == 0)
		fd = path_open(procfd, real, flags,
			       RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
				       RESOLVE_NO_MAGICLINKS);
	if (fd >= 0)
		return fd;
	int errnum = errno;
	err_sys(e, "open %s in procfs", path);
	if (errnum == EXDEV || errnum == ELOOP)
		err_append(e, ": something is mounted or linked in its place");
	return -1;
}

int ns_proc_write(int procfd, const char *path, const char *value, struct err *e)
{
	CLEAN_FD int fd = ns_proc_file(procfd, path, O_WRONLY, e);
	size_t size = strlen(value);

	if (fd < 0)
		return -1;
	/* A control file takes its value in one piece: the rest of a short write would be
	 * another value. */
	ssize_t n = write(fd, value, size);
	if (n < 0)
		return err_sys(e, "write \"%s\" to %s in procfs", value, path);
	if ((size_t)n != size)
		return err_set(e, ERR_SYSTEM, EIO, "write \"%s\" to %s in procfs: %zd bytes taken",
			       value, path, n);
	return 0;
}

/* No empty, "." or ".." part between slashes. */
static bool sound_path(const char *path)
{
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

ssize_t ns_proc_sysctl_path(const char *key, char *out, size_t size, struct err *e)
{
	static const char prefix[] = "sys/";
	const size_t skip = sizeof prefix - 1;
	size_t n = text_format(out, size, "%s%s", prefix, key);

	if (text_cut(n, size))
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "sysctl \"%s\"", key);
	size_t first = strcspn(key, "./");
	if (key[first] == '.')
		for (char *p = out + skip; *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	if (!sound_path(out + skip))
		return err_config(e, "sysctl \"%s\": not a name such as net.ipv4.ip_forward", key);
	return (ssize_t)n;
}
