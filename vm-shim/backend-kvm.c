/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "vm-shim/vm.h"
#include "vm-shim/vmm/filter.h"
#include "vm-shim/vmm/jail.h"
#include "vm-shim/vmm/machine.h"

static int usable(struct err *e)
{
	struct vm_probe p;

	vm_probe_kvm(&p);
	if (p.verdict == VM_PROBE_USABLE || p.verdict == VM_PROBE_SLOW)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0, "KVM is not usable here: %s", p.reason);
}

/* Everything but what the machine is made of. Standard descriptors lead nowhere from here on. */
static int close_rest(const struct vm_config *c, int report_fd, struct err *e)
{
	int keep[8 + VM_DISKS_MAX + VM_PORTS_MAX + VM_NETS_MAX];
	size_t n = 0;
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(e, "open /dev/null");
	keep[n++] = report_fd;
	keep[n++] = c->kernel_fd;
	keep[n++] = c->initrd_fd;
	keep[n++] = c->console_fd;
	for (size_t i = 0; i < c->disks_count; i++)
		keep[n++] = c->disks[i].fd;
	for (size_t i = 0; i < c->ports_count; i++)
		keep[n++] = c->ports[i].fd;
	for (size_t i = 0; i < c->nets_count; i++)
		keep[n++] = c->nets[i].fd;
	if (c->share)
		keep[n++] = c->share->fd;
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		bool kept = false;
		for (size_t i = 0; i < n; i++)
			kept |= keep[i] == fd;
		if (!kept && dup2(null, fd) < 0)
			return err_sys(e, "lead standard descriptors to /dev/null");
	}
	io_close_all_but(STDERR_FILENO + 1, keep, n);
	null = -1;
	return 0;
}

static int build(struct machine *m, const struct vm_config *c, int report_fd, struct err *e)
{
	/* Threads share one heap: another one would have to be mapped when the filters are on already. */
	mallopt(M_ARENA_MAX, 1);
	prctl(PR_SET_NAME, "husk-vm", 0, 0, 0);
	if (vm_config_check(c, e) < 0 || close_rest(c, report_fd, e) < 0 ||
	    kvm_open(&m->kvm, e) < 0 || machine_prepare(m, c, e) < 0 || jail_enter(e) < 0 ||
	    machine_make(m, e) < 0)
		return -1;
	/* Read to the end. */
	close(c->kernel_fd);
	if (c->initrd_fd >= 0)
		close(c->initrd_fd);
	close(m->kvm.device);
	return 0;
}

static int become(const struct vm_config *c, int report_fd, struct err *e)
{
	struct machine *m = calloc(1, sizeof *m);
	static struct vm_report report;

	if (!m)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "make a machine");
	if (build(m, c, report_fd, e) < 0 || machine_start(m, e) < 0)
		return -1;
	/* After the threads were made: neither filter lets another one be. */
	if (filter_enter(FILTER_MONITOR, e) < 0)
		return -1;
	pthread_barrier_wait(&m->start);
	machine_serve(m);
	machine_report(m, &report);
	ssize_t sent;
	do
		sent = send(report_fd, &report, sizeof report, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	_exit(sent == sizeof report ? 0 : 1);
}

const struct vm_backend vm_backend_kvm = {
	.name = "kvm",
	.can = VM_CAN_COUNT_EXITS | VM_CAN_ISOLATE,
	.usable = usable,
	.become = become,
};
