/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of compiled filters: what it finds, and what it must never believe. */
#include "tests/unit/test-seccomp-support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-cache.h"

static struct arena arena;
static char top[64];
static int top_fd = -1;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	snprintf(top, sizeof top, "/tmp/test-seccomp-cache.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top_fd < 0 ? -1 : 0;
}

static void empty(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_name[0] != '.' || strlen(d->d_name) > 2)
			unlinkat(fd, d->d_name, 0);
	if (dir)
		closedir(dir);
	unlinkat(dirfd, name, fd < 0 ? 0 : AT_REMOVEDIR);
}

static int teardown(void **state)
{
	(void)state;
	empty(top_fd, "cache");
	empty(top_fd, "elsewhere");
	close(top_fd);
	rmdir(top);
	arena_free(&arena);
	return 0;
}

static struct seccomp_cache_key key_of(const char *text)
{
	struct seccomp_cache_key key;

	assert_int_equal(seccomp_cache_key(&arena, text, strlen(text), &key, NULL), 0);
	return key;
}

static struct seccomp_program some_program(void)
{
	struct seccomp_policy policy;
	struct seccomp_program program;

	make_docker_like(&arena, &policy);
	must_compile(&policy, &arena, &program);
	return program;
}

static void store(const struct seccomp_cache_key *key, const struct seccomp_program *program)
{
	struct err e = { 0 };

	if (seccomp_cache_store(top_fd, "cache", key, program, &e) < 0)
		fail_msg("store: %s", e.msg);
}

/* 1, 0 or -1 as seccomp_cache_load(). */
static int load(const struct seccomp_cache_key *key, struct seccomp_program *out)
{
	struct err e = { 0 };
	int result = seccomp_cache_load(top_fd, "cache", key, &arena, out, &e);

	if (result < 0)
		assert_true(e.msg[0] != '\0');
	return result;
}

static void assert_hit(const struct seccomp_cache_key *key, const struct seccomp_program *wanted)
{
	struct seccomp_program got;

	assert_int_equal(load(key, &got), 1);
	assert_int_equal(got.count, wanted->count);
	assert_memory_equal(got.code, wanted->code, got.count * sizeof *got.code);
}

static void file_of(const struct seccomp_cache_key *key, char path[64])
{
	snprintf(path, 64, "cache/%016llx", (unsigned long long)key->hash);
}

