#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# delete: exactly what create made, and with --force from any state.

load lib

no_processes() { [ -z "$(processes_with "HUSK_TEST=$T" environ)" ]; }

@test "delete: a stopped container" {
	c_stopped
	ok husk delete "$ID"
	out_is ""
	fails husk state "$ID"
	[ ! -e "$ROOT/$ID" ]
}

@test "delete: a running container is refused and not touched" {
	c_sleeper
	pid=$(pid_of)
	fails husk delete "$ID"
	err_has "$ID"
	status_is running
	eq "$(pid_of)" "$pid"
	ok husk exec "$ID" true
}

@test "delete: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk delete "$ID"
	err_has "does not exist"
}

@test "delete: twice" {
	c_stopped
	ok husk delete "$ID"
	fails husk delete "$ID"
}

@test "delete: --force of a running container" {
	c_sleeper
	ok husk delete --force "$ID"
	fails husk state "$ID"
	no_processes
}

@test "delete: --force of a created container" {
	ok c_create
	pid=$(pid_of)
	ok husk delete -f "$ID"
	fails husk state "$ID"
	process_gone "$pid"
}

@test "delete: --force of a stopped container" {
	c_stopped
	ok husk delete --force "$ID"
	fails husk state "$ID"
}

@test "delete: --force of a paused container" {
	requires_freezer
	c_sleeper
	ok husk pause "$ID"
	ok husk delete --force "$ID"
	fails husk state "$ID"
}

@test "delete: --force of an unknown container is fine, again and again" {
	ok husk delete --force "$ID"
	ok husk delete --force "$ID"
	mkdir -p "$ROOT"
	ok husk delete --force "$ID"
}

@test "delete: --force does not make a root directory" {
	# crun 1.8.1: fails because it makes it on any verb
	ok husk delete --force "$ID"
	[ ! -e "$ROOT" ]
}

@test "delete: everything is gone when it returns" {
	# crun 1.8.1: may fail because it does not wait
	c_sleeper
	pid=$(pid_of)
	cg=$(cgroup_of "$pid" memory)
	[ -d "$cg" ]
	ok husk delete --force "$ID"
	[ ! -d "$cg" ]
	no_processes
}

@test "delete: --force without an own pid namespace kills all" {
	script 'for i in 1 2 3; do setsid sleep 1000 & done; echo ready; wait' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	ok husk delete --force "$ID"
	wait_for no_processes
}

@test "delete: without force, what a dead init left behind without pid namespace dies too" {
	# crun 1.8.1: may fail because it does not wait for the cgroup to be empty
	script 'setsid sleep 1000 & echo ready' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run "$ID" -d
	wait_status stopped
	ok husk delete "$ID"
	wait_for no_processes
}

@test "delete: a joined pid namespace keeps its other members" {
	unshare --pid --fork --kill-child sleep 1000 &
	BG_PIDS+=($!)
	wait_for first_child $!
	other=$(first_child $!)
	sleeper "(.linux.namespaces[] | select(.type == \"pid\")).path = \"/proc/$other/ns/pid\""
	ok c_run "$ID" -d
	ok husk delete --force "$ID"
	wait_for no_processes
	kill -0 "$other"
}

@test "delete: sub-cgroups that the container made are removed" {
	requires_root
	c_sleeper
	for dir in $(for c in memory pids freezer; do cgroup_of "$(pid_of)" $c; done | sort -u); do
		mkdir -p "$dir/a/b" "$dir/c"
	done
	ok husk delete --force "$ID"
}

@test "delete: processes in sub-cgroups die too" {
	script 'setsid sleep 1000 & echo ready; wait' 'del(.linux.namespaces[] | select(.type == "pid"))'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	pid=$(pid_of)
	child=$(first_child "$pid")
	for dir in $(for c in memory pids freezer; do cgroup_of "$pid" $c; done | sort -u); do
		mkdir -p "$dir/sub"
		echo "$child" >"$dir/sub/cgroup.procs"
	done
	ok husk delete --force "$ID"
	wait_for no_processes
}

@test "delete: after the bundle has gone" {
	c_sleeper
	mv "$BUNDLE" "$TEST_DIR/moved"
	ok husk delete --force "$ID"
	fails husk state "$ID"
}

@test "delete: --force with a damaged state file" {
	# crun 1.8.1: fails because it cannot parse it
	c_sleeper
	find "$ROOT/$ID" -type f -exec sh -c 'echo "{" >"$1"' sh {} \;
	ok husk delete --force "$ID"
	no_processes
}

@test "delete: --force with an empty state directory" {
	# crun 1.8.1: fails because it does not know the cgroup any more
	c_sleeper
	find "$ROOT/$ID" -mindepth 1 -delete
	ok husk delete --force "$ID"
	no_processes
}

@test "delete: --force with the state directory gone" {
	# crun 1.8.1: fails because it does not know the cgroup any more
	c_sleeper
	rm -rf "${ROOT:?}/$ID"
	ok husk delete --force "$ID"
	no_processes
}

@test "delete: --force under another --root does not touch the container" {
	# ids repeat under different roots, and shims delete unknown ids
	MORE_ROOTS=("$TEST_DIR/other")
	c_sleeper
	ok "$HUSK" --root "$TEST_DIR/other" delete --force "$ID"
	status_is running
	ok husk exec "$ID" true
}

@test "delete: --regex deletes all that match" {
	c_stopped "$T-r1"
	c_stopped "$T-r2"
	c_stopped "$T-x3"
	ok husk delete --regex "^$T-r"
	fails husk state "$T-r1"
	fails husk state "$T-r2"
	status_is stopped "$T-x3"
}

@test "delete: --regex with --force" {
	c_sleeper "$T-r1"
	ok husk delete -f -r "^$T-r1\$"
	fails husk state "$T-r1"
}

@test "delete: --force of two callers at once" {
	# crun 1.8.1: may fail because the loser finds files missing
	c_sleeper
	bg a "${HUSK_CMD[@]}" delete --force "$ID"
	a=$!
	bg b "${HUSK_CMD[@]}" delete --force "$ID"
	b=$!
	wait_bg "$a"
	eq "$status" 0
	wait_bg "$b"
	eq "$status" 0
}

@test "delete: mounts that the container received stay the host's" {
	mkdir "$TEST_DIR/vol"
	echo data >"$TEST_DIR/vol/file"
	config --arg v "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $v, options: ["rbind", "rw"]}]'
	script "while :; do sleep 1000; done" "."
	ok c_run "$ID" -d
	ok husk delete --force "$ID"
	eq "$(cat "$TEST_DIR/vol/file")" data
}

@test "delete: a network namespace joined by path stays" {
	requires_cap CAP_NET_ADMIN
	touch "$TEST_DIR/netns"
	unshare --net="$TEST_DIR/netns" true
	config --arg p "$TEST_DIR/netns" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	ok c_run
	nsenter --net="$TEST_DIR/netns" true
	umount "$TEST_DIR/netns"
}

@test "delete: an id with a slash cannot lead out of the root" {
	# crun 1.8.1: fails because it removes any directory below the path that the id makes
	mkdir -p "$ROOT" "$TEST_DIR/precious"
	touch "$TEST_DIR/precious/status"
	try husk delete --force ../precious
	[ -e "$TEST_DIR/precious/status" ]
	try husk delete --force .
	try husk delete --force ..
	[ -d "$TEST_DIR/precious" ]
}
