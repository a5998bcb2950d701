/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

int path_open(int dirfd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC), .resolve = resolve };

	/* EAGAIN: a rename or mount raced with "..". A hostile container can race for ever, so
	 * the retries are bounded. */
	for (int tries = 0; tries < 128; tries++) {
		int fd = kernel_openat2(dirfd, path, &how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			return fd;
	}
	return -1;
}

int path_open_in_root(int rootfd, const char *path, int flags)
{
	return path_open(rootfd, *path ? path : ".", flags, RESOLVE_IN_ROOT);
}

/* Next component of *path into @name. Length, 0 at the end, -1 with errno. */
static int next_component(const char **path, char name[NAME_MAX + 1])
{
	const char *p = *path;

	while (*p == '/')
		p++;
	size_t n = strcspn(p, "/");
	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, p, n);
	name[n] = '\0';
	*path = p + n;
	return (int)n;
}

/* Next most often only the last component is missing. -1 for anything else: the slow way tells. */
static int make_last(int rootfd, const char *path, mode_t mode, uint64_t resolve)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	if (!*last || text_equal(last, ".") || text_equal(last, ".."))
		return -1;
	text_format(parent, sizeof parent, "%.*s", slash && slash > path ? (int)(slash - path) : 1,
		    slash && slash > path ? path : ".");
	CLEAN_FD int dir =
		path_open(rootfd, parent, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | resolve);
	if (dir < 0 || mkdirat(dir, last, mode) < 0)
		return -1;
	return openat(dir, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* As many as the kernel follows (MAXSYMLINKS, include/linux/namei.h). */
#define LINKS_MAX 40

/*
 * The way along a path of which a part is not there yet. Every look-up is that of a whole prefix
 * and starts at the root, instead of stepping from descriptor to descriptor: links that point
 * upwards stay inside.
 */
struct walk {
	int rootfd, fd; /* fd: the directory that prefix leads to */
	mode_t mode;
	uint64_t resolve;
	unsigned links;
	size_t used;
	char prefix[PATH_MAX];
	char rest[PATH_MAX]; /* what is left of the path */
};

static int walk_open(const struct walk *w)
{
	return path_open(w->rootfd, w->used ? w->prefix : ".", O_PATH | O_DIRECTORY,
			 RESOLVE_IN_ROOT | w->resolve);
}

/*
 * @name in w->fd is a link to what is not there: in the path, its text takes its place. Somebody
 * may change the link meanwhile, and so decide which directory of his own root file system is made.
 */
static int walk_link(struct walk *w, const char *name, const char *rest)
{
	char target[PATH_MAX];
	size_t left = strlen(rest) + 1;
	ssize_t n = readlinkat(w->fd, name, target, sizeof target);

	if (n < 0)
		return -1;
	if ((size_t)n + left > sizeof target || w->links++ == LINKS_MAX) {
		errno = (size_t)n + left > sizeof target ? ENAMETOOLONG : ELOOP;
		return -1;
	}
	memcpy(target + n, rest, left);
	memcpy(w->rest, target, (size_t)n + left);
	if (target[0] != '/')
		return 0;
	w->used = 0;
	int fd = walk_open(w);
	if (fd < 0)
		return -1;
	close(w->fd);
	w->fd = fd;
	return 0;
}

/* One component further, which is made if it is missing. @rest follows it. */
static int walk_step(struct walk *w, const char *name, const char *rest)
{
	size_t before = w->used;

	w->used += text_format(w->prefix + before, sizeof w->prefix - before, "/%s", name);
	if (w->used >= sizeof w->prefix) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = walk_open(w);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(w->fd, name, w->mode) < 0 && errno != EEXIST)
			return -1;
		fd = walk_open(w);
	}
	if (fd < 0 && errno == ENOENT) {
		w->used = before;
		w->prefix[before] = '\0';
		return walk_link(w, name, rest);
	}
	if (fd < 0)
		return -1;
	close(w->fd);
	w->fd = fd;
	memmove(w->rest, rest, strlen(rest) + 1);
	return 0;
}

/* Component by component. Descriptor, or -1 with errno. */
static int make_all(int rootfd, const char *path, mode_t mode, uint64_t resolve)
{
	struct walk w = { .rootfd = rootfd, .mode = mode, .resolve = resolve };
	char name[NAME_MAX + 1];
	int n;

	text_format(w.rest, sizeof w.rest, "%s", path);
	w.fd = walk_open(&w);
	if (w.fd < 0)
		return -1;
	for (;;) {
		const char *rest = w.rest;
		n = next_component(&rest, name);
		if (n == 0)
			return w.fd;
		if (n < 0 || walk_step(&w, name, rest) < 0)
			break;
	}
	n = errno;
	close(w.fd);
	errno = n;
	return -1;
}

