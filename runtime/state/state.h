/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_STATE_STATE_H
#define HUSK_STATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup.h"
#include "src/json/json-types.h"

/*
 * What is true of a container, on disk: ROOT/ID/, mode 0700, with
 *
 *   state.json   this structure; replaced as a whole
 *   config.json  the configuration as it was at create
 *   start.sock   while init waits for "start"
 *
 * The directory is made before the first side effect on the host and removed after the last one
 * is undone, so that "delete --force" always finds what is left. Verbs that change a container
 * hold an exclusive flock(2) on the directory.
 */

enum state_status {
	STATE_CREATING, /* create is at work, or died at it (state_creator_alive()) */
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPED,
};
const char *state_status_name(enum state_status status);

#define STATE_TOKEN_MAX 36

struct state {
	char *id, *oci_version, *bundle, *rootfs;
	char *created; /* RFC 3339, UTC, with nanoseconds */
	uint32_t owner;
	bool recorded; /* init was named: pid and pid_start_ticks count */
	uint32_t pid;
	uint64_t pid_start_ticks;
	uint32_t creator; /* the process of "create" or "run", while not recorded */
	uint64_t creator_start_ticks;
	char *token;         /* what "start" has to know: STATE_TOKEN_MAX - 1 hexadecimal digits */
	uint64_t namespaces; /* CLONE_NEW* that differ from the runtime's own */
	bool terminal;
	bool has_process;
	bool exec_config; /* exec has to read config.json: seccomp, personality, groups */
	bool has_hooks;   /* poststart or poststop hooks are in config.json */
	bool cgroup_enabled;
	struct cgroup_set cgroup;
	struct cgroup_created cgroup_created;
	char *exec_below; /* sub-cgroup that exec joins, or NULL */
	/* seccomp agent, for "start" */
	char *listener_path, *listener_metadata;
	struct key_value *annotations;
	size_t annotations_count;
};

/* The directory that holds all containers' directories. */
struct state_root {
	int fd;
	const char *path; /* absolute */
};

/* --root, else /run/husk for root, else $XDG_RUNTIME_DIR/husk; as an absolute path in the arena. */
int state_root_path(const char *option, struct arena *a, const char **path, struct err *e);
/* Open it; with @create make what is missing. When it is missing and not @create: fd -1, 0. */
int state_root_open(const char *path, bool create, struct state_root *root, struct err *e);

/*
 * 0 if the directory or file @fd belongs to us or to root and nobody else can write it: whoever could
 * plant one would make the runtime do what it says. @path is for the error.
 */
int state_check_owner(int fd, const char *path, struct err *e);
/* The same for @name below @dirfd, which may be missing. */
int state_check_owner_at(int dirfd, const char *name, struct err *e);

/* 0 if @id can name a container: [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 255 bytes. */
int state_id_check(const char *id, struct err *e);

/* Make the directory of a new container and lock it. ERR_STATE when the id is taken. fd or -1. */
int state_dir_create(const struct state_root *root, const char *id, struct err *e);
/* Open an existing one. ERR_NOT_FOUND ("container "x" does not exist"). fd or -1. */
int state_dir_open(const struct state_root *root, const char *id, struct err *e);
/* How long a verb waits for the one before it, which may be running hooks. */
#define STATE_LOCK_TIMEOUT_MSEC 20000
/* Exclusive lock, waiting at most @timeout_msec. 0 or -1. Released with the descriptor. */
int state_dir_lock(int dirfd, const char *id, int timeout_msec, struct err *e);
/* Remove the directory and all that is in it. Missing is fine. 0 or -1. */
int state_dir_remove(const struct state_root *root, const char *id, struct err *e);

/* The first state.json of a new directory. A half-written one is what an interrupted create leaves. */
int state_write_intent(int dirfd, const struct state *s, struct err *e);
/* What replaces it, in two steps: a second file, and then that in place of the first, at once. */
int state_write_next(int dirfd, const struct state *s, struct err *e);
int state_publish(int dirfd, struct err *e);
/* ERR_STATE when there is no readable state.json (create was killed at its very start). */
int state_read(int dirfd, const char *id, struct arena *a, struct state *s, struct err *e);

/* The name of the container's session keyring. It is not the id alone: keyrings are found by name,
 * and one of an earlier container may not have been collected yet. NULL when out of memory. */
const char *state_keyring_name(const struct state *s, struct arena *a);

/*
 * The status now. @procfd: a procfs root or AT_FDCWD. @pidfd_out may be NULL; else a pidfd of init is
 * left there (-1 when stopped), which is the one to send signals to.
 */
enum state_status state_status(const struct state *s, int dirfd, int procfd, int *pidfd_out);
/* True while the process that is creating the container is there. */
bool state_creator_alive(const struct state *s, int procfd);

/*
 * The state as OCI defines it, for hooks, the seccomp agent and "state": compact JSON in @a.
 * @pid 0 leaves the pid out.
 */
int state_oci_print(const struct state *s, const char *status, pid_t pid, struct arena *a,
		    char **text, size_t *length, struct err *e);

/* All ids under @root, sorted, in @a. Count or -1. */
ssize_t state_list(const struct state_root *root, struct arena *a, char ***ids, struct err *e);

#endif
