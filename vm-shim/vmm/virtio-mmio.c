/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of virtio over MMIO, version 2 (virtio 1.2, 4.2.2). */
#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "vm-shim/vmm/virtio.h"

#define MAGIC  0x74726976u /* "virt" */
#define VENDOR 0x6b737568u /* "husk" */

static struct virtio_queue *selected(struct virtio_device *d)
{
	return d->queue_select < d->queues_count ? d->queues + d->queue_select : NULL;
}

static uint32_t read_queue(struct virtio_device *d, uint32_t offset)
{
	const struct virtio_queue *q = selected(d);

	if (!q)
		return 0;
	return offset == VIRTIO_MMIO_QUEUE_NUM_MAX ? VIRTIO_QUEUE_SIZE_MAX : q->ready;
}

static uint32_t read_register(struct virtio_device *d, uint32_t offset)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return d->ops->type;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return d->features_select > 1 ? 0
					      : (uint32_t)(d->offered >> 32 * d->features_select);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
	case VIRTIO_MMIO_QUEUE_READY:
		return read_queue(d, offset);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		/* Who serves the queues raises the interrupt itself, without telling. */
		return d->isr | (d->external ? 1 : 0);
	case VIRTIO_MMIO_STATUS:
		return d->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* no such region */
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return d->generation;
	default:
		return 0;
	}
}

static bool config_access(uint32_t offset, uint32_t length)
{
	return offset >= VIRTIO_MMIO_CONFIG && offset < VIRTIO_REGION_BYTES &&
	       length <= VIRTIO_REGION_BYTES - offset;
}

void virtio_mmio_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	if (!length || length > 8)
		return;
	memset(data, 0, length);
	if (config_access(offset, length)) {
		d->ops->config_read(d, offset - VIRTIO_MMIO_CONFIG, data, length);
	} else if (length == 4 && offset % 4 == 0) {
		uint32_t value = htole32(read_register(d, offset));

		memcpy(data, &value, sizeof value);
	}
}

static void write_accepted(struct virtio_device *d, uint32_t value)
{
	if (d->status & VIRTIO_CONFIG_S_FEATURES_OK || !(d->status & VIRTIO_CONFIG_S_DRIVER))
		return;
	if (d->accepted_select > 1)
		return;
	unsigned shift = 32 * d->accepted_select;
	d->accepted = (d->accepted & ~(0xffffffffull << shift)) | (uint64_t)value << shift;
}

static void address_half(uint64_t *address, bool high, uint32_t value)
{
	*address = high ? (*address & 0xffffffffull) | (uint64_t)value << 32
			: (*address & ~0xffffffffull) | value;
}

/* What a queue is made of stays as it is while the queue is in use. */
static void write_queue(struct virtio_device *d, uint32_t offset, uint32_t value)
{
	struct virtio_queue *q = selected(d);

	if (!q || d->broken)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		if (!value && q->ready)
			virtio_queue_stop(q);
		else if (value == 1 && !q->ready && d->status & VIRTIO_CONFIG_S_FEATURES_OK)
			(void)virtio_queue_start(q);
		return;
	}
	if (q->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		if (value && value <= VIRTIO_QUEUE_SIZE_MAX && !(value & (value - 1)))
			q->size = (uint16_t)value;
		return;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		address_half(&q->descriptors, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
		return;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		address_half(&q->available, offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH, value);
		return;
	default:
		address_half(&q->used, offset == VIRTIO_MMIO_QUEUE_USED_HIGH, value);
	}
}

static void driver_ok(struct virtio_device *d)
{
	struct err e = { 0 };

	d->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	d->driver_ok_count++;
	if (d->ops->start(d, &e) < 0) {
		virtio_broken(d, "the device did not start");
		return;
	}
	/* What is in a queue by now was perhaps not notified. */
	for (unsigned i = 0; !d->external && i < d->queues_count; i++)
		if (d->queues[i].ready)
			virtio_queue_again(d->queues + i);
}

/* Bits are only added, in their order; 0 starts again. */
static void write_status(struct virtio_device *d, uint32_t value)
{
	uint32_t known = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
			 VIRTIO_CONFIG_S_FAILED;

	if (!value) {
		virtio_reset(d);
		return;
	}
	uint32_t added = value & known & ~d->status;
	d->status |= added & (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FAILED);
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && d->status & VIRTIO_CONFIG_S_DRIVER &&
	    !(d->accepted & ~d->offered) && d->accepted >> VIRTIO_F_VERSION_1 & 1)
		d->status |= VIRTIO_CONFIG_S_FEATURES_OK;
	if (added & VIRTIO_CONFIG_S_DRIVER_OK && d->status & VIRTIO_CONFIG_S_FEATURES_OK &&
	    !d->broken)
		driver_ok(d);
}

static void write_register(struct virtio_device *d, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		d->features_select = value;
		return;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_accepted(d, value);
		return;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		d->accepted_select = value;
		return;
	case VIRTIO_MMIO_QUEUE_SEL:
		d->queue_select = value;
		return;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value < d->queues_count)
			virtio_queue_again(d->queues + value);
		return;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		d->isr &= ~value;
		return;
	case VIRTIO_MMIO_STATUS:
		write_status(d, value);
		return;
	case VIRTIO_MMIO_QUEUE_NUM:
	case VIRTIO_MMIO_QUEUE_READY:
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		write_queue(d, offset, value);
		return;
	default:
		return;
	}
}

void virtio_mmio_write(struct virtio_device *d, uint32_t offset, const void *data, uint32_t length)
{
	uint32_t value;

	if (!length || length > 8)
		return;
	if (config_access(offset, length)) {
		if (d->ops->config_write)
			d->ops->config_write(d, offset - VIRTIO_MMIO_CONFIG, data, length);
	} else if (length == sizeof value && offset % 4 == 0) {
		memcpy(&value, data, sizeof value);
		write_register(d, offset, le32toh(value));
	}
}
