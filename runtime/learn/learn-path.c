/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define HERE     -1    /* relative to the working directory */
#define BY_OPEN  0x100 /* what the flags at "flags" say */
#define BY_OPEN2 0x200 /* those in the structure there */

/* Calls that take paths. "at": which argument is the directory; another row: its second path. */
static const struct path_row {
	const char *name;
	int at, path;
	unsigned use; /* enum learn_use, or BY_... */
	int flags;
} rows[] = {
	{ "access", HERE, 0, LEARN_LOOK, 0 },
	{ "acct", HERE, 0, LEARN_WRITE, 0 },
	{ "chdir", HERE, 0, LEARN_LOOK, 0 },
	{ "chmod", HERE, 0, LEARN_WRITE, 0 },
	{ "chown", HERE, 0, LEARN_WRITE, 0 },
	{ "creat", HERE, 0, LEARN_WRITE | LEARN_MAKE, 0 },
	{ "execve", HERE, 0, LEARN_READ, 0 },
	{ "execveat", 0, 1, LEARN_READ, 0 },
	{ "faccessat", 0, 1, LEARN_LOOK, 0 },
	{ "faccessat2", 0, 1, LEARN_LOOK, 0 },
	{ "fchmodat", 0, 1, LEARN_WRITE, 0 },
	{ "fchmodat2", 0, 1, LEARN_WRITE, 0 },
	{ "fchownat", 0, 1, LEARN_WRITE, 0 },
	{ "fstatat64", 0, 1, LEARN_LOOK, 0 },
	{ "futimesat", 0, 1, LEARN_WRITE, 0 },
	{ "getxattr", HERE, 0, LEARN_LOOK, 0 },
	{ "inotify_add_watch", HERE, 1, LEARN_READ, 0 },
	{ "lchown", HERE, 0, LEARN_WRITE, 0 },
	{ "lgetxattr", HERE, 0, LEARN_LOOK, 0 },
	{ "link", HERE, 0, LEARN_READ, 0 },
	{ "link", HERE, 1, LEARN_MAKE, 0 },
	{ "linkat", 0, 1, LEARN_READ, 0 },
	{ "linkat", 2, 3, LEARN_MAKE, 0 },
	{ "listxattr", HERE, 0, LEARN_LOOK, 0 },
	{ "llistxattr", HERE, 0, LEARN_LOOK, 0 },
	{ "lsetxattr", HERE, 0, LEARN_WRITE, 0 },
	{ "lstat", HERE, 0, LEARN_LOOK, 0 },
	{ "lstat64", HERE, 0, LEARN_LOOK, 0 },
	{ "mkdir", HERE, 0, LEARN_MKDIR, 0 },
	{ "mkdirat", 0, 1, LEARN_MKDIR, 0 },
	{ "mknod", HERE, 0, LEARN_MAKE, 0 },
	{ "mknodat", 0, 1, LEARN_MAKE, 0 },
	{ "newfstatat", 0, 1, LEARN_LOOK, 0 },
	{ "open", HERE, 0, BY_OPEN, 1 },
	{ "openat", 0, 1, BY_OPEN, 2 },
	{ "openat2", 0, 1, BY_OPEN2, 2 },
	{ "readlink", HERE, 0, LEARN_LOOK, 0 },
	{ "readlinkat", 0, 1, LEARN_LOOK, 0 },
	{ "removexattr", HERE, 0, LEARN_WRITE, 0 },
	{ "rename", HERE, 0, LEARN_MAKE, 0 },
	{ "rename", HERE, 1, LEARN_MAKE, 0 },
	{ "renameat", 0, 1, LEARN_MAKE, 0 },
	{ "renameat", 2, 3, LEARN_MAKE, 0 },
	{ "renameat2", 0, 1, LEARN_MAKE, 0 },
	{ "renameat2", 2, 3, LEARN_MAKE, 0 },
	{ "rmdir", HERE, 0, LEARN_MAKE, 0 },
	{ "setxattr", HERE, 0, LEARN_WRITE, 0 },
	{ "stat", HERE, 0, LEARN_LOOK, 0 },
	{ "stat64", HERE, 0, LEARN_LOOK, 0 },
	{ "statfs", HERE, 0, LEARN_LOOK, 0 },
	{ "statfs64", HERE, 0, LEARN_LOOK, 0 },
	{ "statx", 0, 1, LEARN_LOOK, 0 },
	{ "symlink", HERE, 1, LEARN_MAKE, 0 },
	{ "symlinkat", 1, 2, LEARN_MAKE, 0 },
	{ "truncate", HERE, 0, LEARN_WRITE, 0 },
	{ "truncate64", HERE, 0, LEARN_WRITE, 0 },
	{ "unlink", HERE, 0, LEARN_MAKE, 0 },
	{ "unlinkat", 0, 1, LEARN_MAKE, 0 },
	{ "utime", HERE, 0, LEARN_WRITE, 0 },
	{ "utimensat", 0, 1, LEARN_WRITE, 0 },
	{ "utimes", HERE, 0, LEARN_WRITE, 0 },
};
#define ROWS_COUNT (sizeof rows / sizeof *rows)

