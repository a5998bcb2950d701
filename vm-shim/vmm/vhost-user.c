/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "src/base/io.h"
#include "vm-shim/vmm/vhost-user.h"

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

#define VERSION            1u
#define FLAG_REPLY         (1u << 2)
#define FLAG_WANTS_REPLY   (1u << 3)
#define F_PROTOCOL         30 /* among the features of virtio */
#define PROTOCOL_REPLY_ACK 3
#define ANSWER_SEC         10

/* Numbers have the host's byte order. */
struct message {
	uint32_t request, flags, size;
	union {
		uint64_t number;
		struct {
			uint32_t index, number;
		} ring;
		struct {
			uint32_t index, flags;
			uint64_t descriptors, used, available, log;
		} __attribute__((packed)) address;
		struct {
			uint32_t count, padding;
			struct {
				uint64_t guest, bytes, host, offset;
			} __attribute__((packed)) region[2];
		} __attribute__((packed)) memory;
	} body;
} __attribute__((packed));

#define HEAD_BYTES offsetof(struct message, body)

static bool has_protocol(const struct vhost_user *v)
{
	return v->features >> F_PROTOCOL & 1;
}

static int answer(const struct vhost_user *v, uint32_t request, struct message *m, struct err *e)
{
	struct message a;

	ssize_t n = io_read_full(v->fd, &a, HEAD_BYTES);
	if (n < 0)
		return err_sys(e, "vhost-user: answer to request %u", request);
	if (n != HEAD_BYTES)
		return err_set(e, ERR_PROTOCOL, 0,
			       "vhost-user: the process has ended, at request %u", request);
	if (a.request != request || !(a.flags & FLAG_REPLY) || a.size > sizeof a.body)
		return err_set(e, ERR_PROTOCOL, 0,
			       "vhost-user: request %u was answered by %u with %u bytes", request,
			       a.request, a.size);
	n = io_read_full(v->fd, &a.body, a.size);
	if (n < 0)
		return err_sys(e, "vhost-user: answer to request %u", request);
	if ((size_t)n != a.size || a.size < 8)
		return err_set(e, ERR_PROTOCOL, 0, "vhost-user: short answer to request %u",
			       request);
	*m = a;
	return 0;
}

/* Send @m with perhaps descriptors. @replies: it has an answer of its own, which is in @m afterwards. */
static int call(struct vhost_user *v, struct message *m, size_t bytes, const int *fds, size_t nfds,
		bool replies, struct err *e)
{
	bool acknowledged = !replies && v->protocol >> PROTOCOL_REPLY_ACK & 1;
	uint32_t request = m->request;

	m->flags = VERSION | (acknowledged ? FLAG_WANTS_REPLY : 0);
	m->size = (uint32_t)bytes;
	if (io_send_fds(v->fd, m, HEAD_BYTES + bytes, fds, nfds) < 0)
		return err_sys(e, "vhost-user: request %u", request);
	if (!replies && !acknowledged)
		return 0;
	if (answer(v, request, m, e) < 0)
		return -1;
	if (acknowledged && m->body.number)
		return err_set(e, ERR_PROTOCOL, 0, "vhost-user: request %u was refused", request);
	return 0;
}

static int get_number(struct vhost_user *v, uint32_t request, uint64_t *number, struct err *e)
{
	struct message m = { .request = request };

	if (call(v, &m, 0, NULL, 0, true, e) < 0)
		return -1;
	*number = m.body.number;
	return 0;
}

static int set_number(struct vhost_user *v, uint32_t request, uint64_t number, struct err *e)
{
	struct message m = { .request = request, .body.number = number };

	return call(v, &m, sizeof number, NULL, 0, false, e);
}

static int set_ring(struct vhost_user *v, uint32_t request, unsigned queue, uint32_t number,
		    struct err *e)
{
	struct message m = { .request = request, .body.ring = { queue, number } };

	return call(v, &m, sizeof m.body.ring, NULL, 0, false, e);
}

