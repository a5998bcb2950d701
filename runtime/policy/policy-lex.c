/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* What is shown of a long line. */
#define SHOWN_BEFORE 60u
#define SHOWN_MAX    96u

/* -------------------------------------------------------------- messages */

static const char *line_of(const struct policy_place *place, size_t *length)
{
	const struct policy_source *s = place->source;
	size_t first = place->offset, end;

	while (first > 0 && s->text[first - 1] != '\n')
		first--;
	for (end = place->offset; end < s->length; end++)
		if (s->text[end] == '\n' || s->text[end] == '\r')
			break;
	*length = end - first;
	return s->text + first;
}

void policy_place_find(const struct policy_place *place, uint32_t *line, uint32_t *column)
{
	*line = *column = 1;
	for (uint32_t i = 0; i < place->offset; i++) {
		bool newline = place->source->text[i] == '\n';
		*line += newline;
		*column = newline ? 1 : *column + 1;
	}
}

static void append_line(struct err *e, const struct policy_place *place)
{
	char shown[SHOWN_MAX + 1], marks[2 * SHOWN_MAX + 1];
	size_t length, n = 0, m = 0;
	const char *line = line_of(place, &length);
	size_t column = (size_t)(place->source->text + place->offset - line);
	size_t first = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 0;

	for (size_t i = first; i < length && n < SHOWN_MAX; i++) {
		bool plain = (line[i] >= ' ' && line[i] < 0x7f) || line[i] == '\t';
		shown[n++] = plain ? line[i] : '?';
	}
	shown[n] = 0;
	for (size_t i = first; i < column; i++)
		marks[m++] = line[i] == '\t' ? '\t' : ' ';
	for (size_t i = 0; i < (place->length ? place->length : 1) && m < SHOWN_MAX; i++)
		marks[m++] = '^';
	marks[m] = 0;
	err_append(e, "\n    %s\n    %s", shown, marks);
}

int policy_fail(struct err *e, const struct policy_place *place, const char *format, ...)
{
	char text[256];
	uint32_t line, column;
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	policy_place_find(place, &line, &column);
	err_config(e, "%s:%u:%u: %s", place->source->name, line, column, text);
	if (e)
		append_line(e, place);
	return -1;
}

void policy_note(struct policy_text *t, const struct policy_place *place, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	if (t->notes_count == t->notes_room) {
		size_t room = t->notes_room ? t->notes_room * 2 : 16;
		struct policy_note *notes = arena_new_array(t->arena, room, struct policy_note);
		if (!notes)
			return;
		if (t->notes_count)
			memcpy(notes, t->notes, t->notes_count * sizeof *notes);
		t->notes = notes;
		t->notes_room = room;
	}
	struct policy_note *note = &t->notes[t->notes_count++];
	note->file = place->source->name;
	note->text = arena_strdup(t->arena, text);
	policy_place_find(place, &note->line, &note->column);
}

/* ---------------------------------------------------------------- tokens */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c) || c == '-' || c == '@';
}

static char peek(const struct policy_lexer *l, uint32_t ahead)
{
	return l->at + ahead < l->source->length ? l->source->text[l->at + ahead] : 0;
}

static int fail_here(struct policy_lexer *l, uint32_t length, const char *text, struct err *e)
{
	struct policy_place place = { l->source, l->at, length };

	return policy_fail(e, &place, "%s", text);
}

/*
 * minijail0 joins lines before it looks for comments, compile_seccomp_policy.py after: one of them
 * ignores the line behind such a comment, the other obeys it.
 */
static int skip_comment(struct policy_lexer *l, struct err *e)
{
	uint32_t end = l->at;

	while (end < l->source->length && l->source->text[end] != '\n')
		end++;
	uint32_t last = end;
	while (last > l->at && l->source->text[last - 1] == '\r')
		last--;
	if (l->source->text[last - 1] == '\\') {
		l->at = last - 1;
		return fail_here(
			l, 1, "a comment ends with its line, and cannot be continued on the next",
			e);
	}
	l->comment_line = l->line;
	l->at = end;
	return 0;
}

