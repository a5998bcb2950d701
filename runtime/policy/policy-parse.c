/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/policy/policy-parse.h"
#include "src/base/text.h"

#define CALLS_MAX 4096u

int parser_next(struct policy_parser *p, struct err *e)
{
	p->line_before = p->lexer.line;
	return policy_lex(&p->lexer, &p->token, e);
}

int parser_fail(struct policy_parser *p, struct err *e, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	return policy_fail(e, &p->token.place, "%s", text);
}

int parser_fail_list(struct policy_parser *p, const struct policy_place *open, struct err *e)
{
	/* What comes on the next line is rather another statement than a part of this one. */
	if (p->token.kind == TOKEN_END || p->lexer.line != p->line_before)
		return policy_fail(e, open, "this brace is not closed");
	return parser_fail(p, e, "\",\" or \"}\" must follow");
}

const char *parser_text(const struct policy_parser *p)
{
	return p->token.place.source->text + p->token.place.offset;
}

bool parser_is(const struct policy_parser *p, const char *word)
{
	return strlen(word) == p->token.place.length &&
	       memcmp(parser_text(p), word, p->token.place.length) == 0;
}

void parser_python(struct policy_parser *p, const struct policy_place *place)
{
	if (!p->text->python.length)
		p->text->python = *place;
}

static char *token_copy(struct policy_parser *p)
{
	return arena_memdup(p->text->arena, parser_text(p), p->token.place.length);
}

/* ----------------------------------------------------------------- calls */

static int add_call(struct policy_parser *p, struct policy_call **calls, size_t *count,
		    size_t *room, const struct policy_call *call, struct err *e)
{
	if (*count >= CALLS_MAX)
		return policy_fail(e, &call->place, "more than %u calls in one statement",
				   CALLS_MAX);
	if (*count == *room) {
		*room = *room ? *room * 2 : 1;
		struct policy_call *more =
			arena_new_array(p->text->arena, *room, struct policy_call);
		if (!more)
			return arena_check(p->text->arena, e);
		if (*count)
			memcpy(more, *calls, *count * sizeof *more);
		*calls = more;
	}
	(*calls)[(*count)++] = *call;
	return 0;
}

static uint64_t arch_bit(uint32_t token)
{
	for (size_t i = 0; seccomp_names_arch_at(i); i++)
		if (seccomp_names_arch_at(i)->token == token)
			return (uint64_t)1 << i;
	return 0;
}

/* One architecture's name as the current token. */
static uint32_t parse_arch(struct policy_parser *p, struct err *e)
{
	char name[32];

	text_format(name, sizeof name, "%.*s", (int)p->token.place.length, parser_text(p));
	uint32_t token = p->token.kind == TOKEN_WORD ? policy_arch_parse(name) : 0;
	if (!token)
		parser_fail(p, e,
			    "an architecture must stand here: x86_64, x86, x32, arm64, arm, "
			    "riscv64 ...");
	return token;
}

/* "[arch=x86_64,arm64]", whose bracket is the current token. */
static int parse_metadata(struct policy_parser *p, uint64_t *archs, struct err *e)
{
	struct policy_place open = p->token.place;

	parser_python(p, &open);
	if (parser_next(p, e) < 0)
		return -1;
	if (!parser_is(p, "arch"))
		return parser_fail(p, e, "only \"arch=\" is known here");
	if (parser_next(p, e) < 0)
		return -1;
	if (p->token.kind != TOKEN_ASSIGN)
		return parser_fail(p, e, "\"=\" must follow");
	do {
		if (parser_next(p, e) < 0)
			return -1;
		uint32_t token = parse_arch(p, e);
		if (!token || parser_next(p, e) < 0)
			return -1;
		*archs |= arch_bit(token);
	} while (p->token.kind == TOKEN_COMMA);
	if (p->token.kind == TOKEN_SEMICOLON)
		return parser_fail(p, e, "\"arch=\" stands alone, and once");
	if (p->token.kind != TOKEN_RBRACKET)
		return policy_fail(e, &open, "this bracket is not closed");
	return parser_next(p, e);
}

static int add_group(struct policy_parser *p, struct policy_call **calls, size_t *count,
		     size_t *room, struct policy_call *call, const char *const *names,
		     struct err *e)
{
	(void)p;
	for (; *names; names++) {
		call->name = *names;
		if (add_call(p, calls, count, room, call, e) < 0)
			return -1;
	}
	return 0;
}

