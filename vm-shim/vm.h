/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VM_H
#define HUSK_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "vm-shim/guest/guest.h"
#include "vm-shim/wire/wire.h"

/*
 * The virtual machine around a container: the only header of vm-shim/ that runtime/ sees.
 *
 * A machine is described by struct vm_config, in which everything is open already: whoever runs it needs
 * no path any more. A backend is a way to run it. The caller forks, and the child calls the backend's
 * become(): it does not come back when all goes well.
 */

#define VM_PORTS_MAX 4
#define VM_DISKS_MAX 8
#define VM_NETS_MAX  2
#define VM_VCPUS_MAX 32
/* The kernels' own need: below it they die without a word (bzImage's init_size, see guest.h). */
#define VM_MEMORY_BYTES_MIN (96ull << 20)

struct vm_disk {
	int fd; /* raw image or block device */
	bool readonly;
	char serial[20]; /* /sys/block/X/serial in the guest */
};

/* A named port of virtio-console, on a connected stream socket. */
struct vm_port {
	const char *name;
	int fd;
};

enum vm_net_kind {
	VM_NET_TAP,    /* fd: /dev/net/tun, attached, IFF_VNET_HDR */
	VM_NET_STREAM, /* fd: passt's socket, each frame behind its length (32 bits, big endian) */
};

struct vm_net {
	enum vm_net_kind kind;
	int fd;
	uint8_t mac[6];
	uint16_t mtu; /* 0: not said */
	bool link_down;
};

/* A directory shared by virtio-fs: virtiofsd's end of the vhost-user socket is at work already. */
struct vm_share {
	const char *tag;
	int fd;
};

struct vm_config {
	const char *name; /* for messages */
	int kernel_fd, initrd_fd;
	const char *kernel_path,
		*initrd_path; /* the same, for backends that must execute something */
	const char *cmdline;  /* the user's; the backend adds what its machine needs */
	uint64_t memory_bytes;
	unsigned vcpus;
	bool prealloc, mergeable;
	bool verbose;   /* the kernel's messages go to console_fd; else only panics are kept */
	int console_fd; /* what the kernel writes; -1: the last of it is kept for the report */
	struct vm_disk disks[VM_DISKS_MAX];
	size_t disks_count;
	struct vm_port ports[VM_PORTS_MAX];
	size_t ports_count;
	struct vm_net nets[VM_NETS_MAX];
	size_t nets_count;
	const struct vm_share *share; /* or NULL */
	bool balloon;
	uint32_t boot_timeout_msec; /* until the guest's driver takes its first device; 0: none */
};

/* How a machine ended. */
enum vm_end {
	VM_POWERED_OFF = 1,
	VM_RESET, /* the guest asked for a reboot */
	VM_TRIPLE_FAULT,
	VM_PANICKED,
	VM_BOOT_TIMEOUT,
	VM_BROKEN, /* the monitor or KVM gave up: @error says why */
	VM_KILLED,
};
const char *vm_end_name(enum vm_end end);

/* What a monitor says at its end, in one message on its report descriptor. */
struct vm_report {
	uint32_t size; /* of this struct */
	enum vm_end end;
	uint64_t exits_user, exits_total; /* of all vCPUs; 0: not known */
	struct err error;
	char last_words[1024]; /* of the guest's kernel, NUL at the end */
};

/* The last of what a machine, or a program beside it, has written: text_keep_last(). */
struct vm_words {
	size_t used;
	char text[4096]; /* a panic is followed by many lines */
};

/* What not every backend has. */
enum {
	VM_CAN_COUNT_EXITS = 1 << 0,
	VM_CAN_ISOLATE = 1 << 1, /* as its makers call it; without it: "isolation reduced" */
};

struct vm_backend {
	const char *name; /* "kvm", "qemu" */
	unsigned can;
	/* 0 when it can run machines here; else -1 and @e says why not. Tens of milliseconds at most. */
	int (*usable)(struct err *e);
	/*
	 * Be the machine @c. Runs in a process of its own that has nothing else to do; what it needs is open.
	 * The report goes to @report_fd (a datagram or seqpacket socket). Returns only on failure, -1 with @e.
	 */
	int (*become)(const struct vm_config *c, int report_fd, struct err *e);
	/*
	 * Of a backend that is a program (else NULL), for callers with a jail of their own: the words to execute,
	 * NULL-terminated, in @a. Descriptors of @c keep their numbers and must survive the execve; /proc is needed.
	 * The program reports nothing itself: judge() says how it ended, from its wait status and what came last on
	 * console_fd (which is needed then).
	 */
	int (*command)(const struct vm_config *c, struct arena *a, char ***argv, struct err *e);
	enum vm_end (*judge)(int wait_status, const char *last_words);
};

extern const struct vm_backend vm_backend_kvm, vm_backend_qemu;
/* By name, or NULL. */
const struct vm_backend *vm_backend_find(const char *name);

/* 0 when @c makes sense at all; else -1 with the member that does not. */
int vm_config_check(const struct vm_config *c, struct err *e);

/* Is /dev/kvm one that a kernel can run on (vm-shim/vmm/probe.c)? */
enum vm_probe_verdict {
	VM_PROBE_USABLE = 1,
	VM_PROBE_SLOW,      /* nested in an emulation: usable, time-outs are longer */
	VM_PROBE_EMULATED,  /* KVM interprets supervisor code: no kernel gets through its start */
	VM_PROBE_MISSING,   /* no /dev/kvm */
	VM_PROBE_FORBIDDEN, /* not for this user */
	VM_PROBE_BROKEN,
};
struct vm_probe {
	enum vm_probe_verdict verdict;
	uint32_t nsec_per_iteration;
	char reason[200];
};
void vm_probe_kvm(struct vm_probe *p);

#endif
