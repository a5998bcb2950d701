/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SANDBOX_SANDBOX_H
#define HUSK_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/spec/spec.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/json/json-types.h"

/*
 * What "husk sandbox" was asked for, whether by options or by a JSON file: both fill in this, the
 * file by the same tables that print it (sandbox-json.c). From here it goes the way of every
 * container: sandbox_spec_make() turns it into a struct spec, which is planned and carried out.
 *
 * Zero means "not said" everywhere, so that options can be laid over a file.
 */

enum sandbox_place_kind {
	SANDBOX_BIND = 1,
	SANDBOX_RO_BIND,
	SANDBOX_DEV_BIND,
	SANDBOX_TMPFS,
	SANDBOX_DIR,
	SANDBOX_FILE,
	SANDBOX_DATA,
	SANDBOX_SYMLINK,
	SANDBOX_OVERLAY,
	SANDBOX_TMP_OVERLAY,
	SANDBOX_RO_OVERLAY,
	SANDBOX_REMOUNT_RO,
	SANDBOX_CHMOD,
	SANDBOX_MQUEUE,
	SANDBOX_PROC,
	SANDBOX_DEV,
	SANDBOX_RW,   /* a path of the host, writable at the same place */
	SANDBOX_HIDE, /* covered by something empty, after everything else */
};

/* One operation on the file system; they are done in the order in which they were given. */
struct sandbox_place {
	uint32_t kind;             /* enum sandbox_place_kind */
	bool optional;             /* a source that does not exist is passed over */
	char *source;              /* of the host; for a symlink: what it says */
	struct opt_u32 descriptor; /* of a bind: what it is open at, instead of @source */
	char *destination;         /* absolute, inside */
	char *content;             /* of file and data */
	struct opt_u32 mode;
	struct opt_u64 size_bytes, inodes; /* of a tmpfs */
	struct str_list lowers;            /* of an overlay, the lowest first */
	char *work;
};

enum sandbox_network {
	SANDBOX_NET_NONE = 1, /* loopback only; the default */
	SANDBOX_NET_HOST,
	SANDBOX_NET_JOIN,   /* the namespace at network_path */
	SANDBOX_NET_USER,   /* connections as the caller makes them, by pasta(1) */
	SANDBOX_NET_BRIDGE, /* a device in the bridge that is named */
};

/* A range of ids: @count of them, from @inside on in the sandbox, from @outside on outside. */
struct sandbox_id_range {
	struct opt_u32 inside, outside, count; /* no count: 1 */
};

enum sandbox_protect_system {
	SANDBOX_SYSTEM_YES = 1, /* /usr and /boot are read-only */
	SANDBOX_SYSTEM_FULL,    /* and /etc */
	SANDBOX_SYSTEM_STRICT,  /* and everything else of the host */
};

enum sandbox_protect_home {
	SANDBOX_HOME_YES = 1, /* not even an empty one */
	SANDBOX_HOME_READ_ONLY,
	SANDBOX_HOME_TMPFS,
};

/* As the kernel numbers the modes of hidepid. */
enum sandbox_protect_proc {
	SANDBOX_PROC_NOACCESS = 1,
	SANDBOX_PROC_INVISIBLE = 2,
	SANDBOX_PROC_PTRACEABLE = 4,
};

/* What systemd.exec(5) has one word for. What a sandbox has in any case is not here. */
struct sandbox_protect {
	uint32_t system, home, proc; /* enums above */
	bool proc_subset;            /* nothing in /proc but processes */
	bool var_tmp;                /* /var/tmp is private, too, whatever the root is */
	bool kernel_tunables, kernel_modules, control_groups;
	bool restrict_namespaces, lock_personality, deny_write_execute, restrict_realtime;
	bool restrict_setid;
	struct str_list deny_calls; /* names, or groups of husk-policy(5), perhaps with ":ERRNO" */
};

enum sandbox_format {
	SANDBOX_FORMAT_JSON = 1,
	SANDBOX_FORMAT_TEXT,
};

