#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# process.rlimits

load lib

@test "rlimits: soft and hard" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
	script 'ulimit -Sn; ulimit -Hn; ulimit -Hc'
	ok c_run
	out_is $'100\n200\n0'
}

@test "rlimits: every name" {
	# Values at or below what the machine gives, so that no privilege is needed.
	config '.process.rlimits = [{type: "RLIMIT_CPU", soft: 1000, hard: 2000}, {type: "RLIMIT_FSIZE", soft: 10000000, hard: 10000000},
			{type: "RLIMIT_DATA", soft: 100000000, hard: 200000000}, {type: "RLIMIT_STACK", soft: 4194304, hard: 8388608},
			{type: "RLIMIT_CORE", soft: 0, hard: 0}, {type: "RLIMIT_RSS", soft: 1000000, hard: 1000000},
			{type: "RLIMIT_NPROC", soft: 500, hard: 600}, {type: "RLIMIT_NOFILE", soft: 64, hard: 64},
			{type: "RLIMIT_MEMLOCK", soft: 4096, hard: 8192}, {type: "RLIMIT_AS", soft: 1000000000, hard: 2000000000},
			{type: "RLIMIT_LOCKS", soft: 10, hard: 20}, {type: "RLIMIT_SIGPENDING", soft: 100, hard: 200},
			{type: "RLIMIT_MSGQUEUE", soft: 1000, hard: 2000}, {type: "RLIMIT_NICE", soft: 0, hard: 0},
			{type: "RLIMIT_RTPRIO", soft: 0, hard: 0}, {type: "RLIMIT_RTTIME", soft: 100, hard: 200}]'
	script 'sed "s/  */ /g" /proc/self/limits'
	ok c_run
	out_has "Max cpu time 1000 2000" "Max file size 10000000 10000000" "Max data size 100000000 200000000" \
		"Max stack size 4194304 8388608" "Max core file size 0 0" "Max resident set 1000000 1000000" \
		"Max processes 500 600" "Max open files 64 64" "Max locked memory 4096 8192" "Max address space 1000000000 2000000000" \
		"Max file locks 10 20" "Max pending signals 100 200" "Max msgqueue size 1000 2000" "Max nice priority 0 0" \
		"Max realtime priority 0 0" "Max realtime timeout 100 200"
}

@test "rlimits: unlimited is the largest number" {
	script 'grep cpu /proc/self/limits | sed "s/  */ /g"' '.process.rlimits = [{type: "RLIMIT_CPU", soft: 1000, hard: 77777}]'
	# jq keeps numbers as doubles: this one goes in as text
	sed -i 's/77777/18446744073709551615/' "$BUNDLE/config.json"
	ok c_run
	out_has "1000 unlimited"
}

@test "rlimits: raising a hard limit" {
	requires_cap CAP_SYS_RESOURCE
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 900000, hard: 1000000}]'
	script 'ulimit -Hn'
	ok c_run
	out_is 1000000
}

@test "rlimits: raising without the right to is an error that names it" {
	if have_cap CAP_SYS_RESOURCE; then
		skip "needs build machine: no CAP_SYS_RESOURCE"
	fi
	config '.process.rlimits = [{type: "RLIMIT_NPROC", soft: 4000000, hard: 4000000}]'
	fails c_run
	err_has RLIMIT_NPROC
}

@test "rlimits: an unknown type is refused" {
	config '.process.rlimits = [{type: "RLIMIT_FUN", soft: 1, hard: 1}]'
	fails c_run
	err_has RLIMIT_FUN
}

@test "rlimits: a type twice is refused" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 100}, {type: "RLIMIT_NOFILE", soft: 200, hard: 200}]'
	fails c_run
	err_has RLIMIT_NOFILE
}

@test "rlimits: soft above hard is refused" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 20, hard: 10}]'
	fails c_run
	err_has RLIMIT_NOFILE
}

@test "rlimits: none asked for means the caller's" {
	script 'ulimit -Sn; ulimit -Hn'
	ok sh_with 'ulimit -Sn 140; ulimit -Hn 150' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is $'140\n150'
}
