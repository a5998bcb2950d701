/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy-cache.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int policy_cache_usual(struct policy_cache *cache, struct arena *a, struct err *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	*cache = (struct policy_cache){ .dirfd = AT_FDCWD };
	if (geteuid() == 0) {
		cache->parents[0] = "/run/husk";
		cache->paths[0] = "/run/husk/.filters";
	}
	if (!runtime || *runtime != '/' || strlen(runtime) >= PATH_MAX)
		return 0;
	cache->parents[1] = arena_format(a, "%s/husk", runtime);
	cache->paths[1] = arena_format(a, "%s/husk/.filters", runtime);
	return arena_check(a, e);
}

bool policy_cache_find(const struct policy_cache *cache, const struct seccomp_cache_key *key,
		       struct arena *a, struct seccomp_program *program)
{
	for (size_t i = 0; i < 2; i++)
		if (cache->paths[i] &&
		    seccomp_cache_load(cache->dirfd, cache->paths[i], key, a, program, NULL) > 0)
			return true;
	return false;
}

void policy_cache_keep(const struct policy_cache *cache, const struct seccomp_cache_key *key,
		       const struct seccomp_program *program)
{
	for (size_t i = 0; i < 2; i++) {
		if (!cache->paths[i])
			continue;
		if (cache->parents[i])
			mkdirat(cache->dirfd, cache->parents[i], 0700);
		if (seccomp_cache_store(cache->dirfd, cache->paths[i], key, program, NULL) == 0)
			return;
	}
}
