/* SPDX-License-Identifier: Apache-2.0 */
/* What can come out of a filter. Jumps only lead forward, so one pass in order sees every way. */
#include "src/seccomp/seccomp-reach.h"

#include <linux/seccomp.h>
#include <stdbool.h>

/* What is known where an instruction begins. */
struct point {
	uint32_t a;
	bool reached, known; /* A has the value a on all ways here */
};

static void arrive(struct point *p, bool known, uint32_t a)
{
	p->known = known && (!p->reached || (p->known && p->a == a));
	p->a = a;
	p->reached = true;
}

static void branch(const struct sock_filter *insn, struct point *at)
{
	bool taken = false;

	if (insn->code == (BPF_JMP | BPF_JA)) {
		arrive(at + 1 + insn->k, at->known, at->a);
		return;
	}
	if (!at->known || BPF_SRC(insn->code) == BPF_X) {
		arrive(at + 1 + insn->jt, at->known, at->a);
		arrive(at + 1 + insn->jf, at->known, at->a);
		return;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		taken = at->a == insn->k;
		break;
	case BPF_JGE:
		taken = at->a >= insn->k;
		break;
	case BPF_JGT:
		taken = at->a > insn->k;
		break;
	case BPF_JSET:
		taken = at->a & insn->k;
		break;
	}
	arrive(at + 1 + (taken ? insn->jt : insn->jf), true, at->a);
}

/* A behind an instruction that neither jumps nor returns. */
static void go_on(const struct sock_filter *insn, struct point *at, uint32_t arch, uint32_t number)
{
	switch (insn->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (insn->k == offsetof(struct seccomp_data, nr))
			arrive(at + 1, true, number);
		else if (insn->k == offsetof(struct seccomp_data, arch))
			arrive(at + 1, true, arch);
		else
			arrive(at + 1, false, 0);
		return;
	case BPF_ALU | BPF_AND | BPF_K:
		arrive(at + 1, at->known, at->a & insn->k);
		return;
	case BPF_LDX | BPF_IMM:
	case BPF_LDX | BPF_MEM:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_ST:
	case BPF_STX:
	case BPF_MISC | BPF_TAX:
		arrive(at + 1, at->known, at->a);
		return;
	default:
		arrive(at + 1, false, 0);
	}
}

uint32_t seccomp_reach_mildest(const struct sock_filter *code, size_t count, uint32_t arch,
			       uint32_t number)
{
	static struct point points[BPF_MAXINSNS + 1];
	int32_t mildest = INT32_MIN;

	for (size_t i = 0; i < count; i++)
		points[i] = (struct point){ .reached = i == 0 };
	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *insn = &code[i];
		if (!points[i].reached)
			continue;
		if (BPF_CLASS(insn->code) == BPF_JMP) {
			branch(insn, &points[i]);
		} else if (BPF_CLASS(insn->code) != BPF_RET) {
			go_on(insn, &points[i], arch, number);
		} else {
			uint32_t answer = insn->code == (BPF_RET | BPF_K) ? insn->k
					  : points[i].known               ? points[i].a
									  : SECCOMP_RET_ALLOW;
			/* As the kernel orders them: signed. */
			int32_t action = (int32_t)(answer & SECCOMP_RET_ACTION_FULL);
			if (action > mildest)
				mildest = action;
		}
	}
	return (uint32_t)mildest;
}
