/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-egress.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/net/net-tool.h"

/* Neighbour discovery and multicast listener reports (RFC 4861, 2710, 3810): ARP's part in IPv6. */
static const char head[] =
	"table inet husk {\n"
	"  chain output {\n"
	"    type filter hook output priority 0; policy drop;\n"
	"    oifname \"lo\" accept\n"
	"    ct state established,related accept\n"
	"    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit,"
	" mld-listener-report, mld2-listener-report } accept\n";
static const char tail[] = "    reject with icmpx type admin-prohibited\n"
			   "  }\n"
			   "}\n";

static const char *rule(const struct net_endpoint *to, struct arena *a)
{
	static const char *const protocols[] = {
		[NET_ANY_PROTOCOL] = "meta l4proto { tcp, udp } ",
		[NET_TCP] = "meta l4proto tcp ",
		[NET_UDP] = "meta l4proto udp ",
	};
	char address[NET_PREFIX_MAX];
	const char *text = "";

	if (to->to.family != AF_UNSPEC)
		text = arena_format(a, "%s daddr %s ", to->to.family == AF_INET6 ? "ip6" : "ip",
				    net_prefix_print(&to->to, false, address));
	/* Without a port and a protocol everything is meant, ping too. */
	if (text && (to->ports.first || to->protocol != NET_ANY_PROTOCOL))
		text = arena_format(a, "%s%s", text, protocols[to->protocol]);
	if (text && to->ports.first)
		text = arena_format(a, "%sth dport %u-%u ", text, to->ports.first, to->ports.last);
	return text;
}

const char *net_egress_text(const struct net_endpoint *allowed, size_t count, struct arena *a)
{
	const char *text = head;

	for (size_t i = 0; i < count && text; i++) {
		const char *match = rule(&allowed[i], a);
		text = match ? arena_format(a, "%s    %saccept\n", text, match) : NULL;
	}
	return text ? arena_format(a, "%s%s", text, tail) : NULL;
}

int net_egress_load(const char *nft, int userns, int netns, const char *text, struct err *e)
{
	const char *const argv[] = { nft, "-f", "-", NULL };
	CLEAN_FD int input = memfd_create("rules", MFD_CLOEXEC);

	if (input < 0 || io_write_full(input, text, strlen(text)) < 0 ||
	    lseek(input, 0, SEEK_SET) < 0)
		return err_sys(e, "write the rules for the network");
	if (net_tool_run(argv, userns, netns, input, e) == 0)
		return 0;
	err_prefix(e, "allow");
	if (e && (strstr(e->msg, "not supported") || strstr(e->msg, "No such file")))
		err_append(e, " (nftables in this kernel: CONFIG_NF_TABLES_INET, CONFIG_NFT_CT and "
			      "CONFIG_NFT_REJECT_INET are needed)");
	return -1;
}
