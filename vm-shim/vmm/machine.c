/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/machine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/text.h"

/*
 * What this machine needs of a Linux kernel, before the user's own words, which so have the last one. There is
 * no PCI and one serial port. After a panic it restarts at once, which ends the machine: by the register of
 * ACPI, since with hardware-reduced ACPI a kernel of x86 asks EFI, and without one jumps to a BIOS that is not
 * there (arch/x86/kernel/reboot.c, efi_reboot_required()).
 */
#define CMDLINE                                                                                    \
	"console=ttyS0 panic=-1 reboot=a pci=off 8250.nr_uarts=1 cryptomgr.notests "               \
	"random.trust_cpu=on "

static int make_event(struct machine *m, struct loop_source *s, void (*ready)(void *, uint32_t),
		      struct err *e)
{
	*s = (struct loop_source){ .events = EPOLLIN, .ready = ready, .ctx = m };
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd < 0)
		return err_sys(e, "make an event descriptor");
	return loop_add(&m->loop, s, e);
}

static void drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof count);
}

static void serial_ready(void *ctx, uint32_t events)
{
	struct machine *m = ctx;

	(void)events;
	drain(m->serial_wake.fd);
	pthread_mutex_lock(&m->lock);
	serial_flush(&m->serial);
	pthread_mutex_unlock(&m->lock);
}

static void serial_writable(void *ctx, uint32_t events)
{
	struct machine *m = ctx;

	(void)events;
	pthread_mutex_lock(&m->lock);
	serial_flush(&m->serial);
	pthread_mutex_unlock(&m->lock);
}

static void end_ready(void *ctx, uint32_t events)
{
	(void)ctx;
	(void)events;
}

static void signal_ready(void *ctx, uint32_t events)
{
	struct machine *m = ctx;
	struct signalfd_siginfo info;

	(void)events;
	if (read(m->signals.fd, &info, sizeof info) == sizeof info)
		machine_end(m, VM_KILLED, NULL);
}

static int make_signals(struct machine *m, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Writes to descriptors that nobody reads any more are errors, no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	m->signals = (struct loop_source){ .events = EPOLLIN, .ready = signal_ready, .ctx = m };
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(e, "block signals");
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd < 0)
		return err_sys(e, "make a descriptor for signals");
	return loop_add(&m->loop, &m->signals, e);
}

static int make_events(struct machine *m, struct err *e)
{
	if (loop_init(&m->loop, e) < 0 || make_signals(m, e) < 0 ||
	    make_event(m, &m->end_wake, end_ready, e) < 0 ||
	    make_event(m, &m->serial_wake, serial_ready, e) < 0 ||
	    serial_init(&m->serial, &m->loop, m->config->console_fd, serial_writable, m, e) < 0)
		return -1;
	m->uart_line = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return m->uart_line < 0 ? err_sys(e, "make an event descriptor") : 0;
}

static int load(struct machine *m, struct boot_entry *entry, struct err *e)
{
	char cmdline[BOOT_CMDLINE_MAX];
	const struct vm_config *c = m->config;
	struct boot_request r = { .cmdline = cmdline };
	struct boot_acpi acpi = {
		.vcpus = c->vcpus,
		.devices = m->devices_count,
		.device_base = MACHINE_DEVICE_BASE,
		.device_bytes = VIRTIO_REGION_BYTES,
		.serial_port = UART_PORT,
		.serial_line = UART_LINE,
	};
	uint8_t *tables = memory_at(&m->memory, BOOT_ACPI, BOOT_HIGH - BOOT_ACPI);

	size_t length = text_format(cmdline, sizeof cmdline, CMDLINE "%s%s",
				    c->verbose ? "earlyprintk=serial,ttyS0 " : "quiet ",
				    c->cmdline ? c->cmdline : "");
	if (text_cut(length, sizeof cmdline))
		return err_config(e, "the kernel's command line is too long (at most %u bytes)",
				  BOOT_CMDLINE_MAX - 2);
	if (boot_file_from(&r.kernel, c->kernel_fd, c->kernel_path, e) < 0)
		return -1;
	if (c->initrd_fd >= 0 && boot_file_from(&r.initrd, c->initrd_fd, c->initrd_path, e) < 0)
		return -1;
	if (!tables)
		return err_config(e, "less than a MiB of memory");
	if (boot_load(&m->memory, &r, entry, e) < 0)
		return -1;
	return boot_acpi_write(&acpi, BOOT_ACPI, tables, BOOT_HIGH - BOOT_ACPI, e) < 0 ? -1 : 0;
}

