#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run: create, start, wait and delete in one.

load lib

@test "run: exit status 0 and nothing stays" {
	ok c_run
	fails husk state "$ID"
}

@test "run: the program's exit status is passed through" {
	for want in 1 7 125 255; do
		script "exit $want"
		exits "$want" c_run
	done
}

@test "run: death by signal is 128 plus the signal" {
	for sig in TERM:143 KILL:137 SEGV:139; do
		script 'sh -c "kill -'"${sig%:*}"' \$PPID"; sleep 10' 'del(.linux.namespaces[] | select(.type == "pid"))'
		exits "${sig#*:}" c_run
	done
}

@test "run: stdout and stderr stay apart" {
	script 'echo out; echo err >&2'
	ok c_run
	eq "$output" out
	eq "$stderr" err
}

@test "run: stdin is the container's" {
	script 'cat'
	got=$(echo through | husk run -b "$BUNDLE" "$ID")
	eq "$got" through
}

@test "run: a big output arrives whole" {
	script 'dd if=/dev/zero bs=64k count=32 2>/dev/null'
	eq "$(husk run -b "$BUNDLE" "$ID" | wc -c)" 2097152
}

@test "run: the same id again and again" {
	for i in 1 2 3 4 5; do
		ok c_run
	done
}

@test "run: --detach returns while the program runs" {
	sleeper
	ok c_run "$ID" --detach
	status_is running
	kill -0 "$(pid_of)"
}

@test "run: --detach with --pid-file" {
	sleeper
	ok c_run "$ID" -d --pid-file "$TEST_DIR/pid"
	eq "$(cat "$TEST_DIR/pid")" "$(pid_of)"
}

@test "run: a detached container that ended is stopped until it is deleted" {
	ok c_run "$ID" --detach
	wait_status stopped
	ok husk delete "$ID"
	fails husk state "$ID"
}

@test "run: --detach leaves no process of the runtime" {
	c_sleeper
	[ -z "$(processes_with "$T" cmdline)" ]
}

@test "run: --keep keeps the container's state" {
	# crun 1.8.1: fails because it has no such flag
	ok c_run "$ID" --keep
	status_is stopped
	ok husk delete "$ID"
}

@test "run: --pid-file in the foreground has init's pid" {
	script 'echo up; sleep 1000'
	bg fg "${HUSK_CMD[@]}" run -b "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID"
	wait_for grep -q up "$TEST_DIR/fg.out"
	eq "$(cat "$TEST_DIR/pid")" "$(pid_of)"
	ok husk kill "$ID" KILL
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 137
}

@test "run: -b, -f and the default bundle" {
	script 'echo here' '.annotations = {}'
	cd "$BUNDLE"
	ok husk run "$ID"
	out_is here
	mv config.json elsewhere.json
	ok husk run -f elsewhere.json "$ID"
	out_is here
}

@test "run: an invalid configuration ends with 1, not 125 or 126" {
	config '.process.rlimits = [{type: "RLIMIT_NO_SUCH", soft: 1, hard: 1}]'
	fails 1 c_run
	err_has RLIMIT_NO_SUCH
}

@test "run: children that daemonise die with the pid namespace" {
	script 'setsid sleep 1234 >/dev/null 2>&1 & echo $!'
	ok c_run
}

@test "run: children that daemonise without a pid namespace are killed" {
	# crun 1.8.1: fails because it waits until they end by themselves
	script 'setsid sleep 1234 >/dev/null 2>&1 & exit 0' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run
	[ -z "$(processes_with "HUSK_TEST=$T" environ)" ]
}

@test "run: a child that outlives the program and holds stdout does not block" {
	script 'sleep 1234 & exit 3'
	exits 3 c_run
}

@test "run: zombies of the container are the container's" {
	# A program whose orphans nobody waits for: run still ends with its status.
	script '(sleep 0.01 & ) ; (true & ); sleep 0.05; exit 4' 'del(.linux.namespaces[] | select(.type == "pid"))'
	exits 4 c_run
}

@test "run: killing the runtime leaves a container that delete --force removes" {
	script 'echo up; sleep 1000'
	bg fg "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	wait_for grep -q up "$TEST_DIR/fg.out"
	kill -KILL "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	ok husk delete --force "$ID"
	fails husk state "$ID"
}

@test "run: no-subreaper is accepted" {
	ok c_run "$ID" --no-subreaper
}

@test "run: two at a time" {
	script 'exit 5'
	for i in 1 2 3 4; do
		bg "r$i" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$T-$i"
	done
	for pid in "${BG_PIDS[@]}"; do
		wait_bg "$pid"
		eq "$status" 5
	done
}

@test "run: another verb can delete the container under a foreground run" {
	# crun 1.8.1: may fail because the two deletions collide
	script 'echo up; sleep 1000'
	bg fg "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	wait_for grep -q up "$TEST_DIR/fg.out"
	ok husk delete --force "$ID"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 137
}

@test "run: the environment is the configuration's and no other" {
	script 'env'
	try env LEAKED=yes "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$status" 0
	out_lacks LEAKED
	out_has "HUSK_TEST=$T"
}
