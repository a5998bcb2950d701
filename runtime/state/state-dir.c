/* SPDX-License-Identifier: Apache-2.0 */
/* The directories of the state: making, locking, listing, removing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/state/state.h"
#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define ID_MAX 1024

int state_root_path(const char *option, struct arena *a, const char **path, struct err *e)
{
	char clean[PATH_MAX], cwd[PATH_MAX];
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (!option && (pid_own_euid() == 0 && !(runtime_dir && access("/run/husk", W_OK) < 0 &&
						 access("/run", W_OK) < 0))) {
		*path = "/run/husk";
		return 0;
	}
	if (!option) {
		if (!runtime_dir || *runtime_dir != '/')
			return err_set(
				e, ERR_CONFIG, 0,
				"no directory for the state: XDG_RUNTIME_DIR is not set; set it "
				"or use --root");
		*path = arena_format(a, "%s/husk", runtime_dir);
		return arena_check(a, e);
	}
	if (!*option)
		return err_set(e, ERR_USAGE, 0, "--root: empty path");
	if (*option != '/') {
		if (!getcwd(cwd, sizeof cwd))
			return err_sys(e, "read working directory");
		option = arena_format(a, "%s/%s", cwd, option);
		if (!option)
			return arena_check(a, e);
	}
	if (path_clean(option, clean, sizeof clean) < 0)
		return err_sys(e, "--root %s", option);
	*path = arena_strdup(a, clean);
	return arena_check(a, e);
}

static int make_parents(const char *path, struct err *e)
{
	char prefix[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof prefix)
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "state directory %s", path);
	memcpy(prefix, path, n + 1);
	for (char *p = prefix + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(prefix, 0755) < 0 && errno != EEXIST)
			return err_sys(e, "make state directory %s", prefix);
		*p = '/';
	}
	if (mkdir(prefix, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make state directory %s", prefix);
	return 0;
}

/*
 * firejail CVE-2022-31214: whoever can plant a state directory makes the runtime join what he likes.
 * The directory has to be ours, and writable by nobody else.
 */
static int check_stat(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid != pid_own_euid() && st->st_uid != 0)
		return err_set(e, ERR_CONFIG, EPERM,
			       "state directory %s: belongs to uid %u, not %u", path,
			       (unsigned)st->st_uid, (unsigned)pid_own_euid());
	if (st->st_mode & 0022)
		return err_set(e, ERR_CONFIG, EPERM,
			       "state directory %s: writable by others (mode %04o; chmod 700)",
			       path, st->st_mode & 07777);
	return 0;
}

int state_root_open(const char *path, bool create, struct state_root *root, struct err *e)
{
	root->path = path;
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root->fd = -1;
	if (fd < 0 && errno == ENOENT && create) {
		if (make_parents(path, e) < 0)
			return -1;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return errno == ENOENT && !create ? 0 : err_sys(e, "open state directory %s", path);
	if (state_check_owner(fd, path, e) < 0)
		return -1;
	root->fd = take_fd(&fd);
	return 0;
}

int state_check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat state directory %s", path);
	return check_stat(&st, path, e);
}

int state_check_owner_at(int dirfd, const char *name, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "stat %s", name);
	return check_stat(&st, name, e);
}

static bool id_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '+' || c == '-' || (!first && c == '.');
}

int state_id_check(const char *id, struct err *e)
{
	size_t n = strlen(id);

	if (!n)
		return err_set(e, ERR_USAGE, 0, "container id: is empty");
	if (n > ID_MAX || n > NAME_MAX)
		return err_set(e, ERR_USAGE, 0, "container id: longer than %d bytes", NAME_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!id_char(id[i], i == 0))
			return err_set(e, ERR_USAGE, 0,
				       "container id \"%s\": invalid character at %zu (letters, "
				       "digits, _ + - and, but for the first, '.')",
				       id, i + 1);
	}
	return 0;
}

int state_dir_create(const struct state_root *root, const char *id, struct err *e)
{
	if (mkdirat(root->fd, id, 0700) < 0) {
		if (errno == EEXIST)
			return err_set(
				e, ERR_STATE, EEXIST,
				"container \"%s\" already exists in %s (\"husk delete --force "
				"%s\" removes it)",
				id, root->path, id);
		return err_sys(e, "make state directory %s/%s", root->path, id);
	}
	CLEAN_FD int fd = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_sys(e, "open state directory %s/%s", root->path, id);
		unlinkat(root->fd, id, AT_REMOVEDIR);
		return -1;
	}
	return take_fd(&fd);
}

int state_dir_open(const struct state_root *root, const char *id, struct err *e)
{
	if (state_id_check(id, e) < 0)
		return -1;
	int fd = root->fd < 0
			 ? -1
			 : openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && state_check_owner(fd, id, e) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		return fd;
	if (root->fd >= 0 && errno != ENOENT)
		return err_sys(e, "open state directory %s/%s", root->path, id);
	/* go-runc and the containerd shim look for "does not exist". */
	return err_set(e, ERR_NOT_FOUND, 0, "container \"%s\" does not exist in %s", id,
		       root->path);
}

int state_dir_lock(int dirfd, const char *id, int timeout_msec, struct err *e)
{
	int nap_msec = 1;

	for (int waited = 0; flock(dirfd, LOCK_EX | LOCK_NB) < 0; waited += nap_msec) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "lock container \"%s\"", id);
		if (waited >= timeout_msec)
			return err_set(e, ERR_STATE, EBUSY,
				       "container \"%s\": another husk is at work on it", id);
		poll(NULL, 0, nap_msec);
		if (nap_msec < 16)
			nap_msec *= 2;
	}
	/* Whoever had the lock may have removed the container. */
	struct stat st;
	if (fstat(dirfd, &st) == 0 && st.st_nlink == 0)
		return err_set(e, ERR_NOT_FOUND, 0, "container \"%s\" does not exist", id);
	return 0;
}

int state_dir_remove(const struct state_root *root, const char *id, struct err *e)
{
	CLEAN_FD int fd = openat(root->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_sys(e, "open state directory %s/%s", root->path, id);
	/* What is there in the end, without a listing; then what a container that was never started has
	 * besides, and what an interrupted write left. */
	static const char *const files[] = { "state.json", "config.json" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlinkat(fd, files[i], 0);
	if (unlinkat(root->fd, id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	CLEAN_DIR DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (!text_equal(d->d_name, ".") && !text_equal(d->d_name, ".."))
			(void)unlinkat(fd, d->d_name, 0);
	}
	if (unlinkat(root->fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "remove state directory %s/%s", root->path, id);
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

ssize_t state_list(const struct state_root *root, struct arena *a, char ***ids, struct err *e)
{
	size_t count = 0, room = 64;

	*ids = NULL;
	if (root->fd < 0)
		return 0;
	CLEAN_DIR DIR *dir = fdopendir(openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!dir)
		return err_sys(e, "list state directory %s", root->path);
	char **list = arena_new_array(a, room, char *);
	for (struct dirent *d; list && (d = readdir(dir));) {
		if (state_id_check(d->d_name, NULL) < 0 ||
		    (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
			continue;
		if (count == room) {
			char **more = arena_new_array(a, room * 2, char *);
			if (!more)
				break;
			memcpy(more, list, count * sizeof *list);
			list = more;
			room *= 2;
		}
		list[count++] = arena_strdup(a, d->d_name);
	}
	if (arena_check(a, e) < 0)
		return -1;
	qsort(list, count, sizeof *list, compare_ids);
	*ids = list;
	return (ssize_t)count;
}
