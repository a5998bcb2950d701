#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# create: everything but the program; errors leave nothing.

load lib

@test "create: the container is created, its program has not run" {
	script 'echo ran >/ran'
	ok c_create
	out_is ""
	status_is created
	[ ! -e "$ROOTFS/ran" ]
	kill -0 "$(pid_of)"
}

@test "create: init is in its own namespaces already" {
	ok c_create
	pid=$(pid_of)
	for ns in pid net ipc uts mnt cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
}

@test "create: the mounts are there before start" {
	config '.mounts += [{destination: "/marked", type: "tmpfs", source: "marked"}]'
	ok c_create
	grep -q ' /marked ' "/proc/$(pid_of)/mountinfo"
}

@test "create: -b is --bundle, and the default bundle is the current directory" {
	cd "$BUNDLE"
	ok husk create "$ID"
	eq "$(c_state .bundle)" "$BUNDLE"
}

@test "create: a relative bundle is kept as an absolute path" {
	cd "$TEST_DIR"
	ok husk create --bundle ./bundle "$ID"
	cd /
	eq "$(c_state .bundle)" "$BUNDLE"
	ok husk start "$ID"
}

@test "create: --config and -f take another file" {
	jq '.annotations = {from: "other"}' "$BUNDLE/config.json" >"$TEST_DIR/other.json"
	rm "$BUNDLE/config.json"
	ok c_create "$ID" --config "$TEST_DIR/other.json"
	eq "$(c_state .annotations.from)" other
	ok c_create "$T-2" -f "$TEST_DIR/other.json"
}

@test "create: later changes of config.json have no effect" {
	script 'echo old >/result'
	ok c_create
	script 'echo new >/result' '.annotations = {late: "yes"}'
	ok husk start "$ID"
	wait_status stopped
	eq "$(cat "$ROOTFS/result")" old
	eq "$(c_state '.annotations.late // "none"')" none
}

@test "create: a start after config.json has gone" {
	script 'echo ran >/result'
	ok c_create
	rm "$BUNDLE/config.json"
	ok husk start "$ID"
	wait_status stopped
	eq "$(cat "$ROOTFS/result")" ran
}

@test "create: --pid-file has init's pid and nothing else" {
	ok c_create "$ID" --pid-file "$TEST_DIR/pid"
	eq "$(cat "$TEST_DIR/pid")" "$(pid_of)"
	[[ $(cat "$TEST_DIR/pid") =~ ^[0-9]+$ ]]
}

@test "create: a pid file is replaced, never written through" {
	# crun 1.8.1: fails because it opens the old file and truncates it
	ln -s "$TEST_DIR/victim" "$TEST_DIR/pid"
	echo keep >"$TEST_DIR/victim"
	ok c_create "$ID" --pid-file "$TEST_DIR/pid"
	eq "$(cat "$TEST_DIR/pid")" "$(pid_of)"
	eq "$(cat "$TEST_DIR/victim")" keep
}

@test "create: a pid file that cannot be written undoes the container" {
	fails c_create "$ID" --pid-file "$TEST_DIR/missing/pid"
	err_has "$TEST_DIR/missing"
	fails husk state "$ID"
	ok c_create
}

@test "create: a second container of the same id is refused, the first stays" {
	ok c_create
	pid=$(pid_of)
	fails c_create
	err_has_any exist
	err_has "$ID"
	eq "$(pid_of)" "$pid"
	status_is created
}

@test "create: an id in use is refused for run too" {
	ok c_create
	fails c_run
	err_has_any exist
	status_is created
}

@test "create: an id can be used again after delete" {
	ok c_create
	ok husk delete --force "$ID"
	ok c_create
	status_is created
}

@test "create: a missing bundle is named" {
	fails husk create --bundle "$TEST_DIR/nothing" "$ID"
	err_has "$TEST_DIR/nothing"
	fails husk state "$ID"
}

@test "create: a bundle without config.json is named" {
	# crun 1.8.1: fails because it does not give the reason
	rm "$BUNDLE/config.json"
	fails c_create
	err_has config.json
	err_has "no such file"
}

@test "create: a root file system that is missing is named" {
	config '.root.path = "nowhere"'
	fails c_create
	err_has nowhere
	fails husk state "$ID"
}

@test "create: a root that is a file is refused" {
	# crun 1.8.1: fails because it names /proc instead
	touch "$BUNDLE/afile"
	config '.root.path = "afile"'
	fails c_create
	err_has afile
}

@test "create: an absolute root path" {
	mv "$ROOTFS" "$TEST_DIR/elsewhere"
	config --arg p "$TEST_DIR/elsewhere" '.root.path = $p'
	ok c_run
}

@test "create: ids with wrong characters are refused" {
	# crun 1.8.1: fails because it takes some of them
	for id in '' . .. a/b ../x /abs 'a b' $'a\nb' 'a*' 'ä' '.hidden' "$(printf 'x%.0s' {1..1025})"; do
		fails c_create "$id"
		err_has_any "id" "container name"
	done
	[ -z "$(ls "$ROOT" 2>/dev/null)" ]
}

