/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_VHOST_USER_H
#define HUSK_VMM_VHOST_USER_H

#include "vm-shim/vmm/virtio.h"

/*
 * The front end of the vhost-user protocol, as QEMU documents it (docs/interop/vhost-user.rst): a process at the
 * other end of a socket serves a device's queues. All calls are answered, or end after some seconds.
 */

struct vhost_user {
	int fd;
	uint64_t features; /* the process's, of virtio and of the protocol */
	uint64_t protocol;
};

/* Greet, learn the features, and hand over the guest's memory, which must have a descriptor. */
int vhost_user_init(struct vhost_user *v, int fd, const struct guest_memory *m, struct err *e);
/* What the driver accepted, before the first queue. */
int vhost_user_features(struct vhost_user *v, uint64_t accepted, struct err *e);
/* Queue @q from now on is the process's: it waits on q->kick and raises @irq. */
int vhost_user_queue_start(struct vhost_user *v, const struct virtio_queue *q, int irq,
			   struct err *e);
/* When it returns, the process does not touch the queue any more. */
int vhost_user_queue_stop(struct vhost_user *v, unsigned queue, struct err *e);

#endif
