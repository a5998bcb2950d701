/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define QUEUE_BYTES 0x4000ull

int driver_init(struct driver *dr)
{
	memset(dr, 0, sizeof *dr);
	dr->memory.fd = -1;
	dr->memory.low_bytes = DRIVER_BYTES;
	dr->memory.low = mmap(NULL, DRIVER_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (dr->memory.low == MAP_FAILED)
		return -1;
	pthread_mutex_init(&dr->lock, NULL);
	if (loop_init(&dr->loop, NULL) < 0)
		return -1;
	dr->host = (struct device_host){ &dr->loop, &dr->memory, &dr->lock };
	return 0;
}

void driver_free(struct driver *dr)
{
	device_free(dr->d);
	close(dr->loop.epoll);
	if (dr->memory.fd >= 0)
		close(dr->memory.fd);
	munmap(dr->memory.low, DRIVER_BYTES);
	pthread_mutex_destroy(&dr->lock);
}

uint32_t driver_get(struct driver *dr, uint32_t offset)
{
	uint32_t value = 0;

	pthread_mutex_lock(&dr->lock);
	virtio_mmio_read(dr->d, offset, &value, sizeof value);
	pthread_mutex_unlock(&dr->lock);
	return value;
}

void driver_set(struct driver *dr, uint32_t offset, uint32_t value)
{
	pthread_mutex_lock(&dr->lock);
	virtio_mmio_write(dr->d, offset, &value, sizeof value);
	pthread_mutex_unlock(&dr->lock);
}

void driver_config(struct driver *dr, uint32_t offset, void *data, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) {
		pthread_mutex_lock(&dr->lock);
		virtio_mmio_read(dr->d, VIRTIO_MMIO_CONFIG + offset + i, (uint8_t *)data + i, 1);
		pthread_mutex_unlock(&dr->lock);
	}
}

uint64_t driver_offered(struct driver *dr)
{
	driver_set(dr, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	uint64_t high = driver_get(dr, VIRTIO_MMIO_DEVICE_FEATURES);
	driver_set(dr, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	return high << 32 | driver_get(dr, VIRTIO_MMIO_DEVICE_FEATURES);
}

int driver_negotiate(struct driver *dr, uint64_t features)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE;

	memset(dr->queues, 0, sizeof dr->queues);
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	driver_set(dr, VIRTIO_MMIO_STATUS, status);
	status |= VIRTIO_CONFIG_S_DRIVER;
	driver_set(dr, VIRTIO_MMIO_STATUS, status);
	driver_set(dr, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_set(dr, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	driver_set(dr, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	driver_set(dr, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	driver_set(dr, VIRTIO_MMIO_STATUS, status);
	return driver_get(dr, VIRTIO_MMIO_STATUS) == status ? 0 : -1;
}

uint64_t driver_descriptors(unsigned queue)
{
	return QUEUE_BYTES * (queue + 1);
}

uint64_t driver_available(unsigned queue)
{
	return driver_descriptors(queue) + 0x1000;
}

uint64_t driver_used(unsigned queue)
{
	return driver_descriptors(queue) + 0x2000;
}

void driver_queue_setup(struct driver *dr, unsigned queue, uint16_t size)
{
	dr->queues[queue] = (struct driver_queue){ .size = size };
	memset(driver_at(dr, driver_descriptors(queue)), 0, QUEUE_BYTES);
	driver_set(dr, VIRTIO_MMIO_QUEUE_SEL, queue);
	driver_set(dr, VIRTIO_MMIO_QUEUE_NUM, size);
	driver_set(dr, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)driver_descriptors(queue));
	driver_set(dr, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0);
	driver_set(dr, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)driver_available(queue));
	driver_set(dr, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0);
	driver_set(dr, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)driver_used(queue));
	driver_set(dr, VIRTIO_MMIO_QUEUE_USED_HIGH, 0);
	driver_set(dr, VIRTIO_MMIO_QUEUE_READY, 1);
}

int driver_start(struct driver *dr, uint64_t features, uint16_t size)
{
	if (driver_negotiate(dr, driver_offered(dr) & (features | 1ull << VIRTIO_F_VERSION_1)) < 0)
		return -1;
	for (unsigned i = 0; i < dr->d->queues_count; i++)
		driver_queue_setup(dr, i, size);
	uint32_t status = driver_get(dr, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK;
	driver_set(dr, VIRTIO_MMIO_STATUS, status);
	return driver_get(dr, VIRTIO_MMIO_STATUS) == status ? 0 : -1;
}

void *driver_at(struct driver *dr, uint64_t address)
{
	return dr->memory.low + address;
}

static void put16(struct driver *dr, uint64_t address, uint16_t value)
{
	__atomic_store_n((uint16_t *)driver_at(dr, address), value, __ATOMIC_RELEASE);
}

void driver_descriptor(struct driver *dr, uint64_t table, unsigned i, uint64_t address,
		       uint32_t length, uint16_t flags, uint16_t next)
{
	uint8_t *at = driver_at(dr, table + 16ull * i);

	memcpy(at, &address, 8);
	memcpy(at + 8, &length, 4);
	memcpy(at + 12, &flags, 2);
	memcpy(at + 14, &next, 2);
}

void driver_own(struct driver *dr, unsigned queue, unsigned i, uint64_t address, uint32_t length,
		uint16_t flags, uint16_t next)
{
	driver_descriptor(dr, driver_descriptors(queue), i, address, length, flags, next);
}

void driver_put(struct driver *dr, unsigned queue, uint16_t head)
{
	struct driver_queue *q = dr->queues + queue;
	uint64_t ring = driver_available(queue);

	put16(dr, ring + 4 + 2ull * (q->available_index % q->size), head);
	put16(dr, ring + 2, ++q->available_index);
}

void driver_notify(struct driver *dr, unsigned queue)
{
	driver_set(dr, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void driver_offer(struct driver *dr, unsigned queue, uint16_t head)
{
	driver_put(dr, queue, head);
	driver_notify(dr, queue);
}

void driver_run(struct driver *dr)
{
	for (int i = 0; i < 10000 && loop_once(&dr->loop, 0, NULL) > 0; i++)
		;
}

bool driver_take(struct driver *dr, unsigned queue, uint32_t *head, uint32_t *length)
{
	struct driver_queue *q = dr->queues + queue;
	uint8_t *ring = driver_at(dr, driver_used(queue));
	uint16_t index = __atomic_load_n((uint16_t *)(void *)(ring + 2), __ATOMIC_ACQUIRE);

	if (q->seen == index)
		return false;
	uint8_t *entry = ring + 4 + 8 * (size_t)(q->seen++ % q->size);
	memcpy(head, entry, 4);
	memcpy(length, entry + 4, 4);
	return true;
}

uint64_t driver_interrupts(struct driver *dr)
{
	uint64_t count = 0;

	return read(dr->d->irq, &count, sizeof count) == sizeof count ? count : 0;
}
