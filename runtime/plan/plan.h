/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_H
#define HUSK_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cgroup/cgroup-limits.h"
#include "src/cgroup/cgroup.h"
#include "src/cred/cred-caps.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-sched.h"
#include "src/json/json-types.h"
#include "src/mount/mount.h"

/*
 * What will be done. A plan is made from what is asked (runtime/spec) and from facts about the host,
 * without touching anything, and then carried out by runtime/phase, which sees nothing else. All
 * strings and arrays live in the plan's arena; init only reads them.
 */

/* A namespace to join instead of making a new one. */
struct plan_join {
	unsigned long type; /* CLONE_NEW* */
	const char *path;
};

struct plan_namespaces {
	uint64_t clone_flags; /* made together with the process by clone3(2) */
	/* Made by init, first of all: a network namespace takes the kernel longer than the rest of the
	 * clone, and the parent has other work meanwhile. */
	uint64_t early_flags;
	/* Made later: CLONE_NEWTIME by the parent, CLONE_NEWCGROUP on cgroup v1 after init has joined */
	uint64_t late_flags;
	uint64_t made; /* all of these three */
	struct plan_join *joins;
	size_t joins_count;
	uint64_t types; /* new or joined, CLONE_NEW*: what "exec" has to enter */
	bool new_user;
	/* Texts for uid_map and gid_map, and how they are written. */
	const char *uid_map, *gid_map;
	struct cred_id_map *uid_maps, *gid_maps;
	size_t uid_maps_count, gid_maps_count;
	bool keep_ids;       /* id 0 is not mapped: init stays who it is */
	bool setgroups_deny; /* an unprivileged caller must give up setgroups(2) first */
	bool map_by_tools; /* newuidmap(1) and newgidmap(1) write the maps: more than the own id */
	bool middle;       /* a process between parent and init is needed, see phase/middle.c */
	const char *time_offsets; /* text for /proc/self/timens_offsets, or NULL */
};

enum plan_mount_kind {
	PLAN_MOUNT_NEW,       /* a new instance of a file system */
	PLAN_MOUNT_BIND,      /* a copy of an existing mount */
	PLAN_MOUNT_REMOUNT,   /* other flags for what is mounted there */
	PLAN_MOUNT_PROPAGATE, /* only propagation */
	PLAN_MOUNT_CGROUP_V1, /* a tmpfs with one directory per hierarchy */
	PLAN_MOUNT_SYMLINK,   /* copy-symlink: a link is made, nothing is mounted */
	PLAN_MOUNT_OVERLAY,   /* overlayfs over directories of the host */
	/* Nothing is mounted, but it has its turn among the mounts: */
	PLAN_MAKE_DIRECTORY,
	PLAN_MAKE_FILE,
	PLAN_MAKE_DATA, /* a file in a tmpfs of its own, bound over the destination */
	PLAN_MAKE_LINK, /* a symlink to @content */
	PLAN_MAKE_MODE,
};

#define PLAN_OVERLAY_DATA_MAX 3800 /* a page is what mount(2) takes */

struct plan_mount {
	enum plan_mount_kind kind;
	const char *destination;
	const char *source; /* bind: absolute host path; new: as /proc/mounts shows it */
	const char *fstype;
	const char *data;       /* for mount(2) */
	unsigned long ms_flags; /* new and remount: MS_* for mount(2) */
	/* bind: what differs from the source; new: what mount(2) has no flag for */
	struct mount_attrs attrs;
	struct mount_attrs rec_attrs; /* the r* options */
	unsigned long *propagation;
	size_t propagation_count;
	bool recursive;   /* rbind */
	bool source_held; /* source has to be this very file */
	dev_t source_device;
	ino_t source_inode;
	bool source_nofollow; /* the last component of source may be a symlink */
	bool dest_nofollow;   /* neither may any component of destination */
	bool tmpcopyup;
	bool late_readonly;  /* a later mount lies inside: read-only only when that is there */
	bool parent_source;  /* the parent clones the source before init exists */
	bool source_is_file; /* set by the parent step that looks at the source */
	/* sysfs, mqueue, cgroup2: what is bound when a new one is not allowed in this user namespace */
	const char *fallback_source;
	const char *fallback_data; /* devpts: without gid=, which may not be mapped; or NULL */
	const char *idmap_uid, *idmap_gid; /* map texts, or NULL */
	bool idmap_container; /* with the mapping of the container's own user namespace */
	bool idmap_recursive;
	const char *content; /* PLAN_MAKE_FILE, _DATA, _LINK */
	size_t content_bytes;
	bool mode_set;
	mode_t mode;
	/* PLAN_MOUNT_OVERLAY: the upper directory is in a tmpfs of its own, with these options */
	const char *overlay_memory;
};

