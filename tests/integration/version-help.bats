#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --version, --help, and what a wrong command line says.

load lib

VERBS="create start run exec kill delete state list ps pause resume update events spec features"

@test "version: three lines that callers parse: name, commit, spec" {
	# crun 1.8.1: fails because it prints its rundir and features too
	ok husk --version
	eq "$(wc -l <"$TEST_DIR/stdout")" 3
	[[ $output =~ ^husk\ version\ [0-9]+\.[0-9]+[^$'\n']*$'\n'commit:\ [^$'\n']+$'\n'spec:\ 1\.[0-9]+\.[0-9]+$ ]] ||
		{ show; return 1; }
}

@test "version: -v is --version" {
	ok husk --version
	long=$output
	ok husk -v
	out_is "$long"
}

@test "version: works without any state directory and as any user" {
	ok setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_RUNTIME_DIR HOME=/nonexistent "$HUSK" --version
	out_has "spec: "
}

@test "help: --help names every verb, on stdout, with status 0" {
	# crun 1.8.1: fails because it has neither events nor features
	ok husk --help
	for verb in $VERBS; do
		[[ $output =~ (^|$'\n')[[:space:]]*$verb[[:space:],] ]] || { echo "no $verb" >&2; show; return 1; }
	done
}

@test "help: -h is --help" {
	# crun 1.8.1: fails because its short form is -?
	ok husk --help
	long=$output
	ok husk -h
	out_is "$long"
}

@test "help: --help names the global flags" {
	# crun 1.8.1: fails because it has no --log-level
	ok husk --help
	out_has --root --log --log-format --log-level --debug --systemd-cgroup --cgroup-manager --rootless --version
}

@test "help: every verb has --help with status 0 and its own name in it" {
	# crun 1.8.1: fails because it has neither events nor features
	for verb in $VERBS; do
		ok husk "$verb" --help
		out_has "$verb"
	done
}

@test "help: create --help names its flags" {
	# crun 1.8.1: fails because it has no --pidfd-socket
	ok husk create --help
	out_has --bundle --config --console-socket --pidfd-socket --pid-file --no-pivot --no-new-keyring --no-subreaper --preserve-fds
}

@test "help: exec --help names its flags" {
	# crun 1.8.1: fails because it has no --pidfd-socket, --additional-gids, --ignore-paused
	ok husk exec --help
	out_has --process --detach --pid-file --console-socket --pidfd-socket --tty --cwd --env --user --additional-gids \
		--cap --no-new-privs --apparmor --process-label --preserve-fds --cgroup --ignore-paused
}

@test "help: update --help names its flags" {
	# crun 1.8.1: fails because it has no --cpu-burst and --cpu-idle
	ok husk update --help
	out_has --resources --blkio-weight --cpu-period --cpu-quota --cpu-burst --cpu-share --cpu-rt-period --cpu-rt-runtime \
		--cpuset-cpus --cpuset-mems --cpu-idle --memory --memory-reservation --memory-swap --pids-limit
}

@test "help: no verb at all is an error that says what to do" {
	# crun 1.8.1: fails because it does not mention --help
	fails "$HUSK"
	err_has help
}

@test "usage: an unknown verb is named, with a hint" {
	# crun 1.8.1: fails because it does not mention --help
	fails husk frobnicate
	err_has frobnicate help
}

@test "usage: an unknown global flag is named, with a hint" {
	# crun 1.8.1: fails because argp ends with 64
	fails husk --frobnicate list
	err_has frobnicate help
}

@test "usage: an unknown flag of each verb is named, with a hint, status 1" {
	# crun 1.8.1: fails because argp ends with 64
	for verb in $VERBS; do
		fails husk "$verb" --frobnicate x
		err_has frobnicate help
	done
}

@test "usage: a missing container id is said, with a hint" {
	# crun 1.8.1: fails because it does not mention --help
	for verb in create start run exec kill delete state ps pause resume update events; do
		fails husk "$verb"
		err_has help
	done
}

@test "usage: an argument too many is refused" {
	# crun 1.8.1: fails because events and features are missing
	for verb in start state pause resume delete; do
		fails husk "$verb" "$ID" surplus
		err_has_any surplus usage
	done
	fails husk create -b "$BUNDLE" "$ID" surplus
	err_has_any surplus usage
	fails husk features surplus
	err_has_any surplus usage
}

@test "usage: a flag that wants a value and gets none" {
	# crun 1.8.1: fails because argp ends with 64
	fails husk create "$ID" --bundle
	err_has bundle
	fails "$HUSK" --root
	err_has root
}

