/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_CPU_H
#define HUSK_VMM_CPU_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "src/base/err.h"
#include "vm-shim/vmm/boot.h"

/* What a processor says of itself, and how it starts. */

#define CPU_ENTRIES_MAX 256

struct cpu_table {
	uint32_t count, padding;
	struct kvm_cpuid_entry2 entries[CPU_ENTRIES_MAX];
};

struct cpu_place {
	unsigned index, count; /* of the machine's processors, each one core of one thread */
	bool tsc_deadline;     /* KVM's local APIC has this timer */
};

/*
 * From what KVM can do (KVM_GET_SUPPORTED_CPUID) to what processor @p has: its place, nothing that would let
 * the guest be a host of machines itself, and no counters. Pure.
 */
void cpu_filter(struct cpu_table *t, const struct cpu_place *p);

/* Registers of the first processor. */
void cpu_entry(const struct boot_entry *entry, struct kvm_regs *regs, struct kvm_sregs *sregs);

#endif
