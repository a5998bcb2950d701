/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network devices. The live tests play the host in a network namespace of a forked child and the
 * container in a second one, so no interface of the machine is touched; ip(8) sets the scene.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/net/net-address.h"
#include "src/net/net-device.h"
#include "src/net/net-egress.h"
#include "src/net/net-loopback.h"
#include "src/net/net-veth.h"
#include "tests/unit/in-child.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void name_check(void **state)
{
	static const struct {
		const char *name;
		bool plain, pattern; /* fine as a name, as a pattern */
	} table[] = {
		{ "eth0", true, true },
		{ "a", true, true },
		{ "fifteen-letters", true, true },
		{ "veth@x.1", true, true },
		{ "eth%d", false, true },
		{ "%d", false, true },
		{ "", false, false },
		{ "sixteen-letters-", false, false },
		{ ".", false, false },
		{ "..", false, false },
		{ "a/b", false, false },
		{ "a b", false, false },
		{ "a\tb", false, false },
		{ "a\nb", false, false },
		{ "a:b", false, false },
		{ "eth%s", false, false },
		{ "eth%", false, false },
		{ "eth%d%d", false, false },
		{ "eth%d%", false, false },
		{ "%%d", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct err e = { 0 };
		if ((net_name_check(table[i].name, false, "netDevices", &e) == 0) !=
			    table[i].plain ||
		    (net_name_check(table[i].name, true, "netDevices", &e) == 0) !=
			    table[i].pattern)
			fail_msg("\"%s\": %s", table[i].name, e.msg);
	}
}

static void run(const char *command)
{
	char text[300];

	snprintf(text, sizeof text, "%s 2>/dev/null", command);
	if (system(text) != 0) {
		dprintf(child_report, "failed: %s", command);
		_exit(1);
	}
}

/* Whether @command, a shell line, succeeds. */
static bool says(const char *command)
{
	return system(command) == 0;
}

static bool lo_is_up(void)
{
	struct ifreq r = { .ifr_name = "lo" };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(ioctl(sock, SIOCGIFFLAGS, &r) == 0);
	close(sock);
	CHECK(r.ifr_flags & IFF_LOOPBACK);
	return r.ifr_flags & IFF_UP;
}

static void loopback_body(void *arg)
{
	struct err e;

	(void)arg;
	if (unshare(CLONE_NEWNET) < 0)
		SKIP_CHILD("no network namespaces");
	CHECK(!lo_is_up());
	CHECK_OK(net_loopback_up(&e), e);
	CHECK(lo_is_up());
	CHECK_OK(net_loopback_up(&e), e);
	if (geteuid() != 0)
		return;
	CHECK(setuid(1) == 0);
	CHECK(net_loopback_up(&e) == -1 && e.errnum == EPERM);
}

static void loopback(void **state)
{
	(void)state;
	need_root();
	child_result(loopback_body, NULL);
}

static int host_ns, container_ns;

static void in_ns(int ns)
{
	CHECK(setns(ns, CLONE_NEWNET) == 0);
}

/* The child's own namespace as the host, with a pair of virtual devices, and another one. */
static void set_scene(void)
{
	if (!says("command -v ip >/dev/null"))
		SKIP_CHILD("no ip(8): package iproute2");
	if (unshare(CLONE_NEWNET) < 0)
		SKIP_CHILD("no network namespaces");
	container_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(unshare(CLONE_NEWNET) == 0);
	host_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!says("ip link add dev0 type veth peer name dev1 2>/dev/null"))
		SKIP_CHILD("this kernel has no veth devices");
	run("ip link set dev0 mtu 1345 address 02:00:00:00:00:42");
	run("ip link set dev0 up");
	run("ip link set dev1 up");
}

static void add_addresses(void)
{
	run("ip addr add 192.0.2.5/24 brd 192.0.2.255 dev dev0");
	run("ip addr add 192.0.2.6/24 dev dev0");
	run("ip addr add 198.51.100.1 peer 198.51.100.2/32 dev dev0");
	run("ip addr add 169.254.7.7/16 scope link dev dev0");
	run("ip addr add 203.0.113.9/24 valid_lft 1000 preferred_lft 1000 dev dev0");
	if (says("test -e /proc/net/if_inet6"))
		run("ip addr add 2001:db8::5/64 nodad dev dev0");
}

