/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_INIT_H
#define HUSK_PHASE_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/phase/process.h"
#include "runtime/phase/step.h"
#include "runtime/phase/sync.h"
#include "runtime/plan/plan.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup.h"

/*
 * What init knows: the plan, descriptors, nothing else. It is filled in by the parent before the
 * clone; init has its own copy of the memory afterwards.
 */
struct init {
	const struct plan *plan;
	int sync;     /* to the parent, until the container has been recorded */
	int listener; /* start.sock of "create"; -1 under "run" */
	const char *token, *keyring_name;
	int procfd; /* the host's /proc, closed with all others at execve */
	int rootfs; /* the host directory; later the attached mount */
	int *joins; /* namespaces to enter, as plan->namespaces.joins; -1 for those middle entered */
	int *sources; /* detached bind sources that the parent cloned, as plan->rootfs.mounts; or -1 */
	int result;      /* plan->process.reaper: where the program's wait status goes */
	int spaces;      /* where descriptors of the namespaces go, or -1 */
	int supervisor;  /* where the listener of a supervised filter goes, or -1 */
	int report;      /* where failures go: sync, later the connection of "start" */
	int cgroup_view; /* a ready /sys/fs/cgroup from the parent, or -1 */
	bool cgroup;     /* a SYNC_CGROUP is to be waited for: there are v1 hierarchies */
	bool feed;       /* a SYNC_FEED is to be waited for: hooks, id-mapped sources */
	bool hooked;     /* the parent has work between the mounts and the pivot */
	bool eager; /* under "run": the parent has given the word to start already, and waits for no other of ours */
	/* The state as hooks see it: prefix, status, suffix; from SYNC_FEED. */
	char *state_text;
	size_t state_prefix, state_length;
	int console_master, console_slave;
	/* The directory that was used last, and what of a path leads to it: most of what is made lies
	 * in /dev. Dropped when a mount covers it. */
	int parent;
	char parent_path[256];
	int locks[PLAN_LOCKS_MAX]; /* open files that are locked; the first process keeps them */
	size_t locks_count;
	int mask_dir;    /* mount root of the shared tmpfs that covers masked directories */
	int notify_sock; /* seccomp agent's socket, passed with SYNC_START */
	char *notify_body;
	size_t notify_length;
	struct process process; /* what the last steps work on */
};

/* The steps, for husk-phases(7) and the tests. */
extern const struct phase init_phase;

/* Run all steps; the last one executes the program, so this returns only to exit. */
_Noreturn void init_main(struct init *c);
/* The same for a process that @step has started. */
_Noreturn void init_main_behind(struct init *c, const char *step);

/* The parent is gone: nobody is left to report to, and nobody to undo what was begun. Returns -1. */
int init_parent_gone(struct err *e);
/* Wait for the parent's message. */
int init_wait(struct init *c, enum sync_type type, struct err *e);

/* Parts in other files, each a step. */
int init_created(void *ctx, struct err *e);
int init_await_start(void *ctx, struct err *e);
int init_mounts(void *ctx, struct err *e);
int init_cgroup_mounts(void *ctx, struct err *e);
bool init_has_late_readonly(const void *ctx);
/* That @tree, cloned from the source, is what was asked for. For the parent, too. */
int init_check_source(const struct plan_mount *m, int tree, struct err *e);
int init_late_readonly(void *ctx, struct err *e);
int init_devices(void *ctx, struct err *e);
int init_symlinks(void *ctx, struct err *e);
int init_masked_paths(void *ctx, struct err *e);
int init_readonly_paths(void *ctx, struct err *e);
int init_console(void *ctx, struct err *e);
int init_loopback(void *ctx, struct err *e);
bool init_wants_landlock(const void *ctx);
int init_landlock(void *ctx, struct err *e);
/* The same for whoever enters later: in the container's root, with its own ids. */
int landlock_enter(const struct plan_landlock *l, struct err *e);
bool init_wants_locks(const void *ctx);
int init_locks(void *ctx, struct err *e);
bool init_wants_reaper(const void *ctx);
int init_reaper(void *ctx, struct err *e);
bool init_wants_gate(const void *ctx);
int init_gate(void *ctx, struct err *e);

/* What stands among the mounts and is none, see enum plan_mount_kind. @index is not used. */
int init_make_directory(struct init *c, const struct plan_mount *m, size_t index, struct err *e);
int init_make_file(struct init *c, const struct plan_mount *m, size_t index, struct err *e);
int init_make_data(struct init *c, const struct plan_mount *m, size_t index, struct err *e);
int init_make_link(struct init *c, const struct plan_mount *m, size_t index, struct err *e);
int init_make_mode(struct init *c, const struct plan_mount *m, size_t index, struct err *e);
int init_make_overlay(struct init *c, const struct plan_mount *m, size_t index, struct err *e);

/* SYNC_MOUNTED with the user and the network namespace. */
int init_send_namespaces(const struct init *c, struct err *e);

/* The directory of @path inside the root, as path_parent_in_root(), from c->parent where it is the
 * same. The descriptor stays init's. */
int init_parent(struct init *c, const char *path, const char **name, struct err *e);
/* A mount at @path hides what c->parent may lead to. */
void init_parent_covered(struct init *c, const char *path);

/* tmpcopyup: copy what is below the directory @from to @to (both readable descriptors), and unless
 * @keep_mode (mode= was given) its owner and mode, too. */
int init_copy_up(int from, int to, bool keep_mode, struct err *e);

#endif
