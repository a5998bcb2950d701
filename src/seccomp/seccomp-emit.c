/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-emit.h"

#include <string.h>

/*
 * Conditional jumps of classic BPF go forward only, by at most 255. The program is therefore
 * written from its end to its start: whatever a test jumps to is already placed, distances are
 * known, and a target that has drifted out of reach gets a stub in reach (a copy of a return, or a
 * long jump), which then serves later tests as well.
 *
 * Places are counted from the end of the program. In nodes they are stored plus one.
 */

#define JUMP_MAX 255u

/*
 * What the accumulator holds: 0 unknown, else a word and the mask that was applied to it.
 * The kernel caches "always allowed" per call number only if nothing but the number and the
 * architecture was loaded on the way; so arguments are loaded where they are tested, never before.
 */
typedef uint64_t held;

static held holds(uint32_t word, uint32_t mask)
{
	return (held)(word + 1) << 32 | mask;
}

struct writer {
	struct sock_filter *code; /* last instruction first */
	uint32_t count;
	bool full;
};

/* Returns the place plus one. */
static uint32_t put(struct writer *w, uint16_t opcode, uint8_t yes, uint8_t no, uint32_t k)
{
	if (w->count == SECCOMP_MAX_INSTRUCTIONS) {
		w->full = true;
		return w->count;
	}
	w->code[w->count++] = (struct sock_filter){ opcode, yes, no, k };
	return w->count;
}

/* Where @n can be entered with @acc, nearest first; 0 where it has not been written for that. */
static uint32_t *entry(struct seccomp_node *n, held acc)
{
	uint32_t *best = &n->at_any;

	if (n->test == SECCOMP_TEST_RETURN)
		return best;
	if (acc == holds(n->word, 0xffffffff) && n->at_loaded > *best)
		best = &n->at_loaded;
	if (acc == holds(n->word, n->mask) && n->at_masked > *best)
		best = &n->at_masked;
	return best;
}

/* The jump distance from the next instruction to @place. */
static uint32_t distance(const struct writer *w, uint32_t place)
{
	return w->count - place;
}

/* Bring an entry that is too far for a conditional jump into reach. */
static void bring_near(struct writer *w, struct seccomp_node *n, uint32_t *place)
{
	if (n->test == SECCOMP_TEST_RETURN)
		*place = put(w, BPF_RET | BPF_K, 0, 0, n->k);
	else
		*place = put(w, BPF_JMP | BPF_JA, 0, 0, distance(w, *place));
}

static void write_node(struct writer *w, struct seccomp_node *n, held acc);

/* Make sure that @n can be entered with @acc. */
static uint32_t *prepare(struct writer *w, struct seccomp_node *n, held acc)
{
	if (!*entry(n, acc))
		write_node(w, n, acc);
	return entry(n, acc);
}

static void write_test(struct writer *w, struct seccomp_node *n)
{
	static const uint16_t opcodes[] = {
		[SECCOMP_TEST_EQ] = BPF_JMP | BPF_JEQ | BPF_K,
		[SECCOMP_TEST_GE] = BPF_JMP | BPF_JGE | BPF_K,
		[SECCOMP_TEST_SET] = BPF_JMP | BPF_JSET | BPF_K,
	};
	held after = holds(n->word, n->mask);

	/* Writing one branch can bring the other one's entry nearer or, by its length, out of
	 * reach. */
	prepare(w, n->no, after);
	uint32_t *yes = prepare(w, n->yes, after);
	uint32_t *no = entry(n->no, after);
	while (!w->full && (distance(w, *yes) > JUMP_MAX || distance(w, *no) > JUMP_MAX)) {
		if (distance(w, *yes) > JUMP_MAX)
			bring_near(w, n->yes, yes);
		else
			bring_near(w, n->no, no);
	}
	n->at_masked = put(w, opcodes[n->test], (uint8_t)distance(w, *yes),
			   (uint8_t)distance(w, *no), n->k);
}

static void write_node(struct writer *w, struct seccomp_node *n, held acc)
{
	if (w->full)
		return;
	if (n->test == SECCOMP_TEST_RETURN) {
		n->at_any = put(w, BPF_RET | BPF_K, 0, 0, n->k);
		return;
	}
	write_test(w, n);
	if (acc == holds(n->word, n->mask))
		return;
	if (n->mask != 0xffffffff)
		put(w, BPF_ALU | BPF_AND | BPF_K, 0, 0, n->mask);
	n->at_loaded = w->count;
	if (acc == holds(n->word, 0xffffffff))
		return;
	n->at_any = put(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, n->word * 4);
}

int seccomp_emit(struct seccomp_node *root, struct arena *arena, struct sock_filter **code,
		 size_t *count, struct err *e)
{
	struct writer w = { 0 };
	struct sock_filter room[SECCOMP_MAX_INSTRUCTIONS];

	w.code = room;
	write_node(&w, root, 0);
	if (w.full)
		return err_config(
			e,
			"the filter needs more than the %d instructions that the kernel takes: "
			"use fewer conditions on arguments",
			SECCOMP_MAX_INSTRUCTIONS);
	*code = arena_new_array(arena, w.count, struct sock_filter);
	if (!*code)
		return arena_check(arena, e);
	for (uint32_t i = 0; i < w.count; i++)
		(*code)[i] = room[w.count - 1 - i];
	*count = w.count;
	return 0;
}
