/* SPDX-License-Identifier: Apache-2.0 */
/* What the host prepares for a guest: kernels, modules, libraries, and the initramfs with its cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "vm-shim/guest/guest-parts.h"
#include "vm-shim/guest/initramfs.h"

struct fixture {
	char dir[64];
	struct arena arena;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/husk-guest-XXXXXX");
	arena_init(&f->arena, 0);
	*state = f;
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", f->dir);
	int status = system(command);
	arena_free(&f->arena);
	free(f);
	return status;
}

/* A file below the fixture, with the directories above it. Its path. */
static const char *put(struct fixture *f, const char *name, const void *data, size_t size)
{
	char *path = arena_format(&f->arena, "%s/%s", f->dir, name);

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, data, size), 0);
	close(fd);
	return path;
}

static const char *put_text(struct fixture *f, const char *name, const char *text)
{
	return put(f, name, text, strlen(text));
}

/* The parts of a bzImage that are read. */
static const char *put_kernel(struct fixture *f, const char *name, const char *version,
			      uint32_t init_mib)
{
	uint8_t image[4096] = { 0 };
	const uint16_t protocol = 0x20f, at = 0x400;
	const uint64_t base = 16 << 20;
	const uint32_t init_size = init_mib << 20;

	memcpy(image + 0x202, "HdrS", 4);
	memcpy(image + 0x206, &protocol, 2);
	memcpy(image + 0x20e, &at, 2);
	memcpy(image + 0x258, &base, 8);
	memcpy(image + 0x260, &init_size, 4);
	snprintf((char *)image + 0x600, 256, "%s (somebody@somewhere) #1 SMP", version);
	return put(f, name, image, sizeof image);
}

static void test_kernels(void **state)
{
	static const char *const versions[] = { "6.1.0-9-amd64", "6.1.0-56-amd64",
						"6.1.0-56-cloud-amd64", "6.9.0-1-amd64",
						"5.10.0-3-amd64" };
	static const char *const expected[] = { "6.1.0-56-cloud-amd64", "6.1.0-56-amd64",
						"6.1.0-9-amd64", "5.10.0-3-amd64" };
	struct fixture *f = *state;
	struct guest_kernel *list;
	struct err e = { 0 };
	char name[128];
	size_t count;

	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "boot/vmlinuz-%s", versions[i]);
		put_kernel(f, name, versions[i], 51);
		/* One has no modules. */
		snprintf(name, sizeof name, "modules/%s/modules.dep", versions[i]);
		if (i != 3)
			put_text(f, name, "");
	}
	put_text(f, "boot/vmlinuz-broken", "not a kernel");
	put_text(f, "boot/initrd.img-6.1.0-56-amd64", "x");
	const char *boot = arena_format(&f->arena, "%s/boot", f->dir);
	const char *modules = arena_format(&f->arena, "%s/modules", f->dir);
	assert_int_equal(guest_kernel_list_in(boot, modules, &f->arena, &list, &count, &e), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list[i].version, expected[i]);
	/* 16 MiB where it is loaded, 51 that it needs, 24 more: in steps of 32. */
	assert_int_equal(list[0].memory_bytes_min, 96 << 20);
	assert_int_equal(
		guest_kernel_list_in("/no/such/place", modules, &f->arena, &list, &count, &e), 0);
	assert_int_equal(count, 0);
}

static void test_kernel_by_name(void **state)
{
	struct fixture *f = *state;
	struct guest_kernel k;
	struct err e = { 0 };

	const char *path = put_kernel(f, "tree/boot/linux", "7.7.7-mine", 64);
	assert_int_equal(guest_kernel_find(path, &f->arena, &k, &e), 0);
	assert_string_equal(k.version, "7.7.7-mine");
	assert_null(k.modules);
	assert_int_equal(k.memory_bytes_min, 128 << 20);
	/* An unpacked package has boot and lib side by side. */
	put_text(f, "tree/lib/modules/7.7.7-mine/modules.dep", "");
	assert_int_equal(guest_kernel_find(path, &f->arena, &k, &e), 0);
	assert_true(text_ends(k.modules, "/tree/boot/../lib/modules/7.7.7-mine"));

	assert_int_equal(guest_kernel_find("/no/such", &f->arena, &k, &e), -1);
	assert_string_equal(e.msg, "open kernel /no/such: No such file or directory");
	assert_int_equal(guest_kernel_find("/dev/null", &f->arena, &k, &e), -1);
	assert_int_equal(guest_kernel_find(put_text(f, "text", "#!"), &f->arena, &k, &e), -1);
	assert_true(text_ends(e.msg, ": is neither a bzImage nor an ELF file for x86-64"));
}

