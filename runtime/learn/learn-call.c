/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/learn/learn.h"
#include "src/base/text.h"

#define SLOTS_FIRST 1024u /* x86-64 has some 370 calls */

void learn_init(struct learn *l, struct arena *a)
{
	*l = (struct learn){ .arena = a };
}

static size_t slot_of(const struct learn *l, uint32_t arch, uint32_t number)
{
	size_t at = (number ^ arch * 31u) & (l->size - 1);

	while (l->slots[at] && (l->slots[at]->number != number || l->slots[at]->arch != arch))
		at = (at + 1) & (l->size - 1);
	return at;
}

static int grow(struct learn *l)
{
	struct learn grown = *l;

	grown.size = l->size ? l->size * 2 : SLOTS_FIRST;
	grown.slots = arena_new_array(l->arena, grown.size, struct learn_call *);
	if (!grown.slots)
		return -1;
	for (size_t i = 0; i < l->size; i++)
		if (l->slots[i])
			grown.slots[slot_of(&grown, l->slots[i]->arch, l->slots[i]->number)] =
				l->slots[i];
	*l = grown;
	return 0;
}

static struct learn_call *make_call(struct learn *l, const struct seccomp_arch *arch,
				    uint32_t number)
{
	struct learn_call *c = arena_new(l->arena, struct learn_call);
	char name[64];

	if (!c)
		return NULL;
	c->arch = arch->token;
	c->number = number;
	/* Policies write numbers without the base. */
	if (seccomp_names_of(arch, number, name, sizeof name) < 0)
		text_format(name, sizeof name, "%u", number - arch->base);
	c->name = arena_strdup(l->arena, name);
	if (!c->name)
		return NULL;
	c->row = learn_row_find(c->name);
	c->path_row = learn_path_find(c->name);
	c->network_row = learn_network_find(c->name);
	c->narrow = policy_narrow_arguments(c->name);
	return c;
}

struct learn_call *learn_call_get(struct learn *l, const struct seccomp_arch *arch, uint32_t number)
{
	if (l->count * 2 >= l->size && grow(l) < 0)
		return NULL;
	size_t at = slot_of(l, arch->token, number);
	if (!l->slots[at]) {
		l->slots[at] = make_call(l, arch, number);
		l->count += l->slots[at] != NULL;
	}
	return l->slots[at];
}

struct learn_call *learn_call_named(struct learn *l, const struct seccomp_arch *arch,
				    const char *name)
{
	struct seccomp_call call;
	uint32_t number;

	if (text_parse_u32(name, &number) == 0)
		return learn_call_get(l, arch, number + arch->base);
	seccomp_names_call(arch, name, &call);
	return call.direct ? learn_call_get(l, arch, call.number) : NULL;
}

static bool same_values(const struct learn_call *c, const struct learn_values *a,
			const struct learn_values *b)
{
	for (size_t i = 0; i < c->row->count; i++)
		if (a->of[i] != b->of[i])
			return false;
	return true;
}

void learn_call_add_values(struct learn *l, struct learn_call *c, const struct learn_values *v)
{
	c->mask |= v->of[0];
	for (size_t i = 0; i < c->values_count; i++)
		if (same_values(c, &c->values[i], v))
			return;
	if (c->values_count == LEARN_VALUES_MAX) {
		c->overflow = true;
		return;
	}
	if (!c->values) {
		c->values = arena_new_array(l->arena, LEARN_VALUES_MAX, struct learn_values);
		if (!c->values)
			return;
	}
	c->values[c->values_count++] = *v;
}

void learn_call_add(struct learn *l, struct learn_call *c, const struct seccomp_data *data)
{
	const struct seccomp_arch *arch = seccomp_names_arch(c->arch);
	struct learn_values v = { 0 };

	if (!c->row)
		return;
	for (size_t i = 0; i < c->row->count; i++) {
		uint32_t index = c->row->arguments[i].index;
		v.of[i] = data->args[index];
		/* The kernel never sees the rest, and neither does a policy. */
		if (!arch->wide || c->narrow & 1u << index)
			v.of[i] &= UINT32_MAX;
	}
	learn_call_add_values(l, c, &v);
}

const struct seccomp_arch *learn_arch_of(const struct seccomp_data *data)
{
	uint32_t number = (uint32_t)data->nr;

	/* The kernel calls both x86-64; -1 is how a tracer skips a call. */
	if (data->arch == AUDIT_ARCH_X86_64 && number & SECCOMP_X32_BIT && data->nr != -1)
		return seccomp_names_arch(SECCOMP_ARCH_X32);
	return seccomp_names_arch(data->arch);
}

static int compare_calls(const void *left, const void *right)
{
	const struct learn_call *a = *(struct learn_call *const *)left;
	const struct learn_call *b = *(struct learn_call *const *)right;
	const struct seccomp_arch *one = seccomp_names_arch(a->arch);
	const struct seccomp_arch *two = seccomp_names_arch(b->arch);

	if (one != two)
		return one < two ? -1 : 1;
	return strcmp(a->name, b->name);
}

struct learn_call **learn_calls_sorted(const struct learn *l, struct arena *a)
{
	struct learn_call **all = arena_new_array(a, l->count + 1, struct learn_call *);
	size_t count = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; i < l->size; i++)
		if (l->slots[i])
			all[count++] = l->slots[i];
	if (count)
		qsort(all, count, sizeof(struct learn_call *), compare_calls);
	return all;
}

bool learn_is_refused(const struct learn_call *c)
{
	return c->refused && !c->let;
}