int machine_prepare(struct machine *m, const struct vm_config *c, struct err *e)
{
	unsigned flags = (c->share ? MEMORY_SHARED : 0) | (c->prealloc ? MEMORY_PREALLOC : 0) |
			 (c->mergeable ? MEMORY_MERGEABLE : 0);

	m->config = c;
	pthread_mutex_init(&m->lock, NULL);
	if (memory_make(&m->memory, c->memory_bytes, flags, e) < 0 || make_events(m, e) < 0)
		return -1;
	return machine_devices_make(m, e);
}

int machine_make(struct machine *m, struct err *e)
{
	const struct vm_config *c = m->config;
	struct boot_entry entry;

	if (load(m, &entry, e) < 0 || kvm_machine_make(&m->kvm, &m->memory, e) < 0)
		return -1;
	for (unsigned i = 0; i < c->vcpus; i++) {
		struct machine_cpu *cpu = &m->cpus[i];
		cpu->machine = m;
		cpu->index = i;
		if (kvm_cpu_make(&m->kvm, i, c->vcpus, i ? NULL : &entry, &cpu->kvm, e) < 0)
			return -1;
		m->cpus_count++;
	}
	if (kvm_line(&m->kvm, m->uart_line, UART_LINE, e) < 0)
		return -1;
	return machine_devices_bind(m, e);
}

int machine_start(struct machine *m, struct err *e)
{
	if ((errno = pthread_barrier_init(&m->start, NULL, m->cpus_count + 1)))
		return err_sys(e, "make a barrier");
	for (unsigned i = 0; i < m->cpus_count; i++)
		if ((errno = pthread_create(&m->cpus[i].thread, NULL, vcpu_run, &m->cpus[i])))
			return err_sys(e, "start the thread of processor %u", i);
	return 0;
}

static bool ended(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	bool is = m->end;
	pthread_mutex_unlock(&m->lock);
	return is;
}

/* A driver has taken a device; where there are none, the kernel has said something. */
static bool booted(struct machine *m)
{
	bool is = !m->devices_count && m->serial.bytes;

	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->devices_count; i++)
		is |= m->devices[i]->driver_ok_count > 0;
	pthread_mutex_unlock(&m->lock);
	return is;
}

/* What devices have taken and not yet given away, and the last words: a second for those who read slowly. */
static void finish(struct machine *m)
{
	int64_t until = clock_now_msec() + 1000;
	struct err ignored;

	/* Else it would be ready for ever. */
	drain(m->end_wake.fd);
	for (int n = 1; n > 0 && clock_now_msec() < until;) {
		pthread_mutex_lock(&m->lock);
		serial_flush(&m->serial);
		bool left = m->serial.fd >= 0 && m->serial.used;
		pthread_mutex_unlock(&m->lock);
		n = loop_once(&m->loop, left ? 100 : 0, &ignored);
		n = left ? 1 : n;
	}
}

void machine_serve(struct machine *m)
{
	int64_t until =
		m->config->boot_timeout_msec ? clock_now_msec() + m->config->boot_timeout_msec : 0;
	struct err e = { 0 };

	while (!ended(m)) {
		int64_t left = -1;
		if (until && booted(m))
			until = 0;
		if (until) {
			left = until - clock_now_msec();
			if (left <= 0) {
				machine_end(m, VM_BOOT_TIMEOUT, NULL);
				break;
			}
			/* Its device may be taken without a word to this thread. */
			left = left < 500 ? left : 500;
		}
		if (loop_once(&m->loop, (int)left, &e) < 0) {
			machine_end(m, VM_BROKEN, &e);
			break;
		}
	}
	finish(m);
}

void machine_report(struct machine *m, struct vm_report *r)
{
	memset(r, 0, sizeof *r);
	r->size = sizeof *r;
	pthread_mutex_lock(&m->lock);
	r->end = m->end;
	r->error = m->error;
	serial_words(&m->serial, r->last_words, sizeof r->last_words);
	for (unsigned i = 0; i < m->cpus_count; i++) {
		r->exits_user += atomic_load_explicit(&m->cpus[i].exits, memory_order_relaxed);
		r->exits_total += kvm_cpu_exits(&m->cpus[i].kvm);
	}
	pthread_mutex_unlock(&m->lock);
}
