/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-simulate.h"

#include <linux/audit.h>
#include <string.h>

/* Low-order part of ABI names: the mark of little-endian architectures in AUDIT_ARCH_*. */
#define LITTLE_ENDIAN_MARK __AUDIT_ARCH_LE

/* Everything that seccomp_check_filter() lets through; the rest of classic BPF is for packets. */
static bool allowed(uint16_t opcode)
{
	switch (opcode) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_ALU | BPF_ADD | BPF_K:
	case BPF_ALU | BPF_ADD | BPF_X:
	case BPF_ALU | BPF_SUB | BPF_K:
	case BPF_ALU | BPF_SUB | BPF_X:
	case BPF_ALU | BPF_MUL | BPF_K:
	case BPF_ALU | BPF_MUL | BPF_X:
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_DIV | BPF_X:
	case BPF_ALU | BPF_AND | BPF_K:
	case BPF_ALU | BPF_AND | BPF_X:
	case BPF_ALU | BPF_OR | BPF_K:
	case BPF_ALU | BPF_OR | BPF_X:
	case BPF_ALU | BPF_XOR | BPF_K:
	case BPF_ALU | BPF_XOR | BPF_X:
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_LSH | BPF_X:
	case BPF_ALU | BPF_RSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_X:
	case BPF_ALU | BPF_NEG:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
	case BPF_JMP | BPF_JA:
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return true;
	default:
		return false;
	}
}

static bool is_memory(const struct sock_filter *i)
{
	return i->code == BPF_ST || i->code == BPF_STX || i->code == (BPF_LD | BPF_MEM) ||
	       i->code == (BPF_LDX | BPF_MEM);
}

/* What is wrong with one instruction that has @left instructions behind it, or NULL. */
static const char *fault(const struct sock_filter *i, size_t left)
{
	if (!allowed(i->code))
		return "opcode not allowed";
	if (i->code == (BPF_LD | BPF_W | BPF_ABS) &&
	    (i->k >= sizeof(struct seccomp_data) || i->k & 3))
		return "load outside of struct seccomp_data";
	if (i->code == (BPF_ALU | BPF_DIV | BPF_K) && !i->k)
		return "division by zero";
	if ((i->code == (BPF_ALU | BPF_LSH | BPF_K) || i->code == (BPF_ALU | BPF_RSH | BPF_K)) &&
	    i->k >= 32)
		return "shift by more than 31";
	if (is_memory(i) && i->k >= BPF_MEMWORDS)
		return "scratch memory has 16 words";
	if (BPF_CLASS(i->code) != BPF_JMP)
		return NULL;
	if (i->code == (BPF_JMP | BPF_JA))
		return i->k >= left ? "jump out of the program" : NULL;
	return i->jt >= left || i->jf >= left ? "jump out of the program" : NULL;
}

/* Scratch words may only be read where every way there has written them. */
static size_t find_unwritten(const struct sock_filter *code, size_t count, uint16_t *written)
{
	uint16_t now = 0;

	memset(written, 0xff, count * sizeof *written);
	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *insn = &code[i];
		now &= written[i];
		if (insn->code == BPF_ST || insn->code == BPF_STX) {
			now |= (uint16_t)(1u << insn->k);
		} else if (is_memory(insn)) {
			if (!(now & 1u << insn->k))
				return i;
		} else if (insn->code == (BPF_JMP | BPF_JA)) {
			written[i + 1 + insn->k] &= now;
			now = 0xffff;
		} else if (BPF_CLASS(insn->code) == BPF_JMP) {
			written[i + 1 + insn->jt] &= now;
			written[i + 1 + insn->jf] &= now;
			now = 0xffff;
		}
	}
	return count;
}

int seccomp_simulate_check(const struct sock_filter *code, size_t count, struct err *e)
{
	uint16_t written[BPF_MAXINSNS];

	if (!count || count > BPF_MAXINSNS)
		return err_config(e, "a filter has 1 to %d instructions, not %zu", BPF_MAXINSNS,
				  count);
	for (size_t i = 0; i < count; i++) {
		const char *text = fault(&code[i], count - 1 - i);
		if (text)
			return err_config(e, "filter instruction %zu (0x%x): %s", i, code[i].code,
					  text);
	}
	if (BPF_CLASS(code[count - 1].code) != BPF_RET)
		return err_config(e, "the filter does not end in a return");
	size_t at = find_unwritten(code, count, written);
	if (at < count)
		return err_config(
			e, "filter instruction %zu reads scratch memory before it is written", at);
	return 0;
}

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint64_t value;
	bool second = offset & 4, low;

	if (offset == offsetof(struct seccomp_data, nr))
		return (uint32_t)data->nr;
	if (offset == offsetof(struct seccomp_data, arch))
		return data->arch;
	if (offset < offsetof(struct seccomp_data, args))
		value = data->instruction_pointer;
	else
		value = data->args[(offset - offsetof(struct seccomp_data, args)) / 8];
	low = second != ((data->arch & LITTLE_ENDIAN_MARK) != 0);
	return (uint32_t)(low ? value : value >> 32);
}