static size_t read_entry(const struct seccomp_cache_key *key, char *bytes, size_t room)
{
	char path[64];

	file_of(key, path);
	int fd = openat(top_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t length = io_read_full(fd, bytes, room);
	close(fd);
	assert_true(length > 0);
	return (size_t)length;
}

static void write_entry(const struct seccomp_cache_key *key, const char *bytes, size_t length)
{
	char path[64];

	file_of(key, path);
	unlinkat(top_fd, path, 0);
	int fd = openat(top_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(io_write_full(fd, bytes, length), 0);
	close(fd);
}

static void test_hit(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile"), other = key_of("another profile");
	struct stat st;

	(void)state;
	assert_int_equal(load(&key, &got), 0);
	store(&key, &program);
	assert_hit(&key, &program);
	assert_false(got.notifies);
	assert_int_equal(load(&other, &got), 0);
	assert_int_equal(fstatat(top_fd, "cache", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* Another program for the same key replaces it. */
	program.count = 1;
	program.code[0] = (struct sock_filter){ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF };
	store(&key, &program);
	assert_int_equal(load(&key, &got), 1);
	assert_int_equal(got.count, 1);
	assert_true(got.notifies);
}

/* Keys of policies differ when anything in the policy does. */
static void test_policy_keys(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct seccomp_compare compare = { 1, SECCOMP_OP_EQ, 2, 3 };
	const char *names[] = { "read", "write" };
	struct seccomp_rule rule = { names, 2, SECCOMP_RET_ALLOW, &compare, 1 };
	struct seccomp_weight weight = { "read", 5 };
	struct seccomp_policy base = { .default_action = SECCOMP_RET_ERRNO | 1,
				       .archs = archs,
				       .archs_count = 1,
				       .rules = &rule,
				       .rules_count = 1 };
	struct seccomp_policy p = base;
	struct seccomp_cache_key keys[16];
	size_t count = 0;
#define KEY() assert_int_equal(seccomp_cache_policy_key(&arena, &p, &keys[count++], NULL), 0)

	(void)state;
	KEY();
	p.default_action = SECCOMP_RET_ERRNO | 2;
	KEY();
	p = base;
	p.bad_arch_action = SECCOMP_RET_TRAP;
	KEY();
	p = base;
	p.order = SECCOMP_ORDER_FIRST_MATCH;
	KEY();
	p = base;
	p.enosys_above = true;
	KEY();
	p = base;
	p.strict_names = true;
	KEY();
	p = base;
	p.archs_count = 2;
	KEY();
	p = base;
	p.rules_count = 0;
	KEY();
	p = base;
	p.weights = &weight;
	p.weights_count = 1;
	KEY();
	p = base;
	compare.index = 2;
	KEY();
	compare.op = SECCOMP_OP_NE;
	KEY();
	compare.value = 9;
	KEY();
	compare.value_two = 9;
	KEY();
	rule.action = SECCOMP_RET_LOG;
	KEY();
	names[1] = "writ";
	KEY();
	rule.compares_count = 0;
	KEY();
	assert_int_equal(count, 16);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(keys[i].length != keys[j].length ||
				    memcmp(keys[i].bytes, keys[j].bytes, keys[i].length) != 0);
}

/* A key names the compiler and the library, so that an update of either compiles anew. */
static void test_key_head(void **state)
{
	struct seccomp_cache_key key = key_of("content");
	char version[32], wanted[64];

	(void)state;
	seccomp_names_version(version, sizeof version);
	snprintf(wanted, sizeof wanted, "libseccomp %s", version);
	assert_non_null(memmem(key.bytes, key.length, PACKAGE_VERSION, strlen(PACKAGE_VERSION)));
	assert_non_null(memmem(key.bytes, key.length, HUSK_COMMIT, strlen(HUSK_COMMIT)));
	assert_non_null(memmem(key.bytes, key.length, wanted, strlen(wanted)));
	assert_non_null(memmem(key.bytes, key.length, "content", 7));
}

/* A file under the name of another key: a collision of hashes, or a forgery. */
static void test_collision(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("one"), same_length = key_of("two"),
				 longer = key_of("three");
	char bytes[65536];

	(void)state;
	store(&key, &program);
	size_t length = read_entry(&key, bytes, sizeof bytes);
	write_entry(&same_length, bytes, length);
	write_entry(&longer, bytes, length);
	assert_true(load(&same_length, &got) < 0);
	assert_true(load(&longer, &got) < 0);
	store(&longer, &program);
	assert_hit(&longer, &program);
	assert_hit(&key, &program);
}

static void test_truncated(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	char bytes[65536];

	(void)state;
	store(&key, &program);
	size_t length = read_entry(&key, bytes, sizeof bytes);
	for (size_t n = 0; n < length; n += n < 300 ? 1 : 37) {
		write_entry(&key, bytes, n);
		assert_true(load(&key, &got) < 0);
	}
	memset(bytes + length, 0, 64);
	write_entry(&key, bytes, length + 8);
	assert_true(load(&key, &got) < 0);
	store(&key, &program);
	assert_hit(&key, &program);
}

/* Any changed byte: a miss, or (in the padding, which means nothing) the same program. */
static void test_damaged(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	char bytes[65536];
	unsigned hits = 0;

	(void)state;
	store(&key, &program);
	size_t length = read_entry(&key, bytes, sizeof bytes);
	for (size_t i = 0; i < length; i++) {
		bytes[i] ^= 0x40;
		write_entry(&key, bytes, length);
		if (load(&key, &got) > 0) {
			hits++;
			assert_hit(&key, &program);
		}
		bytes[i] ^= 0x40;
	}
	assert_true(hits < 8);
}

static void test_hostile_directory(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	static const mode_t modes[] = { 0755, 0770, 0701, 0777 };
	char target[80];

	(void)state;
	store(&key, &program);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		fchmodat(top_fd, "cache", modes[i], 0);
		assert_true(load(&key, &got) < 0);
		assert_true(seccomp_cache_store(top_fd, "cache", &key, &program, NULL) < 0);
	}
	fchmodat(top_fd, "cache", 0700, 0);
	assert_hit(&key, &program);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(top_fd, "cache", 12345, (gid_t)-1, 0), 0);
		assert_true(load(&key, &got) < 0);
		assert_true(seccomp_cache_store(top_fd, "cache", &key, &program, NULL) < 0);
		assert_int_equal(fchownat(top_fd, "cache", 0, (gid_t)-1, 0), 0);
	}
	assert_int_equal(renameat(top_fd, "cache", top_fd, "elsewhere"), 0);
	snprintf(target, sizeof target, "%s/elsewhere", top);
	assert_int_equal(symlinkat(target, top_fd, "cache"), 0);
	assert_true(load(&key, &got) < 0);
	assert_true(seccomp_cache_store(top_fd, "cache", &key, &program, NULL) < 0);
}

static void test_hostile_file(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	char path[64];

	(void)state;
	store(&key, &program);
	file_of(&key, path);
	fchmodat(top_fd, path, 0620, 0);
	assert_true(load(&key, &got) < 0);
	fchmodat(top_fd, path, 0600, 0);
	assert_hit(&key, &program);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(top_fd, path, 12345, (gid_t)-1, 0), 0);
		assert_true(load(&key, &got) < 0);
		assert_int_equal(fchownat(top_fd, path, 0, (gid_t)-1, 0), 0);
	}
	/* A symbolic link to the true file. */
	assert_int_equal(renameat(top_fd, path, top_fd, "cache/other"), 0);
	assert_int_equal(symlinkat("other", top_fd, path), 0);
	assert_true(load(&key, &got) < 0);
	/* Nothing to wait for. */
	unlinkat(top_fd, path, 0);
	assert_int_equal(mkfifoat(top_fd, path, 0600), 0);
	assert_true(load(&key, &got) < 0);
	/* What stood there is replaced. */
	store(&key, &program);
	assert_hit(&key, &program);
	unlinkat(top_fd, path, 0);
	assert_int_equal(mkdirat(top_fd, path, 0700), 0);
	assert_true(load(&key, &got) < 0);
	assert_true(seccomp_cache_store(top_fd, "cache", &key, &program, NULL) < 0);
	unlinkat(top_fd, path, AT_REMOVEDIR);
}

