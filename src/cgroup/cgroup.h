/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_H
#define HUSK_CGROUP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/*
 * Control groups, v1, hybrid and v2, for one container at a time.
 *
 *   cgroup_host_read()      what this host has                      (parent, verbs that create)
 *   cgroup_set_plan()       host + path -> one directory per hierarchy             (pure)
 *   cgroup_limits_plan()    limits -> ordered list of writes, cgroup-limits.h      (pure)
 *   cgroup_create()         mkdir, mark, v2 controllers, v1 cpuset   (parent)
 *   cgroup_limits_apply()   the writes and the device program        (parent)
 *   cgroup_open()           descriptors to join with                 (parent)
 *   clone3(CLONE_INTO_CGROUP, fds.v2), cgroup_join()                 (child)
 *   ... cgroup_freeze() cgroup_kill() cgroup_stats_read() ...        (other verbs)
 *   cgroup_remove()
 *
 * Verbs that work on an existing container build a struct cgroup_set from what the state file
 * kept (directory, controllers, v2) and need neither mountinfo nor the host structure.
 *
 * All directories are absolute paths. They are not hostile: cgroup file systems have no symbolic
 * links, and nothing below a container's own directory is ever followed by name without O_NOFOLLOW.
 */

enum cgroup_mode {
	CGROUP_MODE_NONE,   /* nothing is mounted */
	CGROUP_MODE_V1,     /* only v1 hierarchies */
	CGROUP_MODE_HYBRID, /* v1 hierarchies, and a v2 one for what is left */
	CGROUP_MODE_V2,     /* only the unified hierarchy */
};

/* Controllers as bits. Names differ between v1 and v2 only for blkio (v2: io). */
enum cgroup_controller {
	CGROUP_CPU = 1 << 0,
	CGROUP_CPUACCT = 1 << 1, /* v2: part of cpu, never listed */
	CGROUP_CPUSET = 1 << 2,
	CGROUP_MEMORY = 1 << 3,
	CGROUP_DEVICES = 1 << 4, /* v2: eBPF, always there */
	CGROUP_FREEZER = 1 << 5, /* v2: always there */
	CGROUP_BLKIO = 1 << 6,
	CGROUP_PIDS = 1 << 7,
	CGROUP_HUGETLB = 1 << 8,
	CGROUP_NET_CLS = 1 << 9,
	CGROUP_NET_PRIO = 1 << 10,
	CGROUP_PERF_EVENT = 1 << 11,
	CGROUP_RDMA = 1 << 12,
	CGROUP_MISC = 1 << 13,
	CGROUP_DMEM = 1 << 16,
	CGROUP_NAMED = 1 << 14, /* a v1 hierarchy without controllers, such as name=systemd */
	CGROUP_OTHER = 1 << 15, /* a controller this program does not know */
};

/* What v2 containers get without asking, so that engines find statistics to read. */
#define CGROUP_V2_DEFAULT (CGROUP_CPU | CGROUP_CPUSET | CGROUP_MEMORY | CGROUP_BLKIO | CGROUP_PIDS)

/* Kernels know 14 v1 controllers; one named hierarchy and v2 come on top. */
#define CGROUP_MAX 20

struct cgroup_hierarchy {
	bool v2;
	uint32_t controllers; /* v2: what cgroup.controllers at the mount offers */
	const char *name;     /* as in the mount options: "cpu,cpuacct", "name=systemd"; v2: "" */
	const char *mount;    /* mount point */
	const char *own; /* the caller's own cgroup below the mount, "/" or "/a/b"; never NULL */
};

/* The v2 hierarchy, where there is one, is number 0. Strings live in the arena of the read. */
struct cgroup_host {
	enum cgroup_mode mode;
	unsigned count;
	struct cgroup_hierarchy hierarchies[CGROUP_MAX];
};

/* Read /proc/self/mountinfo, /proc/self/cgroup and v2's list of controllers. A host where nothing
 * is mounted is no error (mode NONE). 0 or -1. */
int cgroup_host_read(struct arena *a, struct cgroup_host *host, struct err *e);

/* The pure part of it. Leaves the v2 controllers at 0. */
int cgroup_host_parse(const char *mountinfo, const char *self_cgroup, struct arena *a,
		      struct cgroup_host *host, struct err *e);

/* "cpu,memory" <-> bits. Unknown names are CGROUP_OTHER. @v2 selects io or blkio. */
uint32_t cgroup_controllers_parse(const char *names, const char *separators);
size_t cgroup_controllers_print(uint32_t controllers, bool v2, char separator, char *out,
				size_t size);

/* One directory of a container. */
struct cgroup_place {
	bool v2;
	uint32_t controllers;  /* v1: of the hierarchy; v2: those that may be enabled */
	unsigned mount_length; /* so many bytes of dir are the mount point; 0: unknown (from state)
				*/
	const char *dir;       /* absolute, without trailing slash */
};