/* When the policy takes effect; strict is the default. */
enum sandbox_gate {
	SANDBOX_GATE_NONE = 1,
	SANDBOX_GATE_STRICT,
	SANDBOX_GATE_ENTRY,
};

struct sandbox_rlimit {
	char *type;                /* "RLIMIT_NOFILE" */
	struct opt_u64 soft, hard; /* absent: unlimited */
};

struct sandbox_limits {
	struct opt_u64 wall_msec, cpu_msec;
	struct opt_u64 memory_bytes, swap_bytes;
	struct opt_u64 pids;
	struct opt_u64 file_bytes, open_files, stack_bytes, core_bytes, address_bytes;
	struct opt_u64 output_bytes;
	struct opt_u64 cpu_millis; /* thousandths of a processor */
	struct opt_u64 cpu_share;  /* against other groups, of which each has 1024 */
	struct opt_i32 oom_score;
	char *cpu_list;      /* "0-3,7" */
	char *cgroup_parent; /* where its control groups are made, from each hierarchy's root on */
	struct opt_i32 nice;
	struct opt_u64 tmp_bytes, tmp_inodes; /* of each private directory */
	struct sandbox_rlimit *rlimits;
	size_t rlimits_count;
};

/* The virtual machine around it. */
struct sandbox_vm {
	char *backend; /* "auto", "kvm", "qemu"; NULL: there is none */
	char *kernel;  /* a path; NULL: the newest of this system */
	struct opt_u64 memory_bytes;
	struct opt_u32 cpus;
};

struct sandbox {
	/* What a file is laid over: files, relative to it, and profiles. Empty once it is read. */
	struct str_list include, profiles;
	struct str_list command;
	char *argv0;  /* what the program finds as its own name; NULL: the command's first word */
	char *rootfs; /* a directory as root instead of the view of this system */
	bool empty_root;   /* nothing as root but what places make in it */
	char *bundle;      /* an OCI bundle: its root, and its process where nothing else is said */
	char *image;       /* DIR[:TAG], an OCI image layout, unpacked into a bundle */
	char *image_cache; /* where that is kept */
	struct opt_i32 time_offset; /* seconds that the clocks since boot differ by */
	struct sandbox_place *places;
	size_t places_count;
	char *directory; /* where the program starts; NULL: where the caller is */

	struct opt_u32 uid, gid;
	struct sandbox_id_range *uid_ranges, *gid_ranges;
	size_t uid_ranges_count, gid_ranges_count;
	struct opt_u32 auto_ids; /* so many ids from 0 on are ids that nobody else has */
	/* "NET_ADMIN" is kept, "-NET_ADMIN" is not, in their order; "ALL" is all */
	struct str_list capabilities;
	char *hostname;
	char *machine_id; /* 32 digits, or "random" */
	bool clear_environment;
	struct str_list keep_environment; /* names of the caller's that are passed on, too */
	struct key_value *environment;
	size_t environment_count;
	struct str_list unset_environment;

	uint32_t network; /* enum sandbox_network */
	char *network_path;
	/* Of SANDBOX_NET_BRIDGE: its name, and struct net_prefix, struct net_route as text. */
	char *bridge, *mac;
	struct str_list addresses, routes;
	struct opt_u32 mtu;
	struct str_list publish; /* struct net_publish as text; of SANDBOX_NET_USER */
	bool host_loopback;      /* the gateway's address is the host's loopback; as above */
	struct str_list allow;   /* struct net_endpoint as text; nothing: all */
	struct str_list address_families; /* of sockets, "inet"; "none" alone; nothing: all */

	char *policy; /* a name; "none" for no filter */
	struct sandbox_protect protect;
	uint32_t gate; /* enum sandbox_gate */
	bool no_landlock;
	bool terminal;
	bool best_effort;
	struct sandbox_limits limits;
	struct sandbox_vm vm;

	char *report; /* FILE or fd:N */
	uint32_t report_format;
	bool no_report;
	struct opt_u32 status_fd;
	struct opt_u32 sync_fd;  /* stays open in the first process until everything has ended */
	struct opt_u32 block_fd; /* the program is executed when it can be read, or is at its end */
	struct str_list
		lock_files; /* inside; locked for reading while it runs; at most this many: */
};
#define SANDBOX_LOCKS_MAX 16

