#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.netDevices: interfaces of the host moved into the container.

load lib

setup()
{
	integration_setup
	requires_cap CAP_NET_ADMIN
	requires_program ip
	# Names have 15 characters; the pid makes them this test's own. The far end
	# goes with the near one.
	IF=hn${BASHPID}a
	PEER=hn${BASHPID}b
	ip link add "$IF" type veth peer name "$PEER" 2>/dev/null || skip "needs a kernel with veth"
}

teardown()
{
	ip link del "${PEER:-none}" 2>/dev/null || ip link del "${IF:-none}" 2>/dev/null
	integration_teardown
}

devices() { config --arg i "$IF" ".linux.netDevices = {(\$i): $1}"; }

@test "netdevices: an interface keeps its name and comes up" {
	# crun 1.8.1: fails because it has no netDevices
	devices '{}'
	script "cat /sys/class/net/$IF/flags; ls /sys/class/net"
	ok c_run
	out_has "$IF"
	((${output%%$'\n'*} & 1))
	[ ! -e "/sys/class/net/$IF" ]
}

@test "netdevices: an interface gets another name" {
	# crun 1.8.1: fails because it has no netDevices
	devices '{name: "eth7"}'
	script 'ls /sys/class/net'
	ok c_run
	eq "$(sort <<<"$output" | tr '\n' ' ')" "eth7 lo "
}

@test "netdevices: a pattern" {
	# crun 1.8.1: fails because it has no netDevices
	devices '{name: "net%d"}'
	script 'ls /sys/class/net'
	ok c_run
	out_has net0
}

@test "netdevices: addresses, MTU and MAC are kept" {
	# crun 1.8.1: fails because it has no netDevices
	ip addr add 192.0.2.7/24 dev "$IF"
	ip -6 addr add 2001:db8::7/64 dev "$IF" nodad 2>/dev/null || true
	ip link set "$IF" mtu 1321 address 02:00:00:00:00:77
	devices '{name: "eth0"}'
	script 'ip addr show eth0; cat /sys/class/net/eth0/mtu /sys/class/net/eth0/address'
	ok c_run
	out_has "inet 192.0.2.7/24" 1321 02:00:00:00:00:77
	[ ! -e /proc/net/if_inet6 ] || out_has 2001:db8::7
}

@test "netdevices: an interface that is up with an address is moved too" {
	# crun 1.8.1: fails because it has no netDevices
	ip addr add 192.0.2.8/24 dev "$IF"
	ip link set "$IF" up
	devices '{}'
	script "ip addr show $IF"
	ok c_run
	out_has "192.0.2.8/24"
}

@test "netdevices: a missing interface is named" {
	# crun 1.8.1: fails because it has no netDevices
	config '.linux.netDevices = {"nosuchif0": {}}'
	fails c_create
	err_has nosuchif0
}

@test "netdevices: a name that is taken is an error, and the interface comes back or goes on living" {
	# crun 1.8.1: fails because it has no netDevices
	devices '{name: "lo"}'
	fails c_create
	err_has lo
}

@test "netdevices: wrong names are refused before anything is moved" {
	# crun 1.8.1: fails because it has no netDevices
	for name in waytoolongname16 'a/b' 'a b' . ..; do
		config --arg i "$IF" --arg n "$name" '.linux.netDevices = {($i): {name: $n}}'
		fails c_create
		err_has netDevices
		[ -e "/sys/class/net/$IF" ]
	done
}

@test "netdevices: without an own network namespace they are refused" {
	# crun 1.8.1: fails because it has no netDevices
	devices '{name: "eth0"}'
	config 'del(.linux.namespaces[] | select(.type == "network"))'
	fails c_create
	err_has_any netDevices network
	[ -e "/sys/class/net/$IF" ]
}

@test "netdevices: into a namespace joined by path" {
	# crun 1.8.1: fails because it has no netDevices
	touch "$TEST_DIR/ns"
	unshare --net="$TEST_DIR/ns" true
	devices '{name: "eth0"}'
	config --arg p "$TEST_DIR/ns" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	script 'ls /sys/class/net'
	try c_run
	umount "$TEST_DIR/ns"
	eq "$status" 0
	out_has eth0
}
