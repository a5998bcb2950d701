/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in a root file system that does what it can to lead out of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/path.h"
#include "src/base/text.h"

/* outer/root is the root file system, outer/secret and outer/out are what must not be touched. */
struct fixture {
	char path[64];
	int outer, root;
};

static const struct {
	const char *target, *name;
} links[] = {
	{ "../out", "up" },
	{ "../../../../out", "up-far" },
	{ "/out", "absolute" },
	{ "/", "slash" },
	{ "..", "dotdot" },
	{ "loop", "loop" },
	{ "ring-b", "ring-a" },
	{ "ring-a", "ring-b" },
	{ "/proc/self/root", "magic" },
	{ "/dir/inner", "inside" },
	{ "dir", "dir-link" },
	{ "nowhere", "dangling" },
	{ "/nowhere/at/all", "dangling-far" },
	{ "../secret", "to-secret" },
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->path, "/tmp/husk-path-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	f->outer = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(openat(f->outer, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	if (mkdirat(f->outer, "out", 0755) < 0 || mkdirat(f->outer, "root", 0755) < 0)
		return -1;
	f->root = openat(f->outer, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(f->root, "dir", 0755) < 0 || mkdirat(f->root, "dir/inner", 0755) < 0)
		return -1;
	close(openat(f->root, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if (symlinkat(links[i].target, f->root, links[i].name) < 0)
			return -1;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	close(f->outer);
	close(f->root);
	snprintf(command, sizeof command, "rm -r %s", f->path);
	int status = system(command);
	free(f);
	return status;
}

/* Where a descriptor is, as a path below the fixture ("root/dir"). */
static const char *place(const struct fixture *f, int fd)
{
	static char text[PATH_MAX];
	char link[PATH_FD_MAX];
	ssize_t n = readlink(path_of_fd(fd, link), text, sizeof text - 1);

	assert_true(n > 0);
	text[n] = '\0';
	if (!text_starts(text, f->path))
		return text;
	const char *below = text + strlen(f->path);
	return *below ? below + 1 : "";
}

static void check_untouched(const struct fixture *f)
{
	struct stat st;

	/* out/ is still empty: a link count of 2 says no directory, its size no entry. */
	assert_int_equal(unlinkat(f->outer, "out", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(f->outer, "out", 0755), 0);
	assert_int_equal(fstatat(f->outer, "secret", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
}

static void test_open_in_root(void **state)
{
	static const struct {
		const char *path, *place; /* NULL: errnum */
		int errnum;
	} table[] = {
		{ "", "root", 0 },
		{ "/", "root", 0 },
		{ ".", "root", 0 },
		{ "..", "root", 0 },
		{ "/../../..", "root", 0 },
		{ "/dir", "root/dir", 0 },
		{ "dir/inner/../..", "root", 0 },
		{ "slash", "root", 0 },
		{ "slash/dir", "root/dir", 0 },
		{ "dotdot/dir", "root/dir", 0 },
		{ "dir-link/inner", "root/dir/inner", 0 },
		{ "inside", "root/dir/inner", 0 },
		{ "inside/../../file", "root/file", 0 },
		{ "up", NULL, ENOENT }, /* root/out does not exist */
		{ "up-far", NULL, ENOENT },
		{ "absolute", NULL, ENOENT },
		{ "to-secret", NULL, ENOENT },
		{ "dangling", NULL, ENOENT },
		{ "magic", NULL, ENOENT }, /* no /proc in there */
		{ "loop", NULL, ELOOP },
		{ "ring-a", NULL, ELOOP },
		{ "file/x", NULL, ENOTDIR },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int fd = path_open_in_root(f->root, table[i].path, O_PATH);
		if (fd < 0 && (table[i].place || errno != table[i].errnum))
			fail_msg("\"%s\": %s", table[i].path, strerror(errno));
		if (fd >= 0 && (!table[i].place || strcmp(place(f, fd), table[i].place) != 0))
			fail_msg("\"%s\" is %s", table[i].path, place(f, fd));
		if (fd >= 0) {
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
		}
	}
}

static void test_mkdirs(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct stat st;
	mode_t old = umask(0);

	int fd = path_mkdirs_in_root(f->root, "/a//b/./c", 0710, 0, &e);
	assert_string_equal(place(f, fd), "root/a/b/c");
	assert_int_equal(fstatat(f->root, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0710);
	close(fd);
	/* Links are followed inside, also upwards; what is missing is made behind them. */
	static const struct {
		const char *path, *place;
	} table[] = {
		{ "dir-link/new", "root/dir/new" },      { "inside/../new2", "root/dir/new2" },
		{ "dotdot/dotdot/new3", "root/new3" },   { "../../new4", "root/new4" },
		{ "slash/slash/new5/x", "root/new5/x" }, { "", "root" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		fd = path_mkdirs_in_root(f->root, table[i].path, 0755, 0, &e);
		if (fd < 0)
			fail_msg("%s: %s", table[i].path, e.msg);
		assert_string_equal(place(f, fd), table[i].place);
		close(fd);
	}
	umask(old);
	check_untouched(f);
}

/* Links to what is not there: it is made inside of the root, as it would be seen from there. */
static void test_mkdirs_dangling(void **state)
{
	static const struct {
		const char *path, *place;
	} table[] = {
		{ "dangling", "root/nowhere" },
		{ "dangling/x", "root/nowhere/x" },
		{ "dangling-far/x/y", "root/nowhere/at/all/x/y" },
		{ "up/x", "root/out/x" },
		{ "absolute", "root/out" },
		{ "dir/inner/to-x/z", "root/dir/x/z" },
		{ "chain/z", "root/dir/w/z" },
		{ "magic/x", "root/proc/self/root/x" },
	};
	struct fixture *f = *state;
	struct err e;

	assert_int_equal(symlinkat("../x", f->root, "dir/inner/to-x"), 0);
	assert_int_equal(symlinkat("dir/chain2", f->root, "chain"), 0);
	assert_int_equal(symlinkat("w", f->root, "dir/chain2"), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int fd = path_mkdirs_in_root(f->root, table[i].path, 0755, 0, &e);
		if (fd < 0)
			fail_msg("%s: %s", table[i].path, e.msg);
		assert_string_equal(place(f, fd), table[i].place);
		close(fd);
	}
	check_untouched(f);
}

/* Never out of the root, and rings of links end. */
static void test_mkdirs_hostile(void **state)
{
	static const char *const paths[] = { "up/x",        "up-far/x",   "absolute/x",
					     "to-secret/x", "dangling/x", "dangling-far/x",
					     "loop/x",      "magic/x",    "file/x",
					     "file",        "dangling" };
	struct fixture *f = *state;
	struct err e;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		int fd = path_mkdirs_in_root(f->root, paths[i], 0755, 0, &e);
		if (fd >= 0 && !text_starts(place(f, fd), "root/"))
			fail_msg("%s is %s", paths[i], place(f, fd));
		if (fd >= 0)
			close(fd);
		else
			assert_true(strstr(e.msg, "in the root file system") != NULL);
	}
	check_untouched(f);
}

static void test_mkdirs_nofollow(void **state)
{
	static const char *const paths[] = { "dir-link", "dir-link/x", "inside", "dotdot/y",
					     "up/x" };
	struct fixture *f = *state;
	struct err e;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		assert_int_equal(path_mkdirs_in_root(f->root, paths[i], 0755, 1, &e), -1);
		assert_int_equal(e.errnum, ELOOP);
	}
	int fd = path_mkdirs_in_root(f->root, "dir/fresh/deep", 0755, 1, &e);
	assert_string_equal(place(f, fd), "root/dir/fresh/deep");
	close(fd);
}

static void test_mkdirs_long(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 10], name[NAME_MAX + 10];
	struct err e;

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	assert_int_equal(path_mkdirs_in_root(f->root, path, 0755, 0, &e), -1);
	assert_int_equal(e.errnum, ENAMETOOLONG);
	memset(name, 'y', sizeof name);
	name[0] = '/';
	name[sizeof name - 1] = '\0';
	assert_int_equal(path_mkdirs_in_root(f->root, name, 0755, 0, &e), -1);
	assert_int_equal(e.errnum, ENAMETOOLONG);
}

static void test_mkfile(void **state)
{
	struct fixture *f = *state;
	struct err e;
	struct stat st;

	int fd = path_mkfile_in_root(f->root, "/new/dir/file", 0640, &e);
	assert_string_equal(place(f, fd), "root/new/dir/file");
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
	close(fd);
	/* What is there is taken as it is, and not emptied. */
	int file = openat(f->root, "file", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(file, "text", 4), 4);
	close(file);
	fd = path_mkfile_in_root(f->root, "dotdot/file", 0640, &e);
	assert_string_equal(place(f, fd), "root/file");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
	close(fd);
	/* What a link points to is made inside of the root. */
	static const struct {
		const char *path, *place;
	} through[] = {
		{ "dangling", "root/nowhere" }, { "dangling-far", NULL }, /* below a file by now */
		{ "to-secret", "root/secret" }, { "up/x", "root/out/x" }, { "ring-a", NULL },
		{ "dir/chain", "root/new/w" },
	};
	assert_int_equal(symlinkat("../chain2", f->root, "dir/chain"), 0);
	assert_int_equal(symlinkat("/new/w", f->root, "chain2"), 0);
	for (size_t i = 0; i < sizeof through / sizeof *through; i++) {
		fd = path_mkfile_in_root(f->root, through[i].path, 0640, &e);
		if ((fd >= 0) != (through[i].place != NULL))
			fail_msg("%s: %s", through[i].path, fd < 0 ? e.msg : place(f, fd));
		if (fd >= 0)
			assert_string_equal(place(f, fd), through[i].place);
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(path_mkfile_in_root(f->root, "trailing/", 0640, &e), -1);
	assert_int_equal(path_mkfile_in_root(f->root, "absent/..", 0640, &e), -1);
	check_untouched(f);
}

static void test_parent(void **state)
{
	static const char *const bad[] = { "", "/", "a/", "a/.", "a/..", ".", ".." };
	struct fixture *f = *state;
	struct err e;
	const char *name;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(path_parent_in_root(f->root, bad[i], &name, &e), -1);
		assert_int_equal(e.kind, ERR_CONFIG);
	}
	int fd = path_parent_in_root(f->root, "node", &name, &e);
	assert_string_equal(place(f, fd), "root");
	assert_string_equal(name, "node");
	close(fd);
	fd = path_parent_in_root(f->root, "/made/here/node", &name, &e);
	assert_string_equal(place(f, fd), "root/made/here");
	assert_string_equal(name, "node");
	close(fd);
}

static void test_clean(void **state)
{
	static const struct {
		const char *path, *clean;
	} table[] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "/a/", "/a" },
		{ "/a//b/./c/..", "/a/b" },
		{ "/a/..", "/" },
		{ "/a/../..", "/" },
		{ "/a/../../b", "/b" },
		{ "a", "a" },
		{ "a/b/../c/", "a/c" },
		{ "./a", "a" },
		{ "a/..", "." },
		{ "", "." },
		{ ".", "." },
		{ "/...", "/..." },
		{ "/.a/..b", "/.a/..b" },
		{ "/a/b/../../c/d", "/c/d" },
		{ "/a b/\xc3\xa4", "/a b/\xc3\xa4" },
	};
	char out[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		int n = path_clean(table[i].path, out, sizeof out);
		if (n < 0 || strcmp(out, table[i].clean) != 0 || (size_t)n != strlen(out))
			fail_msg("\"%s\": \"%s\" (%d)", table[i].path, out, n);
	}
	/* It fits or it says so; nothing in between. */
	assert_int_equal(path_clean("/abc/def", out, 9), 8);
	assert_int_equal(path_clean("/abc/def", out, 8), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(path_clean("/abc/def/..", out, 8), -1);
	memset(out, 'x', sizeof out);
	out[NAME_MAX + 1] = '\0';
	char small[PATH_MAX];
	assert_int_equal(path_clean(out, small, sizeof small), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

#define in_root(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static void is_within(void **state)
{
	(void)state;
	assert_true(path_is_within("/a/b", "/a"));
	assert_true(path_is_within("/a", "/a"));
	assert_true(path_is_within("/a", "/"));
	assert_true(path_is_within("/", "/"));
	assert_false(path_is_within("/ab", "/a"));
	assert_false(path_is_within("/a", "/a/b"));
	assert_false(path_is_within("/", "/a"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_within),  in_root(test_open_in_root),
		in_root(test_mkdirs),         in_root(test_mkdirs_dangling),
		in_root(test_mkdirs_hostile), in_root(test_mkdirs_nofollow),
		in_root(test_mkdirs_long),    in_root(test_mkfile),
		in_root(test_parent),         cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
