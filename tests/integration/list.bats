#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# list: what is known below --root.

load lib

@test "list: nothing yet, not even a root directory" {
	ok husk list
	ok husk list -q
	out_is ""
	ok husk list -f json
	eq "$(jq 'length' <<<"$output")" 0
}

@test "list: the table has a heading and a line each" {
	ok c_create "$T-1"
	ok c_create "$T-2"
	ok husk list
	eq "$(wc -l <<<"$output")" 3
	for word in NAME PID STATUS BUNDLE; do
		[[ ${output%%$'\n'*} == *$word* ]] || [[ $word = NAME && ${output%%$'\n'*} == *ID* ]]
	done
	out_has "$T-1" "$T-2" created "$BUNDLE"
}

@test "list: -q has ids only" {
	ok c_create "$T-1"
	ok c_create "$T-2"
	ok husk list -q
	eq "$(sort <<<"$output")" "$T-1"$'\n'"$T-2"
	ok husk list --quiet
	eq "$(sort <<<"$output")" "$T-1"$'\n'"$T-2"
}

@test "list: json has what shims read" {
	sleeper
	ok c_create "$T-1"
	ok c_create "$T-2"
	ok husk start "$T-2"
	ok husk list --format json
	eq "$(jq -r 'sort_by(.id) | map(.id + " " + .status) | join(",")' <<<"$output")" "$T-1 created,$T-2 running"
	eq "$(jq -r '.[] | select(.id == "'"$T-2"'") | .pid' <<<"$output")" "$(pid_of "$T-2")"
	eq "$(jq -r '.[0].bundle' <<<"$output")" "$BUNDLE"
	eq "$(jq -r '.[0] | has("created") and has("owner")' <<<"$output")" true
}

@test "list: a stopped container is listed as stopped" {
	c_stopped
	ok husk list -f json
	eq "$(jq -r '.[0].status' <<<"$output")" stopped
}

@test "list: an unknown format is refused" {
	fails husk list -f yaml
	err_has yaml
}

@test "list: a damaged state does not hide the others" {
	ok c_create "$T-1"
	mkdir "$ROOT/$T-broken"
	echo '{' >"$ROOT/$T-broken/status"
	try husk list -q
	out_has "$T-1"
	rm -r "${ROOT:?}/$T-broken"
}

@test "list: files in the root directory are not containers" {
	ok c_create "$T-1"
	touch "$ROOT/lock-of-somebody"
	try husk list -q
	out_is "$T-1"
}

@test "list: json is one document with everything when there are many" {
	for i in 1 2 3 4 5 6 7 8; do
		ok c_create "$T-$i"
	done
	ok husk list -f json
	eq "$(jq 'length' <<<"$output")" 8
}
