/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-compile.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "src/seccomp/seccomp-emit.h"
#include "src/seccomp/seccomp-rules.h"
#include "src/seccomp/seccomp-search.h"

#define NUMBER_MAX 0xffffffffu

/* Ten times what the graph of a full program of 4096 instructions takes. */
#define SCRATCH_BYTES ((size_t)64 << 20)

/* What is being compiled; lives as long as one call of seccomp_compile(). */
struct compiler {
	struct seccomp_tree tree;
	struct arena *scratch;
	const struct seccomp_policy *policy;
	const struct seccomp_arch **archs; /* without repetitions and what cannot be resolved */
	size_t archs_count;
	struct seccomp_node *fallback, *bad_arch, *enosys;
	struct seccomp_span *spans; /* of the section at work */
	size_t spans_count;
	struct seccomp_program *out;
	struct arena *arena;
};

static int add_unknown_arch(struct compiler *c, const struct seccomp_arch *arch)
{
	if (!c->out->unknown_archs)
		c->out->unknown_archs =
			arena_new_array(c->arena, c->policy->archs_count, const char *);
	if (!c->out->unknown_archs)
		return -1;
	c->out->unknown_archs[c->out->unknown_archs_count++] = arch->oci_name;
	return 0;
}

static bool listed(const struct compiler *c, const struct seccomp_arch *arch)
{
	for (size_t i = 0; i < c->archs_count; i++)
		if (c->archs[i] == arch)
			return true;
	return false;
}

static int choose_archs(struct compiler *c, struct err *e)
{
	const struct seccomp_policy *policy = c->policy;

	c->archs = arena_new_array(c->scratch, policy->archs_count, const struct seccomp_arch *);
	if (!c->archs)
		return arena_check(c->scratch, e);
	for (size_t i = 0; i < policy->archs_count; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(policy->archs[i]);
		if (!arch)
			return err_config(e, "unknown architecture 0x%x", policy->archs[i]);
		if (listed(c, arch))
			continue;
		if (seccomp_names_resolvable(arch))
			c->archs[c->archs_count++] = arch;
		else if (add_unknown_arch(c, arch) < 0)
			return arena_check(c->arena, e);
	}
	if (c->archs_count)
		return 0;
	char version[32];
	seccomp_names_version(version, sizeof version);
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "libseccomp %s knows none of the architectures of the filter", version);
}

/* ------------------------------------------------------------- spans */

/* Continue with @node from @first on. */
static void add_span(struct compiler *c, uint32_t first, struct seccomp_node *node, uint64_t weight)
{
	struct seccomp_span *last = c->spans_count ? &c->spans[c->spans_count - 1] : NULL;

	if (last && last->node == node)
		last->weight += weight;
	else /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): section() has left when there was no memory */
		c->spans[c->spans_count++] = (struct seccomp_span){ first, node, weight };
}

/* The numbers of one architecture, which start at @first; the next ones are the caller's to add. */
static void add_arch(struct compiler *c, const struct seccomp_arch *arch, uint32_t first,
		     const struct seccomp_decisions *decisions)
{
	uint64_t next = first;

	/*
	 * s390 programs pass numbers above 255 in a register, with 0 in the instruction; the
	 * kernel leaves 0 for one that it does not know. runc has the same exception.
	 */
	if (c->policy->enosys_above && decisions->count && decisions->items[0].number != 0 &&
	    (arch->token == AUDIT_ARCH_S390 || arch->token == AUDIT_ARCH_S390X))
		add_span(c, (uint32_t)next++, c->enosys, 1);
	for (size_t i = 0; i < decisions->count; i++) {
		const struct seccomp_decision *d = &decisions->items[i];
		if (d->number > next)
			add_span(c, (uint32_t)next, c->fallback, 1);
		add_span(c, d->number, d->node, d->weight);
		next = (uint64_t)d->number + 1;
	}
	if (next <= NUMBER_MAX)
		add_span(c, (uint32_t)next,
			 c->policy->enosys_above && decisions->count ? c->enosys : c->fallback, 1);
}

static int decide(struct compiler *c, const struct seccomp_arch *arch,
		  struct seccomp_decisions *decisions, struct err *e)
{
	if (seccomp_rules_decide(&c->tree, c->policy, arch, decisions, e) < 0)
		return -1;
	if (c->out->unknown_names || !decisions->unknown_count)
		return 0;
	/* They are the same for all architectures: keep the first list. */
	c->out->unknown_names = arena_new_array(c->arena, decisions->unknown_count, const char *);
	if (!c->out->unknown_names)
		return arena_check(c->arena, e);
	for (size_t i = 0; i < decisions->unknown_count; i++)
		c->out->unknown_names[i] = arena_strdup(c->arena, decisions->unknown[i]);
	c->out->unknown_names_count = decisions->unknown_count;
	return arena_check(c->arena, e);
}

