/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-tables.h"

#define LONG_BITS (8 * sizeof(unsigned long))

bool bit_set_has(const struct bit_set *set, size_t n)
{
	return n / LONG_BITS < set->word_count && (set->words[n / LONG_BITS] >> n % LONG_BITS & 1);
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* A number of at most 5 digits at *@p, which is moved behind it; -1 if there is none. */
static long read_number(const char **p)
{
	long value = 0;
	int digits = 0;

	while (**p >= '0' && **p <= '9' && digits < 5) {
		value = value * 10 + (*(*p)++ - '0');
		digits++;
	}
	return digits && !(**p >= '0' && **p <= '9') ? value : -1;
}

/* One item "4" or "0-3" at *@p. */
static const char *read_range(const char **p, unsigned max, long *first, long *last)
{
	*p = skip_blanks(*p);
	*first = *last = read_number(p);
	*p = skip_blanks(*p);
	if (**p == '-') {
		*p = skip_blanks(*p + 1);
		*last = read_number(p);
		*p = skip_blanks(*p);
	}
	if (*first < 0 || *last < 0)
		return "is not a list of numbers and ranges such as 0-3,7";
	if (*last < *first)
		return "has a range that runs backwards";
	if (*last > (long)max)
		return "has a number that is too large";
	return NULL;
}

const char *spec_list_parse(const char *text, unsigned max, struct arena *a, struct bit_set *set)
{
	const char *p = skip_blanks(text), *wrong;
	long first, last;

	if (!*p)
		return NULL;
	if (set) {
		set->word_count = max / LONG_BITS + 1;
		set->words = arena_new_array(a, set->word_count, unsigned long);
		if (!set->words)
			return "needs more memory than there is";
	}
	for (;;) {
		wrong = read_range(&p, max, &first, &last);
		if (wrong)
			return wrong;
		for (long n = first; set && n <= last; n++)
			set->words[(size_t)n / LONG_BITS] |= 1UL << (size_t)n % LONG_BITS;
		if (!*p)
			return NULL;
		if (*p++ != ',')
			return "is not a list of numbers and ranges such as 0-3,7";
	}
}
