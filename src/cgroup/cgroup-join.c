/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup.h"

/* Entering cgroups without waiting for the kernel. */

int cgroup_open(const struct cgroup_set *set, uint32_t skip, struct cgroup_fds *fds, struct err *e)
{
	*fds = (struct cgroup_fds)CGROUP_FDS_INIT;
	for (unsigned i = 0; i < set->count; i++) {
		const struct cgroup_place *place = &set->places[i];
		const char *file = place->v2 ? "" : "/tasks";
		int fd;
		if (skip & 1u << i)
			continue;
		if (place->v2)
			fd = fds->v2 = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		else
			fd = fds->tasks[fds->count++] = cgroup_file_open(place, "tasks", O_WRONLY);
		if (fd < 0) {
			err_sys(e, "open %s%s", place->dir, file);
			cgroup_fds_close(fds);
			return -1;
		}
	}
	return 0;
}

void cgroup_fds_close(struct cgroup_fds *fds)
{
	int all[CGROUP_MAX + 1];
	unsigned count = 0;

	if (fds->v2 >= 0)
		all[count++] = fds->v2;
	for (unsigned i = 0; i < fds->count; i++)
		all[count++] = fds->tasks[i];
	if (count)
		cgroup_close_all(all, count);
	*fds = (struct cgroup_fds)CGROUP_FDS_INIT;
}

int cgroup_join(struct cgroup_fds *fds, unsigned *failed)
{
	int ret = 0;

	for (unsigned i = 0; i < fds->count && ret == 0; i++) {
		/* "0" in `tasks` moves the calling thread alone, for which the kernel needs no
		 * grace period, and which needs no right over anybody else. */
		if (write(fds->tasks[i], "0", 1) < 0) {
			*failed = i;
			ret = -1;
		}
	}
	cgroup_fds_close(fds);
	return ret;
}

/* ---- exec ---- */

/* The v2 path of @pid in @out, as /proc/PID/cgroup shows it to us. 0 or -1 with errno. */
static int read_v2_path(int procfd, pid_t pid, char *out, size_t size)
{
	char file[64], text[16384];

	text_format(file, sizeof file, procfd == AT_FDCWD ? "/proc/%d/cgroup" : "%d/cgroup", pid);
	if (io_read_at(procfd, file, text, sizeof text) < 0)
		return -1;
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "0::", 3) != 0)
			continue;
		size_t n = strcspn(line + 3, "\n");
		if (n >= size)
			break;
		memcpy(out, line + 3, n);
		out[n] = '\0';
		return 0;
	}
	errno = ENOENT;
	return -1;
}

/*
 * What of @path lies below the container's directory: the longest tail of @dir that is a head of
 * @path is where they meet, since @dir is mount point plus path, and the mount point is not always
 * known.
 */
static const char *tail_below(const char *dir, const char *path)
{
	for (const char *p = dir; (p = strchr(p, '/')); p++) {
		size_t n = strlen(p);
		if (strncmp(path, p, n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return path + n;
	}
	return NULL;
}

int cgroup_open_of_init(const struct cgroup_set *set, int procfd, pid_t init_pid,
			struct cgroup_fds *fds, struct err *e)
{
	int v2 = cgroup_set_v2(set);
	char path[PATH_MAX];

	if (v2 < 0)
		return err_set(e, ERR_STATE, 0, "the container has no cgroup v2 directory");
	const char *dir = set->places[v2].dir;
	if (read_v2_path(procfd, init_pid, path, sizeof path) < 0)
		return err_sys(e, "read the cgroup of process %d", init_pid);
	const char *tail = tail_below(dir, path);
	if (!tail || strstr(path, "/../"))
		return err_set(e, ERR_STATE, 0, "cgroup %s of process %d is not below %s", path,
			       init_pid, dir);
	CLEAN_FD int top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = top < 0 ? -1
			 : openat(top, *tail ? tail + 1 : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s%s", dir, tail);
	if (fds->v2 >= 0)
		close(fds->v2);
	fds->v2 = fd;
	return 0;
}

int cgroup_clone_error(const struct cgroup_set *set, int errnum, struct err *e)
{
	int v2 = cgroup_set_v2(set);
	const struct cgroup_place *place = v2 < 0 ? NULL : &set->places[v2];
	char text[256];

	err_set(e, ERR_SYSTEM, errnum, "start a process in cgroup %s", place ? place->dir : "?");
	if (!place)
		return -1;
	if (errnum == EBUSY &&
	    cgroup_file_read(place, "cgroup.subtree_control", text, sizeof text) > 0)
		return err_append(e,
				  ": controllers (%s) are enabled for its children, so it can "
				  "hold no processes itself",
				  text);
	if ((errnum == EOPNOTSUPP || errnum == EBUSY) &&
	    cgroup_file_read(place, "cgroup.type", text, sizeof text) > 0 &&
	    !text_equal(text, "domain"))
		return err_append(e, ": its type is \"%s\"; a cgroup above it is threaded", text);
	/* Moving needs the right to write to cgroup.procs of the nearest cgroup above both. */
	if (errnum == EACCES)
		return err_append(e, " (husk itself has to be below the same delegated cgroup: try "
				     "systemd-run --user --scope)");
	if (errnum == EAGAIN)
		return err_append(e, " (pids.max of it or of a cgroup above is reached)");
	return -1;
}
