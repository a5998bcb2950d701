/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"

/* A profile that fills a filter takes some hundred kilobytes of JSON. */
#define KEY_MAX ((size_t)1 << 20)

/* Sixteen hexadecimal digits. */
#define NAME_SIZE 17

/* Pruning goes below the limit, so that it does not come back with the next store. */
#define ENTRIES_KEPT (SECCOMP_CACHE_ENTRIES * 3 / 4)
/* Entries that one pruning looks at; a directory with more was not filled by husk. */
#define ENTRIES_SEEN 4096

/* A file: this, the key, zeros up to a multiple of 8, the program. */
struct header {
	char magic[8];
	uint32_t key_length;
	uint32_t count;
	uint64_t program_hash; /* finds files that were cut or damaged */
};

static const char magic[8] = { 'h', 'u', 's', 'k', 'b', 'p', 'f', 1 };

/* A fast hash for names and damage; nothing relies on it being hard to forge. */
static uint64_t hash(const void *data, size_t length)
{
	const char *bytes = data;
	uint64_t h = 0x9e3779b97f4a7c15u ^ length;

	for (; length; bytes += 8) {
		size_t part = length < 8 ? length : 8;
		uint64_t word = 0;
		memcpy(&word, bytes, part);
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
		length -= part;
	}
	return h;
}

static size_t padded(size_t length)
{
	return (length + 7) & ~(size_t)7;
}

int seccomp_cache_key(struct arena *arena, const void *content, size_t length,
		      struct seccomp_cache_key *out, struct err *e)
{
	char version[32], head[200];

	*out = (struct seccomp_cache_key){ 0 };
	seccomp_names_version(version, sizeof version);
	size_t head_length =
		text_format(head, sizeof head, "husk %s %s, compiler %d, libseccomp %s, %08x\n",
			    PACKAGE_VERSION, HUSK_COMMIT, SECCOMP_COMPILER_REVISION, version,
			    seccomp_names_native());
	if (length > KEY_MAX - head_length)
		return 0;
	char *bytes = arena_alloc(arena, head_length + length);
	if (!bytes)
		return arena_check(arena, e);
	memcpy(bytes, head, head_length);
	if (length)
		memcpy(bytes + head_length, content, length);
	out->bytes = bytes;
	out->length = head_length + length;
	out->hash = hash(bytes, out->length);
	return 0;
}

/* ---------------------------------------------------- key of a policy */

/* Appends to a buffer, or only counts while there is none. */
struct packer {
	char *bytes;
	size_t length;
};

static void pack(struct packer *p, const void *data, size_t length)
{
	if (p->bytes && length)
		memcpy(p->bytes + p->length, data, length);
	p->length += length;
}

static void pack_number(struct packer *p, uint64_t number)
{
	pack(p, &number, sizeof number);
}

static void pack_rule(struct packer *p, const struct seccomp_rule *rule)
{
	pack_number(p, (uint64_t)rule->arch << 32 | rule->action);
	pack_number(p, rule->names_count);
	for (size_t i = 0; i < rule->names_count; i++)
		pack(p, rule->names[i], strlen(rule->names[i]) + 1);
	pack_number(p, rule->compares_count);
	for (size_t i = 0; i < rule->compares_count; i++) {
		const struct seccomp_compare *c = &rule->compares[i];
		pack_number(p, (uint64_t)c->index << 32 | (uint32_t)c->op << 1 | c->narrow);
		pack_number(p, c->value);
		pack_number(p, c->value_two);
	}
}

static void pack_policy(struct packer *p, const struct seccomp_policy *policy)
{
	pack_number(p, (uint64_t)policy->default_action << 32 | policy->bad_arch_action);
	pack_number(p, (uint64_t)policy->order << 2 | (uint64_t)policy->enosys_above << 1 |
			       (uint64_t)policy->strict_names);
	pack_number(p, policy->archs_count);
	for (size_t i = 0; i < policy->archs_count; i++)
		pack_number(p, policy->archs[i]);
	pack_number(p, policy->rules_count);
	for (size_t i = 0; i < policy->rules_count; i++)
		pack_rule(p, &policy->rules[i]);
	for (size_t i = 0; i < policy->weights_count; i++) {
		pack(p, policy->weights[i].name, strlen(policy->weights[i].name) + 1);
		pack_number(p, policy->weights[i].weight);
	}
}

int seccomp_cache_policy_key(struct arena *arena, const struct seccomp_policy *policy,
			     struct seccomp_cache_key *out, struct err *e)
{
	struct packer count = { 0 }, p = { 0 };

	pack_policy(&count, policy);
	*out = (struct seccomp_cache_key){ 0 };
	if (count.length > KEY_MAX)
		return 0;
	p.bytes = arena_alloc(arena, count.length);
	if (!p.bytes)
		return arena_check(arena, e);
	pack_policy(&p, policy);
	return seccomp_cache_key(arena, p.bytes, p.length, out, e);
}

/* -------------------------------------------------------------- files */

/* The directory, or -1: errno ENOENT if there is none, else @e says what is wrong with it. */
static int open_directory(int dirfd, const char *path, struct err *e)
{
	struct stat st;
	CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open filter cache %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "fstat filter cache %s", path);
	if (st.st_uid != geteuid() || st.st_mode & 077) {
		errno = EPERM;
		return err_set(e, ERR_STATE, EPERM,
			       "filter cache %s belongs to user %u with mode %04o, and must be "
			       "user %u's with mode 0700",
			       path, st.st_uid, (unsigned)(st.st_mode & 07777), geteuid());
	}
	return take_fd(&fd);
}