struct plan_device {
	const char *path;
	mode_t mode; /* type and permissions */
	dev_t number;
	uid_t uid;
	gid_t gid;
	bool bind;       /* from the host's own node of the same path: mknod is not allowed here */
	bool chown;      /* only when asked for */
	bool must_match; /* an existing node has to be the same device */
};

struct plan_symlink {
	const char *path, *target;
};

struct plan_rootfs {
	const char *
		path; /* absolute, on the host; NULL: a new tmpfs, or without a mount namespace the caller's */
	const char *tmpfs_data;
	bool alone;         /* @path without what is mounted below it */
	bool parent_source; /* the parent clones it: a mapped root may not reach it by its path */
	uint64_t
		tree_attrs; /* MOUNT_ATTR_* of @path and all below it, before anything else is mounted */
	bool readonly;
	unsigned long propagation; /* for the new root, 0: private */
	bool no_pivot;
	struct plan_mount *mounts;
	size_t mounts_count;
	/* mounts[cgroup_mount_index] and later ones need init to be in its cgroups */
	size_t cgroup_mount_index;
	struct plan_device *devices;
	size_t devices_count;
	struct plan_symlink *symlinks;
	size_t symlinks_count;
	struct str_list masked_paths, readonly_paths;
	const char *mount_label;
};

struct plan_hook {
	const char *path;
	char **args, **env;
	uint32_t timeout_sec; /* 0: none */
};

struct plan_hook_list {
	struct plan_hook *items;
	size_t count;
};

struct plan_hooks {
	struct plan_hook_list prestart, create_runtime, create_container, start_container;
	struct plan_hook_list poststart, poststop;
	const char *stdout_path, *stderr_path;
};

struct plan_filter {
	struct sock_filter *code;
	size_t count;
	unsigned flags;
	bool notify;
	bool supervised; /* the listener goes to the parent; needs a reaper to hand it over */
	const char *listener_path, *listener_metadata;
	/* For the log: names that nobody knows here. Only of a filter that was compiled just now. */
	const char **notes;
	size_t notes_count;
};

/*
 * When the filter takes effect, and how the one execve that starts the program passes it.
 * NONE: before the execve, which the filter has to allow: the dynamic loader is filtered.
 * STRICT: the same, but a filter that forbids execve lets that single one through.
 * ENTRY: at the program's entry point, after the dynamic loader has done its work; @base is in force
 * from before the execve.
 */
enum plan_gate {
	PLAN_GATE_NONE,
	PLAN_GATE_STRICT,
	PLAN_GATE_ENTRY,
};

struct plan_rlimit {
	int resource;
	struct rlimit value;
};

struct plan_sysctl {
	const char *path; /* "sys/net/ipv4/ip_forward" */
	const char *value;
};

#define PLAN_KEPT_FDS_MAX 256
#define PLAN_LOCKS_MAX    16

