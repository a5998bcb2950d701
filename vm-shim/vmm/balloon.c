/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-balloon: memory that the guest gives back because it was asked to (inflate), or reports as free on its
 * own (free page reporting), goes back to the host at once. It is there again, as zeros, when it is touched.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm-shim/vmm/devices.h"

#define INFLATE 0
#define DEFLATE 1
#define STATS   2
#define QUEUES  4 /* and reports, behind statistics if there are any */
#define BATCH   16

#define PAGE           (1ull << VIRTIO_BALLOON_PFN_SHIFT)
#define FRAMES_AT_ONCE 256u
#define TAGS_MAX       32u

struct balloon {
	struct virtio_device *device;
	uint32_t wanted, actual; /* pages */
	uintptr_t host_page;
	struct balloon_stats stats;
	bool has_stats; /* a buffer that the guest fills in again when it comes back */
	struct virtio_chain stats_chain;
};

static unsigned reports(const struct virtio_device *d)
{
	return STATS + (d->accepted >> VIRTIO_BALLOON_F_STATS_VQ & 1);
}

/* Only pages of the host's that are wholly inside. Shared memory keeps its pages unless there is a hole. */
static void give_back(const struct balloon *b, uint8_t *start, uint64_t bytes)
{
	uintptr_t from = ((uintptr_t)start + b->host_page - 1) & ~(b->host_page - 1);
	uintptr_t to = ((uintptr_t)start + (uintptr_t)bytes) & ~(b->host_page - 1);

	if (from < to)
		(void)madvise(start + (from - (uintptr_t)start), to - from,
			      b->device->memory->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED);
}

/* Frames in a row become one call. -1: one of them is no memory. */
static int inflate(const struct balloon *b, const uint32_t *frames, size_t count)
{
	const struct guest_memory *m = b->device->memory;

	for (size_t i = 0; i < count;) {
		uint64_t first = le32toh(frames[i]), pages = 1;

		while (i + pages < count && le32toh(frames[i + pages]) == first + pages &&
		       memory_at(m, first * PAGE, (pages + 1) * PAGE))
			pages++;
		uint8_t *start = memory_at(m, first * PAGE, pages * PAGE);
		if (!start)
			return -1;
		give_back(b, start, pages * PAGE);
		i += pages;
	}
	return 0;
}

static int inflate_chain(const struct balloon *b, const struct virtio_chain *chain)
{
	uint32_t frames[FRAMES_AT_ONCE];

	for (uint64_t offset = 0; offset < chain->in_bytes; offset += sizeof frames) {
		size_t got = virtio_chain_read(chain, offset, frames, sizeof frames);

		if (inflate(b, frames, got / sizeof *frames) < 0)
			return -1;
	}
	return 0;
}

static void stats_parse(struct balloon *b, const struct virtio_chain *chain)
{
	struct virtio_balloon_stat tags[TAGS_MAX];
	size_t count = virtio_chain_read(chain, 0, tags, sizeof tags) / sizeof *tags;

	for (size_t i = 0; i < count; i++) {
		uint64_t value = le64toh(tags[i].val);

		switch (le16toh(tags[i].tag)) {
		case VIRTIO_BALLOON_S_MEMFREE:
			b->stats.free_bytes = value;
			break;
		case VIRTIO_BALLOON_S_MEMTOT:
			b->stats.total_bytes = value;
			break;
		case VIRTIO_BALLOON_S_AVAIL:
			b->stats.available_bytes = value;
			break;
		default:
			break;
		}
	}
	b->stats.valid = b->stats.valid || count > 0;
}

/* One buffer at a time is kept; a driver that brings a second one gets the first one back. */
static void stats_take(struct balloon *b, struct virtio_queue *q)
{
	struct virtio_chain chain;

	while (virtio_queue_next(q, &chain) > 0) {
		if (b->has_stats)
			virtio_queue_give(q, &b->stats_chain, 0);
		stats_parse(b, &chain);
		b->stats_chain = chain;
		b->has_stats = true;
	}
	virtio_queue_signal(q);
}

