/* SPDX-License-Identifier: Apache-2.0 */
#include "src/lsm/lsm-attr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

int lsm_attr_open(int procfd, const char *name)
{
	char self[16], path[64];
	struct statfs fs;
	/* "self" is a symlink and none is followed below, so it is read here. It also counts the
	 * pid as this procfs does, whichever pid namespace it belongs to. */
	ssize_t n = readlinkat(procfd, "self", self, sizeof self - 1);

	if (n < 0)
		return -1;
	self[n] = '\0';
	text_format(path, sizeof path, "%s/%s", self, name);
	CLEAN_FD int fd = path_open(procfd, path, O_WRONLY,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					    RESOLVE_NO_XDEV);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -1;
	if (fs.f_type != KERNEL_PROC_SUPER_MAGIC) {
		errno = EXDEV;
		return -1;
	}
	return take_fd(&fd);
}

int lsm_attr_put(int fd, const char *value)
{
	size_t size = strlen(value);
	ssize_t n = write(fd, value, size);

	if (n >= 0 && (size_t)n != size)
		errno = EIO;
	return n >= 0 && (size_t)n == size ? 0 : -1;
}

int lsm_attr_explain(struct err *e, const char *what, int errnum)
{
	if (errnum == EXDEV || errnum == ELOOP)
		return err_append(e, ": something else is in the place of procfs' own file");
	if (errnum == EINVAL)
		return err_append(e,
				  ": the kernel does not know this %s, or its security module "
				  "is off",
				  what);
	return -1;
}
