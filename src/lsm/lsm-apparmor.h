/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_LSM_APPARMOR_H
#define HUSK_LSM_APPARMOR_H

#include "src/base/err.h"

/* 1 if module/apparmor/parameters/enabled below @sysfd (a sysfs root) says Y, else 0. Planner. */
int lsm_apparmor_enabled(int sysfd);

/*
 * [init] Have the next execve enter @profile. @procfd is the caller's private procfs root
 * (ns-proc.h), of any pid namespace that shows the caller: the file is only written when it is
 * one of procfs and nothing is mounted on the way (CVE-2019-16884, CVE-2025-52881).
 * Writes to attr/apparmor/exec (Linux 5.8), else attr/exec.
 * With AppArmor off this is an error, which the planner reports earlier.
 */
int lsm_apparmor_exec(int procfd, const char *profile, struct err *e);

#endif