static const char *const *find_group(struct policy_parser *p, struct err *e)
{
	bool known;
	const char *const *names = policy_group_find(parser_text(p), p->token.place.length, &known);

	if (!names)
		parser_fail(p, e,
			    known ? "unknown group \"%.*s\" (husk policy list --groups)"
				  : "unknown namespace of groups in \"%.*s\": there is "
				    "\"husk\" (husk policy list --groups)",
			    (int)p->token.place.length, parser_text(p));
	return names;
}

/* A name that is wrong by a letter or two: look at the native architecture's. */
static bool nearest(const char *name, char *out, size_t size)
{
	const struct seccomp_arch *arch = seccomp_names_arch(seccomp_names_native());
	size_t length = strlen(name), best = 1;

	for (uint32_t n = 0; n < 512; n++) {
		char other[64];
		size_t same = 0, tail = 0;
		if (seccomp_names_of(arch, n, other, sizeof other) < 0)
			continue;
		size_t other_length = strlen(other);
		while (name[same] && name[same] == other[same])
			same++;
		while (tail < length - same && tail + same < other_length &&
		       name[length - 1 - tail] == other[other_length - 1 - tail])
			tail++;
		size_t longer = length > other_length ? length : other_length;
		if (longer - same - tail <= 2 && same + tail > best) {
			best = same + tail;
			text_format(out, size, "%s", other);
		}
	}
	return best > 1;
}

static bool is_known(const char *name)
{
	struct seccomp_call call;

	seccomp_names_call(seccomp_names_arch(seccomp_names_native()), name, &call);
	return call.known;
}

/* 0; 1: to be left out. *text may become another name of the call. */
static int check_name(struct policy_parser *p, char **text, struct err *e)
{
	const char *name = *text;
	char other[64];

	if (is_known(name))
		return 0;
	/* minijail has the private calls of arm from __ARM_NR_set_tls and the like. */
	if (text_starts(name, "ARM_") && is_known(name + 4)) {
		*text += 4;
		return 0;
	}
	if (p->text->options->skip_unknown) {
		policy_note(p->text, &p->token.place, "unknown system call \"%s\" is left out",
			    name);
		return 1;
	}
	if (nearest(name, other, sizeof other))
		return parser_fail(p, e, "unknown system call \"%s\": did you mean %s?", name,
				   other);
	return parser_fail(p, e, "unknown system call \"%s\" (a newer one can be given by number)",
			   name);
}

int policy_parse_calls(struct policy_parser *p, struct policy_call **calls, size_t *count,
		       size_t *room, struct err *e)
{
	struct policy_call call = { .place = p->token.place };
	const char *const *names = NULL;
	uint32_t number;
	bool skip = false;

	if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_NUMBER)
		return parser_fail(p, e,
				   "a system call must stand here: its name, its number, or "
				   "group@namespace");
	char *name = token_copy(p);
	if (!name)
		return arena_check(p->text->arena, e);
	if (p->token.kind == TOKEN_NUMBER) {
		if (text_parse_u32(name, &number) < 0)
			return parser_fail(p, e, "\"%s\" is not the number of a system call", name);
	} else if (strchr(name, '@')) {
		parser_python(p, &call.place);
		names = find_group(p, e);
		if (!names)
			return -1;
	} else {
		int result = check_name(p, &name, e);
		if (result < 0)
			return -1;
		skip = result > 0;
	}
	if (parser_next(p, e) < 0 ||
	    (p->token.kind == TOKEN_LBRACKET && parse_metadata(p, &call.archs, e) < 0))
		return -1;
	if (skip)
		return 0;
	if (names)
		return add_group(p, calls, count, room, &call, names, e);
	call.name = name;
	return add_call(p, calls, count, room, &call, e);
}

/* ------------------------------------------------------------ statements */

static int parse_group(struct policy_parser *p, struct policy_statement *s, struct err *e)
{
	struct policy_place open = p->token.place;
	size_t room = 0;

	if (p->token.kind != TOKEN_LBRACE)
		return policy_parse_calls(p, &s->calls, &s->calls_count, &room, e);
	parser_python(p, &open);
	p->lexer.braces++;
	do {
		if (parser_next(p, e) < 0)
			return -1;
		if (p->token.kind == TOKEN_RBRACE && s->calls_count)
			break;
		if (p->token.kind == TOKEN_END)
			return policy_fail(e, &open, "this brace is not closed");
		if (policy_parse_calls(p, &s->calls, &s->calls_count, &room, e) < 0)
			return -1;
	} while (p->token.kind == TOKEN_COMMA);
	if (p->token.kind == TOKEN_COLON)
		return policy_fail(e, &open, "this brace is not closed");
	if (p->token.kind != TOKEN_RBRACE)
		return parser_fail_list(p, &open, e);
	p->lexer.braces--;
	return parser_next(p, e);
}

