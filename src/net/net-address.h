/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NET_ADDRESS_H
#define HUSK_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/* Addresses, ports and hardware addresses as people write them. Pure; 0 or -1, and the caller says
 * what was wrong with which text. */

struct net_prefix {
	int family; /* AF_INET, AF_INET6; AF_UNSPEC: every address of both ("*") */
	uint8_t bits;
	uint8_t address[16]; /* network order */
};

/* "192.0.2.1", "2001:db8::/32"; without a length all bits count. Host bits may be set. */
int net_prefix_parse(const char *text, struct net_prefix *p);
/* "192.0.2.0/24"; without the length where all bits count, or where @address_only. */
#define NET_PREFIX_MAX 64
const char *net_prefix_print(const struct net_prefix *p, bool address_only,
			     char out[NET_PREFIX_MAX]);

/* "443" or "8000-8010"; 0 is no port. */
struct net_ports {
	uint16_t first, last; /* 0, 0: every port */
};
int net_ports_parse(const char *text, struct net_ports *p);

enum net_protocol { NET_ANY_PROTOCOL, NET_TCP, NET_UDP };

/* Where to a program may connect: "ADDR[/PREFIX][:PORT[-PORT]][/tcp|/udp]", an IPv6 address with
 * a port in brackets, "*" for every address. */
struct net_endpoint {
	struct net_prefix to;
	struct net_ports ports;
	enum net_protocol protocol;
};
int net_endpoint_parse(const char *text, struct net_endpoint *e);

/* What is published: "[ADDR:]HOST[:INSIDE][/tcp|/udp]" or, with "HOST" alone, the same port inside.
 * An IPv6 address stands in brackets. */
struct net_publish {
	struct net_prefix on; /* AF_UNSPEC: every address of the host */
	uint16_t port_host, port_inside;
	bool udp;
};
int net_publish_parse(const char *text, struct net_publish *p);
/* Can it be listened on here and now? Not pure: it is tried. */
int net_publish_check(const struct net_publish *p, struct err *e);

/* "02:00:00:00:00:01", not of a group. */
int net_mac_parse(const char *text, uint8_t mac[6]);

#endif
