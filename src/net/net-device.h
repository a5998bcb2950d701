/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_DEVICE_H
#define HUSK_NET_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * Moving network devices into a container's network namespace (linux.netDevices). Parent only:
 * loads libmnl, allocates, and must run in a process with one thread (it visits the other
 * namespace with setns(2) to make a socket there). Needs CAP_NET_ADMIN in both namespaces.
 */

struct net_mover; /* sockets in both namespaces */

/* Pure: a name for a device, or for @pattern also one with a single "%d". Errors name @what. */
int net_name_check(const char *name, bool pattern, const char *what, struct err *e);

/* NULL with @e set. @netnsfd is a network namespace file and stays the caller's. */
struct net_mover *net_mover_open(int netnsfd, struct err *e);
void net_mover_close(struct net_mover *m);

#define NET_ADDRESSES_MAX 64

/* One RTM_NEWADDR message, as the kernel listed it. */
struct net_address {
	uint8_t family, prefix_bits;
	bool has_local, has_address, has_broadcast;
	uint32_t flags;    /* IFA_F_* that may be given when adding */
	uint32_t priority; /* metric of the prefix's route, 0: the kernel's choice */
	/* IFA_LOCAL, IFA_ADDRESS (the peer where there is one), IFA_BROADCAST */
	uint8_t local[16], address[16], broadcast[16];
};

/* A device that was moved: what moving it back needs. */
struct net_moved {
	char name_host[IFNAMSIZ], name_container[IFNAMSIZ];
	uint32_t index_host, index_container;
	bool was_up;
	size_t naddresses;
	struct net_address addresses[NET_ADDRESSES_MAX];
};

/*
 * Move device @name into the namespace as @new_name (NULL or "": keep its name; "eth%d": first
 * free number), give it back its permanent addresses of global scope, which the kernel drops when
 * a device moves (these two conditions are the specification's), and set it up. MTU and hardware
 * address stay by themselves. On failure it is moved back, its addresses and state are restored,
 * and @e says why. Told apart: no such device (ENODEV), name in use (EEXIST), device that is bound
 * to its namespace (EINVAL).
 */
int net_device_move(struct net_mover *m, const char *name, const char *new_name,
		    struct net_moved *out, struct err *e);

/* Undo a move, for a create that fails later. */
int net_device_move_back(struct net_mover *m, const struct net_moved *moved, struct err *e);

#endif
