/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues (virtio 1.2, 2.7). The guest writes to all of this while it is read: each field is loaded
 * exactly once, checked, and only the checked copy is used.
 */
#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "vm-shim/vmm/virtio.h"

/* Both rings end with a field for event idx, which is there whether it is used or not. */
#define AVAILABLE_BYTES(size) (4ull + 2ull * (size) + 2)
#define USED_BYTES(size)      (4ull + 8ull * (size) + 2)

struct rings {
	struct vring_desc *descriptors;
	uint16_t *available; /* flags, index, entries, used_event */
	uint16_t *used;      /* flags, index, entries, avail_event */
};

static uint16_t load16(const uint16_t *p)
{
	return le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
}

static void store16(uint16_t *p, uint16_t value)
{
	__atomic_store_n(p, htole16(value), __ATOMIC_RELEASE);
}

static bool has(const struct virtio_queue *q, unsigned feature)
{
	return q->device->accepted >> feature & 1;
}

static bool rings_find(const struct virtio_queue *q, struct rings *r)
{
	const struct guest_memory *m = q->device->memory;

	r->descriptors = memory_at(m, q->descriptors, 16ull * q->size);
	r->available = memory_at(m, q->available, AVAILABLE_BYTES(q->size));
	r->used = memory_at(m, q->used, USED_BYTES(q->size));
	return r->descriptors && r->available && r->used;
}

static uint16_t *used_event(const struct virtio_queue *q, const struct rings *r)
{
	return r->available + 2 + q->size;
}

static uint16_t *avail_event(const struct virtio_queue *q, const struct rings *r)
{
	return r->used + 2 + 4 * (size_t)q->size;
}

int virtio_queue_start(struct virtio_queue *q)
{
	struct rings r;

	if (!q->size) {
		virtio_broken(q->device, "queue without a size");
		return -1;
	}
	if (q->descriptors % 16 || q->available % 2 || q->used % 4 || !rings_find(q, &r)) {
		virtio_broken(q->device, "rings outside memory or not aligned");
		return -1;
	}
	q->next_available = q->next_used = 0;
	q->signalled_valid = false;
	q->ready = true;
	return 0;
}

void virtio_queue_stop(struct virtio_queue *q)
{
	q->ready = false;
	q->epoch++;
}

static int broken(struct virtio_queue *q, const char *why)
{
	virtio_broken(q->device, why);
	return -1;
}

/* A table of descriptors that is walked: the queue's own, or an indirect one. */
struct table {
	const struct vring_desc *at;
	uint32_t count;
	bool indirect;
};

/* Indirect tables may lie anywhere. Behind the barrier the compiler cannot load from guest memory again. */
static struct vring_desc descriptor_load(const struct vring_desc *at)
{
	struct vring_desc d;

	memcpy(&d, at, sizeof d);
	__asm__ volatile("" : "+m"(d));
	d.addr = le64toh(d.addr);
	d.len = le32toh(d.len);
	d.flags = le16toh(d.flags);
	d.next = le16toh(d.next);
	return d;
}

static int add_buffer(struct virtio_queue *q, const struct vring_desc *d,
		      struct virtio_chain *chain)
{
	bool writable = d->flags & VRING_DESC_F_WRITE;

	if (!writable && chain->out_bytes)
		return broken(q, "readable descriptor behind a writable one");
	if (!d->len)
		return 0;
	void *at = memory_at(q->device->memory, d->addr, d->len);
	if (!at)
		return broken(q, "descriptor outside memory");
	/* The length that is given back has 32 bits. */
	if (chain->in_bytes + chain->out_bytes + d->len > UINT32_MAX)
		return broken(q, "chain of more than 4 GiB");
	struct iovec part = { at, d->len };
	if (writable) {
		chain->out[chain->out_count++] = part;
		chain->out_bytes += d->len;
	} else {
		chain->in[chain->in_count++] = part;
		chain->in_bytes += d->len;
	}
	return 0;
}