static unsigned use_of_flags(uint64_t flags)
{
	unsigned use = (flags & O_ACCMODE) == O_RDONLY ? LEARN_READ : LEARN_WRITE;

	if (flags & O_PATH)
		return LEARN_LOOK;
	if ((flags & O_ACCMODE) == O_RDWR)
		use |= LEARN_READ;
	if (flags & O_TRUNC)
		use |= LEARN_WRITE;
	/* A file without a name is made in the directory that is named. */
	return flags & O_CREAT ? use | LEARN_MAKE : use;
}

static unsigned use_of(const struct path_row *row, const struct seccomp_notif *r)
{
	struct open_how how = { 0 };

	if (row->use == BY_OPEN)
		return use_of_flags(r->data.args[row->flags]);
	if (row->use != BY_OPEN2)
		return row->use;
	if (seccomp_listen_read((pid_t)r->pid, r->data.args[row->flags], &how, sizeof how) < 8)
		return LEARN_READ;
	return use_of_flags(how.flags);
}

/* The directory from which a relative path counts. Length or -1. */
static ssize_t read_base(const struct path_row *row, const struct seccomp_notif *r, char *out,
			 size_t size)
{
	int fd = row->at == HERE ? AT_FDCWD : (int)(uint32_t)r->data.args[row->at];
	char link[64];

	if (fd == AT_FDCWD)
		text_format(link, sizeof link, "/proc/%u/cwd", r->pid);
	else
		text_format(link, sizeof link, "/proc/%u/fd/%d", r->pid, fd);
	ssize_t length = readlink(link, out, size - 1);
	if (length < 0)
		return -1;
	out[length] = '\0';
	return length;
}

static void record(struct learn *l, const struct seccomp_listener *from, const struct path_row *row)
{
	const struct seccomp_notif *r = from->request;
	char path[2 * PATH_MAX], *name = path;
	ssize_t base = 0;

	ssize_t length =
		seccomp_listen_read_text((pid_t)r->pid, r->data.args[row->path], name, PATH_MAX);
	if (length < 0) {
		/* A pointer to nowhere is the program's business. */
		l->unreadable += errno == EPERM || errno == ESRCH;
		return;
	}
	/* An empty one is about the descriptor, which was opened somewhere. */
	if (!length)
		return;
	if (*name != '/') {
		char relative[PATH_MAX];
		memcpy(relative, name, (size_t)length + 1);
		base = read_base(row, r, path, PATH_MAX);
		if (base < 0) {
			l->unreadable += errno == EACCES || errno == EPERM;
			return;
		}
		/* A pipe or a socket is no directory. */
		if (*path != '/')
			return;
		path[base] = '/';
		memcpy(path + base + 1, relative, (size_t)length + 1);
	}
	unsigned use = use_of(row, r);
	/* Whatever was read is about this process only if it still waits. */
	if (seccomp_listen_valid(from))
		learn_file_add(l, path, use);
}

size_t learn_path_find(const char *name)
{
	for (size_t i = 0; i < ROWS_COUNT; i++)
		if (text_equal(rows[i].name, name))
			return i + 1;
	return 0;
}

void learn_path_record(struct learn *l, const struct seccomp_listener *from,
		       const struct learn_call *c)
{
	for (size_t i = c->path_row; i && i <= ROWS_COUNT && text_equal(rows[i - 1].name, c->name);
	     i++)
		record(l, from, &rows[i - 1]);
}
