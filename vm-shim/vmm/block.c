/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-blk over a raw image or a block device. */
#include <endian.h>
#include <errno.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-shim/vmm/block.h"

#define REQUESTS 1
#define BATCH    16

/*
 * One request, without the lock: disks are slow, and vCPUs want to get at registers meanwhile. Whoever stops
 * the device waits; the chain knows by its epoch that it is of no use any more.
 */
static void serve(struct block *b, struct virtio_queue *q)
{
	pthread_mutex_t *lock = b->device->lock;
	uint32_t written;

	b->busy = true;
	pthread_mutex_unlock(lock);
	uint8_t status = block_request(b, &b->chain, &written);
	pthread_mutex_lock(lock);
	b->busy = false;
	pthread_cond_broadcast(&b->idle);
	if (b->chain.epoch != q->epoch)
		return;
	virtio_chain_write(&b->chain, b->chain.out_bytes - 1, &status, 1);
	virtio_queue_give(q, &b->chain, written + 1);
	virtio_queue_signal(q);
}

static void notify(struct virtio_device *d, unsigned queue)
{
	struct block *b = d->state;
	struct virtio_queue *q = d->queues + queue;

	for (int i = 0; virtio_queue_next(q, &b->chain) > 0; i++) {
		if (b->chain.in_bytes < sizeof(struct virtio_blk_outhdr) || !b->chain.out_bytes) {
			virtio_broken(d, "disk request without a header or room for its status");
			return;
		}
		serve(b, q);
		if (i == BATCH) {
			virtio_queue_again(q);
			break;
		}
	}
	virtio_queue_signal(q);
}

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	const struct block *b = d->state;
	struct virtio_blk_config config = {
		.capacity = htole64(b->sectors),
		/* A chain without header and status. */
		.seg_max = htole32(VIRTIO_CHAIN_MAX - 2),
		.blk_size = htole32(b->block_bytes),
		.max_discard_sectors = htole32(BLOCK_DISCARD_SECTORS),
		.max_discard_seg = htole32(BLOCK_SEGMENTS_MAX),
		.discard_sector_alignment = htole32(b->block_bytes / BLOCK_SECTOR),
		.max_write_zeroes_sectors = htole32(BLOCK_WRITE_ZERO_SECTORS),
		.max_write_zeroes_seg = htole32(BLOCK_SEGMENTS_MAX),
		.write_zeroes_may_unmap = 1,
	};

	virtio_config_copy(&config, sizeof config, offset, data, length);
}

static int start(struct virtio_device *d, struct err *e)
{
	(void)d, (void)e;
	return 0;
}

static void reset(struct virtio_device *d)
{
	struct block *b = d->state;

	while (b->busy)
		pthread_cond_wait(&b->idle, d->lock);
}

static void end(struct virtio_device *d)
{
	struct block *b = d->state;

	pthread_cond_destroy(&b->idle);
	free(b);
}

static const struct virtio_ops ops = {
	.type = 2,
	.name = "virtio-blk",
	.config_read = config_read,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

/* How large it is, and what it wants to be written in. Bytes behind the last whole sector are not seen. */
static int measure(struct block *b, struct err *e)
{
	struct stat st;
	uint64_t bytes;
	int block = 0;

	if (fstat(b->fd, &st) < 0)
		return err_sys(e, "disk: descriptor %d", b->fd);
	b->block_bytes = BLOCK_SECTOR;
	if (S_ISREG(st.st_mode)) {
		bytes = (uint64_t)st.st_size;
	} else if (!S_ISBLK(st.st_mode)) {
		return err_set(e, ERR_CONFIG, 0,
			       "disk: descriptor %d is neither a file nor a block device", b->fd);
	} else if (ioctl(b->fd, BLKGETSIZE64, &bytes) < 0 || ioctl(b->fd, BLKSSZGET, &block) < 0) {
		return err_sys(e, "disk: size of the block device at descriptor %d", b->fd);
	} else if (block >= (int)BLOCK_SECTOR) {
		b->block_bytes = (uint32_t)block;
	}
	b->sectors = bytes / b->block_bytes * (b->block_bytes / BLOCK_SECTOR);
	return 0;
}

struct virtio_device *block_make(const struct device_host *h, const struct vm_disk *disk,
				 struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);
	struct block *b = calloc(1, sizeof *b);
	uint64_t features = 1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE;

	if (!d || !b) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-blk");
		free(d);
		free(b);
		return NULL;
	}
	b->device = d;
	b->fd = disk->fd;
	b->readonly = disk->readonly;
	memcpy(b->serial, disk->serial, sizeof b->serial);
	pthread_cond_init(&b->idle, NULL);
	features |= b->readonly ? 1ull << VIRTIO_BLK_F_RO
				: 1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_DISCARD |
					  1ull << VIRTIO_BLK_F_WRITE_ZEROES;
	if (virtio_init(d, &ops, b, REQUESTS, features, h->loop, h->memory, h->lock, e) < 0 ||
	    measure(b, e) < 0) {
		device_free(d);
		return NULL;
	}
	return d;
}
