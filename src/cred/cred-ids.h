/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_IDS_H
#define HUSK_CRED_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/* User, groups, and the id maps of user namespaces. Ids are the container's unless they say host.
 */

/* What init does about supplementary groups; the planner decides. */
enum cred_groups_mode {
	CRED_GROUPS_SET,  /* setgroups(2), also of an empty list */
	CRED_GROUPS_KEEP, /* run.oci.keep_original_groups: leave the caller's */
	/* The user namespace has "deny" in its setgroups file: nothing can be done, and nothing
	 * must have been asked (the planner refuses additionalGids then). */
	CRED_GROUPS_DENIED,
};

/* 1 if /proc/self/setgroups below @procfd says deny, 0 if allow or absent, -1. For the planner. */
int cred_groups_denied(int procfd, struct err *e);

/* [init] Needs CAP_SETGID. EPERM and EINVAL are explained (denied; an id that is not mapped). */
int cred_groups_set(int mode, const gid_t *groups, size_t ngroups, struct err *e);

/*
 * [init] setresgid(2), then setresuid(2). With @keep_caps the permitted set survives a change from
 * uid 0 to another (PR_SET_KEEPCAPS, which execve clears); the effective set does not and has to
 * be set again. Pass it only when the uid will not be 0: it costs a call.
 */
int cred_ids_set(uid_t uid, gid_t gid, bool keep_caps, struct err *e);

struct cred_id_map {
	uint32_t id_container, id_host, count;
};

/* Lines that a uid_map takes (user_namespaces(7), since Linux 4.15). */
#define CRED_MAP_LINES_MAX 340
/* Bytes per line of the map's text at most: three numbers, blanks, newline. */
#define CRED_MAP_LINE_BYTES 33

/*
 * Pure: check a map the way the kernel does (1 to 340 lines, no empty or overflowing range, no two
 * overlapping on either side), so that the error can name the line: "uidMappings[2]: ..." with
 * @what = "uidMappings".
 */
int cred_map_check(const char *what, const struct cred_id_map *maps, size_t n, struct err *e);

/* Pure: the text for uid_map or gid_map. Length, or -1 when @size is too small. */
ssize_t cred_map_print(const struct cred_id_map *maps, size_t n, char *out, size_t size);

/* Pure: the host's id of @id, or -1 if it is not mapped; and the other way round. */
int64_t cred_map_to_host(const struct cred_id_map *maps, size_t n, uint32_t id);
int64_t cred_map_to_container(const struct cred_id_map *maps, size_t n, uint32_t id_host);

/*
 * Write a map of process @pid below @procfd; @file is "uid_map" or "gid_map". The kernel takes it
 * once and in one write. EPERM is explained (not privileged: newuidmap, or one own id).
 */
int cred_map_write(int procfd, pid_t pid, const char *file, const char *text, struct err *e);

/* [init too] Write "deny" to setgroups of @pid: what an unprivileged gid_map needs before it. */
int cred_map_deny_groups(int procfd, pid_t pid, struct err *e);

/*
 * The arguments of newuidmap(1) or newgidmap(1) (@tool): "TOOL PID C H N ... NULL". @argv has
 * room for 3 + 3 * n pointers, @text for their bytes: CRED_MAP_ARGV_TEXT(n). 0, or -1.
 */
#define CRED_MAP_ARGV_SIZE(n) (3 + 3 * (n))
#define CRED_MAP_ARGV_TEXT(n) (12 + 33 * (n))
int cred_map_argv(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		  const char **argv, size_t argv_size, char *text, size_t text_size, struct err *e);

/*
 * Run newuidmap or newgidmap (found in PATH) for child @pid, which must not be reaped yet, and
 * wait for it. What it prints on stderr becomes part of the error. Parent only: it forks.
 */
int cred_map_run_tool(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		      struct err *e);

/*
 * Subordinate ids of a user in an open /etc/subuid or /etc/subgid (subuid(5): NAME-OR-UID:FIRST:
 * COUNT per line), in the order of the file, at most @room. Count found, or -1.
 */
int cred_subids_read(int fd, const char *user_name, uid_t uid, struct cred_id_map *out, size_t room,
		     struct err *e);

#endif
