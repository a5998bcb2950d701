/* SPDX-License-Identifier: Apache-2.0 */
/* The network of a sandbox: what the parent does about it while init waits with its mounts made. */
#include "runtime/phase/parent.h"
#include "src/net/net-address.h"
#include "src/net/net-egress.h"
#include "src/net/net-veth.h"

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