/* x86-64 and x32 report the same architecture: one section, split by the x32 bit. */
static int add_x86_spans(struct compiler *c, struct err *e)
{
	static const uint32_t tokens[] = { AUDIT_ARCH_X86_64, SECCOMP_ARCH_X32 };
	static const uint32_t firsts[] = { 0, SECCOMP_X32_BIT };
	struct seccomp_decisions decisions[2] = { 0 };
	size_t room = 16;

	for (size_t i = 0; i < 2; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(tokens[i]);
		if (listed(c, arch) && decide(c, arch, &decisions[i], e) < 0)
			return -1;
		room += decisions[i].count * 2;
	}
	c->spans = arena_new_array(c->scratch, room, struct seccomp_span);
	if (!c->spans)
		return arena_check(c->scratch, e);
	for (size_t i = 0; i < 2; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(tokens[i]);
		if (listed(c, arch))
			add_arch(c, arch, firsts[i], &decisions[i]);
		else
			add_span(c, firsts[i], c->bad_arch, 1);
	}
	return 0;
}

static int add_plain_spans(struct compiler *c, const struct seccomp_arch *arch, struct err *e)
{
	struct seccomp_decisions decisions;

	if (decide(c, arch, &decisions, e) < 0)
		return -1;
	c->spans = arena_new_array(c->scratch, decisions.count * 2 + 16, struct seccomp_span);
	if (!c->spans)
		return arena_check(c->scratch, e);
	add_arch(c, arch, 0, &decisions);
	return 0;
}

static struct seccomp_node *section(struct compiler *c, const struct seccomp_arch *arch,
				    struct err *e)
{
	c->spans_count = 0;
	if (arch->audit == AUDIT_ARCH_X86_64) {
		if (add_x86_spans(c, e) < 0)
			return NULL;
	} else if (add_plain_spans(c, arch, e) < 0) {
		return NULL;
	}
	/* A tracer that wants a call skipped makes it -1: neither new nor foreign. */
	add_span(c, NUMBER_MAX, c->fallback, 1);
	struct seccomp_node *node = seccomp_search(&c->tree, c->spans, c->spans_count);
	if (!node)
		seccomp_rules_failed(&c->tree, e);
	return node;
}

/* True if an earlier architecture of the list has brought in the section of @index already. */
static bool has_section(const struct compiler *c, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (c->archs[i]->audit == c->archs[index]->audit)
			return true;
	return false;
}

static struct seccomp_node *build(struct compiler *c, struct err *e)
{
	c->fallback = seccomp_tree_return(&c->tree, c->policy->default_action);
	c->bad_arch = seccomp_tree_return(&c->tree, c->policy->bad_arch_action);
	c->enosys = seccomp_tree_return(&c->tree, SECCOMP_RET_ERRNO | ENOSYS);
	struct seccomp_node *root = c->bad_arch;

	for (size_t i = c->archs_count; root && i--;) {
		if (has_section(c, i))
			continue;
		struct seccomp_node *node = section(c, c->archs[i], e);
		if (!node)
			return NULL;
		root = seccomp_tree_branch(&c->tree, SECCOMP_TEST_EQ, SECCOMP_WORD_ARCH,
					   c->archs[i]->audit, node, root);
	}
	if (!root)
		seccomp_rules_failed(&c->tree, e);
	return root;
}

bool seccomp_compile_notifies(const struct sock_filter *code, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code[i].code == (BPF_RET | BPF_K) &&
		    (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	return false;
}

bool seccomp_compile_signals(const struct sock_filter *code, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t action = code[i].k & SECCOMP_RET_ACTION_FULL;
		/* What returns a register can return anything. */
		if (code[i].code == (BPF_RET | BPF_A) ||
		    (code[i].code == (BPF_RET | BPF_K) &&
		     (action == SECCOMP_RET_TRAP || action == SECCOMP_RET_KILL_THREAD ||
		      action == SECCOMP_RET_KILL_PROCESS)))
			return true;
	}
	return false;
}

static int compile(struct compiler *c, struct err *e)
{
	if (seccomp_rules_check(c->policy, e) < 0 || choose_archs(c, e) < 0)
		return -1;
	if (seccomp_tree_init(&c->tree, c->scratch) < 0)
		return arena_check(c->scratch, e);
	struct seccomp_node *root = build(c, e);
	if (!root || seccomp_emit(root, c->arena, &c->out->code, &c->out->count, e) < 0)
		return -1;
	c->out->notifies = seccomp_compile_notifies(c->out->code, c->out->count);
	return 0;
}

int seccomp_compile(const struct seccomp_policy *policy, struct arena *arena,
		    struct seccomp_program *out, struct err *e)
{
	struct arena scratch;
	struct compiler c = { .policy = policy, .out = out, .arena = arena, .scratch = &scratch };

	*out = (struct seccomp_program){ 0 };
	arena_init(&scratch, SCRATCH_BYTES);
	int result = compile(&c, e);
	arena_free(&scratch);
	return result;
}
