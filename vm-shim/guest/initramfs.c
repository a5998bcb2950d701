/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel unpacks before anything else: husk, its libraries, and modules. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "vm-shim/guest/guest-parts.h"
#include "vm-shim/guest/initramfs.h"

/* Of everything that goes in: a new layout must not find an old file. */
#define LAYOUT       1
#define HEADER_BYTES 110
#define PATH_BYTES   4096
#define FILE_MAX     (256u << 20)
#define SELF         "/proc/self/exe"

/* Libraries that husk opens by name when it needs them. */
static const char *const on_demand[] = { "libmnl.so.0", NULL };

/* ---- the archive: newc, cpio(5) ---- */

struct archive {
	int fd;
	uint32_t inode;
	uint64_t offset;
	int errnum; /* of the first write that failed */
};

static void put(struct archive *c, const void *data, size_t size)
{
	if (!c->errnum && io_write_full(c->fd, data, size) < 0)
		c->errnum = errno;
	c->offset += size;
}

static void pad(struct archive *c, uint64_t to)
{
	static const char zeros[512];

	put(c, zeros, (size_t)((to - c->offset % to) % to));
}

static void put_header(struct archive *c, const char *name, uint32_t mode, uint32_t device,
		       uint32_t size)
{
	char text[HEADER_BYTES + 1];
	size_t length = strlen(name) + 1;

	/* No times and no owners: the same content is the same archive. */
	text_format(text, sizeof text, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		    ++c->inode, mode, 0u, 0u, S_ISDIR(mode) ? 2u : 1u, 0u, size, 0u, 0u,
		    major(device), minor(device), (unsigned)length, 0u);
	put(c, text, HEADER_BYTES);
	put(c, name, length);
	pad(c, 4);
}

static void put_text(struct archive *c, const char *name, const char *text)
{
	put_header(c, name, S_IFREG | 0644, 0, (uint32_t)strlen(text));
	put(c, text, strlen(text));
	pad(c, 4);
}

/* Names in the archive are without the leading slash. */
static int put_file(struct archive *c, const char *name, uint32_t mode, const char *path,
		    struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	static char buffer[65536];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", path);
	if (st.st_size < 0 || st.st_size > FILE_MAX)
		return err_config(e, "%s: is larger than %u bytes", path, FILE_MAX);
	put_header(c, name, S_IFREG | mode, 0, (uint32_t)st.st_size);
	for (uint64_t left = (uint64_t)st.st_size; left;) {
		size_t want = left < sizeof buffer ? (size_t)left : sizeof buffer;
		if (io_read_full(fd, buffer, want) != (ssize_t)want)
			return err_set(e, ERR_SYSTEM, 0, "read %s: it changed meanwhile", path);
		put(c, buffer, want);
		left -= want;
	}
	pad(c, 4);
	return 0;
}

/* Every directory above @path, unless it is in @made already. */
static int put_directories(struct archive *c, const char *path, struct str_list *made,
			   struct arena *a, struct err *e)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *name = arena_format(a, "%.*s", (int)(slash - path - 1), path + 1);
		size_t before = made->count;
		if (!name || guest_list_add(made, name, a, e) < 0)
			return name ? -1 : arena_check(a, e);
		if (made->count > before)
			put_header(c, name, S_IFDIR | 0755, 0, 0);
	}
	return 0;
}

static int put_modules(struct archive *c, const struct str_list *files, struct arena *a,
		       struct err *e)
{
	const char *list = "";

	for (size_t i = 0; i < files->count; i++) {
		const char *base = strrchr(files->items[i], '/') + 1;
		char *name = NULL;
		int fd = initramfs_unpack(files->items[i], e);
		if (fd == -1)
			return -1;
		/* What was unpacked is called as what it is now. */
		int n = fd >= 0 ? (int)(strstr(base, ".ko") + 3 - base) : (int)strlen(base);
		char path[PATH_FD_MAX];
		name = arena_format(a, "%.*s", n, base);
		list = arena_format(a, "%s%.*s\n", list, n, base);
		if (!name || !list)
			return arena_check(a, e);
		int result = put_file(c, arena_format(a, "%s/%s", &GUEST_MODULES[1], name), 0644,
				      fd >= 0 ? path_of_fd(fd, path) : files->items[i], e);
		if (fd >= 0)
			close(fd);
		if (result < 0)
			return -1;
	}
	put_text(c, &GUEST_MODULES_LIST[1], list);
	return 0;
}

