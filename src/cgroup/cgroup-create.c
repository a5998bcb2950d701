/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-mark.h"
#include "src/cgroup/cgroup.h"

/* Making a container's directories ready to be entered. */

/* ---- v1: a new cpuset is empty, and nobody can enter it before it is filled ---- */

static const char *const cpuset_files[] = { "cpuset.cpus", "cpuset.mems" };

/*
 * Copy the files in @which (bit per cpuset_files[]) from the directory above @dir. Nine system
 * calls when both are wanted: the descriptors are usually adjacent, and closed with one. 0 or -1
 * with errno.
 */
static int cpuset_inherit(const char *dir, unsigned which, size_t mount_length)
{
	char parent[PATH_MAX], value[4096];
	size_t length = (size_t)(strrchr(dir, '/') - dir);
	int fds[4] = { -1, -1, -1, -1 }, ret = 0;

	if (text_cut(text_format(parent, sizeof parent, "%.*s", (int)length, dir), sizeof parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	struct cgroup_place from = { .dir = parent }, to = { .dir = dir };
	for (size_t i = 0; i < 2 && ret == 0; i++) {
		if (!(which & 1u << i))
			continue;
		int in = fds[2 * i] = cgroup_file_open(&from, cpuset_files[i], O_RDONLY);
		int out = fds[2 * i + 1] = cgroup_file_open(&to, cpuset_files[i], O_WRONLY);
		if (in < 0 || out < 0) {
			ret = -1;
			break;
		}
		ssize_t n = cgroup_file_read_fd(in, value, sizeof value);
		/* Empty: somebody else made the parent and never filled it. */
		if (n == 0 && length > mount_length) {
			ret = cpuset_inherit(parent, 1u << i, mount_length);
			if (ret == 0)
				n = pread(in, value, sizeof value, 0);
		}
		if (n < 0 || (ret == 0 && write(out, value, (size_t)n) < 0))
			ret = -1;
	}
	cgroup_close_all(fds, 4);
	return ret;
}

/* ---- directories ---- */

/* Make the directories above the leaf. 0 or -1 with errno. */
static int make_parents(const struct cgroup_place *place, uint8_t *parents)
{
	char path[PATH_MAX];

	for (const char *p = place->dir + place->mount_length + 1; (p = strchr(p, '/')); p++) {
		size_t length = (size_t)(p - place->dir);
		if (length >= sizeof path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(path, place->dir, length);
		path[length] = '\0';
		if (mkdir(path, 0755) < 0) {
			if (errno != EEXIST)
				return -1;
			/* Only new levels that reach down to the leaf are counted, so that removal
			 * by number never meets somebody else's. */
			*parents = 0;
			continue;
		}
		if (*parents < UINT8_MAX)
			++*parents;
		if (!place->v2 && (place->controllers & CGROUP_CPUSET) &&
		    cpuset_inherit(path, 3, place->mount_length) < 0)
			return -1;
	}
	return 0;
}

/* mkdir -p. 1 the leaf is new, 0 it was there, -1 with errno. */
static int make_dir(const struct cgroup_place *place, uint8_t *parents)
{
	*parents = 0;
	/* A finished container's runtime may remove our parent between our two calls. */
	for (int tries = 0; tries < 8; tries++) {
		if (mkdir(place->dir, 0755) == 0)
			return 1;
		if (errno == EEXIST)
			return 0;
		if (errno != ENOENT || !place->mount_length)
			return -1;
		if (make_parents(place, parents) < 0 && errno != ENOENT)
			return -1;
	}
	return -1;
}

static void remove_made(const struct cgroup_place *place, unsigned parents)
{
	char path[PATH_MAX];
	int saved = errno;

	rmdir(place->dir);
	text_format(path, sizeof path, "%s", place->dir);
	for (char *slash; parents-- > 0 && (slash = strrchr(path, '/'));) {
		*slash = '\0';
		rmdir(path);
	}
	errno = saved;
}

/* A leaf that somebody made before us: nothing may run there, and nothing may be stopped there, or
 * the container would be mixed with it or hang. */
static int check_usable(const struct cgroup_place *place, struct err *e)
{
	char text[4096];

	if (cgroup_file_read(place, "cgroup.procs", text, sizeof text) < 0) {
		if (errno == EOPNOTSUPP)
			return err_set(e, ERR_STATE, 0,
				       "cgroup %s: it is threaded, a container needs a domain",
				       place->dir);
		return err_sys(e, "read %s/cgroup.procs", place->dir);
	}
	if (*text)
		return err_set(
			e, ERR_STATE, EBUSY,
			"cgroup %s: process %.*s is in it already; choose another cgroupsPath",
			place->dir, (int)strcspn(text, "\n"), text);
	bool frozen = false;
	if (place->v2)
		frozen = cgroup_file_read(place, "cgroup.freeze", text, sizeof text) > 0 &&
			 *text == '1';
	else if (place->controllers & CGROUP_FREEZER)
		frozen = cgroup_file_read(place, "freezer.state", text, sizeof text) > 0 &&
			 !text_equal(text, "THAWED");
	if (frozen)
		return err_set(e, ERR_STATE, EBUSY,
			       "cgroup %s: it is frozen; thaw it or choose another cgroupsPath",
			       place->dir);
	return 0;
}

/* ---- v2: controllers ---- */

/* Why the kernel refused to enable @names for the children of @dir. */
static int explain_enable(const char *dir, const char *names, struct err *e)
{
	struct cgroup_place level = { .dir = dir };
	char procs[4096];
	int errnum = errno;

	err_set(e, ERR_UNSUPPORTED, errnum, "enable the %s controller below cgroup %s", names, dir);
	switch (errnum) {
	case EBUSY:
		/* The rule of "no internal processes", cgroups(7). */
		if (cgroup_file_read(&level, "cgroup.procs", procs, sizeof procs) > 0)
			err_append(e,
				   ": process %.*s is in it, and a cgroup with processes cannot "
				   "have children with controllers; move its processes to a "
				   "child, or choose a cgroupsPath elsewhere",
				   (int)strcspn(procs, "\n"), procs);
		break;
	case ENOENT:
		err_append(e, ": the cgroup above has not been given it (see its "
			      "cgroup.subtree_control)");
		break;
	case EACCES:
	case EPERM:
		err_append(e, ": it has not been delegated to this user");
		break;
	default:
		break;
	}
	return -1;
}

/* Write "+a +b" to one level's cgroup.subtree_control; what is not in @require may fail. */
static int enable_level(const char *dir, uint32_t want, uint32_t require, struct err *e)
{
	struct cgroup_place level = { .dir = dir };
	char names[256], text[300];
	size_t n;

	cgroup_controllers_print(want, true, ' ', names, sizeof names);
	n = 0;
	for (const char *p = names; *p && n < sizeof text - 2; p++) {
		if (p == names || p[-1] == ' ')
			text[n++] = '+';
		text[n++] = *p;
	}
	text[n] = '\0';
	if (cgroup_file_write(&level, "cgroup.subtree_control", text) == 0)
		return 0;
	/* All or nothing is the kernel's rule: find out which one it does not like. */
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(want & bit))
			continue;
		cgroup_controllers_print(bit, true, ' ', names, sizeof names);
		text_format(text, sizeof text, "+%s", names);
		if (cgroup_file_write(&level, "cgroup.subtree_control", text) < 0 &&
		    (require & bit))
			return explain_enable(dir, names, e);
	}
	return 0;
}

/* See to it that the leaf has the controllers. Usually it has: one open, read and close. */
static int enable_controllers(const struct cgroup_place *place,
			      const struct cgroup_create_options *o, struct err *e)
{
	struct err first = { 0 };
	char text[512];
	uint32_t want = (o->enable & place->controllers) | o->require;

	if (!want)
		return 0;
	if (cgroup_file_read(place, "cgroup.controllers", text, sizeof text) < 0)
		return err_sys(e, "read %s/cgroup.controllers", place->dir);
	want &= ~cgroup_controllers_parse(text, " ");
	if (!want)
		return 0;
	/* From the mount point down to the directory above the leaf. */
	for (size_t length = place->mount_length; place->dir[length];) {
		char dir[PATH_MAX];
		if (text_cut(text_format(dir, sizeof dir, "%.*s", (int)length, place->dir),
			     sizeof dir))
			return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "cgroup %s", place->dir);
		/* Levels far up may belong to somebody else and have everything already: only
		 * the result at the leaf counts, but the first reason is kept. */
		enable_level(dir, want, o->require, first.kind ? NULL : &first);
		length++;
		length += strcspn(place->dir + length, "/");
	}
	if (cgroup_file_read(place, "cgroup.controllers", text, sizeof text) < 0)
		return err_sys(e, "read %s/cgroup.controllers", place->dir);
	uint32_t missing = o->require & ~cgroup_controllers_parse(text, " ");
	if (!missing)
		return 0;
	if (!first.kind) {
		cgroup_controllers_print(missing, true, ',', text, sizeof text);
		err_set(&first, ERR_UNSUPPORTED, 0, "cgroup %s: controllers %s are missing there",
			place->dir, text);
	}
	if (e)
		*e = first;
	return -1;
}

