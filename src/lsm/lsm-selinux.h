/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_LSM_SELINUX_H
#define HUSK_LSM_SELINUX_H

#include <stddef.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * 1 if SELinux is on: fs/selinux below @sysfd (a sysfs root) is a selinuxfs that is mounted
 * writable (in a container it is read-only and labels are not ours to set), else 0. Planner.
 */
int lsm_selinux_enabled(int sysfd);

/* [init] Label of the next execve, through a private procfs root (see lsm_apparmor_exec()). */
int lsm_selinux_exec(int procfd, const char *label, struct err *e);

/*
 * [init] Label of keys made from now on, for the session keyring; "" puts the default back.
 * Kernels without the attribute file are no error.
 */
int lsm_selinux_keycreate(int procfd, const char *label, struct err *e);

/*
 * Pure: the mount option for linux.mountLabel, `TYPE="LABEL"`, into @out. @type is "context",
 * "fscontext", "defcontext" or "rootcontext"; NULL is "context". A label with a quote is refused.
 * fsconfig(2) takes the two parts as key and value without the quotes: use @type and @label then.
 * Length or -1.
 */
ssize_t lsm_selinux_mount_option(const char *label, const char *type, char *out, size_t size,
				 struct err *e);

#endif