static int set_event(struct vhost_user *v, uint32_t request, unsigned queue, int fd, struct err *e)
{
	struct message m = { .request = request, .body.number = queue };

	return call(v, &m, sizeof m.body.number, &fd, 1, false, e);
}

/* In the descriptor the two parts follow each other without the hole. */
static int hand_over_memory(struct vhost_user *v, const struct guest_memory *g, struct err *e)
{
	struct message m = { .request = SET_MEM_TABLE };
	int fds[2] = { g->fd, g->fd };
	uint32_t count = g->high_bytes ? 2 : 1;

	m.body.memory.count = count;
	m.body.memory.region[0].bytes = g->low_bytes;
	m.body.memory.region[0].host = (uintptr_t)g->low;
	m.body.memory.region[1].guest = MEMORY_HOLE_END;
	m.body.memory.region[1].bytes = g->high_bytes;
	m.body.memory.region[1].host = (uintptr_t)g->high;
	m.body.memory.region[1].offset = g->low_bytes;
	return call(v, &m, 8 + count * sizeof m.body.memory.region[0], fds, count, false, e);
}

int vhost_user_init(struct vhost_user *v, int fd, const struct guest_memory *m, struct err *e)
{
	struct timeval wait = { .tv_sec = ANSWER_SEC };
	struct message owner = { .request = SET_OWNER };

	*v = (struct vhost_user){ .fd = fd };
	if (m->fd < 0)
		return err_set(
			e, ERR_CONFIG, 0,
			"vhost-user: the guest's memory is not shared (it has no descriptor)");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0)
		return err_sys(e, "vhost-user: time-out of descriptor %d", fd);
	if (get_number(v, GET_FEATURES, &v->features, e) < 0)
		return -1;
	if (!(v->features >> VIRTIO_F_VERSION_1 & 1))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "vhost-user: the process does not know virtio 1.0");
	if (has_protocol(v)) {
		uint64_t offered;

		if (get_number(v, GET_PROTOCOL_FEATURES, &offered, e) < 0)
			return -1;
		offered &= 1ull << PROTOCOL_REPLY_ACK;
		if (set_number(v, SET_PROTOCOL_FEATURES, offered, e) < 0)
			return -1;
		v->protocol = offered;
	}
	if (call(v, &owner, 0, NULL, 0, false, e) < 0)
		return -1;
	return hand_over_memory(v, m, e);
}

int vhost_user_features(struct vhost_user *v, uint64_t accepted, struct err *e)
{
	return set_number(v, SET_FEATURES, accepted | (v->features & 1ull << F_PROTOCOL), e);
}

int vhost_user_queue_start(struct vhost_user *v, const struct virtio_queue *q, int irq,
			   struct err *e)
{
	const struct guest_memory *g = q->device->memory;
	struct message m = { .request = SET_VRING_ADDR };

	/* They are inside: the queue would not be ready otherwise. */
	m.body.address.index = q->index;
	m.body.address.descriptors = (uintptr_t)memory_at(g, q->descriptors, 16ull * q->size);
	m.body.address.used = (uintptr_t)memory_at(g, q->used, 6 + 8ull * q->size);
	m.body.address.available = (uintptr_t)memory_at(g, q->available, 6 + 2ull * q->size);
	if (set_ring(v, SET_VRING_NUM, q->index, q->size, e) < 0 ||
	    set_ring(v, SET_VRING_BASE, q->index, 0, e) < 0 ||
	    call(v, &m, sizeof m.body.address, NULL, 0, false, e) < 0 ||
	    set_event(v, SET_VRING_CALL, q->index, irq, e) < 0 ||
	    set_event(v, SET_VRING_KICK, q->index, q->kick, e) < 0)
		return -1;
	return has_protocol(v) ? set_ring(v, SET_VRING_ENABLE, q->index, 1, e) : 0;
}

int vhost_user_queue_stop(struct vhost_user *v, unsigned queue, struct err *e)
{
	struct message m = { .request = GET_VRING_BASE, .body.ring = { queue, 0 } };

	return call(v, &m, sizeof m.body.ring, NULL, 0, true, e);
}
