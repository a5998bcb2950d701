/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_LEARN_LEARN_H
#define HUSK_LEARN_LEARN_H

#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/policy/policy.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/json/json-write.h"
#include "src/seccomp/seccomp-listen.h"
#include "src/seccomp/seccomp-names.h"

/*
 * What a program does, watched through a filter that asks for every call, and the policy that lets
 * it do that again. One arena holds all; that it ran out of memory is asked once, at the end.
 */

/* ------------------------------------------------------------------ calls */

#define LEARN_TRACKED_MAX 3
/* Distinct arguments that are remembered; more of them are no set but a range. */
#define LEARN_VALUES_MAX 64

/* How an argument is written. */
struct learn_argument {
	uint32_t index;    /* of the call's six */
	const char *exact; /* beginnings of names for the value or for its bits in "low", in turn */
	const char *flags; /* beginnings of names for single bits; NULL: it has none */
	uint64_t low;      /* bits that are no flags */
};

/* A call whose arguments matter, and how far they are narrowed. */
struct learn_row {
	const char *name;
	struct learn_argument arguments[LEARN_TRACKED_MAX];
	size_t count;
	size_t values_max; /* more than that are written as a mask, or not at all */
	bool mask;         /* of the first argument */
};

/* The row of a call's name, or NULL. */
const struct learn_row *learn_row_find(const char *name);

struct learn_values {
	uint64_t of[LEARN_TRACKED_MAX]; /* as row->arguments */
};

enum learn_origin {
	LEARN_SEEN = 1,
	LEARN_MERGED = 2,
	LEARN_IMPLIED = 4, /* not seen, but up to chance: see learn-implied.c */
};

struct learn_call {
	uint32_t arch; /* a token, as in struct seccomp_arch */
	uint32_t number;
	const char *name; /* or digits */
	uint32_t narrow;  /* policy_narrow_arguments() */
	const struct learn_row *row;
	size_t path_row,
		network_row;   /* in the tables of learn-path.c and learn-network.c; 0: none */
	unsigned origin;       /* enum learn_origin */
	uint64_t let, refused; /* how often it came and was let through, and was answered ENOSYS */
	struct learn_values *values;
	size_t values_count;
	bool overflow;   /* there were more values than that */
	bool any;        /* a merged policy has it whatever the arguments */
	bool masked;     /* a merged policy has the mask */
	bool first_only; /* a merged policy looks at the first argument only */
	uint64_t mask;   /* of all first arguments */
};

/* ------------------------------------------------------ files, endpoints */

enum learn_use {
	LEARN_LOOK = 1, /* stat, access, readlink: that it is there */
	LEARN_READ = 2,
	LEARN_WRITE = 4,
	LEARN_MAKE = 8,   /* made, removed, renamed: its directory is written to */
	LEARN_MKDIR = 16, /* made, unless it is there */
	LEARN_GIVEN = 32, /* by a merged policy, as it stands */
};

struct learn_file {
	const char *path; /* absolute, clean */
	unsigned use;     /* enum learn_use */
	bool existed;     /* when it was first used */
	bool directory;
};

struct learn_files {
	struct learn_file **slots; /* by hash of the path */
	size_t count, size;        /* size is a power of two */
};

#define LEARN_ENDPOINT_MAX  160
#define LEARN_ENDPOINTS_MAX 1024

struct learn {
	struct arena *arena;
	bool want_files, want_network;
	struct learn_call **slots; /* by hash of arch and number */
	size_t count, size;
	struct learn_files files;
	const char **endpoints; /* "connect tcp 192.0.2.1:443" */
	size_t endpoints_count;
	bool endpoints_lost; /* there were more */
	uint64_t unreadable; /* paths and addresses of processes that may not be looked into */
	const char **runs;   /* command lines */
	size_t runs_count;
};

void learn_init(struct learn *l, struct arena *a);

/* The record of a call, made if there is none. NULL when memory ran out. */
struct learn_call *learn_call_get(struct learn *l, const struct seccomp_arch *arch,
				  uint32_t number);
/* The same by name; NULL also where the architecture has no such call. */
struct learn_call *learn_call_named(struct learn *l, const struct seccomp_arch *arch,
				    const char *name);
