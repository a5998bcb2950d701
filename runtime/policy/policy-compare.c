/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy-compare.h"

#include <linux/audit.h>
#include <stdlib.h>

#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-simulate.h"

/* No architecture has that many calls, but for the private ones of arm. */
#define NUMBERS      640u
#define ARM_PRIVATE  0x0f0000u
#define PRIVATE_MAX  16u
#define VALUES_MAX   3000u
#define COMBINATIONS 3000u

struct comparison {
	const struct seccomp_program *a, *b;
	const struct seccomp_arch *arch;
	bool low_only;
	uint64_t *values;
	size_t values_count;
	struct policy_difference *out;
	size_t count;
};

static void add_value(struct comparison *c, uint64_t value)
{
	if (c->values_count < VALUES_MAX)
		c->values[c->values_count++] = value;
}

static void add_values(struct comparison *c, const struct seccomp_program *p)
{
	for (size_t i = 0; i < p->count; i++) {
		uint64_t k = p->code[i].k;
		uint16_t code = p->code[i].code;
		bool tests = BPF_CLASS(code) == BPF_JMP && code != (BPF_JMP | BPF_JA);
		if (!tests && code != (BPF_ALU | BPF_AND | BPF_K))
			continue;
		add_value(c, k);
		add_value(c, k + 1);
		add_value(c, k - 1);
		add_value(c, ~k);
		add_value(c, k << 32);
		add_value(c, k | (uint64_t)1 << 32);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void gather_values(struct comparison *c)
{
	size_t kept = 0;

	add_value(c, 0);
	for (unsigned bit = 0; bit < 64; bit++)
		add_value(c, (uint64_t)1 << bit);
	add_values(c, c->a);
	add_values(c, c->b);
	qsort(c->values, c->values_count, sizeof *c->values, by_value);
	for (size_t i = 0; i < c->values_count; i++)
		if (!i || c->values[i] != c->values[kept - 1])
			c->values[kept++] = c->values[i];
	c->values_count = kept;
}

/* True where the filters differ about @data; the difference is noted then. */
static bool differs(struct comparison *c, const struct seccomp_data *data)
{
	uint32_t a = seccomp_simulate(c->a->code, c->a->count, data, NULL);
	uint32_t b = seccomp_simulate(c->b->code, c->b->count, data, NULL);
	struct policy_difference *d = &c->out[c->count];

	if (a == b)
		return false;
	*d = (struct policy_difference){ .number = (uint32_t)data->nr, .a = a, .b = b };
	for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
		d->args[i] = data->args[i];
	c->count++;
	return true;
}

static void set_masks(const struct comparison *c, uint32_t number, uint64_t *masks)
{
	uint32_t narrow = 0;
	char name[64];

	if (c->low_only && seccomp_names_of(c->arch, number, name, sizeof name) == 0)
		narrow = policy_narrow_arguments(name);
	for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
		masks[i] = narrow >> i & 1 ? UINT32_MAX : UINT64_MAX;
}

static void try_arguments(struct comparison *c, uint32_t number)
{
	struct seccomp_data data = { .nr = (int)number, .arch = c->arch->audit };
	uint64_t state = number + 88172645463325252u, masks[SECCOMP_ARGUMENTS];

	set_masks(c, number, masks);
	if (differs(c, &data))
		return;
	for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++) {
		for (size_t k = 0; k < c->values_count; k++) {
			data.args[i] = c->values[k] & masks[i];
			if (differs(c, &data))
				return;
		}
		data.args[i] = 0;
	}
	for (size_t round = 0; round < COMBINATIONS; round++) {
		for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			data.args[i] = c->values[(state >> 16) % c->values_count] & masks[i];
		}
		if (differs(c, &data))
			return;
	}
}

static void compare_number(struct comparison *c, uint32_t number)
{
	uint32_t a, b;

	if (seccomp_simulate_constant(c->a->code, c->a->count, c->arch->audit, number, &a) &&
	    seccomp_simulate_constant(c->b->code, c->b->count, c->arch->audit, number, &b)) {
		if (a != b)
			c->out[c->count++] = (struct policy_difference){
				.number = number, .always = true, .a = a, .b = b
			};
		return;
	}
	try_arguments(c, number);
}

int policy_compare(const struct seccomp_program *a, const struct seccomp_program *b,
		   const struct seccomp_arch *arch, bool low_only, struct arena *arena,
		   struct policy_difference **out, size_t *count, struct err *e)
{
	struct comparison c = { .a = a, .b = b, .arch = arch, .low_only = low_only };

	c.values = arena_new_array(arena, VALUES_MAX, uint64_t);
	c.out = arena_new_array(arena, NUMBERS + PRIVATE_MAX, struct policy_difference);
	if (!c.values || !c.out)
		return arena_check(arena, e);
	gather_values(&c);
	for (uint32_t n = 0; n < NUMBERS; n++)
		compare_number(&c, arch->base + n);
	for (uint32_t n = 0; n < PRIVATE_MAX && arch->token == AUDIT_ARCH_ARM; n++)
		compare_number(&c, ARM_PRIVATE + n);
	*out = c.out;
	*count = c.count;
	return 0;
}
