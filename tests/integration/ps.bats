#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: the processes of a container, as the host numbers them.

load lib

@test "ps: json is an array of the host's pids" {
	c_sleeper
	ok husk ps --format json "$ID"
	eq "$(jq -r type <<<"$output")" array
	eq "$(jq 'index('"$(pid_of)"') != null' <<<"$output")" true
	eq "$(jq 'all(type == "number")' <<<"$output")" true
}

@test "ps: json has exec'd processes and those in sub-cgroups" {
	c_sleeper
	ok husk exec -d --pid-file "$TEST_DIR/pid" "$ID" sleep 1000
	pid=$(cat "$TEST_DIR/pid")
	for dir in $(for c in memory pids devices; do cgroup_of "$pid" $c; done | sort -u); do
		mkdir "$dir/sub"
		echo "$pid" >"$dir/sub/cgroup.procs"
	done
	ok husk ps -f json "$ID"
	eq "$(jq 'index('"$pid"') != null and index('"$(pid_of)"') != null' <<<"$output")" true
}

@test "ps: the table has PID and the command" {
	# crun 1.8.1: fails because it prints pids only
	c_sleeper
	ok husk ps "$ID"
	[[ ${output%%$'\n'*} == *PID* ]]
	out_has "$(pid_of)" sleep
}

@test "ps: arguments after the id are those of ps" {
	# crun 1.8.1: fails because it takes none
	requires_program ps
	c_sleeper
	ok husk ps "$ID" -o pid,comm
	[[ ${output%%$'\n'*} == *PID*COMMAND* ]]
	out_has "$(pid_of)"
	ok husk ps --format table "$ID" -ef
	out_has UID "$(pid_of)"
}

@test "ps: the table has nothing of other processes" {
	c_sleeper
	ok husk ps "$ID"
	# heading, shell, sleep
	eq "$(wc -l <<<"$output")" 3
}

@test "ps: a created container has one process" {
	ok c_create
	ok husk ps -f json "$ID"
	eq "$(jq -c . <<<"$output")" "[$(pid_of)]"
}

@test "ps: a stopped container" {
	# crun 1.8.1: may fail because the cgroup has gone
	c_stopped
	try husk ps -f json "$ID"
	if [ "$status" = 0 ]; then
		eq "$(jq 'length' <<<"$output")" 0
	else
		eq "$status" 1
		err_has_any "not running" "stopped"
	fi
}

@test "ps: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk ps "$ID"
	err_has "does not exist"
}

@test "ps: an unknown format is refused" {
	c_sleeper
	fails husk ps -f yaml "$ID"
	err_has yaml
}
