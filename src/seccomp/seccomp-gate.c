/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-gate.h"

#include <endian.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "src/seccomp/seccomp-names.h"

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW 0u
#else
#define LOW 4u
#endif
#define HIGH (4u - LOW)

struct writer {
	struct sock_filter *out;
	size_t count;
};

static void add(struct writer *w, unsigned code, uint32_t k)
{
	w->out[w->count++] = (struct sock_filter){ (uint16_t)code, 0, 0, k };
}

/* Go on where A is @k, and to the filter behind otherwise. */
static void require(struct writer *w, uint32_t k)
{
	size_t behind = SECCOMP_GATE_INSTRUCTIONS - w->count - 1;

	w->out[w->count++] =
		(struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, 0, (uint8_t)behind, k };
}

/* Add how half an argument differs from @k to what is in scratch word 0. */
static void collect(struct writer *w, unsigned index, uint32_t half, uint32_t k, bool first)
{
	add(w, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)offsetof(struct seccomp_data, args) + index * 8 + half);
	add(w, BPF_ALU | BPF_XOR | BPF_K, k);
	if (!first) {
		add(w, BPF_LDX | BPF_MEM, 0);
		add(w, BPF_ALU | BPF_OR | BPF_X, 0);
	}
	add(w, BPF_ST, 0);
}

void seccomp_gate_write(const struct seccomp_gate *g,
			struct sock_filter out[SECCOMP_GATE_INSTRUCTIONS])
{
	const struct seccomp_arch *own = seccomp_names_arch(seccomp_names_native());
	struct writer w = { .out = out };

	add(&w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	require(&w, SYS_execveat);
	add(&w, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	require(&w, own->audit);
	/* The kernel takes these two as int. */
	collect(&w, 0, LOW, g->dirfd, true);
	collect(&w, 4, LOW, g->flags, false);
	collect(&w, 1, LOW, (uint32_t)g->path, false);
	collect(&w, 1, HIGH, (uint32_t)(g->path >> 32), false);
	collect(&w, 2, LOW, (uint32_t)g->argv, false);
	collect(&w, 2, HIGH, (uint32_t)(g->argv >> 32), false);
	add(&w, BPF_LD | BPF_MEM, 0);
	require(&w, 0);
	add(&w, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}
