#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Races, and death at any moment: never two winners, never a hang, and nothing
# that delete --force does not remove.

load lib

@test "lifecycle: two creates of one id have one winner" {
	for i in 1 2 3 4; do
		bg a "${HUSK_CMD[@]}" create -b "$BUNDLE" "$T-$i"
		a=$!
		bg b "${HUSK_CMD[@]}" create -b "$BUNDLE" "$T-$i"
		b=$!
		wait_bg "$a"
		first=$status
		wait_bg "$b"
		eq "$((first == 0)) $((status == 0))" "$((first == 0)) $((first != 0))"
		status_is created "$T-$i"
		ok husk delete --force "$T-$i"
	done
}

@test "lifecycle: eight creates of one id have one winner" {
	for i in 1 2 3 4 5 6 7 8; do
		bg "c$i" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	done
	won=0
	for pid in "${BG_PIDS[@]}"; do
		wait_bg "$pid"
		[ "$status" != 0 ] || won=$((won + 1))
	done
	eq "$won" 1
	ok husk start "$ID"
}

# killed_at DELAY VERB...: the runtime dies that long after its start
killed_at()
{
	local delay=$1

	shift
	bg victim "${HUSK_CMD[@]}" "$@"
	sleep "$delay"
	kill -KILL $! 2>/dev/null || true
	wait_bg $!
	BG_PIDS=()
}

# The last ones for machines on which everything takes ten times longer.
DELAYS="0 0.001 0.002 0.003 0.004 0.006 0.008 0.012 0.02 0.05"

@test "lifecycle: create killed at any moment, then delete --force" {
	# crun 1.8.1: may fail because it forgets the cgroup
	sleeper
	for delay in $DELAYS; do
		killed_at "$delay" create -b "$BUNDLE" "$ID"
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
	ok c_create
}

@test "lifecycle: create killed at any moment, state and list still answer" {
	# crun 1.8.1: may fail because it forgets the cgroup
	for delay in 0.001 0.003 0.006 0.01; do
		killed_at "$delay" create -b "$BUNDLE" "$ID"
		try husk state "$ID"
		[ "$status" -le 1 ]
		ok husk list -f json
		try husk kill "$ID" KILL
		[ "$status" -le 1 ]
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
}

@test "lifecycle: run killed at any moment, then delete --force" {
	# crun 1.8.1: may fail because it forgets the cgroup
	sleeper
	for delay in $DELAYS; do
		killed_at "$delay" run -b "$BUNDLE" "$ID"
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
}

@test "lifecycle: start killed at any moment, then delete --force" {
	# crun 1.8.1: may fail because it forgets the cgroup
	sleeper
	for delay in 0 0.001 0.002 0.004 0.008; do
		ok c_create
		killed_at "$delay" start "$ID"
		[[ $(c_state .status) =~ ^(created|running|stopped)$ ]]
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
}

@test "lifecycle: delete killed at any moment, then delete --force again" {
	# crun 1.8.1: may fail because it forgets the cgroup
	for delay in 0 0.001 0.002 0.004 0.008; do
		c_sleeper
		killed_at "$delay" delete --force "$ID"
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
}

@test "lifecycle: exec killed at any moment leaves a container that works" {
	c_sleeper
	for delay in 0 0.001 0.002 0.004 0.008; do
		killed_at "$delay" exec "$ID" sleep 0.01
	done
	ok husk exec "$ID" echo alive
	out_is alive
}

@test "lifecycle: delete --force during start" {
	# crun 1.8.1: may fail because files go missing under it
	sleeper
	for i in 1 2 3 4; do
		ok c_create "$T-$i"
		bg s "${HUSK_CMD[@]}" start "$T-$i"
		s=$!
		ok husk delete --force "$T-$i"
		wait_bg "$s"
		fails husk state "$T-$i"
	done
	wait_for nothing_left
}

@test "lifecycle: start of a container whose init is dying does not hang" {
	for i in 1 2 3; do
		ok c_create "$T-$i"
		kill -KILL "$(pid_of "$T-$i")"
		fails husk start "$T-$i"
	done
}

@test "lifecycle: kill, exec and state during the end of the program" {
	# answers, right or \"not running\", never a crash or a hang
	config '.process.args = ["/bin/sleep", "0.02"]'
	ok c_run "$ID" -d
	for i in 1 2 3 4 5 6; do
		try husk exec "$ID" true
		[ "$status" -lt 126 ] || [ "$status" = 137 ]
		try husk kill "$ID" USR1
		[ "$status" -le 1 ]
		ok husk state "$ID"
	done
}

@test "lifecycle: an id can be used again at once, many times" {
	for i in 1 2 3 4 5 6 7 8; do
		ok c_create
		ok husk start "$ID"
		ok husk delete --force "$ID"
	done
}

@test "lifecycle: the whole way as an engine goes it" {
	script 'echo out; exit 3'
	husk create -b "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID" </dev/null >"$TEST_DIR/out" 2>&1 3>&- 4>&-
	pid=$(cat "$TEST_DIR/pid")
	eq "$(c_state '"\(.status) \(.pid)"')" "created $pid"
	ok husk start "$ID"
	wait_status stopped
	eq "$(cat "$TEST_DIR/out")" out
	fails husk kill "$ID" KILL
	ok husk delete "$ID"
	ok husk delete --force "$ID"
}

@test "lifecycle: the caller is a subreaper that gets the exit status" {
	# as conmon does: it waits for init, which is not its child by fork
	script 'exit 29'
	cat >"$TEST_DIR/shim" <<-'END'
	"$@"
	END
	try "$(helper probe)" subreap "${HUSK_CMD[@]}" run -d -b "$BUNDLE" "$ID"
	eq "$status" 0
	status_is stopped
}

@test "lifecycle: out-of-memory at start-up leaves nothing" {
	config '.linux.resources.memory = {limit: 65536, swap: 65536}'
	try c_create
	ok husk delete --force "$ID"
	wait_for nothing_left
}

@test "lifecycle: a full root directory is an error that leaves nothing" {
	requires_root
	mkdir "$ROOT"
	mount -t tmpfs -o size=4k,nr_inodes=2 full "$ROOT"
	try c_create
	failed=$status
	try husk delete --force "$ID"
	umount "$ROOT"
	[ "$failed" != 0 ]
	wait_for nothing_left
}
