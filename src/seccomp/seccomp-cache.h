/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_CACHE_H
#define HUSK_SECCOMP_CACHE_H

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-policy.h"

/*
 * Compiled filters on disk, found by what they were compiled from. A file is named after a
 * hash of its key and holds the whole key beside the program: a collision or a forged name is a
 * miss, never another filter. What makes the programs trustworthy is the directory: its owner is
 * the caller's effective user and nobody else can enter it.
 *
 * A hit costs open, fstat, openat, fstat, read and two closes. Nothing here is fatal to a
 * caller, who can always compile.
 */

struct seccomp_cache_key {
	const void *bytes;
	size_t length; /* 0: too long to be cached; loads miss, stores do nothing */
	uint64_t hash;
};

/*
 * The key for anything that determines a program: the text of a profile, say, which saves even
 * decoding it. husk's version and compiler revision, libseccomp's version and the native
 * architecture are added. In memory of @arena. 0, or -1 when memory ran out.
 */
int seccomp_cache_key(struct arena *arena, const void *content, size_t length,
		      struct seccomp_cache_key *out, struct err *e);
/* The key for a policy. */
int seccomp_cache_policy_key(struct arena *arena, const struct seccomp_policy *policy,
			     struct seccomp_cache_key *out, struct err *e);

/*
 * Look @key up in the directory @path below @dirfd (or AT_FDCWD). 1: found, the program is in
 * memory of
 * @arena, without notes. 0: not there. -1: the directory or the file cannot be trusted or read;
 * @e says why, for a debug log: to be treated as 0.
 */
int seccomp_cache_load(int dirfd, const char *path, const struct seccomp_cache_key *key,
		       struct arena *arena, struct seccomp_program *out, struct err *e);

/*
 * Keep @program under @key. Makes the directory (mode 0700, its parent must exist), replaces the
 * file atomically, and throws out the oldest entries above SECCOMP_CACHE_ENTRIES. 0, or -1 (a debug
 * log).
 */
int seccomp_cache_store(int dirfd, const char *path, const struct seccomp_cache_key *key,
			const struct seccomp_program *program, struct err *e);

#define SECCOMP_CACHE_ENTRIES 256

#endif
