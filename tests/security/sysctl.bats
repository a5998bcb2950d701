#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2022-0811 and its class: linux.sysctl sets what belongs to the container's
# own namespaces, and with exactly that value.

load lib

setup()
{
	integration_setup
	keep_core_pattern
	config '.linux.sysctl = {"KEY": "VALUE"} | .process.args = ["/bin/cat", "SHOWN"]'
	template
}

teardown()
{
	restore_core_pattern
	integration_teardown
}

host_unchanged() { eq "$(cat /proc/sys/kernel/core_pattern)" "$CORE"; }

# sysctl KEY VALUE
sysctl()
{
	local path=${1//.//}

	filled KEY "$1" VALUE "$2" SHOWN "/proc/sys/$path"
}

# The program would succeed: what fails is the runtime.
refused()
{
	filled KEY "$1" VALUE "$2" SHOWN /dev/null
	fails c_run
	host_unchanged
}

# Shown to detect: each ends in a good one that is taken, and is then there.
@test "sysctl: only names of a namespace" {
	for key in kernel.core_pattern kernel/core_pattern kernel.modprobe kernel.hotplug kernel.sysrq kernel.pid_max \
		kernel.randomize_va_space kernel.yama.ptrace_scope kernel.hostname kernel.shm_rmid_forcedx kernel.shm kernel.sem.x \
		vm.overcommit_memory vm.drop_caches fs.file-max fs.mqueue fs.mqueuex.y fs.suid_dumpable dev.tty.legacy_tiocsti user.max_user_namespaces \
		net netx.y abi.vsyscall32 sunrpc.x '' . .. / ./ ' ' 'kernel.shmmax ' ' kernel.shmmax' Kernel.shmmax; do
		# If it were taken: the value that is there.
		value=1
		[ ! -f "/proc/sys/${key//.//}" ] || value=$(cat "/proc/sys/${key//.//}" 2>/dev/null) || value=1
		refused "$key" "$value"
	done
	sysctl kernel.shmmax 4321
	ok c_run
	out_is 4321
	control "a name of a namespace"
}

@test "sysctl: a name does not lead elsewhere" {
	for key in net.../kernel.core_pattern net/../kernel/core_pattern net.ipv4.../../../kernel.core_pattern net.//.kernel.core_pattern \
		net.//.//.kernel.core_pattern fs.mqueue.//.//.//.kernel.core_pattern net.ipv4..//..//.kernel.core_pattern net..kernel \
		net.ipv4.conf./.../.. net.ipv4/../../../kernel/core_pattern net.ipv4.ip_default_ttl/ net.ipv4.ip_default_ttl. \
		$'net.ipv4.ip_default_ttl\nkernel.core_pattern' $'net.\tipv4' 'net.ipv4.ip_default_ttl=1+kernel.core_pattern'; do
		refused "$key" core
	done
	sysctl net.ipv4.ip_default_ttl 77
	ok c_run
	out_is 77
	control "a name"
}

@test "sysctl: a value does not set something else" {
	for value in '1+kernel.core_pattern=|/evil' '1 kernel.core_pattern=|/evil' $'1\nkernel.core_pattern=|/evil' '1,kernel.core_pattern' '1;x' '|/evil' 1x '$(x)'; do
		refused kernel.shm_rmid_forced "$value"
	done
	for value in '1+kernel.core_pattern=|/evil' $'1\nkernel.core_pattern=|/evil' '1=2' $'\x01' $'\x7f'; do
		refused net.ipv4.ip_default_ttl "$value"
	done
	sysctl kernel.shm_rmid_forced 1
	ok c_run
	out_is 1
	control "a value"
}

# Without that namespace it would be the host's. Shown to detect: with it, it is taken.
@test "sysctl: only with a namespace of that kind" {
	while read -r type key value; do
		sysctl "$key" "$value"
		config 'del(.hostname)'
		ok c_run
		out_is "$value"
		config "del(.linux.namespaces[] | select(.type == \"$type\")) | .process.args = [\"/bin/true\"]"
		fails c_run
	done <<-'END'
		network net.ipv4.ip_default_ttl 77
		ipc kernel.msgmax 4321
		ipc fs.mqueue.msg_max 12
		uts kernel.domainname husk.test
	END
}

# A namespace that is joined may be the runtime's own: then it is the host's
# sysctl after all. Shown to detect: the outer namespaces are read afterwards.
@test "sysctl: nor by joining the runtime's own namespace" {
	cat >"$TEST_DIR/outer" <<-'END'
		#!/bin/sh
		# In namespaces that are nobody's: what the host has is what they have.
		"$@" </dev/null >/dev/null 2>"$0.err"
		echo "status $?"
		cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax /proc/sys/kernel/domainname
	END
	chmod +x "$TEST_DIR/outer"
	outer() { unshare -n -i -u --fork "$TEST_DIR/outer" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"; }
	config 'del(.hostname) | .process.args = ["/bin/true"]'
	config '.linux.sysctl = {}'
	ok outer
	before=$(tail -n +2 <<<"$output")
	while read -r type name key value; do
		for path in /proc/self/ns/$name /proc/thread-self/ns/$name; do
			sysctl "$key" "$value"
			config "del(.hostname) | .process.args = [\"/bin/true\"] | (.linux.namespaces[] | select(.type == \"$type\")) += {path: \"$path\"}"
			try outer
			eq "$(tail -n +2 <<<"$output")" "$before" || { echo "$key by joining $path: $(cat "$TEST_DIR/outer.err")" >&2; return 1; }
		done
	done <<-'END'
		network net net.ipv4.ip_default_ttl 77
		ipc ipc kernel.msgmax 4321
		uts uts kernel.domainname husk.test
	END
}

# Neither is the host's name the container's to set.
@test "sysctl: hostname and domainname do not reach the runtime's own namespace" {
	cat >"$TEST_DIR/outer" <<-'END'
		#!/bin/sh
		hostname outer-name
		"$@" </dev/null >/dev/null 2>&1
		hostname; cat /proc/sys/kernel/domainname
	END
	chmod +x "$TEST_DIR/outer"
	outer() { unshare -u --fork "$TEST_DIR/outer" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"; }
	config '.process.args = ["/bin/true"] | .linux.sysctl = {} | .hostname = "inner" | .domainname = "inner.domain"'
	ok outer
	out_has outer-name
	out_lacks inner
	config '(.linux.namespaces[] | select(.type == "uts")) += {path: "/proc/self/ns/uts"}'
	try outer
	out_lacks inner
	config '.linux.namespaces |= map(select(.type != "uts"))'
	try outer
	out_lacks inner
}