int path_mkdirs_in_root(int rootfd, const char *path, mode_t mode, int nofollow, struct err *e)
{
	uint64_t resolve = nofollow ? RESOLVE_NO_SYMLINKS : 0;

	if (strlen(path) >= PATH_MAX)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "directory %s", path);
	/* Usually everything is there already: one call. */
	int fd = path_open(rootfd, *path ? path : ".", O_PATH | O_DIRECTORY,
			   RESOLVE_IN_ROOT | resolve);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_sys(e, "open directory %s in the root file system", path);
	fd = make_last(rootfd, path, mode, resolve);
	if (fd < 0)
		fd = make_all(rootfd, path, mode, resolve);
	return fd < 0 ? err_sys(e, "make directory %s in the root file system", path) : fd;
}

int path_parent_in_root(int rootfd, const char *path, const char **name, struct err *e)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	if (!*last || text_equal(last, ".") || text_equal(last, ".."))
		return err_config(e, "path %s: does not end in a file name", path);
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (n >= sizeof parent)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "path %s", path);
	memcpy(parent, path, n);
	parent[n] = '\0';
	*name = last;
	return path_mkdirs_in_root(rootfd, parent, 0755, 0, e);
}

/* Where the link @name in @parent, at the end of @path, leads: 1 with @path changed to that, 0 if
 * it is no link. */
static int follow_link(int parent, const char *name, char path[PATH_MAX])
{
	char target[PATH_MAX], next[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path) + 1 : 0;
	ssize_t n = readlinkat(parent, name, target, sizeof target);

	if (n < 0)
		return errno == EINVAL || errno == ENOENT ? 0 : -1;
	size_t used = target[0] == '/' ? text_format(next, sizeof next, "%.*s", (int)n, target)
				       : text_format(next, sizeof next, "%.*s%.*s", dir, path,
						     (int)n, target);
	if (used >= sizeof next) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, next, used + 1);
	return 1;
}

/* One try: descriptor, -1, or -2 where @at is a link that leads nowhere and was followed. */
static int make_file(int rootfd, char at[PATH_MAX], mode_t mode, struct err *e)
{
	const char *name;
	int fd = path_open_in_root(rootfd, at, O_PATH);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_sys(e, "open %s in the root file system", at);
	CLEAN_FD int parent = path_parent_in_root(rootfd, at, &name, e);
	if (parent < 0)
		return -1;
	CLEAN_FD int made =
		openat(parent, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (made < 0 && errno != EEXIST)
		return err_sys(e, "create %s in the root file system", at);
	if (made < 0) {
		int followed = follow_link(parent, name, at);
		if (followed < 0)
			return err_sys(e, "follow %s in the root file system", at);
		if (followed)
			return -2;
	}
	fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s in the root file system", at) : fd;
}

int path_mkfile_in_root(int rootfd, const char *path, mode_t mode, struct err *e)
{
	char at[PATH_MAX];

	if (strlen(path) >= sizeof at)
		return err_set(e, ERR_CONFIG, ENAMETOOLONG, "file %s", path);
	memcpy(at, path, strlen(path) + 1);
	for (int links = 0; links <= LINKS_MAX; links++) {
		int fd = make_file(rootfd, at, mode, e);
		if (fd != -2)
			return fd;
	}
	return err_set(e, ERR_SYSTEM, ELOOP, "create %s in the root file system", path);
}

int path_clean(const char *path, char *out, size_t size)
{
	char name[NAME_MAX + 1];
	size_t used = 0;
	const char *rest = path;
	bool absolute = *path == '/';
	int n;

	while ((n = next_component(&rest, name)) > 0) {
		if (text_equal(name, "."))
			continue;
		if (text_equal(name, "..")) {
			while (used > 0 && out[--used] != '/')
				;
			continue;
		}
		size_t slash = absolute || used ? 1 : 0;
		if (used + slash + (size_t)n >= size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (slash)
			out[used++] = '/';
		memcpy(out + used, name, (size_t)n);
		used += (size_t)n;
	}
	if (n < 0)
		return -1;
	if (!used && size > 1)
		out[used++] = absolute ? '/' : '.';
	out[used] = '\0';
	return (int)used;
}

const char *path_of_fd(int fd, char out[PATH_FD_MAX])
{
	text_format(out, PATH_FD_MAX, "/proc/self/fd/%d", fd);
	return out;
}

bool path_is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	/* Everything is below the root, whose text has the slash already. */
	return text_equal(dir, "/") || (strncmp(path, dir, n) == 0 && (!path[n] || path[n] == '/'));
}
