/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_VIRTIO_H
#define HUSK_VMM_VIRTIO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "src/base/err.h"
#include "vm-shim/vmm/loop.h"
#include "vm-shim/vmm/memory.h"

/*
 * virtio 1.2 over MMIO (sections 2.7 and 4.2). Whatever the guest writes is hostile: rings and chains are
 * looked at only through memory_at(), read once, and a device whose driver breaks the rules gets
 * DEVICE_NEEDS_RESET and does nothing until its reset.
 *
 * Threads: registers are accessed by vCPU threads, queues are served by the loop's thread; each holds the
 * machine's device lock meanwhile.
 */

#define VIRTIO_QUEUES_MAX     12
#define VIRTIO_QUEUE_SIZE_MAX 256
#define VIRTIO_CHAIN_MAX      256 /* descriptors of one chain, indirect ones included */
#define VIRTIO_REGION_BYTES   0x1000

struct virtio_device;

struct virtio_queue {
	uint16_t size; /* 0: not set up */
	bool ready;
	uint64_t descriptors, available, used; /* guest addresses */
	uint16_t next_available, next_used;
	uint16_t signalled; /* next_used at the last interrupt, for event idx */
	bool signalled_valid;
	uint32_t
		epoch; /* changes when the queue is stopped: chains from before are not given back */
	int kick;      /* eventfd: the guest notified (ioeventfd, or a register write) */
	struct loop_source source;
	struct virtio_device *device;
	unsigned index;
};

/* One buffer of the driver's: what the device reads, then what it writes. */
struct virtio_chain {
	uint16_t head;
	uint32_t epoch;
	struct iovec in[VIRTIO_CHAIN_MAX];  /* readable */
	struct iovec out[VIRTIO_CHAIN_MAX]; /* writable */
	unsigned in_count, out_count;
	uint64_t in_bytes, out_bytes;
};

struct virtio_ops {
	uint32_t type; /* 1 net, 2 block, 3 console, 4 entropy, 5 balloon, 26 file system */
	const char *name;
	/* The device's configuration; bytes beyond it read as 0. */
	void (*config_read)(struct virtio_device *d, uint32_t offset, void *data, uint32_t length);
	void (*config_write)(struct virtio_device *d, uint32_t offset, const void *data,
			     uint32_t length);
	/* DRIVER_OK was set; queues may be used from now on. -1: the device needs a reset. */
	int (*start)(struct virtio_device *d, struct err *e);
	void (*reset)(struct virtio_device *d);
	/* The driver has put something into @queue. */
	void (*notify)(struct virtio_device *d, unsigned queue);
	/* What is in @state, and @state itself; the rest is done by device_free(). */
	void (*free)(struct virtio_device *d);
};

struct virtio_device {
	const struct virtio_ops *ops;
	void *state; /* the device's own */
	const struct guest_memory *memory;
	struct loop *loop;
	pthread_mutex_t *lock;      /* the machine's, for all devices */
	uint64_t offered, accepted; /* features, VIRTIO_F_VERSION_1 included */
	uint32_t features_select, accepted_select, queue_select, status, isr, generation;
	struct virtio_queue queues[VIRTIO_QUEUES_MAX];
	unsigned queues_count;
	int irq;       /* eventfd, bound to the device's interrupt */
	bool external; /* a vhost-user process serves the queues and raises irq: ISR reads as 1 */
	bool broken;
	const char *broken_why;   /* a constant; stays after the reset, for messages */
	uint64_t driver_ok_count; /* for the boot watchdog */
};

/*
 * Fill in what all devices have; @d is zeroed but for @external. Eventfds are made, those of queues are
 * watched unless a process serves them. @features: the device's own ones; what rings can do is added,
 * unless @external, where the process must be able to do it.
 */
int virtio_init(struct virtio_device *d, const struct virtio_ops *ops, void *state, unsigned queues,
		uint64_t features, struct loop *loop, const struct guest_memory *memory,
		pthread_mutex_t *lock, struct err *e);
void virtio_free(struct virtio_device *d);

/* A register access of a vCPU, 1 to 8 bytes, lock held by the caller. Anything odd reads 0, writes nothing. */
void virtio_mmio_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length);
void virtio_mmio_write(struct virtio_device *d, uint32_t offset, const void *data, uint32_t length);

/* 1 and the next chain, 0 when there is none, -1 when the driver breaks the rules (the device is broken then). */
int virtio_queue_next(struct virtio_queue *q, struct virtio_chain *chain);
/* Give @chain back with @written bytes in its writable part. */
void virtio_queue_give(struct virtio_queue *q, const struct virtio_chain *chain, uint32_t written);
/*
 * The same for several chains that the driver must see at once: put them at @ahead 0, 1, ... and then
 * publish their count. Chains that were taken last and not put can be taken back into the queue by
 * setting next_available to what it was.
 */
void virtio_queue_put(struct virtio_queue *q, const struct virtio_chain *chain, uint32_t written,
		      uint16_t ahead);
void virtio_queue_publish(struct virtio_queue *q, uint16_t count);
/* Serve @q again in the loop's next turn: after a bounded batch, so that others get theirs. */
void virtio_queue_again(struct virtio_queue *q);
/* Interrupt the guest if it wants to be. After a batch of virtio_queue_give(). */
void virtio_queue_signal(struct virtio_queue *q);
void virtio_config_changed(struct virtio_device *d);
/* The driver broke the rules in a way that only the device sees. @why is a constant. */
void virtio_broken(struct virtio_device *d, const char *why);
/* DRIVER_OK is set and nothing is broken. */
bool virtio_running(const struct virtio_device *d);
/* All to the state after power-on; the device's reset is called. */
void virtio_reset(struct virtio_device *d);
/* Queue @q, ready and in memory? Called when the driver says so; -1: the device is broken. */
int virtio_queue_start(struct virtio_queue *q);
void virtio_queue_stop(struct virtio_queue *q);

/* For config_read: what of @config is at @offset; @data holds zeros already. */
void virtio_config_copy(const void *config, size_t size, uint32_t offset, void *data,
			uint32_t length);

/* Up to @length bytes from @offset of a chain's readable part; how many there were. */
size_t virtio_chain_read(const struct virtio_chain *chain, uint64_t offset, void *data,
			 size_t length);
/* Up to @length bytes to @offset of its writable part; how many had room. */
size_t virtio_chain_write(const struct virtio_chain *chain, uint64_t offset, const void *data,
			  size_t length);
/* The piece of @from that starts at @offset and has at most @length bytes: as many entries in @to (of
 * VIRTIO_CHAIN_MAX) as are returned. */
unsigned virtio_slice(const struct iovec *from, unsigned count, uint64_t offset, uint64_t length,
		      struct iovec *to);

#endif
