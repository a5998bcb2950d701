/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_CACHE_H
#define HUSK_POLICY_POLICY_CACHE_H

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-cache.h"

/* Directories where compiled filters may be kept (seccomp-cache.h), in the order of preference. */
struct policy_cache {
	int dirfd;
	const char *paths[2];   /* NULL: none */
	const char *parents[2]; /* to be made when it is missing; may be NULL */
};

/*
 * /run/husk/.filters for root; where that cannot be (a normal user, root of a user namespace),
 * $XDG_RUNTIME_DIR/husk/.filters. No container's id starts with a dot. One place for all --root
 * directories: engines use several, with the same profile. 0, or -1 when memory ran out.
 */
int policy_cache_usual(struct policy_cache *cache, struct arena *a, struct err *e);

/* Whatever is wrong with a place, it has nothing. */
bool policy_cache_find(const struct policy_cache *cache, const struct seccomp_cache_key *key,
		       struct arena *a, struct seccomp_program *program);
/* In the first place that takes it. Where none does, the next start compiles again. */
void policy_cache_keep(const struct policy_cache *cache, const struct seccomp_cache_key *key,
		       const struct seccomp_program *program);

#endif
