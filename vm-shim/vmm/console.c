/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console with multiport: the conversation about ports (virtio 1.2, 5.3.6.2), and the device as a
 * whole. What flows through a port is in console-port.c.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/text.h"
#include "vm-shim/vmm/console.h"

#define BATCH 64

static bool multiport(const struct virtio_device *d)
{
	return d->accepted >> VIRTIO_CONSOLE_F_MULTIPORT & 1;
}

/* One message about @p, into the next buffer of the driver's. 1, or 0 without one, or -1. */
static int say(struct console *c, const struct console_port *p, uint16_t event, uint16_t value)
{
	struct virtio_queue *q = c->device->queues + CONSOLE_QUEUE_SAY;
	struct virtio_console_control head = { htole32(p->id), htole16(event), htole16(value) };
	size_t name = event == VIRTIO_CONSOLE_PORT_NAME ? strlen(p->name) : 0;
	struct virtio_chain chain;

	int result = virtio_queue_next(q, &chain);
	if (result <= 0)
		return result;
	if (chain.out_bytes < sizeof head + name) {
		virtio_broken(c->device, "no room for a message about a port");
		return -1;
	}
	virtio_chain_write(&chain, 0, &head, sizeof head);
	virtio_chain_write(&chain, sizeof head, p->name, name);
	virtio_queue_give(q, &chain, (uint32_t)(sizeof head + name));
	return 1;
}

/* What is to be said about one port, in this order. */
static int say_pending(struct console *c, struct console_port *p)
{
	static const struct {
		unsigned bit;
		uint16_t event;
	} order[] = {
		{ CONSOLE_SAY_ADD, VIRTIO_CONSOLE_PORT_ADD },
		{ CONSOLE_SAY_CONSOLE, VIRTIO_CONSOLE_CONSOLE_PORT },
		{ CONSOLE_SAY_NAME, VIRTIO_CONSOLE_PORT_NAME },
		{ CONSOLE_SAY_OPEN, VIRTIO_CONSOLE_PORT_OPEN },
	};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (!(p->pending & order[i].bit))
			continue;
		int result =
			say(c, p, order[i].event, order[i].bit != CONSOLE_SAY_OPEN || p->host_open);
		if (result <= 0)
			return result;
		p->pending &= ~order[i].bit;
	}
	return 1;
}

/* Nothing is queued: what is pending is a state of each port, however slowly the driver listens. */
void console_say(struct console *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (say_pending(c, c->ports + i) <= 0)
			break;
	virtio_queue_signal(c->device->queues + CONSOLE_QUEUE_SAY);
}

static void heard(struct console *c, uint32_t id, uint16_t event, uint16_t value)
{
	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (unsigned i = 0; value && i < c->count; i++)
			c->ports[i].pending = CONSOLE_SAY_ADD;
		return;
	}
	if (id >= c->count)
		return;
	struct console_port *p = c->ports + id;
	if (event == VIRTIO_CONSOLE_PORT_READY && value)
		p->pending |= (id ? CONSOLE_SAY_NAME : CONSOLE_SAY_CONSOLE) | CONSOLE_SAY_OPEN;
	/* Only now: the kernel throws away what arrives at a port that nobody has opened. */
	if (event == VIRTIO_CONSOLE_PORT_OPEN) {
		p->guest_open = value;
		console_port_input(p);
	}
}

static void listen_control(struct console *c)
{
	struct virtio_queue *q = c->device->queues + CONSOLE_QUEUE_HEAR;
	struct virtio_console_control message;
	struct virtio_chain chain;

	for (int i = 0; virtio_queue_next(q, &chain) > 0; i++) {
		if (virtio_chain_read(&chain, 0, &message, sizeof message) != sizeof message) {
			virtio_broken(c->device, "message about a port that is too short");
			return;
		}
		virtio_queue_give(q, &chain, 0);
		heard(c, le32toh(message.id), le16toh(message.event), le16toh(message.value));
		if (i == BATCH) {
			virtio_queue_again(q);
			break;
		}
	}
	virtio_queue_signal(q);
	console_say(c);
}

