/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-guard.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "src/seccomp/seccomp-policy.h"

#define GROUP    4
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW 0u
#else
#define LOW 4u
#endif

struct writer {
	struct sock_filter *out;
	size_t count;
};

static void add(struct writer *w, unsigned code, size_t jt, size_t jf, uint32_t k)
{
	w->out[w->count++] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };
}

static void answer(struct writer *w, uint32_t action)
{
	add(w, BPF_RET | BPF_K, 0, 0, action);
}

/* A tree: the kernel runs the filter for each number when it is installed. */
static void write_set(struct writer *w, const uint32_t *numbers, size_t count)
{
	if (count <= GROUP) {
		for (size_t i = 0; i < count; i++)
			add(w, BPF_JMP | BPF_JEQ | BPF_K, count - i, 0, numbers[i]);
		answer(w, SECCOMP_RET_ALLOW);
		answer(w, ERRNO(EPERM));
		return;
	}
	size_t half = count / 2, test = w->count;
	add(w, BPF_JMP | BPF_JGE | BPF_K, 0, 0, numbers[half]);
	write_set(w, numbers, half);
	w->out[test].jt = (uint8_t)(w->count - test - 1);
	write_set(w, numbers + half, count - half);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

size_t seccomp_guard_write(struct seccomp_guard *guards, size_t guards_count, uint32_t clone_flags,
			   struct sock_filter out[SECCOMP_GUARD_INSTRUCTIONS])
{
	struct writer w = { .out = out };

	add(&w, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < guards_count; i++) {
		struct seccomp_guard *g = &guards[i];
		size_t test = w.count;
		qsort(g->refused, g->refused_count, sizeof *g->refused, by_number);
		/* A set is longer than a conditional jump reaches. */
		add(&w, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, g->audit);
		add(&w, BPF_JMP | BPF_JA, 0, 0, 0);
		add(&w, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
		if (g->audit == AUDIT_ARCH_X86_64) {
			add(&w, BPF_JMP | BPF_JGE | BPF_K, 0, 1, SECCOMP_X32_BIT);
			answer(&w, ERRNO(ENOSYS));
		}
		add(&w, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, g->clone3);
		answer(&w, ERRNO(ENOSYS));
		add(&w, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, g->clone);
		add(&w, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		    (uint32_t)offsetof(struct seccomp_data, args) + LOW);
		add(&w, BPF_JMP | BPF_JSET | BPF_K, 1, 0, clone_flags);
		answer(&w, SECCOMP_RET_ALLOW);
		answer(&w, ERRNO(EPERM));
		write_set(&w, g->refused, g->refused_count);
		w.out[test + 1].k = (uint32_t)(w.count - test - 2);
	}
	answer(&w, SECCOMP_RET_KILL_PROCESS);
	return w.count;
}
