/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define DEPTH_MAX 256
#define PIECE     65536u
#define MODE_MASK 0777u /* a program of the sandbox's must not become one with rights */

enum tree_kind {
	TREE_FILE = 1,
	TREE_DIRECTORY, /* what is in it follows, up to TREE_LEAVE */
	TREE_LEAVE,
	TREE_LINK,
	TREE_END,
	TREE_ERROR, /* the text is what follows */
};

struct tree_record {
	uint32_t kind, mode;
	uint64_t size; /* bytes behind the name: contents, target, text */
	int64_t sec;
	uint32_t nsec;
	uint32_t name_length;
};

static char piece[PIECE];

/* ---- records ---- */

static int lost(struct err *e)
{
	return err_set(e, ERR_PROTOCOL, errno, "the other side of the copy is gone");
}

static int put_record(int sock, const struct tree_record *r, const char *name, struct err *e)
{
	if (io_write_full(sock, r, sizeof *r) < 0 || io_write_full(sock, name, r->name_length) < 0)
		return lost(e);
	return 0;
}

static int put_text(int sock, uint32_t kind, const char *text, struct err *e)
{
	struct tree_record r = { .kind = kind, .size = strlen(text) };

	if (put_record(sock, &r, "", e) < 0)
		return -1;
	return io_write_full(sock, text, r.size) < 0 ? lost(e) : 0;
}

static int take_bytes(int sock, void *to, size_t size, struct err *e)
{
	ssize_t n = io_read_full(sock, to, size);

	if (n == (ssize_t)size)
		return 0;
	errno = n < 0 ? errno : EPIPE;
	return lost(e);
}

static int take_record(int sock, struct tree_record *r, char name[NAME_MAX + 1], struct err *e)
{
	if (take_bytes(sock, r, sizeof *r, e) < 0)
		return -1;
	if (r->name_length > NAME_MAX)
		return err_set(e, ERR_PROTOCOL, 0, "a name of %u bytes", r->name_length);
	if (take_bytes(sock, name, r->name_length, e) < 0)
		return -1;
	name[r->name_length] = '\0';
	return 0;
}

/* The other side's words. */
static int take_error(int sock, const struct tree_record *r, struct err *e)
{
	char text[ERR_MSG_MAX];

	if (r->size >= sizeof text)
		return err_set(e, ERR_PROTOCOL, 0, "an error text of %llu bytes",
			       (unsigned long long)r->size);
	if (take_bytes(sock, text, r->size, e) < 0)
		return -1;
	text[r->size] = '\0';
	/* What a terminal would obey is not passed on. */
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	return err_set(e, ERR_SYSTEM, 0, "%s", text);
}

/* ---- sending ---- */

static struct tree_record record_of(uint32_t kind, const struct stat *st, const char *name)
{
	return (struct tree_record){
		.kind = kind,
		.mode = st->st_mode & MODE_MASK,
		.sec = st->st_mtim.tv_sec,
		.nsec = (uint32_t)st->st_mtim.tv_nsec,
		.name_length = (uint32_t)strlen(name),
	};
}

/* So many bytes as were announced, whatever happens to the file meanwhile. */
static int send_file(int sock, int fd, const struct stat *st, const char *name, struct err *e)
{
	struct tree_record r = record_of(TREE_FILE, st, name);
	uint64_t left = r.size = (uint64_t)st->st_size;
	bool ended = false;

	if (put_record(sock, &r, name, e) < 0)
		return -1;
	while (left) {
		size_t want = left < PIECE ? (size_t)left : PIECE;
		ssize_t n = ended ? 0 : io_read_full(fd, piece, want);
		if (n < (ssize_t)want) {
			ended = true;
			memset(piece + (n > 0 ? n : 0), 0, want - (size_t)(n > 0 ? n : 0));
		}
		if (io_write_full(sock, piece, want) < 0)
			return lost(e);
		left -= want;
	}
	return 0;
}

static int send_entry(int sock, int dirfd, const char *name, int depth, struct err *e);

static int send_directory(int sock, int fd, const struct stat *st, const char *name, int depth,
			  struct err *e)
{
	struct tree_record r = record_of(TREE_DIRECTORY, st, name), leave = { .kind = TREE_LEAVE };

	if (depth == DEPTH_MAX)
		return err_set(e, ERR_UNSUPPORTED, 0, "%s: directories deeper than %d", name,
			       DEPTH_MAX);
	CLEAN_DIR DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	if (!dir)
		return err_sys(e, "read directory %s", name);
	if (put_record(sock, &r, name, e) < 0)
		return -1;
	for (struct dirent *d; (d = readdir(dir));) {
		if (text_equal(d->d_name, ".") || text_equal(d->d_name, ".."))
			continue;
		if (send_entry(sock, fd, d->d_name, depth + 1, e) < 0)
			return -1;
	}
	return put_record(sock, &leave, "", e);
}

