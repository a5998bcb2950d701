/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_TOOL_H
#define HUSK_NET_TOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Programs of the host that work on another network namespace: nft(8) inside of it, pasta(1) between
 * it and this one. Parent only; both run on the host's file system, with an environment of their own.
 */

/* Where @name is, in the directories of the system; PATH does not count. 0 or -1. */
#define NET_TOOL_PATH_MAX 64
int net_tool_find(const char *name, char out[NET_TOOL_PATH_MAX]);

/*
 * Run @argv (argv[0] is a path) in the user namespace @userns and its network namespace @netns with
 * @input as standard input, holding CAP_NET_ADMIN over it whoever it is. 0 when it exits with 0;
 * else -1 with what it said.
 */
int net_tool_run(const char *const *argv, int userns, int netns, int input, struct err *e);

/* pasta at work. Zero but for fds of -1: none. */
struct net_pasta {
	pid_t pid; /* or 0 */
	int words; /* what it goes on to say; to be read, or it would wait some day. Non-blocking. */
};
#define NET_PASTA_NONE ((struct net_pasta){ 0, -1 })

/*
 * Start pasta with @argv, which says all but where the namespaces are, and wait until the devices
 * are there. It ends with this process. 0, or -1 with what it said.
 */
int net_pasta_start(const char *const *argv, int userns, int netns, struct net_pasta *p,
		    struct err *e);
/* End it and wait until it is gone; the ports are free then. */
void net_pasta_end(struct net_pasta *p);

#endif