/* ---- the whole ---- */

static int explain_create(const struct cgroup_place *place, struct err *e)
{
	int errnum = errno;

	err_sys(e, "create cgroup %s", place->dir);
	switch (errnum) {
	case EACCES:
	case EPERM:
	case EROFS:
		return err_append(e,
				  " (limits need a cgroup that is writable here: run as root, or "
				  "below a cgroup that was delegated to this user)");
	case EAGAIN:
		return err_append(e, " (cgroup.max.depth or cgroup.max.descendants of a cgroup "
				     "above it is reached)");
	case ENOSPC:
		return err_append(e, " (the kernel has no cgroup number left: 65535 exist, or are "
				     "still dying)");
	default:
		return -1;
	}
}

/* One place. 0 done, -1 with @e. */
static int create_place(const struct cgroup_set *set, unsigned i,
			const struct cgroup_create_options *o, struct cgroup_created *created,
			struct err *e)
{
	const struct cgroup_place *place = &set->places[i];
	int made = make_dir(place, &created->parents[i]);

	if (made < 0) {
		bool refused = errno == EACCES || errno == EPERM || errno == EROFS;
		if (created->parents[i])
			remove_made(place, created->parents[i]);
		created->parents[i] = 0;
		if (refused && o->tolerate) {
			created->skipped |= 1u << i;
			created->skipped_errno = errno;
			return 0;
		}
		return explain_create(place, e);
	}
	if (!made)
		return check_usable(place, e);
	created->made |= 1u << i;
	/* The first directory is marked before the next one is made: from here on a SIGKILL leaves
	 * nothing that cannot be found. */
	if (o->mark && created->made == 1u << i)
		cgroup_mark_write(set, CGROUP_ALL_PLACES << i, o->mark);
	if (place->v2)
		return enable_controllers(place, o, e);
	unsigned which = (o->cpus_given ? 0u : 1u) | (o->mems_given ? 0u : 2u);
	if ((place->controllers & CGROUP_CPUSET) && which &&
	    cpuset_inherit(place->dir, which, place->mount_length) < 0)
		return err_sys(e, "copy the cpuset of the parent to %s", place->dir);
	return 0;
}