/* The table that @d stands for becomes the one that is walked. */
static int go_indirect(struct virtio_queue *q, const struct vring_desc *d, struct table *t)
{
	if (!has(q, VIRTIO_RING_F_INDIRECT_DESC))
		return broken(q, "indirect descriptor that was not negotiated");
	if (t->indirect)
		return broken(q, "indirect descriptor in an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return broken(q, "descriptor both indirect and with a next one");
	if (!d->len || d->len % 16)
		return broken(q, "indirect table of an odd size");
	t->at = memory_at(q->device->memory, d->addr, d->len);
	if (!t->at)
		return broken(q, "indirect table outside memory");
	t->count = d->len / 16;
	t->indirect = true;
	return 0;
}

static int walk(struct virtio_queue *q, struct table t, uint16_t index, struct virtio_chain *chain)
{
	unsigned seen = 0;

	for (;;) {
		if (index >= t.count)
			return broken(q, "descriptor beyond its table");
		struct vring_desc d = descriptor_load(t.at + index);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (go_indirect(q, &d, &t) < 0)
				return -1;
			index = 0;
			continue;
		}
		/* Also the end of every loop. */
		if (++seen > VIRTIO_CHAIN_MAX)
			return broken(q, "chain is a loop or too long");
		if (add_buffer(q, &d, chain) < 0)
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 1;
		index = d.next;
	}
}

/* How many chains wait; with none, the driver is asked for a notification, and then looked at once more. */
static int waiting(struct virtio_queue *q, const struct rings *r)
{
	uint16_t count = (uint16_t)(load16(r->available + 1) - q->next_available);

	if (!count && has(q, VIRTIO_RING_F_EVENT_IDX)) {
		store16(avail_event(q, r), q->next_available);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		count = (uint16_t)(load16(r->available + 1) - q->next_available);
	}
	if (count > q->size)
		return broken(q, "available index beyond its ring");
	return count;
}

int virtio_queue_next(struct virtio_queue *q, struct virtio_chain *chain)
{
	struct rings r;

	if (!virtio_running(q->device) || !q->ready)
		return 0;
	if (!rings_find(q, &r))
		return broken(q, "rings outside memory");
	int count = waiting(q, &r);
	if (count <= 0)
		return count;

	chain->head = load16(r.available + 2 + q->next_available % q->size);
	chain->epoch = q->epoch;
	chain->in_count = chain->out_count = 0;
	chain->in_bytes = chain->out_bytes = 0;
	struct table own = { r.descriptors, q->size, false };
	int result = walk(q, own, chain->head, chain);
	if (result > 0)
		q->next_available++;
	return result;
}

void virtio_queue_put(struct virtio_queue *q, const struct virtio_chain *chain, uint32_t written,
		      uint16_t ahead)
{
	struct rings r;

	if (!q->ready || chain->epoch != q->epoch || !rings_find(q, &r))
		return;
	uint32_t *entry = (uint32_t *)(void *)(r.used + 2) + 2 * ((q->next_used + ahead) % q->size);
	__atomic_store_n(entry, htole32(chain->head), __ATOMIC_RELAXED);
	__atomic_store_n(entry + 1, htole32(written), __ATOMIC_RELAXED);
}

void virtio_queue_publish(struct virtio_queue *q, uint16_t count)
{
	struct rings r;

	if (!q->ready || !rings_find(q, &r))
		return;
	q->next_used = (uint16_t)(q->next_used + count);
	store16(r.used + 1, q->next_used);
}

void virtio_queue_give(struct virtio_queue *q, const struct virtio_chain *chain, uint32_t written)
{
	if (!q->ready || chain->epoch != q->epoch)
		return;
	virtio_queue_put(q, chain, written, 0);
	virtio_queue_publish(q, 1);
}

/* Does the driver want to hear of what was used since the last interrupt? */
static bool wanted(struct virtio_queue *q, const struct rings *r)
{
	uint16_t before = q->signalled, now = q->next_used;
	bool valid = q->signalled_valid;

	if (valid && before == now)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!has(q, VIRTIO_RING_F_EVENT_IDX))
		return !(load16(r->available) & VRING_AVAIL_F_NO_INTERRUPT);
	return !valid || vring_need_event(load16(used_event(q, r)), now, before);
}

void virtio_queue_signal(struct virtio_queue *q)
{
	struct rings r;

	if (!virtio_running(q->device) || !q->ready || !rings_find(q, &r))
		return;
	if (!q->next_used && !q->signalled_valid)
		return;
	bool now = wanted(q, &r);
	q->signalled = q->next_used;
	q->signalled_valid = true;
	if (!now)
		return;
	q->device->isr |= 1;
	uint64_t one = 1;
	(void)!write(q->device->irq, &one, sizeof one);
}

void virtio_queue_again(struct virtio_queue *q)
{
	uint64_t one = 1;

	(void)!write(q->kick, &one, sizeof one);
}
