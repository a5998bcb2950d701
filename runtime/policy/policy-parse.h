/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_PARSE_H
#define HUSK_POLICY_POLICY_PARSE_H

#include "runtime/policy/policy-text.h"

/* Between the files of the parser. One token of lookahead is enough for the language. */
struct policy_parser {
	struct policy_text *text;
	struct policy_lexer lexer;
	struct policy_token token; /* to be looked at next */
	uint32_t line_before;      /* on which the token before it ended */
};

/* Go on to the next token. */
int parser_next(struct policy_parser *p, struct err *e);
/* Fail at the current token. Returns -1. */
int parser_fail(struct policy_parser *p, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Fail where a list behind the brace @open neither goes on nor ends. Returns -1. */
int parser_fail_list(struct policy_parser *p, const struct policy_place *open, struct err *e);
/* The current token's text, which is not terminated: place.length bytes. */
const char *parser_text(const struct policy_parser *p);
bool parser_is(const struct policy_parser *p, const char *word);

/* NULL with @e set on errors. */
const struct policy_value *policy_parse_value(struct policy_parser *p, struct err *e);
/* What stands behind the colon of @s. */
int policy_parse_filters(struct policy_parser *p, struct policy_statement *s, struct err *e);
/* An action; "return" without an errno only with @bare. */
int policy_parse_action(struct policy_parser *p, bool bare, struct policy_filter *f, struct err *e);
/* "name", "name[arch=...]", "group@namespace": appended to @calls, which has room for @room. */
int policy_parse_calls(struct policy_parser *p, struct policy_call **calls, size_t *count,
		       size_t *room, struct err *e);

/* Note where something stands that minijail0 cannot read. */
void parser_python(struct policy_parser *p, const struct policy_place *place);

#endif
