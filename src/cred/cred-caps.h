/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_CAPS_H
#define HUSK_CRED_CAPS_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * Capability sets. Names are resolved and requests are cut down to what can be granted while
 * planning; what is marked [init] only makes system calls on those masks.
 *
 * Order for a program without no_new_privs (the kernel's rules are in capabilities(7)):
 *   cred_caps_drop_bounding()   needs CAP_SETPCAP in the effective set, so before the ids change
 *   cred_groups_set(), cred_ids_set(keep_caps)   effective and ambient are lost where uid 0 ->
 * other cred_caps_set(cred_caps_until_exec())   what the program gets and, until seccomp, SYS_ADMIN
 *   cred_caps_raise_ambient()   needs permitted and inheritable, no capability
 *   Landlock, seccomp(2)        seccomp needs SYS_ADMIN here
 *   cred_caps_set(final)        one call; skipped when it would change nothing
 * With no_new_privs the final cred_caps_set() comes at once and SYS_ADMIN is not kept.
 */
struct cred_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Capabilities that this table can name: CAP_CHOWN (0) to CAP_CHECKPOINT_RESTORE (40). */
#define CRED_CAP_COUNT  41
#define CRED_CAP_BIT(n) (UINT64_C(1) << (n))

/* "CAP_CHOWN" for 0 and so on, NULL for a number without a name. */
const char *cred_cap_name(unsigned cap);

/*
 * Number of a capability. cred_cap_parse() takes exactly "CAP_X" in capitals, as config.json must
 * have it; cred_cap_parse_loose() also "x", "X" and "cap_x", for the command line. -1: no such.
 */
int cred_cap_parse(const char *name);
int cred_cap_parse_loose(const char *name);

/*
 * The sets of the calling process, and the mask of all that the running kernel has, read from
 * self/status and sys/kernel/cap_last_cap below @procfd (a procfs root). For the planner.
 */
int cred_caps_read(int procfd, struct cred_caps *out, struct err *e);
/* The same and, as it stands in the same file, which signals the process ignores (bit 0 is signal 1). */
int cred_status_read(int procfd, struct cred_caps *out, uint64_t *ignored_signals, struct err *e);
int cred_caps_known(int procfd, uint64_t *mask, struct err *e);

/*
 * Pure: cut @want down to what a process with the sets @held can give a program on a kernel with
 * @known, and to what the kernel accepts together (effective and ambient within permitted, ambient
 * within inheritable, inheritable within bounding). The union of what was asked in any set and
 * cannot be given is returned, for a warning: by the specification this is no error.
 * For a program in a new user namespace @held is all of @known in every set.
 */
uint64_t cred_caps_clamp(struct cred_caps *want, const struct cred_caps *held, uint64_t known);

/* Pure: @final, with SYS_ADMIN added to permitted and effective as far as @held has it. */
struct cred_caps cred_caps_until_exec(const struct cred_caps *final, const struct cred_caps *held);

/* Pure: names of @mask, comma separated, into @out (a mask of all fits in 1024 bytes). */
size_t cred_caps_print(uint64_t mask, char *out, size_t size);

/* [init] Drop what is in @held (the current bounding set) and not in @keep: one call each. */
int cred_caps_drop_bounding(uint64_t held, uint64_t keep, struct err *e);

/* [init] One capset(2) of effective, permitted and inheritable. */
int cred_caps_set(const struct cred_caps *caps, struct err *e);

/*
 * [init] Raise each of @ambient. Does not clear what is there: a process that had none and was
 * not given any has none, and setresuid() from 0 clears them.
 */
int cred_caps_raise_ambient(uint64_t ambient, struct err *e);

/* [init] Clear the ambient set, where the caller of husk may have had one (exec, rootless). */
int cred_caps_clear_ambient(struct err *e);

#endif
