/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_BOOT_H
#define HUSK_CLI_VM_BOOT_H

#include "runtime/cli/cli.h"
#include "vm-shim/vm.h"

/* "husk vm boot": options as they were typed. */
struct vm_options {
	const char *kernel, *initrd, *cmdline, *net, *share, *backend;
	struct opt_u64 memory, boot_timeout;
	struct opt_u32 cpus;
	struct option_list disks, ports;
	bool verbose, balloon;
};

/* Open and connect everything (vm-open.c). Descriptors stay open: this process has nothing else to do. */
int vm_open(const struct vm_options *o, struct arena *a, struct vm_config *c, struct err *e);
/* Fork the monitor and wait for its end (vm-run.c). 0 with what it reported, or -1. */
int vm_run(const struct vm_backend *b, const struct vm_config *c, struct vm_report *r,
	   int *signal_sent, struct err *e);

#endif
