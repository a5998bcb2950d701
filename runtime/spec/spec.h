/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SPEC_H
#define HUSK_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/json/json-types.h"

/*
 * What is asked for: the OCI runtime configuration (runtime-spec 1.3.0), typed.
 *
 * Names are those of the specification in snake_case, with the unit where there is
 * one. Values that are the kernel's own are stored as the kernel's constants (CLONE_NEW*,
 * MOUNT_ATTR_*, SCHED_*, SECCOMP_RET_*, ...). Absent objects are NULL, absent
 * strings are NULL, absent lists have count 0. Everything, strings included,
 * lives in the arena that the loader was given.
 *
 * After spec_load() every rule that can be decided from the text alone has been
 * checked (spec-check.c): enumerations are valid, pairs are complete,
 * namespaces that a property needs are asked for, numbers are in range. What depends on
 * the host (does the path exist, does the kernel know it) is the planner's.
 */

/* Versions of the specification that are accepted; printed by "features". */
#define SPEC_OCI_VERSION_MIN "1.0.0"
#define SPEC_OCI_VERSION_MAX "1.3.0"

/* One line of a uid or gid map. */
struct id_mapping {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};

/*
 * A set of small numbers (CPUs, NUMA nodes) in the form that sched_setaffinity(2)
 * and set_mempolicy(2) take: bit n of words[n / bits per long].
 */
struct bit_set {
	unsigned long *words;
	size_t word_count;
};

/* ------------------------------------------------------------- process */

struct spec_user {
	uint32_t uid;
	uint32_t gid;
	struct opt_u32 umask; /* at most 0777 */
	uint32_t *additional_gids;
	size_t additional_gids_count;
};

/* One bit per capability: bit CAP_CHOWN (0) and so on. */
struct spec_capabilities {
	uint64_t bounding;
	uint64_t effective;
	uint64_t inheritable;
	uint64_t permitted;
	uint64_t ambient;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft;
	uint64_t hard;
};

struct spec_scheduler {
	int policy; /* SCHED_OTHER, ... as in sched_setattr(2) */
	struct opt_i32 nice;
	struct opt_i32 priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime_nsec;
	uint64_t deadline_nsec;
	uint64_t period_nsec;
};

struct spec_io_priority {
	int class;    /* IOPRIO_CLASS_RT, _BE or _IDLE */
	int priority; /* 0 (highest) to 7 */
};

struct spec_console_size {
	uint16_t height_rows;
	uint16_t width_columns;
};

struct spec_cpu_affinity {
	struct bit_set initial; /* word_count 0: not asked for */
	struct bit_set final;
};

struct spec_process {
	bool terminal;
	struct spec_console_size *console_size; /* to be ignored without terminal */
	struct spec_user user;
	char *cwd;            /* absolute */
	struct str_list args; /* never empty */
	struct str_list env;  /* NAME=value, names not empty; may repeat: the last one counts */
	struct spec_capabilities *capabilities;
	struct spec_rlimit *rlimits; /* no resource twice */
	size_t rlimits_count;
	bool no_new_privileges;
	char *apparmor_profile; /* NULL when absent or empty */
	char *selinux_label;    /* NULL when absent or empty */
	struct opt_i32 oom_score_adj;
	struct spec_scheduler *scheduler;
	struct spec_io_priority *io_priority;
	struct spec_cpu_affinity *exec_cpu_affinity;
};

/* -------------------------------------------------------- root, mounts */

struct spec_root {
	char *path; /* as written: absolute or relative to the bundle */
	bool readonly;
};

enum spec_mount_idmap {
	SPEC_IDMAP_NONE,
	SPEC_IDMAP,           /* this mount only */
	SPEC_IDMAP_RECURSIVE, /* and everything below a rbind */
};

