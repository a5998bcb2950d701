/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NS_PROC_H
#define HUSK_NS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Private procfs handles. Anything that husk writes to procfs inside a container goes through a
 * mount that the image cannot put anything on or into (CVE-2019-16884, CVE-2019-19921,
 * CVE-2025-52881). The descriptor of fsmount(2) for the container's own /proc is as good a handle
 * as one made here: mounts on top of it are noticed, not followed.
 */

/*
 * [init] A detached procfs of the caller's pid namespace: its root as a descriptor, five calls.
 * With @pid_only mounted subset=pid: the process files only, which is what self/attr, oom_score_adj
 * and such need; without it there is sys/ too, so close it at once after use.
 * Where a new instance is refused (a user namespace without a fully visible procfs) a clone of
 * the mount on /proc is taken, then /proc itself, after ns_proc_check().
 */
int ns_proc_open(bool pid_only, struct err *e);

/* [init] 0 if @fd is the root directory of a procfs: its magic number, and inode 1. */
int ns_proc_check(int fd, struct err *e);

/*
 * [init] Open @path below a checked procfs root: no mount point, symlink or magic link on the way,
 * so that the result is a file of that very mount. "self" is such a symlink: a leading "self/" is
 * read and replaced. fd, or -1 with @e (errnum ENOENT: no such file; EXDEV: a mount is on it).
 */
int ns_proc_file(int procfd, const char *path, int flags, struct err *e);

/* [init] Open as above and write @value as it is with one write(2). */
int ns_proc_write(int procfd, const char *path, const char *value, struct err *e);

/*
 * Pure: "net.ipv4.ip_forward" or "net/ipv4/conf/eth0.1/forwarding" to "sys/net/...". As for
 * sysctl(8), the first separator decides which of '.' and '/' separates; with dots as separators
 * a '/' stands for a dot inside a name. Refuses empty, "." and ".." components. Length or -1.
 */
ssize_t ns_proc_sysctl_path(const char *key, char *out, size_t size, struct err *e);

#endif
