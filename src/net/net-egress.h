/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_EGRESS_H
#define HUSK_NET_EGRESS_H

#include <stddef.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/net/net-address.h"

/*
 * Which connections may leave a network namespace: nftables rules in it, which whoever has no
 * CAP_NET_ADMIN there cannot change. What goes over the loopback device, answers to what came in,
 * and what IPv6 needs to find its neighbours is allowed; all else but the list is refused with an
 * ICMP message, so that a program hears of it at once instead of waiting.
 */

/* The text for nft(8), in @a. NULL when memory ran out. */
const char *net_egress_text(const struct net_endpoint *allowed, size_t count, struct arena *a);

/* Load it in the network namespace @netns that belongs to the user namespace @userns, with the
 * program @nft. Errors have nft's own words. */
int net_egress_load(const char *nft, int userns, int netns, const char *text, struct err *e);

#endif
