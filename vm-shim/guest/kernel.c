/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels there are, and what their own files say of them. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "vm-shim/guest/guest-parts.h"

#define KERNELS_MAX 64
#define PACKAGE     "linux-image-cloud-amd64"

/* Offsets of the setup header, Documentation/arch/x86/boot.rst. */
#define HEADER_MAGIC        0x202
#define HEADER_PROTOCOL     0x206
#define HEADER_VERSION      0x20e /* of the text, less 0x200 */
#define HEADER_PREF_ADDRESS 0x258
#define HEADER_INIT_SIZE    0x260
#define HEADER_BYTES        0x270
#define PROTOCOL_INIT_SIZE  0x20a

/*
 * Room for the initramfs and the first processes. Below init_size and a little more a kernel dies without a
 * word; Debian's cloud kernel then has 96 MiB and the generic one 128.
 */
#define MEMORY_MORE_BYTES (24ull << 20)
#define MEMORY_STEP_BYTES (32ull << 20)
#define MEMORY_MIN_BYTES  (96ull << 20)

static uint64_t memory_for(uint64_t end_bytes)
{
	uint64_t need = end_bytes + MEMORY_MORE_BYTES;

	need = (need + MEMORY_STEP_BYTES - 1) / MEMORY_STEP_BYTES * MEMORY_STEP_BYTES;
	return need > MEMORY_MIN_BYTES ? need : MEMORY_MIN_BYTES;
}

static uint64_t number_at(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

/* The first word: "6.1.0-56-cloud-amd64 (team@...) #1 SMP ...". NULL: there is none. */
static const char *first_word(const uint8_t *text, size_t room, struct arena *a)
{
	size_t n = 0;

	while (n < room && n < 128 && text[n] > ' ' && text[n] < 0x7f && text[n] != '/')
		n++;
	return n && n < room && n < 128 ? arena_memdup(a, text, n) : NULL;
}

static int read_bzimage(const uint8_t *image, size_t size, struct arena *a, struct guest_kernel *k)
{
	if (size < HEADER_BYTES || memcmp(image + HEADER_MAGIC, "HdrS", 4) != 0)
		return -1;
	size_t at = 0x200 + (size_t)number_at(image + HEADER_VERSION, 2);
	if (at > 0x200 && at < size)
		k->version = first_word(image + at, size - at, a);
	k->memory_bytes_min = MEMORY_MIN_BYTES;
	if (number_at(image + HEADER_PROTOCOL, 2) >= PROTOCOL_INIT_SIZE) {
		uint64_t base = number_at(image + HEADER_PREF_ADDRESS, 8);
		/* A header that speaks of more than any machine has is not believed. */
		if (base < 1ull << 32)
			k->memory_bytes_min =
				memory_for(base + number_at(image + HEADER_INIT_SIZE, 4));
	}
	return 0;
}

/* linux_banner, which every kernel has among its constants. */
static const char *find_banner(const uint8_t *image, size_t size, struct arena *a)
{
	static const char banner[] = "Linux version ";
	size_t length = sizeof banner - 1;
	const uint8_t *end = image + size;

	for (const uint8_t *at = image; (size_t)(end - at) > length; at++) {
		at = memmem(at, (size_t)(end - at), banner, length);
		if (!at)
			break;
		const uint8_t *digits = at + length;
		if (digits < end && *digits >= '0' && *digits <= '9')
			return first_word(digits, (size_t)(end - digits), a);
	}
	return NULL;
}

static int read_elf(const uint8_t *image, size_t size, struct arena *a, struct guest_kernel *k)
{
	Elf64_Ehdr header;
	uint64_t end = 0;

	if (size < sizeof header || memcmp(image, ELFMAG, SELFMAG) != 0)
		return -1;
	memcpy(&header, image, sizeof header);
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
	    header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phoff > size ||
	    header.e_phnum > (size - header.e_phoff) / sizeof(Elf64_Phdr))
		return -1;
	for (size_t i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr p;
		memcpy(&p, image + header.e_phoff + i * sizeof p, sizeof p);
		if (p.p_type == PT_LOAD && p.p_paddr < 1ull << 32 && p.p_memsz < 1ull << 32 &&
		    p.p_paddr + p.p_memsz > end)
			end = p.p_paddr + p.p_memsz;
	}
	k->version = find_banner(image, size, a);
	k->memory_bytes_min = memory_for(end);
	return 0;
}

int guest_kernel_read(const char *path, struct arena *a, struct guest_kernel *k, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == EACCES ? err_set(e, ERR_SYSTEM, EACCES,
						 "open kernel %s (some distributions keep it for "
						 "root; copy "
						 "it, or make it readable: chmod a+r)",
						 path)
				       : err_sys(e, "open kernel %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return err_config(e, "kernel %s: is no regular file, or empty", path);
	size_t size = (size_t)st.st_size;
	void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "map kernel %s", path);
	k->version = NULL;
	int known = read_bzimage(map, size, a, k);
	if (known < 0)
		known = read_elf(map, size, a, k);
	munmap(map, size);
	if (known < 0)
		return err_config(e, "kernel %s: is neither a bzImage nor an ELF file for x86-64",
				  path);
	k->image = arena_strdup(a, path);
	return arena_check(a, e);
}

