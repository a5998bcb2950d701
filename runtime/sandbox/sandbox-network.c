/* SPDX-License-Identifier: Apache-2.0 */
/* What network a sandbox has beyond a loopback device, and where to it may connect. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/net/net-device.h"
#include "src/net/net-egress.h"
#include "src/net/net-tool.h"
#include "src/net/net-veth.h"

#define RESOLV_PATH      "/etc/resolv.conf"
#define RESOLV_BYTES_MAX (64u << 10)
/* What name servers are reached at inside: a link-local address, which is nobody's on the internet. */
#define DNS_FORWARD    "169.254.1.1"
#define PASTA_ARGS     32 /* those that are always there */
#define LANDLOCK_PORTS 1024

/* ---- without the host ---- */

static int check_publish(const struct sandbox *s, struct err *e)
{
	struct net_publish p;

	if ((s->publish.count || s->host_loopback) && s->network != SANDBOX_NET_USER)
		return err_config(e, "%s: is for a network of mode \"user\" (--network user)",
				  s->publish.count ? "publish" : "hostLoopback");
	for (size_t i = 0; i < s->publish.count; i++) {
		if (net_publish_parse(s->publish.items[i], &p) < 0)
			return err_config(e,
					  "publish[%zu]: \"%s\" is not "
					  "[ADDR:]HOST[:INSIDE][/tcp|/udp]",
					  i, s->publish.items[i]);
	}
	return 0;
}

static int check_lists(const struct sandbox *s, struct err *e)
{
	struct net_prefix prefix;
	struct net_route route;
	uint8_t mac[6];

	for (size_t i = 0; i < s->addresses.count; i++) {
		const char *text = s->addresses.items[i];
		if (net_prefix_parse(text, &prefix) < 0 || prefix.family == AF_UNSPEC)
			return err_config(e, "addresses[%zu]: \"%s\" is not ADDR/PREFIX", i, text);
	}
	for (size_t i = 0; i < s->routes.count; i++) {
		if (net_route_parse(s->routes.items[i], &route) < 0)
			return err_config(e,
					  "routes[%zu]: \"%s\" is not DEST=GATEWAY, with a prefix "
					  "or \"default\", and an address of the same family",
					  i, s->routes.items[i]);
	}
	/* What IPv4 demands of every link (RFC 791), and what its packets can have. */
	if (s->mtu.set && (s->mtu.value < 68 || s->mtu.value > 65535))
		return err_config(e, "mtu: %u is not from 68 to 65535", s->mtu.value);
	if (s->mac && net_mac_parse(s->mac, mac) < 0)
		return err_config(e,
				  "mac: \"%s\" is not the address of one device, such as "
				  "02:00:00:00:00:01",
				  s->mac);
	return 0;
}

static int check_bridge(const struct sandbox *s, struct err *e)
{
	bool wanted = s->network == SANDBOX_NET_BRIDGE;
	const char *other = s->addresses.count ? "addresses"
			    : s->routes.count  ? "routes"
			    : s->mac           ? "mac"
			    : s->mtu.set       ? "mtu"
					       : NULL;

	if (wanted && !s->bridge)
		return err_config(e, "bridge: is missing; mode \"bridge\" needs its name");
	if (other && !wanted)
		return err_config(e,
				  "%s: is for a network of mode \"bridge\" (--network bridge:NAME)",
				  other);
	if (s->bridge && net_name_check(s->bridge, false, "bridge", e) < 0)
		return -1;
	return check_lists(s, e);
}

static int check_allow(const struct sandbox *s, struct err *e)
{
	struct net_endpoint to;

	for (size_t i = 0; i < s->allow.count; i++) {
		if (net_endpoint_parse(s->allow.items[i], &to) < 0)
			return err_config(e,
					  "allow[%zu]: \"%s\" is not "
					  "ADDR[/PREFIX][:PORT[-PORT]][/tcp|/udp], with an IPv6 "
					  "address in brackets before a port; names are not looked "
					  "up",
					  i, s->allow.items[i]);
	}
	if (!s->allow.count)
		return 0;
	if (s->network == SANDBOX_NET_HOST || s->network == SANDBOX_NET_JOIN)
		return err_config(e,
				  "allow: mode \"%s\" is a network of others, whose rules are not "
				  "changed; use --network user or bridge",
				  sandbox_network_name(s->network));
	if (!s->network || s->network == SANDBOX_NET_NONE)
		return err_config(e, "allow: there is nothing but loopback; use --network user");
	return 0;
}

/* ---- families of addresses ---- */

