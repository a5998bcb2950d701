/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_MNL_H
#define HUSK_NET_MNL_H

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stddef.h>

#include "src/base/err.h"

/*
 * libmnl by dlopen(3), since hardly any container has network devices to move and every library
 * costs each start 0.3 ms and more. Only src/net includes this.
 */
#define NET_MNL_FUNCTIONS(X)                                                                       \
	X(attr_get_payload)                                                                        \
	X(attr_get_payload_len)                                                                    \
	X(attr_get_str)                                                                            \
	X(attr_get_type)                                                                           \
	X(attr_get_u32)                                                                            \
	X(attr_nest_end)                                                                           \
	X(attr_nest_start)                                                                         \
	X(attr_parse)                                                                              \
	X(attr_put)                                                                                \
	X(attr_put_strz)                                                                           \
	X(attr_put_u32)                                                                            \
	X(cb_run)                                                                                  \
	X(nlmsg_get_payload)                                                                       \
	X(nlmsg_put_extra_header)                                                                  \
	X(nlmsg_put_header)                                                                        \
	X(socket_bind)                                                                             \
	X(socket_close)                                                                            \
	X(socket_get_portid)                                                                       \
	X(socket_open2)                                                                            \
	X(socket_recvfrom)                                                                         \
	X(socket_sendto)                                                                           \
	X(socket_setsockopt)

struct net_mnl {
	void *library;
#define X(name) __typeof__(mnl_##name) *name;
	NET_MNL_FUNCTIONS(X)
#undef X
};

/* 0, or -1 with an @e that names the package to install. */
int net_mnl_load(struct net_mnl *mnl, struct err *e);
void net_mnl_unload(struct net_mnl *mnl);

#define NET_REPLY_BYTES 32768 /* the largest part of a dump that the kernel makes */
#define NET_SAID_BYTES  128

/* A route netlink socket of the network namespace in which it was opened. */
struct net_socket {
	const struct net_mnl *mnl;
	struct mnl_socket *socket;
	unsigned sequence;
	char said[NET_SAID_BYTES]; /* the kernel's own words about the last failure, or "" */
	char reply[NET_REPLY_BYTES];
};

int net_socket_open(struct net_socket *s, const struct net_mnl *mnl, struct err *e);
void net_socket_close(struct net_socket *s);

/*
 * Start a message in @room (NET_REQUEST_BYTES, aligned): header of @type and @flags with
 * NLM_F_REQUEST added, then @extra_size zero bytes, to which *extra points.
 */
#define NET_REQUEST_BYTES 1024
struct nlmsghdr *net_request_start(struct net_socket *s, void *room, uint16_t type, uint16_t flags,
				   size_t extra_size, void **extra);

/*
 * Send @request (with NLM_F_ACK or NLM_F_DUMP) and give every reply to @callback, which may be
 * NULL. 0 or -1 with errno and s->said.
 */
int net_request_run(struct net_socket *s, struct nlmsghdr *request, mnl_cb_t callback, void *data);

#endif