static int send_open(int sock, int fd, const char *name, int depth, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (S_ISREG(st.st_mode))
		return send_file(sock, fd, &st, name, e);
	if (S_ISDIR(st.st_mode))
		return send_directory(sock, fd, &st, name, depth, e);
	return err_set(e, ERR_UNSUPPORTED, 0, "%s: neither a file nor a directory nor a link",
		       name);
}

static int send_link(int sock, int dirfd, const char *name, const struct stat *st, struct err *e)
{
	struct tree_record r = record_of(TREE_LINK, st, name);
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target);

	if (n < 0)
		return err_sys(e, "read link %s", name);
	r.size = (uint64_t)n;
	if (put_record(sock, &r, name, e) < 0)
		return -1;
	return io_write_full(sock, target, (size_t)n) < 0 ? lost(e) : 0;
}

static int send_entry(int sock, int dirfd, const char *name, int depth, struct err *e)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "stat %s", name);
	if (S_ISLNK(st.st_mode))
		return send_link(sock, dirfd, name, &st, e);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: neither a file nor a directory nor a link", name);
	/* Opening something else, that has come in its place, must not wait. */
	CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", name) : send_open(sock, fd, name, depth, e);
}

/* What the copy is called where no name is given: the last component, or that of "." and "/". */
static const char *base_name(const char *path, char out[NAME_MAX + 1])
{
	char full[PATH_MAX];
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	const char *slash = memrchr(path, '/', n);
	const char *last = slash && n > 1 ? slash + 1 : path;
	text_format(out, NAME_MAX + 1, "%.*s", (int)(n - (size_t)(last - path)), last);
	if (!text_equal(out, ".") && !text_equal(out, "..") && *out != '/')
		return out;
	if (!realpath(path, full) || text_equal(full, "/"))
		return "root";
	text_format(out, NAME_MAX + 1, "%s", strrchr(full, '/') + 1);
	return out;
}

int sandbox_tree_send(int sock, const char *path, struct err *e)
{
	char name[NAME_MAX + 1];
	struct tree_record end = { .kind = TREE_END };
	struct stat st;

	/* Not opened before it is known what it is: a pipe would wait. */
	if (stat(path, &st) < 0)
		return err_sys(e, "stat %s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, 0, "%s: neither a file nor a directory", path);
	CLEAN_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (send_open(sock, fd, base_name(path, name), 0, e) < 0)
		return -1;
	return put_record(sock, &end, "", e);
}

/* ---- receiving ---- */

static int check_name(const char *name, size_t length, struct err *e)
{
	if (!length || strlen(name) != length || strchr(name, '/') || text_equal(name, ".") ||
	    text_equal(name, ".."))
		return err_set(e, ERR_PROTOCOL, 0, "a name that is none");
	return 0;
}

static void set_times(int fd, const struct tree_record *r)
{
	struct timespec times[2] = { { 0, UTIME_OMIT },
				     { (time_t)r->sec, r->nsec < 1000000000 ? (long)r->nsec : 0 } };

	(void)futimens(fd, times);
}

/* A new file, or an existing one that is written over. */
static int open_file(int dirfd, const char *name, struct err *e)
{
	CLEAN_FD int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 && errno == EEXIST) {
		fd = openat(dirfd, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 && errno == ELOOP)
			return err_set(e, ERR_SYSTEM, ELOOP,
				       "open %s (there is a symbolic link of that name)", name);
		if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
			return err_set(e, ERR_SYSTEM, 0, "%s: is there, and no regular file", name);
		if (fd >= 0 && ftruncate(fd, 0) < 0)
			return err_sys(e, "truncate %s", name);
	}
	return fd < 0 ? err_sys(e, "make file %s", name) : take_fd(&fd);
}

static int receive_file(int sock, int dirfd, const char *name, const struct tree_record *r,
			struct err *e)
{
	CLEAN_FD int fd = open_file(dirfd, name, e);

	if (fd < 0)
		return -1;
	for (uint64_t left = r->size; left;) {
		size_t n = left < PIECE ? (size_t)left : PIECE;
		if (take_bytes(sock, piece, n, e) < 0)
			return -1;
		if (io_write_full(fd, piece, n) < 0)
			return err_sys(e, "write %s", name);
		left -= n;
	}
	if (fchmod(fd, r->mode & MODE_MASK) < 0)
		return err_sys(e, "change mode of %s", name);
	set_times(fd, r);
	return 0;
}

static int receive_link(int sock, int dirfd, const char *name, const struct tree_record *r,
			struct err *e)
{
	char target[PATH_MAX];

