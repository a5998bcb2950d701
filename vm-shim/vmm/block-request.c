/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of virtio-blk (virtio 1.2, 5.2.6). All numbers in them are the guest's. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <unistd.h>

#include "vm-shim/vmm/block.h"

#define ZEROS_BYTES 65536u

static bool within(const struct block *b, uint64_t sector, uint64_t sectors)
{
	return sector <= b->sectors && sectors <= b->sectors - sector;
}

/* All of @bytes at @offset of the disk, from or to @bytes behind @skip of the driver's buffers. */
static int transfer(const struct block *b, bool reading, const struct iovec *from, unsigned count,
		    uint64_t skip, uint64_t bytes, uint64_t offset)
{
	struct iovec part[VIRTIO_CHAIN_MAX];
	uint64_t done = 0;

	while (done < bytes) {
		unsigned n = virtio_slice(from, count, skip + done, bytes - done, part);
		off_t at = (off_t)(offset + done);
		ssize_t moved = reading ? preadv(b->fd, part, (int)n, at)
					: pwritev(b->fd, part, (int)n, at);

		if (moved < 0 && errno == EINTR)
			continue;
		/* A file that somebody has made shorter. */
		if (moved <= 0)
			return -1;
		done += (uint64_t)moved;
	}
	return 0;
}

/* The kernel's flushing of what earlier requests wrote is asked for by the guest, where it needs it. */
static uint8_t read_or_write(const struct block *b, const struct virtio_chain *chain, bool reading,
			     uint64_t sector, uint32_t *written)
{
	uint64_t bytes =
		reading ? chain->out_bytes - 1 : chain->in_bytes - sizeof(struct virtio_blk_outhdr);

	if (bytes % BLOCK_SECTOR || !within(b, sector, bytes / BLOCK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	if (!reading && b->readonly)
		return VIRTIO_BLK_S_IOERR;
	if (reading ? transfer(b, true, chain->out, chain->out_count, 0, bytes,
			       sector * BLOCK_SECTOR)
		    : transfer(b, false, chain->in, chain->in_count,
			       sizeof(struct virtio_blk_outhdr), bytes, sector * BLOCK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	if (reading)
		*written = (uint32_t)bytes;
	return VIRTIO_BLK_S_OK;
}

static int write_zeros(const struct block *b, uint64_t offset, uint64_t bytes)
{
	static const uint8_t zeros[ZEROS_BYTES];

	while (bytes) {
		size_t want = bytes < sizeof zeros ? (size_t)bytes : sizeof zeros;
		ssize_t n = pwrite(b->fd, zeros, want, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		offset += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
	return 0;
}

static int allocate(const struct block *b, int mode, uint64_t offset, uint64_t bytes)
{
	int result;

	do
		result = fallocate(b->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes);
	while (result < 0 && errno == EINTR);
	return result;
}

/* Discarding is a wish: where it cannot be fulfilled the data just stays. Zeros are a promise. */
static uint8_t clear(const struct block *b, bool discard, uint64_t sector, uint64_t sectors,
		     bool unmap)
{
	uint64_t offset = sector * BLOCK_SECTOR, bytes = sectors * BLOCK_SECTOR;

	if (!bytes)
		return VIRTIO_BLK_S_OK;
	if (discard) {
		if (allocate(b, FALLOC_FL_PUNCH_HOLE, offset, bytes) == 0 || errno == EOPNOTSUPP)
			return VIRTIO_BLK_S_OK;
		return VIRTIO_BLK_S_IOERR;
	}
	if (unmap && allocate(b, FALLOC_FL_PUNCH_HOLE, offset, bytes) == 0)
		return VIRTIO_BLK_S_OK;
	if (allocate(b, FALLOC_FL_ZERO_RANGE, offset, bytes) == 0 ||
	    write_zeros(b, offset, bytes) == 0)
		return VIRTIO_BLK_S_OK;
	return VIRTIO_BLK_S_IOERR;
}

static uint8_t discard_or_zero(const struct block *b, const struct virtio_chain *chain,
			       bool discard)
{
	struct virtio_blk_discard_write_zeroes segments[BLOCK_SEGMENTS_MAX], *s = segments;
	uint64_t bytes = chain->in_bytes - sizeof(struct virtio_blk_outhdr);
	uint32_t limit = discard ? BLOCK_DISCARD_SECTORS : BLOCK_WRITE_ZERO_SECTORS;
	uint32_t allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	if (b->readonly || !bytes || bytes % sizeof *s || bytes > sizeof segments)
		return VIRTIO_BLK_S_IOERR;
	size_t count = virtio_chain_read(chain, sizeof(struct virtio_blk_outhdr), segments,
					 (size_t)bytes) /
		       sizeof *s;
	for (; count; count--, s++) {
		uint64_t sector = le64toh(s->sector);
		uint32_t sectors = le32toh(s->num_sectors), flags = le32toh(s->flags);

		if (flags & ~allowed)
			return VIRTIO_BLK_S_UNSUPP;
		if (sectors > limit || !within(b, sector, sectors))
			return VIRTIO_BLK_S_IOERR;
		uint8_t status = clear(b, discard, sector, sectors, flags);
		if (status != VIRTIO_BLK_S_OK)
			return status;
	}
	return VIRTIO_BLK_S_OK;
}

static uint8_t get_id(const struct block *b, const struct virtio_chain *chain, uint32_t *written)
{
	uint64_t room = chain->out_bytes - 1;
	size_t length = room < sizeof b->serial ? (size_t)room : sizeof b->serial;

	*written = (uint32_t)virtio_chain_write(chain, 0, b->serial, length);
	return VIRTIO_BLK_S_OK;
}

uint8_t block_request(const struct block *b, const struct virtio_chain *chain, uint32_t *written)
{
	struct virtio_blk_outhdr head;

	*written = 0;
	if (virtio_chain_read(chain, 0, &head, sizeof head) != sizeof head)
		return VIRTIO_BLK_S_IOERR;
	uint32_t type = le32toh(head.type);
	switch (type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return read_or_write(b, chain, type == VIRTIO_BLK_T_IN, le64toh(head.sector),
				     written);
	case VIRTIO_BLK_T_FLUSH:
		return b->readonly || fdatasync(b->fd) == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_GET_ID:
		return get_id(b, chain, written);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return discard_or_zero(b, chain, type == VIRTIO_BLK_T_DISCARD);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}
