#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The time namespace and its offsets.

load lib

setup()
{
	integration_setup
	[ -e /proc/self/ns/time ] || skip "needs a kernel with time namespaces"
	config '.linux.namespaces += [{type: "time"}]'
}

@test "timens: a time namespace of its own" {
	# crun 1.8.1: fails because it cannot make one here: its child dies without a word
	script 'readlink /proc/self/ns/time; readlink /proc/self/ns/time_for_children'
	ok c_run
	[ "${output%%$'\n'*}" != "$(readlink /proc/self/ns/time)" ]
	# The program and its children are in the same one.
	eq "$(sort -u <<<"${output//_for_children/}" | sed 's/.*://' | sort -u | wc -l)" 1
}

@test "timens: offsets of both clocks" {
	# crun 1.8.1: fails because it cannot make the namespace
	install_probe
	config '.linux.timeOffsets = {monotonic: {secs: 1000000}, boottime: {secs: 2000000}} | .process.args = ["/bin/probe", "clocks"]'
	read -r mono boot <<<"$("$(helper probe)" clocks)"
	ok c_run
	read -r in_mono in_boot <<<"$output"
	((in_mono - mono >= 1000000 && in_mono - mono < 1000100))
	((in_boot - boot >= 2000000 && in_boot - boot < 2000100))
}

@test "timens: nanoseconds and negative seconds" {
	# crun 1.8.1: fails because it cannot make the namespace
	install_probe
	# Not before the machine was started: the kernel refuses that.
	config '.linux.timeOffsets = {boottime: {secs: -3, nanosecs: 5}} | .process.args = ["/bin/probe", "clocks"]'
	read -r _ before <<<"$("$(helper probe)" clocks)"
	ok c_run
	read -r _ in_boot <<<"$output"
	read -r _ after <<<"$("$(helper probe)" clocks)"
	((in_boot + 3 >= before && in_boot + 3 <= after + 1))
}

@test "timens: /proc/uptime follows the boot clock" {
	# crun 1.8.1: fails because it cannot make the namespace
	script 'cat /proc/uptime' '.linux.timeOffsets = {boottime: {secs: 3000000}}'
	ok c_run
	((${output%%.*} >= 3000000))
}

@test "timens: exec is in it too" {
	# crun 1.8.1: fails because it cannot make the namespace
	c_sleeper "$ID" '.linux.timeOffsets = {boottime: {secs: 4000000}}'
	ok husk exec "$ID" cat /proc/uptime
	((${output%%.*} >= 4000000))
}

@test "timens: joined by path" {
	# crun 1.8.1: may fail because it joins after the fork
	unshare --time --fork --kill-child --boottime 5000000 sleep 1000 &
	BG_PIDS+=($!)
	wait_for first_child $!
	other=$(first_child $!)
	wait_for grep -qx sleep "/proc/$other/comm"
	script 'cat /proc/uptime' '(.linux.namespaces[] | select(.type == "time")).path = "/proc/'"$other"'/ns/time"'
	ok c_run
	((${output%%.*} >= 5000000))
}

@test "timens: offsets without a new namespace are refused" {
	# crun 1.8.1: fails because it ignores them
	config '.linux.timeOffsets = {boottime: {secs: 10}} | del(.linux.namespaces[] | select(.type == "time"))'
	fails c_run
	err_has time
}

@test "timens: an unknown clock is refused" {
	# crun 1.8.1: fails because it ignores it
	config '.linux.timeOffsets = {sidereal: {secs: 10}}'
	fails c_run
	err_has sidereal
}

@test "timens: an offset that the kernel refuses is an error" {
	# crun 1.8.1: fails because its child dies without a word
	config '.linux.timeOffsets = {boottime: {secs: -9000000000}}'
	fails c_run
	err_has_any offset time
}
