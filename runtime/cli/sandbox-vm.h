/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_VM_H
#define HUSK_CLI_SANDBOX_VM_H

#include "runtime/cli/sandbox-run.h"

/*
 * "husk sandbox --vm": the sandbox of @r inside a virtual machine. The host's husk makes a view of what the
 * sandbox may see, serves it to a machine, and hands the sandbox's configuration to the husk that is the
 * machine's first process; that one plans and carries it out like any other. The program's exit status, or -1.
 */
int sandbox_vm_run(struct run *r, bool dry_run, struct err *e);

#endif
