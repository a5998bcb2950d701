/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/mount/mount.h"

static int map_and_open(pid_t pid, const char *uid_map, const char *gid_map, struct err *e)
{
	char path[64];

	text_format(path, sizeof path, "/proc/%d/uid_map", pid);
	if (io_write_at(AT_FDCWD, path, uid_map) < 0)
		return err_sys(e, "write uid mapping of an id-mapped mount");
	text_format(path, sizeof path, "/proc/%d/gid_map", pid);
	if (io_write_at(AT_FDCWD, path, gid_map) < 0)
		return err_sys(e, "write gid mapping of an id-mapped mount");
	text_format(path, sizeof path, "/proc/%d/ns/user", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

int mount_idmap_userns(const char *uid_map, const char *gid_map, struct err *e)
{
	/* It only has to exist until its namespace has been opened. */
	pid_t pid = pid_start_idle(CLONE_NEWUSER);

	if (pid < 0)
		return err_sys(e, "create a user namespace for an id-mapped mount");
	int fd = map_and_open(pid, uid_map, gid_map, e);
	pid_end(pid);
	return fd;
}
