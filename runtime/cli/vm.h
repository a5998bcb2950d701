/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_H
#define HUSK_CLI_VM_H

#include "runtime/cli/cli.h"

/* Verbs below "husk vm", one per file. */
extern const struct verb verb_vm_boot, verb_vm_initramfs, verb_vm_kernel;

#endif