@test "create: an id that begins with a dash works after --" {
	ok husk create --bundle "$BUNDLE" -- "-$T"
	ok husk state -- "-$T"
	ok husk delete --force -- "-$T"
}

@test "create: ids with every allowed character" {
	ok c_create "${T}_A+b.c-9"
	status_is created "${T}_A+b.c-9"
}

@test "create: a long id works" {
	id=$T$(printf 'x%.0s' {1..100})
	ok c_create "$id"
	ok husk start "$id"
	wait_status stopped "$id"
}

@test "create: --root with a path too long for a socket address works" {
	# Engines have such roots; the runtime's own socket must not mind.
	ROOT=$TEST_DIR/$(printf 'd%.0s' {1..90})/$(printf 'e%.0s' {1..60})
	ok c_create
	ok husk start "$ID"
	wait_status stopped
}

@test "create: terminal without --console-socket is refused" {
	config '.process.terminal = true'
	fails c_create
	err_has_any console terminal tty
}

@test "create: --console-socket without terminal is refused" {
	# crun 1.8.1: fails because it ignores the flag
	bg rt "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	fails c_create "$ID" --console-socket "$TEST_DIR/sock"
	err_has_any console terminal
}

@test "create: --console-socket that nobody listens on is an error, undone" {
	config '.process.terminal = true'
	fails c_create "$ID" --console-socket "$TEST_DIR/nosock"
	err_has nosock
	fails husk state "$ID"
}

@test "create: --pidfd-socket passes a pidfd of init" {
	# crun 1.8.1: fails because it has no such flag
	bg rf "$(helper recvfd)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	ok c_create "$ID" --pidfd-socket "$TEST_DIR/sock"
	wait_for grep -q '^Pid:' "$TEST_DIR/rf.out"
	grep -qE "^Pid:[[:space:]]+$(pid_of)\$" "$TEST_DIR/rf.out"
}

@test "create: --no-pivot gives the same container" {
	script 'cat /etc/passwd; ls /..'
	ok c_run "$ID" --no-pivot
	out_has "user:x:1000" bin
	out_lacks config.json
}

@test "create: a new session keyring, unless --no-new-keyring" {
	install_probe
	config '.process.args = ["/bin/probe", "keyring"]'
	# A session of our own first, so that there is one to inherit.
	ok c_run "$ID"
	first=$output
	ok c_run "$ID"
	[ "$output" != "$first" ]
	ok c_run "$ID" --no-new-keyring
	first=$output
	ok c_run "$ID" --no-new-keyring
	out_is "$first"
}

@test "create: stdin, stdout and stderr are the container's" {
	script 'read line; echo "out $line"; echo "err $line" >&2'
	echo hello >"$TEST_DIR/in"
	husk create -b "$BUNDLE" "$ID" <"$TEST_DIR/in" >"$TEST_DIR/o" 2>"$TEST_DIR/e" 3>&- 4>&-
	ok husk start "$ID"
	wait_status stopped
	eq "$(cat "$TEST_DIR/o")" "out hello"
	eq "$(cat "$TEST_DIR/e")" "err hello"
}

@test "create: the caller may die, the container stays" {
	sleeper
	ok setsid "$HUSK" --root "$ROOT" create -b "$BUNDLE" "$ID"
	ok husk start "$ID"
	status_is running
}

@test "create: no husk process stays behind" {
	# init itself waits, and is the only one
	ok c_create
	pid=$(pid_of)
	processes_with "$T" cmdline >"$TEST_DIR/left"
	while read -r _ p; do
		eq "$p" "$pid"
	done <"$TEST_DIR/left"
}

@test "create: works with all standard descriptors closed" {
	# crun 1.8.1: fails because its own descriptors land on 0 to 2
	ok sh -c '"$0" "$@" 0<&- 1>&- 2>&-' "$HUSK" --root "$ROOT" create -b "$BUNDLE" "$ID"
	ok husk start "$ID"
	wait_status stopped
}

@test "create: an error after the mounts leaves nothing" {
	# teardown's leak check is the point; a device that cannot be made fails late
	config '.linux.sysctl = {"net.ipv4.no_such_thing_at_all": "1"}'
	fails c_create
	err_has no_such_thing_at_all
	fails husk state "$ID"
	[ -z "$(ls "$ROOT" 2>/dev/null)" ]
}

@test "create: works from a directory that has been removed" {
	mkdir "$TEST_DIR/gone"
	cd "$TEST_DIR/gone"
	rmdir "$TEST_DIR/gone"
	ok c_create
	cd /
}

@test "create: many containers of one bundle at the same time" {
	for i in 1 2 3 4 5 6; do
		ok c_create "$T-$i"
	done
	ok husk list -q
	eq "$(wc -l <<<"$output")" 6
}
