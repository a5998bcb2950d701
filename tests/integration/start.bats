#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# start: only from created, and everything else without effect.

load lib

# What containerd's shim does. A process that has much memory to give back is seen to end.
@test "start: after one that failed the container is stopped, and delete needs no --force" {
	config '.process.args = ["/bin/tail", "-c", "300000000", "/dev/zero"] |
		.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "sleep 1; exit 3"], env: ["PATH=/bin:/usr/bin"]}]'
	ok c_create
	fails husk start "$ID"
	ok husk delete "$ID"
}

@test "start: runs the program" {
	script 'echo ran >/result'
	ok c_create
	ok husk start "$ID"
	out_is ""
	wait_status stopped
	eq "$(cat "$ROOTFS/result")" ran
}

@test "start: the program keeps the pid that create gave" {
	sleeper
	ok c_create
	pid=$(pid_of)
	ok husk start "$ID"
	eq "$(pid_of)" "$pid"
	wait_for grep -q sleep /proc/"$pid"/task/"$pid"/children /proc/"$pid"/cmdline
}

@test "start: the program has been executed when start returns" {
	# crun 1.8.1: may fail because start returns when init has been told
	install_probe
	sleeper '.process.args = ["/bin/sleep", "100"]'
	for i in 1 2 3 4 5; do
		ok c_create "$T-$i"
		ok husk start "$T-$i"
		eq "$(tr '\0' ' ' <"/proc/$(pid_of "$T-$i")/cmdline")" "/bin/sleep 100 "
	done
}

@test "start: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk start "$ID"
	err_has "does not exist"
}

@test "start: a running container is refused and stays as it is" {
	c_sleeper
	pid=$(pid_of)
	fails husk start "$ID"
	err_has "$ID"
	status_is running
	eq "$(pid_of)" "$pid"
}

@test "start: a stopped container is refused" {
	c_stopped
	fails husk start "$ID"
	err_has "$ID"
	status_is stopped
}

@test "start: a container whose init was killed is refused" {
	ok c_create
	kill -KILL "$(pid_of)"
	wait_status stopped
	fails husk start "$ID"
}

@test "start: a configuration without process can be created, not started" {
	# crun 1.8.1: fails because create refuses it
	config 'del(.process)'
	ok c_create
	status_is created
	fails husk start "$ID"
	err_has process
}

@test "start: an environment of start does not reach the program" {
	script 'env >/result'
	ok c_create
	ok env LEAKED=yes "$HUSK" --root "$ROOT" start "$ID"
	wait_status stopped
	[ "$(grep -c LEAKED "$ROOTFS/result")" = 0 ]
}

@test "start: twice at the same moment has one winner" {
	sleeper
	for i in 1 2 3 4 5; do
		ok c_create "$T-$i"
		bg a "${HUSK_CMD[@]}" start "$T-$i"
		a=$!
		bg b "${HUSK_CMD[@]}" start "$T-$i"
		b=$!
		wait_bg "$a"
		first=$status
		wait_bg "$b"
		# One of them is 0, the other is not.
		eq "$((first == 0)) $((status == 0))" "$((first == 0)) $((first != 0))"
		status_is running "$T-$i"
	done
}

@test "start: a program that is not there fails at create or at start" {
	config '.process.args = ["/bin/no-such-program"]'
	try c_create
	if [ "$status" = 0 ]; then
		fails husk start "$ID"
	fi
	err_has no-such-program "no such file or directory"
}
