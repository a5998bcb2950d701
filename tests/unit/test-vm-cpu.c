/* SPDX-License-Identifier: Apache-2.0 */
/* Processors, the serial port and the ports of power: what the guest sees of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/serial_reg.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vm-shim/vm.h"
#include "vm-shim/vmm/cpu.h"
#include "vm-shim/vmm/power.h"
#include "vm-shim/vmm/serial.h"
#include "vm-shim/vmm/uart.h"

static struct cpu_table table;

static struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < table.count; i++)
		if (table.entries[i].function == function && table.entries[i].index == index)
			return &table.entries[i];
	return NULL;
}

static void add(uint32_t function, uint32_t index, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	table.entries[table.count++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .eax = a, .ebx = b, .ecx = c, .edx = d
	};
}

static void filters_processors(void **state)
{
	struct cpu_place p = { .index = 2, .count = 3, .tsc_deadline = true };

	(void)state;
	memset(&table, 0, sizeof table);
	add(0, 0, 0xd, 0, 0, 0);
	add(1, 0, 0, 0xff00ff12, 0xffffffff, 0xffffffff);
	add(4, 0, 0xffffffe1, 1, 2, 3);
	add(4, 1, 0, 0, 0, 0);
	add(0xa, 0, 0x07300404, 0, 0, 0x603);
	add(0xb, 0, 0, 0, 0, 0);
	add(0x40000000, 0, 0x40000001, 1, 2, 3);
	add(0x80000001, 0, 0, 0, 0xffffffff, 0);
	add(0x80000008, 0, 0x3030, 0, 0xffff, 0);
	add(0x8000000a, 0, 1, 2, 3, 4);
	cpu_filter(&table, &p);

	const struct kvm_cpuid_entry2 *c = leaf(1, 0);
	assert_int_equal(c->ebx, 2u << 24 | 3u << 16 | 0xff12);
	/* No machines inside: neither VMX nor SVM, no SMX, no MWAIT. */
	assert_int_equal(c->ecx & (1u << 3 | 1u << 5 | 1u << 6), 0);
	assert_true(c->ecx & 1u << 31 && c->ecx & 1u << 24 && c->edx & 1u << 28);
	assert_int_equal(leaf(0x80000001, 0)->ecx & (1u << 2), 0);
	assert_int_equal(leaf(0x8000000a, 0)->eax, 0);
	assert_int_equal(leaf(0xa, 0)->eax, 0);
	assert_int_equal(leaf(4, 0)->eax >> 26, 3);
	assert_int_equal(leaf(4, 0)->eax & 0x3ffc000, 0);
	assert_int_equal(leaf(4, 1)->eax, 0);
	assert_int_equal(leaf(0xb, 0)->edx, 2);
	assert_int_equal(leaf(0xb, 0)->ebx, 1);
	/* The second level, which the host had not. */
	assert_int_equal(leaf(0xb, 1)->eax, 2);
	assert_int_equal(leaf(0xb, 1)->ebx, 3);
	assert_int_equal(leaf(0xb, 1)->ecx, 0x201);
	assert_int_equal(leaf(0x80000008, 0)->ecx, 2u << 12 | 2);
	assert_int_equal(leaf(0x40000000, 0)->ebx, 1);

	/* Alone: no threads. Twice gives the same. */
	p = (struct cpu_place){ .index = 0, .count = 1 };
	cpu_filter(&table, &p);
	uint32_t count = table.count;
	cpu_filter(&table, &p);
	assert_int_equal(table.count, count);
	assert_int_equal(leaf(1, 0)->edx & 1u << 28, 0);
	assert_int_equal(leaf(1, 0)->ecx & 1u << 24, 0);
}

static void filters_full_tables(void **state)
{
	struct cpu_place p = { .index = 0, .count = 1 };

	(void)state;
	memset(&table, 0xff, sizeof table);
	table.count = CPU_ENTRIES_MAX;
	table.entries[0].function = 0;
	cpu_filter(&table, &p);
	assert_int_equal(table.count, CPU_ENTRIES_MAX);
	table.count = UINT32_MAX;
	cpu_filter(&table, &p);
	assert_int_equal(table.count, CPU_ENTRIES_MAX);
}

static void drops_state_without_avx(void **state)
{
	struct cpu_place p = { .index = 0, .count = 1 };

	(void)state;
	for (int avx = 0; avx < 2; avx++) {
		memset(&table, 0, sizeof table);
		add(1, 0, 0, 0, avx ? 1u << 28 : 0, 0);
		add(0xd, 0, 7, 576, 832, 0);
		add(0xd, 2, 256, 576, 0, 0);
		cpu_filter(&table, &p);
		assert_int_equal(leaf(0xd, 0)->eax, avx ? 7 : 3);
		assert_int_equal(leaf(0xd, 0)->ecx, avx ? 832 : 576);
		assert_int_equal(leaf(0xd, 2)->eax, avx ? 256 : 0);
	}
}

