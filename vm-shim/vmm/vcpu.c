/* SPDX-License-Identifier: Apache-2.0 */
/* A processor's thread: run the guest, answer what it asks of devices. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm-shim/vmm/filter.h"
#include "vm-shim/vmm/machine.h"
#include "vm-shim/vmm/power.h"

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof one);
}

void machine_end(struct machine *m, enum vm_end end, const struct err *error)
{
	pthread_mutex_lock(&m->lock);
	bool first = !m->end;
	if (first) {
		/* The kernel restarts after a panic ("panic=-1"): what it said before tells the two apart. */
		m->end = end == VM_RESET && m->serial.panicked ? VM_PANICKED : end;
		if (error)
			m->error = *error;
	}
	pthread_mutex_unlock(&m->lock);
	if (first)
		wake(m->end_wake.fd);
}

static int broken(struct machine_cpu *c, const char *what, uint64_t reason, uint64_t detail)
{
	struct err e = { 0 };

	err_set(&e, ERR_UNSUPPORTED, 0, "KVM: processor %u: %s %llu, %llx", c->index, what,
		(unsigned long long)reason, (unsigned long long)detail);
	machine_end(c->machine, VM_BROKEN, &e);
	return -1;
}

static void write_uart(struct machine *m, unsigned reg, uint8_t value)
{
	int sent;
	bool raise = uart_write(&m->uart, reg, value, &sent);

	if (sent >= 0 && serial_put(&m->serial, (uint8_t)sent))
		wake(m->serial_wake.fd);
	if (raise)
		wake(m->uart_line);
}

/* One byte to one port. -1: the machine has ended. */
static int write_port(struct machine *m, uint16_t port, uint8_t value)
{
	if (port >= UART_PORT && port < UART_PORT + 8) {
		pthread_mutex_lock(&m->lock);
		write_uart(m, port - UART_PORT, value);
		pthread_mutex_unlock(&m->lock);
		return 0;
	}
	enum power_event event = power_write(port, value);
	if (event == POWER_NONE)
		return 0;
	machine_end(m, event == POWER_OFF ? VM_POWERED_OFF : VM_RESET, NULL);
	return -1;
}

/* Nobody there: all lines are high. */
static uint8_t read_port(struct machine *m, uint16_t port)
{
	uint8_t value = 0xff;

	if (port >= UART_PORT && port < UART_PORT + 8) {
		pthread_mutex_lock(&m->lock);
		value = uart_read(&m->uart, port - UART_PORT);
		pthread_mutex_unlock(&m->lock);
	} else if (port == BOOT_PORT_SLEEP_STATUS || port == BOOT_PORT_SLEEP_CONTROL) {
		value = 0;
	}
	return value;
}

static int handle_port(struct machine_cpu *c, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t size = run->io.size;

	for (uint32_t i = 0; i < run->io.count; i++, data += size) {
		for (uint32_t k = 0; k < size; k++) {
			uint16_t port = (uint16_t)(run->io.port + k);
			if (run->io.direction == KVM_EXIT_IO_IN)
				data[k] = read_port(c->machine, port);
			else if (write_port(c->machine, port, data[k]) < 0)
				return -1;
		}
	}
	return 0;
}

static void handle_memory(struct machine *m, struct kvm_run *run)
{
	uint64_t at = run->mmio.phys_addr - MACHINE_DEVICE_BASE;
	uint64_t n = at / VIRTIO_REGION_BYTES;
	uint32_t offset = (uint32_t)(at % VIRTIO_REGION_BYTES), length = run->mmio.len;
	uint8_t *data = run->mmio.data;

	if (length > sizeof run->mmio.data)
		length = sizeof run->mmio.data;
	if (!run->mmio.is_write)
		memset(data, 0xff, sizeof run->mmio.data);
	if (n >= m->devices_count)
		return;
	pthread_mutex_lock(&m->lock);
	if (run->mmio.is_write)
		virtio_mmio_write(m->devices[n], offset, data, length);
	else
		virtio_mmio_read(m->devices[n], offset, data, length);
	pthread_mutex_unlock(&m->lock);
}

/* -1: the machine has ended. */
static int handle_exit(struct machine_cpu *c, struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return handle_port(c, run);
	case KVM_EXIT_MMIO:
		handle_memory(c->machine, run);
		return 0;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return 0;
	case KVM_EXIT_SHUTDOWN:
		machine_end(c->machine, VM_TRIPLE_FAULT, NULL);
		return -1;
	case KVM_EXIT_SYSTEM_EVENT:
		machine_end(c->machine,
			    run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? VM_POWERED_OFF
			    : run->system_event.type == KVM_SYSTEM_EVENT_CRASH  ? VM_PANICKED
										: VM_RESET,
			    NULL);
		return -1;
	case KVM_EXIT_INTERNAL_ERROR:
		return broken(c,
			      "internal error, an instruction that it cannot emulate or the like:",
			      run->internal.suberror,
			      run->internal.ndata ? run->internal.data[0] : 0);
	case KVM_EXIT_FAIL_ENTRY:
		return broken(c, "the hardware refuses to enter the guest:",
			      run->fail_entry.hardware_entry_failure_reason, 0);
	default:
		return broken(c, "an exit that nobody asked for:", run->exit_reason, 0);
	}
}

void *vcpu_run(void *argument)
{
	struct machine_cpu *c = argument;
	struct kvm_run *run = c->kvm.run;
	struct err e = { 0 };

	int caged = filter_enter(FILTER_VCPU, &e);
	pthread_barrier_wait(&c->machine->start);
	if (caged < 0) {
		machine_end(c->machine, VM_BROKEN, &e);
		return NULL;
	}
	for (;;) {
		if (ioctl(c->kvm.fd, KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err_sys(&e, "KVM: run processor %u", c->index);
			machine_end(c->machine, VM_BROKEN, &e);
			return NULL;
		}
		atomic_fetch_add_explicit(&c->exits, 1, memory_order_relaxed);
		if (handle_exit(c, run) < 0)
			return NULL;
	}
}
