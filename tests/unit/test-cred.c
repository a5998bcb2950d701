/* SPDX-License-Identifier: Apache-2.0 */
/* Names and parsers of src/cred: nothing here touches the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/cred/cred-caps.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-user.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void cap_names(void **state)
{
	(void)state;
	/* libcap is the oracle: it spells them in lower case. */
	for (unsigned i = 0; i < CRED_CAP_COUNT; i++) {
		char *name = cap_to_name((cap_value_t)i);
		assert_int_equal(strcasecmp(name, cred_cap_name(i)), 0);
		assert_int_equal(cred_cap_parse(cred_cap_name(i)), (int)i);
		assert_int_equal(cred_cap_parse(name), -1);
		assert_int_equal(cred_cap_parse_loose(name), (int)i);
		assert_int_equal(cred_cap_parse_loose(name + 4), (int)i);
		cap_free(name);
	}
	assert_null(cred_cap_name(CRED_CAP_COUNT));
	assert_int_equal(cred_cap_parse("CAP_CHECKPOINT_RESTORE"), CAP_LAST_CAP);
	assert_int_equal(cred_cap_parse("NET_ADMIN"), -1);
	assert_int_equal(cred_cap_parse(""), -1);
	assert_int_equal(cred_cap_parse("CAP_"), -1);
	assert_int_equal(cred_cap_parse("CAP_CHOWN "), -1);
	assert_int_equal(cred_cap_parse_loose("Net_Admin"), CAP_NET_ADMIN);
	assert_int_equal(cred_cap_parse_loose("CAP_CAP_NET_ADMIN"), -1);
	assert_int_equal(cred_cap_parse_loose("CAP_"), -1);
	assert_int_equal(cred_cap_parse_loose("ALL"), -1);
}

#define B(n) CRED_CAP_BIT(n)

