/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_START_H
#define HUSK_PHASE_START_H

#include "runtime/phase/step.h"
#include "runtime/plan/plan.h"
#include "runtime/state/state.h"

struct gate_entry;
struct gate_word;

/* From "created" to "the program runs": the second half of "run", and all of "start". */
struct starter {
	struct arena *arena;
	const struct state *state;
	const struct plan_hooks *hooks;
	int sock;      /* to init: its sync pair under "run", the start socket under "start" */
	int state_dir; /* where start.sock is unlinked; -1 under "run" */
	int unpublished; /* the locked state directory whose next.json is to become the state; or -1 */
	/* Says why init ended without a word, as parent_explain_death(). NULL: nobody can know. */
	int (*explain)(void *ctx, struct err *e);
	void *explain_ctx;
	const struct gate_word
		*word; /* where a program under a filter says that it was not executed, or NULL */
	struct gate_entry *gate; /* of a program that waits to be traced, or NULL */
	int agent;               /* seccomp agent's connection; -1 at first */
};

extern const struct phase start_phase;

/* 0: the program was executed. -1: it was not (init has ended), or a poststart hook failed, and then
 * the caller kills the container. */
int start_run(struct starter *s, struct err *e);

/* Connect to the socket that init of a created container listens on. fd or -1. */
int start_connect(int state_dir, const char *id, struct err *e);

/*
 * What a seccomp agent is told with a listener (containerProcessState of the OCI specification), and
 * its connected socket. Nothing when the state has no listenerPath: *agent is -1 and *body NULL.
 */
int start_agent(const struct state *s, pid_t pid, struct arena *a, int *agent, char **body,
		size_t *length, struct err *e);

#endif
