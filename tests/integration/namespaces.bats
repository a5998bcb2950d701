#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.namespaces: made, joined by path, inherited, refused.

load lib

host_ns() { readlink "/proc/self/ns/$1"; }
drop_ns() { config "del(.linux.namespaces[] | select(.type == \"$1\"))"; }
join_ns() { config --arg p "$2" "(.linux.namespaces[] | select(.type == \"$1\")).path = \$p"; }

@test "namespaces: a private hostname and domain name" {
	script 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "inner" | .domainname = "example.test"'
	ok c_run
	out_is $'inner\nexample.test'
	[ "$(hostname)" != inner ]
}

@test "namespaces: an absent type is inherited" {
	for ns in network:net ipc:ipc uts:uts cgroup:cgroup pid:pid; do
		script 'readlink /proc/self/ns/'"${ns#*:}" "del(.linux.namespaces[] | select(.type == \"${ns%:*}\")) | del(.hostname)"
		ok c_run
		out_is "$(host_ns "${ns#*:}")"
		make_config_again
	done
}

make_config_again()
{
	rm -rf "$BUNDLE"
	make_bundle "$BUNDLE"
}

@test "namespaces: without a mount namespace the container is refused or chrooted" {
	# crun 1.8.1: may fail because it pivots the host's root
	drop_ns mount
	config '.mounts = [] | del(.hostname)'
	try c_run
	if [ "$status" != 0 ]; then
		err_has mount
	fi
}

@test "namespaces: the program is pid 1 in its own pid namespace" {
	script 'echo $$'
	ok c_run
	out_is 1
}

@test "namespaces: only its own processes are seen" {
	script 'ls -d /proc/[0-9]* | wc -l'
	ok c_run
	((output <= 4))
}

@test "namespaces: network has loopback, and it is up" {
	script 'cat /proc/net/dev | grep -c :; ip addr show lo'
	ok c_run
	eq "${output%%$'\n'*}" 1
	out_has LOOPBACK,UP 127.0.0.1/8
}

@test "namespaces: ipc is separate" {
	script 'cat /proc/sysvipc/shm | wc -l'
	ok c_run
	out_is 1
}

@test "namespaces: network joined by path" {
	requires_cap CAP_NET_ADMIN
	touch "$TEST_DIR/ns"
	unshare --net="$TEST_DIR/ns" true
	join_ns network "$TEST_DIR/ns"
	script 'readlink /proc/self/ns/net'
	ok c_run
	eq "$output" "net:[$(stat -c %i "$TEST_DIR/ns")]"
	umount "$TEST_DIR/ns"
}

@test "namespaces: ipc, uts and network joined from a process" {
	unshare --ipc --uts --net sh -c 'hostname joined; exec sleep 1000' &
	other=$!
	BG_PIDS+=("$other")
	wait_for grep -qx sleep "/proc/$other/comm"
	config 'del(.hostname)'
	for ns in ipc uts; do join_ns $ns "/proc/$other/ns/$ns"; done
	join_ns network "/proc/$other/ns/net"
	script 'readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts; readlink /proc/self/ns/net; hostname'
	ok c_run
	out_is "$(readlink "/proc/$other/ns/ipc")
$(readlink "/proc/$other/ns/uts")
$(readlink "/proc/$other/ns/net")
joined"
}

@test "namespaces: pid joined from another container" {
	c_sleeper "$T-other"
	join_ns pid "/proc/$(pid_of "$T-other")/ns/pid"
	script 'echo $$; cat /proc/1/cmdline | tr "\0" " "'
	ok c_run
	[ "${output%%$'\n'*}" != 1 ]
	out_has "trap"
}

@test "namespaces: pid joined, with a new one of every other kind" {
	c_sleeper "$T-other"
	join_ns pid "/proc/$(pid_of "$T-other")/ns/pid"
	script 'exit 17'
	exits 17 c_run
}

@test "namespaces: mount namespaces cannot be confused: a path of another type" {
	# crun 1.8.1: fails because setns gives EINVAL without the reason
	join_ns network /proc/self/ns/ipc
	fails c_run
	err_has /proc/self/ns/ipc
	err_has_any type "is an ipc" "not a network"
}

@test "namespaces: a path that is no namespace is refused" {
	# crun 1.8.1: may fail because its child dies without a word
	touch "$TEST_DIR/plain"
	join_ns ipc "$TEST_DIR/plain"
	fails c_run
	err_has "$TEST_DIR/plain"
}

@test "namespaces: a path that is missing is named" {
	join_ns uts "$TEST_DIR/none"
	fails c_run
	err_has "$TEST_DIR/none"
}

@test "namespaces: a type twice is refused" {
	# crun 1.8.1: fails because the last one wins
	config '.linux.namespaces += [{type: "ipc"}]'
	fails c_run
	err_has namespaces ipc
}

@test "namespaces: an unknown type is refused" {
	config '.linux.namespaces += [{type: "dream"}]'
	fails c_run
	err_has dream
}

@test "namespaces: a hostname without an own uts namespace is refused" {
	# it would rename the host
	drop_ns uts
	before=$(hostname)
	fails c_run
	err_has_any uts hostname
	eq "$(hostname)" "$before"
}

@test "namespaces: a domainname without an own uts namespace is refused" {
	# crun 1.8.1: may fail because it looks at hostname only
	drop_ns uts
	config 'del(.hostname) | .domainname = "evil.test"'
	before=$(cat /proc/sys/kernel/domainname)
	fails c_run
	eq "$(cat /proc/sys/kernel/domainname)" "$before"
}

@test "namespaces: the cgroup namespace hides the path above" {
	script 'cat /proc/self/cgroup'
	ok c_run
	out_lacks "$T"
	eq "$(grep -cvE ':/$' <<<"$output")" 0
}

@test "namespaces: state and exec work in a container with joined namespaces" {
	c_sleeper "$T-pod"
	p=$(pid_of "$T-pod")
	for ns in ipc uts; do join_ns $ns "/proc/$p/ns/$ns"; done
	join_ns network "/proc/$p/ns/net"
	config 'del(.hostname)'
	c_sleeper
	ok husk exec "$ID" hostname
	out_is husk-test
	ok husk delete --force "$ID"
	status_is running "$T-pod"
}
