#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A judge with a hundred submissions, see tests/hostile/judge.

load ../integration/lib
load ../integration/sandbox

setup()
{
	sandbox_setup
	requires_controller memory
	requires_controller pids
	requires_program cc /usr/bin/python3
	[ "$(uname -m)" = x86_64 ] || skip "one kind of submission knows a number of x86-64"
}

@test "judge: right, wrong, slow, greedy and hostile submissions get their verdicts" {
	mkdir -m 755 "$TEST_DIR/$T-judge"
	ok env HUSK_TEST="$T" timeout 600 "$BATS_TEST_DIRNAME/judge" "$HUSK" "$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/policies/profiles" \
		"$TEST_DIR/$T-judge"
	out_has "120 submissions:" "16 accepted"
}