#define LIST(family) "ip -" family " -o addr show dev "

static void move_body(void *arg)
{
	static struct net_moved moved;
	struct err e;

	(void)arg;
	set_scene();
	add_addresses();
	struct net_mover *m = net_mover_open(container_ns, &e);
	CHECK_OK(m ? 0 : -1, e);
	/* The sockets are made, and we are where we were. */
	CHECK(says("ip link show dev0 >/dev/null"));
	CHECK_OK(net_device_move(m, "dev0", "eth0", &moved, &e), e);
	CHECK(strcmp(moved.name_host, "dev0") == 0 && strcmp(moved.name_container, "eth0") == 0);
	CHECK(!says("ip link show dev0 >/dev/null 2>&1"));
	in_ns(container_ns);
	CHECK(says("ip -o link show eth0 | grep -q 'UP.*mtu 1345 .*02:00:00:00:00:42'"));
	CHECK(says(LIST("4") "eth0 | grep -q '192.0.2.5/24 brd 192.0.2.255 .*scope global'"));
	CHECK(says(LIST("4") "eth0 | grep -q '192.0.2.6/24'"));
	CHECK(says(LIST("4") "eth0 | grep -q '198.51.100.1 peer 198.51.100.2/32'"));
	if (says("test -e /proc/net/if_inet6"))
		CHECK(says(LIST("6") "eth0 | grep -q '2001:db8::5/64 scope global nodad'"));
	/* Neither what has a lifetime nor what is local to the link. */
	CHECK(!says(LIST("4") "eth0 | grep -q '203.0.113.9\\|169.254.7.7'"));
	/* And back again. */
	in_ns(host_ns);
	CHECK_OK(net_device_move_back(m, &moved, &e), e);
	CHECK(says("ip -o link show dev0 | grep -q 'UP.*mtu 1345 .*02:00:00:00:00:42'"));
	CHECK(says(LIST("4") "dev0 | grep -q '192.0.2.5/24 brd 192.0.2.255 .*scope global'"));
	CHECK(if_nametoindex("dev0") == moved.index_host);
	in_ns(container_ns);
	CHECK(!says("ip link show eth0 >/dev/null 2>&1"));
	net_mover_close(m);
}

/* Own name kept, templates, and an index that is in use on the other side. */
static void names_body(void *arg)
{
	static struct net_moved moved;
	struct err e;

	(void)arg;
	set_scene();
	in_ns(container_ns);
	run("ip link add eth0 type veth peer name eth1");
	run("ip link add more0 type veth peer name more1");
	in_ns(host_ns);
	struct net_mover *m = net_mover_open(container_ns, &e);
	CHECK_OK(m ? 0 : -1, e);
	CHECK_OK(net_device_move(m, "dev0", "eth%d", &moved, &e), e);
	CHECK(strcmp(moved.name_container, "eth2") == 0);
	CHECK(moved.index_container != moved.index_host);
	in_ns(container_ns);
	CHECK(if_nametoindex("eth2") == moved.index_container);
	in_ns(host_ns);
	CHECK_OK(net_device_move_back(m, &moved, &e), e);
	CHECK(if_nametoindex("dev0") == moved.index_host);
	CHECK_OK(net_device_move(m, "dev0", "", &moved, &e), e);
	CHECK(strcmp(moved.name_container, "dev0") == 0);
	CHECK_OK(net_device_move(m, "dev1", NULL, &moved, &e), e);
	CHECK(strcmp(moved.name_container, "dev1") == 0);
	net_mover_close(m);
}

