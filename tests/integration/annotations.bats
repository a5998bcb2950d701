#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# annotations: kept, handed on, and the few that mean something.

load lib

@test "annotations: are in the state as they are" {
	config '.annotations = {"com.example.key": "value", "org.opencontainers.image.created": "2020-01-01", "empty": ""}'
	ok c_create
	eq "$(c_state '.annotations | to_entries | map(.key + "=" + .value) | sort | join(",")')" \
		"com.example.key=value,empty=,org.opencontainers.image.created=2020-01-01"
}

@test "annotations: a value that is no string is refused" {
	# crun 1.8.1: fails because it drops it
	config '.annotations = {"n": 5}'
	fails c_create
	err_has annotations
}

@test "annotations: an empty key is refused" {
	# crun 1.8.1: fails because it takes it
	config '.annotations = {"": "x"}'
	fails c_create
	err_has annotations
}

@test "annotations: hundreds, and large ones" {
	config '.annotations = ([range(300) | {key: "key\(.)", value: ("v" * 200)}] | from_entries)'
	ok c_create
	eq "$(c_state '.annotations | length')" 300
}

@test "annotations: unknown ones have no effect" {
	config '.annotations = {"run.oci.no.such.thing": "1", "io.kubernetes.cri.container-type": "sandbox"}'
	ok c_run
}

@test "annotations: run.oci.handler with an unknown handler is refused" {
	# crun 1.8.1: fails because it ignores what was not built in
	config '.annotations = {"run.oci.handler": "teleport"}'
	fails c_create
	err_has teleport
}

@test "annotations: run.oci.delegate-cgroup puts the program into a sub-cgroup" {
	requires_cgroup v2
	# crun 1.8.1: fails because it has it only with systemd
	c_sleeper "$ID" '.annotations = {"run.oci.delegate-cgroup": "sub"}'
	[[ $(cgroup_of "$(pid_of)" pids) == */sub ]]
}

@test "annotations: run.oci.delegate-cgroup with dots is refused" {
	# crun 1.8.1: may fail because v1 does not look at it
	requires_cgroup v2
	config '.annotations = {"run.oci.delegate-cgroup": "../../evil"}'
	fails c_create
	err_has delegate-cgroup
}

@test "annotations: a pidfd for run.oci.pidfd_receiver" {
	bg rf "$(helper recvfd)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	config --arg s "$TEST_DIR/sock" '.annotations = {"run.oci.pidfd_receiver": $s}'
	ok c_create
	wait_for grep -q '^Pid:' "$TEST_DIR/rf.out"
	grep -qE "^Pid:[[:space:]]+$(pid_of)\$" "$TEST_DIR/rf.out"
}
