/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-ids.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/cred/cred-fields.h"
#include "src/cred/cred-user.h"

int cred_groups_denied(int procfd, struct err *e)
{
	char text[16];

	if (io_read_at(procfd, "self/setgroups", text, sizeof text) < 0) {
		/* Without user namespaces in the kernel there is no file and no denial. */
		if (errno == ENOENT)
			return 0;
		return err_sys(e, "read self/setgroups in procfs");
	}
	return text_equal(text, "deny");
}

int cred_groups_set(int mode, const gid_t *groups, size_t ngroups, struct err *e)
{
	if (mode != CRED_GROUPS_SET)
		return 0;
	/* Not glibc's wrapper: that one tells other threads, which a clone3 child has none of. */
	if (syscall(SYS_setgroups, ngroups, groups) == 0)
		return 0;
	err_sys(e, "set %zu supplementary groups", ngroups);
	if (errno == EPERM)
		err_append(e, ": this needs CAP_SETGID, and in a user namespace that setgroups is "
			      "not denied and a gid map is set");
	else if (errno == EINVAL)
		err_append(e, ": a group is not mapped in the user namespace, or there are more "
			      "than 65536");
	return -1;
}

int cred_ids_set(uid_t uid, gid_t gid, bool keep_caps, struct err *e)
{
	if (syscall(SYS_setresgid, gid, gid, gid) < 0) {
		err_sys(e, "set group id %u", gid);
		if (errno == EINVAL)
			err_append(e, ": it is not mapped in the user namespace");
		return -1;
	}
	if (keep_caps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(e, "keep capabilities over the change of user");
	if (syscall(SYS_setresuid, uid, uid, uid) < 0) {
		err_sys(e, "set user id %u", uid);
		if (errno == EINVAL)
			err_append(e, ": it is not mapped in the user namespace");
		else if (errno == EAGAIN)
			err_append(e, ": the user has RLIMIT_NPROC processes already");
		return -1;
	}
	return 0;
}

static bool overlap(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
	return a < (uint64_t)b + nb && b < (uint64_t)a + na;
}

int cred_map_check(const char *what, const struct cred_id_map *maps, size_t n, struct err *e)
{
	if (n == 0)
		return err_config(e, "%s: no mappings", what);
	if (n > CRED_MAP_LINES_MAX)
		return err_config(e, "%s: %zu mappings, the kernel takes %d", what, n,
				  CRED_MAP_LINES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct cred_id_map *m = &maps[i];
		if (m->count == 0)
			return err_config(e, "%s[%zu]: the size is 0", what, i);
		/* 4294967295 is not an id, so a range ends below it. */
		if ((uint64_t)m->id_container + m->count > UINT32_MAX ||
		    (uint64_t)m->id_host + m->count > UINT32_MAX)
			return err_config(e, "%s[%zu]: the range ends beyond 4294967294", what, i);
		for (size_t k = 0; k < i; k++) {
			const struct cred_id_map *o = &maps[k];
			if (overlap(m->id_container, m->count, o->id_container, o->count))
				return err_config(e,
						  "%s[%zu]: container ids overlap those of [%zu]",
						  what, i, k);
			if (overlap(m->id_host, m->count, o->id_host, o->count))
				return err_config(e, "%s[%zu]: host ids overlap those of [%zu]",
						  what, i, k);
		}
	}
	return 0;
}

ssize_t cred_map_print(const struct cred_id_map *maps, size_t n, char *out, size_t size)
{
	size_t used = 0;

	if (size)
		*out = '\0';
	for (size_t i = 0; i < n; i++) {
		used += text_format(out + used, size - used, "%u %u %u\n", maps[i].id_container,
				    maps[i].id_host, maps[i].count);
		if (text_cut(used, size))
			return -1;
	}
	return (ssize_t)used;
}

int64_t cred_map_to_host(const struct cred_id_map *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].id_container && id - maps[i].id_container < maps[i].count)
			return (int64_t)maps[i].id_host + (id - maps[i].id_container);
	return -1;
}

int64_t cred_map_to_container(const struct cred_id_map *maps, size_t n, uint32_t id_host)
{
	for (size_t i = 0; i < n; i++)
		if (id_host >= maps[i].id_host && id_host - maps[i].id_host < maps[i].count)
			return (int64_t)maps[i].id_container + (id_host - maps[i].id_host);
	return -1;
}

/* One write to a file of a process, with nothing on the way but procfs' own directories. */
static int write_proc(int procfd, pid_t pid, const char *file, const char *text)
{
	char path[64];
	size_t size = strlen(text);

	text_format(path, sizeof path, "%d/%s", pid, file);
	CLEAN_FD int fd = path_open(procfd, path, O_WRONLY,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, size);
	if (n >= 0 && (size_t)n != size)
		errno = EIO;
	return n >= 0 && (size_t)n == size ? 0 : -1;
}

int cred_map_write(int procfd, pid_t pid, const char *file, const char *text, struct err *e)
{
	size_t size = strlen(text);
	long page = sysconf(_SC_PAGESIZE);

	/* The kernel takes less than a page in one write, so 340 lines of large numbers do not fit.
	 */
	if (size >= (size_t)page)
		return err_config(e,
				  "write %s of process %d: the map is %zu bytes long, the "
				  "kernel takes %ld",
				  file, pid, size, page - 1);
	if (write_proc(procfd, pid, file, text) == 0)
		return 0;
	err_sys(e, "write %s of process %d", file, pid);
	if (errno == EPERM)
		err_append(e,
			   ": mapping ids other than the caller's own needs CAP_SETUID and "
			   "CAP_SETGID over them (newuidmap and newgidmap from the package uidmap "
			   "have it), and a map is written only once");
	return -1;
}

int cred_map_deny_groups(int procfd, pid_t pid, struct err *e)
{
	if (write_proc(procfd, pid, "setgroups", "deny") == 0)
		return 0;
	return err_sys(e, "write \"deny\" to setgroups of process %d", pid);
}

int cred_subids_read(int fd, const char *user_name, uid_t uid, struct cred_id_map *out, size_t room,
		     struct err *e)
{
	struct cred_fields f = { .fd = fd };
	char name[CRED_NAME_MAX], first[12], count[12], none[1];
	struct cred_id_map map = { 0 };
	size_t n = 0;
	uint32_t id;
	bool cut[3], ignored;
	int stop;

	do {
		stop = cred_fields_next(&f, ":\n", name, sizeof name, &cut[0]);
		if (stop == ':')
			stop = cred_fields_next(&f, ":\n", first, sizeof first, &cut[1]);
		else
			*first = '\0';
		if (stop == ':')
			stop = cred_fields_next(&f, ":\n", count, sizeof count, &cut[2]);
		else
			*count = '\0';
		if (stop > 0 && stop != '\n')
			stop = cred_fields_next(&f, "\n", none, sizeof none, &ignored);
		if (stop < 0)
			return err_sys(e, "read subordinate ids");
		if (!*first || !*count || cut[0] || cut[1] || cut[2])
			continue;
		bool mine = (user_name && text_equal(name, user_name)) ||
			    (cred_id_parse(name, &id) == 0 && id == uid);
		if (mine && cred_id_parse(first, &map.id_host) == 0 &&
		    text_parse_u32(count, &map.count) == 0 && map.count && n < room)
			out[n++] = map;
	} while (stop > 0);
	return (int)n;
}
