/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-guard.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "src/seccomp/seccomp-policy.h"

#define GROUP    8
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

/* The kernel takes its time by instructions: a jump of these offsets is one to where the set's answers are. */
#define TO_ALLOW  254
#define TO_REFUSE 255

static size_t run_length(const uint32_t *numbers, size_t count)
{
	size_t n = 1;

	while (n < count && numbers[n] == numbers[0] + n)
		n++;
	return n;
}

/* Few enough to try one after the other. What is not among them is allowed by the last test. */
static void write_leaf(struct writer *w, const uint32_t *numbers, size_t count)
{
	while (count) {
		size_t n = run_length(numbers, count);
		bool range = n >= 3;
		n = range ? n : 1;
		size_t otherwise = n == count ? TO_ALLOW : 0;
		if (range) {
			/* Below it: in order, so among none of the others either. */
			add(w, BPF_JMP | BPF_JGE | BPF_K, 0, TO_ALLOW, numbers[0]);
			add(w, BPF_JMP | BPF_JGT | BPF_K, otherwise, TO_REFUSE, numbers[n - 1]);
		} else {
			add(w, BPF_JMP | BPF_JEQ | BPF_K, TO_REFUSE, otherwise, numbers[0]);
		}
		numbers += n;
		count -= n;
	}
}

static void write_tree(struct writer *w, const uint32_t *numbers, size_t count)
{
	if (count <= GROUP) {
		write_leaf(w, numbers, count);
		return;
	}
	/* Not within a run. */
	size_t half = 0, run = 0;
	for (size_t at = 0; at < count; at += run) {
		run = run_length(numbers + at, count - at);
		if (at <= count / 2)
			half = at;
	}
	if (!half) {
		write_leaf(w, numbers, count);
		return;
	}
	size_t test = w->count;
	add(w, BPF_JMP | BPF_JGE | BPF_K, 0, 0, numbers[half]);
	write_tree(w, numbers, half);
	w->out[test].jt = (uint8_t)(w->count - test - 1);
	write_tree(w, numbers + half, count - half);
}

static void write_set(struct writer *w, const uint32_t *numbers, size_t count)
{
	size_t begin = w->count;

	write_tree(w, numbers, count);
	for (size_t i = begin; i < w->count; i++) {
		uint8_t *jumps[] = { &w->out[i].jt, &w->out[i].jf };
		for (size_t k = 0; k < 2; k++) {
			if (*jumps[k] >= TO_ALLOW)
				*jumps[k] = (uint8_t)(w->count - i - (*jumps[k] == TO_ALLOW));
		}
	}
	answer(w, SECCOMP_RET_ALLOW);
	answer(w, ERRNO(EPERM));
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