@test "usage: a value for a flag that takes none is refused" {
	# crun 1.8.1: fails because argp ends with 64
	fails husk delete --force=yes "$ID"
	err_has force
}

@test "usage: flags may stand before and after the id" {
	# crun 1.8.1: fails because it stops at the id
	ok husk create "$ID" --bundle "$BUNDLE"
	ok husk delete "$ID" --force
}

@test "usage: --flag=value and --flag value and -f value mean the same" {
	ok husk create --bundle="$BUNDLE" "$T-1"
	ok husk create --bundle "$BUNDLE" "$T-2"
	ok husk create -b "$BUNDLE" "$T-3"
	ok husk delete -f "$T-1"
}

@test "usage: -- ends the flags" {
	ok husk create --bundle "$BUNDLE" -- "$ID"
	status_is created
}

@test "usage: wrong values of global flags are refused" {
	# crun 1.8.1: fails because it takes any word
	fails husk --log-format xml list
	err_has log-format
	fails husk --cgroup-manager magic list
	err_has cgroup-manager
	fails husk --rootless perhaps list
	err_has rootless
}

@test "usage: --rootless takes true, false and auto" {
	for mode in true false auto; do
		ok husk --rootless $mode run -b "$BUNDLE" "$ID"
		ok husk --rootless=$mode list
	done
	fails husk --rootless sometimes list
	err_has rootless sometimes
}

@test "help: help VERB and --help VERB are VERB --help; one that is not there is an error" {
	# crun 1.8.1: fails because it has no such verb
	ok husk run --help
	long=$output
	ok husk help run
	out_is "$long"
	ok husk --help run
	out_is "$long"
	ok husk help
	for words in "help nosuch" "--help nosuch"; do
		# shellcheck disable=SC2086 # two words
		fails husk $words
		err_has nosuch
		out_is ""
	done
}

@test "unsupported: --systemd-cgroup is refused before the configuration is looked at" {
	# crun 1.8.1: fails because it supports it
	echo "no JSON" >"$BUNDLE/config.json"
	for verb in create run; do
		fails husk --systemd-cgroup $verb -b "$BUNDLE" "$ID"
		err_has systemd
		fails husk --cgroup-manager systemd $verb -b "$BUNDLE" "$ID"
		err_has systemd
	done
}

@test "unsupported: --systemd-cgroup is refused at create in clear words" {
	# crun 1.8.1: fails because it tries to reach the bus
	config ".linux.cgroupsPath = \"system.slice:husk:$T\""
	fails husk --systemd-cgroup create -b "$BUNDLE" "$ID"
	err_has systemd
	err_has_any "not supported" "unsupported" "not implemented"
}

@test "unsupported: --cgroup-manager systemd is refused at create" {
	# crun 1.8.1: fails because it tries to reach the bus
	config ".linux.cgroupsPath = \"system.slice:husk:$T\""
	fails husk --cgroup-manager systemd create -b "$BUNDLE" "$ID"
	err_has systemd
	err_has_any "not supported" "unsupported" "not implemented"
}

@test "unsupported: checkpoint --help fails, so that podman does not offer it" {
	fails husk checkpoint --help
}

@test "root: --root is made when it is missing, closed to others" {
	ok c_create
	eq "$(stat -c %a "$ROOT")" 700
}

@test "root: --root that cannot be made is an error with its path" {
	touch "$TEST_DIR/file"
	MORE_ROOTS=()
	fails "$HUSK" --root "$TEST_DIR/file/root" create -b "$BUNDLE" "$ID"
	err_has "$TEST_DIR/file"
}

@test "root: two roots do not see each other's containers" {
	MORE_ROOTS=("$TEST_DIR/root2")
	ok husk create -b "$BUNDLE" "$T-1"
	ok "$HUSK" --root "$TEST_DIR/root2" create -b "$BUNDLE" "$T-2"
	fails husk state "$T-2"
	ok "$HUSK" --root "$TEST_DIR/root2" list -q
	out_is "$T-2"
}

@test "root: a relative --root means the current directory" {
	# crun 1.8.1: fails because it changes directory before it uses the path
	MORE_ROOTS=("$TEST_DIR/rel")
	cd "$TEST_DIR"
	ok "$HUSK" --root rel create -b "$BUNDLE" "$ID"
	cd /
	ok "$HUSK" --root "$TEST_DIR/rel" state "$ID"
}
