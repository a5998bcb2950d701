/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_LSM_LANDLOCK_H
#define HUSK_LSM_LANDLOCK_H

#include <stdint.h>

#include "src/base/err.h"

/*
 * Landlock: a process gives up access to files, for itself and all it starts, for ever.
 * landlock(7); which right came with which version is in the kernel's documentation,
 * userspace-api/landlock.rst.
 */

/* The kernel's Landlock ABI version (1 or more), 0 if it has none or it is not enabled at boot. */
int lsm_landlock_version(void);

/*
 * A ruleset that forbids everything on files that @version knows, signals to processes outside and
 * (from version 6 on) abstract sockets of others. What follows opens it up again. fd or -1.
 */
int lsm_landlock_create(int version, struct err *e);

/* The same for files alone. */
int lsm_landlock_create_files(int version, struct err *e);

/* Below @fd, just what @access says: LANDLOCK_ACCESS_FS_*, without what @version does not know, or
 * what makes no sense on a file. */
int lsm_landlock_allow_only(int ruleset, int version, int fd, uint64_t access, const char *name,
			    struct err *e);

/* Below the file or directory @fd (O_PATH will do) reading and executing is allowed, with @write
 * all else but making device nodes. @name is for errors. */
int lsm_landlock_allow(int ruleset, int version, int fd, int write, const char *name,
		       struct err *e);

/* From now on connections by TCP go to these ports only, to whatever address. Needs version 4, and
 * what lsm_landlock_restrict() needs. */
int lsm_landlock_connect_only(const uint16_t *ports, size_t count, struct err *e);

/* From now on. Needs no_new_privs, or CAP_SYS_ADMIN. */
int lsm_landlock_restrict(int ruleset, struct err *e);

#endif
