/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs: the guest's requests go to virtiofsd, past this process, which only has registers and configuration. */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "vm-shim/vmm/devices.h"
#include "vm-shim/vmm/vhost-user.h"

#define QUEUES 2 /* urgent requests, and the others */

struct share {
	struct virtio_device *device;
	struct vhost_user process;
	struct virtio_fs_config config;
	struct loop_source source;
	bool started[QUEUES];
	bool gone;
};

static void lost(struct share *s, const char *why)
{
	s->gone = true;
	virtio_broken(s->device, why);
	(void)loop_change(s->device->loop, &s->source, 0);
}

/* In the loop's thread. Whoever asks virtiofsd something has the lock until the answer was read: what is
 * there now is its end, or nothing that anybody has asked for. */
static void ready(void *ctx, uint32_t events)
{
	struct share *s = ctx;
	char byte;

	(void)events;
	pthread_mutex_lock(s->device->lock);
	ssize_t n = recv(s->source.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		lost(s, "virtiofsd has ended");
	else if (n > 0)
		lost(s, "virtiofsd says what nobody has asked for");
	pthread_mutex_unlock(s->device->lock);
}

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	const struct share *s = d->state;

	virtio_config_copy(&s->config, sizeof s->config, offset, data, length);
}

static int start(struct virtio_device *d, struct err *e)
{
	struct share *s = d->state;

	if (s->gone || vhost_user_features(&s->process, d->accepted, e) < 0)
		return -1;
	for (unsigned i = 0; i < QUEUES; i++) {
		if (!d->queues[i].ready)
			continue;
		s->started[i] = true;
		if (vhost_user_queue_start(&s->process, d->queues + i, d->irq, e) < 0)
			return -1;
	}
	return 0;
}

/* The guest's memory is its own again only when virtiofsd has let go of it. */
static void reset(struct virtio_device *d)
{
	struct share *s = d->state;

	for (unsigned i = 0; i < QUEUES; i++) {
		if (s->started[i] && !s->gone && vhost_user_queue_stop(&s->process, i, NULL) < 0)
			lost(s, "virtiofsd does not stop");
		s->started[i] = false;
	}
}

static void notify(struct virtio_device *d, unsigned queue)
{
	(void)d, (void)queue;
}

static void end(struct virtio_device *d)
{
	struct share *s = d->state;

	loop_remove(d->loop, &s->source);
	free(s);
}

static const struct virtio_ops ops = {
	.type = 26,
	.name = "virtio-fs",
	.config_read = config_read,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

static int connect_process(struct share *s, const struct vm_share *share,
			   const struct device_host *h, struct err *e)
{
	uint64_t known = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_INDIRECT_DESC |
			 1ull << VIRTIO_RING_F_EVENT_IDX;
	size_t length = strlen(share->tag);

	if (!length || length > sizeof s->config.tag)
		return err_set(e, ERR_CONFIG, 0, "a tag has 1 to %zu bytes", sizeof s->config.tag);
	memcpy(s->config.tag, share->tag, length);
	s->config.num_request_queues = htole32(QUEUES - 1);
	if (vhost_user_init(&s->process, share->fd, h->memory, e) < 0)
		return -1;
	s->device->offered = s->process.features & known;
	s->source.fd = share->fd;
	s->source.events = EPOLLIN;
	s->source.ready = ready;
	s->source.ctx = s;
	return loop_add(h->loop, &s->source, e);
}

struct virtio_device *share_make(const struct device_host *h, const struct vm_share *share,
				 struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);
	struct share *s = calloc(1, sizeof *s);

	if (!d || !s) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-fs");
		free(d);
		free(s);
		return NULL;
	}
	s->device = d;
	d->external = true;
	if (virtio_init(d, &ops, s, QUEUES, 0, h->loop, h->memory, h->lock, e) < 0 ||
	    connect_process(s, share, h, e) < 0) {
		err_prefix(e, "share %s", share->tag);
		device_free(d);
		return NULL;
	}
	return d;
}
