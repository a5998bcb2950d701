/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of ACPI 6 for hardware-reduced machines: no timer, no interrupt and no event block of the old kind.
 * The kernel learns from them its processors, its interrupt controller, COM1 and the places of virtio
 * devices, and how to end.
 */
#include <linux/kvm.h>
#include <string.h>

#include "vm-shim/vmm/boot.h"

#define IO_APIC_ADDRESS    0xfec00000u
#define LOCAL_APIC_ADDRESS 0xfee00000u

/* What is being written. Once @cut, nothing more is written. */
struct table {
	uint8_t *bytes;
	size_t size, room;
	bool cut;
};

static void put(struct table *t, const void *data, size_t length)
{
	if (t->cut || length > t->room - t->size) {
		t->cut = true;
		return;
	}
	memcpy(t->bytes + t->size, data, length);
	t->size += length;
}

/* Little-endian, as everything here. */
static void put_number(struct table *t, uint64_t value, unsigned bytes)
{
	uint8_t out[8];

	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> 8 * i);
	put(t, out, bytes);
}

static void set_number(struct table *t, size_t at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; !t->cut && i < bytes; i++)
		t->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

/* All bytes of a table add up to 0. */
static void set_sum(struct table *t, size_t start, size_t length, size_t at)
{
	uint8_t sum = 0;

	if (t->cut)
		return;
	t->bytes[at] = 0;
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + t->bytes[start + i]);
	t->bytes[at] = (uint8_t)-sum;
}

/* Tables start at multiples of 16. The header's place; length and sum are filled in at the end. */
static size_t table_start(struct table *t, const char *signature, uint8_t revision)
{
	while (!t->cut && t->size % 16)
		put_number(t, 0, 1);
	size_t start = t->size;
	put(t, signature, 4);
	put_number(t, 0, 4);
	put_number(t, revision, 1);
	put_number(t, 0, 1);
	put(t, "HUSK  HUSK-VM ", 14);
	put_number(t, 1, 4);
	put(t, "HUSK", 4);
	put_number(t, 1, 4);
	return start;
}

static void table_end(struct table *t, size_t start)
{
	set_number(t, start + 4, t->size - start, 4);
	set_sum(t, start, t->size - start, start + 9);
}

/* ---- AML ---- */

#define AML_ZERO    0x00
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_DWORD   0x0c
#define AML_STRING  0x0d
#define AML_SCOPE   0x10
#define AML_BUFFER  0x11
#define AML_PACKAGE 0x12

/* A length in front of what it counts, itself included: always in two bytes. */
static size_t package_start(struct table *t)
{
	put_number(t, 0, 2);
	return t->size - 2;
}

static void package_end(struct table *t, size_t start)
{
	size_t length = t->size - start;

	if (length > 0xfff)
		t->cut = true;
	set_number(t, start, 0x40 | (length & 0xf) | length >> 4 << 8, 2);
}

static void put_dword(struct table *t, uint32_t value)
{
	put_number(t, AML_DWORD, 1);
	put_number(t, value, 4);
}

static void put_name(struct table *t, const char name[4])
{
	put_number(t, AML_NAME, 1);
	put(t, name, 4);
}

static void put_interrupt(struct table *t, uint32_t line)
{
	put_number(t, 0x89, 1); /* extended interrupt descriptor */
	put_number(t, 6, 2);
	put_number(t, 0x03, 1); /* consumer, edge, active high, exclusive */
	put_number(t, 1, 1);
	put_number(t, line, 4);
}

/* _CRS: what @put writes between; the places of two lengths are kept. */
struct resources {
	size_t package, count, start;
};

static struct resources resources_start(struct table *t)
{
	struct resources r;

	put_name(t, "_CRS");
	put_number(t, AML_BUFFER, 1);
	r.package = package_start(t);
	put_number(t, AML_BYTE, 1);
	put_number(t, 0, 1);
	r.count = t->size - 1;
	r.start = t->size;
	return r;
}

static void resources_end(struct table *t, const struct resources *r)
{
	put_number(t, 0x0079, 2); /* end, no checksum */
	set_number(t, r->count, t->size - r->start, 1);
	package_end(t, r->package);
}

static size_t device_start(struct table *t, const char name[4])
{
	put_number(t, 0x825b, 2);
	size_t start = package_start(t);
	put(t, name, 4);
	return start;
}

static void put_serial(struct table *t, const struct boot_acpi *a)
{
	size_t device = device_start(t, "COM1");

	put_name(t, "_HID");
	put_dword(t, 0x0105d041); /* PNP0501 */
	put_name(t, "_UID");
	put_dword(t, 1);
	struct resources r = resources_start(t);
	put_number(t, 0x0147, 2); /* I/O ports, 16 bits decoded */
	put_number(t, a->serial_port, 2);
	put_number(t, a->serial_port, 2);
	put_number(t, 0x0801, 2); /* alignment 1, eight of them */
	put_interrupt(t, a->serial_line);
	resources_end(t, &r);
	package_end(t, device);
}