static const struct {
	char name[11]; /* no pointer, which would have to be relocated at each start */
	uint8_t family;
} families[] = {
	{ "unix", AF_UNIX },
	{ "inet", AF_INET },
	{ "inet6", AF_INET6 },
	{ "netlink", AF_NETLINK },
	{ "packet", AF_PACKET },
	{ "vsock", AF_VSOCK },
	{ "bluetooth", AF_BLUETOOTH },
	{ "can", AF_CAN },
	{ "alg", AF_ALG },
	{ "tipc", AF_TIPC },
	{ "rds", AF_RDS },
	{ "kcm", AF_KCM },
	{ "qipcrtr", AF_QIPCRTR },
	{ "smc", AF_SMC },
	{ "xdp", AF_XDP },
	{ "x25", AF_X25 },
	{ "ax25", AF_AX25 },
	{ "phonet", AF_PHONET },
};

/* AF_UNSPEC for "none", -1 for what is none. */
static int family_of(const char *name)
{
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		if (text_equal(families[i].name, name))
			return families[i].family;
	}
	return text_equal(name, "none") ? AF_UNSPEC : -1;
}

static int check_families(const struct sandbox *s, struct err *e)
{
	const struct str_list *list = &s->address_families;

	for (size_t i = 0; i < list->count; i++) {
		int family = family_of(list->items[i]);
		if (family < 0)
			return err_config(e,
					  "addressFamilies[%zu]: \"%s\" is no family (none, unix, "
					  "inet, inet6, netlink, packet, ...)",
					  i, list->items[i]);
		if (family == AF_UNSPEC && list->count > 1)
			return err_config(e, "addressFamilies[%zu]: \"none\" stands alone", i);
	}
	return 0;
}

/* What hides the family from a filter looks as on a kernel that does not have it. */
const char *sandbox_network_policy(const struct sandbox *s, const char *text, struct arena *a)
{
	const struct str_list *list = &s->address_families;
	const char *others = "";

	if (!list->count)
		return text;
	for (size_t i = 0; i < list->count && others; i++) {
		int family = family_of(list->items[i]);
		if (family != AF_UNSPEC)
			others = arena_format(a, "%s%s arg0 != %d", others, i ? " &&" : "", family);
	}
	const char *end = others && *others ? "; " : "";
	return arena_format(a,
			    "%ssocket:%s%s return EAFNOSUPPORT\n"
			    "socketpair:%s%s return EAFNOSUPPORT\n"
			    "socketcall[arch=x86]: return ENOSYS\n"
			    "{io_uring_setup, io_uring_enter, io_uring_register}: return ENOSYS\n",
			    text ? text : "@denylist\n", others, end, others, end);
}

int sandbox_network_check(const struct sandbox *s, struct err *e)
{
	if (s->network == SANDBOX_NET_JOIN && !s->network_path)
		return err_config(e, "networkPath: is missing; \"join\" needs a namespace to join");
	if (s->network_path && *s->network_path != '/')
		return err_config(e, "networkPath: \"%s\" is not an absolute path",
				  s->network_path);
	return check_bridge(s, e) < 0 || check_publish(s, e) < 0 || check_allow(s, e) < 0 ||
			       check_families(s, e) < 0
		       ? -1
		       : 0;
}

/* ---- facts ---- */

static const char *find(const char *name, struct arena *a)
{
	char path[NET_TOOL_PATH_MAX];

	return net_tool_find(name, path) == 0 ? arena_strdup(a, path) : NULL;
}

int sandbox_network_host(const struct sandbox *s, struct arena *a, struct sandbox_host *h,
			 struct err *e)
{
	size_t length;
	char *text;

