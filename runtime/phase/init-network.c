/* SPDX-License-Identifier: Apache-2.0 */
/* What init does about its network; most of it is the parent's part (parent-network.c). */
#include <fcntl.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"
#include "src/net/net-loopback.h"

/* Before the parent's hooks, which may configure the network. */
int init_loopback(void *ctx, struct err *e)
{
	(void)ctx;
	return net_loopback_up(e);
}

/* A parent that is not root may not open these by way of /proc: this process cannot be dumped. */
int init_send_namespaces(const struct init *c, struct err *e)
{
	CLEAN_FD int user = openat(c->procfd, "self/ns/user", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int net = openat(c->procfd, "self/ns/net", O_RDONLY | O_CLOEXEC);
	const int fds[] = { user, net };

	if (user < 0 || net < 0)
		return err_sys(e, "open /proc/self/ns");
	return sync_send_body(c->sync, SYNC_MOUNTED, NULL, 0, fds, 2, e);
}
