/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_NET_H
#define HUSK_VMM_NET_H

#include <linux/virtio_net.h>

#include "vm-shim/vmm/devices.h"

/* Inside of virtio-net: what lies between its queues and a descriptor. */

#define NET_RECEIVE  0
#define NET_TRANSMIT 1
#define NET_HEADER   sizeof(struct virtio_net_hdr_v1)
#define NET_PREFIX   4u /* the length of a frame in a stream, big endian */
/* The largest IP packet behind an Ethernet header with a tag, and room to spare. */
#define NET_FRAME_MAX    65600u
#define NET_BUFFER_BYTES (2 * NET_FRAME_MAX) /* several small frames of a stream by one call */

struct net {
	struct virtio_device *device;
	enum vm_net_kind kind;
	int fd;
	uint8_t mac[6];
	uint16_t mtu;
	bool link_down, gone; /* gone: nobody is at the other end any more */
	struct loop_source source;
	/* To the guest: a frame that waits for buffers, and what a stream has brought so far. */
	bool has_frame;
	struct virtio_net_hdr_v1 header;
	const uint8_t *frame;
	size_t frame_bytes;
	size_t start, end;
	uint8_t *buffer;
	struct virtio_chain first, more;
	/* To the host: a buffer of which a stream has taken only a part. */
	bool has_out;
	struct virtio_chain out;
	uint64_t out_offset; /* in prefix and frame */
};

/* The next frame of the other end's: 1 and has_frame, 0 when there is none now, -1 when it is gone. */
int net_fetch(struct net *n);
/* All of n->out to the other end, or not at all: true; false when the rest has to wait. */
bool net_send(struct net *n);
/* Check and prepare the descriptor. */
int net_backend_init(struct net *n, struct err *e);
/* What the driver accepted holds from now on. */
int net_backend_start(struct net *n, struct err *e);

#endif