static void put_virtio(struct table *t, const struct boot_acpi *a, unsigned n)
{
	const char name[4] = { 'V', 'R', (char)('0' + n / 10), (char)('0' + n % 10) };
	size_t device = device_start(t, name);

	put_name(t, "_HID");
	put_number(t, AML_STRING, 1);
	put(t, "LNRO0005", 9);
	put_name(t, "_UID");
	put_dword(t, n);
	put_name(t, "_CCA");
	put_number(t, 1, 1); /* One: DMA is coherent */
	struct resources r = resources_start(t);
	put_number(t, 0x86, 1); /* memory, fixed */
	put_number(t, 9, 2);
	put_number(t, 1, 1); /* written, too */
	put_number(t, a->device_base + (uint64_t)n * a->device_bytes, 4);
	put_number(t, a->device_bytes, 4);
	put_interrupt(t, boot_acpi_line(n));
	resources_end(t, &r);
	package_end(t, device);
}

static size_t put_dsdt(struct table *t, const struct boot_acpi *a)
{
	size_t start = table_start(t, "DSDT", 6);

	put_name(t, "_S5_");
	put_number(t, AML_PACKAGE, 1);
	size_t package = package_start(t);
	put_number(t, 4, 1);
	put_number(t, AML_BYTE, 1);
	put_number(t, BOOT_SLEEP_TYPE_OFF, 1);
	put_number(t, AML_ZERO, 3);
	package_end(t, package);

	put_number(t, AML_SCOPE, 1);
	size_t scope = package_start(t);
	put(t, "\\_SB_", 5);
	put_serial(t, a);
	for (unsigned i = 0; i < a->devices; i++)
		put_virtio(t, a, i);
	package_end(t, scope);
	table_end(t, start);
	return start;
}

/* ---- the other tables ---- */

/* A register of eight bits in I/O space (generic address structure). */
static void set_register(struct table *t, size_t at, uint16_t port)
{
	set_number(t, at, 0x01000801, 4);
	set_number(t, at + 4, port, 8);
}

static size_t put_fadt(struct table *t, uint64_t dsdt)
{
	size_t start = table_start(t, "FACP", 6);

	while (!t->cut && t->size - start < 276)
		put_number(t, 0, 1);
	set_number(t, start + 109, 0x0024, 2); /* no VGA, no clock at port 70 */
	/* HW_REDUCED_ACPI, RESET_REG_SUP, WBINVD works, the buttons are none of the fixed ones. */
	set_number(t, start + 112, 1u << 20 | 1u << 10 | 1u << 5 | 1u << 4 | 1u, 4);
	set_register(t, start + 116, BOOT_PORT_RESET);
	set_number(t, start + 128, BOOT_RESET_VALUE, 1);
	set_number(t, start + 131, 5, 1); /* minor version */
	set_number(t, start + 140, dsdt, 8);
	set_register(t, start + 244, BOOT_PORT_SLEEP_CONTROL);
	set_register(t, start + 256, BOOT_PORT_SLEEP_STATUS);
	table_end(t, start);
	return start;
}

static size_t put_madt(struct table *t, const struct boot_acpi *a)
{
	size_t start = table_start(t, "APIC", 5);

	put_number(t, LOCAL_APIC_ADDRESS, 4);
	put_number(t, 0, 4);
	for (unsigned i = 0; i < a->vcpus; i++) {
		put_number(t, 0x0800, 2); /* local APIC */
		put_number(t, i, 1);
		put_number(t, i, 1);
		put_number(t, 1, 4); /* enabled */
	}
	put_number(t, 0x0c01, 2); /* I/O APIC */
	put_number(t, 0, 2);
	put_number(t, IO_APIC_ADDRESS, 4);
	put_number(t, 0, 4);
	table_end(t, start);
	return start;
}

uint32_t boot_acpi_line(unsigned n)
{
	return n < 8 ? 16 + n : n - 8 + 5;
}

int64_t boot_acpi_write(const struct boot_acpi *a, uint64_t address, uint8_t *to, size_t room,
			struct err *e)
{
	struct table t = { .bytes = to, .room = room };

	if (a->devices > BOOT_DEVICES_MAX)
		return err_config(e, "%u devices: there are interrupts for %d", a->devices,
				  BOOT_DEVICES_MAX);
	/* The root pointer comes first, since its address is known. */
	put(&t, "RSD PTR ", 8);
	put_number(&t, 0, 1);
	put(&t, "HUSK  ", 6);
	put_number(&t, 2, 1);
	put_number(&t, 0, 4);
	put_number(&t, 36, 4);
	size_t xsdt_at = t.size;
	put_number(&t, 0, 8);
	put_number(&t, 0, 4);

	size_t dsdt = put_dsdt(&t, a);
	size_t fadt = put_fadt(&t, address + dsdt);
	size_t madt = put_madt(&t, a);
	size_t xsdt = table_start(&t, "XSDT", 1);
	put_number(&t, address + fadt, 8);
	put_number(&t, address + madt, 8);
	table_end(&t, xsdt);

	set_number(&t, xsdt_at, address + xsdt, 8);
	set_sum(&t, 0, 20, 8);
	set_sum(&t, 0, 36, 32);
	if (t.cut)
		return err_config(e, "the tables of ACPI do not fit into %zu bytes", room);
	return (int64_t)t.size;
}