/* ---- modules ---- */

static bool has_modules(const char *directory, struct arena *a)
{
	const char *list = arena_format(a, "%s/modules.dep", directory);

	return list && access(list, R_OK) == 0;
}

/* Beside the image, as an unpacked package has them, then the system's. */
static const char *find_modules(const char *image, const char *version, struct arena *a)
{
	const char *slash = strrchr(image, '/');
	int n = slash ? (int)(slash - image) : 1;
	const char *beside = slash ? image : ".";
	const char *const places[] = {
		arena_format(a, "%.*s/lib/modules/%s", n, beside, version),
		arena_format(a, "%.*s/../lib/modules/%s", n, beside, version),
		arena_format(a, "/lib/modules/%s", version),
		arena_format(a, "/usr/lib/modules/%s", version),
	};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (places[i] && has_modules(places[i], a))
			return places[i];
	}
	return NULL;
}

/* ---- the list ---- */

/* The version without what says that it is for machines of this kind. */
static void plain_version(const char *version, char out[128])
{
	const char *cloud = strstr(version, "-cloud");

	if (cloud)
		text_format(out, 128, "%.*s%s", (int)(cloud - version), version, cloud + 6);
	else
		text_format(out, 128, "%s", version);
}

/* Newest first; of one version the one with fewer drivers that nobody needs here. */
static int compare(const void *first, const void *second)
{
	const struct guest_kernel *one = first, *two = second;
	char a[128], b[128];

	plain_version(one->version, a);
	plain_version(two->version, b);
	int order = strverscmp(b, a);
	return order ? order
		     : (strstr(two->version, "-cloud") != NULL) -
			       (strstr(one->version, "-cloud") != NULL);
}

int guest_kernel_list_in(const char *boot, const char *modules, struct arena *a,
			 struct guest_kernel **list, size_t *count, struct err *e)
{
	CLEAN_DIR DIR *dir = opendir(boot);

	*count = 0;
	*list = arena_new_array(a, KERNELS_MAX, struct guest_kernel);
	if (!*list)
		return arena_check(a, e);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(e, "open directory %s", boot);
	for (struct dirent *d; (d = readdir(dir)) && *count < KERNELS_MAX;) {
		struct guest_kernel *k = &(*list)[*count];
		struct err ignored;
		if (!text_starts(d->d_name, "vmlinuz-"))
			continue;
		const char *path = arena_format(a, "%s/%s", boot, d->d_name);
		if (!path)
			return arena_check(a, e);
		/* One that cannot be read is no choice, but no obstacle to others either. */
		if (guest_kernel_read(path, a, k, &ignored) < 0 || !k->version)
			continue;
		k->modules = arena_format(a, "%s/%s", modules, k->version);
		if (k->modules && has_modules(k->modules, a))
			++*count;
	}
	qsort(*list, *count, sizeof **list, compare);
	return arena_check(a, e);
}

int guest_kernel_list(struct arena *a, struct guest_kernel **list, size_t *count, struct err *e)
{
	return guest_kernel_list_in("/boot", "/lib/modules", a, list, count, e);
}

/* Why there is none: perhaps there are some that this user may not read. */
static int no_kernel(struct err *e)
{
	CLEAN_DIR DIR *dir = opendir("/boot");

	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (text_starts(d->d_name, "vmlinuz-") &&
		    faccessat(dirfd(dir), d->d_name, R_OK, AT_EACCESS) < 0)
			return err_set(e, ERR_UNSUPPORTED, errno,
				       "find a kernel for the virtual machine: /boot/%s (make it "
				       "readable: chmod a+r, or name another one)",
				       d->d_name);
	}
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "find a kernel for the virtual machine: there is no /boot/vmlinuz-VERSION "
		       "with modules in /lib/modules/VERSION (install the package " PACKAGE
		       ", or name one)");
}

int guest_kernel_find(const char *path, struct arena *a, struct guest_kernel *k, struct err *e)
{
	struct guest_kernel *list;
	size_t count;

	*k = (struct guest_kernel){ 0 };
	if (path) {
		if (guest_kernel_read(path, a, k, e) < 0)
			return -1;
		k->modules = k->version ? find_modules(path, k->version, a) : NULL;
		return arena_check(a, e);
	}
	if (guest_kernel_list(a, &list, &count, e) < 0)
		return -1;
	if (!count)
		return no_kernel(e);
	*k = list[0];
	return 0;
}