/* Extra behaviour that no flag of the kernel stands for. */
enum spec_mount_extra {
	SPEC_MOUNT_TMPCOPYUP = 1 << 0,    /* fill the tmpfs with what it covers */
	SPEC_MOUNT_COPY_SYMLINK = 1 << 1, /* source is a symlink: recreate it instead of mounting */
	SPEC_MOUNT_DEST_NOFOLLOW = 1 << 2, /* a symlink at destination is not followed */
	SPEC_MOUNT_SRC_NOFOLLOW = 1 << 3,  /* the same for source */
};

/* What an entry of mounts[] can make besides a mount. OCI has nothing like it. */
enum spec_make {
	SPEC_MAKE_MOUNT,
	SPEC_MAKE_DIRECTORY,
	SPEC_MAKE_FILE, /* a new file in what is mounted there */
	SPEC_MAKE_DATA, /* a file of its own, mounted read-only over what is there */
	SPEC_MAKE_SYMLINK,
	SPEC_MAKE_MODE, /* chmod */
	SPEC_MAKE_OVERLAY,
};

/* An overlay of directories of the host. */
struct spec_overlay {
	struct str_list lowers; /* the topmost first */
	char *upper, *work;     /* NULL: changes are in memory, and lost (unless @readonly) */
	bool readonly;
	uint64_t memory_bytes, memory_inodes; /* of changes in memory; 0: as much as there is */
};

/*
 * A mount with its options decoded. Options apply in the order of the list, so of "ro"
 * and "rw" the last one wins and only its bit is left in set or clear.
 */
struct spec_mount {
	char *destination; /* absolute; a relative one was prefixed with "/" */
	char *type;   /* NULL when absent; "bind" and "none" are left out here when bind is set */
	char *source; /* NULL when absent; for a bind relative to the bundle unless absolute */

	bool bind;           /* option bind or rbind, or type "bind" */
	bool bind_recursive; /* option rbind */
	bool remount;

	/* MOUNT_ATTR_* of this mount. The atime mode is in MOUNT_ATTR__ATIME of both when it was
	 * given. */
	uint64_t attr_set, attr_clear;
	/* The same with AT_RECURSIVE, from rro, rnosuid, ... */
	uint64_t rec_attr_set, rec_attr_clear;
	/* Super block flags: MS_SYNCHRONOUS MS_DIRSYNC MS_LAZYTIME MS_MANDLOCK MS_SILENT
	 * MS_I_VERSION (and MS_RDONLY for ro and rw). */
	unsigned long super_set, super_clear;
	/* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, each perhaps with MS_REC, in order. */
	unsigned long *propagation;
	size_t propagation_count;

	unsigned extra; /* enum spec_mount_extra */

	enum spec_mount_idmap idmap;
	/* The mapping of an idmapped mount. Both empty with idmap set: the container's user
	 * namespace. */
	struct id_mapping *uid_mappings, *gid_mappings;
	size_t uid_mappings_count, gid_mappings_count;
	/* Only while loading: the mapping counts from the container's ids ("@"). */
	bool uid_mappings_relative, gid_mappings_relative;

	/* What is left for the file system: comma-joined for mount(2), NULL when empty, and one by
	 * one for fsconfig(2); value is NULL for an option without "=". */
	char *data;
	struct key_value *data_options;
	size_t data_options_count;

	struct str_list options; /* as written */

	/* Only from husk's own front ends: this entry makes something else than a mount, in its turn. */
	enum spec_make make;
	char *content; /* SPEC_MAKE_FILE and _DATA: @content_bytes; SPEC_MAKE_SYMLINK: the target */
	size_t content_bytes;
	/* A bind whose source has to be this very file, or it is refused. */
	bool source_held;
	dev_t source_device;
	ino_t source_inode;
	struct opt_u32 mode; /* of what is made, at most 07777; SPEC_MAKE_MODE: the new one */
	struct spec_overlay *overlay;
};

/* --------------------------------------------------------------- hooks */

