/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_MINIJAIL_MINIJAIL_H
#define HUSK_MINIJAIL_MINIJAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/spec/spec.h"
#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/cred/cred-caps.h"

/*
 * The command line of minijail0, as a spec. husk-minijail0(1) describes it, and where it differs.
 * Options are collected first, as texts in their order; what they mean together is looked at
 * when all are known, since a configuration file may say a part of them.
 *
 * Facts about minijail0 (letters, defaults, what excludes what, exit statuses) are those of
 * minijail0(1), minijail0(5) and libminijail.h as of 2026.
 */

enum minijail_argument {
	MINIJAIL_NONE,
	MINIJAIL_NEEDED,   /* "-u x", "-ux", "--mount x", "--mount=x" */
	MINIJAIL_ATTACHED, /* "-t", "-t64M", "--uts", "--uts=x" */
};

/* One option. No pointers: nothing to relocate for those that start something else. */
struct minijail_option {
	char name[32]; /* without "--"; "" where there is only a letter */
	char letter;   /* or 0 */
	uint8_t argument;
	uint8_t kind; /* minijail-options.c */
	uint16_t offset;
	char value[28];
	char help[88];
};
extern const struct minijail_option minijail_options[];
extern const size_t minijail_options_count;

/* As it was said, for --gen-config and for what depends on the order. */
struct minijail_entry {
	const struct minijail_option *option;
	const char *value; /* or NULL */
};

/* An option whose argument may be left out. */
struct minijail_maybe {
	bool given;
	const char *value; /* or NULL */
};

struct minijail_list {
	const char **items;
	size_t count;
};

#define MINIJAIL_ENTRIES_MAX 2048

struct minijail {
	struct minijail_entry *entries;
	size_t entries_count;
	bool in_config; /* a file is being read: it may not name another one */

	const char *user, *group;
	bool inherit_groups, keep_groups;
	struct minijail_list add_groups;
	const char *caps, *securebits;
	bool ambient, no_new_privs, no_default_runtime;

	bool strict_mode, log, tsync, speculation;
	const char *policy, *policy_binary, *alt_syscall, *elf_type, *preload;

	bool mount_namespace, mount_dev, proc_readonly, ipc, cgroup, pid, run_as_init,
		user_namespace;
	bool keyring;
	const char *mount_namespace_path, *chroot, *pivot, *profile;
	struct minijail_maybe propagation, tmp, net, uts, uid_map, gid_map;
	struct minijail_list mounts; /* texts of -b and -k, behind their letter: "b/usr" */

	struct minijail_list rlimits, environment, preserve_fds;
	bool clear_environment, background, no_forward, no_new_session;
	const char *pid_file, *logging;

	/* Landlock: texts behind a letter for the kind, see minijail-landlock.c. */
	struct minijail_list paths;
	bool default_paths, no_paths, profile_paths;
	const char *landlock_abi;

	bool help, syscall_table;
	const char *gen_config;
	char **command; /* ended by NULL; may be empty */
};

/*
 * Read options from argv[0] on, and configuration files that they name. What is left is the
 * command. ERR_USAGE or ERR_CONFIG, or ERR_SYSTEM for a file that cannot be read.
 */
int minijail_parse(char **argv, struct arena *a, struct minijail *m, struct err *e);
/* One option, from either place; @value is NULL where there was none. */
int minijail_set(struct minijail *m, const struct minijail_option *option, const char *value,
		 struct arena *a, struct err *e);
const struct minijail_option *minijail_option_of_letter(char letter);
/* @name: a whole name, or (unless @exact) what only one name starts with. */
const struct minijail_option *minijail_option_of_name(const char *name, size_t length, bool exact);
/* How messages call it: "-u", "--uts"; in a buffer of its own. */
const char *minijail_option_name(const struct minijail_option *option);

/* Lines "key = value" below "% minijail-config-file v0". */
int minijail_config_read(const char *path, struct arena *a, struct minijail *m, struct err *e);
int minijail_config_parse(const char *name, char *text, struct arena *a, struct minijail *m,
			  struct err *e);
/* A new file with all that was said. */
int minijail_config_write(const char *path, const struct minijail *m, struct arena *a,
			  struct err *e);

/* What contradicts itself, whoever asks. Options that others imply are set afterwards. */
int minijail_check(struct minijail *m, struct err *e);

/* What of the host and of the caller decides. */
struct minijail_host {
	uid_t uid;
	gid_t gid;
	struct cred_caps caps;
	uint64_t caps_known;
	const char *cwd; /* absolute, or NULL where it cannot be told */
	char *const *environ;
	const char *passwd, *groups; /* /etc/passwd, /etc/group */
	const char *etc_policy; /* of the default runtime environment, or NULL: there is none */
	bool dev_log;           /* /dev/log exists */
};
int minijail_host_read(struct arena *a, struct minijail_host *h, struct err *e);

struct minijail_made {
	struct spec *spec;
	const char *policy; /* a file, to be compiled; or NULL */
	bool policy_binary; /* it must be BPF */
	/* The filter is for the program alone, not for the loader that brings it in. */
	bool at_entry;
};

/* The spec of @m, which minijail_check() has seen. The program is looked at unless -T says it. */
int minijail_spec_make(const struct minijail *m, const struct minijail_host *h, struct arena *a,
		       struct minijail_made *made, struct err *e);

/* ---- parts of it ---- */

struct minijail_builder {
	const struct minijail *jail;
	const struct minijail_host *host;
	struct arena *arena;
	struct spec *spec;
	struct minijail_made *made;
	size_t mounts_room;
	bool new_mounts;
};
int minijail_users_make(struct minijail_builder *b, struct err *e);
int minijail_caps_make(struct minijail_builder *b, bool program_is_static, struct err *e);
int minijail_mounts_make(struct minijail_builder *b, struct err *e);
int minijail_landlock_make(struct minijail_builder *b, struct err *e);
/* A path as counted from where the caller is. */
char *minijail_absolute(struct minijail_builder *b, const char *path);
/* A filter will be put on the program. */
bool minijail_has_policy(const struct minijail_builder *b);
bool minijail_gains_nothing(const struct minijail_builder *b); /* no_new_privs is set */

/* 1 if the program is an ELF file without an interpreter, 0 if not, or if it cannot be read. */
int minijail_program_is_static(const struct minijail_builder *b);

/* ---- values ---- */

/* "64M": of 1024. 0 or -1. */
int minijail_bytes_parse(const char *text, uint64_t *bytes);
/* Decimal, 0x or 0, as strtoul(3) with base 0. 0 or -1. */
int minijail_number_parse(const char *text, uint64_t *value);
/* "MS_BIND|0x2000" as mount(2) counts. */
int minijail_mount_flags_parse(const char *text, uint64_t *flags, struct err *e);
/* "RLIMIT_NOFILE,10,unlimited" */
int minijail_rlimit_parse(const char *text, struct arena *a, struct spec_rlimit *limit,
			  struct err *e);
/* "0 1000 1,1 100000 65536" */
int minijail_map_parse(const char *option, const char *text, struct arena *a,
		       struct id_mapping **maps, size_t *count, struct err *e);
/* A mask in hexadecimal, or the effective ones of what cap_from_text(3) takes. */
int minijail_caps_parse(const char *text, uint64_t known, uint64_t *caps, struct err *e);
/* Cut @text at the next comma: what stands before it; *rest is NULL behind the last one. */
char *minijail_next(char **rest);

#endif