static int put_all(struct archive *c, const struct initramfs_content *in, struct arena *a,
		   struct err *e)
{
	static const char *const directories[] = {
		"dev",          "proc",          "sys",           "run",
		&GUEST_ROOT[1], &GUEST_LOWER[1], &GUEST_UPPER[1], &GUEST_MODULES[1],
	};
	struct str_list made = { 0 };

	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		put_header(c, directories[i], S_IFDIR | 0755, 0, 0);
		if (guest_list_add(&made, directories[i], a, e) < 0)
			return -1;
	}
	/* The kernel gives it to the first process as its standard streams. */
	put_header(c, "dev/console", S_IFCHR | 0600, (uint32_t)makedev(5, 1), 0);
	put_text(c, &GUEST_MARK_FILE[1], "");
	for (size_t i = 0; i < in->libraries.count; i++) {
		const char *path = in->libraries.items[i];
		if (put_directories(c, path, &made, a, e) < 0 ||
		    put_file(c, path + 1, 0755, path, e) < 0)
			return -1;
	}
	if (put_modules(c, &in->modules, a, e) < 0 || put_file(c, "init", 0755, SELF, e) < 0)
		return -1;
	put_header(c, "TRAILER!!!", 0, 0, 0);
	pad(c, 512);
	return 0;
}

int initramfs_write(int fd, const struct initramfs_content *in, struct arena *a, struct err *e)
{
	struct archive c = { .fd = fd };

	if (put_all(&c, in, a, e) < 0)
		return -1;
	errno = c.errnum;
	return c.errnum ? err_sys(e, "write the initramfs") : 0;
}

/* ---- what goes in ---- */

/*
 * Files are known by their inodes, sizes and times of change, which move with the content: to read some
 * megabytes on every start would take longer than the rest of it.
 */
static int add_to_key(struct initramfs_content *in, const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "look at %s", path);
	const uint64_t facts[] = {
		st.st_dev,
		st.st_ino,
		(uint64_t)st.st_size,
		(uint64_t)st.st_mtim.tv_sec,
		(uint64_t)st.st_mtim.tv_nsec,
		(uint64_t)st.st_ctim.tv_sec,
		(uint64_t)st.st_ctim.tv_nsec,
	};
	initramfs_hash(in->key, path, strlen(path) + 1);
	initramfs_hash(in->key, facts, sizeof facts);
	return 0;
}

/* FNV-1a twice, from different starts. Nobody else writes into the directory: no attack, only chance. */
void initramfs_hash(uint64_t key[2], const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		key[0] = (key[0] ^ bytes[i]) * 0x100000001b3;
		key[1] = (key[1] ^ bytes[i]) * 0x100000001b3 + 0x9e3779b97f4a7c15;
	}
}

static int collect(const struct guest_initramfs_options *o, struct arena *a,
		   struct initramfs_content *in, struct err *e)
{
	static const uint32_t layout = LAYOUT;
	const char *const *names = guest_modules_names(o, a);
	size_t count = 0;

	*in = (struct initramfs_content){ .key = { 0xcbf29ce484222325, 0x6c62272e07bb0142 } };
	while (names && names[count])
		count++;
	if (!names)
		return arena_check(a, e);
	if (!o->kernel->modules)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "kernel %s: there is no lib/modules/%s with modules.dep, neither "
			       "beside it nor at / (its package has it)",
			       o->kernel->image,
			       o->kernel->version ? o->kernel->version : "VERSION");
	if (guest_modules_resolve(o->kernel->modules, names, count, a, &in->modules, e) < 0 ||
	    guest_closure(SELF, on_demand, a, &in->libraries, e) < 0)
		return -1;
	initramfs_hash(in->key, &layout, sizeof layout);
	if (add_to_key(in, SELF, e) < 0)
		return -1;
	for (size_t i = 0; i < in->libraries.count; i++) {
		if (add_to_key(in, in->libraries.items[i], e) < 0)
			return -1;
	}
	for (size_t i = 0; i < in->modules.count; i++) {
		if (add_to_key(in, in->modules.items[i], e) < 0)
			return -1;
	}
	return 0;
}

/* In memory, for this time only. */
static int make_unnamed(const struct initramfs_content *in, struct arena *a, struct err *e)
{
	char path[PATH_FD_MAX];
	CLEAN_FD int fd = memfd_create("husk-initramfs", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, "create memory for the initramfs");
	if (initramfs_write(fd, in, a, e) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_sys(e, "seal the initramfs");
	int out = open(path_of_fd(fd, path), O_RDONLY | O_CLOEXEC);
	return out < 0 ? err_sys(e, "open the initramfs") : out;
}

int guest_initramfs_open(const struct guest_initramfs_options *o, const char *cache_dir,
			 struct arena *a, const char **path, struct err *e)
{
	struct initramfs_content in;
	int fd = -1;

	*path = NULL;
	if (collect(o, a, &in, e) < 0)
		return -1;
	if (cache_dir) {
		fd = initramfs_cache_open(cache_dir, &in, a, path, e);
		/* A full disk is no reason not to start. */
		if (fd < 0 && e->errnum != ENOSPC && e->errnum != EDQUOT && e->errnum != EROFS)
			return -1;
	}
	return fd >= 0 ? fd : make_unnamed(&in, a, e);
}