struct spec_hook {
	char *path; /* absolute */
	struct str_list args;
	struct str_list env;
	struct opt_u32 timeout_sec; /* greater than 0 when set */
};

struct spec_hook_list {
	struct spec_hook *items;
	size_t count;
};

struct spec_hooks {
	struct spec_hook_list prestart;
	struct spec_hook_list create_runtime;
	struct spec_hook_list create_container;
	struct spec_hook_list start_container;
	struct spec_hook_list poststart;
	struct spec_hook_list poststop;
};

/* ----------------------------------------------------------- resources */

struct spec_memory {
	/* -1: no limit, here and below. 0 in the file is taken as absent, as runc does. */
	struct opt_i64 limit_bytes;
	struct opt_i64 reservation_bytes;
	struct opt_i64 swap_bytes;       /* memory plus swap, as cgroup v1 counts */
	struct opt_i64 kernel_bytes;     /* obsolete */
	struct opt_i64 kernel_tcp_bytes; /* obsolete */
	struct opt_u64 swappiness;       /* 0 to 100 */
	struct opt_bool disable_oom_killer;
	struct opt_bool use_hierarchy;
	bool check_before_update;
};

struct spec_cpu {
	struct opt_u64 shares; /* cgroup v1 scale, 1024 is the default */
	struct opt_i64 quota_usec;
	struct opt_u64 burst_usec;
	struct opt_u64 period_usec;
	struct opt_i64 realtime_runtime_usec;
	struct opt_u64 realtime_period_usec;
	struct opt_i64 idle; /* 0 or 1 */
	char *cpus;          /* list syntax, checked; NULL when absent or empty */
	char *mems;
};

struct spec_weight_device {
	uint32_t major, minor;
	struct opt_u32 weight; /* 10 to 1000, as cgroup v1 counts */
	struct opt_u32 leaf_weight;
};

struct spec_throttle_device {
	uint32_t major, minor;
	uint64_t rate; /* bytes or operations per second; 0: no limit */
};

struct spec_block_io {
	struct opt_u32 weight; /* 10 to 1000 */
	struct opt_u32 leaf_weight;
	struct spec_weight_device *weight_devices;
	size_t weight_devices_count;
	struct spec_throttle_device *throttle_read_bps_devices;
	size_t throttle_read_bps_devices_count;
	struct spec_throttle_device *throttle_write_bps_devices;
	size_t throttle_write_bps_devices_count;
	struct spec_throttle_device *throttle_read_iops_devices;
	size_t throttle_read_iops_devices_count;
	struct spec_throttle_device *throttle_write_iops_devices;
	size_t throttle_write_iops_devices_count;
};

struct spec_hugepage_limit {
	char *page_size; /* as the cgroup files are named: "2MB", "1GB", "64KB" */
	uint64_t limit_bytes;
};

struct spec_interface_priority {
	char *name;
	uint32_t priority;
};

struct spec_network {
	struct opt_u32 class_id;
	struct spec_interface_priority *priorities;
	size_t priorities_count;
};

struct spec_rdma {
	char *device;
	struct opt_u32 hca_handles;
	struct opt_u32 hca_objects;
};

enum spec_device_access {
	SPEC_ACCESS_READ = 1 << 0,
	SPEC_ACCESS_WRITE = 1 << 1,
	SPEC_ACCESS_MKNOD = 1 << 2,
};

/* One line of the device allow-list, in order. */
struct spec_device_rule {
	bool allow;
	char type;       /* 'a' all, 'b' block, 'c' character */
	int64_t major;   /* -1: any */
	int64_t minor;   /* -1: any */
	unsigned access; /* enum spec_device_access; all three when the file names none */
};

struct spec_resources {
	struct spec_device_rule *devices;
	size_t devices_count;
	struct spec_memory *memory;
	struct spec_cpu *cpu;
	struct opt_i64 pids_limit; /* 0 is a real limit; negative: no limit */
	struct spec_block_io *block_io;
	struct spec_hugepage_limit *hugepage_limits;
	size_t hugepage_limits_count;
	struct spec_network *network;
	struct spec_rdma *rdma;
	size_t rdma_count;
	struct key_value *unified; /* cgroup v2 file name, value */
	size_t unified_count;
};

