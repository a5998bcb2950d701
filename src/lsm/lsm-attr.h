/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_LSM_ATTR_H
#define HUSK_LSM_ATTR_H

#include "src/base/err.h"

/*
 * [init] Open @name ("attr/exec") of the calling process below @procfd for writing. Refuses
 * anything on the way that is not a plain directory of that very procfs. fd, or -1 with errno
 * (EXDEV: a mount is in the way or it is no procfs; ENOENT: no such attribute).
 */
int lsm_attr_open(int procfd, const char *name);

/* [init] One write(2) of @value. 0, or -1 with errno: the security module's answer. */
int lsm_attr_put(int fd, const char *value);

/* Append what an errno of the two means. Returns -1. */
int lsm_attr_explain(struct err *e, const char *what, int errnum);

#endif
