/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-veth.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/text.h"
#include "src/net/net-link.h"

int net_route_parse(const char *text, struct net_route *r)
{
	static const char all[] = "default";
	const char *equals = strchr(text, '=');
	char to[NET_PREFIX_MAX];
	size_t n = equals ? (size_t)(equals - text) : 0;

	*r = (struct net_route){ 0 };
	if (!n || n >= sizeof to || strchr(equals, '/') ||
	    net_prefix_parse(equals + 1, &r->gateway) < 0 || r->gateway.family == AF_UNSPEC)
		return -1;
	memcpy(to, text, n);
	to[n] = '\0';
	if (text_equal(to, all)) {
		r->to.family = r->gateway.family;
		return 0;
	}
	if (net_prefix_parse(to, &r->to) < 0)
		return -1;
	return r->to.family == r->gateway.family ? 0 : -1;
}

static size_t bytes_of(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* One request makes both ends, each where it belongs. */
static int add_pair(struct net_mover *m, const struct net_veth *v, uint32_t bridge)
{
	const struct net_mnl *mnl = &m->mnl;
	union net_request room;
	struct ifinfomsg *info, peer = { 0 };
	void *extra;
	struct nlmsghdr *request =
		net_request_start(&m->host, &room, RTM_NEWLINK,
				  NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof *info, &extra);

	info = extra;
	info->ifi_flags = info->ifi_change = IFF_UP;
	/* The kernel puts in a number that is free. */
	mnl->attr_put_strz(request, IFLA_IFNAME, "husk%d");
	mnl->attr_put_u32(request, IFLA_MASTER, bridge);
	if (v->mtu)
		mnl->attr_put_u32(request, IFLA_MTU, v->mtu);
	struct nlattr *link = mnl->attr_nest_start(request, IFLA_LINKINFO);
	mnl->attr_put_strz(request, IFLA_INFO_KIND, "veth");
	struct nlattr *data = mnl->attr_nest_start(request, IFLA_INFO_DATA);
	/* The peer is a whole message without its header. */
	struct nlattr *inside = mnl->attr_nest_start(request, VETH_INFO_PEER);
	memcpy((char *)request + request->nlmsg_len, &peer, sizeof peer);
	request->nlmsg_len += NLMSG_ALIGN(sizeof peer);
	mnl->attr_put_strz(request, IFLA_IFNAME, v->name);
	mnl->attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)m->netns_inside);
	if (v->has_mac)
		mnl->attr_put(request, IFLA_ADDRESS, sizeof v->mac, v->mac);
	if (v->mtu)
		mnl->attr_put_u32(request, IFLA_MTU, v->mtu);
	mnl->attr_nest_end(request, inside);
	mnl->attr_nest_end(request, data);
	mnl->attr_nest_end(request, link);
	return net_request_run(&m->host, request, NULL, NULL);
}

static int add_address(struct net_mover *m, uint32_t index, const struct net_prefix *p,
		       struct err *e)
{
	char text[NET_PREFIX_MAX];
	struct net_address a = {
		.family = (uint8_t)p->family,
		.prefix_bits = p->bits,
		.has_local = true,
		.has_address = true,
		/* It is to be used at once, and who shares a bridge has to know his neighbours. */
		.flags = p->family == AF_INET6 ? IFA_F_NODAD : 0,
	};

	memcpy(a.local, p->address, sizeof a.local);
	memcpy(a.address, p->address, sizeof a.address);
	if (net_link_add_address(&m->inside, index, &a) == 0)
		return 0;
	err_sys(e, "add address %s", net_prefix_print(p, false, text));
	return net_link_explain(e, &m->inside);
}

static int add_route(struct net_mover *m, uint32_t index, const struct net_route *r, struct err *e)
{
	union net_request room;
	struct rtmsg *info;
	void *extra;
	char to[NET_PREFIX_MAX], gateway[NET_PREFIX_MAX];
	struct nlmsghdr *request =
		net_request_start(&m->inside, &room, RTM_NEWROUTE,
				  NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof *info, &extra);

	info = extra;
	info->rtm_family = (unsigned char)r->gateway.family;
	info->rtm_dst_len = r->to.bits;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	if (r->to.bits)
		m->mnl.attr_put(request, RTA_DST, bytes_of(r->to.family), r->to.address);
	m->mnl.attr_put(request, RTA_GATEWAY, bytes_of(r->gateway.family), r->gateway.address);
	m->mnl.attr_put_u32(request, RTA_OIF, index);
	if (net_request_run(&m->inside, request, NULL, NULL) == 0)
		return 0;
	err_sys(e, "add route to %s by %s",
		r->to.bits ? net_prefix_print(&r->to, false, to) : "all",
		net_prefix_print(&r->gateway, true, gateway));
	return net_link_explain(e, &m->inside);
}

static int add(struct net_mover *m, const struct net_veth *v, struct err *e)
{
	uint32_t bridge, index;

	if (net_link_find(&m->host, v->bridge, &bridge) < 0)
		return err_sys(e, "bridge %s", v->bridge);
	if (add_pair(m, v, bridge) < 0) {
		err_sys(e, "add a device to bridge %s", v->bridge);
		return net_link_explain(e, &m->host);
	}
	if (net_link_find(&m->inside, v->name, &index) < 0 || net_link_up(&m->inside, index) < 0)
		return err_sys(e, "set up network device %s", v->name);
	for (size_t i = 0; i < v->addresses_count; i++) {
		if (add_address(m, index, &v->addresses[i], e) < 0)
			return -1;
	}
	for (size_t i = 0; i < v->routes_count; i++) {
		if (add_route(m, index, &v->routes[i], e) < 0)
			return -1;
	}
	return 0;
}

int net_veth_add(int netnsfd, const struct net_veth *v, struct err *e)
{
	struct net_mover *m = net_mover_open(netnsfd, e);

	if (!m)
		return -1;
	int result = add(m, v, e);
	net_mover_close(m);
	return result;
}
