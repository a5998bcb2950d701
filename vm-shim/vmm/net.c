/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-net: one pair of queues, frames through as they are. */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "vm-shim/vmm/net.h"

#define QUEUES      2
#define BATCH       64
#define BUFFERS_MAX 64 /* that one frame may be spread over */

static void watch(struct net *n)
{
	bool listening = !n->gone && !n->link_down && !n->has_frame;
	uint32_t events = (listening ? EPOLLIN : 0u) | (n->has_out ? EPOLLOUT : 0u);

	(void)loop_change(n->device->loop, &n->source, virtio_running(n->device) ? events : 0);
}

static void lost(struct net *n)
{
	if (n->gone)
		return;
	n->gone = true;
	virtio_config_changed(n->device);
}

/* The frame's bytes into @chain, the header first when it is the frame's first one. */
static size_t spread(const struct net *n, const struct virtio_chain *chain, bool first, size_t done)
{
	size_t skip = 0;

	if (first)
		skip = virtio_chain_write(chain, 0, &n->header, NET_HEADER);
	return skip + virtio_chain_write(chain, skip, n->frame + done, n->frame_bytes - done);
}

/*
 * The waiting frame into the driver's buffers, which it sees all at once. 1: it does not wait any more; 0: there
 * are not enough buffers yet, and none was taken; -1: the device is broken.
 */
static int deliver(struct net *n)
{
	struct virtio_queue *q = n->device->queues + NET_RECEIVE;
	bool mergeable = n->device->accepted >> VIRTIO_NET_F_MRG_RXBUF & 1;
	uint16_t before = q->next_available, count = 0;
	size_t done = 0; /* of the frame */

	while (!count || done < n->frame_bytes) {
		struct virtio_chain *chain = count ? &n->more : &n->first;

		if (count == BUFFERS_MAX || (count && !mergeable)) {
			/* It does not fit at all. */
			q->next_available = before;
			n->has_frame = false;
			return 1;
		}
		int result = virtio_queue_next(q, chain);
		if (result <= 0) {
			q->next_available = before;
			return result;
		}
		if (chain->in_count || chain->out_bytes < (count ? 1 : NET_HEADER)) {
			virtio_broken(n->device,
				      "receive buffer that is not writable or too small");
			return -1;
		}
		size_t put = spread(n, chain, !count, done);
		virtio_queue_put(q, chain, (uint32_t)put, count);
		done += count++ ? put : put - NET_HEADER;
	}
	uint16_t buffers = htole16(count);
	virtio_chain_write(&n->first, offsetof(struct virtio_net_hdr_v1, num_buffers), &buffers,
			   sizeof buffers);
	virtio_queue_publish(q, count);
	n->has_frame = false;
	return 1;
}

static void receive(struct net *n)
{
	struct virtio_queue *q = n->device->queues + NET_RECEIVE;
	int done = 0;

	for (; done < BATCH && !n->gone && !n->link_down; done++) {
		int result = n->has_frame ? 1 : net_fetch(n);

		if (result < 0)
			lost(n);
		if (result <= 0 || deliver(n) <= 0)
			break;
	}
	/* A stream's frames may have been read already, so that the descriptor is quiet. */
	if (done == BATCH)
		virtio_queue_again(q);
	virtio_queue_signal(q);
	watch(n);
}

static int take_out(struct net *n)
{
	if (n->has_out)
		return 1;
	int result = virtio_queue_next(n->device->queues + NET_TRANSMIT, &n->out);
	if (result > 0 && (n->out.out_count || n->out.in_bytes < NET_HEADER)) {
		virtio_broken(n->device, "frame to send that is not readable or too short");
		return -1;
	}
	n->has_out = result > 0;
	n->out_offset = 0;
	return result;
}

static void transmit(struct net *n)
{
	struct virtio_queue *q = n->device->queues + NET_TRANSMIT;
	bool gone = n->gone;
	int done = 0;

	while (done < BATCH && take_out(n) > 0 && net_send(n)) {
		virtio_queue_give(q, &n->out, 0);
		n->has_out = false;
		done++;
	}
	if (n->gone != gone)
		virtio_config_changed(n->device);
	if (done == BATCH)
		virtio_queue_again(q);
	virtio_queue_signal(q);
	watch(n);
}