/* Each failure has its words, and leaves the device and its addresses where they were. */
static void failures_body(void *arg)
{
	static struct net_moved moved;
	struct err e;

	(void)arg;
	set_scene();
	add_addresses();
	in_ns(container_ns);
	run("ip link add taken type veth peer name other");
	in_ns(host_ns);
	struct net_mover *m = net_mover_open(container_ns, &e);
	CHECK_OK(m ? 0 : -1, e);
	CHECK(net_device_move(m, "nothing", "x", &moved, &e) == -1 && e.errnum == ENODEV);
	CHECK(strstr(e.msg, "network device nothing: No such device"));
	CHECK(net_device_move(m, "dev0", "taken", &moved, &e) == -1 && e.errnum == EEXIST);
	CHECK(strstr(e.msg, "move network device dev0 to the container as taken: File exists"));
	CHECK(says("ip -o link show dev0 | grep -q UP"));
	/* A name that only the renaming refuses, when the kernel has moved the device already: as
	 * when someone takes the name in the same moment. */
	CHECK(net_device_move(m, "dev0", "a/b", &moved, &e) == -1);
	CHECK(says("ip -o link show dev0 | grep -q UP"));
	CHECK(says(LIST("4") "dev0 | grep -q 192.0.2.5/24"));
	CHECK(net_device_move(m, "lo", "x", &moved, &e) == -1);
	CHECK(e.kind == ERR_UNSUPPORTED && e.errnum == EINVAL &&
	      says("ip link show lo >/dev/null"));
	if (says("ip link add br0 type bridge 2>/dev/null"))
		CHECK(net_device_move(m, "br0", "x", &moved, &e) == -1 && e.errnum == EINVAL);
	CHECK(says(LIST("4") "dev0 | grep -q 192.0.2.5/24"));
	/* IPv6 off in the container: the address cannot be given back, so the device comes home. */
	if (says("test -e /proc/net/if_inet6")) {
		in_ns(container_ns);
		run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
		run("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6");
		in_ns(host_ns);
		CHECK(net_device_move(m, "dev0", "eth0", &moved, &e) == -1);
		CHECK(strstr(e.msg, "set up network device dev0 in the container"));
		CHECK(says("ip -o link show dev0 | grep -q UP"));
		CHECK(says(LIST("4") "dev0 | grep -q 192.0.2.5/24"));
		CHECK(says(LIST("6") "dev0 | grep -q 2001:db8::5/64"));
	}
	net_mover_close(m);
	/* Not a network namespace. */
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	CHECK(net_mover_open(uts, &e) == NULL && e.errnum == EINVAL);
	CHECK(if_nametoindex("dev0") != 0);
	CHECK(setuid(1) == 0);
	CHECK(net_mover_open(container_ns, &e) == NULL && strstr(e.msg, "CAP_SYS_ADMIN"));
}

/* More addresses than fit: an error before anything has moved, since none may get lost. */
static void many_body(void *arg)
{
	static struct net_moved moved;
	struct err e;

	(void)arg;
	set_scene();
	run("for i in $(seq 1 65); do echo addr add 10.1.0.$i/24 dev dev0; done | ip -batch -");
	struct net_mover *m = net_mover_open(container_ns, &e);
	CHECK_OK(m ? 0 : -1, e);
	CHECK(net_device_move(m, "dev0", NULL, &moved, &e) == -1 && e.kind == ERR_UNSUPPORTED);
	CHECK(says("ip link show dev0 | grep -q UP"));
	run("ip addr del 10.1.0.65/24 dev dev0");
	CHECK_OK(net_device_move(m, "dev0", NULL, &moved, &e), e);
	in_ns(container_ns);
	CHECK(says("test $(" LIST("4") "dev0 | wc -l) -eq 64"));
	CHECK(says(LIST("4") "dev0 | head -n 1 | grep -q '10.1.0.1/24 scope global dev0'"));
	net_mover_close(m);
}

/* Nothing may stay open in the process. */
static void leaks_body(void *arg)
{
	struct err e;

	(void)arg;
	set_scene();
	int before = dup(0);
	close(before);
	for (int i = 0; i < 3; i++) {
		struct net_mover *m = net_mover_open(container_ns, &e);
		CHECK_OK(m ? 0 : -1, e);
		net_mover_close(m);
		net_mover_close(NULL);
	}
	int after = dup(0);
	CHECK(before == after);
}

static void moving(void **state)
{
	(void)state;
	need_root();
	child_result(move_body, NULL);
	child_result(names_body, NULL);
}

static void failures(void **state)
{
	(void)state;
	need_root();
	child_result(failures_body, NULL);
	child_result(many_body, NULL);
	child_result(leaks_body, NULL);
}

