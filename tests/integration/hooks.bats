#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hooks: which, when, where, with what, and what happens when they fail.

load lib

HOOKS="prestart createRuntime createContainer startContainer poststart poststop"

# A hook program that notes what it is given; it runs inside and outside the
# container, so it is a shell script that both sides have under this path.
setup()
{
	integration_setup
	LOG=$ROOTFS/log
	mkdir "$LOG"
	chmod 777 "$LOG"
	cat >"$TEST_DIR/hook" <<-'END'
	#!/bin/sh
	# hook NAME LOGDIR
	cat >"$2/$1.state"
	pwd >"$2/$1.cwd" 2>&1
	env | sort >"$2/$1.env"
	for ns in pid net ipc uts mnt; do readlink /proc/self/ns/$ns; done >"$2/$1.ns" 2>&1
	echo "$1" >>"$2/order"
	END
	chmod 755 "$TEST_DIR/hook"
}

# hook KIND JQ-OBJECT: add one
hook() { config --arg k "$1" ".hooks[\$k] += [$2]"; }

# note KIND: a hook that notes; startContainer's is inside
note()
{
	if [ "$1" = startContainer ]; then
		cp "$TEST_DIR/hook" "$ROOTFS/hook"
		hook "$1" '{path: "/hook", args: ["hook", $k, "/log"]}'
	else
		hook "$1" "{path: \"$TEST_DIR/hook\", args: [\"hook\", \$k, \"$LOG\"]}"
	fi
}

# fail KIND: one that fails
fail() { sh_hook "$1" 'echo the hook is unhappy >&2; exit 3'; }

# sh_hook KIND TEXT [MORE]
sh_hook() { config --arg k "$1" --arg t "$2" ".hooks[\$k] += [{path: \"/bin/sh\", args: [\"sh\", \"-c\", \$t]${3:+, $3}}]"; }

@test "hooks: the order of all six around the program" {
	# crun 1.8.1: may fail because poststart and startContainer race
	for kind in $HOOKS; do note "$kind"; done
	script 'echo program >>/log/order; sleep 0.1'
	ok c_create
	eq "$(tr '\n' ' ' <"$LOG/order")" "prestart createRuntime createContainer "
	ok husk start "$ID"
	wait_status stopped
	ok husk delete "$ID"
	# poststart may overtake the program's first line, not its start.
	eq "$(grep -v program "$LOG/order" | tr '\n' ' ')" "prestart createRuntime createContainer startContainer poststart poststop "
	grep -qx program "$LOG/order"
}

@test "hooks: poststart runs after the program has been executed" {
	# crun 1.8.1: may fail because it does not wait for the exec
	sleeper '.process.args = ["/bin/sleep", "1000"]'
	sh_hook poststart "pid=\$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' | head -n 1); tr '\\0' ' ' </proc/\$pid/cmdline >$LOG/cmdline"
	ok c_create
	ok husk start "$ID"
	eq "$(cat "$LOG/cmdline")" "/bin/sleep 1000 "
}

@test "hooks: with run, all six in order" {
	# crun 1.8.1: may fail because poststart and startContainer race
	for kind in $HOOKS; do note "$kind"; done
	ok c_run
	eq "$(tr '\n' ' ' <"$LOG/order")" "prestart createRuntime createContainer startContainer poststart poststop "
}

@test "hooks: several of a kind in listed order" {
	for i in 1 2 3; do sh_hook createRuntime "cat >/dev/null; echo $i >>$LOG/order"; done
	ok c_run
	eq "$(tr '\n' ' ' <"$LOG/order")" "1 2 3 "
}

