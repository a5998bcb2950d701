/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of a network: a tap device, which keeps frames apart, or a stream, where each has its length. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vm-shim/vmm/net.h"

static int tap_fetch(struct net *n)
{
	struct iovec part[2] = { { &n->header, NET_HEADER }, { n->buffer, NET_FRAME_MAX } };
	ssize_t got = readv(n->fd, part, 2);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got < (ssize_t)NET_HEADER)
		return -1;
	n->frame = n->buffer;
	n->frame_bytes = (size_t)got - NET_HEADER;
	n->has_frame = true;
	return 1;
}

static int stream_parse(struct net *n)
{
	uint32_t length;

	if (n->end - n->start < NET_PREFIX)
		return 0;
	memcpy(&length, n->buffer + n->start, sizeof length);
	length = ntohl(length);
	if (length > NET_FRAME_MAX)
		return -1;
	if (n->end - n->start < NET_PREFIX + length)
		return 0;
	n->frame = n->buffer + n->start + NET_PREFIX;
	n->frame_bytes = length;
	n->start += NET_PREFIX + length;
	n->has_frame = true;
	memset(&n->header, 0, sizeof n->header);
	return 1;
}

static int stream_fetch(struct net *n)
{
	int result = stream_parse(n);

	if (result)
		return result;
	memmove(n->buffer, n->buffer + n->start, n->end - n->start);
	n->end -= n->start;
	n->start = 0;
	/* There is room: what is there is no whole frame. */
	ssize_t got = recv(n->fd, n->buffer + n->end, NET_BUFFER_BYTES - n->end, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return -1;
	n->end += (size_t)got;
	return stream_parse(n);
}

int net_fetch(struct net *n)
{
	return n->kind == VM_NET_TAP ? tap_fetch(n) : stream_fetch(n);
}

/* A tap takes a frame or drops it, as a network does. */
static bool tap_send(struct net *n)
{
	ssize_t done;

	do
		done = writev(n->fd, n->out.in, (int)n->out.in_count);
	while (done < 0 && errno == EINTR);
	return true;
}

static bool stream_send(struct net *n)
{
	uint64_t frame = n->out.in_bytes - NET_HEADER, all = NET_PREFIX + frame;
	uint32_t prefix = htonl((uint32_t)frame);
	struct iovec part[1 + VIRTIO_CHAIN_MAX];

	while (n->out_offset < all) {
		uint64_t skip = n->out_offset < NET_PREFIX ? 0 : n->out_offset - NET_PREFIX;
		unsigned used = 0;

		if (n->out_offset < NET_PREFIX) {
			part[used].iov_base = (uint8_t *)&prefix + n->out_offset;
			part[used++].iov_len = NET_PREFIX - (size_t)n->out_offset;
		}
		used += virtio_slice(n->out.in, n->out.in_count, NET_HEADER + skip, UINT64_MAX,
				     part + used);
		struct msghdr m = { .msg_iov = part, .msg_iovlen = used };
		ssize_t done = sendmsg(n->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			return false;
		if (done <= 0) {
			n->gone = true;
			return true;
		}
		n->out_offset += (uint64_t)done;
	}
	return true;
}

bool net_send(struct net *n)
{
	uint64_t frame = n->out.in_bytes - NET_HEADER;

	if (n->gone || n->link_down || !frame || frame > NET_FRAME_MAX)
		return true;
	return n->kind == VM_NET_TAP ? tap_send(n) : stream_send(n);
}

static int tap_init(const struct net *n, struct err *e)
{
	int header = (int)NET_HEADER, flags = fcntl(n->fd, F_GETFL);
	struct ifreq ifr = { 0 };

	if (ioctl(n->fd, TUNGETIFF, &ifr) < 0)
		return err_sys(e, "network: descriptor %d is not attached to a tap device", n->fd);
	if ((ifr.ifr_flags & (IFF_TAP | IFF_VNET_HDR)) != (IFF_TAP | IFF_VNET_HDR))
		return err_set(e, ERR_CONFIG, 0,
			       "network: device %s was not made with IFF_TAP and IFF_VNET_HDR",
			       ifr.ifr_name);
	if (ioctl(n->fd, TUNSETVNETHDRSZ, &header) < 0)
		return err_sys(e, "network: header size of tap device %s", ifr.ifr_name);
	if (flags < 0 || fcntl(n->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_sys(e, "network: flags of tap device %s", ifr.ifr_name);
	return 0;
}

int net_backend_init(struct net *n, struct err *e)
{
	struct stat st;

	if (n->kind == VM_NET_TAP)
		return tap_init(n, e);
	if (fstat(n->fd, &st) < 0)
		return err_sys(e, "network: descriptor %d", n->fd);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, 0, "network: descriptor %d is not a socket", n->fd);
	return 0;
}

static bool accepted(const struct net *n, unsigned feature)
{
	return n->device->accepted >> feature & 1;
}

/* The host's kernel leaves undone what the guest said it can do with unfinished frames, and nothing else. */
int net_backend_start(struct net *n, struct err *e)
{
	unsigned long offload = 0;

	if (n->kind != VM_NET_TAP)
		return 0;
	if (accepted(n, VIRTIO_NET_F_GUEST_CSUM)) {
		offload = TUN_F_CSUM;
		if (accepted(n, VIRTIO_NET_F_GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (accepted(n, VIRTIO_NET_F_GUEST_TSO6))
			offload |= TUN_F_TSO6;
		if (accepted(n, VIRTIO_NET_F_GUEST_ECN) && offload & (TUN_F_TSO4 | TUN_F_TSO6))
			offload |= TUN_F_TSO_ECN;
	}
	if (ioctl(n->fd, TUNSETOFFLOAD, offload) < 0)
		return err_sys(e, "network: offloads of the tap device");
	return 0;
}
