/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a chain, wherever the driver has cut it: no device may rely on where descriptors end. */
#include <string.h>

#include "vm-shim/vmm/virtio.h"

unsigned virtio_slice(const struct iovec *from, unsigned count, uint64_t offset, uint64_t length,
		      struct iovec *to)
{
	unsigned used = 0;

	for (unsigned i = 0; i < count && length; i++) {
		if (offset >= from[i].iov_len) {
			offset -= from[i].iov_len;
			continue;
		}
		size_t take = from[i].iov_len - (size_t)offset;
		if (take > length)
			take = (size_t)length;
		to[used].iov_base = (uint8_t *)from[i].iov_base + offset;
		to[used++].iov_len = take;
		length -= take;
		offset = 0;
	}
	return used;
}

size_t virtio_chain_read(const struct virtio_chain *chain, uint64_t offset, void *data,
			 size_t length)
{
	struct iovec part[VIRTIO_CHAIN_MAX];
	unsigned count = virtio_slice(chain->in, chain->in_count, offset, length, part);
	size_t done = 0;

	for (unsigned i = 0; i < count; i++) {
		memcpy((uint8_t *)data + done, part[i].iov_base, part[i].iov_len);
		done += part[i].iov_len;
	}
	return done;
}

size_t virtio_chain_write(const struct virtio_chain *chain, uint64_t offset, const void *data,
			  size_t length)
{
	struct iovec part[VIRTIO_CHAIN_MAX];
	unsigned count = virtio_slice(chain->out, chain->out_count, offset, length, part);
	size_t done = 0;

	for (unsigned i = 0; i < count; i++) {
		memcpy(part[i].iov_base, (const uint8_t *)data + done, part[i].iov_len);
		done += part[i].iov_len;
	}
	return done;
}
