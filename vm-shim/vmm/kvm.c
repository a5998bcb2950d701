/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm-shim/vmm/cpu.h"

/* Three pages and one page that KVM on older Intel processors wants for itself, outside of memory. */
#define TSS_ADDRESS      0xfffbd000ul
#define IDENTITY_ADDRESS 0xfffbc000ull

#define MSR_MISC_ENABLE   0x1a0u
#define MSR_MTRR_DEF_TYPE 0x2ffu

static const struct {
	unsigned cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

int kvm_open(struct kvm *k, struct err *e)
{
	*k = (struct kvm){ .device = -1, .machine = -1 };
	k->device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->device < 0) {
		err_sys(e, "open /dev/kvm");
		return errno == EACCES
			       ? err_append(
					 e,
					 " (usermod --append --groups kvm USER, and log in again)")
			       : -1;
	}
	int version = ioctl(k->device, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return version < 0
			       ? err_sys(e, "/dev/kvm: ask for its version")
			       : err_set(e, ERR_UNSUPPORTED, 0, "/dev/kvm has version %d, not %d",
					 version, KVM_API_VERSION);
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (ioctl(k->device, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return err_set(e, ERR_UNSUPPORTED, 0, "/dev/kvm lacks %s", needed[i].name);
	int bytes = ioctl(k->device, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (bytes < (int)sizeof(struct kvm_run))
		return err_sys(e, "/dev/kvm: ask for the size of a processor");
	k->run_bytes = (size_t)bytes;
	return 0;
}

static int set_memory(const struct kvm *k, unsigned slot, uint64_t address, void *at,
		      uint64_t bytes, struct err *e)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.guest_phys_addr = address,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)at,
	};

	if (bytes && ioctl(k->machine, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return err_sys(e, "KVM: give the machine %llu MiB of memory",
			       (unsigned long long)bytes >> 20);
	return 0;
}

int kvm_machine_make(struct kvm *k, const struct guest_memory *m, struct err *e)
{
	uint64_t identity = IDENTITY_ADDRESS;

	do
		k->machine = ioctl(k->device, KVM_CREATE_VM, 0);
	while (k->machine < 0 && errno == EINTR);
	if (k->machine < 0)
		return err_sys(e, "KVM: make a machine");
	if (ioctl(k->machine, KVM_SET_TSS_ADDR, TSS_ADDRESS) < 0 ||
	    ioctl(k->machine, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
		return err_sys(e, "KVM: set its own pages aside");
	if (ioctl(k->machine, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(e, "KVM: make interrupt controllers");
	if (set_memory(k, 0, 0, m->low, m->low_bytes, e) < 0)
		return -1;
	return set_memory(k, 1, MEMORY_HOLE_END, m->high, m->high_bytes, e);
}

static int set_cpuid(const struct kvm *k, const struct kvm_cpu *c, unsigned index, unsigned count,
		     struct err *e)
{
	struct cpu_table t;

	/* The kernel's own struct ends with an array of no length, which cannot stand on a stack. */
	_Static_assert(sizeof(struct kvm_cpuid2) == offsetof(struct cpu_table, entries),
		       "same shape");
	memset(&t, 0, sizeof t);
	t.count = CPU_ENTRIES_MAX;
	if (ioctl(k->device, KVM_GET_SUPPORTED_CPUID, &t) < 0)
		return err_sys(e, "KVM: ask what processors can do");
	struct cpu_place place = {
		.index = index,
		.count = count,
		.tsc_deadline =
			ioctl(k->device, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	};
	cpu_filter(&t, &place);
	return ioctl(c->fd, KVM_SET_CPUID2, &t) < 0
		       ? err_sys(e, "KVM: say what processor %u can do", index)
		       : 0;
}

/* One by one, and what this KVM does not know is left as it is: the sets differ between processors. */
static void set_msrs(const struct kvm_cpu *c)
{
	static const struct kvm_msr_entry msrs[] = {
		{ .index = MSR_MISC_ENABLE, .data = 1 },       /* fast string operations */
		{ .index = MSR_MTRR_DEF_TYPE, .data = 0x806 }, /* all memory is write-back */
	};
	/* struct kvm_msrs with one entry. */
	struct {
		uint32_t count, padding;
		struct kvm_msr_entry entry;
	} one;

	_Static_assert(sizeof(struct kvm_msrs) == 8, "same shape");

	for (size_t i = 0; i < sizeof msrs / sizeof *msrs; i++) {
		memset(&one, 0, sizeof one);
		one.count = 1;
		one.entry = msrs[i];
		(void)ioctl(c->fd, KVM_SET_MSRS, &one);
	}
}

/* What firmware leaves: external interrupts on line 0, non-maskable ones on line 1. */
static int set_lapic(const struct kvm_cpu *c, unsigned index, struct err *e)
{
	struct kvm_lapic_state s;
	uint32_t lint[2];

	if (ioctl(c->fd, KVM_GET_LAPIC, &s) < 0)
		return err_sys(e, "KVM: read the interrupt controller of processor %u", index);
	memcpy(&lint[0], s.regs + 0x350, 4);
	memcpy(&lint[1], s.regs + 0x360, 4);
	lint[0] = (lint[0] & ~0x700u) | 0x700u;
	lint[1] = (lint[1] & ~0x700u) | 0x400u;
	memcpy(s.regs + 0x350, &lint[0], 4);
	memcpy(s.regs + 0x360, &lint[1], 4);
	return ioctl(c->fd, KVM_SET_LAPIC, &s) < 0
		       ? err_sys(e, "KVM: set up the interrupt controller of processor %u", index)
		       : 0;
}

static int set_registers(const struct kvm_cpu *c, const struct boot_entry *entry, struct err *e)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(c->fd, KVM_GET_SREGS, &sregs) < 0)
		return err_sys(e, "KVM: read registers");
	cpu_entry(entry, &regs, &sregs);
	if (ioctl(c->fd, KVM_SET_SREGS, &sregs) < 0 || ioctl(c->fd, KVM_SET_REGS, &regs) < 0)
		return err_sys(e, "KVM: set registers");
	return 0;
}

#ifdef KVM_GET_STATS_FD
/* Where the count of exits stands among the statistics. Without it there is no figure, that is all. */
static void find_exits(struct kvm_cpu *c)
{
	struct kvm_stats_header h;
	union {
		struct kvm_stats_desc d;
		char bytes[sizeof(struct kvm_stats_desc) + 64];
	} u;

	if (c->stats < 0 || pread(c->stats, &h, sizeof h, 0) != sizeof h || h.name_size > 64)
		return;
	for (uint32_t i = 0; i < h.num_desc; i++) {
		size_t size = sizeof u.d + h.name_size;
		memset(&u, 0, sizeof u);
		if (pread(c->stats, &u, size, (off_t)(h.desc_offset + i * size)) != (ssize_t)size)
			return;
		if (!strncmp(u.bytes + sizeof u.d, "exits", h.name_size)) {
			c->stats_offset = h.data_offset + u.d.offset;
			return;
		}
	}
}
#endif

int kvm_cpu_make(const struct kvm *k, unsigned index, unsigned count,
		 const struct boot_entry *entry, struct kvm_cpu *c, struct err *e)
{
	*c = (struct kvm_cpu){ .stats = -1 };
	c->fd = ioctl(k->machine, KVM_CREATE_VCPU, index);
	if (c->fd < 0)
		return err_sys(e, "KVM: make processor %u", index);
	c->run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (c->run == MAP_FAILED)
		return err_sys(e, "KVM: map processor %u", index);
	if (set_cpuid(k, c, index, count, e) < 0 || set_lapic(c, index, e) < 0)
		return -1;
	set_msrs(c);
#ifdef KVM_GET_STATS_FD
	c->stats = ioctl(c->fd, KVM_GET_STATS_FD, 0);
	find_exits(c);
#endif
	return entry ? set_registers(c, entry, e) : 0;
}

int kvm_line(const struct kvm *k, int fd, uint32_t line, struct err *e)
{
	struct kvm_irqfd i = { .fd = (uint32_t)fd, .gsi = line };

	return ioctl(k->machine, KVM_IRQFD, &i) < 0 ? err_sys(e, "KVM: bind interrupt %u", line)
						    : 0;
}

int kvm_doorbell(const struct kvm *k, int fd, uint64_t address, uint32_t value, struct err *e)
{
	struct kvm_ioeventfd i = {
		.datamatch = value,
		.addr = address,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return ioctl(k->machine, KVM_IOEVENTFD, &i) < 0
		       ? err_sys(e, "KVM: bind the doorbell at %llx", (unsigned long long)address)
		       : 0;
}

uint64_t kvm_cpu_exits(const struct kvm_cpu *c)
{
	uint64_t exits = 0;

	if (c->stats < 0 || !c->stats_offset ||
	    pread(c->stats, &exits, sizeof exits, (off_t)c->stats_offset) != sizeof exits)
		return 0;
	return exits;
}
