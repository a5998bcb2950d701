/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TEST_VIRTIO_DRIVER_H
#define HUSK_TEST_VIRTIO_DRIVER_H

#include "vm-shim/vmm/devices.h"

/*
 * The guest's side of a virtio device, for tests and fuzzers: a machine of plain memory, rings in it, and
 * register accesses as a vCPU makes them. Nothing here checks; it can write any nonsense.
 */

#define DRIVER_DATA  0x40000ull /* guest address of what is free for buffers; queues are below */
#define DRIVER_BYTES (4ull << 20)

/* Flags of descriptors. */
#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

struct driver_queue {
	uint16_t size, available_index, seen;
};

struct driver {
	struct guest_memory memory;
	struct loop loop;
	pthread_mutex_t lock;
	struct device_host host;
	struct virtio_device *d;
	struct driver_queue queues[VIRTIO_QUEUES_MAX];
};

/* Memory, loop and lock; the device is made with dr->host and put into dr->d. 0 or -1. */
int driver_init(struct driver *dr);
/* The device, if there is one, and the rest. */
void driver_free(struct driver *dr);

uint32_t driver_get(struct driver *dr, uint32_t offset);
void driver_set(struct driver *dr, uint32_t offset, uint32_t value);
void driver_config(struct driver *dr, uint32_t offset, void *data, uint32_t length);

/* All that a driver does up to DRIVER_OK: accepts @features of what is offered, queues of @size. 0, or -1
 * where the device did not take it. */
int driver_start(struct driver *dr, uint64_t features, uint16_t size);
/* The pieces of it. */
int driver_negotiate(struct driver *dr, uint64_t features);
void driver_queue_setup(struct driver *dr, unsigned queue, uint16_t size);
uint64_t driver_offered(struct driver *dr);

void *driver_at(struct driver *dr, uint64_t address);
uint64_t driver_descriptors(unsigned queue);
uint64_t driver_available(unsigned queue);
uint64_t driver_used(unsigned queue);
/* Where the descriptor @i of a table at @table is written. */
void driver_descriptor(struct driver *dr, uint64_t table, unsigned i, uint64_t address,
		       uint32_t length, uint16_t flags, uint16_t next);
/* In the queue's own table. */
void driver_own(struct driver *dr, unsigned queue, unsigned i, uint64_t address, uint32_t length,
		uint16_t flags, uint16_t next);
/* Make the chain @head available, without and with a notification. */
void driver_put(struct driver *dr, unsigned queue, uint16_t head);
void driver_offer(struct driver *dr, unsigned queue, uint16_t head);
void driver_notify(struct driver *dr, unsigned queue);
/* Let the device's loop run until nothing is left to do. */
void driver_run(struct driver *dr);
/* The next used buffer: true and its head and length. */
bool driver_take(struct driver *dr, unsigned queue, uint32_t *head, uint32_t *length);
/* Interrupts since the last call. */
uint64_t driver_interrupts(struct driver *dr);

#endif