	if (!r->size || r->size >= sizeof target)
		return err_set(e, ERR_PROTOCOL, 0, "a link of %llu bytes",
			       (unsigned long long)r->size);
	if (take_bytes(sock, target, r->size, e) < 0)
		return -1;
	target[r->size] = '\0';
	return symlinkat(target, dirfd, name) < 0 ? err_sys(e, "make link %s", name) : 0;
}

static int receive_entry(int sock, int dirfd, const char *name, const struct tree_record *r,
			 int depth, struct err *e);

static int receive_directory(int sock, int dirfd, const char *name, const struct tree_record *r,
			     int depth, struct err *e)
{
	char below[NAME_MAX + 1];
	struct tree_record next;

	if (depth == DEPTH_MAX)
		return err_set(e, ERR_UNSUPPORTED, 0, "%s: directories deeper than %d", name,
			       DEPTH_MAX);
	bool made = mkdirat(dirfd, name, 0700) == 0;
	if (!made && errno != EEXIST)
		return err_sys(e, "make directory %s", name);
	CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open directory %s", name);
	for (;;) {
		if (take_record(sock, &next, below, e) < 0)
			return -1;
		if (next.kind == TREE_LEAVE)
			break;
		if (next.kind == TREE_ERROR)
			return take_error(sock, &next, e);
		if (check_name(below, next.name_length, e) < 0 ||
		    receive_entry(sock, fd, below, &next, depth + 1, e) < 0)
			return -1;
	}
	if (made && fchmod(fd, r->mode & MODE_MASK) < 0)
		return err_sys(e, "change mode of %s", name);
	if (made)
		set_times(fd, r);
	return 0;
}

static int receive_entry(int sock, int dirfd, const char *name, const struct tree_record *r,
			 int depth, struct err *e)
{
	switch (r->kind) {
	case TREE_FILE:
		return receive_file(sock, dirfd, name, r, e);
	case TREE_DIRECTORY:
		return receive_directory(sock, dirfd, name, r, depth, e);
	case TREE_LINK:
		return receive_link(sock, dirfd, name, r, e);
	default:
		return err_set(e, ERR_PROTOCOL, 0, "a record of kind %u", r->kind);
	}
}

/* The directory that the tree is made in, and @name where it gets another one than it has. */
static int open_place(const char *path, char name[NAME_MAX + 1], struct err *e)
{
	char parent[PATH_MAX];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*name = '\0';
	if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
		return fd < 0 ? err_sys(e, "open %s", path) : fd;
	size_t n = strlen(path);
	if (!n || path[n - 1] == '/')
		return err_sys(e, "open directory %s", path);
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	if (strlen(last) > NAME_MAX || strlen(path) >= sizeof parent)
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "open %s", path);
	text_format(name, NAME_MAX + 1, "%s", last);
	text_format(parent, sizeof parent, "%.*s", (int)(last - path), path);
	if (check_name(name, strlen(name), e) < 0)
		return -1;
	fd = open(*parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open directory %s", *parent ? parent : ".") : fd;
}

int sandbox_tree_receive(int sock, const char *path, struct err *e)
{
	char name[NAME_MAX + 1], own[NAME_MAX + 1];
	struct tree_record r;

	CLEAN_FD int dir = open_place(path, name, e);
	if (dir < 0 || take_record(sock, &r, own, e) < 0)
		return -1;
	if (r.kind == TREE_ERROR)
		return take_error(sock, &r, e);
	if (check_name(own, r.name_length, e) < 0 ||
	    receive_entry(sock, dir, *name ? name : own, &r, 0, e) < 0 ||
	    take_record(sock, &r, own, e) < 0)
		return -1;
	if (r.kind == TREE_ERROR)
		return take_error(sock, &r, e);
	return r.kind == TREE_END ? 0 : err_set(e, ERR_PROTOCOL, 0, "a record of kind %u", r.kind);
}

/* ---- the end ---- */

void sandbox_tree_conclude(int sock, const struct err *why)
{
	struct tree_record end = { .kind = TREE_END };
	struct err ignored;

	if (why)
		(void)put_text(sock, TREE_ERROR, why->msg, &ignored);
	else
		(void)put_record(sock, &end, "", &ignored);
}

int sandbox_tree_await(int sock, struct err *e)
{
	char name[NAME_MAX + 1];
	struct tree_record r;

	if (take_record(sock, &r, name, e) < 0)
		return -1;
	if (r.kind == TREE_ERROR)
		return take_error(sock, &r, e);
	return r.kind == TREE_END ? 0 : err_set(e, ERR_PROTOCOL, 0, "a record of kind %u", r.kind);
}

int sandbox_tree_serve(bool put, const char *path, int sock)
{
	struct err e = { 0 };
	int result = put ? sandbox_tree_receive(sock, path, &e) : sandbox_tree_send(sock, path, &e);

	if (result < 0 || put)
		sandbox_tree_conclude(sock, result < 0 ? &e : NULL);
	return result < 0;
}
