/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_INSTALL_H
#define HUSK_SECCOMP_INSTALL_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* seccomp(2) itself. Nothing here allocates or uses stdio: init calls it. */

/*
 * Put the calling thread (with TSYNC, all of them) under the filter. @flags are
 * SECCOMP_FILTER_FLAG_*; TSYNC together with NEW_LISTENER gets TSYNC_ESRCH, without which the
 * kernel refuses the pair, and WAIT_KILLABLE_RECV is dropped where there is no listener that it
 * could mean.
 *
 * Returns the listener, close-on-exec, with NEW_LISTENER, and 0 otherwise; or -1 with errno and @e.
 */
int seccomp_install(const struct sock_filter *code, size_t count, unsigned flags, struct err *e);

/*
 * SECCOMP_FILTER_FLAG_* that the running kernel takes, found out without installing anything: with
 * a program at address 0 a known flag gives EFAULT, an unknown one EINVAL (seccomp(2)).
 */
uint64_t seccomp_kernel_flags(void);

/* True if the running kernel knows this SECCOMP_RET_* value (data does not count). */
bool seccomp_kernel_has_action(uint32_t action);

#endif
