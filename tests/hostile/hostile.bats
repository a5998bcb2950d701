#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rows of tests/hostile/table: hostile programs, each with the verdict that it has to end with, and a host that is the
# same afterwards.

load ../integration/lib
load ../integration/sandbox
load lib

setup() { hostile_setup; }

@test "hostile: memory of every kind, by the control group" {
	requires_controller memory
	rows memory
}

@test "hostile: memory, without a control group" { rows alone; }

@test "hostile: too many processes" {
	requires_controller pids
	rows many
}

@test "hostile: sleeping, spinning, stopping and hiding" { rows "time"; }
@test "hostile: floods of output" { rows output; }
@test "hostile: files that are too large, and too many" { rows files; }
@test "hostile: other processes, files, sockets and segments" { rows others; }
@test "hostile: the same without the policy" { rows walls; }
@test "hostile: rare entrances of the kernel" { for_x86_64; rows kernel; }
@test "hostile: what the policy kills for" { for_x86_64; rows policy; }
@test "hostile: pretending" { rows fakes; }

@test "hostile: no row is without a group" {
	local group all
	all=$(sed -e '/^#/d' -e '/^$/d' -e 's/ *|.*//' "$BATS_TEST_DIRNAME/table" | sort -u)
	for group in $all; do
		grep -qE "rows \"?$group\"?( |;|\$)" "$BATS_TEST_FILENAME" || { echo "nothing runs $group" >&2; return 1; }
	done
	[ "$(wc -w <<<"$all")" -ge 8 ]
}