	if (s->network != SANDBOX_NET_USER && s->network != SANDBOX_NET_BRIDGE)
		return 0;
	if (s->network == SANDBOX_NET_USER)
		h->pasta = find("pasta", a);
	if (s->allow.count)
		h->nft = find("nft", a);
	CLEAN_FD int fd = open(RESOLV_PATH, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return arena_check(a, e); /* there is no DNS */
	if (io_read_file(fd, RESOLV_PATH, RESOLV_BYTES_MAX, a, &text, &length, e) < 0)
		return -1;
	h->resolv_conf = text;
	return arena_check(a, e);
}

/* ---- name servers ---- */

/* Is the line about a name server, and where: on this host alone; by IPv4. */
static bool is_nameserver(const char *line, size_t length, bool *local, bool *v4)
{
	static const char word[] = "nameserver";
	const size_t n = sizeof word - 1;

	if (length <= n || memcmp(line, word, n) != 0 || (line[n] != ' ' && line[n] != '\t'))
		return false;
	const char *address = line + n + strspn(line + n, " \t");
	size_t left = length - (size_t)(address - line);
	*v4 = !memchr(address, ':', left);
	*local = text_starts(address, "127.") || (text_starts(address, "::1") && left == 3);
	return true;
}

/* The host's, but what asks the host itself asks pasta, which passes it on. */
static const char *make_resolv(struct sandbox_builder *b, bool *forward)
{
	const char *text = "", *line = b->host->resolv_conf;
	bool local, v4;

	*forward = false;
	for (size_t n; line && *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		if (is_nameserver(line, n, &local, &v4)) {
			*forward |= v4;
			if (local)
				continue;
		}
		text = text ? arena_format(b->arena, "%s%.*s\n", text, (int)n, line) : NULL;
	}
	*forward &= b->sandbox->network == SANDBOX_NET_USER;
	if (!*forward || !text)
		return text;
	return arena_format(b->arena, "nameserver %s\n%s", DNS_FORWARD, text);
}

/* Over the file of the root: its symlink often leads to where nothing is in here. */
static bool has_resolv(struct sandbox_builder *b)
{
	const char *root = b->spec->root->path;

	return !root || access(arena_format(b->arena, "%s%s", root, RESOLV_PATH), F_OK) == 0;
}

static void add_resolv(struct sandbox_builder *b, const char *text)
{
	if (!has_resolv(b)) {
		sandbox_note(b, "network: the root has no " RESOLV_PATH ", so names are not found");
		return;
	}
	struct spec_mount *m = sandbox_add_mount(b, RESOLV_PATH);
	if (!m || !text)
		return;
	m->make = SPEC_MAKE_DATA;
	m->content = (char *)(uintptr_t)text;
	m->content_bytes = strlen(text);
	m->mode = (struct opt_u32){ true, 0444 };
}

/* ---- user ---- */

struct words {
	char **items;
	size_t count;
};

static void add(struct words *w, const char *word)
{
	w->items[w->count++] = (char *)(uintptr_t)word;
}

/* As pasta has it: ADDR/HOST:INSIDE. "none": it would guess otherwise. */
static void add_ports(struct sandbox_builder *b, struct words *w, bool udp)
{
	const struct spec_sandbox_network *n = &b->spec->sandbox->network;
	char address[NET_PREFIX_MAX];
	bool any = false;

	for (size_t i = 0; i < n->publish_count; i++) {
		const struct net_publish *p = &n->publish[i];
		if (p->udp != udp)
			continue;
		bool all = p->on.family == AF_UNSPEC;
		add(w, udp ? "-u" : "-t");
		add(w, arena_format(b->arena, "%s%s%u:%u",
				    all ? "" : net_prefix_print(&p->on, true, address),
				    all ? "" : "/", p->port_host, p->port_inside));
		any = true;
	}
	if (any)
		return;
	add(w, udp ? "-u" : "-t");
	add(w, "none");
}

/* The namespaces are its standard input and output, and its words and its pid, when it is ready,
 * both come out of its standard error: see net_pasta_start(). */
static void add_pasta(struct sandbox_builder *b, bool forward)
{
	static const char *const always[] = {
		"--foreground",
		"--quiet",
		"--config-net",
		"--no-netns-quit",
		"--userns",
		"/proc/self/fd/0",
		"--netns",
		"/proc/self/fd/1",
		"--pid",
		"/proc/self/fd/2",
		/* Nothing that listens on the host's loopback becomes the sandbox's own. */
		"-T",
		"none",
		"-U",
		"none",
	};
	struct spec_sandbox_network *n = &b->spec->sandbox->network;
	struct words w = { 0 };

	w.items = arena_new_array(b->arena, PASTA_ARGS + 2 * n->publish_count, char *);
	if (!w.items)
		return;
	add(&w, b->host->pasta);
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		add(&w, always[i]);
	/* It would become nobody, whose the sandbox's namespaces are not. It drops its rights. */
	if (b->host->uid == 0) {
		add(&w, "--runas");
		add(&w, "0:0");
	}
	if (!b->sandbox->host_loopback)
		add(&w, "--no-map-gw");
	if (forward) {
		add(&w, "--dns-forward");
		add(&w, DNS_FORWARD);
	}
	add_ports(b, &w, false);
	add_ports(b, &w, true);
	n->pasta = w.items;
}

/* The program has no capability, not even in its own network, so port 80 would be out of its reach. */
static void open_low_ports(struct sandbox_builder *b)
{
	const struct spec_sandbox_network *n = &b->spec->sandbox->network;
	struct spec_linux *l = b->spec->linux_config;
	bool low = false;

	for (size_t i = 0; i < n->publish_count; i++)
		low |= n->publish[i].port_inside < 1024;
	if (!low)
		return;
	l->sysctl = arena_new(b->arena, struct key_value);
	if (!l->sysctl)
		return;
	l->sysctl->key = arena_strdup(b->arena, "net.ipv4.ip_unprivileged_port_start");
	l->sysctl->value = arena_strdup(b->arena, "0");
	l->sysctl_count = 1;
}

static int make_user(struct sandbox_builder *b, struct err *e)
{
	struct spec_sandbox_network *n = &b->spec->sandbox->network;
	const struct str_list *publish = &b->sandbox->publish;
	bool forward;

	if (!b->host->pasta)
		return sandbox_weaken(b, e,
				      "network: mode \"user\" needs pasta, which is not installed "
				      "(package passt)");
	n->publish = arena_new_array(b->arena, publish->count + 1, struct net_publish);
	if (!n->publish)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < publish->count; i++)
		(void)net_publish_parse(publish->items[i], &n->publish[n->publish_count++]);
	const char *resolv = make_resolv(b, &forward);
	if (b->host->resolv_conf)
		add_resolv(b, resolv);
	add_pasta(b, forward);
	open_low_ports(b);
	return arena_check(b->arena, e);
}

