/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-pids.h"
#include "src/cgroup/cgroup.h"

/* Removing what cgroup_create() made, whatever the container has done in it. */

#define DELAY_FIRST_USEC 50
#define DELAY_MAX_USEC   200000
#define PATIENCE_USEC    4000000
/* A container that is still running may make more sub-cgroups than we remove. */
#define STEPS_MAX 200000

/* ---- sub-cgroups ---- */

/* The first sub-directory that cannot be removed as it is. */
struct obstacle {
	char name[NAME_MAX + 1];
};

static int remove_child(int dirfd, const char *name, void *data)
{
	struct obstacle *o = data;

	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;
	text_format(o->name, sizeof o->name, "%s", name);
	return 1;
}

static int has_child(int dirfd, const char *name, void *data)
{
	(void)dirfd, (void)name, (void)data;
	return 1;
}

/*
 * One pass over everything below @dir, deepest first. A container with a delegated tree can nest
 * deeper than any recursion or PATH_MAX allows, so this walks with a single descriptor: down into a
 * child that has children, back up through "..". 0 nothing is left below, -1 with errno (EBUSY:
 * some sub-cgroup still holds processes).
 */
static int remove_below(const char *dir)
{
	CLEAN_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	size_t depth = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	for (int step = 0; step < STEPS_MAX; step++) {
		struct obstacle o;
		const char *next = "..";
		int found = cgroup_each_below(fd, remove_child, &o);
		if (found < 0 && errno != ENODEV && errno != ENOENT)
			return -1;
		if (found <= 0 && depth == 0)
			return 0;
		if (found > 0) {
			CLEAN_FD int child =
				openat(fd, o.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			int nested = child < 0 ? 0 : cgroup_each_below(child, has_child, NULL);
			if (child >= 0 && nested == 0) {
				/* No children, so it is processes that keep it: this pass ends. */
				errno = EBUSY;
				return -1;
			}
			if (child < 0)
				continue; /* went meanwhile */
			next = o.name;
			depth++;
		} else {
			depth--;
		}
		int moved = openat(fd, next, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (moved < 0)
			return -1;
		close(fd);
		fd = moved;
	}
	errno = EBUSY;
	return -1;
}

/* ---- one directory ---- */

/* Name what keeps @place. */
static int explain_busy(const struct cgroup_place *place, struct err *e)
{
	int errnum = errno;
	struct arena a;
	pid_t *pids;

	err_sys(e, "remove cgroup %s", place->dir);
	if (errnum != EBUSY)
		return -1;
	arena_init(&a, 0);
	int n = cgroup_pids_of(place, &a, &pids, NULL);
	if (n > 0) {
		char path[64], name[64];
		text_format(path, sizeof path, "/proc/%d/comm", pids[0]);
		if (io_read_at(AT_FDCWD, path, name, sizeof name) < 0)
			name[0] = '\0';
		err_append(e, ": %d process(es) in it, the first is %d (%s)", n, pids[0], name);
	}
	arena_free(&a);
	return -1;
}

/* The slow path: something is in the way. @spent_usec counts for all directories of the container.
 */
static int remove_busy(const struct cgroup_set *set, const struct cgroup_place *place,
		       unsigned flags, unsigned *spent_usec, struct err *e)
{
	unsigned delay_usec = DELAY_FIRST_USEC;

	if (flags & CGROUP_REMOVE_KILL)
		cgroup_kill(set, NULL);
	for (;;) {
		if (remove_below(place->dir) < 0 && errno != EBUSY)
			return err_sys(e, "remove the cgroups below %s", place->dir);
		if (rmdir(place->dir) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return err_sys(e, "remove cgroup %s", place->dir);
		if (*spent_usec >= PATIENCE_USEC)
			return explain_busy(place, e);
		cgroup_sleep_usec(delay_usec);
		*spent_usec += delay_usec;
		if (delay_usec < DELAY_MAX_USEC)
			delay_usec *= 2;
		/* A straggler that is in this hierarchy alone: somebody moved it by hand. */
		if ((flags & CGROUP_REMOVE_KILL) && delay_usec > 2000)
			cgroup_signal_place(place, SIGKILL, NULL);
	}
}

static void remove_parents(const struct cgroup_place *place, unsigned parents)
{
	char path[PATH_MAX];

	text_format(path, sizeof path, "%s", place->dir);
	for (char *slash; parents-- > 0 && (slash = strrchr(path, '/'));) {
		*slash = '\0';
		/* Somebody else's container may live there by now: then it stays. */
		if (rmdir(path) < 0)
			return;
	}
}

int cgroup_remove(const struct cgroup_set *set, const struct cgroup_created *created,
		  unsigned flags, struct err *e)
{
	struct err reason;
	unsigned spent_usec = 0;
	int ret = 0;

	for (unsigned i = set->count; i-- > 0;) {
		const struct cgroup_place *place = &set->places[i];
		int gone = 0;
		if (!(created->made & 1u << i))
			continue;
		/* The first directory carries the mark that leads to the others: it goes last, and
		 * not at all while one of them is left. */
		if (ret < 0 && !(created->made & ((1u << i) - 1)))
			break;
		if (rmdir(place->dir) < 0 && errno != ENOENT) {
			/* A read-only mount says so even for what is not there. */
			if (errno == EBUSY)
				gone = remove_busy(set, place, flags, &spent_usec, &reason);
			else
				gone = err_sys(&reason, "remove cgroup %s", place->dir);
		}
		if (gone < 0 && ret == 0) {
			ret = -1;
			if (e)
				*e = reason;
		}
		if (gone == 0 && (flags & CGROUP_REMOVE_PARENTS))
			remove_parents(place, created->parents[i]);
	}
	return ret;
}
