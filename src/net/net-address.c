/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"

#define WORD_MAX 96

int net_prefix_parse(const char *text, struct net_prefix *p)
{
	char address[WORD_MAX];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t bits;

	*p = (struct net_prefix){ .family = AF_UNSPEC };
	if (text_equal(text, "*"))
		return 0;
	if (n >= sizeof address)
		return -1;
	memcpy(address, text, n);
	address[n] = '\0';
	p->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	p->bits = p->family == AF_INET6 ? 128 : 32;
	if (inet_pton(p->family, address, p->address) != 1)
		return -1;
	if (!slash)
		return 0;
	if (text_parse_u32(slash + 1, &bits) < 0 || bits > p->bits)
		return -1;
	p->bits = (uint8_t)bits;
	return 0;
}

const char *net_prefix_print(const struct net_prefix *p, bool address_only,
			     char out[NET_PREFIX_MAX])
{
	unsigned all = p->family == AF_INET6 ? 128 : 32;

	if (p->family == AF_UNSPEC)
		return "*";
	inet_ntop(p->family, p->address, out, NET_PREFIX_MAX);
	size_t n = strlen(out);
	if (!address_only && p->bits < all)
		text_format(out + n, NET_PREFIX_MAX - n, "/%u", p->bits);
	return out;
}

static int parse_port(const char *text, uint16_t *port)
{
	uint32_t value;

	if (text_parse_u32(text, &value) < 0 || !value || value > UINT16_MAX)
		return -1;
	*port = (uint16_t)value;
	return 0;
}

int net_ports_parse(const char *text, struct net_ports *p)
{
	char first[WORD_MAX];
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);

	if (n >= sizeof first)
		return -1;
	memcpy(first, text, n);
	first[n] = '\0';
	if (parse_port(first, &p->first) < 0)
		return -1;
	p->last = p->first;
	if (dash && parse_port(dash + 1, &p->last) < 0)
		return -1;
	return p->first <= p->last ? 0 : -1;
}

/* Take "/tcp" or "/udp" off the end of @text. */
static enum net_protocol cut_protocol(char *text)
{
	size_t n = strlen(text);
	enum net_protocol found = text_ends(text, "/tcp")   ? NET_TCP
				  : text_ends(text, "/udp") ? NET_UDP
							    : NET_ANY_PROTOCOL;

	if (found != NET_ANY_PROTOCOL)
		text[n - 4] = '\0';
	return found;
}

/* Into the address and what follows its colon (NULL: nothing). An IPv6 address that stands without
 * brackets has no port. */
static int split(char *text, char **address, char **rest)
{
	char *colon = strchr(text, ':');

	*address = text;
	*rest = NULL;
	if (*text == '[') {
		char *end = strchr(text, ']');
		*address = text + 1;
		if (!end || !strchr(text, ':') || (end[1] && end[1] != ':'))
			return -1;
		*end = '\0';
		*rest = end[1] ? end + 2 : NULL;
		return 0;
	}
	if (!colon || strchr(colon + 1, ':'))
		return 0;
	*colon = '\0';
	*rest = colon + 1;
	return 0;
}

int net_endpoint_parse(const char *text, struct net_endpoint *e)
{
	char copy[WORD_MAX], *address, *ports;

	*e = (struct net_endpoint){ 0 };
	if (strlen(text) >= sizeof copy)
		return -1;
	memcpy(copy, text, strlen(text) + 1);
	e->protocol = cut_protocol(copy);
	if (split(copy, &address, &ports) < 0 || net_prefix_parse(address, &e->to) < 0)
		return -1;
	return ports ? net_ports_parse(ports, &e->ports) : 0;
}

int net_publish_parse(const char *text, struct net_publish *p)
{
	char copy[WORD_MAX], *ports = copy, *address = NULL;

	*p = (struct net_publish){ 0 };
	if (strlen(text) >= sizeof copy)
		return -1;
	memcpy(copy, text, strlen(text) + 1);
	p->udp = cut_protocol(copy) == NET_UDP;
	char *colon = strchr(copy, ':');
	if (*copy == '[') {
		if (split(copy, &address, &ports) < 0 || !ports)
			return -1;
	} else if (strchr(copy, '.') || (colon && strchr(colon + 1, ':'))) {
		if (!colon)
			return -1;
		*colon = '\0';
		address = copy;
		ports = colon + 1;
	}
	if (address && (strchr(address, '/') || net_prefix_parse(address, &p->on) < 0))
		return -1;
	colon = strchr(ports, ':');
	if (colon)
		*colon = '\0';
	if (parse_port(ports, &p->port_host) < 0)
		return -1;
	p->port_inside = p->port_host;
	return colon ? parse_port(colon + 1, &p->port_inside) : 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int net_mac_parse(const char *text, uint8_t mac[6])
{
	if (strlen(text) != 17)
		return -1;
	for (size_t i = 0; i < 6; i++) {
		int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return -1;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return mac[0] & 1 ? -1 : 0;
}

int net_publish_check(const struct net_publish *p, struct err *e)
{
	char text[NET_PREFIX_MAX];
	int type = p->udp ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(p->port_host) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(p->port_host) };
	bool six = p->on.family == AF_INET6;
	CLEAN_FD int sock = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	memcpy(&v4.sin_addr, p->on.address, sizeof v4.sin_addr);
	memcpy(&v6.sin6_addr, p->on.address, sizeof v6.sin6_addr);
	if (sock < 0)
		return err_sys(e, "create socket");
	/* As servers do: connections of an earlier one that linger are in nobody's way. For UDP it
	 * would mean to share. */
	if (!p->udp)
		setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(sock, six ? (void *)&v6 : (void *)&v4, six ? sizeof v6 : sizeof v4) < 0 ||
	    (!p->udp && listen(sock, 1) < 0))
		return err_sys(e, "listen on %s, %s port %u", net_prefix_print(&p->on, true, text),
			       p->udp ? "UDP" : "TCP", p->port_host);
	return 0;
}
