#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# process.terminal: console sockets, sizes, foreground runs on a terminal.

load lib

console()
{
	bg rt "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
}

# tty_script TEXT: the shell text runs on a terminal that recvtty has. It must
# not end by itself: when a session leader ends, the kernel hangs the terminal
# up and drops what nobody has read yet.
tty_script()
{
	console
	script "$1; echo END; exec sleep 1000" ".process.terminal = true | ${2:-.}"
	ok c_create "$ID" --console-socket "$TEST_DIR/sock"
	ok husk start "$ID"
	tty_wait
}

# What came before END, carriage returns removed, in output.
tty_wait()
{
	wait_for grep -q END "$TEST_DIR/rt.out"
	output=$(tr -d '\r' <"$TEST_DIR/rt.out" | sed '/^END/,$d')
	stderr=
}

# on_pty COMMAND...: with a terminal of its own, as a user has. Output in
# $TEST_DIR/pty.out, status in status.
on_pty()
{
	local line

	printf -v line '%q ' "$@"
	status=0
	# script(1) passes on the end of its input: a FIFO that has none.
	[ -p "$TEST_DIR/idle" ] || mkfifo "$TEST_DIR/idle"
	timeout -k 2 "$HUSK_TIMEOUT" script -qefc "$line" "$TEST_DIR/typescript" <>"$TEST_DIR/idle" >"$TEST_DIR/pty.out" 2>&1 3>&- 4>&- || status=$?
	output=$(tr -d '\r' <"$TEST_DIR/pty.out")
	stderr=
}

@test "terminal: a controlling terminal by console socket" {
	install_probe
	tty_script 'probe tty'
	out_is "name /dev/pts/0 controlling yes session member rows 0 cols 0"
}

@test "terminal: consoleSize" {
	install_probe
	tty_script 'probe tty' '.process.consoleSize = {height: 33, width: 111}'
	out_has "rows 33 cols 111"
}

@test "terminal: consoleSize without a terminal is ignored" {
	config '.process.consoleSize = {height: 33, width: 111}'
	ok c_run
}

@test "terminal: output and input" {
	echo typed >"$TEST_DIR/sock.in"
	tty_script 'stty -echo; echo ask; read line; echo "got $line"'
	out_is $'ask\ngot typed'
}

@test "terminal: all three descriptors are the terminal" {
	tty_script 'for i in 0 1 2; do readlink /proc/self/fd/$i; done'
	out_is $'/dev/pts/0\n/dev/pts/0\n/dev/pts/0'
}

@test "terminal: /dev/console is the same terminal" {
	tty_script 'stat -L -c %t:%T /dev/console /dev/pts/0; echo by-console >/dev/console'
	out_is $'88:0\n88:0\nby-console'
}

@test "terminal: no /dev/console without one" {
	script 'ls /dev/console'
	try c_run
	[ "$status" != 0 ]
}

@test "terminal: it belongs to the container's user" {
	tty_script 'stat -c %u /dev/pts/0; echo x >/dev/tty' '.process.user = {uid: 1000, gid: 1000}'
	out_is $'1000\nx'
}

@test "terminal: interrupt from the keyboard reaches the program" {
	printf '\003' >"$TEST_DIR/sock.in"
	tty_script 'trap "echo interrupted; stop=1" INT; echo up; while [ -z "$stop" ]; do sleep 0.02; done'
	out_has interrupted
}

@test "terminal: exec with a console socket" {
	install_probe
	c_sleeper
	console
	jq '.process | .args = ["/bin/sh", "-c", "probe tty; echo END; exec sleep 1000"] | .terminal = true
		| .consoleSize = {height: 10, width: 20}' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	ok husk exec -d -p "$TEST_DIR/p.json" --console-socket "$TEST_DIR/sock" "$ID"
	tty_wait
	out_has "controlling yes" "rows 10 cols 20"
}

@test "terminal: run in the foreground on the user's terminal" {
	install_probe
	script 'probe tty; sleep 0.1' '.process.terminal = true'
	on_pty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$status" 0
	out_has "controlling yes"
}

@test "terminal: run passes the exit status" {
	script 'echo bye; sleep 0.1; exit 19' '.process.terminal = true'
	on_pty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$status" 19
	out_has bye
}

@test "terminal: run takes the size of the user's terminal" {
	# crun 1.8.1: fails because it begins with a size of 0
	install_probe
	script 'probe tty; sleep 0.1' '.process.terminal = true'
	on_pty sh -c 'stty rows 41 cols 123; exec "$@"' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$status" 0
	out_has "rows 41 cols 123"
}

@test "terminal: a change of the size is passed on" {
	# crun 1.8.1: fails because it does not pass it on
	# The kernel sends SIGWINCH to who is in the foreground, here the runtime.
	install_probe
	script 'trap "probe tty; sleep 0.1; exit 0" WINCH; echo up; while :; do sleep 0.02; done' '.process.terminal = true'
	on_pty sh -c '(while ! grep -q up "$0"; do sleep 0.02; done; stty rows 17 cols 71 </dev/tty) & exec "$@"' \
		"$TEST_DIR/pty.out" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_has "rows 17 cols 71"
}

@test "terminal: run leaves the user's terminal as it was" {
	script 'stty raw -echo; exit 0' '.process.terminal = true'
	on_pty sh -c 'stty -g; "$@"; stty -g' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(head -n 1 <<<"$output")" "$(tail -n 1 <<<"$output")"
}

@test "terminal: exec --tty in the foreground" {
	install_probe
	c_sleeper
	on_pty "${HUSK_CMD[@]}" exec --tty "$ID" sh -c 'probe tty; sleep 0.1'
	eq "$status" 0
	out_has "controlling yes"
}

@test "terminal: exec -t passes the exit status" {
	c_sleeper
	on_pty "${HUSK_CMD[@]}" exec -t "$ID" sh -c 'exit 23'
	eq "$status" 23
}

@test "terminal: run with a terminal in the configuration and none outside" {
	# an error that says so, or a terminal of its own; never a hang
	script 'echo alive' '.process.terminal = true'
	try setsid "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	if [ "$status" = 0 ]; then
		out_has alive
	else
		err_has_any tty terminal console "ioctl"
	fi
}

@test "terminal: a lot of output arrives" {
	script 'i=0; while [ $i -lt 2000 ]; do echo "line $i of the output"; i=$((i + 1)); done; sleep 0.2' '.process.terminal = true'
	on_pty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(grep -c 'of the output' <<<"$output")" 2000
}

@test "terminal: detach with a terminal and no console socket is refused" {
	# crun 1.8.1: may fail because it hands the caller's terminal on
	sleeper '.process.terminal = true'
	fails c_run "$ID" --detach
	err_has_any console terminal
}
