/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <string.h>

#include "runtime/policy/policy-parse.h"
#include "src/base/text.h"

/* Parentheses in each other: nobody needs more, and recursion must end. */
#define VALUE_DEPTH 32u

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Decimal, octal with a leading 0, hexadecimal with 0x, as strtol(3) in C. 0 or why not. */
static const char *read_number(const char *text, size_t length, uint64_t *out, bool *negative)
{
	uint64_t value = 0, base = 10;
	const char *end = text + length;

	*negative = length && *text == '-';
	text += *negative;
	if (end - text > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		if (text == end)
			return "not a number";
	} else if (end - text > 1 && text[0] == '0') {
		base = 8;
	}
	for (; text < end; text++) {
		uint64_t digit = (uint64_t)digit_value(*text);
		if (digit >= base)
			return base == 8 ? "not a number (a leading 0 means octal)"
					 : "not a number";
		if (value > (UINT64_MAX - digit) / base)
			return "does not fit into 64 bits";
		value = value * base + digit;
	}
	if (*negative && value > (uint64_t)1 << 63)
		return "does not fit into 64 bits";
	*out = *negative ? -value : value;
	return NULL;
}

static int parse_number(struct policy_parser *p, struct policy_value *v, struct err *e)
{
	const char *why =
		read_number(parser_text(p), p->token.place.length, &v->number, &v->negative);

	if (why)
		return parser_fail(p, e, "\"%.*s\" is %s%s", (int)p->token.place.length,
				   parser_text(p), why[0] == 'd' ? "a number that " : "", why);
	return parser_next(p, e);
}

static int parse_name(struct policy_parser *p, struct policy_value *v, struct err *e)
{
	v->kind = VALUE_CONSTANT;
	v->constant = policy_constant_find(parser_text(p), p->token.place.length);
	if (!v->constant)
		return parser_fail(p, e, "unknown constant \"%.*s\" (numbers do as well)",
				   (int)p->token.place.length, parser_text(p));
	return parser_next(p, e);
}

static struct policy_value *parse_or(struct policy_parser *p, uint32_t depth, struct err *e);

/* constant = [ "~" ] ( "(" value ")" | number | name ) */
static struct policy_value *parse_one(struct policy_parser *p, uint32_t depth, struct err *e)
{
	struct policy_value *v = arena_new(p->text->arena, struct policy_value), *inner;
	struct policy_place open = p->token.place;

	if (!v) {
		arena_check(p->text->arena, e);
		return NULL;
	}
	v->place = p->token.place;
	switch (p->token.kind) {
	case TOKEN_NOT:
		v->kind = VALUE_NOT;
		if (parser_next(p, e) < 0)
			return NULL;
		if (p->token.kind == TOKEN_NOT) {
			parser_fail(p, e, "\"~~\" takes itself back: leave both out");
			return NULL;
		}
		v->left = parse_one(p, depth + 1, e);
		return v->left ? v : NULL;
	case TOKEN_LPAREN:
		if (depth > VALUE_DEPTH) {
			parser_fail(p, e, "more than %u parentheses in each other", VALUE_DEPTH);
			return NULL;
		}
		if (parser_next(p, e) < 0 || !(inner = parse_or(p, depth + 1, e)))
			return NULL;
		if (p->token.kind != TOKEN_RPAREN) {
			policy_fail(e, &open, "this parenthesis is not closed");
			return NULL;
		}
		return parser_next(p, e) < 0 ? NULL : inner;
	case TOKEN_NUMBER:
		return parse_number(p, v, e) < 0 ? NULL : v;
	case TOKEN_WORD:
		return parse_name(p, v, e) < 0 ? NULL : v;
	default:
		parser_fail(p, e, "a value must follow: a number, a constant, \"~\" or \"(\"");
		return NULL;
	}
}

static struct policy_value *parse_or(struct policy_parser *p, uint32_t depth, struct err *e)
{
	struct policy_value *v = parse_one(p, depth, e);

	while (v && p->token.kind == TOKEN_OR) {
		struct policy_value *both = arena_new(p->text->arena, struct policy_value);
		if (!both) {
			arena_check(p->text->arena, e);
			return NULL;
		}
		both->kind = VALUE_OR;
		both->place = v->place;
		both->left = v;
		if (parser_next(p, e) < 0 || !(both->right = parse_one(p, depth, e)))
			return NULL;
		v = both;
	}
	return v;
}

const struct policy_value *policy_parse_value(struct policy_parser *p, struct err *e)
{
	return parse_or(p, 0, e);
}

/* ------------------------------------------------------------ evaluation */

static int number_get(const struct policy_value *v, const struct seccomp_arch *arch, uint64_t *out,
		      struct err *e)
{
	*out = v->number;
	if (arch->wide)
		return 0;
	if (v->negative ? v->number < (uint64_t)INT32_MIN : v->number > UINT32_MAX)
		return policy_fail(e, &v->place,
				   "does not fit into the 32-bit words of %s (write NAME[arch=...] "
				   "for the others)",
				   arch->name);
	return 0;
}

static int value_get(const struct policy_value *v, const struct seccomp_arch *arch, uint64_t *out,
		     struct err *e)
{
	uint64_t left = 0, right = 0;

	switch (v->kind) {
	case VALUE_NUMBER:
		return number_get(v, arch, out, e);
	case VALUE_CONSTANT:
		if (policy_constant_value(v->constant, arch, out) < 0)
			return policy_fail(e, &v->place,
					   "%s has no %s (write NAME[arch=...] for the others)",
					   arch->name, policy_constant_name(v->constant));
		return 0;
	case VALUE_NOT:
		if (value_get(v->left, arch, &left, e) < 0)
			return -1;
		*out = ~left;
		return 0;
	case VALUE_OR:
		/* A chain of "|" leans to the left, and may be long. */
		for (*out = 0; v->kind == VALUE_OR; v = v->left) {
			if (value_get(v->right, arch, &right, e) < 0)
				return -1;
			*out |= right;
		}
		if (value_get(v, arch, &left, e) < 0)
			return -1;
		*out |= left;
		return 0;
	}
	return 0;
}

int policy_value_get(const struct policy_value *v, const struct seccomp_arch *arch, uint64_t *out,
		     struct err *e)
{
	if (value_get(v, arch, out, e) < 0)
		return -1;
	if (!arch->wide)
		*out = (uint32_t)*out;
	return 0;
}

int policy_value_parse(const char *text, uint32_t arch, uint64_t *value, struct err *e)
{
	struct policy_source source = { .name = "argument", .text = text, .length = strlen(text) };
	struct policy_parser p = { .lexer = { .source = &source, .line = 1 } };
	struct policy_text t = { 0 };
	struct arena arena;
	int result = -1;

	arena_init(&arena, 1 << 16);
	t.arena = &arena;
	p.text = &t;
	const struct policy_value *v = parser_next(&p, e) < 0 ? NULL : policy_parse_value(&p, e);
	if (v && p.token.kind != TOKEN_END)
		parser_fail(&p, e, "the value should end here");
	else if (v)
		result = policy_value_get(v, seccomp_names_arch(arch), value, e);
	arena_free(&arena);
	return result;
}
