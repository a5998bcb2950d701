/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_CONSOLE_H
#define HUSK_VMM_CONSOLE_H

#include "vm-shim/vmm/devices.h"

/* Inside of virtio-console: its ports. */

#define CONSOLE_QUEUE_SAY  2 /* messages to the driver */
#define CONSOLE_QUEUE_HEAR 3 /* messages of the driver */
#define CONSOLE_NAME_MAX   64

/* What the driver still has to be told about a port. */
enum {
	CONSOLE_SAY_ADD = 1 << 0,
	CONSOLE_SAY_CONSOLE = 1 << 1,
	CONSOLE_SAY_NAME = 1 << 2,
	CONSOLE_SAY_OPEN = 1 << 3, /* whether the host's end is open */
};

struct console;

struct console_port {
	struct console *console;
	unsigned id;
	char name[CONSOLE_NAME_MAX];
	int fd;     /* -1: output is dropped */
	int fd_own; /* the same, when it is ours to close; else -1 */
	bool socket;
	struct loop_source source;
	unsigned pending;
	bool guest_open, host_open;
	bool output_gone; /* nobody reads any more */
	/* Buffers that wait: for something to read, and for room to write the rest. */
	bool has_in, has_out;
	struct virtio_chain in, out;
	uint64_t out_offset;
};

struct console {
	struct virtio_device *device;
	unsigned count;
	struct console_port ports[1 + VM_PORTS_MAX];
};

void console_port_init(struct console_port *p, struct console *c, unsigned id);
void console_port_reset(struct console_port *p);
void console_port_end(struct console_port *p);
/* Move what can be moved without waiting, from the host to the guest, and from the guest to the host. */
void console_port_input(struct console_port *p);
void console_port_output(struct console_port *p);
/* Tell the driver what is pending. */
void console_say(struct console *c);

#endif