@test "hooks: the state on stdin: status of each kind, id, pid, bundle, annotations" {
	# crun 1.8.1: may fail because it says other words for some
	for kind in $HOOKS; do note "$kind"; done
	config '.annotations = {"a": "b"}'
	ok c_run
	for kind in $HOOKS; do
		state=$LOG/$kind.state
		eq "$kind $(jq -r .id "$state")" "$kind $ID"
		eq "$(jq -r .bundle "$state")" "$BUNDLE"
		eq "$(jq -c .annotations "$state")" '{"a":"b"}'
		[[ $(jq -r .ociVersion "$state") =~ ^1\. ]]
		case $kind in
		prestart | createRuntime | createContainer) [[ $(jq -r .status "$state") =~ ^(creating|created)$ ]] ;;
		startContainer) eq "$(jq -r .status "$state")" created ;;
		poststart) eq "$(jq -r .status "$state")" running ;;
		poststop) eq "$(jq -r .status "$state")" stopped ;;
		esac
		[ "$kind" = poststop ] || eq "$kind $(jq '.pid > 0' "$state")" "$kind true"
	done
}

@test "hooks: namespaces: createContainer and startContainer in the container's, the others outside" {
	for kind in $HOOKS; do note "$kind"; done
	ok c_run
	outside=$(for ns in pid net ipc uts mnt; do readlink /proc/self/ns/$ns; done)
	for kind in prestart createRuntime poststart poststop; do
		eq "$kind $(cat "$LOG/$kind.ns")" "$kind $outside"
	done
	inside=$(cat "$LOG/startContainer.ns")
	eq "$(cat "$LOG/createContainer.ns")" "$inside"
	[ "$inside" != "$outside" ]
	for i in 1 2 3 4 5; do
		[ "$(sed -n ${i}p <<<"$inside")" != "$(sed -n ${i}p <<<"$outside")" ]
	done
}

@test "hooks: createContainer runs after the mounts and before the pivot" {
	config '.mounts += [{destination: "/made", type: "tmpfs", source: "made"}]'
	sh_hook createContainer "cat >/dev/null; grep -c ' $ROOTFS/made ' /proc/self/mountinfo >$LOG/mounts; ls -d $TEST_DIR >$LOG/sees"
	ok c_run
	eq "$(cat "$LOG/mounts")" 1
	eq "$(cat "$LOG/sees")" "$TEST_DIR"
}

@test "hooks: a mount made by createContainer is seen by the program" {
	mkdir "$TEST_DIR/late"
	echo late >"$TEST_DIR/late/file"
	sh_hook createContainer "cat >/dev/null; mount --bind $TEST_DIR/late $ROOTFS/mnt"
	script 'cat /mnt/file'
	ok c_run
	out_is late
}

@test "hooks: a mount made by createRuntime through the pid's namespace is seen" {
	sh_hook createRuntime "pid=\$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' | head -n 1); nsenter -t \$pid -n ip link set lo down"
	script 'cat /sys/class/net/lo/flags'
	ok c_run
	out_is 0x8
}

@test "hooks: startContainer runs in the container's root" {
	# crun 1.8.1: may fail because its cwd is another
	sh_hook startContainer 'cat >/dev/null; ls / >/log/ls; id -u >/log/id'
	ok c_run
	grep -qx log "$LOG/ls"
	[ "$(grep -c config.json "$LOG/ls")" = 0 ]
}

@test "hooks: the environment is the hook's own and nothing else" {
	# crun 1.8.1: fails because an absent env means the caller's
	hook createRuntime "{path: \"$TEST_DIR/hook\", args: [\"hook\", \$k, \"$LOG\"], env: [\"PATH=/bin:/usr/bin\", \"ONE=1\"]}"
	hook prestart "{path: \"$TEST_DIR/hook\", args: [\"hook\", \$k, \"$LOG\"]}"
	config '.process.env += ["HUSKVAR=yes", "LD_PRELOAD=/evil.so"]'
	ok env LEAKED=yes LD_LIBRARY_PATH=/leak "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID" || true
	eq "$(grep -vE '^(PWD|SHLVL|_)=' "$LOG/createRuntime.env" | tr '\n' ' ')" "ONE=1 PATH=/bin:/usr/bin "
	[ "$(grep -cE 'LEAK|LD_|HUSKVAR' "$LOG/prestart.env")" = 0 ]
}

