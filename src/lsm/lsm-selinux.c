/* SPDX-License-Identifier: Apache-2.0 */
#include "src/lsm/lsm-selinux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/lsm/lsm-attr.h"

#define SELINUX_MAGIC 0xf97cff8c

int lsm_selinux_enabled(int sysfd)
{
	CLEAN_FD int fd = openat(sysfd, "fs/selinux", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return 0;
	/* f_type is signed and the number has its highest bit set. */
	return (uint32_t)fs.f_type == SELINUX_MAGIC && !(fs.f_flags & ST_RDONLY);
}

int lsm_selinux_exec(int procfd, const char *label, struct err *e)
{
	CLEAN_FD int fd = lsm_attr_open(procfd, "attr/exec");

	if (fd >= 0 && lsm_attr_put(fd, label) == 0)
		return 0;
	int errnum = errno;
	err_set(e, fd < 0 && errnum == ENOENT ? ERR_UNSUPPORTED : ERR_SYSTEM, errnum,
		"set SELinux label %s for exec", label);
	return lsm_attr_explain(e, "label", errnum);
}

int lsm_selinux_keycreate(int procfd, const char *label, struct err *e)
{
	CLEAN_FD int fd = lsm_attr_open(procfd, "attr/keycreate");

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0 && lsm_attr_put(fd, label) == 0)
		return 0;
	int errnum = errno;
	err_set(e, ERR_SYSTEM, errnum, "set SELinux label %s for keys", label);
	return lsm_attr_explain(e, "label", errnum);
}

ssize_t lsm_selinux_mount_option(const char *label, const char *type, char *out, size_t size,
				 struct err *e)
{
	/* A quote would end the value and start another option. */
	if (!*label || strpbrk(label, "\"\n"))
		return err_config(e,
				  "SELinux mount label \"%s\": empty, or with a quote or newline",
				  label);
	size_t n = text_format(out, size, "%s=\"%s\"", type ? type : "context", label);
	if (text_cut(n, size))
		return err_config(e, "SELinux mount label \"%s\": longer than %zu bytes", label,
				  size);
	return (ssize_t)n;
}