struct machine {
	uint32_t a, x;
	uint32_t memory[BPF_MEMWORDS];
};

/* False where the kernel's program ends with 0: division by a zero register. */
static bool calculate(struct machine *m, const struct sock_filter *i)
{
	uint32_t operand = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		m->a += operand;
		break;
	case BPF_SUB:
		m->a -= operand;
		break;
	case BPF_MUL:
		m->a *= operand;
		break;
	case BPF_DIV:
		if (!operand)
			return false;
		m->a /= operand;
		break;
	case BPF_AND:
		m->a &= operand;
		break;
	case BPF_OR:
		m->a |= operand;
		break;
	case BPF_XOR:
		m->a ^= operand;
		break;
	case BPF_LSH:
		m->a <<= operand & 31;
		break;
	case BPF_RSH:
		m->a >>= operand & 31;
		break;
	case BPF_NEG:
		m->a = -m->a;
		break;
	}
	return true;
}

static uint32_t jump(const struct machine *m, const struct sock_filter *i)
{
	uint32_t operand = BPF_SRC(i->code) == BPF_X ? m->x : i->k;
	bool taken = false;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		taken = m->a == operand;
		break;
	case BPF_JGE:
		taken = m->a >= operand;
		break;
	case BPF_JGT:
		taken = m->a > operand;
		break;
	case BPF_JSET:
		taken = m->a & operand;
		break;
	}
	return taken ? i->jt : i->jf;
}

static void move(struct machine *m, const struct sock_filter *i, const struct seccomp_data *data)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		m->a = load(data, i->k);
		break;
	case BPF_LD | BPF_W | BPF_LEN:
		m->a = sizeof *data;
		break;
	case BPF_LDX | BPF_W | BPF_LEN:
		m->x = sizeof *data;
		break;
	case BPF_LD | BPF_IMM:
		m->a = i->k;
		break;
	case BPF_LDX | BPF_IMM:
		m->x = i->k;
		break;
	case BPF_LD | BPF_MEM:
		m->a = m->memory[i->k];
		break;
	case BPF_LDX | BPF_MEM:
		m->x = m->memory[i->k];
		break;
	case BPF_ST:
		m->memory[i->k] = m->a;
		break;
	case BPF_STX:
		m->memory[i->k] = m->x;
		break;
	case BPF_MISC | BPF_TAX:
		m->x = m->a;
		break;
	case BPF_MISC | BPF_TXA:
		m->a = m->x;
		break;
	}
}

uint32_t seccomp_simulate(const struct sock_filter *code, size_t count,
			  const struct seccomp_data *data, uint32_t *steps)
{
	struct machine m = { 0 };
	uint32_t ran = 0, result = 0;

	for (size_t i = 0; i < count; i++) {
		ran++;
		if (BPF_CLASS(code[i].code) == BPF_RET) {
			result = code[i].code == (BPF_RET | BPF_A) ? m.a : code[i].k;
			break;
		}
		if (BPF_CLASS(code[i].code) == BPF_JMP)
			i += jump(&m, &code[i]);
		else if (BPF_CLASS(code[i].code) == BPF_ALU) {
			if (!calculate(&m, &code[i]))
				break;
		} else {
			move(&m, &code[i], data);
		}
	}
	if (steps)
		*steps = ran;
	return result;
}

bool seccomp_simulate_constant(const struct sock_filter *code, size_t count, uint32_t arch,
			       uint32_t number, uint32_t *result)
{
	struct machine m = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct sock_filter *insn = &code[i];
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (insn->k == offsetof(struct seccomp_data, nr))
				m.a = number;
			else if (insn->k == offsetof(struct seccomp_data, arch))
				m.a = arch;
			else
				return false;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			m.a &= insn->k;
			break;
		case BPF_RET | BPF_K:
			*result = insn->k;
			return true;
		case BPF_JMP | BPF_JA:
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			i += jump(&m, insn);
			break;
		default:
			return false;
		}
	}
	return false;
}

bool seccomp_simulate_cached(const struct sock_filter *code, size_t count, uint32_t arch,
			     uint32_t number)
{
	uint32_t result;

	return seccomp_simulate_constant(code, count, arch, number, &result) &&
	       result == SECCOMP_RET_ALLOW;
}
