/* SPDX-License-Identifier: Apache-2.0 */
/* What all virtio devices have in common, whatever their registers look like. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vm-shim/vmm/devices.h"

bool virtio_running(const struct virtio_device *d)
{
	return d->status & VIRTIO_CONFIG_S_DRIVER_OK && !d->broken;
}

/* In the loop's thread. */
static void kicked(void *ctx, uint32_t events)
{
	struct virtio_queue *q = ctx;
	struct virtio_device *d = q->device;
	uint64_t count;

	(void)events;
	pthread_mutex_lock(d->lock);
	(void)!read(q->kick, &count, sizeof count);
	if (virtio_running(d) && q->ready)
		d->ops->notify(d, q->index);
	pthread_mutex_unlock(d->lock);
}

static int queue_init(struct virtio_device *d, unsigned index, struct err *e)
{
	struct virtio_queue *q = d->queues + index;

	q->device = d;
	q->index = index;
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick < 0)
		return err_sys(e, "eventfd: notifications of %s", d->ops->name);
	q->source.fd = q->kick;
	q->source.events = EPOLLIN;
	q->source.ready = kicked;
	q->source.ctx = q;
	return d->external ? 0 : loop_add(d->loop, &q->source, e);
}

int virtio_init(struct virtio_device *d, const struct virtio_ops *ops, void *state, unsigned queues,
		uint64_t features, struct loop *loop, const struct guest_memory *memory,
		pthread_mutex_t *lock, struct err *e)
{
	d->ops = ops;
	d->state = state;
	d->memory = memory;
	d->loop = loop;
	d->lock = lock;
	d->offered = features | 1ull << VIRTIO_F_VERSION_1;
	if (!d->external)
		d->offered |= 1ull << VIRTIO_RING_F_INDIRECT_DESC | 1ull << VIRTIO_RING_F_EVENT_IDX;
	d->queues_count = queues;
	d->irq = -1;
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		d->queues[i].kick = -1;
	d->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->irq < 0)
		return err_sys(e, "eventfd: interrupts of %s", ops->name);
	for (unsigned i = 0; i < queues; i++)
		if (queue_init(d, i, e) < 0)
			return -1;
	return 0;
}

void virtio_free(struct virtio_device *d)
{
	for (unsigned i = 0; i < d->queues_count; i++) {
		loop_remove(d->loop, &d->queues[i].source);
		if (d->queues[i].kick >= 0)
			close(d->queues[i].kick);
	}
	if (d->irq >= 0)
		close(d->irq);
}

void device_free(struct virtio_device *d)
{
	if (!d)
		return;
	d->ops->free(d);
	virtio_free(d);
	free(d);
}

/*
 * Queues stop first and the device comes second: it may have to wait for what another thread still does
 * with a chain, and lets the lock go meanwhile.
 */
void virtio_reset(struct virtio_device *d)
{
	d->status = 0;
	for (unsigned i = 0; i < d->queues_count; i++)
		virtio_queue_stop(d->queues + i);
	d->ops->reset(d);
	for (unsigned i = 0; i < d->queues_count; i++) {
		struct virtio_queue *q = d->queues + i;

		virtio_queue_stop(q);
		q->size = 0;
		q->descriptors = q->available = q->used = 0;
		q->next_available = q->next_used = q->signalled = 0;
		q->signalled_valid = false;
	}
	d->status = d->isr = 0;
	d->accepted = 0;
	d->features_select = d->accepted_select = d->queue_select = 0;
	d->broken = false;
}

static void config_interrupt(struct virtio_device *d)
{
	uint64_t one = 1;

	d->isr |= 2;
	(void)!write(d->irq, &one, sizeof one);
}

void virtio_config_copy(const void *config, size_t size, uint32_t offset, void *data,
			uint32_t length)
{
	if (offset >= size)
		return;
	size_t there = size - offset;
	memcpy(data, (const uint8_t *)config + offset, length < there ? length : there);
}

void virtio_config_changed(struct virtio_device *d)
{
	d->generation++;
	if (virtio_running(d))
		config_interrupt(d);
}

void virtio_broken(struct virtio_device *d, const char *why)
{
	if (d->broken)
		return;
	d->broken = true;
	d->broken_why = why;
	bool started = d->status & VIRTIO_CONFIG_S_DRIVER_OK;
	d->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	/* Told only where the driver is at work; before, it reads the status anyway. */
	if (started)
		config_interrupt(d);
}
