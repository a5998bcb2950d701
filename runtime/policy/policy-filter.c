/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/policy/policy-parse.h"
#include "src/base/text.h"

/* MAX_ERRNO of the kernel: what a filter can make a call return. */
#define ERRNO_MAX 4095u

static const struct {
	const char *word;
	uint32_t action;
} actions[] = {
	{ "allow", SECCOMP_RET_ALLOW },
	/* minijail's compilers mean the thread, unless told: what is left of the program lives on.
	 */
	{ "kill", SECCOMP_RET_KILL_PROCESS },
	{ "kill-process", SECCOMP_RET_KILL_PROCESS },
	{ "kill-thread", SECCOMP_RET_KILL_THREAD },
	{ "log", SECCOMP_RET_LOG },
	{ "trace", SECCOMP_RET_TRACE },
	{ "trap", SECCOMP_RET_TRAP },
	{ "user-notify", SECCOMP_RET_USER_NOTIF },
};

int policy_action_word(const char *text, size_t length, uint32_t *action)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strlen(actions[i].word) != length || memcmp(actions[i].word, text, length) != 0)
			continue;
		*action = actions[i].action;
		return 0;
	}
	return -1;
}

static bool ends_filter(const struct policy_parser *p)
{
	return p->token.kind == TOKEN_NEWLINE || p->token.kind == TOKEN_END ||
	       p->token.kind == TOKEN_COMMA || p->token.kind == TOKEN_RBRACE;
}

/* @limit: the highest value, for an errno or the message of a tracer. */
static int parse_data(struct policy_parser *p, uint32_t limit, uint32_t *out, struct err *e)
{
	struct policy_place place = p->token.place;
	/* The errnos are the same for all architectures that have no table of exceptions. */
	const struct seccomp_arch *arch = seccomp_names_arch(seccomp_names_native());
	uint64_t value = 0;

	if (p->token.kind != TOKEN_NUMBER && p->token.kind != TOKEN_WORD)
		return parser_fail(p, e, "an errno must follow: its name, or a number");
	const struct policy_value *v = policy_parse_value(p, e);
	if (!v || policy_value_get(v, arch, &value, e) < 0)
		return -1;
	if (value > limit)
		return policy_fail(e, &place, "is out of range: 0 to %u", limit);
	*out = (uint32_t)value;
	return 0;
}

static int parse_return(struct policy_parser *p, bool bare, struct policy_filter *f, struct err *e)
{
	uint32_t number = 0;

	if (parser_next(p, e) < 0)
		return -1;
	if (bare && ends_filter(p)) {
		f->default_action = true;
		return 0;
	}
	if (parse_data(p, ERRNO_MAX, &number, e) < 0)
		return -1;
	f->action = SECCOMP_RET_ERRNO | number;
	return 0;
}

int policy_parse_action(struct policy_parser *p, bool bare, struct policy_filter *f, struct err *e)
{
	struct policy_token token = p->token;
	const char *text = parser_text(p);
	bool one = token.kind == TOKEN_NUMBER && token.place.length == 1 && *text == '1';
	uint32_t data = 0;

	f->place = token.place;
	if (token.kind == TOKEN_WORD && parser_is(p, "return"))
		return parse_return(p, bare, f, e);
	if (p->text->denylist)
		return parser_fail(p, e, "in a @denylist each action must be \"return ERRNO\"");
	f->action = SECCOMP_RET_ALLOW;
	if (!one && (token.kind != TOKEN_WORD ||
		     policy_action_word(text, token.place.length, &f->action) < 0))
		return parser_fail(p, e,
				   "an action must stand here: allow (or 1), return ERRNO, "
				   "kill-process, kill-thread, trap, trace, log, user-notify");
	if (!one)
		parser_python(p, &token.place);
	if (parser_next(p, e) < 0)
		return -1;
	/* What the tracer is told; minijail's is always 0. */
	if (f->action == SECCOMP_RET_TRACE && p->token.kind == TOKEN_NUMBER) {
		if (parse_data(p, SECCOMP_RET_DATA, &data, e) < 0)
			return -1;
		f->action |= data;
	}
	return 0;
}

/* ----------------------------------------------------------- expressions */

static bool is_argument(const struct policy_parser *p)
{
	return p->token.kind == TOKEN_WORD && p->token.place.length > 3 &&
	       memcmp(parser_text(p), "arg", 3) == 0;
}

static int parse_operator(struct policy_parser *p, enum policy_token_kind *op, struct err *e)
{
	*op = p->token.kind;
	if ((*op < TOKEN_AND || *op > TOKEN_GE) && !parser_is(p, "in"))
		return parser_fail(p, e, "an operator must follow: == != < <= > >= & in");
	return parser_next(p, e);
}

static int parse_atom(struct policy_parser *p, struct policy_atom *atom, struct err *e)
{
	const char *text = parser_text(p);

	if (!is_argument(p))
		return parser_fail(p, e, "an argument must stand here: arg0 to arg5");
	if (p->token.place.length != 4 || text[3] < '0' || text[3] > '5')
		return parser_fail(p, e, "\"%.*s\": system calls have arg0 to arg5",
				   (int)p->token.place.length, text);
	atom->index = (uint32_t)(text[3] - '0');
	if (parser_next(p, e) < 0 || parse_operator(p, &atom->op, e) < 0)
		return -1;
	atom->value = policy_parse_value(p, e);
	return atom->value ? 0 : -1;
}

