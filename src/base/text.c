/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/text.h"

#include <errno.h>
#include <string.h>

struct sink {
	char *at, *end; /* end points at the byte kept for the NUL */
};

static void put(struct sink *s, const char *text, size_t n)
{
	size_t room = (size_t)(s->end - s->at);

	if (n > room)
		n = room;
	memcpy(s->at, text, n);
	s->at += n;
}

static void put_number(struct sink *s, unsigned long long value, bool negative, unsigned base,
		       int width)
{
	static const char digits[] = "0123456789abcdef";
	char text[32];
	size_t i = sizeof text;

	do {
		text[--i] = digits[value % base];
		value /= base;
	} while (value);
	/* The sign is part of the width, as in printf(3). */
	while (sizeof text - i + negative < (size_t)width && i > 1)
		text[--i] = '0';
	if (negative)
		text[--i] = '-';
	put(s, text + i, sizeof text - i);
}

/* One conversion as the parser saw it: "%", width, ".*", length modifiers. */
struct conversion {
	int width, precision, longs;
	bool size;
};

static const char *parse_conversion(const char *p, struct conversion *c, va_list *args)
{
	*c = (struct conversion){ .precision = -1 };
	while (*p >= '0' && *p <= '9')
		c->width = c->width * 10 + (*p++ - '0');
	if (p[0] == '.' && p[1] == '*') {
		c->precision = va_arg(*args, int);
		p += 2;
	}
	for (; *p == 'l' || *p == 'z'; p++) {
		if (*p == 'l')
			c->longs++;
		else
			c->size = true;
	}
	return p;
}

static void put_signed(struct sink *s, const struct conversion *c, va_list *args)
{
	long long value;

	if (c->size)
		value = (long long)va_arg(*args, ssize_t);
	else if (c->longs >= 2)
		value = va_arg(*args, long long);
	else if (c->longs == 1)
		value = va_arg(*args, long);
	else
		value = va_arg(*args, int);
	/* Negate in unsigned arithmetic: -LLONG_MIN does not exist. */
	unsigned long long magnitude = (unsigned long long)value;
	put_number(s, value < 0 ? 0 - magnitude : magnitude, value < 0, 10, c->width);
}

static void put_unsigned(struct sink *s, const struct conversion *c, va_list *args, unsigned base)
{
	unsigned long long value;

	if (c->size)
		value = va_arg(*args, size_t);
	else if (c->longs >= 2)
		value = va_arg(*args, unsigned long long);
	else if (c->longs == 1)
		value = va_arg(*args, unsigned long);
	else
		value = va_arg(*args, unsigned);
	put_number(s, value, false, base, c->width);
}

static void put_string(struct sink *s, const struct conversion *c, va_list *args)
{
	const char *text = va_arg(*args, const char *);

	if (!text)
		text = "(null)";
	size_t n = c->precision >= 0 ? strnlen(text, (size_t)c->precision) : strlen(text);
	put(s, text, n);
}

size_t text_vformat(char *buffer, size_t size, const char *format, va_list args)
{
	struct sink s = { buffer, buffer + size - 1 };
	va_list rest;

	if (size == 0)
		return 0;
	va_copy(rest, args);
	for (const char *p = format; *p; p++) {
		struct conversion c;
		size_t plain = strcspn(p, "%");
		put(&s, p, plain);
		p += plain;
		if (!*p)
			break;
		const char *start = p;
		p = parse_conversion(p + 1, &c, &rest);
		if (*p == 's') {
			put_string(&s, &c, &rest);
		} else if (*p == 'd' || *p == 'i') {
			put_signed(&s, &c, &rest);
		} else if (*p == 'u' || *p == 'x' || *p == 'o') {
			put_unsigned(&s, &c, &rest, *p == 'u' ? 10 : *p == 'x' ? 16 : 8);
		} else if (*p == 'c') {
			char one = (char)va_arg(rest, int);
			put(&s, &one, 1);
		} else if (*p == '%') {
			put(&s, "%", 1);
		} else {
			put(&s, start, strlen(start));
			break;
		}
	}
	va_end(rest);
	*s.at = '\0';
	return (size_t)(s.at - buffer);
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t n = text_vformat(buffer, size, format, args);
	va_end(args);
	return n;
}

const char *text_errno(int errnum)
{
	/* strerrordesc_np(3), glibc 2.32: no translation, no buffer, no lock. */
	const char *text = strerrordesc_np(errnum);
	return text ? text : "Unknown error";
}

int text_parse_u64(const char *text, uint64_t *value)
{
	uint64_t sum = 0;

	if (!text || !*text) {
		errno = EINVAL;
		return -1;
	}
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9') {
			errno = EINVAL;
			return -1;
		}
		if (__builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum)) {
			errno = ERANGE;
			return -1;
		}
	}
	*value = sum;
	return 0;
}

int text_parse_i64(const char *text, int64_t *value)
{
	bool negative = text && *text == '-';
	uint64_t magnitude, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);

	if (text_parse_u64(negative ? text + 1 : text, &magnitude) < 0)
		return -1;
	if (magnitude > limit) {
		errno = ERANGE;
		return -1;
	}
	*value = (int64_t)(negative ? 0 - magnitude : magnitude);
	return 0;
}

int text_parse_u32(const char *text, uint32_t *value)
{
	uint64_t wide;

	if (text_parse_u64(text, &wide) < 0)
		return -1;
	if (wide > UINT32_MAX) {
		errno = ERANGE;
		return -1;
	}
	*value = (uint32_t)wide;
	return 0;
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
	size_t n = strlen(text), k = strlen(suffix);

	return n >= k && memcmp(text + n - k, suffix, k) == 0;
}

const char *text_time(int64_t sec, char out[TEXT_TIME_MAX])
{
	/* Days to civil date in the proleptic Gregorian calendar, with years that start in March. */
	int64_t days = sec / 86400, rest = sec % 86400;
	int64_t shifted = days + 719468;
	int64_t era = shifted / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
	int64_t civil_month = month < 10 ? month + 3 : month - 9;
	int64_t year = year_of_era + era * 400 + (civil_month <= 2);

	text_format(out, TEXT_TIME_MAX, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld",
		    (long long)year, (long long)civil_month, (long long)day,
		    (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60));
	return out;
}

void text_keep_last(char *text, size_t size, size_t *used, const char *data, size_t length)
{
	size_t room = size - 1;

	if (length > room) {
		data += length - room;
		length = room;
	}
	if (length > room - *used) {
		size_t drop = length - (room - *used);
		*used -= drop;
		memmove(text, text + drop, *used);
	}
	memcpy(text + *used, data, length);
	*used += length;
	text[*used] = '\0';
}
