/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a guest does with its devices. Input: the device, the features it accepts, then operations:
 * register accesses, descriptors, chains put into queues, raw writes into the first pages, turns of the loop,
 * and what the host's end sends. Memory ends where the mapping ends: a sanitizer sees what is written behind it,
 * and nothing may block or fail to end.
 */
#include <fcntl.h>
#include <linux/virtio_mmio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE 16

struct input {
	const uint8_t *at;
	size_t left;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
		value |= (uint64_t)*in->at++ << 8 * i;
	return value;
}

/* Mostly places where something is. */
static uint64_t address(struct input *in)
{
	uint64_t raw = take(in, 4);

	return raw & 1 ? DRIVER_DATA + (raw >> 1) % 0x40000 : raw & 2 ? raw % (DRIVER_BYTES + 64) : raw << 16;
}

static struct virtio_device *make(struct driver *dr, unsigned kind, int sock, int file)
{
	struct vm_disk disk = { file, kind & 8, "fuzz" };
	struct vm_port ports[2] = { { "a", sock }, { "b", sock } };
	struct vm_net net = { VM_NET_STREAM, sock, { 2 }, 1500, false };

	switch (kind % 5) {
	case 0:
		return console_make(&dr->host, ports, 1, -1, NULL);
	case 1:
		return block_make(&dr->host, &disk, NULL);
	case 2:
		return net_make(&dr->host, &net, NULL);
	case 3:
		return rng_make(&dr->host, NULL);
	default:
		return balloon_make(&dr->host, NULL);
	}
}

static void send_some(struct input *in, int peer)
{
	size_t length = take(in, 1);

	length = length < in->left ? length : in->left;
	(void)!send(peer, in->at, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	in->at += length;
	in->left -= length;
}

static void raw_access(struct driver *dr, struct input *in)
{
	uint32_t offset = (uint32_t)take(in, 2), length = 1u << take(in, 1) % 4;
	uint64_t value = take(in, 4);

	pthread_mutex_lock(&dr->lock);
	virtio_mmio_write(dr->d, offset, &value, length);
	virtio_mmio_read(dr->d, offset, &value, length);
	pthread_mutex_unlock(&dr->lock);
}

static void operate(struct driver *dr, struct input *in, int peer)
{
	unsigned queue = 0, index;
	uint64_t at;
	char back[4096];

	switch (take(in, 1) % 9) {
	case 0:
		raw_access(dr, in);
		break;
	case 1:
	case 2:
		queue = (unsigned)take(in, 1) % dr->d->queues_count;
		index = (unsigned)take(in, 1) % SIZE;
		at = address(in);
		driver_own(dr, queue, index, at, (uint32_t)take(in, 2), (uint16_t)(take(in, 1) & 7),
			   (uint16_t)take(in, 1));
		break;
	case 3:
		at = DRIVER_DATA + take(in, 2);
		index = (unsigned)take(in, 1);
		driver_descriptor(dr, DRIVER_DATA, index, at, (uint32_t)take(in, 2),
				  (uint16_t)(take(in, 1) & 7), (uint16_t)take(in, 1));
		break;
	case 4:
	case 5:
		queue = (unsigned)take(in, 1) % dr->d->queues_count;
		if (dr->queues[queue].size)
			driver_offer(dr, queue, (uint16_t)take(in, 1));
		break;
	case 6:
		at = take(in, 1) & 1 ? DRIVER_DATA + take(in, 2) : take(in, 2);
		at %= DRIVER_BYTES - 8;
		index = (unsigned)take(in, 1) % 8;
		for (unsigned i = 0; i < index; i++)
			*(uint8_t *)driver_at(dr, at + i) = (uint8_t)take(in, 1);
		break;
	case 7:
		send_some(in, peer);
		break;
	default:
		for (int i = 0; i < 8 && loop_once(&dr->loop, 0, NULL) > 0; i++)
			;
		(void)!recv(peer, back, sizeof back, MSG_DONTWAIT);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct driver dr;
	int pair[2], file = memfd_create("fuzz", MFD_CLOEXEC);

	signal(SIGPIPE, SIG_IGN);
	if (file < 0 || ftruncate(file, 65536) < 0 || driver_init(&dr) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	unsigned kind = (unsigned)take(&in, 1);
	dr.d = make(&dr, kind, pair[0], file);
	if (!dr.d)
		abort();
	(void)driver_start(&dr, take(&in, 1) | take(&in, 5) << 8 | 3ull << 28, SIZE);
	while (in.left)
		operate(&dr, &in, pair[1]);
	driver_run(&dr);
	/* Whatever happened, a reset makes a device of it again. */
	if (driver_start(&dr, 0, SIZE) < 0)
		abort();
	driver_run(&dr);
	if (lseek(file, 0, SEEK_END) != 65536)
		abort();
	driver_free(&dr);
	close(pair[0]);
	close(pair[1]);
	close(file);
	return 0;
}
