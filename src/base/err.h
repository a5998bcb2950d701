/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_ERR_H
#define HUSK_BASE_ERR_H

#include <stddef.h>

/*
 * The one error type. It lives on the caller's stack and holds no pointers, so
 * that a child can send it to its parent in a single message. Library code
 * fills it in and returns -1; only the top of the program prints it.
 */

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,      /* a system call refused; errnum says why */
	ERR_CONFIG,      /* what was asked is malformed or contradictory */
	ERR_UNSUPPORTED, /* understood, but husk, this kernel or this host cannot */
	ERR_USAGE,       /* the command line is wrong */
	ERR_STATE,       /* the container is not in the state the verb needs */
	ERR_NOT_FOUND,   /* no such container */
	ERR_NO_PROGRAM,  /* the program to execute is missing (exit status 127) */
	ERR_EXEC,        /* the program exists but cannot be executed (exit status 126) */
	ERR_HOOK,        /* a hook failed */
	ERR_PROTOCOL,    /* a peer process sent something that makes no sense */
	ERR_NO_MEMORY,
};

#define ERR_MSG_MAX 512

struct err {
	int kind;                 /* enum err_kind */
	int errnum;               /* errno at the failure, or 0 */
	char phase[24], step[32]; /* where, perhaps in another process; empty: in no phase */
	char msg[ERR_MSG_MAX];
};

/*
 * Set @e from a format (see text.h for the conversions). With a non-zero
 * @errnum the system's text is appended after ": ". A message that does not
 * fit is cut in the middle, so that both ends of a long path stay readable.
 * @e may be NULL. Always returns -1 and leaves errno at @errnum. Never allocates.
 */
int err_set(struct err *e, int kind, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* err_set() with ERR_SYSTEM and the current errno. */
#define err_sys(e, ...) err_set((e), ERR_SYSTEM, errno, __VA_ARGS__)
/* err_set() with ERR_CONFIG and no errno. */
#define err_config(e, ...) err_set((e), ERR_CONFIG, 0, __VA_ARGS__)

/* Put "text: " in front of the message, keeping kind and errno. Returns -1. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append ": hint" or any other text to the message. Returns -1. */
int err_append(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The static analyser sees one file at a time: it is told what callers rely on. */
#if defined __clang_analyzer__ && !defined ERR_IMPLEMENTATION
#define err_set(...)    ((void)err_set(__VA_ARGS__), -1)
#define err_prefix(...) ((void)err_prefix(__VA_ARGS__), -1)
#define err_append(...) ((void)err_append(__VA_ARGS__), -1)
#endif

/* Short lower-case name of a kind, for JSON logs ("system", "config", ...). */
const char *err_kind_name(int kind);

#endif
