/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_EXEC_JOIN_H
#define HUSK_PHASE_EXEC_JOIN_H

#include <sys/types.h>

#include "runtime/phase/step.h"
#include "runtime/plan/plan.h"
#include "runtime/state/state.h"

/*
 * A further process in a running container. The parent enters the pid namespace for the moment of
 * the clone, the child all others at once through init's pidfd (setns(2), Linux 5.8); no path in
 * /proc is used, so the pid cannot be another process's by then.
 */
struct exec_options {
	const char *pid_file, *console_socket, *pidfd_socket;
	bool detach;
	bool middle; /* the caller has no rights over the container but through its user namespace */
};

struct exec_join {
	const struct plan *plan; /* only the process in it */
	const struct exec_options *options;
	const struct state *state;
	struct arena *arena;
	const struct cgroup_set *cgroup; /* to join; NULL: none */
	const char *keyring_name;
	int target; /* pidfd of the container's init */
	int procfd;
	/* Descriptors of all its namespaces in the order in which they are entered (with options->middle),
	 * where init itself may not be looked into; or none. They stay open. */
	const int *spaces;
	size_t spaces_count;
	/* Instead of a program: called in the container as the program would be, with descriptors 0 to 2
	 * and none else. Its result is the exit status. */
	int (*serve)(void *ctx);
	void *serve_ctx;
	int root; /* of the container, where it has no mount namespace of its own; or -1 */
	/* Filled in here. */
	int sync, child_sync, console_sock, console_master, console_slave;
	struct cgroup_fds cgroup_fds;
	pid_t pid;
	int pidfd;
	int notify_sock;
	char *notify_body;
	size_t notify_length;
	/* For the entry gate: of the caller, which hands on changes of its children's state from here on. */
	struct gate_entry *gate;
	struct gate_word
		*word; /* with a gate: what the child says when its filter lets it say nothing */
};

/* The parent's steps, and the child's. */
extern const struct phase exec_parent_phase;
extern const struct phase exec_phase;

void exec_join_init(struct exec_join *x);

/* 0: the program was executed; x->pid is a child of the caller. -1: it was not, nothing is left. */
int exec_join_run(struct exec_join *x, struct err *e);

#endif