/* ---- bridge ---- */

static int make_bridge(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox *s = b->sandbox;
	struct net_veth *v = arena_new(b->arena, struct net_veth);
	bool forward;

	if (b->host->uid != 0)
		return sandbox_weaken(b, e,
				      "network: mode \"bridge\" is for root; others have "
				      "\"user\"");
	if (!v)
		return arena_check(b->arena, e);
	v->bridge = s->bridge;
	v->name = arena_strdup(b->arena, "eth0");
	v->addresses = arena_new_array(b->arena, s->addresses.count + 1, struct net_prefix);
	v->routes = arena_new_array(b->arena, s->routes.count + 1, struct net_route);
	if (!v->addresses || !v->routes)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < s->addresses.count; i++)
		(void)net_prefix_parse(s->addresses.items[i], &v->addresses[v->addresses_count++]);
	for (size_t i = 0; i < s->routes.count; i++)
		(void)net_route_parse(s->routes.items[i], &v->routes[v->routes_count++]);
	v->has_mac = s->mac && net_mac_parse(s->mac, v->mac) == 0;
	v->mtu = s->mtu.set ? s->mtu.value : 0;
	b->spec->sandbox->network.veth = v;
	const char *resolv = make_resolv(b, &forward);
	if (b->host->resolv_conf)
		add_resolv(b, resolv);
	return arena_check(b->arena, e);
}

/* ---- where to ---- */

/* Landlock knows ports, no addresses, and only TCP. A list that it cannot have as a whole is none. */
static void add_wall(struct sandbox_builder *b, const struct net_endpoint *to, size_t count)
{
	struct spec_sandbox_network *n = &b->spec->sandbox->network;

	if (b->sandbox->no_landlock)
		return;
	n->ports = arena_new_array(b->arena, LANDLOCK_PORTS, uint16_t);
	for (size_t i = 0; i < count && n->ports; i++) {
		unsigned last = to[i].ports.last;
		if (to[i].protocol == NET_UDP)
			continue;
		if (!last || n->ports_count + (last - to[i].ports.first + 1u) > LANDLOCK_PORTS)
			return;
		for (unsigned port = to[i].ports.first; port <= last; port++)
			n->ports[n->ports_count++] = (uint16_t)port;
	}
	n->ports_limited = true;
	if (b->host->landlock && b->host->landlock < 4)
		sandbox_note(b, "Landlock: this kernel's has no rules for ports");
}

static int make_allow(struct sandbox_builder *b, struct err *e)
{
	struct spec_sandbox_network *n = &b->spec->sandbox->network;
	const struct str_list *allow = &b->sandbox->allow;
	struct net_endpoint *to = arena_new_array(b->arena, allow->count + 1, struct net_endpoint);

	if (!to)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < allow->count; i++)
		(void)net_endpoint_parse(allow->items[i], &to[i]);
	add_wall(b, to, allow->count);
	if (!b->host->nft)
		return sandbox_weaken(
			b, e, "allow: needs nft, which is not installed (package nftables)");
	n->nft = b->host->nft;
	n->rules = net_egress_text(to, allow->count, b->arena);
	return arena_check(b->arena, e);
}

int sandbox_network_make(struct sandbox_builder *b, struct err *e)
{
	const struct spec_sandbox_network *n = &b->spec->sandbox->network;

	b->made->network = b->sandbox->network;
	if (b->sandbox->network == SANDBOX_NET_USER && make_user(b, e) < 0)
		return -1;
	if (b->sandbox->network == SANDBOX_NET_BRIDGE && make_bridge(b, e) < 0)
		return -1;
	if ((b->sandbox->network == SANDBOX_NET_USER && !n->pasta) ||
	    (b->sandbox->network == SANDBOX_NET_BRIDGE && !n->veth))
		b->made->network = SANDBOX_NET_NONE;
	return b->sandbox->allow.count ? make_allow(b, e) : 0;
}
