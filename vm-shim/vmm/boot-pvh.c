/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF kernel by its PVH entry: xen/include/public/arch-x86/hvm/start_info.h describes what it is given. */
#include <elf.h>
#include <string.h>

#include "vm-shim/vmm/boot.h"

#define NOTE_ENTRY  18u /* XEN_ELFNOTE_PHYS32_ENTRY */
#define NOTES_MAX   0x10000u
#define PARTS_MAX   64u
#define START_MAGIC 0x336ec578u

struct start_info {
	uint32_t magic, version, flags, modules_count;
	uint64_t modules, cmdline, rsdp, map;
	uint32_t map_count, reserved;
};
struct start_module {
	uint64_t address, size, cmdline, reserved;
};
struct start_range {
	uint64_t start, length;
	uint32_t type, reserved;
};

/* All that PVH is given lies on one page. */
struct start_page {
	struct start_info info;
	struct start_module module;
	struct start_range map[BOOT_RANGES_MAX];
};

static int read_header(const struct boot_file *f, Elf64_Ehdr *h, struct err *e)
{
	if (boot_file_read(f, 0, h, sizeof *h, e) < 0)
		return -1;
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != EM_X86_64)
		return err_config(e, "%s: an ELF file, but none of x86-64", f->name);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > PARTS_MAX)
		return err_config(e, "%s: %u program headers of %u bytes", f->name, h->e_phnum,
				  h->e_phentsize);
	return 0;
}

/* Look through the notes of one part: 1 with *@entry, 0 not there. */
static int find_entry(const uint8_t *notes, uint64_t size, uint64_t *entry)
{
	Elf64_Nhdr n;

	for (uint64_t at = 0; size - at >= sizeof n;) {
		memcpy(&n, notes + at, sizeof n);
		at += sizeof n;
		uint64_t name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		uint64_t text = ((uint64_t)n.n_descsz + 3) & ~3ull;
		if (name > size - at || text > size - at - name)
			return 0;
		if (n.n_type == NOTE_ENTRY && n.n_namesz == 4 && !memcmp(notes + at, "Xen", 4) &&
		    (n.n_descsz == 4 || n.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, notes + at + name, n.n_descsz);
			return 1;
		}
		at += name + text;
	}
	return 0;
}

static int read_notes(const struct boot_file *f, const Elf64_Phdr *p, uint64_t *entry,
		      struct err *e)
{
	uint8_t notes[4096];

	/* Parts of notes are short; of a long one the start is looked at. */
	uint64_t size = p->p_filesz < sizeof notes ? p->p_filesz : sizeof notes;
	if (p->p_filesz > NOTES_MAX)
		return err_config(e, "%s: %llu bytes of notes", f->name,
				  (unsigned long long)p->p_filesz);
	if (boot_file_read(f, p->p_offset, notes, size, e) < 0)
		return -1;
	return find_entry(notes, size, entry);
}

static int load_part(const struct guest_memory *m, const struct boot_file *f, const Elf64_Phdr *p,
		     struct err *e)
{
	if (p->p_filesz > p->p_memsz)
		return err_config(e, "%s: a part is longer in the file than in memory", f->name);
	/* Below are our own tables. */
	uint8_t *to = p->p_paddr >= BOOT_HIGH ? memory_at(m, p->p_paddr, p->p_memsz) : NULL;
	if (!to || p->p_paddr >= MEMORY_HOLE_START)
		return err_config(e,
				  "%s: a part of %llu KiB at %llx does not fit: memory of %llu MiB "
				  "is too little for this kernel",
				  f->name, (unsigned long long)p->p_memsz >> 10,
				  (unsigned long long)p->p_paddr,
				  (unsigned long long)(m->low_bytes + m->high_bytes) >> 20);
	if (boot_file_read(f, p->p_offset, to, p->p_filesz, e) < 0)
		return -1;
	memset(to + p->p_filesz, 0, (size_t)(p->p_memsz - p->p_filesz));
	return 0;
}

static int write_start(const struct guest_memory *m, const struct boot_file *initrd,
		       uint64_t initrd_at, struct err *e)
{
	struct boot_range ranges[BOOT_RANGES_MAX];
	struct start_page *page = memory_at(m, BOOT_START_INFO, sizeof *page);

	if (!page)
		return err_config(e, "less than a MiB of memory");
	memset(page, 0, sizeof *page);
	page->info.magic = START_MAGIC;
	page->info.version = 1;
	page->info.cmdline = BOOT_CMDLINE;
	page->info.rsdp = BOOT_ACPI;
	page->info.map = BOOT_START_INFO + offsetof(struct start_page, map);
	page->info.map_count = boot_ranges(m, ranges);
	for (unsigned i = 0; i < page->info.map_count; i++)
		page->map[i] = (struct start_range){ ranges[i].start, ranges[i].length,
						     ranges[i].type, 0 };
	if (initrd->size) {
		page->info.modules_count = 1;
		page->info.modules = BOOT_START_INFO + offsetof(struct start_page, module);
		page->module = (struct start_module){ initrd_at, initrd->size, 0, 0 };
	}
	return 0;
}

int boot_load_pvh(const struct guest_memory *m, const struct boot_request *r,
		  struct boot_entry *entry, struct err *e)
{
	const struct boot_file *f = &r->kernel;
	uint64_t start = 0, end = BOOT_HIGH, initrd_at;
	Elf64_Ehdr h;
	Elf64_Phdr p;
	bool found = false;

	if (read_header(f, &h, e) < 0)
		return -1;
	for (unsigned i = 0; i < h.e_phnum; i++) {
		if (h.e_phoff > f->size ||
		    boot_file_read(f, h.e_phoff + i * sizeof p, &p, sizeof p, e) < 0)
			return h.e_phoff > f->size
				       ? err_config(e, "%s: no program headers", f->name)
				       : -1;
		if (p.p_type == PT_NOTE && !found) {
			int is = read_notes(f, &p, &start, e);
			if (is < 0)
				return -1;
			found = is;
		}
		if (p.p_type != PT_LOAD || !p.p_memsz)
			continue;
		if (load_part(m, f, &p, e) < 0)
			return -1;
		end = p.p_paddr + p.p_memsz > end ? p.p_paddr + p.p_memsz : end;
	}
	if (!found)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: an ELF kernel without PVH entry (CONFIG_PVH): take its bzImage",
			       f->name);
	if (start < BOOT_HIGH || start >= end)
		return err_config(e, "%s: its entry is at %llx", f->name,
				  (unsigned long long)start);
	if (boot_load_initrd(m, &r->initrd, end, MEMORY_HOLE_START, &initrd_at, e) < 0 ||
	    write_start(m, &r->initrd, initrd_at, e) < 0)
		return -1;
	*entry = (struct boot_entry){ BOOT_MODE_PVH, start, BOOT_START_INFO };
	return 0;
}
