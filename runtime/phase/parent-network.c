/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a container: devices that move into it, and what a sandbox is given while init waits with its mounts made. */
#include <fcntl.h>

#include "runtime/phase/parent.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/net/net-address.h"
#include "src/net/net-egress.h"
#include "src/net/net-veth.h"

int parent_net_devices(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan *plan = p->plan;
	char path[64];

	text_format(path, sizeof path, "/proc/%d/ns/net", p->pid);
	p->netns = open(path, O_RDONLY | O_CLOEXEC);
	if (p->netns < 0) {
		err_sys(e, "open %s", path);
		return parent_blame_init(p, e);
	}
	p->moved = arena_new_array(p->arena, plan->net_devices_count, struct net_moved);
	if (!p->moved)
		return arena_check(p->arena, e);
	struct net_mover *mover = net_mover_open(p->netns, e);
	if (!mover)
		return -1;
	int result = 0;
	for (size_t i = 0; i < plan->net_devices_count && result == 0; i++) {
		const struct plan_net_device *d = &plan->net_devices[i];
		result = net_device_move(mover, d->host_name, d->name, &p->moved[i], e);
		if (result == 0)
			p->moved_count++;
	}
	net_mover_close(mover);
	return result < 0 ? -1 : 0;
}

void parent_net_devices_undo(void *ctx)
{
	struct parent *p = ctx;
	struct net_mover *mover = p->moved_count ? net_mover_open(p->netns, NULL) : NULL;

	while (mover && p->moved_count)
		(void)net_device_move_back(mover, &p->moved[--p->moved_count], NULL);
	if (mover)
		net_mover_close(mover);
	drop_fd(&p->netns);
}

int parent_egress(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_network *n = &p->plan->network;

	return net_egress_load(n->nft, p->sandbox_userns, p->sandbox_netns, n->rules, e);
}

int parent_bridge(void *ctx, struct err *e)
{
	struct parent *p = ctx;

	if (net_veth_add(p->sandbox_netns, p->plan->network.veth, e) < 0)
		return err_prefix(e, "network");
	return 0;
}

int parent_user_network(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct plan_network *n = &p->plan->network;

	/* pasta goes on without a port that it cannot have. */
	for (size_t i = 0; i < n->publish_count; i++) {
		if (net_publish_check(&n->publish[i], e) < 0)
			return err_prefix(e, "publish");
	}
	if (net_pasta_start(n->pasta, p->sandbox_userns, p->sandbox_netns, &p->pasta, e) < 0)
		return err_prefix(e, "network: user");
	return 0;
}

void parent_user_network_undo(void *ctx)
{
	struct parent *p = ctx;

	net_pasta_end(&p->pasta);
}
