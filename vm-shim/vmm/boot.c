/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/boot.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int boot_file_from(struct boot_file *f, int fd, const char *name, struct err *e)
{
	struct stat st;

	*f = (struct boot_file){ .name = name, .fd = fd };
	if (fstat(fd, &st) < 0)
		return err_sys(e, "%s: look at the file", name);
	if (!S_ISREG(st.st_mode))
		return err_config(e, "%s: not a regular file", name);
	f->size = (uint64_t)st.st_size;
	return 0;
}

int boot_file_read(const struct boot_file *f, uint64_t offset, void *to, uint64_t length,
		   struct err *e)
{
	uint8_t *at = to;

	if (offset > f->size || length > f->size - offset)
		return err_config(e,
				  "%s: cut short: %llu bytes from %llu on are wanted, it has %llu",
				  f->name, (unsigned long long)length, (unsigned long long)offset,
				  (unsigned long long)f->size);
	if (f->fd < 0) {
		if (length)
			memcpy(to, f->bytes + offset, (size_t)length);
		return 0;
	}
	while (length) {
		ssize_t n = pread(f->fd, at, (size_t)length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "%s: read", f->name);
		if (n == 0)
			return err_config(e, "%s: became shorter while it was read", f->name);
		at += n;
		offset += (uint64_t)n;
		length -= (uint64_t)n;
	}
	return 0;
}

int boot_load_initrd(const struct guest_memory *m, const struct boot_file *initrd, uint64_t after,
		     uint64_t below, uint64_t *at, struct err *e)
{
	uint64_t end = m->low_bytes < below ? m->low_bytes : below;

	*at = 0;
	if (after > end || initrd->size > end - after ||
	    (end - initrd->size) / 0x1000 * 0x1000 < after) {
		uint64_t need = (after + initrd->size + 0x1fffff) >> 20;
		return err_config(
			e,
			"memory of %llu MiB is too little: the kernel needs what lies below %llu "
			"MiB "
			"to unpack itself, and its initramfs has %llu KiB (at least %llu MiB)",
			(unsigned long long)(m->low_bytes + m->high_bytes) >> 20,
			(unsigned long long)(after + 0xfffff) >> 20,
			(unsigned long long)initrd->size >> 10, (unsigned long long)need);
	}
	if (!initrd->size)
		return 0;
	*at = (end - initrd->size) / 0x1000 * 0x1000;
	void *to = memory_at(m, *at, initrd->size);
	if (!to)
		return err_config(e, "no place for the initramfs");
	return boot_file_read(initrd, 0, to, initrd->size, e);
}

unsigned boot_ranges(const struct guest_memory *m, struct boot_range ranges[BOOT_RANGES_MAX])
{
	unsigned n = 0;

	ranges[n++] = (struct boot_range){ 0, BOOT_LOW_END, 1 };
	ranges[n++] = (struct boot_range){ BOOT_ACPI, BOOT_HIGH - BOOT_ACPI, 2 };
	if (m->low_bytes > BOOT_HIGH)
		ranges[n++] = (struct boot_range){ BOOT_HIGH, m->low_bytes - BOOT_HIGH, 1 };
	if (m->high_bytes)
		ranges[n++] = (struct boot_range){ MEMORY_HOLE_END, m->high_bytes, 1 };
	return n;
}

/* The first 4 GiB as they are, in pages of 2 MiB; and the segments that go with it. */
static int write_tables(const struct guest_memory *m, struct err *e)
{
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff,
					0x008f8b000000ffff };
	uint64_t *tables = memory_at(m, BOOT_PAGE_TABLES, 6 * 0x1000);
	void *segments = memory_at(m, BOOT_GDT, sizeof gdt);

	if (!tables || !segments)
		return err_config(e, "less than a MiB of memory");
	memcpy(segments, gdt, sizeof gdt);
	memset(tables, 0, 6 * 0x1000);
	tables[0] = (BOOT_PAGE_TABLES + 0x1000) | 3;
	for (unsigned i = 0; i < 4; i++)
		tables[512 + i] = (BOOT_PAGE_TABLES + 0x2000 + i * 0x1000ull) | 3;
	for (unsigned i = 0; i < 2048; i++)
		tables[1024 + i] = i * 0x200000ull | 0x83;
	return 0;
}

int boot_load(const struct guest_memory *m, const struct boot_request *r, struct boot_entry *entry,
	      struct err *e)
{
	size_t length = strlen(r->cmdline);
	uint8_t head[4];

	if (length >= BOOT_CMDLINE_MAX)
		return err_config(e, "the kernel's command line has %zu bytes (at most %u)", length,
				  BOOT_CMDLINE_MAX - 1);
	char *cmdline = memory_at(m, BOOT_CMDLINE, BOOT_CMDLINE_MAX);
	if (!cmdline || write_tables(m, e) < 0)
		return cmdline ? -1 : err_config(e, "less than a MiB of memory");
	memcpy(cmdline, r->cmdline, length + 1);
	if (r->kernel.size < sizeof head)
		return err_config(e, "%s: not a kernel: %llu bytes", r->kernel.name,
				  (unsigned long long)r->kernel.size);
	if (boot_file_read(&r->kernel, 0, head, sizeof head, e) < 0)
		return -1;
	if (memcmp(head, "\177ELF", 4) == 0)
		return boot_load_pvh(m, r, entry, e);
	return boot_load_linux(m, r, entry, e);
}