/* In the loop's thread. */
static void ready(void *ctx, uint32_t events)
{
	struct net *n = ctx;

	pthread_mutex_lock(n->device->lock);
	if (virtio_running(n->device)) {
		if (n->has_out && events & ~(uint32_t)EPOLLIN)
			transmit(n);
		if (events & ~(uint32_t)EPOLLOUT)
			receive(n);
	}
	watch(n);
	pthread_mutex_unlock(n->device->lock);
}

static void notify(struct virtio_device *d, unsigned queue)
{
	if (queue == NET_RECEIVE)
		receive(d->state);
	else
		transmit(d->state);
}

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	const struct net *n = d->state;
	bool up = !n->link_down && !n->gone;
	struct virtio_net_config config = {
		.status = htole16(up ? VIRTIO_NET_S_LINK_UP : 0),
		.max_virtqueue_pairs = htole16(1),
		.mtu = htole16(n->mtu),
	};

	memcpy(config.mac, n->mac, sizeof config.mac);
	virtio_config_copy(&config, sizeof config, offset, data, length);
}

static int start(struct virtio_device *d, struct err *e)
{
	struct net *n = d->state;

	if (net_backend_start(n, e) < 0)
		return -1;
	watch(n);
	return 0;
}

/* What a stream has brought stays: it would lose its place. */
static void reset(struct virtio_device *d)
{
	struct net *n = d->state;

	/* Of a frame that was sent in part the rest has to follow, and is not there any more. */
	if (n->has_out && n->out_offset && n->kind == VM_NET_STREAM)
		n->gone = true;
	n->has_frame = n->has_out = false;
	watch(n);
}

static void end(struct virtio_device *d)
{
	struct net *n = d->state;

	loop_remove(d->loop, &n->source);
	free(n->buffer);
	free(n);
}

static const struct virtio_ops ops = {
	.type = 1,
	.name = "virtio-net",
	.config_read = config_read,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

static uint64_t features(const struct net *n)
{
	uint64_t f = 1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |
		     1ull << VIRTIO_NET_F_MRG_RXBUF;

	if (n->mtu)
		f |= 1ull << VIRTIO_NET_F_MTU;
	/* What a stream carries is whole frames, for programs. */
	if (n->kind == VM_NET_TAP)
		f |= 1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_HOST_TSO4 |
		     1ull << VIRTIO_NET_F_HOST_TSO6 | 1ull << VIRTIO_NET_F_HOST_ECN |
		     1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_GUEST_TSO4 |
		     1ull << VIRTIO_NET_F_GUEST_TSO6 | 1ull << VIRTIO_NET_F_GUEST_ECN;
	return f;
}

static int prepare(struct net *n, const struct vm_net *net, struct err *e)
{
	n->kind = net->kind;
	n->fd = n->source.fd = net->fd;
	memcpy(n->mac, net->mac, sizeof n->mac);
	n->mtu = net->mtu;
	n->link_down = net->link_down;
	n->source.ready = ready;
	n->source.ctx = n;
	return net_backend_init(n, e);
}

struct virtio_device *net_make(const struct device_host *h, const struct vm_net *net, struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);
	struct net *n = calloc(1, sizeof *n);
	uint8_t *buffer = malloc(NET_BUFFER_BYTES);

	if (!d || !n || !buffer) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-net");
		free(d);
		free(n);
		free(buffer);
		return NULL;
	}
	n->device = d;
	n->buffer = buffer;
	n->mtu = net->mtu;
	n->kind = net->kind;
	if (virtio_init(d, &ops, n, QUEUES, features(n), h->loop, h->memory, h->lock, e) < 0 ||
	    prepare(n, net, e) < 0 || loop_add(d->loop, &n->source, e) < 0) {
		device_free(d);
		return NULL;
	}
	return d;
}