/* ------------------------------------------------------------- seccomp */

/* As libseccomp's enum scmp_compare counts. */
enum spec_seccomp_op {
	SPEC_SECCOMP_NE = 1,
	SPEC_SECCOMP_LT,
	SPEC_SECCOMP_LE,
	SPEC_SECCOMP_EQ,
	SPEC_SECCOMP_GE,
	SPEC_SECCOMP_GT,
	SPEC_SECCOMP_MASKED_EQ,
};

struct spec_seccomp_arg {
	uint32_t index; /* 0 to 5 */
	enum spec_seccomp_op op;
	uint64_t value;     /* the mask for MASKED_EQ */
	uint64_t value_two; /* what the masked argument is compared with */
};

struct spec_seccomp_syscall {
	struct str_list names;    /* never empty */
	uint32_t action;          /* SECCOMP_RET_* without data */
	struct opt_u32 errno_ret; /* only with SECCOMP_RET_ERRNO and SECCOMP_RET_TRACE */
	struct spec_seccomp_arg *args;
	size_t args_count;
};

struct spec_seccomp {
	uint32_t default_action; /* SECCOMP_RET_* without data */
	struct opt_u32 default_errno_ret;
	uint64_t flags; /* SECCOMP_FILTER_FLAG_* */
	/* AUDIT_ARCH_*, but SPEC_ARCH_X32 for x32, which shares its number with x86-64. */
	uint32_t *architectures;
	size_t architectures_count;
	struct spec_seccomp_syscall *syscalls;
	size_t syscalls_count;
	char *listener_path; /* absolute */
	char *listener_metadata;
};

/* libseccomp's token SCMP_ARCH_X32: EM_X86_64 | __AUDIT_ARCH_LE, without the 64-bit mark. */
#define SPEC_ARCH_X32 0x4000003eu

/* --------------------------------------------------------------- linux */

struct spec_namespace {
	unsigned long type; /* CLONE_NEWNS, CLONE_NEWPID, ... */
	char *path;         /* absolute: join this one; NULL: a new one */
};

struct spec_device {
	char type; /* 'c' (also for 'u'), 'b' or 'p' */
	char *path;
	uint32_t major, minor; /* 0 for 'p' */
	struct opt_u32 file_mode;
	struct opt_u32 uid, gid; /* container ids */
};

struct spec_net_device {
	char *host_name;
	char *name; /* inside, may hold one %d; NULL: as on the host */
};

struct spec_time_offset {
	bool set;
	int64_t sec;
	uint32_t nsec;
};

struct spec_memory_policy {
	int mode;             /* MPOL_* */
	unsigned flags;       /* MPOL_F_* */
	struct bit_set nodes; /* word_count 0: none given */
};

struct spec_linux {
	struct spec_namespace *namespaces; /* no type twice */
	size_t namespaces_count;
	unsigned long namespace_types; /* CLONE_NEW* of all of them */
	struct id_mapping *uid_mappings, *gid_mappings;
	size_t uid_mappings_count, gid_mappings_count;
	struct spec_time_offset monotonic_offset, boottime_offset;
	struct spec_device *devices;
	size_t devices_count;
	struct spec_net_device *net_devices;
	size_t net_devices_count;
	char *cgroups_path; /* NULL when absent or empty; never of the form slice:prefix:name */
	struct spec_resources *resources;
	/* MS_SHARED, ... with MS_REC for the r* forms; 0 when absent */
	unsigned long rootfs_propagation;
	struct spec_seccomp *seccomp;
	struct key_value *sysctl; /* key with dots, checked against the namespaces */
	size_t sysctl_count;
	struct str_list masked_paths;   /* absolute */
	struct str_list readonly_paths; /* absolute */
	char *mount_label;              /* NULL when absent or empty */
	struct spec_memory_policy *memory_policy;
	struct opt_u32 personality; /* PER_LINUX or PER_LINUX32, personality(2) */
};