/* What a process gets before it is executed: init's, and that of every "exec". */
struct plan_process {
	char **args, **env;
	const char *program; /* what is executed; NULL: args[0] */
	const char *cwd;     /* NULL: where the caller is */
	bool cwd_or_root;    /* the root where @cwd does not exist any more */
	uid_t uid;           /* UINT32_MAX: that of the caller; so is gid */
	gid_t gid;
	gid_t *groups;
	size_t groups_count;
	int groups_mode; /* CRED_GROUPS_* */
	bool umask_set;
	mode_t umask;
	bool caps_set; /* false: leave them as they are */
	struct cred_caps caps, caps_held;
	bool no_new_privs;
	struct plan_rlimit *rlimits;
	size_t rlimits_count;
	struct opt_i32 oom_score_adj;
	struct cred_sched *scheduler;      /* these are NULL when nothing was asked */
	int ioprio_class, ioprio_priority; /* class 0: nothing was asked */
	struct cred_set *affinity_initial, *affinity_final;
	bool affinity_reset; /* the cgroup's processors instead of the caller's */
	struct cred_mempolicy *mempolicy;
	struct opt_u64 personality;
	const char *apparmor_profile, *selinux_label;
	bool terminal;
	uint16_t console_rows, console_columns;
	bool new_keyring;
	unsigned preserve_fds;    /* 3 .. 3 + preserve_fds - 1 stay open */
	const uint32_t *kept_fds; /* and these, at most PLAN_KEPT_FDS_MAX */
	size_t kept_fds_count;
	struct opt_u32 held_fd; /* of the caller, which stays open in a reaper */
	uint32_t securebits;    /* 0: left alone */
	bool same_session;
	bool listen_fds;        /* LISTEN_PID has to name the process */
	uint64_t reset_signals; /* what the caller ignores, which execve would hand on */
	bool reaper;            /* pid 1 stays husk's, the program is its child */
	bool die_with_parent;   /* even when created */
	bool set_home;          /* HOME is missing: looked up in the root's passwd */
	struct plan_filter *filter;
	enum plan_gate gate; /* how it takes effect; NONE without a filter */
	/* The strict gate's execveat is used: the filter forbids execve, or what it takes to tell of
	 * its failure. Everywhere else a plain execve does. */
	bool exec_keyed;
	struct plan_filter *base; /* of the entry gate */
};

/* Where the container's processes are accounted and limited. */
struct plan_cgroup {
	bool enabled;  /* false: manager "disabled", or no hierarchy is mounted */
	bool tolerate; /* no limit was asked for and the caller is not root: EACCES skips it */
	struct cgroup_set set;
	struct cgroup_limits_plan limits;
	uint32_t enable; /* v2 controllers */
	bool delegate; /* chown to the container's root: v2, own cgroup namespace, writable mount */
	uid_t delegate_uid_host;
	gid_t delegate_gid_host;
	const char *exec_below; /* run.oci.delegate-cgroup: init's own sub-cgroup, or NULL */
};

struct plan_landlock_rule {
	const char *path;
	uint64_t access; /* LANDLOCK_ACCESS_FS_* */
	bool optional;
};

/* A path that may be written; everything else of the root may only be read and executed. */
struct plan_landlock {
	int version; /* of the kernel's Landlock; 0: not used */
	bool root_writable;
	const char **writable;
	size_t writable_count;
	/* Instead of these: what may be done where. Nothing but files is restricted then. */
	const struct plan_landlock_rule *rules;
	size_t rules_count;
	bool ports_limited; /* TCP connections only to these ports (version 4) */
	const uint16_t *ports;
	size_t ports_count;
};

struct net_publish; /* src/net/net-address.h */
struct net_veth;    /* src/net/net-veth.h */

/* What is done about the network of a sandbox, between its mounts and its pivot. */
struct plan_network {
	bool used;                         /* any of these */
	const char *const *pasta;          /* argv, or NULL */
	const struct net_publish *publish; /* that must be free for it */
	size_t publish_count;
	const char *nft, *rules;     /* or NULL */
	const struct net_veth *veth; /* or NULL */
};

struct plan_net_device {
	const char *host_name, *name;
};

struct plan {
	struct arena *arena;
	const char *id, *bundle, *oci_version;
	struct key_value *annotations;
	size_t annotations_count;
	struct plan_namespaces namespaces;
	struct plan_rootfs rootfs;
	const char *hostname, *domainname;
	struct plan_sysctl *sysctls;
	size_t sysctls_count;
	struct plan_net_device *net_devices;
	size_t net_devices_count;
	bool loopback_up;
	struct plan_network network;
	struct plan_hooks hooks;
	struct plan_process process;
	bool has_process;
	struct plan_cgroup cgroup;
	struct plan_landlock landlock;
	struct str_list
		lock_files; /* locked for reading by the first process; at most PLAN_LOCKS_MAX */
	const char *notify_socket; /* host path of NOTIFY_SOCKET, or NULL */
	const char *pidfd_receiver, *seccomp_receiver;
	const char **warnings; /* what was asked but is not granted, for the log */
	size_t warnings_count;
};

#endif
