/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_JAIL_H
#define HUSK_VMM_JAIL_H

#include "src/base/err.h"

/*
 * What a monitor gives up before it looks at the first byte of a kernel: files, networks, other processes,
 * its user, and all rights. What it holds open stays. The filters of its threads come later (filter.h).
 *
 * The calling process must have one thread. File names mean nothing afterwards.
 */
int jail_enter(struct err *e);

#endif
