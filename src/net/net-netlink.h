/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_NETLINK_H
#define HUSK_NET_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * Messages of route netlink, as little of it as network devices need. By hand and not by libmnl: husk is
 * linked statically where it can be, and a static program cannot rely on dlopen(3).
 */

#define NET_REPLY_BYTES 32768 /* the largest part of a dump that the kernel makes */
#define NET_SAID_BYTES  128

/* A route netlink socket of the network namespace in which it was opened. */
struct net_socket {
	int fd; /* -1: closed */
	uint32_t sequence, port;
	char said[NET_SAID_BYTES]; /* the kernel's own words about the last failure, or "" */
	_Alignas(NLMSG_ALIGNTO) char reply[NET_REPLY_BYTES];
};

int net_socket_open(struct net_socket *s, struct err *e);
void net_socket_close(struct net_socket *s);

/*
 * Start a message in @room (NET_REQUEST_BYTES, aligned): header of @type and @flags with
 * NLM_F_REQUEST added, then @extra_size zero bytes, to which *extra points.
 */
#define NET_REQUEST_BYTES 1024
struct nlmsghdr *net_request_start(struct net_socket *s, void *room, uint16_t type, uint16_t flags,
				   size_t extra_size, void **extra);

/* Attributes behind that. What does not fit makes net_request_run() fail with EMSGSIZE. */
void net_put(struct nlmsghdr *request, uint16_t type, size_t size, const void *data);
void net_put_u32(struct nlmsghdr *request, uint16_t type, uint32_t value);
void net_put_text(struct nlmsghdr *request, uint16_t type, const char *text);
/* Without a header of an attribute. */
void net_put_bytes(struct nlmsghdr *request, size_t size, const void *data);
/* Everything that is put between the two is inside of the attribute. */
struct nlattr *net_nest_begin(struct nlmsghdr *request, uint16_t type);
void net_nest_end(struct nlmsghdr *request, struct nlattr *nest);

/*
 * Send @request (with NLM_F_ACK or NLM_F_DUMP) and give every reply to @reply, which may be NULL and
 * ends it with -1 and errno. 0 or -1 with errno and s->said. EINTR: a list changed while it was read.
 */
typedef int net_reply(const struct nlmsghdr *answer, void *data);
int net_request_run(struct net_socket *s, struct nlmsghdr *request, net_reply *reply, void *data);

/* What an answer has behind its header, or NULL where it has no @extra_size bytes. */
const void *net_extra(const struct nlmsghdr *answer, size_t extra_size);
/* The attributes behind that, one after the other: @last is NULL for the first. NULL: no more. */
const struct nlattr *net_attr_next(const struct nlmsghdr *answer, size_t extra_size,
				   const struct nlattr *last);
/* Without the flags that the kernel adds. */
int net_attr_type(const struct nlattr *attr);
size_t net_attr_size(const struct nlattr *attr);
const void *net_attr_data(const struct nlattr *attr);
/* 0 where it is not of that size. */
uint32_t net_attr_u32(const struct nlattr *attr);
/* Into @out, which is always ended. */
void net_attr_text(const struct nlattr *attr, char *out, size_t out_size);

#endif
