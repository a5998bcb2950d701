/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-names.h"

static size_t print_number(uint64_t value, char *out, size_t size)
{
	/* Small negative ones are how people write AT_FDCWD. */
	if ((int64_t)value < 0 && (int64_t)value > -4096)
		return text_format(out, size, "-%llu", (unsigned long long)-value);
	if (value < 10)
		return text_format(out, size, "%llu", (unsigned long long)value);
	return text_format(out, size, "0x%llx", (unsigned long long)value);
}

void policy_compare_print(const struct seccomp_compare *c, bool wide, char *out, size_t size)
{
	static const char *const words[] = {
		[SECCOMP_OP_NE] = "!=", [SECCOMP_OP_LT] = "<",  [SECCOMP_OP_LE] = "<=",
		[SECCOMP_OP_EQ] = "==", [SECCOMP_OP_GE] = ">=", [SECCOMP_OP_GT] = ">",
	};
	uint64_t all = wide && !c->narrow ? UINT64_MAX : UINT32_MAX, mask = c->value & all;
	uint64_t bits = c->value_two & mask;
	size_t n = text_format(out, size, "arg%u ", c->index);

	switch (c->op) {
	case SECCOMP_OP_MASKED_EQ:
		/* No bit of the mask but those, and each of those. */
		n += text_format(out + n, size - n, "in ");
		n += print_number(~mask & all, out + n, size - n);
		if (bits) {
			n += text_format(out + n, size - n, "|");
			n += print_number(bits, out + n, size - n);
		}
		for (; bits; bits &= bits - 1) {
			n += text_format(out + n, size - n, " && arg%u & ", c->index);
			n += print_number(bits & -bits, out + n, size - n);
		}
		return;
	case SECCOMP_OP_MASKED_NE:
		n += text_format(out + n, size - n, "& ");
		print_number(mask, out + n, size - n);
		return;
	default:
		n += text_format(out + n, size - n, "%s ", words[c->op]);
		print_number(c->value, out + n, size - n);
	}
}
