/* SPDX-License-Identifier: Apache-2.0 */
/* Random policies, and random calls that meet their rules. */
#include "tests/unit/test-seccomp-random.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
	/* splitmix64 */
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((random_next(state) >> 32) * limit >> 32);
}

const uint32_t random_families[RANDOM_FAMILIES][4] = {
	{ AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, SECCOMP_ARCH_X32, 0 },
	{ AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, 0, 0 },
	{ AUDIT_ARCH_RISCV64, 0, 0, 0 },
	{ AUDIT_ARCH_MIPSEL, AUDIT_ARCH_MIPSEL64, AUDIT_ARCH_MIPSEL64N32, 0 },
	{ AUDIT_ARCH_PPC64LE, 0, 0, 0 },
	{ AUDIT_ARCH_S390X, AUDIT_ARCH_S390, 0, 0 },
	{ AUDIT_ARCH_PPC64, AUDIT_ARCH_PPC, 0, 0 },
	{ AUDIT_ARCH_MIPS, AUDIT_ARCH_MIPS64, AUDIT_ARCH_MIPS64N32, 0 },
	{ AUDIT_ARCH_PARISC, 0, 0, 0 },
};

/* x86 has the special cases, so it gets most of the work. */
static const uint32_t *pick_family(uint64_t *r)
{
	uint32_t count = RANDOM_FAMILIES;

	return random_below(r, 2) ? random_families[0] : random_families[random_below(r, count)];
}

static const uint32_t actions[] = {
	SECCOMP_RET_ALLOW,	 SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ERRNO | ENOSYS,
	SECCOMP_RET_KILL_THREAD, SECCOMP_RET_KILL_PROCESS,  SECCOMP_RET_TRAP,
	SECCOMP_RET_LOG,	 SECCOMP_RET_TRACE | 7,	    SECCOMP_RET_USER_NOTIF,
};

static uint32_t random_action(uint64_t *r)
{
	return actions[random_below(r, sizeof actions / sizeof *actions)];
}

/* Without @wide, values that fit 32 bits: libseccomp cuts others, husk does not. */
static uint64_t random_value(uint64_t *r, bool wide)
{
	static const uint64_t edges[] = { 0, 1, 2, 5, 0x7fffffff, 0x80000000, 0xffffffff };

	switch (random_below(r, wide ? 5 : 2)) {
	case 0:
		return edges[random_below(r, 7)];
	case 1:
		return random_below(r, 8);
	case 2:
		return edges[random_below(r, 7)] << 32 | edges[random_below(r, 7)];
	case 3:
		return 0xffffffff00000000 | edges[random_below(r, 7)];
	default:
		return edges[random_below(r, 7)] + ((uint64_t)1 << 32);
	}
}

static void random_compares(uint64_t *r, struct arena *arena, struct seccomp_rule *rule,
			    const struct kind *kind)
{
	size_t count = random_below(r, 4) ? random_below(r, 3) : 3;
	if (kind->simple)
		count = random_below(r, 2);
	struct seccomp_compare *compares = arena_new_array(arena, count, struct seccomp_compare);

	for (size_t i = 0; i < count; i++) {
		struct seccomp_compare *c = &compares[i];
		c->index = random_below(r, random_below(r, 4) ? 3 : 6);
		c->op = (enum seccomp_op)(1 + random_below(r, 7));
		if (kind->simple)
			c->op = random_below(r, 3) ? SECCOMP_OP_EQ : SECCOMP_OP_MASKED_EQ;
		if (kind->conflicts)
			c->op = SECCOMP_OP_EQ;
		c->value = random_value(r, kind->wide || kind->any_values);
		if (c->op == SECCOMP_OP_MASKED_EQ) {
			c->value = random_below(r, 2) ? c->value : random_next(r);
			c->value_two =
				random_below(r, 2) ? random_value(r, kind->wide) & c->value : 0;
		}
	}
	rule->compares = compares;
	rule->compares_count = count;
}

/*
 * One action per call: where rules of one call differ in their action see test_conflicts().
 * (socketcall and ipc would meet their own functions; they are in the table of test_table().)
 */
static uint32_t action_of(const char *name, uint64_t salt)
{
	uint64_t state = salt;

	for (; *name; name++)
		state = state * 31 + (uint64_t)*name;
	return random_action(&state);
}

