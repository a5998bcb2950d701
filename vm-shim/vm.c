/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vm.h"

#include <string.h>

#include "src/base/text.h"

static const struct vm_backend *const backends[] = { &vm_backend_kvm, &vm_backend_qemu };

const struct vm_backend *vm_backend_find(const char *name)
{
	for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
		if (text_equal(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const char *vm_end_name(enum vm_end end)
{
	switch (end) {
	case VM_POWERED_OFF:
		return "powered off";
	case VM_RESET:
		return "reset";
	case VM_TRIPLE_FAULT:
		return "triple fault";
	case VM_PANICKED:
		return "panic";
	case VM_BOOT_TIMEOUT:
		return "boot time-out";
	case VM_BROKEN:
		return "broken";
	case VM_KILLED:
		return "killed";
	}
	return "unknown";
}

static int check_ports(const struct vm_config *c, struct err *e)
{
	for (size_t i = 0; i < c->ports_count; i++) {
		const char *name = c->ports[i].name;
		if (!name || !*name || strlen(name) > 63)
			return err_config(e, "port %zu: a name of 1 to 63 bytes is needed", i);
		if (c->ports[i].fd < 0)
			return err_config(e, "port \"%s\": not connected", name);
		for (size_t k = 0; k < i; k++)
			if (text_equal(c->ports[k].name, name))
				return err_config(e, "port \"%s\": given twice", name);
	}
	return 0;
}

int vm_config_check(const struct vm_config *c, struct err *e)
{
	if (c->kernel_fd < 0)
		return err_config(e, "no kernel");
	if (c->vcpus < 1 || c->vcpus > VM_VCPUS_MAX)
		return err_config(e, "%u processors: 1 to %d are possible", c->vcpus, VM_VCPUS_MAX);
	if (c->memory_bytes < VM_MEMORY_BYTES_MIN)
		return err_config(e, "memory of %llu MiB: kernels need %llu MiB at least",
				  (unsigned long long)c->memory_bytes >> 20,
				  VM_MEMORY_BYTES_MIN >> 20);
	if (c->memory_bytes & 0xfff)
		return err_config(e, "memory of %llu bytes: no multiple of 4096",
				  (unsigned long long)c->memory_bytes);
	if (c->disks_count > VM_DISKS_MAX)
		return err_config(e, "%zu disks: at most %d are possible", c->disks_count,
				  VM_DISKS_MAX);
	if (c->ports_count > VM_PORTS_MAX)
		return err_config(e, "%zu ports: at most %d are possible", c->ports_count,
				  VM_PORTS_MAX);
	if (c->nets_count > VM_NETS_MAX)
		return err_config(e, "%zu network devices: at most %d are possible", c->nets_count,
				  VM_NETS_MAX);
	for (size_t i = 0; i < c->disks_count; i++)
		if (c->disks[i].fd < 0)
			return err_config(e, "disk %zu: not open", i);
	for (size_t i = 0; i < c->nets_count; i++)
		if (c->nets[i].fd < 0)
			return err_config(e, "network device %zu: not open", i);
	/* virtio-fs: 36 bytes for the tag, at least one of them used. */
	if (c->share && (!c->share->tag || !*c->share->tag || strlen(c->share->tag) > 36))
		return err_config(e, "shared directory: a tag of 1 to 36 bytes is needed");
	if (c->share && c->share->fd < 0)
		return err_config(e, "shared directory \"%s\": not connected", c->share->tag);
	return check_ports(c, e);
}