/* A program that the kernel would not take is none, whoever wrote it and its hash. */
static void test_invalid_program(void **state)
{
	struct sock_filter code[] = { { BPF_JMP | BPF_JA, 0, 0, 5 }, { BPF_RET | BPF_K, 0, 0, 0 } };
	struct seccomp_program program = { .code = code, .count = 2 }, got;
	struct seccomp_cache_key key = key_of("a profile");

	(void)state;
	store(&key, &program);
	assert_true(load(&key, &got) < 0);
}

static void test_too_long_key(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key;
	char *text = arena_alloc(&arena, 2 << 20);

	(void)state;
	assert_int_equal(seccomp_cache_key(&arena, text, 2 << 20, &key, NULL), 0);
	assert_int_equal(key.length, 0);
	assert_int_equal(seccomp_cache_store(top_fd, "cache", &key, &program, NULL), 0);
	assert_int_equal(load(&key, &got), 0);
}

static void test_no_parent(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	struct err e = { 0 };

	(void)state;
	assert_int_equal(seccomp_cache_load(top_fd, "no/cache", &key, &arena, &got, &e), 0);
	assert_int_equal(seccomp_cache_store(top_fd, "no/cache", &key, &program, &e), -1);
	assert_string_equal(e.msg, "make filter cache no/cache: No such file or directory");
}

