/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_KVM_H
#define HUSK_VMM_KVM_H

#include <linux/kvm.h>
#include <stdint.h>

#include "src/base/err.h"
#include "vm-shim/vmm/boot.h"
#include "vm-shim/vmm/memory.h"

/* The ioctls of /dev/kvm: one call, one function. Nothing here knows what a machine is made of. */
struct kvm {
	int device, machine; /* descriptors */
	size_t run_bytes;
};

struct kvm_cpu {
	int fd;
	struct kvm_run *run;
	int stats; /* or -1 */
	uint64_t stats_offset;
};

/* Open /dev/kvm and see that it has what is needed. ERR_UNSUPPORTED or ERR_SYSTEM. */
int kvm_open(struct kvm *k, struct err *e);
/* A machine with @m and interrupt controllers. No fork, no other address space from here on. */
int kvm_machine_make(struct kvm *k, const struct guest_memory *m, struct err *e);
/* Processor @index of @count; @entry for the first one, NULL for those that wait to be started. */
int kvm_cpu_make(const struct kvm *k, unsigned index, unsigned count,
		 const struct boot_entry *entry, struct kvm_cpu *c, struct err *e);
/* Writing the eventfd @fd raises line @line. */
int kvm_line(const struct kvm *k, int fd, uint32_t line, struct err *e);
/* A write of the 32-bit number @value to @address is one to the eventfd @fd, and nothing else. */
int kvm_doorbell(const struct kvm *k, int fd, uint64_t address, uint32_t value, struct err *e);
/* How often this processor has left the guest, to the kernel or further; 0: not known. */
uint64_t kvm_cpu_exits(const struct kvm_cpu *c);

#endif
