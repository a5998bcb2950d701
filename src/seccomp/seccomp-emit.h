/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_EMIT_H
#define HUSK_SECCOMP_EMIT_H

#include <linux/filter.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-tree.h"

/* BPF_MAXINSNS of the kernel; <linux/bpf_common.h> has it too. */
#define SECCOMP_MAX_INSTRUCTIONS 4096

/*
 * The classic BPF program of the graph below @root, in memory of @arena. 0, or -1 (ERR_CONFIG when
 * it does not fit into the kernel's limit). A graph can be emitted once only.
 */
int seccomp_emit(struct seccomp_node *root, struct arena *arena, struct sock_filter **code,
		 size_t *count, struct err *e);

#endif
