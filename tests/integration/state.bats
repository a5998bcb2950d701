#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# state: what is true now, as JSON.

load lib

@test "state: created, running, stopped" {
	sleeper
	ok c_create
	status_is created
	ok husk start "$ID"
	status_is running
	ok husk kill "$ID" KILL
	wait_status stopped
}

@test "state: paused is a status of its own" {
	requires_freezer
	c_sleeper
	ok husk pause "$ID"
	status_is paused
	ok husk resume "$ID"
	status_is running
}

@test "state: the fields that the specification requires" {
	config '.annotations = {"a.b": "c", "x": ""}'
	ok c_create
	ok husk state "$ID"
	eq "$(jq -r '.id' <<<"$output")" "$ID"
	eq "$(jq -r '.ociVersion | test("^1\\.[0-9]+\\.[0-9]+")' <<<"$output")" true
	eq "$(jq -r '.pid | type' <<<"$output")" number
	eq "$(jq -r '.bundle' <<<"$output")" "$BUNDLE"
	eq "$(jq -c '.annotations' <<<"$output")" '{"a.b":"c","x":""}'
}

@test "state: the fields that runc adds: rootfs, created, owner" {
	# crun 1.8.1: fails because its rootfs is as in the configuration
	ok c_create
	ok husk state "$ID"
	eq "$(jq -r '.rootfs' <<<"$output")" "$ROOTFS"
	eq "$(jq -r '.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$")' <<<"$output")" true
	eq "$(jq -r 'has("owner")' <<<"$output")" true
}

@test "state: the creation time is now" {
	ok c_create
	created=$(date -d "$(c_state .created)" +%s)
	now=$(date +%s)
	((now - created >= -1 && now - created < 120))
}

@test "state: a stopped container has pid 0 or none" {
	c_stopped
	eq "$(c_state '.pid // 0')" 0
}

@test "state: a zombie init is stopped" {
	# nobody reaps it: the parent here is a sleeping subreaper
	bg sr sh -c '"$@"; exec sleep 1000' sh "$(helper probe)" subreap "${HUSK_CMD[@]}" run -d -b "$BUNDLE" "$ID"
	wait_for husk state "$ID"
	wait_status stopped
}

@test "state: strings are escaped" {
	config '.annotations = {"quote\"": "back\\slash", "tab": "a\tb", "uni": "ü", "nl": "a\nb"}'
	ok c_create
	eq "$(husk state "$ID" | jq -cS .annotations)" "$(jq -cS .annotations "$BUNDLE/config.json")"
}

@test "state: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk state "$ID"
	err_has "does not exist"
	out_is ""
}

@test "state: ids are not paths" {
	# crun 1.8.1: fails because it joins the id to the root as it is
	c_stopped
	fails husk state "../root/$ID"
	fails husk state "$ID/"
	fails husk state .
}

@test "state: no annotations is an empty or absent object" {
	ok c_create
	eq "$(c_state '.annotations // {} | length')" 0
}

@test "state: answers while the program is busy starting and ending" {
	# never an error, never half a document
	ok c_create
	bg st "${HUSK_CMD[@]}" start "$ID"
	for i in 1 2 3 4 5 6 7 8; do
		ok husk state "$ID"
		[[ $(jq -r .status <<<"$output") =~ ^(created|running|stopped)$ ]]
	done
}