static int end_of_line(struct policy_parser *p, struct err *e)
{
	if (p->token.kind != TOKEN_NEWLINE && p->token.kind != TOKEN_END)
		return parser_fail(p, e, "the line should end here");
	return 0;
}

static int parse_statement(struct policy_parser *p, struct err *e)
{
	struct policy_statement *s = arena_new(p->text->arena, struct policy_statement);
	uint32_t line, comment = p->lexer.comment_line;

	if (!s)
		return arena_check(p->text->arena, e);
	line = p->lexer.line;
	s->place = p->token.place;
	if (parse_group(p, s, e) < 0)
		return -1;
	if (p->token.kind != TOKEN_COLON)
		return parser_fail(p, e, "\":\" must follow");
	if (parser_next(p, e) < 0 || policy_parse_filters(p, s, e) < 0 || end_of_line(p, e) < 0)
		return -1;
	s->commented = (comment && comment + 1 >= line) || p->lexer.comment_line >= line;
	if (!s->calls_count)
		return 0;
	*p->text->last = s;
	p->text->last = &s->next;
	p->text->statements_count++;
	return 0;
}

/* ------------------------------------------------------------ directives */

static int parse_file(struct policy_text *t, const struct policy_source *source, bool frequencies,
		      struct err *e);

static int parse_include(struct policy_parser *p, bool frequencies, struct err *e)
{
	const struct policy_source *from = p->lexer.source, *s;
	uint32_t limit = p->text->options->include_depth;
	struct policy_source *source;
	struct policy_token path;

	if (policy_lex_path(&p->lexer, &path, e) < 0)
		return -1;
	p->token = path;
	if (from->depth >= (limit ? limit : POLICY_INCLUDE_DEPTH))
		return parser_fail(p, e, "includes are nested more than %u deep",
				   limit ? limit : POLICY_INCLUDE_DEPTH);
	const char *name = token_copy(p);
	if (!name)
		return arena_check(p->text->arena, e);
	struct err why = { 0 };
	if (policy_source_open(p->text->arena, from, name, &source, &why) < 0)
		return parser_fail(p, e, "%s", why.msg);
	for (s = from; s; s = s->from)
		if (s->inode == source->inode && s->device == source->device && s->inode)
			return parser_fail(p, e, "this file includes itself, by way of %s",
					   from->name);
	if (parse_file(p->text, source, frequencies, e) < 0)
		return -1;
	return parser_next(p, e);
}

static int parse_default(struct policy_parser *p, struct err *e)
{
	struct policy_filter f = { 0 };
	bool denylist = p->text->denylist;

	p->text->denylist = false;
	int result = policy_parse_action(p, false, &f, e);
	p->text->denylist = denylist;
	if (result < 0)
		return -1;
	switch (f.action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		return policy_fail(e, &f.place,
				   "a policy cannot let through by default what it "
				   "does not name (--default-action can)");
	}
	if (p->text->default_set && p->text->default_action != f.action)
		policy_note(p->text, &f.place, "this @default replaces an earlier one");
	p->text->default_set = true;
	p->text->default_action = f.action;
	return 0;
}

static int parse_denylist(struct policy_parser *p, struct err *e)
{
	if (p->lexer.source->depth > 1 && !p->text->denylist)
		return policy_fail(e, &p->token.place,
				   "an included file cannot make a @denylist of the one around it");
	if (p->text->statements_count && !p->text->denylist)
		return parser_fail(p, e, "@denylist must stand before the first statement");
	p->text->denylist = true;
	return 0;
}

/* "@newer return ENOSYS" */
static int parse_newer(struct policy_parser *p, struct err *e)
{
	struct policy_place place = p->token.place;
	struct policy_filter f = { 0 };

	if (policy_parse_action(p, false, &f, e) < 0)
		return -1;
	if (f.action != (SECCOMP_RET_ERRNO | ENOSYS))
		return policy_fail(e, &place, "only \"return ENOSYS\" is possible here");
	p->text->newer = true;
	return 0;
}