static int create_range(const struct cgroup_set *set, unsigned i, unsigned end,
			const struct cgroup_create_options *options, struct cgroup_created *created,
			struct err *e)
{
	while (i < end && create_place(set, i, options, created, e) == 0)
		i++;
	return i == end ? 0 : -1;
}

/* Nobody is in there yet: all that are marked as made can go at once. Returns -1. */
static int take_back(const struct cgroup_set *set, struct cgroup_created *created)
{
	int saved = errno;

	for (unsigned k = set->count; k-- > 0;)
		if (created->made & 1u << k)
			remove_made(&set->places[k], created->parents[k]);
	*created = (struct cgroup_created){ 0 };
	errno = saved;
	return -1;
}

/* The v2 place is number 0 where there is one. */
static unsigned v2_count(const struct cgroup_set *set)
{
	return set->count && set->places[0].v2 ? 1 : 0;
}

int cgroup_create_begin(const struct cgroup_set *set, const struct cgroup_create_options *options,
			struct cgroup_created *created, struct err *e)
{
	*created = (struct cgroup_created){ 0 };
	if (create_range(set, 0, v2_count(set), options, created, e) < 0)
		return take_back(set, created);
	return 0;
}

int cgroup_create(const struct cgroup_set *set, const struct cgroup_create_options *options,
		  struct cgroup_created *created, struct err *e)
{
	if (cgroup_create_begin(set, options, created, e) < 0)
		return -1;
	if (cgroup_create_finish(set, options, created, e) < 0)
		return take_back(set, created);
	return 0;
}

int cgroup_create_finish(const struct cgroup_set *set, const struct cgroup_create_options *options,
			 struct cgroup_created *created, struct err *e)
{
	if (create_range(set, v2_count(set), set->count, options, created, e) < 0)
		return -1;
	/* The mark promised every directory from the first on. If some were there before us, say so
	 * now: leftovers are removed by that list. */
	if (options->mark && created->made) {
		unsigned first = (unsigned)__builtin_ctz(created->made);
		uint32_t promised = (CGROUP_ALL_PLACES << first) & ((1u << set->count) - 1);
		if (promised != created->made)
			cgroup_mark_write(set, created->made, options->mark);
	}
	return 0;
}

/* ---- delegation ---- */

/* As of Linux 5.14, for kernels without the list. */
static const char delegate_fallback[] =
	"cgroup.procs\ncgroup.threads\ncgroup.subtree_control\nmemory.oom.group";

int cgroup_delegate(const struct cgroup_set *set, uid_t uid_host, gid_t gid_host, struct err *e)
{
	int v2 = cgroup_set_v2(set);
	char files[4096];

	if (v2 < 0)
		return 0;
	const char *path = set->places[v2].dir;
	CLEAN_FD int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open %s", path);
	if (io_read_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", files, sizeof files) < 0)
		text_format(files, sizeof files, "%s", delegate_fallback);
	if (fchownat(dir, "", uid_host, gid_host, AT_EMPTY_PATH) < 0)
		return err_sys(e, "give cgroup %s to user %u", path, uid_host);
	for (char *file = files, *next; *file; file = next) {
		next = file + strcspn(file, "\n");
		if (*next)
			*next++ = '\0';
		/* Files of controllers that are not enabled are missing: that is fine. */
		if (*file && fchownat(dir, file, uid_host, gid_host, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT)
			return err_sys(e, "give %s/%s to user %u", path, file, uid_host);
	}
	return 0;
}
