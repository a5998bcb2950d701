/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_H
#define HUSK_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-policy.h"

/*
 * Policies: which system calls a program may make. husk-policy(5) describes the text language, the
 * superset of the two that minijail has. Whatever a policy was written in, it ends as a struct
 * seccomp_policy, which seccomp_compile() makes a filter of.
 */

/* How "name: EXPRESSION; return ERRNO" is read, the one form of which minijail has two meanings. */
enum policy_dialect {
	POLICY_DIALECT_AUTO,  /* as minijail0; an error beside what minijail0 cannot read */
	POLICY_DIALECT_C,     /* minijail0: allowed where it holds, else the errno */
	POLICY_DIALECT_PYTHON /* compile_seccomp_policy.py: the errno where it holds */
};

struct policy_options {
	/* SECCOMP_ARCH_X32 or AUDIT_ARCH_*; none: those of the policy's @arch, else the native one.
	 */
	const uint32_t *archs;
	size_t archs_count;
	bool default_set; /* default_action replaces the policy's own, and may be permissive */
	uint32_t default_action; /* SECCOMP_RET_* with its data */
	enum policy_dialect dialect;
	/* Whatever refuses is let through and logged by the kernel: SECCOMP_RET_LOG. */
	bool log;
	bool skip_unknown;      /* a name that no architecture has is a note, not an error */
	bool denylist;          /* the policy must have @denylist (without it, it may) */
	uint32_t include_depth; /* 0: POLICY_INCLUDE_DEPTH */
};

#define POLICY_INCLUDE_DEPTH 10

/* What the author should know: where, and what. */
struct policy_note {
	const char *file;
	uint32_t line, column;
	const char *text;
};

/* Where a rule of the policy was written. */
struct policy_origin {
	const char *file; /* NULL: not in a text (OCI) */
	uint32_t line;
};

enum policy_kind {
	POLICY_TEXT,
	POLICY_OCI, /* a seccomp profile of OCI, or a whole config.json */
	POLICY_BPF, /* a program; there is no struct seccomp_policy behind it */
};

struct policy {
	enum policy_kind kind;
	const char *path;                    /* where it was found */
	struct seccomp_policy seccomp;       /* not for POLICY_BPF */
	const struct policy_origin *origins; /* one for each of seccomp.rules */
	struct seccomp_program program;      /* POLICY_BPF only */
	const struct policy_note *notes;
	size_t notes_count;
};

/*
 * Read a policy: a path if @name has a slash, else a policy of husk's own by its name ("default").
 * By its content it is a text, JSON or BPF. @options may be NULL. Everything is in @arena.
 *
 * Errors: ERR_CONFIG, "FILE:LINE:COLUMN: what", then the line and a caret below it, each on a line
 * of its own; ERR_SYSTEM or ERR_NOT_FOUND where a file cannot be read.
 */
int policy_load(const char *name, const struct policy_options *options, struct arena *arena,
		struct policy *out, struct err *e);

/* The same for a text in memory; @name is for messages, and includes are relative to its folder. */
int policy_parse(const char *name, const char *text, size_t length,
		 const struct policy_options *options, struct arena *arena, struct policy *out,
		 struct err *e);

/*
 * The policy "default" as it was when husk was built. No file is read, so that it is the same in a tree
 * that is not installed; policy_builtin_bytes() are what it is made of, for a cache.
 */
int policy_load_default(const struct policy_options *options, struct arena *arena,
			struct policy *out, struct err *e);
const void *policy_builtin_bytes(size_t *length);

/* The filter of a policy of any kind, checked. */
int policy_program(const struct policy *policy, struct arena *arena, struct seccomp_program *out,
		   struct err *e);
/* The same by way of a cache (policy-cache.h). Whatever is wrong with it, the filter is compiled. */
struct policy_cache;
int policy_program_cached(const struct policy *policy, const struct policy_cache *cache,
			  struct arena *arena, struct seccomp_program *out, struct err *e);

/* A decoded profile of OCI as a policy. In memory of @a; names are borrowed. */
struct spec_seccomp;
int policy_from_oci(const struct spec_seccomp *from, bool strict_names, struct arena *a,
		    struct seccomp_policy *p, struct err *e);

/* "allow", "kill-process", "return EPERM" ... as @default and --default-action have it. 0 or -1. */
int policy_action_parse(const char *text, uint32_t *action, struct err *e);
/* The same backwards, in @out; unknown ones in hexadecimal. */
void policy_action_print(uint32_t action, char *out, size_t size);
#define POLICY_ACTION_MAX 40

/*
 * The rule of a POLICY_TEXT that decides about a call: an index into seccomp.rules and origins, or
 * POLICY_NO_RULE where that is the default (or @newer, or the call is foreign).
 */
struct seccomp_arch;
size_t policy_decide(const struct policy *p, const struct seccomp_arch *arch,
		     const struct seccomp_data *data);
#define POLICY_NO_RULE SIZE_MAX
/* Is the rule about the call; does the condition hold. */
bool policy_rule_names(const struct policy *p, size_t index, const struct seccomp_arch *arch,
		       uint32_t number);
bool policy_compare_holds(const struct seccomp_compare *c, const struct seccomp_arch *arch,
			  uint64_t argument);
/*
 * A condition as the language has it, in @out. Of SECCOMP_OP_MASKED_NE only those with a value_two
 * of 0 are written in one expression.
 */
void policy_compare_print(const struct seccomp_compare *c, bool wide, char *out, size_t size);
#define POLICY_COMPARE_MAX 2048

/* A number or a named constant, as an argument of @arch is written: "AT_FDCWD", "-1". 0 or -1. */
int policy_value_parse(const char *text, uint32_t arch, uint64_t *value, struct err *e);

/* The architecture of a name in any of the usual spellings: x86_64, amd64, arm64 ...; 0: none. */
uint32_t policy_arch_parse(const char *name);

/*
 * Which arguments of a call the kernel declares with 32 bits, as a mask: it never looks at the
 * upper half of those, and so neither does a policy.
 */
uint32_t policy_narrow_arguments(const char *call);

/* All "group@namespace" in turn; NULL past the end. @names is ended by NULL. */
const char *policy_group_at(size_t index, const char *const **names);

/* Where husk's own policies are: NAME.policy in "profiles" below. Tests have their own. */
extern const char policy_directory[];

#endif
