/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_LOOPBACK_H
#define HUSK_NET_LOOPBACK_H

#include "src/base/err.h"

/* [init] Bring up "lo" in the caller's network namespace, which must be a new one: three calls. */
int net_loopback_up(struct err *e);

#endif
