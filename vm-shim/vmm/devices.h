/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_DEVICES_H
#define HUSK_VMM_DEVICES_H

#include "vm-shim/vm.h"
#include "vm-shim/vmm/virtio.h"

/*
 * The devices that a machine can have. Each _make() allocates the device (calloc), takes what it needs
 * from its arguments (descriptors stay the caller's, who keeps them open until the machine is freed) and
 * fills in *@d; NULL and @e otherwise. _free() ends it. All of them before the jail is closed.
 */

/* Where devices live: passed to every _make(). */
struct device_host {
	struct loop *loop;
	const struct guest_memory *memory;
	pthread_mutex_t *lock;
};

/*
 * virtio-console with multiport: port 0 is hvc0 (its output goes to @console_fd, -1: dropped), the others
 * have names and are bridged to stream sockets. Output never waits: what a slow reader does not take
 * is held back in the queue, and a console's is dropped. SIGPIPE is ignored by the process.
 */
struct virtio_device *console_make(const struct device_host *h, const struct vm_port *ports,
				   size_t count, int console_fd, struct err *e);
/* Read-only or with flush, discard and write-zeroes. Requests are done in the loop's thread, which lets the
 * lock go meanwhile; a reset waits for the one that is being done. */
struct virtio_device *block_make(const struct device_host *h, const struct vm_disk *disk,
				 struct err *e);
struct virtio_device *net_make(const struct device_host *h, const struct vm_net *net,
			       struct err *e);
struct virtio_device *rng_make(const struct device_host *h, struct err *e);
struct virtio_device *balloon_make(const struct device_host *h, struct err *e);
/* Ask the guest to give back so many bytes (rounded to 4 KiB pages). The lock is held by the caller, here and below. */
void balloon_set(struct virtio_device *d, uint64_t bytes);
struct balloon_stats {
	uint64_t actual_bytes, free_bytes, available_bytes, total_bytes;
	bool valid;
};
/* What the guest said last; asks it to say it again, for the next time. */
void balloon_stats_read(struct virtio_device *d, struct balloon_stats *s);
/* vhost-user front end for virtio-fs; needs memory with a descriptor. */
struct virtio_device *share_make(const struct device_host *h, const struct vm_share *share,
				 struct err *e);
/* Any of them. */
void device_free(struct virtio_device *d);

#endif
