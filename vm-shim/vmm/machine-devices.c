/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's devices of virtio, in the order in which the guest finds them. */
#include <errno.h>

#include "vm-shim/vmm/machine.h"

/* The register whose writing tells a device that a queue has something (virtio 1.2, 4.2.2). */
#define QUEUE_NOTIFY 0x50

static int add(struct machine *m, struct virtio_device *d, struct err *e)
{
	if (!d)
		return -1;
	if (m->devices_count == BOOT_DEVICES_MAX) {
		device_free(d);
		return err_config(e, "more than %d devices", BOOT_DEVICES_MAX);
	}
	m->devices[m->devices_count++] = d;
	return 0;
}

int machine_devices_make(struct machine *m, struct err *e)
{
	const struct vm_config *c = m->config;
	struct device_host host = { .loop = &m->loop, .memory = &m->memory, .lock = &m->lock };

	if (add(m, console_make(&host, c->ports, c->ports_count, c->console_fd, e), e) < 0)
		return -1;
	for (size_t i = 0; i < c->disks_count; i++)
		if (add(m, block_make(&host, &c->disks[i], e), e) < 0)
			return -1;
	for (size_t i = 0; i < c->nets_count; i++)
		if (add(m, net_make(&host, &c->nets[i], e), e) < 0)
			return -1;
	if (c->share && add(m, share_make(&host, c->share, e), e) < 0)
		return -1;
	if (c->balloon && add(m, balloon_make(&host, e), e) < 0)
		return -1;
	return add(m, rng_make(&host, e), e);
}

int machine_devices_bind(struct machine *m, struct err *e)
{
	for (unsigned i = 0; i < m->devices_count; i++) {
		const struct virtio_device *d = m->devices[i];
		uint64_t at = MACHINE_DEVICE_BASE + i * (uint64_t)VIRTIO_REGION_BYTES;
		if (kvm_line(&m->kvm, d->irq, boot_acpi_line(i), e) < 0)
			return -1;
		for (unsigned q = 0; q < d->queues_count; q++)
			if (kvm_doorbell(&m->kvm, d->queues[q].kick, at + QUEUE_NOTIFY, q, e) < 0)
				return -1;
	}
	return 0;
}