static void file_name(const struct seccomp_cache_key *key, char name[NAME_SIZE])
{
	text_format(name, NAME_SIZE, "%016llx", (unsigned long long)key->hash);
}

static size_t file_size(const struct seccomp_cache_key *key, size_t count)
{
	return sizeof(struct header) + padded(key->length) + count * sizeof(struct sock_filter);
}

/* The content of a file of a plausible size, and the size in @length; NULL with @e otherwise. */
static char *read_file(int dirfd, const char *name, const struct seccomp_cache_key *key,
		       struct arena *arena, size_t *length, struct err *e)
{
	struct stat st;
	/* Not to be kept waiting by a FIFO. */
	CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_sys(e, "open cached filter %s", name);
		return NULL;
	}
	errno = EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022 ||
	    (uint64_t)st.st_size < file_size(key, 1) ||
	    (uint64_t)st.st_size > file_size(key, BPF_MAXINSNS)) {
		err_set(e, ERR_STATE, 0,
			"cached filter %s: not a file of this user and of the right size", name);
		return NULL;
	}
	*length = (size_t)st.st_size;
	char *bytes = arena_alloc(arena, *length);
	if (!bytes) {
		arena_check(arena, e);
		return NULL;
	}
	if (io_read_full(fd, bytes, *length) != (ssize_t)*length) {
		err_set(e, ERR_STATE, 0, "cached filter %s changed while it was read", name);
		return NULL;
	}
	return bytes;
}

int seccomp_cache_load(int dirfd, const char *path, const struct seccomp_cache_key *key,
		       struct arena *arena, struct seccomp_program *out, struct err *e)
{
	char name[NAME_SIZE];
	struct header header;
	size_t length;

	*out = (struct seccomp_program){ 0 };
	if (!key->length)
		return 0;
	file_name(key, name);
	CLEAN_FD int fd = open_directory(dirfd, path, e);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	char *bytes = read_file(fd, name, key, arena, &length, e);
	if (!bytes)
		return errno == ENOENT ? 0 : -1;
	memcpy(&header, bytes, sizeof header);
	struct sock_filter *code = (void *)(bytes + sizeof header + padded(key->length));
	if (memcmp(header.magic, magic, sizeof magic) != 0 || header.key_length != key->length ||
	    memcmp(bytes + sizeof header, key->bytes, key->length) != 0 ||
	    header.count > BPF_MAXINSNS || length != file_size(key, header.count) ||
	    header.program_hash != hash(code, header.count * sizeof *code))
		return err_set(e, ERR_STATE, 0, "cached filter %s: of another profile, or damaged",
			       name);
	if (seccomp_simulate_check(code, header.count, e) < 0)
		return err_prefix(e, "cached filter %s", name);
	out->code = code;
	out->count = header.count;
	out->notifies = seccomp_compile_notifies(code, header.count);
	return 1;
}

/* ------------------------------------------------------------ pruning */

struct aged {
	int64_t time;
	char name[NAME_SIZE];
};

static int by_age(const void *a, const void *b)
{
	const struct aged *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static bool is_entry_name(const char *name)
{
	return strlen(name) == NAME_SIZE - 1 && strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

/* Remove the oldest entries if there are too many, and what a killed writer left behind. */
static void prune(int dirfd)
{
	CLEAN_FREE struct aged *entries = malloc(ENTRIES_SEEN * sizeof *entries);
	CLEAN_FD int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct stat st;
	size_t count = 0;

	if (!dir)
		return;
	take_fd(&fd); /* the stream's now */
	if (!entries)
		return;
	while (count < ENTRIES_SEEN && (d = readdir(dir))) {
		if (text_equal(d->d_name, ".") || text_equal(d->d_name, "..") ||
		    fstatat(dirfd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (is_entry_name(d->d_name)) {
			entries[count].time =
				(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
			memcpy(entries[count++].name, d->d_name, NAME_SIZE);
		} else if (time(NULL) - st.st_mtim.tv_sec > 60) {
			unlinkat(dirfd, d->d_name, 0);
		}
	}
	if (count <= SECCOMP_CACHE_ENTRIES)
		return;
	qsort(entries, count, sizeof *entries, by_age);
	for (size_t i = 0; i < count - ENTRIES_KEPT; i++)
		unlinkat(dirfd, entries[i].name, 0);
}

static int make_directory(int dirfd, const char *path, struct err *e)
{
	int fd = open_directory(dirfd, path, e);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(dirfd, path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "make filter cache %s", path);
	return open_directory(dirfd, path, e);
}

int seccomp_cache_store(int dirfd, const char *path, const struct seccomp_cache_key *key,
			const struct seccomp_program *program, struct err *e)
{
	char name[NAME_SIZE];
	struct header header = { .key_length = (uint32_t)key->length,
				 .count = (uint32_t)program->count };
	size_t code_bytes = program->count * sizeof *program->code;

	if (!key->length)
		return 0;
	CLEAN_FD int fd = make_directory(dirfd, path, e);
	if (fd < 0)
		return -1;
	memcpy(header.magic, magic, sizeof magic);
	header.program_hash = hash(program->code, code_bytes);
	CLEAN_FREE char *bytes = calloc(1, file_size(key, program->count));
	if (!bytes)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "cache filter");
	memcpy(bytes, &header, sizeof header);
	memcpy(bytes + sizeof header, key->bytes, key->length);
	memcpy(bytes + sizeof header + padded(key->length), program->code, code_bytes);
	file_name(key, name);
	if (io_replace_at(fd, name, bytes, file_size(key, program->count), 0600, e) < 0)
		return err_prefix(e, "filter cache %s", path);
	prune(fd);
	return 0;
}
