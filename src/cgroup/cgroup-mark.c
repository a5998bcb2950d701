/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-mark.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"

#define MARK_TRUSTED "trusted.husk.owner"
#define MARK_USER    "user.husk.owner"
#define MARK_MAX     8192 /* 20 directories of 400 bytes */
#define WALK_DEPTH   16

/* Format: TEXT, then per directory "\n" VERSION " " CONTROLLERS " " PATH, VERSION 1 or 2. */
void cgroup_mark_write(const struct cgroup_set *set, uint32_t made, const char *mark)
{
	char value[MARK_MAX];
	size_t used = text_format(value, sizeof value, "%s", mark);
	int first = -1;

	for (unsigned i = 0; i < set->count; i++) {
		const struct cgroup_place *place = &set->places[i];
		if (!(made & 1u << i))
			continue;
		if (first < 0)
			first = (int)i;
		used += text_format(value + used, sizeof value - used, "\n%d %u %s",
				    place->v2 ? 2 : 1, place->controllers, place->dir);
	}
	/* Cut: a path in half would be somebody else's. The state file still knows them all. */
	if (first < 0 || text_cut(used, sizeof value))
		return;
	const char *dir = set->places[first].dir;
	/* trusted.* needs CAP_SYS_ADMIN in the first user namespace. */
	if (setxattr(dir, MARK_TRUSTED, value, used, 0) < 0 && errno == EPERM)
		setxattr(dir, MARK_USER, value, used, 0);
}

/* ---- finding ---- */

/* True if this process could have written trusted.* attributes. */
static bool privileged(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	char ns[32];
	ssize_t n = readlink("/proc/self/ns/user", ns, sizeof ns - 1);

	/* The first user namespace has a fixed inode number, PROC_USER_INIT_INO of the kernel. */
	if (n < 0)
		return true; /* no /proc: be strict */
	ns[n] = '\0';
	if (!text_equal(ns, "user:[4026531837]"))
		return false;
	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_SYS_ADMIN);
}

struct search {
	const char *name;   /* of the attribute */
	const char *prefix; /* of names that count, or NULL */
	bool (*match)(const char *mark, void *data);
	void *data;
	struct arena *a;
	struct cgroup_set *set;
	bool trusted; /* nobody but the host's root can have written it */
	bool v2;      /* of the hierarchy that is being walked */
	int depth;
	size_t path_length;
	char path[PATH_MAX]; /* of the directory that is being looked at */
};

/* Turn a mark back into a set. 1, or 0 if it is not in our format. */
static int parse_mark(char *lines, struct search *s)
{
	struct cgroup_set *set = s->set;

	*set = (struct cgroup_set){ 0 };
	if (!s->trusted) {
		/* A container that owns its sub-tree may have written the list: believe only
		 * that this directory wants to go. */
		set->count = 1;
		set->places[0] =
			(struct cgroup_place){ .v2 = s->v2, .dir = arena_strdup(s->a, s->path) };
		return 1;
	}
	for (char *line = lines; line;) {
		char *next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *blank = line[0] && line[1] == ' ' ? strchr(line + 2, ' ') : NULL;
		if (!blank || (*line != '1' && *line != '2') || blank[1] != '/' ||
		    set->count == CGROUP_MAX)
			return 0;
		set->places[set->count++] = (struct cgroup_place){
			.v2 = *line == '2',
			.controllers = (uint32_t)cgroup_text_u64(line + 2),
			.dir = arena_strdup(s->a, blank + 1),
		};
		line = next;
	}
	return set->count > 0;
}

static int search_dir(int parent, const char *name, void *data);

/* The directory that s->path names. 1 found, 0 go on. */
static int search_open_dir(int fd, struct search *s)
{
	char mark[MARK_MAX + 1];
	ssize_t n = fgetxattr(fd, s->name, mark, sizeof mark - 1);
	if (n > 0) {
		mark[n] = '\0';
		char *lines = strchr(mark, '\n');
		if (lines) {
			*lines++ = '\0';
			if (s->match(mark, s->data) && parse_mark(lines, s))
				return 1;
		}
	}
	if (s->depth == WALK_DEPTH)
		return 0;
	s->depth++;
	/* A directory that vanished meanwhile is no error. */
	int ret = cgroup_each_below(fd, search_dir, s);
	s->depth--;
	return ret > 0;
}

static int search_dir(int parent, const char *name, void *data)
{
	struct search *s = data;

	if (s->prefix && !text_starts(name, s->prefix))
		return 0;
	CLEAN_FD int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	/* Cgroups come and go while we walk, and some may not be readable. */
	if (fd < 0)
		return 0;
	size_t length = s->path_length;
	size_t added =
		text_format(s->path + length, sizeof s->path - length, length ? "/%s" : "%s", name);
	if (text_cut(added, sizeof s->path - length))
		return 0;
	s->path_length += added;
	int ret = search_open_dir(fd, s);
	s->path_length = length;
	return ret;
}

int cgroup_find_marked(const struct cgroup_host *host, bool (*match)(const char *mark, void *data),
		       void *data, struct arena *a, struct cgroup_set *set,
		       struct cgroup_created *created, struct err *e)
{
	struct search s = { .match = match, .data = data, .a = a, .set = set };

	*set = (struct cgroup_set){ 0 };
	*created = (struct cgroup_created){ 0 };
	s.trusted = privileged();
	s.name = s.trusted ? MARK_TRUSTED : MARK_USER;
	for (unsigned i = 0; i < host->count; i++) {
		/* Creation goes through the hierarchies in this order and marks the first that
		 * can be written: what is not found there is nowhere. */
		const char *mount = host->hierarchies[i].mount;
		if (faccessat(AT_FDCWD, mount, W_OK, AT_EACCESS) < 0 && errno == EROFS)
			continue;
		s.v2 = host->hierarchies[i].v2;
		s.path_length = 0;
		int found = search_dir(AT_FDCWD, mount, &s);
		if (found) {
			created->made = (1u << set->count) - 1;
			return arena_check(a, e) < 0 ? -1 : 1;
		}
		if (s.trusted)
			break;
	}
	return 0;
}

int cgroup_find_marked_beside(const struct cgroup_set *set, const char *prefix,
			      bool (*match)(const char *mark, void *data), void *data,
			      struct arena *a, struct cgroup_set *found,
			      struct cgroup_created *created, struct err *e)
{
	/* As deep as it goes: no directory below one that was looked at. */
	struct search s = {
		.match = match, .data = data, .a = a, .set = found, .depth = WALK_DEPTH
	};

	*found = (struct cgroup_set){ 0 };
	*created = (struct cgroup_created){ 0 };
	s.trusted = privileged();
	s.name = s.trusted ? MARK_TRUSTED : MARK_USER;
	s.prefix = prefix;
	for (unsigned i = 0; i < set->count; i++) {
		const struct cgroup_place *place = &set->places[i];
		const char *slash = strrchr(place->dir, '/');
		s.v2 = place->v2;
		s.path_length = text_format(s.path, sizeof s.path, "%.*s",
					    (int)(slash - place->dir), place->dir);
		CLEAN_FD int parent = open(s.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (parent >= 0 && cgroup_each_below(parent, search_dir, &s) > 0) {
			created->made = (1u << found->count) - 1;
			return arena_check(a, e) < 0 ? -1 : 1;
		}
	}
	return 0;
}
