/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_PARENT_H
#define HUSK_PHASE_PARENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/phase/init.h"
#include "runtime/phase/step.h"
#include "runtime/plan/plan.h"
#include "runtime/state/state.h"
#include "src/net/net-device.h"
#include "src/net/net-tool.h"

/* How "create" and "run" were called; the plan says what is to be done. */
struct parent_options {
	const char *id;
	const char *pid_file, *console_socket, *pidfd_socket;
	const char *config_text; /* kept as config.json in the state directory */
	size_t config_length;
	bool run;    /* started by this process: no start.sock */
	bool detach; /* run --detach */
	bool no_state; /* it ends with this process, and only marked cgroups may stay: no state directory */
	bool hold;            /* the word to start comes later, and is never given in advance */
	bool keep_namespaces; /* receive them from init, which may not be looked into: parent.spaces */
	void (*warn)(const struct err *e); /* failures that do not stop anything */
};

struct gate_entry;

/* The process that was called, outside of the container. */
struct parent {
	const struct plan *plan;
	const struct parent_options *options;
	struct arena *arena;
	struct state_root root;
	struct state state;
	int state_dir;
	int procfd;
	int sync;
	int pidfd;
	pid_t pid;
	int listener;
	int console_sock;   /* connected --console-socket, or -1 */
	int result;         /* the program's wait status comes here from a reaper, or -1 */
	int spaces;         /* descriptors of init's namespaces can be received here, or -1 */
	int supervised;     /* the listener of a supervised filter can be received here, or -1 */
	int console_master; /* the terminal, for run in the foreground */
	struct cgroup_create_options cgroup_options;
	struct cgroup_fds cgroup_fds;
	struct init init;
	struct gate_entry *gate; /* while the entry gate is not through; NULL: there is none */
	int seal;                /* see parent_hold_seal() */
	int netns; /* the container's, held until its devices are safe: undo must reach a dead init's */
	struct net_moved *moved;
	size_t moved_count;
	int sandbox_userns, sandbox_netns; /* while plan->network is done, or -1 */
	struct net_pasta pasta;
	bool reaped;
	bool keep_state; /* something could not be undone: "delete --force" has to find it */
	int wait_status;
};

/* Everything up to "created". On failure nothing is left. */
extern const struct phase parent_phase;

/* Fill @p in; every descriptor is -1. */
void parent_init(struct parent *p, const struct plan *plan, const struct parent_options *options,
		 struct arena *a);
/*
 * Take over @fd, what ns_self_seal() left open: closed while init is at its own work, if no process of a
 * container can see this one or init before the program is executed; otherwise at once.
 */
void parent_hold_seal(struct parent *p, int fd);
/* Run parent_phase. Afterwards the container is "created" and p->sync (under run) leads to init. */
int parent_create(struct parent *p, struct err *e);
/* Take back what parent_create() made, when something after it fails. */
void parent_undo(struct parent *p);

/*
 * After parent_create(), where this process stays to the end. Both return 0 or -1: run start_phase, and
 * finish_phase, with @force killing what still runs. One that another husk removed is removed.
 */
int parent_start(struct parent *p, struct err *e);
int parent_remove(struct parent *p, bool force, struct err *e);

/* Parts in other files. */
int parent_intent(void *ctx, struct err *e);
void parent_intent_undo(void *ctx);
int parent_draft(void *ctx, struct err *e);
int parent_record(void *ctx, struct err *e);
void parent_record_undo(void *ctx);
int parent_release(void *ctx, struct err *e);
int parent_namespaces(void *ctx, struct err *e);
int parent_sources(void *ctx, struct err *e);
int parent_clone(void *ctx, struct err *e);
void parent_clone_undo(void *ctx);
int parent_id_maps(void *ctx, struct err *e);
int parent_idmap_sources(void *ctx, struct err *e);
int parent_net_devices(void *ctx, struct err *e);
void parent_net_devices_undo(void *ctx);
int parent_egress(void *ctx, struct err *e);
int parent_bridge(void *ctx, struct err *e);
int parent_user_network(void *ctx, struct err *e);
void parent_user_network_undo(void *ctx);

/* Send to init. If it is gone, @e says why. */
int parent_tell(struct parent *p, enum sync_type type, const void *body, size_t size,
		const int *fds, size_t nfds, struct err *e);

/* A step failed on init's files in /proc, and @e says how. When init is at its end, that is why: @e
 * becomes init's own words, or how it ended. Returns -1. */
int parent_blame_init(struct parent *p, struct err *e);

/* Say why init ended without a word: killed, out of memory. Fills @e, returns -1. */
int parent_explain_death(struct parent *p, struct err *e);

#endif
