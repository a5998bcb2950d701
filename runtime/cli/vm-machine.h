/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_MACHINE_H
#define HUSK_CLI_VM_MACHINE_H

#include "runtime/cli/vm-session.h"

/* All that belongs to one run, beyond one try. */
struct vm_machine {
	struct run *run;
	struct guest_kernel kernel;
	const struct vm_backend *backend;
	uint64_t boot_msec;
	int kernel_fd, initrd_fd;
	const char *initrd_path;
	struct sandbox inside; /* what the guest is told */
	const char *config;
	size_t config_length;
	struct sandbox_report_vm facts;
	bool automatic, retried;
};

/*
 * Start everything that a machine needs, watch it to the end, and take everything away again. 0 with *status, the
 * program's; 1 with @e: it was not there in time, and another backend may be; -1.
 */
int vm_machine_try(struct vm_machine *m, int *status, struct err *e);

#endif
