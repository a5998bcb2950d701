#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill: signals by every spelling, only to what is created or running.

load lib

# A container that writes the number of each signal it gets to /got.
catcher()
{
	script 'for s in 1 2 10 12 15 17 28; do trap "echo $s >>/got" $s; done
		echo ready; while :; do sleep 1000 & wait $!; done'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
}

got() { wait_for grep -qx "$1" "$ROOTFS/got"; }

@test "kill: the default is SIGTERM" {
	catcher
	ok husk kill "$ID"
	got 15
}

@test "kill: a number" {
	catcher
	ok husk kill "$ID" 10
	got 10
}

@test "kill: a name with and without SIG, in any case" {
	# crun 1.8.1: fails because it wants upper case
	catcher
	ok husk kill "$ID" SIGUSR1
	got 10
	ok husk kill "$ID" USR2
	got 12
	ok husk kill "$ID" winch
	got 28
	ok husk kill "$ID" sighup
	got 1
}

@test "kill: a realtime signal by number and name" {
	sleeper
	ok c_run "$ID" -d
	ok husk kill "$ID" 37
	ok husk kill "$ID" SIGRTMIN+3
	ok husk kill "$ID" RTMAX-1
}

@test "kill: SIGKILL ends the container" {
	c_sleeper
	ok husk kill "$ID" KILL
	wait_status stopped
}

@test "kill: 9 ends the container" {
	c_sleeper
	ok husk kill "$ID" 9
	wait_status stopped
}

@test "kill: a created container can be killed" {
	ok c_create
	ok husk kill "$ID" KILL
	wait_status stopped
	ok husk delete "$ID"
}

@test "kill: a paused container takes SIGKILL" {
	requires_freezer
	c_sleeper
	ok husk pause "$ID"
	ok husk kill "$ID" KILL
	try husk resume "$ID"
	wait_status stopped
}

@test "kill: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk kill "$ID" TERM
	err_has "does not exist"
}

@test "kill: a stopped container is \"container not running\"" {
	# crun 1.8.1: fails because it gives the text of ESRCH; containerd looks for this one
	c_stopped
	fails husk kill "$ID" TERM
	err_has "container not running"
	fails husk kill "$ID" 9
	err_has "container not running"
}

@test "kill: wrong signals are refused, and nothing is sent" {
	# crun 1.8.1: fails because it takes any number
	c_sleeper
	for sig in NOSUCH SIG 65 1000 0x9 '9 ' '' TERM9 9TERM SIGRTMIN+99 4294967305; do
		fails husk kill "$ID" "$sig"
		err_has signal
	done
	fails husk kill "$ID" -1
	status_is running
}

@test "kill: the signal 0 only asks" {
	c_sleeper
	try husk kill "$ID" 0
	status_is running
}

@test "kill: --all reaches every process of a container without pid namespace" {
	script 'trap "echo main >>/got" USR1; sh -c "trap \"echo child >>/got\" USR1; echo child up; while :; do sleep 1000 & wait \$!; done" &
		while :; do sleep 1000 & wait $!; done' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run "$ID" -d
	wait_for grep -q "child up" "$TEST_DIR/stdout"
	ok husk kill --all "$ID" USR1
	wait_for grep -q child "$ROOTFS/got"
	wait_for grep -q main "$ROOTFS/got"
	ok husk kill -a "$ID" KILL
	wait_status stopped
	wait_for test -z "$(processes_with "HUSK_TEST=$T" environ)"
}

@test "kill: --all works after init has died, without pid namespace" {
	# what a shim does before it deletes
	script 'sleep 1000 & echo ready; wait' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	kill -KILL "$(pid_of)"
	wait_status stopped
	[ -n "$(processes_with "HUSK_TEST=$T" environ)" ]
	try husk kill --all "$ID" KILL
	if [ "$status" != 0 ]; then
		err_has "container not running"
		ok husk delete --force "$ID"
	fi
	no_processes() { [ -z "$(processes_with "HUSK_TEST=$T" environ)" ]; }
	wait_for no_processes
}

@test "kill: without --all only init gets the signal" {
	script 'trap "echo main >>/got" USR1; sh -c "trap \"echo child >>/got\" USR1; echo child up; while :; do sleep 1000 & wait \$!; done" &
		while :; do sleep 1000 & wait $!; done'
	ok c_run "$ID" -d
	wait_for grep -q "child up" "$TEST_DIR/stdout"
	ok husk kill "$ID" USR1
	wait_for grep -q main "$ROOTFS/got"
	sleep 0.05
	[ "$(grep -c child "$ROOTFS/got")" = 0 ]
}

@test "kill: a signal without handler does not kill pid 1" {
	sleeper '.process.args = ["/bin/sleep", "1000"]'
	ok c_run "$ID" -d
	ok husk kill "$ID" TERM
	sleep 0.05
	status_is running
}

@test "kill: --regex reaches all that match" {
	c_sleeper "$T-r1"
	c_sleeper "$T-r2"
	c_sleeper "$T-x3"
	ok husk kill --regex "^$T-r[0-9]\$" KILL
	wait_status stopped "$T-r1"
	wait_status stopped "$T-r2"
	status_is running "$T-x3"
}

@test "kill: a wrong regular expression is refused" {
	# crun 1.8.1: fails because it does not look at the result of regcomp
	fails husk kill --regex '[' KILL
}

@test "kill: a reused pid is never hit" {
	# Fabricated by hand: the state file's pid is another's, the start time differs.
	c_sleeper
	pid=$(pid_of)
	sleep 1000 &
	other=$!
	BG_PIDS+=("$other")
	ok husk kill "$ID" KILL
	wait_status stopped
	found=0
	while read -r file; do
		if grep -qw "$pid" "$file"; then
			sed -i "s/\b$pid\b/$other/g" "$file"
			found=1
		fi
	done < <(find "$ROOT/$ID" -type f)
	[ $found = 1 ] || skip "the state files have no pid in text"
	try husk kill "$ID" KILL
	kill -0 "$other"
	try husk delete --force "$ID"
	kill -0 "$other"
}