/* ------------------------------------------------------------------ vm */

struct spec_vm_iomem {
	uint64_t first_gfn; /* first_mfn when absent */
	uint64_t first_mfn;
	uint64_t nr_mfns;
};

struct spec_vm {
	char *hypervisor_path; /* NULL: the built-in one */
	struct str_list hypervisor_parameters;
	char *kernel_path;
	struct str_list kernel_parameters;
	char *kernel_initrd;
	char *image_path; /* only raw images are accepted */
	char *device_tree;
	struct opt_u32 vcpus;
	struct opt_u64 memory_bytes;
	struct str_list dtdevs;
	struct spec_vm_iomem *iomems;
	size_t iomems_count;
	uint32_t *irqs;
	size_t irqs_count;
};

/* --------------------------------------------------------- annotations */

/* Annotations with a meaning for husk (crun's names), decoded. NULL when absent. */
struct spec_extensions {
	bool keep_original_groups; /* run.oci.keep_original_groups=1 */
	char *hooks_stdout;        /* run.oci.hooks.stdout: file that hooks append to */
	char *hooks_stderr;        /* run.oci.hooks.stderr */
	char *handler;             /* run.oci.handler */
	char *pidfd_receiver;      /* run.oci.pidfd_receiver: unix socket */
	char *seccomp_receiver;    /* run.oci.seccomp.receiver: unix socket */
	bool seccomp_fail_unknown; /* run.oci.seccomp_fail_unknown_syscall=1 */
	char *seccomp_bpf_data;    /* run.oci.seccomp_bpf_data: base64 of struct sock_filter[] */
	char *delegate_cgroup;     /* run.oci.delegate-cgroup: relative, without ".." */
	char *mount_context_type;  /* run.oci.mount_context_type */
};

/* ------------------------------------------------------------- sandbox */

/* What stays as the caller has it, where a container would get its own. */
struct spec_inherit {
	bool root; /* "/", unless there is a new mount namespace: then root.path is needed */
	/* directory: process.cwd is where the caller is; that counts where the root is the caller's, and
	 * with other mounts its name does, as far as it exists. */
	bool uid, gid, directory, capabilities, environment, session, signals;
};

/* What Landlock lets be done below a path. */
struct spec_landlock_rule {
	const char *path; /* as the program sees it */
	uint64_t access;  /* LANDLOCK_ACCESS_FS_*; what the version does not know is left out */
	bool optional;    /* no error where the path is missing */
};

/* When the filter takes effect, see enum plan_gate. */
enum spec_gate {
	SPEC_GATE_NONE,
	SPEC_GATE_STRICT,
	SPEC_GATE_ENTRY,
};

struct net_publish; /* src/net/net-address.h */
struct net_veth;    /* src/net/net-veth.h */

/* What is done about a network beyond making its namespace. */
struct spec_sandbox_network {
	char **pasta;                /* argv of pasta(1), but for the namespaces; or NULL */
	struct net_publish *publish; /* what of it listens on the host */
	size_t publish_count;
	const char *nft, *rules; /* the program, and what it reads; or NULL */
	struct net_veth *veth;   /* or NULL */
	/* The second wall: TCP only to these ports. */
	bool ports_limited;
	uint16_t *ports;
	size_t ports_count;
};