/* What a page report holds is writable: the pages themselves. */
static int report_chain(const struct balloon *b, const struct virtio_chain *chain)
{
	if (chain->in_count)
		return -1;
	for (unsigned i = 0; i < chain->out_count; i++)
		give_back(b, chain->out[i].iov_base, chain->out[i].iov_len);
	return 0;
}

static void notify(struct virtio_device *d, unsigned queue)
{
	struct balloon *b = d->state;
	struct virtio_queue *q = d->queues + queue;
	struct virtio_chain chain;

	if (queue == STATS && reports(d) != STATS) {
		stats_take(b, q);
		return;
	}
	for (int i = 0; virtio_queue_next(q, &chain) > 0; i++) {
		int result = 0;

		if (queue == INFLATE)
			result = inflate_chain(b, &chain);
		else if (queue == reports(d))
			result = report_chain(b, &chain);
		if (result < 0) {
			virtio_broken(d, "pages for the balloon that are no memory");
			return;
		}
		virtio_queue_give(q, &chain, 0);
		if (i == BATCH) {
			virtio_queue_again(q);
			break;
		}
	}
	virtio_queue_signal(q);
}

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	const struct balloon *b = d->state;
	struct virtio_balloon_config config = { .num_pages = htole32(b->wanted),
						.actual = htole32(b->actual) };

	virtio_config_copy(&config, sizeof config, offset, data, length);
}

static void config_write(struct virtio_device *d, uint32_t offset, const void *data,
			 uint32_t length)
{
	struct balloon *b = d->state;
	uint32_t value;

	if (offset != offsetof(struct virtio_balloon_config, actual) || length != sizeof value)
		return;
	memcpy(&value, data, sizeof value);
	b->actual = le32toh(value);
}

static int start(struct virtio_device *d, struct err *e)
{
	(void)d, (void)e;
	return 0;
}

/* The pages are still gone, but the guest is about to use them again. */
static void reset(struct virtio_device *d)
{
	struct balloon *b = d->state;

	b->actual = 0;
	b->has_stats = false;
	b->stats = (struct balloon_stats){ 0 };
}

static void end(struct virtio_device *d)
{
	free(d->state);
}

static const struct virtio_ops ops = {
	.type = 5,
	.name = "virtio-balloon",
	.config_read = config_read,
	.config_write = config_write,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

struct virtio_device *balloon_make(const struct device_host *h, struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);
	struct balloon *b = calloc(1, sizeof *b);
	uint64_t features = 1ull << VIRTIO_BALLOON_F_STATS_VQ |
			    1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
			    1ull << VIRTIO_BALLOON_F_REPORTING;

	if (!d || !b) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-balloon");
		free(d);
		free(b);
		return NULL;
	}
	b->device = d;
	b->host_page = (uintptr_t)sysconf(_SC_PAGESIZE);
	if (virtio_init(d, &ops, b, QUEUES, features, h->loop, h->memory, h->lock, e) < 0) {
		device_free(d);
		return NULL;
	}
	return d;
}

void balloon_set(struct virtio_device *d, uint64_t bytes)
{
	struct balloon *b = d->state;
	uint64_t pages = bytes / PAGE + (bytes % PAGE != 0);

	b->wanted = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
	virtio_config_changed(d);
}

void balloon_stats_read(struct virtio_device *d, struct balloon_stats *s)
{
	struct balloon *b = d->state;
	struct virtio_queue *q = d->queues + STATS;

	*s = b->stats;
	s->actual_bytes = b->actual * PAGE;
	if (!b->has_stats || !virtio_running(d))
		return;
	virtio_queue_give(q, &b->stats_chain, 0);
	b->has_stats = false;
	virtio_queue_signal(q);
}