static unsigned entries(void)
{
	int fd = openat(top_fd, "cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	unsigned count = 0;

	for (struct dirent *d; (d = readdir(dir));)
		count += d->d_name[0] != '.' || strlen(d->d_name) > 2;
	closedir(dir);
	return count;
}

static void set_age(const char *path, time_t seconds)
{
	struct timespec times[2] = { { time(NULL) - seconds, 0 }, { time(NULL) - seconds, 0 } };

	assert_int_equal(utimensat(top_fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_prune(void **state)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct seccomp_program program = { .code = code, .count = 1 }, got;
	struct seccomp_cache_key keys[SECCOMP_CACHE_ENTRIES + 1];
	char text[32], path[64];

	(void)state;
	for (unsigned i = 0; i <= SECCOMP_CACHE_ENTRIES; i++) {
		snprintf(text, sizeof text, "profile %u", i);
		keys[i] = key_of(text);
		store(&keys[i], &program);
		file_of(&keys[i], path);
		/* The first is the youngest. */
		if (i < SECCOMP_CACHE_ENTRIES)
			set_age(path, 1000 + i);
		if (i == SECCOMP_CACHE_ENTRIES - 1)
			assert_int_equal(entries(), SECCOMP_CACHE_ENTRIES);
	}
	assert_int_equal(entries(), SECCOMP_CACHE_ENTRIES * 3 / 4);
	assert_int_equal(load(&keys[0], &got), 1);
	assert_int_equal(load(&keys[SECCOMP_CACHE_ENTRIES], &got), 1);
	assert_int_equal(load(&keys[SECCOMP_CACHE_ENTRIES - 1], &got), 0);
	/* What a killed writer left; a young one may still be at work. */
	close(openat(top_fd, "cache/.0123456789abcdef.1", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(top_fd, "cache/.0123456789abcdef.2", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	set_age("cache/.0123456789abcdef.1", 100);
	store(&keys[0], &program);
	assert_int_equal(faccessat(top_fd, "cache/.0123456789abcdef.1", F_OK, 0), -1);
	assert_int_equal(faccessat(top_fd, "cache/.0123456789abcdef.2", F_OK, 0), 0);
}

/* Writers and readers at once: a reader sees a whole program or none. */
static void test_concurrent(void **state)
{
	struct seccomp_program program = some_program(), got;
	struct seccomp_cache_key key = key_of("a profile");
	int status;

	(void)state;
	for (int child = 0; child < 2; child++) {
		if (fork())
			continue;
		for (int i = 0; i < 300; i++)
			if (seccomp_cache_store(top_fd, "cache", &key, &program, NULL) < 0)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < 600; i++) {
		int result = load(&key, &got);
		assert_true(result >= 0);
		if (result)
			assert_memory_equal(got.code, program.code,
					    program.count * sizeof *got.code);
	}
	for (int child = 0; child < 2; child++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_hit(&key, &program);
}

static double now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void test_time(void **state)
{
	struct seccomp_policy policy;
	struct seccomp_program program, got;
	struct seccomp_cache_key key;
	double best = 1e9;

	(void)state;
	make_docker_like(&arena, &policy);
	must_compile(&policy, &arena, &program);
	for (int i = 0; i < 50; i++) {
		double start = now_usec();
		assert_int_equal(seccomp_cache_policy_key(&arena, &policy, &key, NULL), 0);
		int found = load(&key, &got);
		double took = now_usec() - start;
		if (found && took < best)
			best = took;
		if (!found)
			store(&key, &program);
	}
	print_message("# a hit takes %.0f microseconds, with making the key\n", best);
	assert_true(best < 5000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_hit),	      TEST(test_policy_keys),	    TEST(test_key_head),
		TEST(test_collision), TEST(test_truncated),	    TEST(test_damaged),
		TEST(test_prune),     TEST(test_hostile_directory), TEST(test_hostile_file),
		TEST(test_no_parent), TEST(test_invalid_program),   TEST(test_too_long_key),
		TEST(test_time),      TEST(test_concurrent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("seccomp-cache", tests, NULL, NULL);
}
