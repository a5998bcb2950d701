/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's monitor puts in front of a kernel, and which kernels it refuses. No KVM is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <asm/bootparam.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vm-shim/vmm/boot.h"

#define MIB 0x100000ull

static struct guest_memory memory;

static int make_memory(void **state)
{
	(void)state;
	memory = (struct guest_memory){ .fd = -1, .low_bytes = 64 * MIB };
	memory.low = mmap(NULL, memory.low_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory.low == MAP_FAILED;
}

static int free_memory(void **state)
{
	(void)state;
	return munmap(memory.low, memory.low_bytes);
}

/* A bzImage with one sector of setup and 8 KiB of program. */
#define LINUX_BYTES (1024 + 8192)
static uint8_t image[LINUX_BYTES];

static struct setup_header *make_linux(void)
{
	struct setup_header *h = (struct setup_header *)(void *)(image + 0x1f1);

	memset(image, 0, sizeof image);
	h->setup_sects = 1;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb; /* the header ends at 0x26c */
	memcpy(&h->header, "HdrS", 4);
	h->version = 0x20f;
	h->xloadflags = XLF_KERNEL_64;
	h->initrd_addr_max = 0x7fffffff;
	h->cmdline_size = 2047;
	h->pref_address = 16 * MIB;
	h->init_size = 32 * MIB;
	memset(image + 1024, 0xc3, sizeof image - 1024);
	return h;
}

static struct boot_request request_for(const void *bytes, uint64_t size)
{
	static const uint8_t initrd[5000] = "07070100";

	return (struct boot_request){
		.kernel = { .name = "kernel", .fd = -1, .bytes = bytes, .size = size },
		.initrd = { .name = "initrd", .fd = -1, .bytes = initrd, .size = sizeof initrd },
		.cmdline = "console=ttyS0",
	};
}

static void loads_linux(void **state)
{
	struct boot_request r = request_for(image, sizeof image);
	struct boot_entry entry;
	struct err e = { 0 };

	(void)state;
	make_linux();
	assert_int_equal(boot_load(&memory, &r, &entry, &e), 0);
	assert_int_equal(entry.mode, BOOT_MODE_64);
	assert_int_equal(entry.address, 16 * MIB + 0x200);
	assert_int_equal(entry.argument, BOOT_ZERO_PAGE);
	assert_memory_equal(memory.low + 16 * MIB, image + 1024, sizeof image - 1024);
	const struct boot_params *p = (void *)(memory.low + BOOT_ZERO_PAGE);
	assert_int_equal(p->hdr.type_of_loader, 0xff);
	assert_int_equal(p->hdr.cmd_line_ptr, BOOT_CMDLINE);
	assert_int_equal(p->acpi_rsdp_addr, BOOT_ACPI);
	assert_int_equal(p->e820_entries, 3);
	assert_int_equal(p->e820_table[2].addr + p->e820_table[2].size, 64 * MIB);
	assert_int_equal(p->hdr.ramdisk_size, 5000);
	assert_int_equal(p->hdr.ramdisk_image % 4096, 0);
	assert_int_equal(p->hdr.ramdisk_image, 64 * MIB - 8192);
	assert_string_equal((char *)memory.low + p->hdr.ramdisk_image, "07070100");
	assert_string_equal((char *)memory.low + BOOT_CMDLINE, "console=ttyS0");
	/* Address 4 GiB - 1 is where it is. */
	const uint64_t *tables = (void *)(memory.low + BOOT_PAGE_TABLES);
	assert_int_equal(tables[0], (BOOT_PAGE_TABLES + 0x1000) | 3);
	assert_int_equal(tables[1024 + 2047], 0xffe00083);
}

static void refuse(const void *bytes, uint64_t size, const char *why)
{
	struct boot_request r = request_for(bytes, size);
	struct boot_entry entry;
	struct err e = { 0 };

	assert_int_equal(boot_load(&memory, &r, &entry, &e), -1);
	if (!strstr(e.msg, why))
		fail_msg("\"%s\" has no \"%s\"", e.msg, why);
}

static void refuses_linux(void **state)
{
	struct setup_header *h;

	(void)state;
	refuse(image, 0, "not a kernel");
	refuse("PK\3\4 and so on", 15, "neither a bzImage nor an ELF");
	make_linux()->version = 0x20b;
	refuse(image, sizeof image, "no 64-bit entry");
	make_linux()->xloadflags = 0;
	refuse(image, sizeof image, "no 64-bit entry");
	make_linux()->setup_sects = 255;
	refuse(image, sizeof image, "cut short");
	make_linux()->setup_sects = 0; /* means 4: 2560 bytes */
	refuse(image, 2560, "cut short");
	make_linux()->pref_address = 0x7000;
	refuse(image, sizeof image, "wants to be loaded at 7000");
	make_linux()->pref_address = UINT64_MAX - 0xfff;
	refuse(image, sizeof image, "wants to be loaded at");
	make_linux()->jump = 0x10eb;
	refuse(image, sizeof image, "its header ends");
	make_linux()->cmdline_size = 4;
	refuse(image, sizeof image, "the kernel takes 4");
	h = make_linux();
	h->init_size = 48 * MIB;
	refuse(image, sizeof image, "memory of 64 MiB is too little");
	h->init_size = UINT32_MAX;
	refuse(image, sizeof image, "is too little");
	h = make_linux();
	h->initrd_addr_max = 0x1000;
	refuse(image, sizeof image, "is too little");
	/* Every length: no read beyond the end (sanitizers, guard pages of the copy). */
	make_linux();
	for (uint64_t size = 0; size < 1100; size++) {
		uint8_t *copy = malloc(size + 1);
		assert_non_null(copy);
		memcpy(copy, image, size);
		struct boot_request r = request_for(copy, size);
		struct boot_entry entry;
		struct err e;
		assert_int_equal(boot_load(&memory, &r, &entry, &e), -1);
		free(copy);
	}
}

static struct {
	Elf64_Ehdr h;
	Elf64_Phdr p[2];
	struct {
		Elf64_Nhdr n;
		char name[4];
		uint32_t entry;
	} note;
	uint8_t text[100];
} elf;

static void make_elf(void)
{
	memset(&elf, 0, sizeof elf);
	memcpy(elf.h.e_ident, ELFMAG, 4);
	elf.h.e_ident[EI_CLASS] = ELFCLASS64;
	elf.h.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.h.e_machine = EM_X86_64;
	elf.h.e_phoff = offsetof(__typeof__(elf), p);
	elf.h.e_phentsize = sizeof elf.p[0];
	elf.h.e_phnum = 2;
	elf.p[0] = (Elf64_Phdr){ .p_type = PT_NOTE,
				 .p_offset = offsetof(__typeof__(elf), note),
				 .p_filesz = sizeof elf.note };
	elf.p[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_offset = offsetof(__typeof__(elf), text),
				 .p_paddr = 16 * MIB,
				 .p_filesz = sizeof elf.text,
				 .p_memsz = 4096 };
	elf.note.n = (Elf64_Nhdr){ 4, 4, 18 };
	memcpy(elf.note.name, "Xen", 4);
	elf.note.entry = 16 * MIB + 0x50;
	memset(elf.text, 0x90, sizeof elf.text);
}

static void loads_pvh(void **state)
{
	struct boot_request r = request_for(&elf, sizeof elf);
	struct boot_entry entry;
	struct err e = { 0 };
	uint32_t magic;

	(void)state;
	make_elf();
	memset(memory.low + 16 * MIB, 0xff, 4096);
	assert_int_equal(boot_load(&memory, &r, &entry, &e), 0);
	assert_int_equal(entry.mode, BOOT_MODE_PVH);
	assert_int_equal(entry.address, 16 * MIB + 0x50);
	assert_int_equal(entry.argument, BOOT_START_INFO);
	memcpy(&magic, memory.low + BOOT_START_INFO, 4);
	assert_int_equal(magic, 0x336ec578);
	assert_memory_equal(memory.low + 16 * MIB, elf.text, sizeof elf.text);
	assert_int_equal(memory.low[16 * MIB + sizeof elf.text], 0);
	assert_int_equal(memory.low[16 * MIB + 4095], 0);
}

static void refuses_pvh(void **state)
{
	(void)state;
	make_elf();
	refuse(&elf, 20, "cut short");
	elf.h.e_machine = EM_386;
	refuse(&elf, sizeof elf, "none of x86-64");
	make_elf();
	elf.h.e_phnum = 65;
	refuse(&elf, sizeof elf, "program headers");
	make_elf();
	elf.h.e_phoff = UINT64_MAX - 10;
	refuse(&elf, sizeof elf, "no program headers");
	make_elf();
	elf.p[1].p_paddr = 0x7000;
	refuse(&elf, sizeof elf, "does not fit");
	make_elf();
	elf.p[1].p_paddr = 64 * MIB - 100;
	refuse(&elf, sizeof elf, "does not fit");
	make_elf();
	elf.p[1].p_memsz = UINT64_MAX;
	refuse(&elf, sizeof elf, "does not fit");
	make_elf();
	elf.p[1].p_memsz = 10;
	refuse(&elf, sizeof elf, "longer in the file");
	make_elf();
	elf.p[1].p_offset = UINT64_MAX - 50;
	refuse(&elf, sizeof elf, "cut short");
	make_elf();
	elf.note.n.n_type = 17;
	refuse(&elf, sizeof elf, "without PVH entry");
	make_elf();
	elf.note.n.n_namesz = UINT32_MAX;
	refuse(&elf, sizeof elf, "without PVH entry");
	make_elf();
	elf.note.entry = 0x500;
	refuse(&elf, sizeof elf, "its entry is at 500");
	make_elf();
	elf.note.entry = 40 * MIB;
	refuse(&elf, sizeof elf, "its entry is at");
}

static uint8_t sum(const uint8_t *bytes, uint64_t length)
{
	uint8_t s = 0;

	while (length--)
		s = (uint8_t)(s + *bytes++);
	return s;
}

static uint64_t number(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

/* Follow the pointers as a kernel does. */
static void writes_acpi(void **state)
{
	static uint8_t to[0x20000];
	struct boot_acpi a = {
		.vcpus = 3,
		.devices = 12,
		.device_base = 0xd0000000,
		.device_bytes = 0x1000,
		.serial_port = 0x3f8,
		.serial_line = 4,
	};
	struct err e;

	(void)state;
	int64_t size = boot_acpi_write(&a, BOOT_ACPI, to, sizeof to, &e);
	assert_true(size > 0);
	assert_memory_equal(to, "RSD PTR ", 8);
	assert_int_equal(sum(to, 20), 0);
	assert_int_equal(sum(to, 36), 0);
	const uint8_t *xsdt = to + (number(to + 24, 8) - BOOT_ACPI);
	assert_memory_equal(xsdt, "XSDT", 4);
	assert_int_equal(number(xsdt + 4, 4), 36 + 16);
	assert_int_equal(sum(xsdt, 36 + 16), 0);
	const uint8_t *fadt = to + (number(xsdt + 36, 8) - BOOT_ACPI);
	assert_memory_equal(fadt, "FACP", 4);
	assert_int_equal(number(fadt + 4, 4), 276);
	assert_int_equal(sum(fadt, 276), 0);
	assert_int_equal(number(fadt + 109, 2), 0x24);
	assert_int_equal(number(fadt + 116 + 4, 8), BOOT_PORT_RESET);
	assert_int_equal(number(fadt + 244 + 4, 8), BOOT_PORT_SLEEP_CONTROL);
	const uint8_t *dsdt = to + (number(fadt + 140, 8) - BOOT_ACPI);
	assert_memory_equal(dsdt, "DSDT", 4);
	assert_int_equal(sum(dsdt, number(dsdt + 4, 4)), 0);
	assert_non_null(memmem(dsdt, number(dsdt + 4, 4), "VR11\10_HID\15LNRO0005", 19));
	assert_null(memmem(dsdt, number(dsdt + 4, 4), "VR12", 4));
	const uint8_t *madt = to + (number(xsdt + 44, 8) - BOOT_ACPI);
	assert_memory_equal(madt, "APIC", 4);
	assert_int_equal(number(madt + 4, 4), 44 + 3 * 8 + 12);
	assert_int_equal(sum(madt, number(madt + 4, 4)), 0);
	/* Whatever the room, none of it is written beyond, and too little is an error. */
	for (size_t room = 0; room < (size_t)size; room++) {
		to[room] = 0xa5;
		assert_int_equal(boot_acpi_write(&a, BOOT_ACPI, to, room, &e), -1);
		assert_int_equal(to[room], 0xa5);
	}
	a.devices = BOOT_DEVICES_MAX;
	assert_true(boot_acpi_write(&a, BOOT_ACPI, to, sizeof to, &e) > 0);
	a.devices++;
	assert_int_equal(boot_acpi_write(&a, BOOT_ACPI, to, sizeof to, &e), -1);
}

static void has_lines(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (unsigned i = 0; i < BOOT_DEVICES_MAX; i++) {
		uint32_t line = boot_acpi_line(i);
		assert_in_range(line, 5, 23);
		assert_false(seen & 1u << line);
		seen |= 1u << line;
	}
}

static void tells_of_high_memory(void **state)
{
	struct guest_memory m = { .low_bytes = MEMORY_HOLE_START, .high_bytes = 5 * MIB };
	struct boot_range ranges[BOOT_RANGES_MAX];

	(void)state;
	assert_int_equal(boot_ranges(&m, ranges), 4);
	assert_int_equal(ranges[3].start, MEMORY_HOLE_END);
	assert_int_equal(ranges[3].length, 5 * MIB);
	assert_int_equal(ranges[2].start + ranges[2].length, MEMORY_HOLE_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_linux),	cmocka_unit_test(refuses_linux),
		cmocka_unit_test(loads_pvh),	cmocka_unit_test(refuses_pvh),
		cmocka_unit_test(writes_acpi),	cmocka_unit_test(has_lines),
		cmocka_unit_test(tells_of_high_memory),
	};

	return cmocka_run_group_tests(tests, make_memory, free_memory);
}