/* What husk's own front ends ask for, and OCI has no property for. */
struct spec_sandbox {
	char *root_options;  /* the root is a new tmpfs with these options; there is no root.path */
	uint64_t root_attrs; /* MOUNT_ATTR_* of root.path and all that is mounted below it */
	bool reaper;         /* pid 1 is husk's, and the program its child */
	char *argv0; /* what the program finds as its own name; NULL: as process.args has it */
	bool die_with_parent; /* with the process that made the container */
	bool landlock; /* what the mounts leave writable is all that Landlock lets be written */
	uint32_t controllers; /* CGROUP_*: hierarchies of v1 without any of them are left alone */
	const char *cgroup_parent; /* where the groups are made; NULL: the usual place */
	struct bit_set cpus;       /* that the program may run on; word_count 0: all */
	enum spec_gate gate;
	struct spec_inherit inherit;
	bool root_alone;  /* root.path without what is mounted below it */
	bool devices_own; /* in /dev is what linux.devices and mounts[] say, and nothing else */
	struct spec_landlock_rule *landlock_rules; /* instead of what @landlock finds out */
	size_t landlock_rules_count;
	uint32_t landlock_version; /* of those rules; not more than the kernel's */
	uint32_t securebits;       /* SECBIT_*; 0: left alone */
	const uint32_t *kept_fds;  /* descriptors of the caller that stay open, at most 256 */
	size_t kept_fds_count;
	struct opt_u32 held_fd;              /* of the caller, which the first process keeps open */
	struct str_list lock_files;          /* that it locks for reading; at most 16 */
	struct spec_sandbox_network network; /* beyond what the namespace has by itself */
};

/* ---------------------------------------------------------------- spec */

struct spec {
	char *oci_version;
	struct spec_root *root;
	struct spec_process *process;
	char *hostname;
	char *domainname;
	struct spec_mount *mounts;
	size_t mounts_count;
	struct spec_hooks hooks;
	struct key_value *annotations;
	size_t annotations_count;
	struct spec_extensions extensions;
	/* Not "linux": compilers in gnu17 mode define that as a macro. Never NULL: an
	 * absent section is one without properties. */
	struct spec_linux *linux_config;
	struct spec_vm *vm;
	struct spec_sandbox *sandbox; /* NULL: an OCI configuration */
};

/*
 * Read, decode and check the configuration @path below the directory @dirfd. Errors
 * are ERR_CONFIG ("PATH:LINE: property: what") or ERR_UNSUPPORTED, and name @path as it was given.
 */
int spec_load(int dirfd, const char *path, struct arena *a, struct spec **out, struct err *e);
/* The same from memory; @name stands for the file in messages. */
int spec_parse(const char *name, const char *text, size_t length, struct arena *a,
	       struct spec **out, struct err *e);

/* A process object alone, as "exec --process FILE" takes. */
int spec_process_load(int dirfd, const char *path, struct arena *a, struct spec_process **out,
		      struct err *e);
int spec_process_parse(const char *name, const char *text, size_t length, struct arena *a,
		       struct spec_process **out, struct err *e);

/* A resources object alone, as "update --resources FILE" takes. @fd may be a pipe. */
int spec_resources_load(int fd, const char *name, struct arena *a, struct spec_resources **out,
			struct err *e);
int spec_resources_parse(const char *name, const char *text, size_t length, struct arena *a,
			 struct spec_resources **out, struct err *e);

/* A seccomp object alone, or the one in a whole configuration: a profile. */
int spec_seccomp_parse(const char *name, const char *text, size_t length, struct arena *a,
		       struct spec_seccomp **out, struct err *e);

/*
 * Check a process that was decoded or put together by hand (exec with options). Text of the
 * error starts with @where ("process.") and the property.
 */
int spec_process_check(const struct spec_process *p, const char *where, struct err *e);
/* The same for resources ("linux.resources."), as changed by options of "update". */
int spec_resources_check(const struct spec_resources *r, const char *where, struct err *e);

/* The namespace of @type (CLONE_NEW*), or NULL when the container shares its caller's. */
const struct spec_namespace *spec_namespace_find(const struct spec *s, unsigned long type);
/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *s, const char *key);

/* True if bit @n is in the set. */
bool bit_set_has(const struct bit_set *set, size_t n);

#endif