static int parse_clause(struct policy_parser *p, struct policy_clause *clause, struct err *e)
{
	struct policy_atom atoms[SECCOMP_CONDITIONS_MAX];

	for (;;) {
		if (clause->atoms_count == SECCOMP_CONDITIONS_MAX)
			return parser_fail(p, e, "more than %d conditions in one \"&&\"",
					   SECCOMP_CONDITIONS_MAX);
		if (parse_atom(p, &atoms[clause->atoms_count++], e) < 0)
			return -1;
		if (p->token.kind != TOKEN_AND_AND)
			break;
		if (parser_next(p, e) < 0)
			return -1;
	}
	clause->atoms = arena_new_array(p->text->arena, clause->atoms_count, struct policy_atom);
	if (!clause->atoms)
		return arena_check(p->text->arena, e);
	memcpy(clause->atoms, atoms, clause->atoms_count * sizeof *atoms);
	return 0;
}

static int parse_expression(struct policy_parser *p, struct policy_filter *f, struct err *e)
{
	size_t room = 0;

	for (;;) {
		if (f->clauses_count == room) {
			struct policy_clause *more;
			room = room ? room * 2 : 4;
			more = arena_new_array(p->text->arena, room, struct policy_clause);
			if (!more)
				return arena_check(p->text->arena, e);
			if (f->clauses_count)
				memcpy(more, f->clauses, f->clauses_count * sizeof *more);
			f->clauses = more;
		}
		if (parse_clause(p, &f->clauses[f->clauses_count++], e) < 0)
			return -1;
		if (p->token.kind != TOKEN_OR_OR)
			return 0;
		if (parser_next(p, e) < 0)
			return -1;
	}
}

/* --------------------------------------------------------------- filters */

/* @semicolon: an expression with an action of its own. */
static int parse_filter(struct policy_parser *p, bool listed, struct policy_filter *f,
			bool *semicolon, struct err *e)
{
	*f = (struct policy_filter){ .place = p->token.place };
	*semicolon = false;
	if (!is_argument(p))
		return policy_parse_action(p, !listed, f, e);
	f->action = SECCOMP_RET_ALLOW;
	if (parse_expression(p, f, e) < 0)
		return -1;
	if (p->token.kind != TOKEN_SEMICOLON) {
		if (p->text->denylist)
			return policy_fail(e, &f->place,
					   "in a @denylist each action must be "
					   "\"return ERRNO\": this allows");
		return 0;
	}
	*semicolon = true;
	struct policy_place place = f->place;
	if (parser_next(p, e) < 0 || policy_parse_action(p, !listed, f, e) < 0)
		return -1;
	f->place = place;
	return 0;
}

static int append_filter(struct policy_parser *p, struct policy_statement *s, size_t *room,
			 const struct policy_filter *f, struct err *e)
{
	if (s->filters_count == *room) {
		*room = *room ? *room * 2 : 1;
		struct policy_filter *more =
			arena_new_array(p->text->arena, *room, struct policy_filter);
		if (!more)
			return arena_check(p->text->arena, e);
		if (s->filters_count)
			memcpy(more, s->filters, s->filters_count * sizeof *more);
		s->filters = more;
	}
	s->filters[s->filters_count++] = *f;
	return 0;
}

/* "{", read already, up to and with "}". */
static int parse_list(struct policy_parser *p, struct policy_statement *s,
		      const struct policy_place *open, struct err *e)
{
	struct policy_filter f;
	size_t room = 0;
	bool semicolon;

	for (;;) {
		if (p->token.kind == TOKEN_END)
			return policy_fail(e, open, "this brace is not closed");
		if (parse_filter(p, true, &f, &semicolon, e) < 0 ||
		    append_filter(p, s, &room, &f, e) < 0)
			return -1;
		if (p->token.kind != TOKEN_COMMA)
			break;
		if (parser_next(p, e) < 0)
			return -1;
		if (p->token.kind == TOKEN_RBRACE)
			break;
	}
	if (p->token.kind != TOKEN_RBRACE)
		return parser_fail_list(p, open, e);
	p->lexer.braces--;
	return parser_next(p, e);
}

int policy_parse_filters(struct policy_parser *p, struct policy_statement *s, struct err *e)
{
	struct policy_place open = p->token.place;
	struct policy_filter f;
	size_t room = 0;
	bool semicolon;

	if (p->token.kind == TOKEN_NEWLINE || p->token.kind == TOKEN_END)
		return parser_fail(p, e, "an action or a condition must follow");
	if (p->token.kind == TOKEN_LBRACE) {
		parser_python(p, &open);
		p->lexer.braces++;
		if (parser_next(p, e) < 0)
			return -1;
		return parse_list(p, s, &open, e);
	}
	if (parse_filter(p, false, &f, &semicolon, e) < 0)
		return -1;
	s->bare = semicolon &&
		  (f.default_action || (f.action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
	if (s->bare && !p->text->bare.length)
		p->text->bare = f.place;
	return append_filter(p, s, &room, &f, e);
}
