/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/cpu.h"

#include <string.h>

/* Leaf 1, ecx */
#define ECX_MONITOR      (1u << 3)
#define ECX_VMX          (1u << 5)
#define ECX_SMX          (1u << 6)
#define ECX_PDCM         (1u << 15)
#define ECX_TSC_DEADLINE (1u << 24)
#define ECX_HYPERVISOR   (1u << 31)
#define EDX_THREADS      (1u << 28)
#define ECX_AVX          (1u << 28)
/* Leaf d, eax: state of AVX and what builds on it. */
#define XSTATE_AVX   0xe4u
#define XSTATE_BASIC 576u
/* Leaf 80000001, ecx */
#define ECX_CMP_LEGACY (1u << 1)
#define ECX_SVM        (1u << 2)
#define ECX_SKINIT     (1u << 12)
#define ECX_PERFCTR    (3u << 23 | 1u << 28)

static unsigned id_bits(unsigned count)
{
	unsigned bits = 0;

	while (1u << bits < count)
		bits++;
	return bits;
}

static void set_topology(struct kvm_cpuid_entry2 *c, const struct cpu_place *p)
{
	unsigned level = c->index;

	c->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	c->eax = c->ebx = 0;
	c->ecx = level;
	c->edx = p->index;
	if (level == 0) {
		c->ebx = 1;
		c->ecx |= 1u << 8; /* threads of a core */
	} else if (level == 1) {
		c->eax = id_bits(p->count);
		c->ebx = p->count;
		c->ecx |= 2u << 8; /* cores */
	}
}

static void set_leaf(struct kvm_cpuid_entry2 *c, const struct cpu_place *p)
{
	switch (c->function) {
	case 1:
		c->ebx = (c->ebx & 0xffff) | p->count << 16 | p->index << 24;
		c->ecx &= ~(ECX_MONITOR | ECX_VMX | ECX_SMX | ECX_PDCM | ECX_TSC_DEADLINE);
		c->ecx |= ECX_HYPERVISOR | (p->tsc_deadline ? ECX_TSC_DEADLINE : 0);
		c->edx &= ~EDX_THREADS;
		c->edx |= p->count > 1 ? EDX_THREADS : 0;
		break;
	case 4:
		/* Caches: nobody shares one, and how many cores there are. */
		if (!(c->eax & 0x1f))
			break;
		c->eax = (c->eax & 0x3fff) | ((1u << id_bits(p->count)) - 1) << 26;
		break;
	case 5:
	case 0xa: /* performance counters */
		c->eax = c->ebx = c->ecx = c->edx = 0;
		break;
	case 0xb:
	case 0x1f:
		set_topology(c, p);
		break;
	case 0x80000001:
		c->ecx &= ~(ECX_SVM | ECX_SKINIT | ECX_PERFCTR | ECX_CMP_LEGACY);
		c->ecx |= p->count > 1 ? ECX_CMP_LEGACY : 0;
		break;
	case 0x80000008:
		c->ecx = id_bits(p->count) << 12 | (p->count - 1);
		break;
	case 0x8000000a: /* SVM */
		c->eax = c->ebx = c->ecx = c->edx = 0;
		break;
	case 0x8000001d:
		c->eax &= ~(0xfffu << 14);
		break;
	case 0x8000001e:
		c->eax = p->index;
		c->ebx = p->index;
		c->ecx = 0;
		break;
	default:
		break;
	}
}

/* Some hosts, emulated ones, have the state of AVX without AVX: kernels complain loudly. */
static void drop_state(struct cpu_table *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct kvm_cpuid_entry2 *c = &t->entries[i];
		if (c->function == 1 && c->ecx & ECX_AVX)
			return;
	}
	for (uint32_t i = 0; i < t->count; i++) {
		struct kvm_cpuid_entry2 *c = &t->entries[i];
		if (c->function != 0xd)
			continue;
		if (c->index == 0 && c->eax & XSTATE_AVX && !(c->eax & ~(XSTATE_AVX | 3))) {
			c->eax &= ~XSTATE_AVX;
			c->ebx = c->ecx = XSTATE_BASIC;
		} else if (c->index >= 2 && c->index < 8) {
			c->eax = c->ebx = c->ecx = c->edx = 0;
		}
	}
}

/* Both levels have to be there; KVM has one on some hosts. */
static void want_topology(struct cpu_table *t, uint32_t function)
{
	bool has[2] = { false, false };

	for (uint32_t i = 0; i < t->count; i++)
		if (t->entries[i].function == function && t->entries[i].index < 2)
			has[t->entries[i].index] = true;
	for (uint32_t level = 0; level < 2; level++) {
		if (has[level] || t->count >= CPU_ENTRIES_MAX)
			continue;
		struct kvm_cpuid_entry2 *c = &t->entries[t->count++];
		memset(c, 0, sizeof *c);
		c->function = function;
		c->index = level;
		c->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	}
}

void cpu_filter(struct cpu_table *t, const struct cpu_place *p)
{
	uint32_t highest = 0;

	if (t->count > CPU_ENTRIES_MAX)
		t->count = CPU_ENTRIES_MAX;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->entries[i].function == 0)
			highest = t->entries[i].eax;
	if (highest >= 0xb)
		want_topology(t, 0xb);
	drop_state(t);
	for (uint32_t i = 0; i < t->count; i++)
		set_leaf(&t->entries[i], p);
}

static void set_segment(struct kvm_segment *s, uint16_t selector, uint8_t type, bool code,
			bool is_long)
{
	*s = (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.db = !(code && is_long),
		.l = code && is_long,
	};
}

void cpu_entry(const struct boot_entry *entry, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	bool is_long = entry->mode == BOOT_MODE_64;

	memset(regs, 0, sizeof *regs);
	regs->rflags = 2;
	regs->rip = entry->address;
	if (is_long)
		regs->rsi = entry->argument;
	else
		regs->rbx = entry->argument;

	set_segment(&sregs->cs, 0x10, 11, true, is_long);
	set_segment(&sregs->ds, 0x18, 3, false, is_long);
	sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->ds;
	sregs->tr =
		(struct kvm_segment){ .limit = 0x67, .selector = 0x20, .type = 11, .present = 1 };
	sregs->ldt = (struct kvm_segment){ .unusable = 1 };
	sregs->gdt.base = BOOT_GDT;
	sregs->gdt.limit = 5 * 8 - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cr0 = 0x11; /* protected mode, extension type */
	sregs->cr4 = 0;
	sregs->efer = 0;
	if (is_long) {
		sregs->cr3 = BOOT_PAGE_TABLES;
		sregs->cr4 = 0x20;      /* PAE */
		sregs->cr0 |= 1u << 31; /* paging */
		sregs->efer = 0x500;    /* long mode, enabled and active */
	}
}
