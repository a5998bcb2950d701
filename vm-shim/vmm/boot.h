/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_BOOT_H
#define HUSK_VMM_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "vm-shim/vmm/memory.h"

/*
 * What stands in memory when the first processor starts: the kernel, its initramfs, its command line, and
 * what firmware would have left. No ioctl and no system call but reading files: everything here is
 * bytes to bytes, for kernels that somebody else chose.
 */

/* Places in the first MiB. Kernels take them over as soon as they run. */
#define BOOT_GDT         0x500ull
#define BOOT_START_INFO  0x6000ull /* PVH */
#define BOOT_ZERO_PAGE   0x7000ull /* 64-bit boot protocol */
#define BOOT_PAGE_TABLES 0x9000ull /* six pages: the first 4 GiB, as they are */
#define BOOT_CMDLINE     0x20000ull
#define BOOT_CMDLINE_MAX 0x1000u
#define BOOT_LOW_END     0x9fc00ull
#define BOOT_ACPI        0xe0000ull /* to the end of the MiB */
#define BOOT_HIGH        0x100000ull

/* A file, or bytes that stand for one (tests, fuzzers). */
struct boot_file {
	const char *name; /* for messages */
	int fd;           /* or -1 and @bytes */
	const uint8_t *bytes;
	uint64_t size;
};

/* Size and name of an open file. */
int boot_file_from(struct boot_file *f, int fd, const char *name, struct err *e);
/* Exactly @length bytes from @offset, or -1. */
int boot_file_read(const struct boot_file *f, uint64_t offset, void *to, uint64_t length,
		   struct err *e);

enum boot_mode {
	BOOT_MODE_64 = 1, /* long mode, page tables at BOOT_PAGE_TABLES, rsi: the zero page */
	BOOT_MODE_PVH,    /* protected mode without paging, ebx: the start information */
};

struct boot_entry {
	enum boot_mode mode;
	uint64_t address, argument;
};

struct boot_request {
	struct boot_file kernel, initrd; /* initrd of size 0: none */
	const char *cmdline;
};

/* Load everything but the tables of ACPI. */
int boot_load(const struct guest_memory *m, const struct boot_request *r, struct boot_entry *entry,
	      struct err *e);

/* The two kinds of kernels, by their first bytes. */
int boot_load_linux(const struct guest_memory *m, const struct boot_request *r,
		    struct boot_entry *entry, struct err *e);
int boot_load_pvh(const struct guest_memory *m, const struct boot_request *r,
		  struct boot_entry *entry, struct err *e);

/*
 * For the two: put the initramfs as high as [0, @below) allows, on a page boundary and not below @after,
 * where the kernel ends. Its address in *@at, 0 when there is none.
 */
int boot_load_initrd(const struct guest_memory *m, const struct boot_file *initrd, uint64_t after,
		     uint64_t below, uint64_t *at, struct err *e);

/* Memory as kernels are told of it: type 1 is memory, 2 is not to be touched. */
struct boot_range {
	uint64_t start, length;
	uint32_t type;
};
#define BOOT_RANGES_MAX 4
unsigned boot_ranges(const struct guest_memory *m, struct boot_range ranges[BOOT_RANGES_MAX]);

/* ---- ACPI (boot-acpi.c) ---- */

/* Registers in I/O space that the tables name; who answers is in power.h. */
#define BOOT_PORT_SLEEP_CONTROL 0x600
#define BOOT_PORT_SLEEP_STATUS  0x601
#define BOOT_PORT_RESET         0x602
#define BOOT_RESET_VALUE        0x42
#define BOOT_SLEEP_TYPE_OFF     5

#define BOOT_DEVICES_MAX 19 /* lines of the I/O APIC that are free */

struct boot_acpi {
	unsigned vcpus;
	unsigned devices; /* of virtio: at MACHINE_DEVICE(n), line boot_acpi_line(n) */
	uint64_t device_base;
	uint32_t device_bytes;
	uint16_t serial_port;
	uint32_t serial_line;
};

/* The line of the I/O APIC that device @n has: 16 to 23, then 5 to 15. */
uint32_t boot_acpi_line(unsigned n);
/* RSDP, XSDT, FADT, MADT, DSDT into @to, which will lie at @address. Their bytes, or -1. */
int64_t boot_acpi_write(const struct boot_acpi *a, uint64_t address, uint8_t *to, size_t room,
			struct err *e);

#endif