/* all_names() takes milliseconds. */
static void find_names(const struct seccomp_arch *arch, struct source *source)
{
	static struct arena arena;
	static struct source known[32];
	size_t slot = (size_t)(arch - seccomp_names_arch_at(0));

	assert_true(slot < 32);
	if (!known[slot].names)
		known[slot].names = all_names(&arena, arch, &known[slot].names_count);
	*source = known[slot];
}

void random_policy(uint64_t *r, struct arena *arena, struct kind *kind,
		   struct seccomp_policy *policy, struct source *source)
{
	const uint32_t *family = pick_family(r);
	uint32_t *archs = arena_new_array(arena, 4, uint32_t);
	uint64_t salt = random_next(r);
	size_t rules = random_below(r, 4) ? random_below(r, 12) : random_below(r, 120);
	struct seccomp_rule *rule = arena_new_array(arena, rules + 1, struct seccomp_rule);

	*policy = (struct seccomp_policy){ .archs = archs, .rules = rule };
	policy->order = kind->any_values ? SECCOMP_ORDER_FIRST_MATCH : SECCOMP_ORDER_LIBSECCOMP;
	policy->bad_arch_action = kind->any_values ? random_action(r) : SECCOMP_RET_KILL_THREAD;
	policy->default_action = random_action(r);
	if (kind->simple || kind->conflicts)
		archs[policy->archs_count++] = family[0];
	while (!policy->archs_count)
		for (size_t i = 0; i < 4 && family[i]; i++)
			if (random_below(r, 2))
				archs[policy->archs_count++] = family[i];
	kind->wide = true;
	for (size_t i = 0; i < policy->archs_count; i++)
		kind->wide &= seccomp_names_arch(archs[i])->wide;
	find_names(seccomp_names_arch(archs[0]), source);
	for (; policy->rules_count < rules; policy->rules_count++, rule++) {
		const char **name = arena_new_array(arena, 1, const char *);
		do
			*name = source->names[random_below(r, (uint32_t)source->names_count)];
		while (strcmp(*name, "socketcall") == 0 || strcmp(*name, "ipc") == 0);
		/*
		 * Crowd some calls, so that their rules meet; not more, since libseccomp's
		 * pruning takes exponential time (minutes for four rules with four conditions).
		 */
		if (policy->rules_count % 3)
			*name = policy->rules[policy->rules_count - 1].names[0];
		rule->names = name;
		rule->names_count = 1;
		rule->action = kind->conflicts || kind->any_values
				       ? random_action(r)
				       : action_of(rule->names[0], salt);
		random_compares(r, arena, rule, kind);
	}
}

static uint64_t near_value(uint64_t *r, uint64_t value)
{
	switch (random_below(r, 6)) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return value ^ (uint64_t)1 << random_below(r, 64);
	case 3:
		return (uint32_t)value;
	default:
		return value;
	}
}

void random_call(uint64_t *r, const struct seccomp_policy *policy, const struct source *source,
		 struct seccomp_data *data)
{
	const struct seccomp_arch *arch =
		seccomp_names_arch(policy->archs[random_below(r, (uint32_t)policy->archs_count)]);
	const struct seccomp_rule *rule = NULL;
	struct seccomp_call call;
	const char *name = source->names[random_below(r, (uint32_t)source->names_count)];

	if (policy->rules_count && random_below(r, 8)) {
		rule = &policy->rules[random_below(r, (uint32_t)policy->rules_count)];
		name = rule->names[0];
	}
	*data = (struct seccomp_data){ .arch = arch->audit };
	seccomp_names_call(arch, name, &call);
	data->nr = (int)(call.direct ? call.number : arch->base + random_below(r, 500));
	for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
		data->args[i] = random_below(r, 2) ? random_below(r, 8) : random_next(r);
	for (size_t i = 0; rule && i < rule->compares_count; i++) {
		const struct seccomp_compare *c = &rule->compares[i];
		uint64_t aim = c->op == SECCOMP_OP_MASKED_EQ ? c->value_two : c->value;
		data->args[c->index] = near_value(r, aim);
	}
	if (call.multiplexed && random_below(r, 2)) {
		data->nr = (int)call.mux_number;
		data->args[0] = random_below(r, 4) ? call.mux_value : random_below(r, 25);
	}
	switch (random_below(r, 24)) {
	case 0:
		data->nr = -1;
		break;
	case 1:
		data->nr ^= (int)SECCOMP_X32_BIT;
		break;
	case 2:
		data->nr += 1;
		break;
	case 3:
		data->nr = (int)random_next(r);
		break;
	case 4:
		data->arch = random_families[random_below(r, 9)][0];
		break;
	}
}