/* "@arch x86_64, x86" */
static int parse_archs(struct policy_parser *p, struct err *e)
{
	struct policy_text *t = p->text;

	for (;;) {
		uint32_t token = parse_arch(p, e);
		if (!token)
			return -1;
		if (t->archs_count == sizeof t->archs / sizeof *t->archs)
			return parser_fail(p, e, "too many architectures");
		t->archs[t->archs_count++] = token;
		if (parser_next(p, e) < 0)
			return -1;
		if (p->token.kind != TOKEN_COMMA)
			return 0;
		if (parser_next(p, e) < 0)
			return -1;
	}
}

static const struct {
	const char *word;
	int (*parse)(struct policy_parser *p, struct err *e);
} directives[] = {
	{ "@arch", parse_archs },
	{ "@default", parse_default },
	{ "@denylist", parse_denylist },
	{ "@newer", parse_newer },
};

static int parse_directive(struct policy_parser *p, struct err *e)
{
	if (parser_is(p, "@include"))
		return parse_include(p, false, e) < 0 ? -1 : end_of_line(p, e);
	if (parser_is(p, "@frequency"))
		return parse_include(p, true, e) < 0 ? -1 : end_of_line(p, e);
	for (size_t i = 0; i < sizeof directives / sizeof *directives; i++) {
		if (!parser_is(p, directives[i].word))
			continue;
		parser_python(p, &p->token.place);
		if (parser_next(p, e) < 0)
			return -1;
		return directives[i].parse(p, e) < 0 ? -1 : end_of_line(p, e);
	}
	return parser_fail(p, e,
			   "unknown directive: there are @arch, @default, @denylist, "
			   "@frequency, @include and @newer");
}

/* "name: 120" of a file of frequencies. */
static int parse_frequency(struct policy_parser *p, struct err *e)
{
	struct policy_call *calls = NULL;
	size_t count = 0, room = 0;
	uint64_t weight;

	if (policy_parse_calls(p, &calls, &count, &room, e) < 0)
		return -1;
	if (p->token.kind != TOKEN_COLON)
		return parser_fail(p, e, "\":\" must follow");
	if (parser_next(p, e) < 0)
		return -1;
	char *number = token_copy(p);
	if (!number)
		return arena_check(p->text->arena, e);
	if (p->token.kind != TOKEN_NUMBER || text_parse_u64(number, &weight) < 0)
		return parser_fail(p, e,
				   "how often the call is made must follow, a decimal number");
	for (size_t i = 0; i < count; i++) {
		struct policy_weight *w = arena_new(p->text->arena, struct policy_weight);
		if (!w)
			return arena_check(p->text->arena, e);
		*w = (struct policy_weight){ calls[i].name, weight, NULL };
		*p->text->last_weight = w;
		p->text->last_weight = &w->next;
	}
	return parser_next(p, e) < 0 ? -1 : end_of_line(p, e);
}

static int parse_file(struct policy_text *t, const struct policy_source *source, bool frequencies,
		      struct err *e)
{
	struct policy_parser p = { .text = t, .lexer = { .source = source, .line = 1 } };
	int result = parser_next(&p, e);

	while (result == 0 && p.token.kind != TOKEN_END) {
		if (p.token.kind == TOKEN_NEWLINE)
			result = parser_next(&p, e);
		else if (frequencies)
			result = parse_frequency(&p, e);
		else if (p.token.kind == TOKEN_DIRECTIVE)
			result = parse_directive(&p, e);
		else
			result = parse_statement(&p, e);
	}
	return result;
}

int policy_text_parse(struct policy_text *t, const struct policy_source *source, struct err *e)
{
	t->last = &t->first;
	t->last_weight = &t->weights;
	if (parse_file(t, source, false, e) < 0)
		return -1;
	if (t->options->denylist && !t->denylist)
		return err_config(e, "%s: is no @denylist", source->name);
	if (t->options->dialect == POLICY_DIALECT_AUTO && t->bare.length && t->python.length &&
	    !t->denylist)
		return policy_fail(e, &t->bare,
				   "ambiguous beside other syntax that minijail0 has not: write "
				   "\"{ ...; allow, return E }\" or \"{ ...; return E }\", or say "
				   "--dialect");
	return 0;
}
