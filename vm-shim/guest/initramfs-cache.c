/* SPDX-License-Identifier: Apache-2.0 */
/* Initramfs files that are kept for the next time. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "vm-shim/guest/initramfs.h"

#define PREFIX     "initramfs-"
#define PREFIX_NEW "new-"
#define NAME_MAX_  64
#define HOUR_SEC   3600
#define DAY_SEC    (24 * HOUR_SEC)
#define KEEP_SEC   (30 * DAY_SEC)

/* The directory is used only if nobody else can put a file in the place of ours. */
static int open_directory(const char *path, struct arena *a, struct err *e)
{
	struct stat st;

	/* With those above it: a cache directory is often the first of its kind. */
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *above = arena_format(a, "%.*s", (int)(slash - path), path);
		if (!above)
			return arena_check(a, e);
		if (mkdir(above, 0700) < 0 && errno != EEXIST)
			return err_sys(e, "create directory %s", above);
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "create directory %s", path);
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open directory %s", path);
	if (st.st_uid != geteuid() || st.st_mode & 077)
		return err_config(
			e,
			"cache %s: belongs to user %u and has mode %04o, and others could put "
			"files of theirs there (remove it, or name another one)",
			path, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	return take_fd(&fd);
}

/* Of a regular file of ours; -1 for anything else. The time of its last use is its time of change. */
static int open_kept(int dir, const char *name)
{
	CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 022 || !st.st_size || st.st_size % 512)
		return -1;
	if (time(NULL) - st.st_mtime > DAY_SEC)
		(void)futimens(fd, NULL);
	return take_fd(&fd);
}

static void prune(int dir, const char *own)
{
	CLEAN_FD int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *list = copy < 0 ? NULL : fdopendir(copy);
	time_t now = time(NULL);
	struct stat st;

	if (!list)
		return;
	copy = -1;
	for (struct dirent *d; (d = readdir(list));) {
		bool half = text_starts(d->d_name, PREFIX_NEW);
		if ((!half && !text_starts(d->d_name, PREFIX)) || text_equal(d->d_name, own) ||
		    fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		/* A machine that runs from one has it open. */
		if (now - st.st_mtime > (half ? HOUR_SEC : KEEP_SEC))
			(void)unlinkat(dir, d->d_name, 0);
	}
}

/* Whole or not at all. Of several at once each writes its own, and the last one stays: they are equal. */
static int make_kept(int dir, const char *name, const struct initramfs_content *in, struct arena *a,
		     struct err *e)
{
	char temporary[NAME_MAX_];
	uint64_t chance;

	if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
		return err_sys(e, "getrandom");
	text_format(temporary, sizeof temporary, PREFIX_NEW "%016llx", (unsigned long long)chance);
	CLEAN_FD int fd = openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "create a file for the initramfs");
	int result = initramfs_write(fd, in, a, e);
	/* Else a crash of the host could leave an empty file under the name. */
	if (result == 0 && fdatasync(fd) < 0)
		result = err_sys(e, "write the initramfs");
	if (result == 0 && renameat(dir, temporary, dir, name) < 0)
		result = err_sys(e, "rename the initramfs to %s", name);
	if (result < 0) {
		int saved = e ? e->errnum : 0;
		(void)unlinkat(dir, temporary, 0);
		errno = saved;
		return -1;
	}
	return 0;
}

int initramfs_cache_open(const char *directory, const struct initramfs_content *in, struct arena *a,
			 const char **path, struct err *e)
{
	char name[NAME_MAX_];
	CLEAN_FD int dir = open_directory(directory, a, e);

	if (dir < 0)
		return -1;
	text_format(name, sizeof name, PREFIX "%016llx%016llx", (unsigned long long)in->key[0],
		    (unsigned long long)in->key[1]);
	*path = arena_format(a, "%s/%s", directory, name);
	if (!*path)
		return arena_check(a, e);
	int fd = open_kept(dir, name);
	if (fd < 0) {
		if (make_kept(dir, name, in, a, e) == 0)
			fd = open_kept(dir, name);
		else
			*path = NULL;
		if (fd < 0)
			return *path ? err_sys(e, "open %s", *path) : -1;
		prune(dir, name);
	}
	return fd;
}