/* All directories of a container; the v2 one first. Plain data: copy freely, strings are not owned.
 */
struct cgroup_set {
	unsigned count;
	struct cgroup_place places[CGROUP_MAX];
};

/* Bit masks over places[] ("1u << i"). */
#define CGROUP_ALL_PLACES 0xffffffffu

/*
 * Where a container with @path lives in every hierarchy of @host. An absolute path counts from each
 * mount point. A relative one counts from the caller's own cgroup on v1, and from that one's parent
 * on v2 (the caller's own cgroup holds the caller, so no controller can be enabled below it).
 * ERR_CONFIG if a component is "..", or the path would be the mount point itself.
 *
 * Every hierarchy is taken, also named and unlimited ones: one that is left out would show the
 * host's cgroup as root of the container's cgroup namespace (the class of CVE-2022-0492).
 */
int cgroup_set_plan(const struct cgroup_host *host, const char *path, struct arena *a,
		    struct cgroup_set *set, struct err *e);

/* The set with "/" @sub appended to the places that have one of @controllers (0: to all). For
 * `exec --cgroup [controllers:]path`. ERR_CONFIG on ".." components. */
int cgroup_set_below(const struct cgroup_set *set, uint32_t controllers, const char *sub,
		     struct arena *a, struct cgroup_set *out, struct err *e);

/* Take out the places in @mask. */
void cgroup_set_drop(struct cgroup_set *set, uint32_t mask);

/* Index of the place with @controller, or of v2 if no v1 place has it; -1 if there is none. */
int cgroup_set_find(const struct cgroup_set *set, uint32_t controller);
/* Index of the v2 place, or -1. */
int cgroup_set_v2(const struct cgroup_set *set);

/* ---- creation ---- */

struct cgroup_create_options {
	/* Extended attribute value of the first directory made, so that cgroup_find_marked() finds
	 * leftovers. Text without newline; NULL: none. */
	const char *mark;
	uint32_t enable;  /* v2 controllers wanted; unavailable ones are left out */
	uint32_t require; /* v2 controllers without which creation fails (limits need them) */
	bool cpus_given, mems_given; /* the limits will write them: no v1 inheritance needed */
	/* No limit was asked for: EACCES, EPERM and EROFS skip the hierarchy instead of failing. */
	bool tolerate;
};

/* What cgroup_create() did. Plain data, for the state file. */
struct cgroup_created {
	uint32_t made;     /* places whose leaf directory is new: only these are ever removed */
	uint32_t skipped;  /* places that could not be made and were tolerated: do not join */
	int skipped_errno; /* why, or 0 */
	uint8_t parents[CGROUP_MAX]; /* how many directories above the leaf are new */
};

/*
 * Make the directories. A leaf that is there already must hold no processes and not be frozen.
 * On failure everything made is removed again. 0 or -1.
 * System calls: v1 one mkdir per hierarchy (and 9 to copy the cpuset), v2 mkdir + open/read/close.
 */
int cgroup_create(const struct cgroup_set *set, const struct cgroup_create_options *options,
		  struct cgroup_created *created, struct err *e);

/*
 * The same in two parts, so that the v1 directories can be made while the container's first process
 * is at its own work: begin makes the v2 place that clone3(CLONE_INTO_CGROUP) needs (nothing where
 * there is none), finish the others. When finish fails, @created has what was made: the caller removes
 * it with cgroup_remove(), after the process that is in there.
 */
int cgroup_create_begin(const struct cgroup_set *set, const struct cgroup_create_options *options,
			struct cgroup_created *created, struct err *e);
int cgroup_create_finish(const struct cgroup_set *set, const struct cgroup_create_options *options,
			 struct cgroup_created *created, struct err *e);

/*
 * Take the places that were skipped out of both, which stay in step: what reaches the state file
 * is what exists. Whoever undoes the creation later must use this set with this record.
 */
void cgroup_created_settle(struct cgroup_set *set, struct cgroup_created *created);

/* v2 only: give the directory and the files of /sys/kernel/cgroup/delegate (or a built-in list)
 * to the container's root. Missing files are fine. 0 or -1. */
int cgroup_delegate(const struct cgroup_set *set, uid_t uid_host, gid_t gid_host, struct err *e);

/* ---- joining ---- */

struct cgroup_fds {
	int v2; /* O_PATH directory for CLONE_INTO_CGROUP, or -1 */
	unsigned count;
	int tasks[CGROUP_MAX]; /* v1: `tasks` files open for writing */
};
#define CGROUP_FDS_INIT                                                                            \
	{                                                                                          \
		.v2 = -1                                                                           \
	}

