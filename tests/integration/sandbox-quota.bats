#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How much husk sandbox lets be written into memory, and its share of the machine.

load lib
load sandbox

setup()
{
	sandbox_setup
	mkdir -m 755 low
	echo lower >low/file
}

# fill: how much can be written, and how many files can be made below /o
fill='dd if=/dev/zero of=/o/big bs=1k count=300 2>/dev/null; wc -c </o/big; rm /o/big
	n=0; while [ $n -lt 60 ] && touch /o/f$n 2>/dev/null; do n=$((n + 1)); done; echo $n'

# few BYTES: so many could be written, and fewer than 20 files made
few()
{
	local bytes files
	{ read -r bytes; read -r files; } <<<"$output"
	eq "$bytes" "$1"
	((files > 0 && files < 20))
}

@test "quota: of the changes of an overlay" {
	ok sandbox --overlay-src "$PWD/low" --tmp-overlay /o sh -c "$fill"
	out_is $'307200\n60'
	ok sandbox --overlay-src "$PWD/low" --size 64K --inodes 20 --tmp-overlay /o sh -c "$fill; cat /o/file"
	few 65536
	requires_user_namespaces
	ok usandbox --overlay-src "$PWD/low" --size 64K --inodes 20 --tmp-overlay /o sh -c "$fill"
	few 65536
}

@test "quota: of all that is private" {
	ok sandbox --tmp-size 128K --overlay-src "$PWD/low" --tmp-overlay /o sh -c "$fill"
	eq "${output%%$'\n'*}" 131072
	fails sandbox --overlay-src "$PWD/low" --size 64K --ro-overlay /o true
	err_has size tmp-overlay
}

@test "quota: --oom-score-adj" {
	ok sandbox --oom-score-adj 500 cat /proc/self/oom_score_adj
	out_is 500
	requires_user_namespaces
	ok usandbox --oom-score-adj 600 cat /proc/self/oom_score_adj
	out_is 600
	fails sandbox --oom-score-adj 2000 true
	err_has oomScoreAdj
}

@test "quota: --cpu-share is the group's" {
	fails sandbox --cpu-share 1 true
	err_has cpuShare
	ok husk sandbox --cpu-share 300 --oom-score-adj 7 --print-config true
	eq "$(jq -c '[.limits.cpuShare, .limits.oomScoreAdj]' <<<"$output")" '[300,7]'
	requires_controller cpu
	ok sandbox --cpu-share 300 --dry-run true
	# v2 counts otherwise: 300 of 1024 is 39 of 100 there, on the curve that systemd and others take.
	case $CGROUP in
	v2) out_has "cpu.weight = 39" ;;
	*) out_has "cpu.shares = 300" ;;
	esac
	ok sandbox --cpu-share 300 echo ran
	out_is ran
}

@test "quota: the kernel kills all or nothing where it can" {
	requires_controller memory
	ok sandbox --memory 32M --dry-run true
	case $CGROUP in
	v2) out_has memory.oom.group ;;
	*) out_lacks memory.oom.group ;;
	esac
	ok sandbox --memory 32M echo ran
	out_is ran
}
