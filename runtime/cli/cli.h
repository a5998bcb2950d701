/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_CLI_H
#define HUSK_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/json/json-types.h"

/*
 * The command line as tables: options are rows, verbs are rows of options and a function. The man
 * pages, --help and the shell completions are checked against them.
 */
enum option_kind {
	OPTION_FLAG,    /* bool: true */
	OPTION_STRING,  /* const char *: the last one counts */
	OPTION_STRINGS, /* struct option_list: all of them */
	OPTION_U32,     /* struct opt_u32 */
	OPTION_U64,     /* struct opt_u64 */
	OPTION_I32,     /* struct opt_i32 */
	OPTION_BYTES,   /* struct opt_u64: "4096", "64K", "256M", "2G", "1T" (of 1024) */
	OPTION_MSEC,   /* struct opt_u64: "100ms", "5s", "1.5s", "2m", "1h"; without unit seconds */
	OPTION_MILLIS, /* struct opt_u64: thousandths of "2" or "0.5" */
	OPTION_TAKE,   /* the row's own function; offset is its to use */
	OPTION_PERHAPS, /* const char *: --name=VALUE, or --name alone for "" */
	OPTION_IGNORED_FLAG, /* accepted for callers of other runtimes, without effect here */
	OPTION_IGNORED_STRING,
};

struct option_row {
	const char *name; /* without "--" */
	char letter;      /* or 0 */
	enum option_kind kind;
	size_t offset;
	const char *value; /* how --help calls the value; NULL for flags */
	const char *help;
	/* OPTION_TAKE: how many words follow, and who takes them. */
	unsigned words;
	int (*take)(void *options, const struct option_row *row, char *const *words, struct err *e);
};

#define OPTION_LIST_MAX 256
struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

/* Options before the verb. */
struct global_options {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless;
	bool debug, systemd_cgroup, help, version;
};

/* One invocation. */
struct call {
	struct global_options global;
	struct arena *arena;
	const char *name; /* argv[0] */
	int seal; /* of ns_self_seal(), or -1: for verbs that close it when they have the time */
};

struct verb {
	const char *name;
	const char *arguments; /* "CONTAINER", "CONTAINER COMMAND [ARG...]" */
	const char *about;     /* one line */
	const char *more;      /* lines for --help behind it, or NULL */
	const struct option_row *options;
	size_t options_count;
	size_t size; /* of the struct that the offsets point into */
	unsigned arguments_min, arguments_max;
	bool reads_all;  /* options, too: those of another program's tradition */
	bool holds_seal; /* call->seal is its to close */
	/* Verbs of its own: when the word right behind it is the last word of one's name. NULL: none. */
	const struct verb *const *verbs;
	bool stop_at_argument; /* what follows the first argument is not ours to parse */
	/* Exit status of husk, or -1 with @e set. */
	int (*run)(struct call *call, const void *options, int argc, char **argv, struct err *e);
};

/* All verbs, in the order of --help; the last one has a NULL name. */
extern const struct verb *const verbs[];
extern const struct option_row global_rows[];
extern const size_t global_rows_count;

const struct verb *verb_find(const char *name);

/* All options at once, for tables written as OPTIONS(struct create_options, rows). */
#define OPTION_AT(type, member) offsetof(type, member)

/*
 * Parse options from argv[*index] on into @options; *index is left at the first argument that is
 * none, and with @interspersed arguments are moved before options that follow them. "--" ends the
 * options. ERR_USAGE with the nearest known name.
 */
int options_parse(const struct option_row *rows, size_t count, void *options, bool stop_at_argument,
		  int argc, char **argv, int *index, struct err *e);

/* --help of husk, and of one verb (NULL: husk). To standard output. */
void help_print(const struct verb *verb);
/* The three lines that go-runc and dockerd parse. */
void version_print(void);

#endif
