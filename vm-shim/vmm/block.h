/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_BLOCK_H
#define HUSK_VMM_BLOCK_H

#include "vm-shim/vmm/devices.h"

/* Inside of virtio-blk: one request, apart from queues and locks. */

#define BLOCK_SECTOR             512u
#define BLOCK_SEGMENTS_MAX       16u         /* of one discard or write-zeroes */
#define BLOCK_DISCARD_SECTORS    (4u << 20)  /* of one segment: 2 GiB */
#define BLOCK_WRITE_ZERO_SECTORS (64u << 10) /* 32 MiB: perhaps they are written one by one */

struct block {
	struct virtio_device *device;
	int fd;
	bool readonly;
	uint64_t sectors;
	uint32_t block_bytes;
	char serial[20];
	/* A request is being done without the lock; who resets waits for the end of it. */
	bool busy;
	pthread_cond_t idle;
	struct virtio_chain chain;
};

/* Do what @chain asks for; VIRTIO_BLK_S_* and how many bytes of its writable part, the last one excepted,
 * hold data now. */
uint8_t block_request(const struct block *b, const struct virtio_chain *chain, uint32_t *written);

#endif
