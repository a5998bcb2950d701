#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events: numbers of the container as JSON lines, in the types of runc.

load lib

@test "events: --stats prints one line and ends" {
	# crun 1.8.1: fails because it has no events
	c_sleeper
	ok husk events --stats "$ID"
	eq "$(wc -l <<<"$output")" 1
	eq "$(jq -r '.type' <<<"$output")" stats
	eq "$(jq -r '.id' <<<"$output")" "$ID"
}

@test "events: --stats has processor, memory and pids" {
	# crun 1.8.1: fails because it has no events
	c_sleeper "$ID" '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}'
	ok husk events --stats "$ID"
	eq "$(jq '.data.cpu.usage.total > 0' <<<"$output")" true
	eq "$(jq '.data.memory.usage.usage > 0' <<<"$output")" true
	eq "$(jq '.data.memory.usage.limit' <<<"$output")" 67108864
	eq "$(jq '.data.pids.current >= 1' <<<"$output")" true
	eq "$(jq '.data.pids.limit' <<<"$output")" 20
}

@test "events: --stats of a created container" {
	# crun 1.8.1: fails because it has no events
	ok c_create
	ok husk events --stats "$ID"
	eq "$(jq '.data.pids.current' <<<"$output")" 1
}

@test "events: without --stats there is a line per interval, until the end" {
	# crun 1.8.1: fails because it has no events
	c_sleeper
	bg ev "${HUSK_CMD[@]}" events --interval 50ms "$ID"
	three() { [ "$(grep -c '"stats"' "$TEST_DIR/ev.out")" -ge 3 ]; }
	wait_for three
	ok husk kill "$ID" KILL
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 0
	jq -es 'all(.type == "stats" or .type == "oom")' "$TEST_DIR/ev.out" >/dev/null
}

@test "events: an out-of-memory kill is reported" {
	# crun 1.8.1: fails because it has no events
	install_probe
	c_sleeper "$ID" '.linux.resources = {memory: {limit: 16777216, swap: 16777216}}'
	bg ev "${HUSK_CMD[@]}" events --interval 10s "$ID"
	wait_for grep -q stats "$TEST_DIR/ev.out"
	try husk exec "$ID" /bin/probe alloc 64
	eq "$status" 137
	wait_for grep -q '"oom"' "$TEST_DIR/ev.out"
}

@test "events: intervals in the usual spellings" {
	# crun 1.8.1: fails because it has no events
	c_sleeper
	for i in 5s 100ms 1m 1m30s; do
		ok husk events --stats --interval "$i" "$ID"
	done
	for i in 0 0s -1s x 5 ''; do
		fails husk events --stats --interval "$i" "$ID"
		err_has interval
	done
}

@test "events: an unknown container does not exist" {
	# crun 1.8.1: fails because it has no events
	fails husk events --stats "$ID"
	err_has "does not exist"
}

@test "events: a stopped container" {
	# crun 1.8.1: fails because it has no events
	c_stopped
	fails husk events --stats "$ID"
	err_has_any "not running" stopped
}
