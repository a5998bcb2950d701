/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_TEXT_H
#define HUSK_POLICY_POLICY_TEXT_H

#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-names.h"

/* What a text says, before it is known for which architectures. All of it is in one arena. */

struct policy_source {
	const char *name; /* as it is called in messages */
	const char *text;
	size_t length;
	const struct policy_source *from; /* that includes this one, or NULL */
	uint32_t depth;                   /* of includes, 1 for the first file */
	uint64_t device, inode;           /* 0: not a file */
	bool builtin;                     /* and so is what it includes */
};

/* A piece of a source, for messages. Lines and columns are counted when one is printed. */
struct policy_place {
	const struct policy_source *source;
	uint32_t offset, length;
};

enum policy_token_kind {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_WORD,      /* names, actions, "in", "arg0" */
	TOKEN_NUMBER,    /* with its sign */
	TOKEN_DIRECTIVE, /* @word */
	TOKEN_PATH,      /* behind @include and @frequency */
	TOKEN_COLON,
	TOKEN_SEMICOLON,
	TOKEN_COMMA,
	TOKEN_LBRACE,
	TOKEN_RBRACE,
	TOKEN_LBRACKET,
	TOKEN_RBRACKET,
	TOKEN_LPAREN,
	TOKEN_RPAREN,
	TOKEN_NOT, /* ~ */
	TOKEN_OR,  /* | */
	TOKEN_OR_OR,
	TOKEN_AND_AND,
	TOKEN_AND, /* & */
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_ASSIGN,
};

struct policy_token {
	enum policy_token_kind kind;
	struct policy_place place;
};

struct policy_lexer {
	const struct policy_source *source;
	uint32_t at;
	uint32_t braces;       /* open ones: a line does not end inside */
	uint32_t comment_line; /* the last line that had a comment, from 1; 0: none */
	uint32_t line;         /* of "at" */
};

/* The next token. -1 with "invalid character" and the like. */
int policy_lex(struct policy_lexer *l, struct policy_token *out, struct err *e);
/* The rest of the line up to a blank, for a path. */
int policy_lex_path(struct policy_lexer *l, struct policy_token *out, struct err *e);

/* "FILE:LINE:COLUMN: what", the line, and a caret below @place. ERR_CONFIG; returns -1. */
int policy_fail(struct err *e, const struct policy_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void policy_place_find(const struct policy_place *place, uint32_t *line, uint32_t *column);

/* --------------------------------------------------------------- values */

struct policy_constant {
	uint64_t value; /* on x86-64 */
	uint32_t name;  /* of policy_constant_name() */
};

const char *policy_constant_name(const struct policy_constant *c);

/* The constant of that name, or NULL. */
const struct policy_constant *policy_constant_find(const char *name, size_t length);
/* All of them in turn, by name; NULL past the end. */
const struct policy_constant *policy_constant_at(size_t index);
/* Its value on @arch; -1 where it has none. */
int policy_constant_value(const struct policy_constant *c, const struct seccomp_arch *arch,
			  uint64_t *value);

enum policy_value_kind { VALUE_NUMBER, VALUE_CONSTANT, VALUE_NOT, VALUE_OR };

struct policy_value {
	enum policy_value_kind kind;
	uint64_t number; /* two's complement */
	bool negative;
	const struct policy_constant *constant;
	const struct policy_value *left, *right;
	struct policy_place place;
};

/* The value on @arch, cut to its words; an error where a number does not fit. */
int policy_value_get(const struct policy_value *v, const struct seccomp_arch *arch, uint64_t *out,
		     struct err *e);

/* -------------------------------------------------------------- filters */

struct policy_atom {
	uint32_t index;
	enum policy_token_kind op; /* TOKEN_EQ ..., TOKEN_AND, TOKEN_WORD for "in" */
	const struct policy_value *value;
};

/* All must hold. */
struct policy_clause {
	struct policy_atom *atoms;
	size_t atoms_count;
};

struct policy_filter {
	struct policy_clause *clauses; /* one of them must hold; none: always */
	size_t clauses_count;
	uint32_t action;
	bool default_action; /* "return" without an errno */
	struct policy_place place;
};

struct policy_call {
	const char *name; /* or digits */
	uint64_t archs;   /* bits as in seccomp_names_arch_at(); 0: all */
	struct policy_place place;
};

struct policy_statement {
	struct policy_call *calls;
	size_t calls_count;
	struct policy_filter *filters;
	size_t filters_count;
	bool bare;      /* one filter "EXPRESSION; return E" without braces: see policy_dialect */
	bool commented; /* on its line, or just above */
	struct policy_place place;
	struct policy_statement *next;
};

struct policy_weight {
	const char *name;
	uint64_t weight;
	struct policy_weight *next;
};

struct policy_text {
	struct arena *arena;
	const struct policy_options *options;
	struct policy_statement *first, **last;
	size_t statements_count;
	struct policy_weight *weights, **last_weight;
	bool default_set;
	uint32_t default_action;
	bool denylist, newer;
	uint32_t archs[32]; /* @arch */
	size_t archs_count;
	/* The first of each, for the rule about dialects; length 0: none. */
	struct policy_place bare, python;
	struct policy_note *notes;
	size_t notes_count, notes_room;
};

/* Parse a source, and what it includes, into @t. */
int policy_text_parse(struct policy_text *t, const struct policy_source *source, struct err *e);
/* Add a note; a full memory shows in the arena. */
void policy_note(struct policy_text *t, const struct policy_place *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The file @path as a source, as if named in @from (NULL: as it stands). */
int policy_source_open(struct arena *a, const struct policy_source *from, const char *path,
		       struct policy_source **out, struct err *e);
/* The same for a file that is built in. */
int policy_builtin_open(struct arena *a, const struct policy_source *from, const char *path,
			struct policy_source **out, struct err *e);

/* Make rules of statements. */
int policy_lower(struct policy_text *t, struct policy *out, struct err *e);
/* Notes about what is probably not meant. */
void policy_lint(struct policy_text *t, const struct policy_source *source, const struct policy *p);

/* The names in "group@namespace", ended by NULL, or NULL with *known_namespace. */
const char *const *policy_group_find(const char *name, size_t length, bool *known_namespace);
/* What policy_options.log makes of an action. */
uint32_t policy_action_logged(uint32_t action);

/* An action word behind which nothing follows; -1 where it is none. */
int policy_action_word(const char *text, size_t length, uint32_t *action);

#endif
