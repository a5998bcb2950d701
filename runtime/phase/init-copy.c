/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: fill a new tmpfs with what it covers. Runs in init, so without heap and with a bound on
 * depth. Both trees are the image's: names are opened one by one, never followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define DEPTH_MAX 64

/* getdents64(2)'s record. */
struct entry {
	ino64_t inode;
	off64_t next;
	unsigned short length;
	unsigned char type;
	char name[];
};

static int copy_directory(int from, int to, int depth, struct err *e);

static int copy_data(int from, int to, const char *name, struct err *e)
{
	CLEAN_FD int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	CLEAN_FD int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return err_sys(e, "tmpcopyup: open %s", name);
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	return n < 0 ? err_sys(e, "tmpcopyup: copy %s", name) : 0;
}

static int copy_link(int from, int to, const char *name, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof target - 1);

	if (n < 0)
		return err_sys(e, "tmpcopyup: read link %s", name);
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? err_sys(e, "tmpcopyup: make link %s", name) : 0;
}

static int copy_child_directory(int from, int to, const char *name, int depth, struct err *e)
{
	if (mkdirat(to, name, 0700) < 0)
		return err_sys(e, "tmpcopyup: make directory %s", name);
	CLEAN_FD int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FD int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0 || out < 0)
		return err_sys(e, "tmpcopyup: open directory %s", name);
	return copy_directory(in, out, depth + 1, e);
}

static int copy_entry(int from, int to, const char *name, int depth, struct err *e)
{
	struct stat st;
	int result = 0;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "tmpcopyup: stat %s", name);
	if (S_ISDIR(st.st_mode))
		result = copy_child_directory(from, to, name, depth, e);
	else if (S_ISREG(st.st_mode))
		result = copy_data(from, to, name, e);
	else if (S_ISLNK(st.st_mode))
		result = copy_link(from, to, name, e);
	else if (mknodat(to, name, st.st_mode, st.st_rdev) < 0)
		result = err_sys(e, "tmpcopyup: make node %s", name);
	if (result < 0)
		return -1;
	/* Owner first: chown clears set-id bits. */
	if (fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != EPERM &&
	    errno != EINVAL)
		return err_sys(e, "tmpcopyup: owner of %s", name);
	if (!S_ISLNK(st.st_mode) && fchmodat(to, name, st.st_mode & 07777, 0) < 0)
		return err_sys(e, "tmpcopyup: mode of %s", name);
	struct timespec times[2] = { st.st_atim, st.st_mtim };
	(void)utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static int copy_directory(int from, int to, int depth, struct err *e)
{
	_Alignas(struct entry) char room[4096];

	if (depth > DEPTH_MAX)
		return err_set(e, ERR_CONFIG, ELOOP, "tmpcopyup: more than %d directories deep",
			       DEPTH_MAX);
	for (;;) {
		long n = syscall(SYS_getdents64, from, room, sizeof room);
		if (n < 0)
			return err_sys(e, "tmpcopyup: read directory");
		if (n == 0)
			return 0;
		for (long at = 0; at < n;) {
			const struct entry *d = (const struct entry *)(room + at);
			at += d->length;
			if (text_equal(d->name, ".") || text_equal(d->name, ".."))
				continue;
			if (copy_entry(from, to, d->name, depth, e) < 0)
				return -1;
		}
	}
}

int init_copy_up(int from, int to, bool keep_mode, struct err *e)
{
	struct stat st;

	if (copy_directory(from, to, 0, e) < 0)
		return -1;
	if (keep_mode)
		return 0;
	/* The new root looks like the directory that it covers. */
	if (fstat(from, &st) < 0 || fchmod(to, st.st_mode & 07777) < 0)
		return err_sys(e, "tmpcopyup: mode of the new directory");
	if (fchown(to, st.st_uid, st.st_gid) < 0 && errno != EPERM && errno != EINVAL)
		return err_sys(e, "tmpcopyup: owner of the new directory");
	return 0;
}
