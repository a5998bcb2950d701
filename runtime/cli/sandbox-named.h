/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_NAMED_H
#define HUSK_CLI_SANDBOX_NAMED_H

#include "runtime/cli/cli.h"
#include "runtime/cli/container.h"
#include "runtime/cli/sandbox-output.h"
#include "src/base/err.h"

/*
 * A named sandbox: its supervisor lives on when "husk sandbox start" has returned, and listens on a
 * socket in the state directory, whose mode of 0700 is the guard. One connection is one further
 * process in the sandbox: a request with three descriptors, NAMED_STARTED or NAMED_FAILED for an
 * answer, then signals one way and NAMED_ENDED the other (or NAMED_FAILED: its entry gate did not close). Who hangs up kills the process.
 */
#define NAMED_SOCKET     "sandbox.sock"
#define NAMED_ANNOTATION "husk.sandbox" /* of the state, so that other verbs know one */
#define NAMED_BODY_MAX   131072u

enum named_kind {
	NAMED_EXEC = 1,
	NAMED_PUT, /* a tree comes on descriptor 0, see sandbox-tree.h; args: the path */
	NAMED_GET,
	NAMED_SIGNAL,
	NAMED_STARTED, /* with the terminal's descriptor, if one was asked for */
	NAMED_FAILED,
	NAMED_ENDED,
};

/* What follows it are strings, each with its NUL: the directory if has_directory, arguments, and
 * "NAME=VALUE" of the environment. */
struct named_request {
	uint32_t kind;
	uint32_t terminal, has_directory;
	uint32_t args_count, env_count;
	uint16_t rows, columns;
};

struct named_signal {
	uint32_t kind;
	int32_t sig;
};

struct named_answer {
	uint32_t kind;
	int32_t status; /* NAMED_ENDED: as a shell has it */
	struct err err; /* NAMED_FAILED */
};

/* ---- the supervisor's side, sandbox-agent.c ---- */

#define NAMED_SPACES_MAX 8

struct named_agents {
	int listener; /* or -1 */
	struct parent *parent;
	const struct sandbox_output *output; /* where what others write counts, if anything does */
	int spaces[NAMED_SPACES_MAX];
	size_t spaces_count;
};

/* After the sandbox was created: listen, and receive what leads into it. */
int named_listen(struct named_agents *a, struct parent *p, struct err *e);
/* Somebody connected: a child of this process attends to it. */
void named_accept(struct named_agents *a);

/* ---- the client's side, sandbox-client.c ---- */

/* Open the state of @name, which has to be that of a named sandbox. */
int named_open(struct call *call, const char *name, struct container *c, struct err *e);
/* What a supervisor that is gone has left of the sandbox @name; nothing else is touched. 0 or -1. */
int named_remove_left(struct call *call, const char *name, struct err *e);
/* A directory that says nothing: its "start" was killed before it could. */
bool named_is_blank(const struct err *e);
/* True for the state of a named sandbox. */
bool named_is(const struct state *s);

struct named_call {
	uint32_t kind;
	bool terminal;
	const char *directory; /* or NULL */
	char *const *args;
	size_t args_count;
	const struct option_list *env; /* or NULL */
	int fds[3];
};

/* Connect and ask. The connection, once the process runs; *master is its terminal, or -1. */
int named_ask(const struct container *c, const struct named_call *n, int *master, struct err *e);
/* Wait for the end: its status, or -1. Signals go on to it, and a terminal (or -1) is relayed. */
int named_attend(int conn, int master, struct err *e);

/* ---- sub-verbs ---- */

extern const struct verb verb_sandbox_start, verb_sandbox_exec, verb_sandbox_copy,
	verb_sandbox_list, verb_sandbox_stop;

#endif