/* ---- as JSON ---- */

extern const struct json_table sandbox_table;

/* Decode a configuration file. Unknown properties are errors. */
int sandbox_parse(const char *name, const char *text, size_t length, struct arena *a,
		  struct sandbox *s, struct err *e);
/* The text that sandbox_parse() turns into the same again; only what was said. In @a. */
int sandbox_print(const struct sandbox *s, struct arena *a, const char **text, size_t *length,
		  struct err *e);
/* Lay @over over @s: what it says counts, and lists are put behind those of @s. */
int sandbox_merge(struct sandbox *s, const struct sandbox *over, struct arena *a, struct err *e);
/* What can be said of it without the host. ERR_CONFIG or ERR_USAGE. */
int sandbox_check(const struct sandbox *s, struct err *e);

/* "RLIMIT_NOFILE", "NOFILE" or "nofile": the resource, or -1. */
int sandbox_rlimit_parse(const char *name);
/* A mode of "protect-system", "protect-home" or "protect-proc"; 0: there is none such. */
uint32_t sandbox_protect_mode(const char *which, const char *name);
/* The name of a kind of place, as in files and as the option is called. */
const char *sandbox_place_name(uint32_t kind);

/* ---- as a spec ---- */

/* A directory of the system that is shown: where it is a symlink, what it says. */
struct sandbox_system_dir {
	const char *path;
	bool exists;
	char *link; /* or NULL */
};
#define SANDBOX_SYSTEM_DIRS 8

/* What of the host and of the caller decides. Read by sandbox_host_read(), made up by tests. */
struct sandbox_host {
	uid_t uid;
	gid_t gid;
	bool privileged;      /* root of the initial user namespace */
	const char *cwd;      /* absolute */
	const char *home;     /* absolute, or NULL */
	char *const *environ; /* the caller's */
	bool cgroup;          /* control groups can be made */
	bool cgroup_v2;       /* and they are of v2 */
	bool swap;            /* there is swap space at all */
	bool names_fixed;  /* a filter around forbids sethostname(2), whoever owns the namespace */
	bool proc_covered; /* parts of /proc are: inside a container the kernel allows no new one
				 then */
	int landlock;      /* version, or 0 */
	/* For auto_ids: the first ids that were reserved. */
	uint32_t auto_uid, auto_gid;
	/* Programs that a network needs, and what the host says of name servers; or NULL. */
	const char *pasta, *nft, *resolv_conf;
	struct sandbox_system_dir dirs[SANDBOX_SYSTEM_DIRS];
};
/* @best_effort: look for what only matters then. */
int sandbox_host_read(bool best_effort, struct arena *a, struct sandbox_host *h, struct err *e);

/*
 * Reserve what auto_ids asks for: parts of the caller's lines in /etc/subuid and /etc/subgid (for
 * root also those of "containers") that no other sandbox has. They stay reserved until this process
 * ends.
 */
int sandbox_ids_reserve(const struct sandbox *s, struct arena *a, struct sandbox_host *h,
			struct err *e);

/* What only matters to a network other than loopback. */
int sandbox_network_host(const struct sandbox *s, struct arena *a, struct sandbox_host *h,
			 struct err *e);

/* What was asked for and is not had, for the report. Only with best_effort; else it is refused. */
#define SANDBOX_WEAKENED_MAX 16
struct sandbox_weakened {
	const char *items[SANDBOX_WEAKENED_MAX];
	size_t count;
};

struct sandbox_made {
	struct spec *spec;
	bool cgroup;      /* wanted, and can be had */
	uint32_t network; /* enum sandbox_network, as it is had */
	struct sandbox_weakened weakened;
};

/*
 * What struct sandbox_protect says about system calls, as a policy (husk-policy(5), @denylist) whose
 * refusals come before the sandbox's own policy. NULL: nothing. In @a.
 */
const char *sandbox_protect_policy(const struct sandbox *s, struct arena *a);

/* A group costs some directories: only for what it limits, or for what a report says of it. */
bool sandbox_wants_group(const struct sandbox *s);