/* Open what a child needs to enter the places that are not in @skip. 0 or -1. */
int cgroup_open(const struct cgroup_set *set, uint32_t skip, struct cgroup_fds *fds, struct err *e);
/* Close them all (one system call when they are adjacent). Async-signal-safe. */
void cgroup_fds_close(struct cgroup_fds *fds);

/*
 * In the child, before it does or allocates anything else: enter the v1 hierarchies by writing
 * "0" (the caller itself) to each `tasks`, then close all descriptors. v2 was entered by clone3.
 * Another process's pid is never written: that waits for an RCU grace period, 9 to 15 ms.
 * Async-signal-safe: no malloc, no stdio. 0, or -1 with errno; *failed is the index in tasks[].
 */
int cgroup_join(struct cgroup_fds *fds, unsigned *failed);

/*
 * exec: clone3 into the container's v2 cgroup failed with EBUSY or EOPNOTSUPP, because its init
 * has enabled controllers below it and moved itself to a child (systemd does). Replace fds->v2 by
 * the cgroup that @init_pid is in. It must be inside the set's v2 directory. @procfd is a procfs
 * root or AT_FDCWD for /proc. 0 or -1.
 */
int cgroup_open_of_init(const struct cgroup_set *set, int procfd, pid_t init_pid,
			struct cgroup_fds *fds, struct err *e);

/* clone3(CLONE_INTO_CGROUP) failed with @errnum: say why in @e, from what the cgroup looks like
 * (its type, its children, who is in the parent). Returns -1. */
int cgroup_clone_error(const struct cgroup_set *set, int errnum, struct err *e);

/* ---- freeze, signal, wait, remove ---- */

/* Stop every process of the container and wait until all are stopped (up to some seconds). v2
 * where there is one (a frozen process can still be killed), else the v1 freezer. */
int cgroup_freeze(const struct cgroup_set *set, struct err *e);
int cgroup_thaw(const struct cgroup_set *set, struct err *e);
/* 1 frozen (or freezing), 0 running, or the directories are gone; -1 with @e. */
int cgroup_frozen(const struct cgroup_set *set, struct err *e);

/* All processes, also of sub-cgroups, without doubles. Count or -1. */
int cgroup_pids(const struct cgroup_set *set, struct arena *a, pid_t **pids, struct err *e);

/* Send @sig to every process once, through pidfds; for SIGKILL use cgroup_kill(). Number of
 * processes signalled, or -1. */
int cgroup_signal(const struct cgroup_set *set, int sig, struct err *e);

/* SIGKILL to every process, none can escape by forking (v2 cgroup.kill, else freeze, kill, thaw
 * until empty). A frozen container is thawed on v1. Does not wait for the end. 0 or -1. */
int cgroup_kill(const struct cgroup_set *set, struct err *e);

/* Wait until no live process is left. 1 empty (or the directories are gone), 0 time is up, -1. */
int cgroup_wait_empty(const struct cgroup_set *set, int timeout_msec, struct err *e);

enum {
	CGROUP_REMOVE_KILL = 1, /* kill what still runs there */
	CGROUP_REMOVE_PARENTS =
		2, /* also the new directories above the leaf, while they are empty */
};

/*
 * Remove the directories in created->made with the cgroups that the container made below them.
 * Busy ones (a dying process counts until the kernel is done with it) are retried with sleeps that
 * double from 50 us, about four seconds in all. A directory that is gone is no error. 0 or -1,
 * naming the first that stayed and what holds it. One rmdir per hierarchy where nothing is in the
 * way.
 *
 * Parents stay by default, as with other runtimes: other containers may be starting below them.
 */
int cgroup_remove(const struct cgroup_set *set, const struct cgroup_created *created,
		  unsigned flags, struct err *e);

/* ---- leftovers ---- */

/*
 * Find the directories of a container whose state is lost: walk the first writable hierarchy (at
 * most 16 levels) for a directory with a mark that @match accepts, and take the whole set from
 * that mark. With privilege only trusted.* marks count: a container can forge user.* ones in a
 * delegated tree. created->made is every directory of the mark. Call again after removal: there
 * may be more.
 * 1 found (set and created are filled, strings in @a), 0 not found, -1.
 */
int cgroup_find_marked(const struct cgroup_host *host, bool (*match)(const char *mark, void *data),
		       void *data, struct arena *a, struct cgroup_set *set,
		       struct cgroup_created *created, struct err *e);

/* The same, but only among the directories beside the places of @set, and of those the ones whose names
 * begin with @prefix: a look that costs little. */
int cgroup_find_marked_beside(const struct cgroup_set *set, const char *prefix,
			      bool (*match)(const char *mark, void *data), void *data,
			      struct arena *a, struct cgroup_set *found,
			      struct cgroup_created *created, struct err *e);

#endif