/* Blanks, comments, continued lines, and inside of braces ends of lines. */
static int skip_blanks(struct policy_lexer *l, struct err *e)
{
	for (;;) {
		char c = peek(l, 0);
		if (c == '#') {
			if (skip_comment(l, e) < 0)
				return -1;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
			l->at++;
		} else if (c == '\\' &&
			   (peek(l, 1) == '\n' || (peek(l, 1) == '\r' && peek(l, 2) == '\n'))) {
			l->at += peek(l, 1) == '\n' ? 2 : 3;
			l->line++;
		} else if (c == '\n' && l->braces) {
			l->at++;
			l->line++;
		} else {
			return 0;
		}
	}
}

static const struct {
	char text[3];
	enum policy_token_kind kind;
} marks[] = {
	/* The longer ones first. */
	{ "||", TOKEN_OR_OR },    { "&&", TOKEN_AND_AND }, { "==", TOKEN_EQ },
	{ "!=", TOKEN_NE },       { "<=", TOKEN_LE },      { ">=", TOKEN_GE },
	{ "<", TOKEN_LT },        { ">", TOKEN_GT },       { "|", TOKEN_OR },
	{ "&", TOKEN_AND },       { "=", TOKEN_ASSIGN },   { ":", TOKEN_COLON },
	{ ";", TOKEN_SEMICOLON }, { ",", TOKEN_COMMA },    { "{", TOKEN_LBRACE },
	{ "}", TOKEN_RBRACE },    { "[", TOKEN_LBRACKET }, { "]", TOKEN_RBRACKET },
	{ "(", TOKEN_LPAREN },    { ")", TOKEN_RPAREN },   { "~", TOKEN_NOT },
};

static int lex_mark(struct policy_lexer *l, struct policy_token *out, struct err *e)
{
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		uint32_t length = (uint32_t)strlen(marks[i].text);
		if (peek(l, 0) != marks[i].text[0] ||
		    (length == 2 && peek(l, 1) != marks[i].text[1]))
			continue;
		out->kind = marks[i].kind;
		out->place.length = length;
		l->at += length;
		return 0;
	}
	return fail_here(l, 1, "this character has no meaning here", e);
}

int policy_lex(struct policy_lexer *l, struct policy_token *out, struct err *e)
{
	if (skip_blanks(l, e) < 0)
		return -1;
	*out = (struct policy_token){ TOKEN_END, { l->source, l->at, 0 } };
	if (l->at >= l->source->length)
		return 0;
	char c = peek(l, 0);
	if (c == '\n') {
		out->kind = TOKEN_NEWLINE;
		l->at++;
		l->line++;
		return 0;
	}
	bool number = is_digit(c) || (c == '-' && is_digit(peek(l, 1)));
	if (number)
		out->kind = TOKEN_NUMBER;
	else if (is_word_start(c))
		out->kind = TOKEN_WORD;
	else if (c == '@' && is_word_start(peek(l, 1)))
		out->kind = TOKEN_DIRECTIVE;
	else
		return lex_mark(l, out, e);
	do
		l->at++;
	while (is_word(peek(l, 0)));
	out->place.length = l->at - out->place.offset;
	return 0;
}

int policy_lex_path(struct policy_lexer *l, struct policy_token *out, struct err *e)
{
	if (skip_blanks(l, e) < 0)
		return -1;
	*out = (struct policy_token){ TOKEN_PATH, { l->source, l->at, 0 } };
	while (peek(l, 0) > ' ' && peek(l, 0) != 0x7f)
		l->at++;
	out->place.length = l->at - out->place.offset;
	if (!out->place.length)
		return policy_fail(e, &out->place, "the path of a file must follow");
	return 0;
}
