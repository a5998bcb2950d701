/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_QEMU_H
#define HUSK_QEMU_H

#include <stdint.h>

#include "vm-shim/vm.h"

/*
 * The command line of qemu-system-x86_64 -M microvm for @c, NULL-terminated, in @a. Pure: the same words for
 * the same configuration. Every file is a descriptor of @c by its number. @tsc_khz: what this processor's time
 * stamp counter counts with; 0: not known.
 *
 * Without it the guest's kernel measures it against a timer that is emulated as well, and hangs when the host
 * is busy. microvm's virtio devices are of the old kind unless told otherwise, which virtiofsd refuses.
 */
int qemu_argv_make(const struct vm_config *c, const char *program, uint64_t tsc_khz,
		   struct arena *a, char ***argv, struct err *e);

/* How a QEMU of that command line ended. It says nothing itself, but the kernel's last words do. */
enum vm_end qemu_judge(int wait_status, const char *last_words);

#endif