static void enters(void **state)
{
	struct boot_entry entry = { BOOT_MODE_64, 0x1000200, BOOT_ZERO_PAGE };
	struct kvm_sregs s;
	struct kvm_regs r;

	(void)state;
	memset(&s, 0, sizeof s);
	cpu_entry(&entry, &r, &s);
	assert_int_equal(r.rip, 0x1000200);
	assert_int_equal(r.rsi, BOOT_ZERO_PAGE);
	assert_int_equal(r.rflags, 2);
	assert_true(s.cs.l && !s.cs.db && s.efer & 0x400 && s.cr0 & 1u << 31);
	assert_int_equal(s.cr3, BOOT_PAGE_TABLES);
	entry.mode = BOOT_MODE_PVH;
	cpu_entry(&entry, &r, &s);
	assert_int_equal(r.rbx, BOOT_ZERO_PAGE);
	assert_true(!s.cs.l && s.cs.db && !s.efer && !(s.cr0 & 1u << 31));
}

/* What the kernel's driver does to find out what it has. */
static void is_a_16550a(void **state)
{
	struct uart u = { 0 };
	int sent;

	(void)state;
	uart_write(&u, UART_IER, 0, &sent);
	assert_int_equal(uart_read(&u, UART_IER), 0);
	uart_write(&u, UART_IER, 0x0f, &sent);
	assert_int_equal(uart_read(&u, UART_IER), 0x0f);
	uart_write(&u, UART_IER, 0, &sent);
	uart_write(&u, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS, &sent);
	assert_int_equal(uart_read(&u, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	uart_write(&u, UART_TX, 'x', &sent);
	assert_int_equal(sent, -1);
	uart_write(&u, UART_MCR, 0, &sent);
	uart_write(&u, UART_FCR, UART_FCR_ENABLE_FIFO, &sent);
	assert_int_equal(uart_read(&u, UART_IIR) >> 6, 3);
	uart_write(&u, UART_LCR, UART_LCR_DLAB, &sent);
	uart_write(&u, UART_DLL, 1, &sent);
	assert_int_equal(sent, -1);
	assert_int_equal(uart_read(&u, UART_DLL), 1);
	uart_write(&u, UART_LCR, 3, &sent);
	uart_write(&u, UART_TX, 'x', &sent);
	assert_int_equal(sent, 'x');
	assert_int_equal(uart_read(&u, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void interrupts_when_empty(void **state)
{
	struct uart u = { 0 };
	int sent;

	(void)state;
	assert_int_equal(uart_read(&u, UART_IIR) & 0x0f, UART_IIR_NO_INT);
	assert_true(uart_write(&u, UART_IER, UART_IER_THRI, &sent));
	assert_int_equal(uart_read(&u, UART_IIR) & 0x0f, UART_IIR_THRI);
	/* Told once. */
	assert_int_equal(uart_read(&u, UART_IIR) & 0x0f, UART_IIR_NO_INT);
	assert_true(uart_write(&u, UART_TX, 'a', &sent));
	assert_int_equal(uart_read(&u, UART_IIR) & 0x0f, UART_IIR_THRI);
	uart_write(&u, UART_IER, 0, &sent);
	assert_false(uart_write(&u, UART_TX, 'b', &sent));
	/* Any register, any value: nothing else happens. */
	for (unsigned i = 0; i < 0x10000; i++)
		uart_write(&u, i >> 8 & 0xf, (uint8_t)i, &sent);
}

static void ends(void **state)
{
	(void)state;
	assert_int_equal(power_write(0x600, 0x20 | 5 << 2), POWER_OFF);
	assert_int_equal(power_write(0x600, 5 << 2), POWER_NONE);
	assert_int_equal(power_write(0x600, 0x20 | 3 << 2), POWER_NONE);
	assert_int_equal(power_write(0x602, 0x42), POWER_RESET);
	assert_int_equal(power_write(0x602, 0x41), POWER_NONE);
	assert_int_equal(power_write(0x64, 0xfe), POWER_RESET);
	assert_int_equal(power_write(0x64, 0xfd), POWER_NONE);
	assert_int_equal(power_write(0xcf9, 6), POWER_RESET);
}

static void put_text(struct serial *s, const char *text)
{
	while (*text)
		serial_put(s, (uint8_t)*text++);
}

static void keeps_last_words(void **state)
{
	struct serial *s = calloc(1, sizeof *s);
	char words[SERIAL_WORDS];
	struct err e;

	(void)state;
	assert_int_equal(serial_init(s, NULL, -1, NULL, NULL, &e), 0);
	put_text(s, "short");
	serial_words(s, words, sizeof words);
	assert_string_equal(words, "short");
	for (int i = 0; i < 500; i++)
		put_text(s, "a line of the kernel's\n");
	put_text(s, "KKernel panic - not synKernel panic - not syncing: no init\n");
	serial_words(s, words, sizeof words);
	assert_true(s->panicked);
	assert_memory_equal(words, "a line", 6);
	assert_non_null(strstr(words, "not syncing: no init\n"));
	assert_true(strlen(words) < sizeof words);
	/* What it is about stays, however much follows, even the same again. */
	for (int i = 0; i < 100; i++)
		put_text(s, "Kernel panic - not syncing: once more, and registers\n");
	serial_words(s, words, sizeof words);
	assert_non_null(strstr(words, "not syncing: no init\n"));
	serial_words(s, words, 10);
	assert_true(strlen(words) < 10);
	free(s);
}

/* A pipe that nobody reads: nothing waits, and what was lost is told when there is room again. */
static void never_waits(void **state)
{
	struct serial *s = calloc(1, sizeof *s);
	static char got[200000];
	struct loop loop;
	size_t have = 0;
	struct err e;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
	assert_int_equal(loop_init(&loop, &e), 0);
	assert_int_equal(serial_init(s, &loop, ends[1], NULL, NULL, &e), 0);
	for (int i = 0; i < 80000; i++) {
		serial_put(s, 'x');
		if (i % 1000 == 0)
			serial_flush(s);
	}
	assert_true(s->dropped > 0);
	while (s->used) {
		ssize_t n = read(ends[0], got + have, sizeof got - have - 1);
		assert_true(n > 0);
		have += (size_t)n;
		serial_flush(s);
	}
	ssize_t n = read(ends[0], got + have, sizeof got - have - 1);
	assert_true(n >= 0);
	assert_non_null(memmem(got, have + (size_t)n, "bytes dropped]", 14));
	/* Nobody any more: no signal, no end. */
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	serial_put(s, 'x');
	serial_flush(s);
	assert_int_equal(s->fd, -1);
	close(ends[1]);
	close(loop.epoll);
	free(s);
}

static struct vm_config good(void)
{
	return (struct vm_config){ .initrd_fd = -1, .memory_bytes = 128 << 20, .vcpus = 1 };
}

static void expect(const struct vm_config *c, const char *why)
{
	struct err e = { 0 };

	assert_int_equal(vm_config_check(c, &e), *why ? -1 : 0);
	if (!strstr(e.msg, why))
		fail_msg("\"%s\" has no \"%s\"", e.msg, why);
}

static void checks_configurations(void **state)
{
	struct vm_config c = good();
	struct vm_share share = { "tag", 5 };

	(void)state;
	expect(&c, "");
	c.kernel_fd = -1;
	expect(&c, "no kernel");
	c = good();
	c.vcpus = 0;
	expect(&c, "0 processors");
	c.vcpus = VM_VCPUS_MAX + 1;
	expect(&c, "processors: 1 to 32");
	c = good();
	c.memory_bytes = 95 << 20;
	expect(&c, "memory of 95 MiB: kernels need 96");
	c.memory_bytes = (128 << 20) + 1;
	expect(&c, "no multiple");
	c = good();
	c.ports_count = 2;
	c.ports[0] = c.ports[1] = (struct vm_port){ "a", 7 };
	expect(&c, "port \"a\": given twice");
	c.ports[1] = (struct vm_port){ "b", -1 };
	expect(&c, "port \"b\": not connected");
	c.ports[1] = (struct vm_port){ "", 7 };
	expect(&c, "a name of 1 to 63");
	c = good();
	c.disks_count = VM_DISKS_MAX + 1;
	expect(&c, "9 disks");
	c.disks_count = 1;
	c.disks[0].fd = -1;
	expect(&c, "disk 0: not open");
	c = good();
	c.share = &share;
	expect(&c, "");
	share.tag = "0123456789012345678901234567890123456";
	expect(&c, "a tag of 1 to 36");
	assert_ptr_equal(vm_backend_find("kvm"), &vm_backend_kvm);
	assert_ptr_equal(vm_backend_find("qemu"), &vm_backend_qemu);
	assert_null(vm_backend_find("xen"));
	assert_string_equal(vm_end_name(VM_TRIPLE_FAULT), "triple fault");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_processors),
		cmocka_unit_test(filters_full_tables),
		cmocka_unit_test(drops_state_without_avx),
		cmocka_unit_test(enters),
		cmocka_unit_test(is_a_16550a),
		cmocka_unit_test(interrupts_when_empty),
		cmocka_unit_test(ends),
		cmocka_unit_test(keeps_last_words),
		cmocka_unit_test(never_waits),
		cmocka_unit_test(checks_configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