/* ---- addresses ---- */

/* Where to: as text, and the rule that comes of it; NULL: no such. */
static void endpoints(void **state)
{
	static const struct {
		const char *text, *rule;
	} table[] = {
		{ "192.0.2.1", "\n    ip daddr 192.0.2.1 accept\n" },
		{ "192.0.2.0/24:80", "ip daddr 192.0.2.0/24 meta l4proto { tcp, udp } th dport 80-80 accept" },
		{ "192.0.2.1/tcp", "ip daddr 192.0.2.1 meta l4proto tcp accept" },
		{ "[2001:db8::1]:1-65535/udp",
		  "ip6 daddr 2001:db8::1 meta l4proto udp th dport 1-65535 accept" },
		{ "2001:db8::/32", "\n    ip6 daddr 2001:db8::/32 accept\n" },
		{ "*:53/udp", "\n    meta l4proto udp th dport 53-53 accept\n" },
		{ "*", "\n    accept\n" },
		{ "", NULL },
		{ "example.org", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:0", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1/33", NULL },
		{ "2001:db8::/129", NULL },
		{ "[2001:db8::1]443", NULL },
		{ "192.0.2.1 accept; accept", NULL },
		{ "192.0.2.1:80/tcp/udp", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct net_endpoint to;
		struct arena a;
		int result = net_endpoint_parse(table[i].text, &to);
		if ((result == 0) != (table[i].rule != NULL))
			fail_msg("\"%s\": %d", table[i].text, result);
		if (result < 0)
			continue;
		arena_init(&a, 1 << 20);
		const char *text = net_egress_text(&to, 1, &a);
		if (!strstr(text, table[i].rule) || !strstr(text, "policy drop"))
			fail_msg("\"%s\": %s", table[i].text, text);
		arena_free(&a);
	}
}

static void published(void **state)
{
	static const struct {
		const char *text;
		unsigned host, inside; /* 0: no such */
		bool udp;
		int family;
	} table[] = {
		{ "80", 80, 80, false, AF_UNSPEC },
		{ "8080:80/udp", 8080, 80, true, AF_UNSPEC },
		{ "127.0.0.1:8080:80/tcp", 8080, 80, false, AF_INET },
		{ "127.0.0.1:80", 80, 80, false, AF_INET },
		{ "[::1]:8080:80", 8080, 80, false, AF_INET6 },
		{ "", 0, 0, false, 0 },
		{ "80:", 0, 0, false, 0 },
		{ "80:81:82", 0, 0, false, 0 },
		{ "127.0.0.1", 0, 0, false, 0 },
		{ "[::1]", 0, 0, false, 0 },
		{ "127.0.0.1/8:80", 0, 0, false, 0 },
		{ "80/sctp", 0, 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct net_publish p;
		int result = net_publish_parse(table[i].text, &p);
		if ((result == 0) != (table[i].host != 0))
			fail_msg("\"%s\": %d", table[i].text, result);
		if (result == 0 && (p.port_host != table[i].host || p.udp != table[i].udp ||
				    p.port_inside != table[i].inside || p.on.family != table[i].family))
			fail_msg("\"%s\"", table[i].text);
	}
}

static void routes(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} table[] = {
		{ "default=192.0.2.1", true },	 { "10.0.0.0/8=192.0.2.1", true },
		{ "default=::1", true },	 { "10.0.0.0/8=::1", false },
		{ "default", false },		 { "=192.0.2.1", false },
		{ "default=192.0.2.1/24", false }, { "default=*", false },
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct net_route r;
		if ((net_route_parse(table[i].text, &r) == 0) != table[i].good)
			fail_msg("\"%s\"", table[i].text);
	}
	assert_int_equal(net_mac_parse("02:00:00:00:00:fF", mac), 0);
	assert_int_equal(mac[5], 0xff);
	assert_int_equal(net_mac_parse("03:00:00:00:00:01", mac), -1);
	assert_int_equal(net_mac_parse("02-00-00-00-00-01", mac), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_check),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(published),
		cmocka_unit_test(routes),
		cmocka_unit_test(loopback),
		cmocka_unit_test(moving),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
