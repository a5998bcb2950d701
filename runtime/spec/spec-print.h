/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SPEC_PRINT_H
#define HUSK_SPEC_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/json/json-write.h"

/* What "husk spec" is asked for. */
struct spec_default {
	bool rootless;               /* with a user namespace in which the caller is root */
	bool cgroup_namespace;       /* on hosts with cgroup v2 alone, as crun and runc do it */
	uint32_t uid_host, gid_host; /* of the caller, for rootless */
};

/* Write the starting point of a config.json: a read-only root, a shell, Docker's capabilities. */
void spec_default_print(struct json_writer *w, const struct spec_default *options);

/* What "husk features" has to find out; all else comes from the tables. */
struct spec_features {
	bool seccomp;           /* this kernel has filters */
	uint64_t seccomp_flags; /* SECCOMP_FILTER_FLAG_* that this kernel takes */
	bool apparmor, selinux;
	bool rdma; /* a cgroup controller of this kernel */
	const char *version, *commit;
	const char *libseccomp_version; /* may be NULL */
};

/* Write the features document of runtime-spec 1.3.0 (features.md, features-linux.md). */
void spec_features_print(struct json_writer *w, const struct spec_features *f);

#endif
