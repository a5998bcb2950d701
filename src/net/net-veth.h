/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_VETH_H
#define HUSK_NET_VETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/net/net-address.h"

/* A pair of devices: one end in a bridge of this network namespace, the other in another one. */

/* "DEST=GATEWAY": a prefix, or "default" for all of the gateway's family. */
struct net_route {
	struct net_prefix to, gateway;
};
int net_route_parse(const char *text, struct net_route *r);

struct net_veth {
	const char *bridge;
	const char *name; /* of the end inside */
	struct net_prefix *addresses;
	size_t addresses_count;
	struct net_route *routes;
	size_t routes_count;
	bool has_mac;
	uint8_t mac[6];
	uint32_t mtu; /* 0: as the kernel has it */
};

/*
 * Make it, and set all of it up in the namespace @netnsfd. Both ends end with that namespace. Parent
 * only, as net_mover_open(). Needs CAP_NET_ADMIN in both.
 */
int net_veth_add(int netnsfd, const struct net_veth *v, struct err *e);

#endif
