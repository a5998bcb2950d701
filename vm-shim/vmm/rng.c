/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng: bytes of the host's generator, which never ends and is never waited for. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "vm-shim/vmm/devices.h"

#define REQUESTS  1
#define BATCH     16
#define BYTES_MAX 65536 /* for one request; the guest asks again */

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	(void)d, (void)offset, (void)data, (void)length;
}

static int start(struct virtio_device *d, struct err *e)
{
	(void)d, (void)e;
	return 0;
}

static void reset(struct virtio_device *d)
{
	(void)d;
}

static void end(struct virtio_device *d)
{
	(void)d;
}

/* How many bytes of @chain were filled. */
static uint32_t fill(const struct virtio_chain *chain)
{
	uint32_t done = 0;

	for (unsigned i = 0; i < chain->out_count && done < BYTES_MAX; i++) {
		size_t want = chain->out[i].iov_len;
		if (want > BYTES_MAX - done)
			want = BYTES_MAX - done;
		ssize_t n = getrandom(chain->out[i].iov_base, want, GRND_NONBLOCK);
		if (n > 0)
			done += (uint32_t)n;
		if (n != (ssize_t)want)
			break;
	}
	return done;
}

static void notify(struct virtio_device *d, unsigned queue)
{
	struct virtio_queue *q = d->queues + queue;
	struct virtio_chain chain;

	for (int i = 0; virtio_queue_next(q, &chain) > 0; i++) {
		if (chain.in_count || !chain.out_count) {
			virtio_broken(d, "request for random bytes that is not writable");
			return;
		}
		virtio_queue_give(q, &chain, fill(&chain));
		if (i == BATCH) {
			virtio_queue_again(q);
			break;
		}
	}
	virtio_queue_signal(q);
}

static const struct virtio_ops ops = {
	.type = 4,
	.name = "virtio-rng",
	.config_read = config_read,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

struct virtio_device *rng_make(const struct device_host *h, struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);

	if (!d) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-rng");
		return NULL;
	}
	if (virtio_init(d, &ops, NULL, REQUESTS, 0, h->loop, h->memory, h->lock, e) < 0) {
		device_free(d);
		return NULL;
	}
	return d;
}
