/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/learn/learn.h"
#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* Arguments of other calls, with values of their own. */
static bool is_foreign(const char *name)
{
	static const char *const beginnings[] = { "PR_SET_MM_", "PR_SET_VMA_ANON",
						  "PR_SET_PTRACER_", "PR_CAP_AMBIENT_", "AF_MAX" };

	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (text_starts(name, beginnings[i]))
			return true;
	return false;
}

static const char *find_beginning(uint64_t value, const struct seccomp_arch *arch, const char *word,
				  size_t length)
{
	const struct policy_constant *c;
	uint64_t own;

	for (size_t i = 0; (c = policy_constant_at(i)); i++) {
		const char *name = policy_constant_name(c);
		if (policy_constant_value(c, arch, &own) == 0 && own == value &&
		    strncmp(name, word, length) == 0 && !is_foreign(name))
			return name;
	}
	return NULL;
}

/* The first constant of that value, in the order of @words. */
static const char *find_name(uint64_t value, const struct seccomp_arch *arch, const char *words)
{
	for (const char *word = words; word && *word;) {
		size_t length = strcspn(word, " ");
		const char *name = find_beginning(value, arch, word, length);
		if (name)
			return name;
		word += length + strspn(word + length, " ");
	}
	return NULL;
}

static size_t put_number(uint64_t value, char *out, size_t size)
{
	if (value < 10)
		return text_format(out, size, "%llu", (unsigned long long)value);
	return text_format(out, size, "0x%llx", (unsigned long long)value);
}

void learn_value_print(const struct learn_argument *argument, uint64_t value, uint32_t token,
		       char *out, size_t size)
{
	const struct seccomp_arch *arch = seccomp_names_arch(token);
	const char *name = find_name(value, arch, argument->exact);
	uint64_t rest = value, unknown = 0;
	size_t n = 0;

	if (name || !argument->flags || !value) {
		if (name)
			text_format(out, size, "%s", name);
		else
			put_number(value, out, size);
		return;
	}
	if (rest & argument->low) {
		name = find_name(rest & argument->low, arch, argument->exact);
		if (name)
			n += text_format(out, size, "%s", name);
		else
			unknown = rest & argument->low;
		rest &= ~argument->low;
	}
	for (; rest; rest &= rest - 1) {
		name = find_name(rest & -rest, arch, argument->flags);
		if (!name)
			unknown |= rest & -rest;
		else
			n += text_format(out + n, size - n, "%s%s", n ? "|" : "", name);
	}
	if (unknown) {
		n += text_format(out + n, size - n, "%s", n ? "|" : "");
		put_number(unknown, out + n, size - n);
	}
}
