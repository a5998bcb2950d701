/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_MACHINE_H
#define HUSK_VMM_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "vm-shim/vm.h"
#include "vm-shim/vmm/boot.h"
#include "vm-shim/vmm/devices.h"
#include "vm-shim/vmm/kvm.h"
#include "vm-shim/vmm/loop.h"
#include "vm-shim/vmm/memory.h"
#include "vm-shim/vmm/serial.h"
#include "vm-shim/vmm/uart.h"
#include "vm-shim/vmm/virtio.h"

/*
 * A machine of KVM with all that belongs to it. The thread that made it serves the devices; each processor
 * has a thread of its own (vcpu.c), which holds the lock while it looks at a device.
 */
#define MACHINE_DEVICE_BASE 0xd0000000ull

struct machine_cpu {
	struct kvm_cpu kvm;
	struct machine *machine;
	pthread_t thread;
	unsigned index;
	_Atomic uint64_t exits; /* to user space */
};

struct machine {
	const struct vm_config *config;
	struct kvm kvm;
	struct guest_memory memory;
	struct loop loop;
	pthread_mutex_t lock;
	struct uart uart;
	int uart_line; /* eventfd */
	struct serial serial;
	struct loop_source serial_wake; /* eventfd: vCPU threads have put something into it */
	struct virtio_device *devices[BOOT_DEVICES_MAX];
	unsigned devices_count;
	struct machine_cpu cpus[VM_VCPUS_MAX];
	unsigned cpus_count;
	pthread_barrier_t start;
	/* How it ended, under the lock; end_wake is written once. */
	enum vm_end end;
	struct err error;
	struct loop_source end_wake, signals;
};

/* What needs names of files or other rights: memory and devices. */
int machine_prepare(struct machine *m, const struct vm_config *c, struct err *e);
/* In the jail: the kernel is read, and everything made up to its first instruction; no thread yet. */
int machine_make(struct machine *m, struct err *e);
/* Devices of @c (machine-devices.c). */
int machine_devices_make(struct machine *m, struct err *e);
int machine_devices_bind(struct machine *m, struct err *e);
/* Start the processors' threads: they wait at @start until the jail is closed. */
int machine_start(struct machine *m, struct err *e);
/* Serve devices until the machine ends. */
void machine_serve(struct machine *m);
/* It is over; only the first one counts. Lock not held. */
void machine_end(struct machine *m, enum vm_end end, const struct err *error);
void machine_report(struct machine *m, struct vm_report *r);

/* What a processor's thread does (vcpu.c). @argument: struct machine_cpu. */
void *vcpu_run(void *argument);

#endif
