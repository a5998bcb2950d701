/* SPDX-License-Identifier: Apache-2.0 */
/* A bzImage by the 64-bit boot protocol: Documentation/arch/x86/boot.rst. */
#include <asm/bootparam.h>
#include <stddef.h>
#include <string.h>

#include "vm-shim/vmm/boot.h"

#define HEADER_OFFSET 0x1f1u
#define SECTOR_BYTES  512u
#define MAGIC         0x53726448u /* "HdrS" */
/* Linux 3.8: xloadflags says whether there is a 64-bit entry. */
#define VERSION_MIN 0x020c

/* Of the file's first KiB, what is there of struct setup_header: a later kernel's is longer, an older one's shorter. */
static int read_header(const struct boot_file *f, struct setup_header *h, struct err *e)
{
	uint8_t head[0x280] = { 0 };
	size_t have = f->size < sizeof head ? (size_t)f->size : sizeof head;

	memset(h, 0, sizeof *h);
	if (boot_file_read(f, 0, head, have, e) < 0)
		return -1;
	memcpy(h, head + HEADER_OFFSET, sizeof *h);
	if (have < HEADER_OFFSET + sizeof *h || h->header != MAGIC || h->boot_flag != 0xaa55)
		return err_config(e, "%s: neither a bzImage nor an ELF kernel", f->name);
	if (h->version < VERSION_MIN || !(h->xloadflags & XLF_KERNEL_64))
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"%s: no 64-bit entry (boot protocol %u.%02u): a kernel for x86-64 from "
			"3.8 on is needed",
			f->name, h->version >> 8, h->version & 0xffu);
	/* The jump at 0x200 says where the header ends; what lies behind is code. */
	size_t end = 0x202u + head[0x201];
	if (end < HEADER_OFFSET + offsetof(struct setup_header, init_size) + 4)
		return err_config(e, "%s: its header ends at %zu", f->name, end);
	if (end < HEADER_OFFSET + sizeof *h)
		memset((uint8_t *)h + (end - HEADER_OFFSET), 0, HEADER_OFFSET + sizeof *h - end);
	return 0;
}

static void write_zero_page(const struct guest_memory *m, struct boot_params *page,
			    const struct setup_header *h, const struct boot_file *initrd,
			    uint64_t initrd_at)
{
	struct boot_range ranges[BOOT_RANGES_MAX];

	memset(page, 0, sizeof *page);
	page->hdr = *h;
	page->hdr.type_of_loader = 0xff;
	page->hdr.cmd_line_ptr = (uint32_t)BOOT_CMDLINE;
	page->hdr.ramdisk_image = (uint32_t)initrd_at;
	page->hdr.ramdisk_size = (uint32_t)initrd->size;
	page->acpi_rsdp_addr = BOOT_ACPI;
	page->e820_entries = (uint8_t)boot_ranges(m, ranges);
	for (unsigned i = 0; i < page->e820_entries; i++) {
		page->e820_table[i].addr = ranges[i].start;
		page->e820_table[i].size = ranges[i].length;
		page->e820_table[i].type = ranges[i].type;
	}
}

int boot_load_linux(const struct guest_memory *m, const struct boot_request *r,
		    struct boot_entry *entry, struct err *e)
{
	struct setup_header h;
	uint64_t initrd_at;

	if (read_header(&r->kernel, &h, e) < 0)
		return -1;
	/* 0 means 4, from the time of floppy disks. */
	uint64_t start = ((h.setup_sects ? h.setup_sects : 4u) + 1u) * (uint64_t)SECTOR_BYTES;
	if (start >= r->kernel.size || r->kernel.size - start < 0x400)
		return err_config(e, "%s: cut short: its program starts at %llu of %llu bytes",
				  r->kernel.name, (unsigned long long)start,
				  (unsigned long long)r->kernel.size);
	uint64_t bytes = r->kernel.size - start;
	uint64_t at = h.pref_address;
	if (at < BOOT_HIGH || at & 0xfff || at >= MEMORY_HOLE_START)
		return err_config(e, "%s: wants to be loaded at %llx", r->kernel.name,
				  (unsigned long long)at);
	uint64_t need = bytes > h.init_size ? bytes : h.init_size;
	uint64_t below = (uint64_t)h.initrd_addr_max + 1;
	if (r->initrd.size > UINT32_MAX)
		return err_config(e, "%s: an initramfs of more than 4 GiB", r->initrd.name);
	if (strlen(r->cmdline) > h.cmdline_size)
		return err_config(e, "the command line has %zu bytes, the kernel takes %u",
				  strlen(r->cmdline), h.cmdline_size);
	if (boot_load_initrd(m, &r->initrd, at + need, below, &initrd_at, e) < 0)
		return -1;
	void *to = memory_at(m, at, bytes);
	struct boot_params *page = memory_at(m, BOOT_ZERO_PAGE, sizeof *page);
	if (!to || !page)
		return err_config(e, "no place for the kernel");
	if (boot_file_read(&r->kernel, start, to, bytes, e) < 0)
		return -1;
	h.code32_start = (uint32_t)at;
	write_zero_page(m, page, &h, &r->initrd, initrd_at);
	*entry = (struct boot_entry){ BOOT_MODE_64, at + 0x200, BOOT_ZERO_PAGE };
	return 0;
}