/* What a header claims is not followed out of the file. */
static void test_kernel_hostile(void **state)
{
	struct fixture *f = *state;
	uint8_t image[0x270];
	struct guest_kernel k;
	struct err e = { 0 };

	memset(image, 0xff, sizeof image);
	memcpy(image + 0x202, "HdrS", 4);
	assert_int_equal(
		guest_kernel_find(put(f, "wild", image, sizeof image), &f->arena, &k, &e), 0);
	assert_null(k.version);
	assert_int_equal(k.memory_bytes_min, 96 << 20);
	memcpy(image, "\177ELF\2\1\1", 7);
	image[0x202] = 0;
	assert_int_equal(
		guest_kernel_find(put(f, "wild", image, sizeof image), &f->arena, &k, &e), -1);
}

static const char dep[] = "kernel/fs/fuse/fuse.ko:\n"
			  "kernel/fs/fuse/virtiofs.ko: kernel/v/virtio.ko kernel/v/virtio_ring.ko "
			  "kernel/fs/fuse/fuse.ko\n"
			  "kernel/v/virtio.ko: kernel/v/virtio_ring.ko\n"
			  "kernel/v/virtio_ring.ko:\n"
			  "kernel/h/virtio-rng.ko.xz: kernel/v/virtio.ko kernel/v/virtio_ring.ko\n"
			  "kernel/fs/fuse/cuse.ko: kernel/fs/fuse/fuse.ko\n";

static void put_modules(struct fixture *f)
{
	put_text(f, "m/modules.dep", dep);
	put_text(f, "m/modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/x/over-lay.ko\n");
}

static void resolve(struct fixture *f, const char *const *names, size_t count,
		    const char *expected)
{
	struct str_list files;
	struct err e = { 0 };
	char all[1024] = "";

	assert_int_equal(
		guest_modules_resolve("m", names, count, &f->arena, &files, &e), 0);
	for (size_t i = 0; i < files.count; i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s ",
			 strrchr(files.items[i], '/') + 1);
	assert_string_equal(all, expected);
}

