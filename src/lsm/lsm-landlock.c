/* SPDX-License-Identifier: Apache-2.0 */
#include "src/lsm/lsm-landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"

/* Newer than the headers of Linux 6.1. */
#define ACCESS_TRUNCATE       (1ULL << 14)
#define ACCESS_IOCTL_DEV      (1ULL << 15)
#define SCOPE_ABSTRACT_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL          (1ULL << 1)
#define ACCESS_CONNECT_TCP    (1ULL << 1)
#define RULE_NET_PORT         2

#define ACCESS_FILE                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
	 LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
#define ACCESS_READ                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_NODES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

int lsm_landlock_version(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0ul, LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

/* All rights that a version has: its lowest bits. */
static uint64_t known(int version)
{
	unsigned bits = version >= 5 ? 16 : version >= 3 ? 15 : version == 2 ? 14 : 13;

	return (1ULL << bits) - 1;
}

static int create(int version, uint64_t scoped, struct err *e)
{
	struct ruleset_attr attr = { .fs = known(version), .scoped = scoped };
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
	long fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	return fd < 0 ? err_sys(e, "create Landlock rules") : (int)fd;
}

int lsm_landlock_create(int version, struct err *e)
{
	return create(version, version >= 6 ? SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL : 0, e);
}

int lsm_landlock_create_files(int version, struct err *e)
{
	return create(version, 0, e);
}

int lsm_landlock_allow_only(int ruleset, int version, int fd, uint64_t access, const char *name,
			    struct err *e)
{
	struct landlock_path_beneath_attr rule = {
		.parent_fd = fd,
		.allowed_access = access & known(version),
	};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", name);
	/* A right that only makes sense for directories is refused on anything else. */
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= ACCESS_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return err_sys(e, "allow %s in Landlock", name);
	return 0;
}

int lsm_landlock_allow(int ruleset, int version, int fd, int write, const char *name, struct err *e)
{
	uint64_t access = write ? known(version) & ~(uint64_t)ACCESS_NODES : ACCESS_READ;

	return lsm_landlock_allow_only(ruleset, version, fd, access, name, e);
}

struct port_attr {
	uint64_t allowed_access, port;
};

int lsm_landlock_connect_only(const uint16_t *ports, size_t count, struct err *e)
{
	struct ruleset_attr attr = { .net = ACCESS_CONNECT_TCP };
	long fd = syscall(SYS_landlock_create_ruleset, &attr, offsetof(struct ruleset_attr, scoped),
			  0);
	CLEAN_FD int ruleset = (int)fd;

	if (ruleset < 0)
		return err_sys(e, "create Landlock rules for ports");
	for (size_t i = 0; i < count; i++) {
		struct port_attr rule = { ACCESS_CONNECT_TCP, ports[i] };
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) < 0)
			return err_sys(e, "allow port %u in Landlock", ports[i]);
	}
	return lsm_landlock_restrict(ruleset, e);
}

int lsm_landlock_restrict(int ruleset, struct err *e)
{
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "enforce Landlock");
	return 0;
}