@test "hooks: createContainer has neither the program's environment nor its cwd" {
	hook createContainer "{path: \"$TEST_DIR/hook\", args: [\"hook\", \$k, \"$LOG\"]}"
	config '.process.env += ["HUSKVAR=yes"] | .process.cwd = "/tmp"'
	ok c_run
	[ "$(grep -c HUSKVAR "$LOG/createContainer.env")" = 0 ]
	[[ $(cat "$LOG/createContainer.cwd") = "$BUNDLE" || $(cat "$LOG/createContainer.cwd") = / ]]
}

@test "hooks: the cwd outside is the bundle or /" {
	# crun 1.8.1: may fail because it is the caller's
	for kind in prestart createRuntime poststart poststop; do note "$kind"; done
	cd /usr
	ok c_run
	for kind in prestart createRuntime poststart poststop; do
		[[ $(cat "$LOG/$kind.cwd") = "$BUNDLE" || $(cat "$LOG/$kind.cwd") = / ]]
	done
}

@test "hooks: without args, argv[0] is the path" {
	printf '#!/bin/sh\ncat >/dev/null\necho "$0 $#" >%s/argv\n' "$LOG" >"$TEST_DIR/h"
	chmod 755 "$TEST_DIR/h"
	hook createRuntime "{path: \"$TEST_DIR/h\"}"
	ok c_run
	eq "$(cat "$LOG/argv")" "$TEST_DIR/h 0"
}

@test "hooks: no descriptors but 0 to 2" {
	for kind in createRuntime createContainer poststop; do
		hook $kind "{path: \"$(helper probe)\", args: [\"probe\", \"fds\"]}"
	done
	config '.annotations = {"run.oci.hooks.stdout": "'"$TEST_DIR/hooks.out"'"}'
	ok sh_with 'exec 5</etc/passwd' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(cut -d' ' -f1 "$TEST_DIR/hooks.out" | sort -u | tr '\n' ' ')" "0 1 2 "
}

@test "hooks: run.oci.hooks.stdout and stderr are files that hooks write to" {
	sh_hook createRuntime 'cat >/dev/null; echo to-out; echo to-err >&2'
	sh_hook poststop 'cat >/dev/null; echo second'
	config '.annotations = {"run.oci.hooks.stdout": "'"$TEST_DIR/ho"'", "run.oci.hooks.stderr": "'"$TEST_DIR/he"'"}'
	ok c_run
	eq "$(cat "$TEST_DIR/ho")" $'to-out\nsecond'
	eq "$(cat "$TEST_DIR/he")" to-err
}

# A failing hook of a kind: what create, start and the rest do.
@test "hooks: prestart, createRuntime and createContainer failing undo create" {
	# crun 1.8.1: fails because it ends with 255
	for kind in prestart createRuntime createContainer; do
		note poststop
		fail $kind
		config '.process.args = ["/bin/sh", "-c", "echo ran >/ran"]'
		fails c_create
		err_has_any hook "$kind"
		[ ! -e "$ROOTFS/ran" ]
		fails husk state "$ID"
		config 'del(.hooks)'
	done
}

@test "hooks: a failing create runs poststop" {
	# crun 1.8.1: may fail because it does not for every stage
	note poststop
	fail createRuntime
	fails c_create
	[ -e "$LOG/poststop.state" ]
}

@test "hooks: a failing startContainer stops the container before the program" {
	fail startContainer
	config '.process.args = ["/bin/sh", "-c", "echo ran >/ran"]'
	fails c_run
	err_has_any hook startContainer
	[ ! -e "$ROOTFS/ran" ]
	fails husk state "$ID"
}

@test "hooks: a failing startContainer at start" {
	# crun 1.8.1: fails because it fails at the end of create already
	fail startContainer
	config '.process.args = ["/bin/sh", "-c", "echo ran >/ran"]'
	ok c_create
	fails husk start "$ID"
	[ ! -e "$ROOTFS/ran" ]
	try husk delete --force "$ID"
}

@test "hooks: a failing poststart stops the container (since 1.3)" {
	# crun 1.8.1: fails because it only warns
	note poststop
	fail poststart
	sleeper
	fails c_run "$ID" -d
	err_has_any hook poststart
	gone() { [ -z "$(processes_with "HUSK_TEST=$T" environ)" ]; }
	wait_for gone
	[ -e "$LOG/poststop.state" ]
}