static void test_modules(void **state)
{
	static const char *const plain[] = { "virtiofs", "over_lay", "virtio" };
	static const char *const dashes[] = { "ext4", "virtio_rng", "?none", "fuse" };
	static const char *const absent[] = { "virtio", "vir" };
	struct fixture *f = *state;
	struct str_list files;
	struct err e = { 0 };

	put_modules(f);
	assert_int_equal(chdir(f->dir), 0);
	resolve(f, plain, 3, "fuse.ko virtio_ring.ko virtio.ko virtiofs.ko ");
	resolve(f, dashes, 4, "virtio_ring.ko virtio.ko virtio-rng.ko.xz fuse.ko ");
	assert_int_equal(guest_modules_resolve("m", absent, 2, &f->arena, &files, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	assert_string_equal(e.msg, "kernel module vir: is neither in m/modules.dep nor built in "
				   "(take a kernel that has it, such as Debian's)");
	assert_int_equal(guest_modules_resolve("none", absent, 2, &f->arena, &files, &e), -1);
	assert_string_equal(e.msg, "open none/modules.dep (depmod makes it): No such file or "
				   "directory");
	assert_int_equal(chdir("/"), 0);
}

static void test_module_lists(void **state)
{
	struct guest_initramfs_options o = { .share = true, .net = true };
	struct fixture *f = *state;
	const char *const *names = guest_modules_names(&o, &f->arena);
	char all[512] = "";

	for (; *names; names++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", *names);
	assert_string_equal(all, "virtio_ring virtio virtio_mmio virtio_console overlay fuse "
				 "virtiofs failover net_failover virtio_net ");
	o = (struct guest_initramfs_options){ .disk = true, .balloon = true, .share = true,
					      .net = true };
	for (names = guest_modules_names(&o, &f->arena); names[1]; names++)
		;
	assert_string_equal(*names, "virtio_balloon");
}

static void test_closure(void **state)
{
	static const char *const more[] = { "libnosuch.so.7", NULL };
	struct fixture *f = *state;
	struct str_list paths;
	struct err e = { 0 };
	bool libc = false, loader = false;

	assert_int_equal(guest_closure("/proc/self/exe", more, &f->arena, &paths, &e), 0);
	for (size_t i = 0; i < paths.count; i++) {
		libc |= strstr(paths.items[i], "/libc.so") != NULL;
		loader |= strstr(paths.items[i], "/ld-") != NULL;
		assert_int_equal(access(paths.items[i], R_OK), 0);
	}
	assert_true(libc && loader);
	assert_int_equal(
		guest_closure(put_text(f, "x", "no program"), NULL, &f->arena, &paths, &e), -1);
	assert_true(text_ends(e.msg, "/x: is no ELF file"));
}

/* ---- the initramfs ---- */

static const struct guest_initramfs_options *options(struct fixture *f)
{
	static struct guest_initramfs_options o;
	static struct guest_kernel k;

	put_text(f, "k/modules.dep",
		 "a/virtio_ring.ko:\na/virtio.ko: a/virtio_ring.ko\na/virtio_mmio.ko:\n"
		 "a/virtio_console.ko:\na/overlay.ko.gz:\n");
	put_text(f, "k/modules.builtin", "");
	put_text(f, "k/a/virtio_ring.ko", "ring");
	put_text(f, "k/a/virtio.ko", "virtio");
	put_text(f, "k/a/virtio_mmio.ko", "mmio");
	put_text(f, "k/a/virtio_console.ko", "console");
	/* gzip of "overlay" */
	put(f, "k/a/overlay.ko.gz",
	    "\037\213\010\000\000\000\000\000\002\003\313\057\113\055\312\111\254\004\000\276\074\377\271\007\000\000\000", 27);
	k = (struct guest_kernel){ .image = "k",
				   .modules = arena_format(&f->arena, "%s/k", f->dir) };
	o = (struct guest_initramfs_options){ .kernel = &k };
	return &o;
}

static uint32_t hex8(const char *at)
{
	char text[9] = { 0 };

	memcpy(text, at, 8);
	return (uint32_t)strtoul(text, NULL, 16);
}

/* The content of @name in the archive, or NULL. */
static const char *member(const char *archive, size_t size, const char *name, uint32_t *length)
{
	size_t at = 0;

	while (at + 110 < size) {
		assert_memory_equal(archive + at, "070701", 6);
		*length = hex8(archive + at + 54);
		size_t body = (at + 110 + hex8(archive + at + 94) + 3) / 4 * 4;
		if (text_equal(archive + at + 110, name))
			return archive + body;
		if (text_equal(archive + at + 110, "TRAILER!!!"))
			return NULL;
		at = (body + *length + 3) / 4 * 4;
	}
	fail_msg("no end");
	return NULL;
}

static void test_archive(void **state)
{
	static const char *const names[] = { "init", ".husk-guest", "dev/console", "newroot" };
	struct fixture *f = *state;
	struct err e = { 0 };
	const char *path;
	char *archive;
	size_t size;
	uint32_t length;

	int fd = guest_initramfs_open(options(f), NULL, &f->arena, &path, &e);
	if (fd < 0)
		fail_msg("%s", e.msg);
	assert_null(path);
	assert_int_equal(io_read_file(fd, "it", 64 << 20, &f->arena, &archive, &size, &e), 0);
	assert_int_equal(size % 512, 0);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(member(archive, size, names[i], &length));
	const char *list = member(archive, size, "modules/order", &length);
	static const char order[] =
		"virtio_ring.ko\nvirtio.ko\nvirtio_mmio.ko\nvirtio_console.ko\noverlay.ko\n";
	assert_int_equal(length, sizeof order - 1);
	assert_memory_equal(list, order, length);
	const char *packed = member(archive, size, "modules/overlay.ko", &length);
	assert_non_null(packed);
	assert_int_equal(length, 7);
	assert_memory_equal(packed, "overlay", 7);
	close(fd);
}

static unsigned count_entries(const char *directory)
{
	DIR *dir = opendir(directory);
	unsigned count = 0;

	for (struct dirent *d; (d = readdir(dir));)
		count += d->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void test_cache(void **state)
{
	struct fixture *f = *state;
	const struct guest_initramfs_options *o = options(f);
	const char *cache = arena_format(&f->arena, "%s/cache/one", f->dir);
	const char *path, *again;
	struct err e = { 0 };
	struct stat st, second;

	int fd = guest_initramfs_open(o, cache, &f->arena, &path, &e);
	if (fd < 0)
		fail_msg("%s", e.msg);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	fd = guest_initramfs_open(o, cache, &f->arena, &again, &e);
	assert_string_equal(path, again);
	assert_int_equal(fstat(fd, &second), 0);
	assert_int_equal(st.st_ino, second.st_ino);
	close(fd);
	/* Another module: another file. What nobody used for long goes, and so do halves. */
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	const char *half = put_text(f, "cache/one/new-0123", "half");
	assert_int_equal(utimensat(AT_FDCWD, half, old, 0), 0);
	put_text(f, "cache/one/foreign", "stays");
	put_text(f, "k/a/virtio.ko", "another one");
	fd = guest_initramfs_open(o, cache, &f->arena, &again, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_string_not_equal(path, again);
	assert_int_equal(count_entries(cache), 2);
	/* Cut: made again. */
	assert_int_equal(truncate(again, 100), 0);
	fd = guest_initramfs_open(o, cache, &f->arena, &path, &e);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size > 4096);
	close(fd);
	/* Writable for others. */
	assert_int_equal(chmod(cache, 0770), 0);
	assert_int_equal(guest_initramfs_open(o, cache, &f->arena, &path, &e), -1);
	assert_non_null(strstr(e.msg, "has mode 0770, and others could put"));
}

/* A file that may not grow stands for a disk that is full. */
static void test_cache_full(void **state)
{
	struct fixture *f = *state;
	const struct guest_initramfs_options *o = options(f);
	const char *cache = arena_format(&f->arena, "%s/cache", f->dir), *path;
	struct err e = { 0 };

	if (access("/dev/full", W_OK) < 0)
		skip();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct initramfs_content in = { 0 };
	assert_int_equal(initramfs_write(full, &in, &f->arena, &e), -1);
	assert_int_equal(e.errnum, ENOSPC);
	close(full);
	/* A cache that cannot be made for another reason is an error. */
	put_text(f, "cache", "a file");
	assert_int_equal(guest_initramfs_open(o, cache, &f->arena, &path, &e), -1);
	assert_true(text_starts(e.msg, "open directory /tmp/husk-guest-"));
}

static void test_concurrent(void **state)
{
	struct fixture *f = *state;
	const struct guest_initramfs_options *o = options(f);
	const char *cache = arena_format(&f->arena, "%s/cache", f->dir), *path;
	struct err e = { 0 };
	int status;

	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			int fd = guest_initramfs_open(o, cache, &f->arena, &path, &e);
			struct stat st;
			_exit(fd < 0 || fstat(fd, &st) < 0 || st.st_size < 4096);
		}
	}
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_entries(cache), 1);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_directory(test_kernels),	 in_directory(test_kernel_by_name),
		in_directory(test_kernel_hostile), in_directory(test_modules),
		in_directory(test_module_lists), in_directory(test_closure),
		in_directory(test_archive),	 in_directory(test_cache),
		in_directory(test_cache_full),	 in_directory(test_concurrent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
