/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-names.h"

bool policy_rule_names(const struct policy *p, size_t index, const struct seccomp_arch *arch,
		       uint32_t number)
{
	const struct seccomp_rule *rule = &p->seccomp.rules[index];
	struct seccomp_call call;
	uint32_t digits;

	if (rule->arch && rule->arch != arch->token)
		return false;
	for (size_t i = 0; i < rule->names_count; i++) {
		const char *name = rule->names[i];
		if (text_parse_u32(name, &digits) == 0) {
			if (digits == number || arch->base + digits == number)
				return true;
			continue;
		}
		seccomp_names_call(arch, name, &call);
		if (call.direct && call.number == number)
			return true;
	}
	return false;
}

bool policy_compare_holds(const struct seccomp_compare *c, const struct seccomp_arch *arch,
			  uint64_t argument)
{
	bool narrow = c->narrow || !arch->wide;
	uint64_t value = c->value, two = c->value_two;

	if (narrow) {
		argument = (uint32_t)argument;
		two = (uint32_t)two;
		/* A negative number is one of 32 bits; what is wider than that cannot be met. */
		if (c->op == SECCOMP_OP_MASKED_EQ || c->op == SECCOMP_OP_MASKED_NE ||
		    value >> 31 == 0x1ffffffffu)
			value = (uint32_t)value;
	}
	switch (c->op) {
	case SECCOMP_OP_NE:
		return argument != value;
	case SECCOMP_OP_LT:
		return argument < value;
	case SECCOMP_OP_LE:
		return argument <= value;
	case SECCOMP_OP_EQ:
		return argument == value;
	case SECCOMP_OP_GE:
		return argument >= value;
	case SECCOMP_OP_GT:
		return argument > value;
	case SECCOMP_OP_MASKED_EQ:
		return (argument & value) == (two & value);
	case SECCOMP_OP_MASKED_NE:
		return (argument & value) != (two & value);
	}
	return false;
}

size_t policy_decide(const struct policy *p, const struct seccomp_arch *arch,
		     const struct seccomp_data *data)
{
	if (p->kind != POLICY_TEXT)
		return POLICY_NO_RULE;
	for (size_t i = 0; i < p->seccomp.rules_count; i++) {
		const struct seccomp_rule *rule = &p->seccomp.rules[i];
		bool holds = policy_rule_names(p, i, arch, (uint32_t)data->nr);
		for (size_t k = 0; holds && k < rule->compares_count; k++)
			holds = policy_compare_holds(&rule->compares[k], arch,
						     data->args[rule->compares[k].index]);
		if (holds)
			return i;
	}
	return POLICY_NO_RULE;
}
