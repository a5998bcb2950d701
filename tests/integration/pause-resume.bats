#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pause and resume

load lib

setup()
{
	integration_setup
	requires_freezer
}

counter()
{
	script 'echo ready; i=0; while :; do i=$((i + 1)); echo $i >/count; done'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	wait_for test -s "$ROOTFS/count"
}

@test "pause: nothing runs until resume" {
	counter
	ok husk pause "$ID"
	status_is paused
	a=$(cat "$ROOTFS/count")
	sleep 0.1
	eq "$(cat "$ROOTFS/count")" "$a"
	ok husk resume "$ID"
	status_is running
	moved() { [ "$(cat "$ROOTFS/count")" != "$a" ]; }
	wait_for moved
}

@test "pause: holds exec'd processes too" {
	c_sleeper
	ok husk exec -d "$ID" sh -c 'while :; do echo x >>/log; done'
	wait_for test -s "$ROOTFS/log"
	ok husk pause "$ID"
	a=$(stat -c %s "$ROOTFS/log")
	sleep 0.1
	eq "$(stat -c %s "$ROOTFS/log")" "$a"
	ok husk delete --force "$ID"
}

@test "pause: a paused container cannot be paused again" {
	# crun 1.8.1: fails because it says nothing
	c_sleeper
	ok husk pause "$ID"
	fails husk pause "$ID"
	err_has paused
	status_is paused
}

@test "resume: only a paused container" {
	# crun 1.8.1: fails because it says nothing
	c_sleeper
	fails husk resume "$ID"
	err_has_any paused running
	status_is running
}

@test "pause: a stopped container is refused" {
	c_stopped
	fails husk pause "$ID"
	err_has_any "not running" stopped
	fails husk resume "$ID"
}

@test "pause: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk pause "$ID"
	err_has "does not exist"
	fails husk resume "$ID"
	err_has "does not exist"
}

@test "pause: a created container" {
	# the cgroup is there; runc allows it
	ok c_create
	try husk pause "$ID"
	if [ "$status" = 0 ]; then
		ok husk resume "$ID"
	fi
	status_is created
}

@test "pause: signals wait until resume" {
	script 'trap "echo got >/got" USR1; echo ready; while :; do sleep 1000 & wait $!; done'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	ok husk pause "$ID"
	ok husk kill "$ID" USR1
	sleep 0.05
	[ ! -e "$ROOTFS/got" ]
	ok husk resume "$ID"
	wait_for test -e "$ROOTFS/got"
}
