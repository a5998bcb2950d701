/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_WAIT_H
#define HUSK_CGROUP_CGROUP_WAIT_H

#include <stdint.h>

/* Internal to src/cgroup/. Wait until @key in the cgroup.events file @fd (v2) has @value. 1, 0 when
 * @timeout_msec (-1: none) is up, -1 with errno. A cgroup that is removed meanwhile counts as 1. */
int cgroup_wait_event(int fd, const char *key, uint64_t value, int timeout_msec);

#endif