/*
 * The spec of @s. Nothing is changed on the host; it is looked at where a place is optional.
 * ERR_CONFIG for what makes no sense, ERR_UNSUPPORTED for what this host or user cannot give.
 */
int sandbox_spec_make(const struct sandbox *s, const struct sandbox_host *h, struct arena *a,
		      struct sandbox_made *made, struct err *e);

/* Parts of it, in files of their own. */
struct sandbox_builder {
	const struct sandbox *sandbox;
	const struct sandbox_host *host;
	struct arena *arena;
	struct spec *spec;
	struct sandbox_made *made;
	size_t mounts_room, masked_room;
	const char
		*owner; /* options that make a tmpfs the program's, where others make it: ",uid=" */
};
struct spec_mount *sandbox_add_mount(struct sandbox_builder *b, const char *destination);
struct spec_mount *sandbox_add_tmpfs(struct sandbox_builder *b, const char *destination,
				     const char *mode, uint64_t attrs, const struct opt_u64 *bytes,
				     const struct opt_u64 *inodes);
struct spec_mount *sandbox_add_bind(struct sandbox_builder *b, const char *source,
				    const char *destination, uint64_t attrs);
/* How much fits into a private directory: as said for it, for all of them, or the default. */
uint64_t sandbox_tmp_bytes(const struct opt_u64 *own, const struct sandbox_limits *l);
uint64_t sandbox_tmp_inodes(const struct opt_u64 *own, const struct sandbox_limits *l);
void sandbox_add_symlink(struct sandbox_builder *b, const char *target, const char *destination);
void sandbox_add_masked(struct sandbox_builder *b, const char *path);
int sandbox_add_dev(struct sandbox_builder *b, const char *destination);
void sandbox_add_proc(struct sandbox_builder *b, const char *destination);
/* A path of the host, counted from where the caller is. */
const char *sandbox_absolute(struct sandbox_builder *b, const char *path);
/* Refuse @what, or note it when weaker isolation was accepted. 0 or -1. */
int sandbox_weaken(struct sandbox_builder *b, struct err *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is had, though in a weaker way than one might think: for the report. */
void sandbox_note(struct sandbox_builder *b, const char *text);

int sandbox_view_make(struct sandbox_builder *b, struct err *e);
/* After the view, before the caller's own operations, which can take it back. */
int sandbox_protect_make(struct sandbox_builder *b, struct err *e);
int sandbox_places_make(struct sandbox_builder *b, struct err *e);
/* The maps of the user namespace, and a machine id. After the process, before the view. */
int sandbox_identity_make(struct sandbox_builder *b, struct err *e);
int sandbox_machine_id_make(struct sandbox_builder *b, struct err *e);
/* The capabilities of the list, as bits. */
int sandbox_caps_parse(const struct str_list *list, uint64_t *caps, struct err *e);
int sandbox_caps_make(struct sandbox_builder *b, struct err *e);
int sandbox_limits_make(struct sandbox_builder *b, struct err *e);
int sandbox_process_make(struct sandbox_builder *b, struct err *e);
int sandbox_network_make(struct sandbox_builder *b, struct err *e);
int sandbox_network_check(const struct sandbox *s, struct err *e);
/* @text, or NULL, and the statements that keep sockets to address_families. In @a. */
const char *sandbox_network_policy(const struct sandbox *s, const char *text, struct arena *a);
/* "none", "user" ... as files have it. */
const char *sandbox_network_name(uint32_t mode);

/* "--ro-bind / /" and its like: the root is not one of the mounts, but what they are made in. NULL:
 * there is none. */
const struct sandbox_place *sandbox_root_of(const struct sandbox *s);
/* A directory of devices is asked for where the usual one is. */
bool sandbox_has_dev(const struct sandbox *s);
/* The home directory of the caller, if it is worth hiding, else NULL. */
const char *sandbox_home(const struct sandbox_builder *b);

/* The directory in which the program starts, as it is shown inside. In @b's arena. */
const char *sandbox_directory(const struct sandbox_builder *b);

#endif