static void notify(struct virtio_device *d, unsigned queue)
{
	struct console *c = d->state;

	if (queue == CONSOLE_QUEUE_SAY || queue == CONSOLE_QUEUE_HEAR) {
		if (!multiport(d))
			return;
		if (queue == CONSOLE_QUEUE_HEAR)
			listen_control(c);
		else
			console_say(c);
		return;
	}
	struct console_port *p = c->ports + (queue < 2 ? 0 : (queue - 2) / 2);
	if (p->id && !multiport(d))
		return;
	if (queue % 2)
		console_port_output(p);
	else
		console_port_input(p);
}

static void config_read(struct virtio_device *d, uint32_t offset, void *data, uint32_t length)
{
	const struct console *c = d->state;
	struct virtio_console_config config = { .max_nr_ports = htole32(c->count) };

	virtio_config_copy(&config, sizeof config, offset, data, length);
}

static int start(struct virtio_device *d, struct err *e)
{
	(void)d, (void)e;
	return 0;
}

static void reset(struct virtio_device *d)
{
	struct console *c = d->state;

	for (unsigned i = 0; i < c->count; i++)
		console_port_reset(c->ports + i);
}

static void end(struct virtio_device *d)
{
	struct console *c = d->state;

	for (unsigned i = 0; c && i < c->count; i++)
		console_port_end(c->ports + i);
	free(c);
}

static const struct virtio_ops ops = {
	.type = 3,
	.name = "virtio-console",
	.config_read = config_read,
	.start = start,
	.reset = reset,
	.notify = notify,
	.free = end,
};

static int check_port(const struct vm_port *p, struct err *e)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return err_sys(e, "port %s: descriptor %d", p->name, p->fd);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, 0, "port %s: descriptor %d is not a socket", p->name,
			       p->fd);
	if (!*p->name || strlen(p->name) >= CONSOLE_NAME_MAX)
		return err_set(e, ERR_CONFIG, 0, "port %s: a name has 1 to %d bytes", p->name,
			       CONSOLE_NAME_MAX - 1);
	return 0;
}

/*
 * The console's output must not wait for who reads it, and may be a terminal that is also somebody else's:
 * O_NONBLOCK is not for their descriptors, so it is opened once more. Files never wait, and keep their place.
 */
static int console_open(struct console_port *p, int fd, struct err *e)
{
	char path[32];
	struct stat st;

	p->fd = fd;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "console: descriptor %d", fd);
	p->socket = S_ISSOCK(st.st_mode);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return err_sys(e, "console: flags of descriptor %d", fd);
	if (p->socket || S_ISREG(st.st_mode) || flags & O_NONBLOCK)
		return 0;
	text_format(path, sizeof path, "/proc/self/fd/%d", fd);
	p->fd_own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (p->fd_own < 0)
		return err_sys(e,
			       "console: open descriptor %d once more, without waiting (pass a "
			       "socket, or what may be opened)",
			       fd);
	p->fd = p->fd_own;
	return 0;
}

static int fill(struct console *c, const struct vm_port *ports, size_t count, int console_fd,
		struct err *e)
{
	c->count = (unsigned)count + 1;
	for (unsigned i = 0; i < c->count; i++)
		console_port_init(c->ports + i, c, i);
	if (console_open(c->ports, console_fd, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct console_port *p = c->ports + i + 1;

		if (check_port(ports + i, e) < 0)
			return -1;
		text_format(p->name, sizeof p->name, "%s", ports[i].name);
		p->fd = p->source.fd = ports[i].fd;
		p->socket = true;
		if (loop_add(c->device->loop, &p->source, e) < 0)
			return -1;
	}
	return 0;
}

struct virtio_device *console_make(const struct device_host *h, const struct vm_port *ports,
				   size_t count, int console_fd, struct err *e)
{
	struct virtio_device *d = calloc(1, sizeof *d);
	struct console *c = calloc(1, sizeof *c);

	if (!d || !c || count > VM_PORTS_MAX) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "virtio-console with %zu ports", count);
		free(d);
		free(c);
		return NULL;
	}
	c->device = d;
	unsigned queues = 4 + 2 * (unsigned)count;
	if (virtio_init(d, &ops, c, queues, 1ull << VIRTIO_CONSOLE_F_MULTIPORT, h->loop, h->memory,
			h->lock, e) < 0 ||
	    fill(c, ports, count, console_fd, e) < 0) {
		device_free(d);
		return NULL;
	}
	return d;
}
