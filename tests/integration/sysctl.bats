#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.sysctl: only what belongs to a namespace of the container.

load lib

sysctls() { config --argjson s "$1" '.linux.sysctl = $s'; }

@test "sysctl: network, ipc and uts ones are set" {
	sysctls '{"net.ipv4.ip_forward": "1", "kernel.shmmni": "1234", "kernel.msgmax": "9000", "kernel.sem": "250 32000 100 200", "kernel.domainname": "dom.test"}'
	script 'cd /proc/sys; cat net/ipv4/ip_forward kernel/shmmni kernel/msgmax kernel/sem kernel/domainname | tr "\t" " "'
	ok c_run
	out_is $'1\n1234\n9000\n250 32000 100 200\ndom.test'
}

@test "sysctl: fs.mqueue" {
	[ -d /proc/sys/fs/mqueue ] || skip "needs a kernel with message queues"
	sysctls '{"fs.mqueue.msg_max": "77"}'
	script 'cat /proc/sys/fs/mqueue/msg_max'
	ok c_run
	out_is 77
}

@test "sysctl: an interface name with dots is written with slashes" {
	sysctls '{"net/ipv4/conf/lo/forwarding": "1"}'
	script 'cat /proc/sys/net/ipv4/conf/lo/forwarding'
	ok c_run
	out_is 1
}

@test "sysctl: the host's values stay" {
	before=$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni)
	sysctls '{"net.ipv4.ip_forward": "1", "kernel.shmmni": "77"}'
	ok c_run
	eq "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni)" "$before"
}

# refused KEY VALUE: with the key, or its path, in the message
refused()
{
	local path=/proc/sys/${1//.//} before

	before=$(cat "$path" 2>/dev/null || true)
	config --arg k "$1" --arg v "$2" '.linux.sysctl = {($k): $v}'
	fails c_run
	err_has_any "linux.sysctl" "$1" "${path#/proc/sys/}"
	eq "$(cat "$path" 2>/dev/null || true)" "$before"
}

@test "sysctl: ones of the whole machine are refused" {
	refused kernel.core_pattern '|/bin/evil'
	refused vm.swappiness 1
	refused kernel.pid_max 400000
	refused fs.file-max 1000000
}

@test "sysctl: a network one without an own network namespace is refused" {
	config 'del(.linux.namespaces[] | select(.type == "network"))'
	refused net.ipv4.ip_forward 1
}

@test "sysctl: an ipc one without an own ipc namespace is refused" {
	config 'del(.linux.namespaces[] | select(.type == "ipc"))'
	refused kernel.shmmni 77
}

@test "sysctl: a uts one without an own uts namespace is refused" {
	config 'del(.hostname) | del(.linux.namespaces[] | select(.type == "uts"))'
	refused kernel.domainname evil
}

@test "sysctl: a key that leaves the tree is refused" {
	refused net/../kernel/core_pattern evil
	refused 'net.ipv4.../../../kernel/core_pattern' evil
	refused net//../../kernel.core_pattern evil
}

@test "sysctl: a value that is more than one is refused or has no effect elsewhere" {
	before=$(cat /proc/sys/kernel/core_pattern)
	config '.linux.sysctl = {"kernel.shm_rmid_forced": "1+kernel.core_pattern=evil"}'
	fails c_run
	eq "$(cat /proc/sys/kernel/core_pattern)" "$before"
}

@test "sysctl: an unknown key is an error" {
	refused net.ipv4.no_such_key 1
}

@test "sysctl: a value that the kernel refuses is an error" {
	refused kernel.shmmni not-a-number
}

@test "sysctl: numbers must be strings" {
	# crun 1.8.1: may fail because it drops what is no string
	config '.linux.sysctl = {"net.ipv4.ip_forward": 1}'
	fails c_run
	err_has sysctl
}

@test "sysctl: a mount over /proc/sys of the image is not written to" {
	mkdir -p "$TEST_DIR/fake/net/ipv4"
	echo fake >"$TEST_DIR/fake/net/ipv4/ip_forward"
	config --arg s "$TEST_DIR/fake" '.mounts += [{destination: "/proc/sys", type: "bind", source: $s, options: ["bind"]}] | .linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	try c_run
	eq "$(cat "$TEST_DIR/fake/net/ipv4/ip_forward")" fake
}