@test "hooks: a failing poststop is a warning, and the others still run" {
	# crun 1.8.1: fails because it says nothing
	fail poststop
	note poststop
	c_stopped
	ok husk delete "$ID"
	[ -n "$stderr" ]
	[ -e "$LOG/poststop.state" ]
	fails husk state "$ID"
}

@test "hooks: poststop runs with delete --force too" {
	note poststop
	c_sleeper
	ok husk delete --force "$ID"
	[ -e "$LOG/poststop.state" ]
}

@test "hooks: the exit status and signal of a hook are in the message" {
	# crun 1.8.1: fails because it says only that it failed
	sh_hook createRuntime 'exit 42'
	fails c_create
	err_has 42
	config 'del(.hooks)'
	sh_hook createRuntime 'kill -SEGV $$'
	fails c_create
	err_has_any signal "segmentation" 11
}

@test "hooks: a timeout kills the hook and is a failure" {
	sh_hook createRuntime 'sleep 100' 'timeout: 1'
	fails c_create
	err_has_any timeout "timed out" "time"
}

@test "hooks: a hook within its timeout is fine" {
	sh_hook createRuntime 'cat >/dev/null; exit 0' 'timeout: 30'
	ok c_run
}

@test "hooks: a timeout of 0 or below is refused" {
	# crun 1.8.1: fails because it takes it for none
	sh_hook createRuntime true 'timeout: 0'
	fails c_create
	err_has timeout
	config 'del(.hooks)'
	sh_hook createRuntime true 'timeout: -1'
	fails c_create
	err_has timeout
}

@test "hooks: one that does not read its stdin is no failure" {
	config '.annotations = {big: ("x" * 200000)}'
	hook createRuntime '{path: "/bin/true"}'
	hook poststop '{path: "/bin/true"}'
	ok c_run
}

@test "hooks: one that closes its stdin and stdout at once" {
	config '.annotations = {big: ("x" * 200000)}'
	sh_hook createRuntime 'exec <&- >&- 2>&-; sleep 0.05'
	ok c_run
}

@test "hooks: one that leaves a daemon behind does not hang" {
	sh_hook createRuntime "cat >/dev/null; (sleep 2 >/dev/null 2>&1 & echo \$! >$LOG/daemon)"
	ok c_create
	kill "$(cat "$LOG/daemon")"
}

@test "hooks: a daemon that keeps stdin, stdout and stderr does not hang" {
	sh_hook createRuntime "sleep 30 & echo \$! >$LOG/daemon"
	before=$SECONDS
	ok c_create
	((SECONDS - before < 20))
	kill "$(cat "$LOG/daemon")"
}

@test "hooks: a path must be absolute" {
	# crun 1.8.1: may fail because it looks in the cwd
	hook createRuntime '{path: "true"}'
	fails c_create
	err_has path
}

@test "hooks: a program that is missing is named" {
	# crun 1.8.1: may fail because it says only that it failed
	hook createRuntime '{path: "/no/such/hook"}'
	fails c_create
	err_has /no/such/hook
}

@test "hooks: an unknown kind is ignored" {
	config '.hooks.onFullMoon = [{path: "/bin/false"}]'
	ok c_run
}

@test "hooks: signals for the container during a hook do not get lost" {
	sh_hook createRuntime "cat >/dev/null; touch $LOG/in-hook; while [ ! -e $LOG/go ]; do sleep 0.02; done"
	script 'exit 0'
	bg r "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	wait_for test -e "$LOG/in-hook"
	touch "$LOG/go"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 0
}

@test "hooks: delete --force while a hook hangs ends everything" {
	# crun 1.8.1: may fail because there is no state yet
	sh_hook createRuntime "cat >/dev/null; touch $LOG/in-hook; exec sleep 1000"
	bg r "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	wait_for test -e "$LOG/in-hook"
	ok husk delete --force "$ID"
	wait_bg "${BG_PIDS[0]}"
	[ "$status" != 0 ]
	fails husk state "$ID"
}