/* Add arguments; those that the row tracks count. */
void learn_call_add(struct learn *l, struct learn_call *c, const struct seccomp_data *data);
void learn_call_add_values(struct learn *l, struct learn_call *c, const struct learn_values *v);
/* All calls in one array: by architecture in the order of seccomp_names_arch_at(), then by name. */
struct learn_call **learn_calls_sorted(const struct learn *l, struct arena *a);
/* The architecture of a notification, which calls x32 x86-64. NULL: unknown. */
const struct seccomp_arch *learn_arch_of(const struct seccomp_data *data);

/* One alternative: conditions that must all hold. */
struct learn_clause {
	struct seccomp_compare compares[LEARN_TRACKED_MAX];
	size_t count;
};

/*
 * What the arguments of a call may be: alternatives in @out, in memory of @a, and their number; 0
 * means that any are allowed. Bounded sets are written out, larger ones of flags become a mask,
 * larger ones of several arguments the set of the first.
 */
size_t learn_narrow(const struct learn_call *c, struct arena *a, struct learn_clause **out);
/* Answered with ENOSYS, and never let through. */
bool learn_is_refused(const struct learn_call *c);

/* A value as the language has it, with names of constants. */
void learn_value_print(const struct learn_argument *argument, uint64_t value, uint32_t token,
		       char *out, size_t size);
#define LEARN_VALUE_MAX 1024

/* Add what another run of the same program may need: see learn-implied.c. */
void learn_imply(struct learn *l);

/* --------------------------------------------------------------- watching */

/*
 * Start @argv[0], found at @path, with a filter that asks for every call. @mask is its signal mask.
 * The listener's descriptor is put into *listener. Returns the pid; -1 with ERR_SYSTEM, also when
 * the program cannot be executed, which turns out in learn_watch().
 */
struct learn_child {
	pid_t pid;
	int listener;
	volatile int *exec_errno; /* shared memory: why the program was not executed */
};
int learn_start(const char *path, char *const *argv, const sigset_t *mask, struct learn_child *out,
		struct err *e);

/*
 * Answer until no process has the filter any more, recording. Signals in @sigfd are passed on.
 * Status of the program as waitpid(2) has it; -1 with @e, then the program has been killed.
 */
int learn_watch(struct learn *l, const struct learn_child *child, int sigfd, struct err *e);

/* Paths of a call that is waiting; endpoints. Where memory cannot be read, l->unreadable counts. */
void learn_path_record(struct learn *l, const struct seccomp_listener *from,
		       const struct learn_call *c);
void learn_network_record(struct learn *l, const struct seccomp_listener *from,
			  const struct learn_call *c);
/* The first row for a call, counted from 1; 0: none. */
size_t learn_path_find(const char *name);
size_t learn_network_find(const char *name);
/* What has been used. @path need not be clean. */
void learn_file_add(struct learn *l, const char *path, unsigned use);
void learn_endpoint_add(struct learn *l, const char *endpoint);

/* ---------------------------------------------------------------- results */

/* An option of husk sandbox. */
struct learn_option {
	const char *path;
	bool writable;
};
/* The options for the files, merged and shortened, and their number. */
size_t learn_file_options(const struct learn *l, struct arena *a, struct learn_option **out);
/* One word for a shell; false where it cannot be written on one line. */
bool learn_word_print(const char *word, char *out, size_t size);

/* The commented text in the language of husk-policy(5), checked: it compiles, and allows what was
 * recorded. In memory of @a. */
const char *learn_text(const struct learn *l, struct arena *a, size_t *length, struct err *e);
/* The profile for OCI. */
void learn_oci(const struct learn *l, struct arena *a, struct json_writer *w);

/*
 * Add what the policy in file @path allows: a learned one, or any other that names calls, and
 * values of the arguments that are narrowed here. ERR_CONFIG where it says what cannot be added.
 */
int learn_merge(struct learn *l, const char *path, struct err *e);

/* A command line for the heading, once. */
void learn_run_add(struct learn *l, const char *run);

/* Prefixes of comments that learn_text() writes and learn_merge() reads. */
#define LEARN_RUN_MARK      "#   $ "
#define LEARN_OPTION_MARK   "#   --"
#define LEARN_ENDPOINT_MARK "#   > "

#endif
