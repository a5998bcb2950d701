/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_LINK_H
#define HUSK_NET_LINK_H

#include <stdint.h>

#include "src/net/net-device.h"
#include "src/net/net-mnl.h"

/* Between the files of this folder: requests about devices and their addresses. */

struct net_mover {
	struct net_mnl mnl;
	struct net_socket host, inside;
	int netns_host, netns_inside; /* the second is the caller's */
};

union net_request {
	struct nlmsghdr head;
	char room[NET_REQUEST_BYTES];
};

/* 0 with *index, or -1 with errno (ENODEV). */
int net_link_find(struct net_socket *s, const char *name, uint32_t *index);
int net_link_up(struct net_socket *s, uint32_t index);
int net_link_add_address(struct net_socket *s, uint32_t index, const struct net_address *a);
/* Finish an error of a request: the kernel's words, and what is known about the number. -1. */
int net_link_explain(struct err *e, const struct net_socket *s);

#endif
