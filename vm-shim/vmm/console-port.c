/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What flows through a port. A socket's slow reader makes the guest's buffer wait, and with it whoever writes
 * to that port in the guest. The console's output is taken at once, whatever becomes of it: the kernel spins
 * until it is, with all else standing still.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vm-shim/vmm/console.h"

#define BATCH 32 /* buffers, then others have their turn */

static struct virtio_queue *queue(struct console_port *p, unsigned output)
{
	return p->console->device->queues + (p->id ? 2 * p->id + 2 : 0) + output;
}

static bool wants_input(const struct console_port *p)
{
	return p->id && p->host_open && p->guest_open;
}

static void watch(struct console_port *p)
{
	uint32_t events =
		(wants_input(p) && p->has_in ? EPOLLIN : 0u) | (p->has_out ? EPOLLOUT : 0u);

	if (p->id)
		(void)loop_change(p->console->device->loop, &p->source, events);
}

/* In the loop's thread. */
static void ready(void *ctx, uint32_t events)
{
	struct console_port *p = ctx;
	struct virtio_device *d = p->console->device;

	pthread_mutex_lock(d->lock);
	if (virtio_running(d)) {
		if (p->has_out && events & ~(uint32_t)EPOLLIN)
			console_port_output(p);
		if (p->has_in && events & ~(uint32_t)EPOLLOUT)
			console_port_input(p);
	}
	/* A broken device waits for nothing. */
	if (!virtio_running(d))
		(void)loop_change(d->loop, &p->source, 0);
	pthread_mutex_unlock(d->lock);
}

void console_port_init(struct console_port *p, struct console *c, unsigned id)
{
	p->console = c;
	p->id = id;
	p->fd = p->fd_own = p->source.fd = -1;
	p->host_open = true;
	p->source.ready = ready;
	p->source.ctx = p;
}

void console_port_reset(struct console_port *p)
{
	p->guest_open = p->has_in = p->has_out = false;
	p->pending = 0;
	watch(p);
}

void console_port_end(struct console_port *p)
{
	loop_remove(p->console->device->loop, &p->source);
	if (p->fd_own >= 0)
		close(p->fd_own);
}

static ssize_t receive(struct console_port *p)
{
	struct msghdr m = { .msg_iov = p->in.out, .msg_iovlen = p->in.out_count };

	return recvmsg(p->fd, &m, MSG_DONTWAIT);
}

/* 1 when a buffer is at hand, 0 or -1 as virtio_queue_next(). */
static int take_in(struct console_port *p)
{
	int result = p->has_in ? 1 : virtio_queue_next(queue(p, 0), &p->in);

	if (result > 0 && (!p->in.out_bytes || p->in.in_bytes)) {
		virtio_broken(p->console->device, "input buffer of a port that is not writable");
		return -1;
	}
	p->has_in = result > 0;
	return result;
}

void console_port_input(struct console_port *p)
{
	struct virtio_queue *q = queue(p, 0);
	int done = 0;

	while (wants_input(p) && done < BATCH && take_in(p) > 0) {
		ssize_t n = receive(p);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			p->host_open = false;
			p->pending |= CONSOLE_SAY_OPEN;
			console_say(p->console);
			break;
		}
		virtio_queue_give(q, &p->in, (uint32_t)n);
		p->has_in = false;
		done++;
	}
	if (done == BATCH)
		virtio_queue_again(q);
	virtio_queue_signal(q);
	watch(p);
}

static ssize_t transmit(struct console_port *p, const struct iovec *part, unsigned count)
{
	struct msghdr m = { .msg_iov = (struct iovec *)part, .msg_iovlen = count };

	return p->socket ? sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL)
			 : writev(p->fd, part, (int)count);
}

/* True when nothing of the buffer is left. */
static bool pour(struct console_port *p)
{
	struct iovec part[VIRTIO_CHAIN_MAX];

	while (p->out_offset < p->out.in_bytes && p->fd >= 0 && !p->output_gone) {
		unsigned count =
			virtio_slice(p->out.in, p->out.in_count, p->out_offset, UINT64_MAX, part);
		ssize_t n = transmit(p, part, count);

		if (n > 0)
			p->out_offset += (uint64_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			p->output_gone = p->id > 0;
		if (n <= 0 && (!n || errno != EINTR))
			break;
	}
	return !p->id || p->fd < 0 || p->output_gone || p->out_offset == p->out.in_bytes;
}

static int take_out(struct console_port *p)
{
	if (p->has_out)
		return 1;
	int result = virtio_queue_next(queue(p, 1), &p->out);
	if (result > 0 && (!p->out.in_bytes || p->out.out_bytes)) {
		virtio_broken(p->console->device, "output buffer of a port that is not readable");
		return -1;
	}
	p->has_out = result > 0;
	p->out_offset = 0;
	return result;
}

void console_port_output(struct console_port *p)
{
	struct virtio_queue *q = queue(p, 1);
	int done = 0;

	while (done < BATCH && take_out(p) > 0 && pour(p)) {
		virtio_queue_give(q, &p->out, 0);
		p->has_out = false;
		done++;
	}
	if (done == BATCH)
		virtio_queue_again(q);
	virtio_queue_signal(q);
	watch(p);
}
