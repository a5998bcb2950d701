/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_FILTER_H
#define HUSK_VMM_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "src/base/err.h"

/*
 * What the monitor's threads may still ask of the kernel once the guest runs: policies/self/vm-vcpu.policy
 * and vm-monitor.policy as instructions (tests/policy/self.c compares them).
 */
enum filter_role {
	FILTER_VCPU = 1,
	FILTER_MONITOR,
};

#define FILTER_MAX 256

size_t filter_make(enum filter_role role, struct sock_filter code[FILTER_MAX]);
/* For the calling thread, for ever. Needs no_new_privs. */
int filter_enter(enum filter_role role, struct err *e);

#endif