static void caps_clamp(void **state)
{
	const uint64_t known = 0xff;
	/*                              bounding effective permitted inheritable ambient */
	static const struct {
		struct cred_caps want, held, get;
		uint64_t lost;
	} table[] = {
		{ { 0x0f, 0x03, 0x03, 0, 0 },
		  { 0xff, 0xff, 0xff, 0, 0 },
		  { 0x0f, 0x03, 0x03, 0, 0 },
		  0 },
		/* not held by the caller */
		{ { 0x0f, 0x0f, 0x0f, 0, 0 },
		  { 0x07, 0x07, 0x07, 0, 0 },
		  { 0x07, 0x07, 0x07, 0, 0 },
		  0x08 },
		/* in the bounding set, yet not permitted: the program may still get it by a file */
		{ { 0x0f, 0x0f, 0x0f, 0, 0 },
		  { 0x0f, 0x07, 0x07, 0, 0 },
		  { 0x0f, 0x07, 0x07, 0, 0 },
		  0x08 },
		/* unknown to the kernel */
		{ { 0x100, 0, 0x100, 0, 0 },
		  { ~0ull, ~0ull, ~0ull, 0, 0 },
		  { 0, 0, 0, 0, 0 },
		  0x100 },
		/* effective without permitted, ambient without inheritable, inheritable unbounded
		 */
		{ { 0x01, 0x02, 0x01, 0x02, 0x01 },
		  { 0xff, 0xff, 0xff, 0, 0 },
		  { 0x01, 0, 0x01, 0, 0 },
		  0x03 },
		{ { 0x03, 0x03, 0x03, 0x03, 0x02 },
		  { 0xff, 0xff, 0xff, 0, 0 },
		  { 0x03, 0x03, 0x03, 0x03, 0x02 },
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct cred_caps got = table[i].want;
		assert_int_equal(cred_caps_clamp(&got, &table[i].held, known), table[i].lost);
		assert_memory_equal(&got, &table[i].get, sizeof got);
	}
}

static void caps_until_exec(void **state)
{
	const struct cred_caps final = { .permitted = 1, .effective = 1, .bounding = 1 };
	const struct cred_caps all = { .permitted = ~0ull }, none = { .permitted = 1 };

	(void)state;
	struct cred_caps got = cred_caps_until_exec(&final, &all);
	assert_int_equal(got.permitted, 1 | B(CAP_SYS_ADMIN));
	assert_int_equal(got.effective, 1 | B(CAP_SYS_ADMIN));
	assert_int_equal(got.bounding, 1);
	assert_int_equal(got.inheritable, 0);
	got = cred_caps_until_exec(&final, &none);
	assert_memory_equal(&got, &final, sizeof got);
}

static void caps_print(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(cred_caps_print(0, text, sizeof text), 0);
	assert_string_equal(text, "");
	cred_caps_print(B(0) | B(40) | B(63), text, sizeof text);
	assert_string_equal(text, "CAP_CHOWN, CAP_CHECKPOINT_RESTORE, 63");
	assert_true(cred_caps_print(UINT64_MAX, text, sizeof text) < sizeof text - 1);
	assert_int_equal(cred_caps_print(UINT64_MAX, text, 8), 7);
}

static void user_parse(void **state)
{
	static const struct {
		const char *text;
		int ok;
		bool has_group, user_is_name, group_is_name;
		uint32_t uid, gid;
		const char *user, *group;
	} table[] = {
		{ "0", 1, .uid = 0 },
		{ "1", 1, .uid = 1 },
		{ "1:2", 1, .has_group = true, .uid = 1, .gid = 2 },
		{ "007", 1, .uid = 7 },
		{ "4294967294", 1, .uid = 4294967294u },
		{ "root", 1, .user_is_name = true, .user = "root" },
		{ "_apt:nogroup", 1, true, true, true, .user = "_apt", .group = "nogroup" },
		{ "root:0", 1, .has_group = true, .user_is_name = true, .user = "root" },
		{ "0:root", 1, .has_group = true, .group_is_name = true, .group = "root" },
		{ "www-data", 1, .user_is_name = true, .user = "www-data" },
		{ "a.b$", 1, .user_is_name = true, .user = "a.b$" },
		/* CVE-2026-30892: each of these became uid 0, or a name's uid */
		{ "", 0 },
		{ "1:", 0 },
		{ ":1", 0 },
		{ ":", 0 },
		{ "+1", 0 },
		{ "-1", 0 },
		{ " 1", 0 },
		{ "1 ", 0 },
		{ "1x", 0 },
		{ "0x1", 0 },
		{ "1e3", 0 },
		{ "1.0", 0 },
		{ "1:2:3", 0 },
		{ "1:a:b", 0 },
		{ "1:+2", 0 },
		{ "1:2x", 0 },
		{ "\t1", 0 },
		{ "1\n", 0 },
		/* CVE-2016-3697 and its containerd cousin: out of range is no name, and no wrap */
		{ "4294967295", 0 },
		{ "4294967296", 0 },
		{ "18446744073709551616", 0 },
		{ "1:4294967296", 0 },
		{ "ro ot", 0 },
		{ "a/b", 0 },
		{ "a,b", 0 },
		{ "ro\not", 0 },
		{ "-root", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct cred_user got;
		struct err e = { 0 };
		int rc = cred_user_parse(table[i].text, &got, &e);
		if ((rc == 0) != table[i].ok)
			fail_msg("\"%s\": %d %s", table[i].text, rc, e.msg);
		if (rc < 0) {
			assert_int_equal(e.kind, ERR_CONFIG);
			continue;
		}
		assert_int_equal(got.has_group, table[i].has_group);
		assert_int_equal(got.user_is_name, table[i].user_is_name);
		assert_int_equal(got.group_is_name, table[i].group_is_name);
		assert_int_equal(got.uid, table[i].uid);
		assert_int_equal(got.gid, table[i].gid);
		assert_string_equal(got.user, table[i].user ? table[i].user : "");
		assert_string_equal(got.group, table[i].group ? table[i].group : "");
	}
}

static void user_parse_long(void **state)
{
	char text[600];
	struct cred_user got;
	struct err e;

	(void)state;
	memset(text, 'a', sizeof text);
	text[CRED_NAME_MAX - 1] = '\0';
	assert_int_equal(cred_user_parse(text, &got, &e), 0);
	text[CRED_NAME_MAX - 1] = 'a';
	text[CRED_NAME_MAX] = '\0';
	assert_int_equal(cred_user_parse(text, &got, &e), -1);
	memset(text, '0', 300);
	text[299] = '1';
	text[300] = '\0';
	assert_int_equal(cred_user_parse(text, &got, &e), -1);
}

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}

static void passwd_lookup(void **state)
{
	static const char text[] =
		"1000::0:0:named like a number:/evil:\n" /* CVE-2016-3697: never uid 1000 */
		"+::0:0:::\n"
		"-u:x:5:5::/minus:/\n"
		":x:1000:1000::/noname:/\n"
		"# comment\n"
		"short:x:1000\n"
		"neg:x:-1:0::/neg:/\n"
		"plus:x:+1000:0::/plus:/\n"
		"blank:x: 1000:0::/blank:/\n"
		"big:x:4294967296:0::/big:/\n"
		"hex:x:0x3e8:0::/hex:/\n"
		"nul\0x:x:1000:1000::/nul:/\n"
		"root:x:0:0:root, the one:/root:/bin/sh\n"
		"user:x:1000:100:A User:/home/user:/bin/bash\n"
		"user:x:1001:101::/home/second:/bin/bash\n"
		"nohome:x:1002:102:\n"
		"empty:x:1003:103:::\n"
		"last:x:1004:104::/home/last";
	struct cred_passwd got;

	(void)state;
	int fd = file_of(text, sizeof text - 1);
	assert_int_equal(cred_passwd_by_uid(fd, 0, &got), 1);
	assert_string_equal(got.home, "/root");
	assert_int_equal(cred_passwd_by_uid(fd, 1000, &got), 1);
	assert_string_equal(got.home, "/home/user");
	assert_int_equal(got.gid, 100);
	assert_int_equal(cred_passwd_by_uid(fd, 1001, &got), 1);
	assert_string_equal(got.home, "/home/second");
	assert_int_equal(cred_passwd_by_name(fd, "user", &got), 1);
	assert_int_equal(got.uid, 1000);
	assert_int_equal(cred_passwd_by_name(fd, "1000", &got), 0);
	assert_int_equal(cred_passwd_by_name(fd, "nul", &got), 0);
	assert_int_equal(cred_passwd_by_name(fd, "+", &got), 0);
	assert_int_equal(cred_passwd_by_name(fd, "-u", &got), 0);
	assert_int_equal(cred_passwd_by_name(fd, "", &got), 0);
	assert_int_equal(cred_passwd_by_uid(fd, 1002, &got), 0);
	assert_int_equal(cred_passwd_by_uid(fd, 1003, &got), 1);
	assert_string_equal(got.home, "");
	/* No newline and no shell at the end of the file. */
	assert_int_equal(cred_passwd_by_uid(fd, 1004, &got), 1);
	assert_string_equal(got.home, "/home/last");
	assert_int_equal(cred_passwd_by_uid(fd, 4294967294u, &got), 0);
	close(fd);
	fd = file_of("", 0);
	assert_int_equal(cred_passwd_by_uid(fd, 0, &got), 0);
	close(fd);
}

/* Very long lines, fields and files neither match nor upset what comes after them. */
static void passwd_hostile_sizes(void **state)
{
	const size_t size = 100000;
	char *text = malloc(size + 4096);
	struct cred_passwd got;
	int n;

	(void)state;
	memset(text, 'A', size);
	memcpy(text + size, "\nroot:x:0:0::/root:/bin/sh\n", 27);
	int fd = file_of(text, size + 27);
	assert_int_equal(cred_passwd_by_uid(fd, 0, &got), 1);
	assert_string_equal(got.home, "/root");
	close(fd);
	/* A home that does not fit is no home; half of one would be another directory. */
	n = sprintf(text, "long:x:7:7::/");
	memset(text + n, 'h', 5000);
	memcpy(text + n + 5000, ":/bin/sh\n", 9);
	fd = file_of(text, (size_t)n + 5009);
	assert_int_equal(cred_passwd_by_uid(fd, 7, &got), 1);
	assert_string_equal(got.home, "");
	close(fd);
	/* A name cut to another user's name must not become that user. */
	n = sprintf(text, "r");
	memset(text + n, 'r', 300);
	n += 300;
	n += sprintf(text + n, ":x:9:9::/h:/s\n");
	fd = file_of(text, (size_t)n);
	text[CRED_NAME_MAX - 1] = '\0';
	assert_int_equal(cred_passwd_by_name(fd, text, &got), 0);
	close(fd);
	/* More than 4 MiB: an error, not an endless read. */
	fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	errno = 0;
	assert_int_equal(cred_passwd_by_uid(fd, 0, &got), -1);
	assert_int_equal(errno, EFBIG);
	close(fd);
	free(text);
}

static void groups_lookup(void **state)
{
	static const char text[] = "root:x:0:\n"
				   "100:x:5:user\n"
				   "+:x:6:user\n"
				   "bad:x:1x:user\n"
				   "adm:x:4:syslog,user\n"
				   "tty:x:5:user2,usertwo\n"
				   "audio:x:29:user\n"
				   "again:x:29:user\n"
				   "short:x:30\n"
				   "colon:x:31:user:more\n"
				   "blank:x:32: user\n"
				   "last:x:33:a,user";
	gid_t gid, gids[8] = { 100 };

	(void)state;
	int fd = file_of(text, sizeof text - 1);
	assert_int_equal(cred_group_by_name(fd, "tty", &gid), 1);
	assert_int_equal(gid, 5);
	assert_int_equal(cred_group_by_name(fd, "100", &gid), 0);
	assert_int_equal(cred_group_by_name(fd, "short", &gid), 1);
	assert_int_equal(gid, 30);
	assert_int_equal(cred_group_by_name(fd, "bad", &gid), 0);
	assert_int_equal(cred_group_by_name(fd, "none", &gid), 0);
	assert_int_equal(cred_group_members(fd, "user", gids, 1, 8), 5);
	assert_int_equal(gids[0], 100);
	assert_int_equal(gids[1], 4);
	assert_int_equal(gids[2], 29);
	assert_int_equal(gids[3], 31);
	assert_int_equal(gids[4], 33);
	assert_int_equal(cred_group_members(fd, "nobody", gids, 0, 8), 0);
	errno = 0;
	assert_int_equal(cred_group_members(fd, "user", gids, 0, 2), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
	/* A group with very many members: the last one is found. */
	size_t n = 0, size = 50000;
	char *many = malloc(size + 100);
	n += (size_t)sprintf(many, "big:x:77:");
	while (n < size)
		n += (size_t)sprintf(many + n, "member%zu,", n);
	n += (size_t)sprintf(many + n, "user\nnext:x:78:user\n");
	fd = file_of(many, n);
	assert_int_equal(cred_group_members(fd, "user", gids, 0, 8), 2);
	assert_int_equal(gids[0], 77);
	assert_int_equal(gids[1], 78);
	close(fd);
	free(many);
}

/* The file must be a regular one inside the root, however the image has placed it. */
static void user_open(void **state)
{
	char root[] = "/tmp/husk-test-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(root));
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir, "etc", 0755), 0);
	assert_int_equal(cred_user_open(dir, "etc/passwd"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkfifoat(dir, "etc/passwd", 0644), 0);
	assert_int_equal(cred_user_open(dir, "etc/passwd"), -1);
	assert_int_equal(errno, EINVAL);
	unlinkat(dir, "etc/passwd", 0);
	/* An absolute link stays inside: the host's file must not be read. */
	assert_int_equal(symlinkat("/etc/hostfile", dir, "etc/passwd"), 0);
	assert_int_equal(cred_user_open(dir, "etc/passwd"), -1);
	assert_int_equal(errno, ENOENT);
	int fd = openat(dir, "etc/hostfile", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	fd = cred_user_open(dir, "etc/passwd");
	assert_true(fd >= 0);
	close(fd);
	unlinkat(dir, "etc/passwd", 0);
	unlinkat(dir, "etc/hostfile", 0);
	assert_int_equal(mkdirat(dir, "etc/passwd", 0755), 0);
	assert_int_equal(cred_user_open(dir, "etc/passwd"), -1);
	unlinkat(dir, "etc/passwd", AT_REMOVEDIR);
	unlinkat(dir, "etc", AT_REMOVEDIR);
	close(dir);
	rmdir(root);
}

static void map_check(void **state)
{
	static const struct {
		struct cred_id_map maps[3];
		size_t n;
		const char *message; /* NULL: fine */
	} table[] = {
		{ { { 0, 1000, 1 } }, 1, NULL },
		{ { { 0, 1000, 1 }, { 1, 100000, 65536 } }, 2, NULL },
		{ { { 0, 0, 4294967295u } }, 1, NULL },
		{ { { 4294967294u, 0, 1 } }, 1, NULL },
		{ { { 0 } }, 0, "uidMappings: no mappings" },
		{ { { 0, 1000, 0 } }, 1, "uidMappings[0]: the size is 0" },
		{ { { 4294967295u, 0, 1 } },
		  1,
		  "uidMappings[0]: the range ends beyond 4294967294" },
		{ { { 0, 4294967295u, 1 } },
		  1,
		  "uidMappings[0]: the range ends beyond 4294967294" },
		{ { { 1, 0, 4294967295u } },
		  1,
		  "uidMappings[0]: the range ends beyond 4294967294" },
		{ { { 0, 0, 10 }, { 9, 100, 1 } },
		  2,
		  "uidMappings[1]: container ids overlap those of [0]" },
		{ { { 0, 0, 10 }, { 20, 100, 1 }, { 30, 5, 1 } },
		  3,
		  "uidMappings[2]: host ids overlap those of [0]" },
		{ { { 0, 0, 10 }, { 10, 10, 10 } }, 2, NULL },
	};
	static struct cred_id_map many[CRED_MAP_LINES_MAX + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		int rc = cred_map_check("uidMappings", table[i].maps, table[i].n, &e);
		assert_int_equal(rc, table[i].message ? -1 : 0);
		if (table[i].message)
			assert_string_equal(e.msg, table[i].message);
	}
	for (uint32_t i = 0; i < COUNT(many); i++)
		many[i] = (struct cred_id_map){ i, i, 1 };
	assert_int_equal(cred_map_check("m", many, CRED_MAP_LINES_MAX, &e), 0);
	assert_int_equal(cred_map_check("m", many, CRED_MAP_LINES_MAX + 1, &e), -1);
}

static void map_print(void **state)
{
	const struct cred_id_map maps[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
	const struct cred_id_map widest = { 4294967295u, 4294967295u, 4294967295u };
	char text[2 * CRED_MAP_LINE_BYTES + 2];

	(void)state;
	assert_int_equal(cred_map_print(maps, 2, text, sizeof text), 24);
	assert_string_equal(text, "0 1000 1\n1 100000 65536\n");
	assert_int_equal(cred_map_print(maps, 2, text, 20), -1);
	assert_int_equal(cred_map_print(&widest, 1, text, sizeof text), CRED_MAP_LINE_BYTES);
}

static void map_translate(void **state)
{
	const struct cred_id_map maps[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };

	(void)state;
	assert_int_equal(cred_map_to_host(maps, 2, 0), 1000);
	assert_int_equal(cred_map_to_host(maps, 2, 1), 100000);
	assert_int_equal(cred_map_to_host(maps, 2, 65536), 165535);
	assert_int_equal(cred_map_to_host(maps, 2, 65537), -1);
	assert_int_equal(cred_map_to_container(maps, 2, 1000), 0);
	assert_int_equal(cred_map_to_container(maps, 2, 165535), 65536);
	assert_int_equal(cred_map_to_container(maps, 2, 0), -1);
	assert_int_equal(cred_map_to_container(maps, 2, 165536), -1);
}

static void map_argv(void **state)
{
	const struct cred_id_map maps[] = { { 0, 1000, 1 }, { 1, 4294967294u, 65536 } };
	const char *argv[CRED_MAP_ARGV_SIZE(2)];
	char text[CRED_MAP_ARGV_TEXT(2)];
	static const char *const wanted[] = { "newuidmap", "77", "0",	       "1000",
					      "1",	   "1",	 "4294967294", "65536" };
	struct err e;

	(void)state;
	assert_int_equal(
		cred_map_argv("newuidmap", 77, maps, 2, argv, COUNT(argv), text, sizeof text, &e),
		0);
	for (size_t i = 0; i < COUNT(wanted); i++)
		assert_string_equal(argv[i], wanted[i]);
	assert_null(argv[COUNT(wanted)]);
	assert_int_equal(cred_map_argv("newuidmap", 77, maps, 2, argv, COUNT(argv) - 1, text,
				       sizeof text, &e),
			 -1);
}

static void subids(void **state)
{
	static const char text[] = "root:1:2\n"
				   "user:100000:65536\n"
				   "1000:300000:10\n"
				   "user:bad:1\n"
				   "user:1\n"
				   "user:400000:0\n"
				   "other:500000:1\n"
				   "user:600000:7";
	struct cred_id_map got[4];
	struct err e;

	(void)state;
	int fd = file_of(text, sizeof text - 1);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(cred_subids_read(fd, "user", 1000, got, 4, &e), 3);
	assert_int_equal(got[0].id_host, 100000);
	assert_int_equal(got[0].count, 65536);
	assert_int_equal(got[1].id_host, 300000);
	assert_int_equal(got[2].count, 7);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(cred_subids_read(fd, NULL, 1000, got, 4, &e), 1);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(cred_subids_read(fd, "nobody", 65534, got, 4, &e), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cap_names),	   cmocka_unit_test(caps_clamp),
		cmocka_unit_test(caps_until_exec), cmocka_unit_test(caps_print),
		cmocka_unit_test(user_parse),	   cmocka_unit_test(user_parse_long),
		cmocka_unit_test(passwd_lookup),   cmocka_unit_test(passwd_hostile_sizes),
		cmocka_unit_test(groups_lookup),   cmocka_unit_test(user_open),
		cmocka_unit_test(map_check),	   cmocka_unit_test(map_print),
		cmocka_unit_test(map_translate),   cmocka_unit_test(map_argv),
		cmocka_unit_test(subids),
	};

	return cmocka_run_group_tests_name("cred", tests, NULL, NULL);
}
