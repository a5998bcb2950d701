#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# NOTIFY_SOCKET: what a program tells its service manager gets through.

load lib

setup()
{
	integration_setup
	requires_program socat
	install_probe
	# Datagrams, a line each.
	bg manager socat -u UNIX-RECV:"$TEST_DIR/notify" STDOUT
	wait_for test -S "$TEST_DIR/notify"
}

@test "sd-notify: READY=1 gets through from run" {
	script 'probe notify READY=1; sleep 0.2'
	try env NOTIFY_SOCKET="$TEST_DIR/notify" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$status" 0
	out_has ok
	wait_for grep -q READY=1 "$TEST_DIR/manager.out"
}

@test "sd-notify: the container sees a path that works" {
	script 'echo "$NOTIFY_SOCKET"; ls -d "$NOTIFY_SOCKET"; probe notify READY=1; sleep 0.2'
	ok env NOTIFY_SOCKET="$TEST_DIR/notify" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	[[ $output == /* ]] || { show; return 1; }
}

@test "sd-notify: by create and start" {
	script 'probe notify READY=1; exec sleep 1000'
	ok env NOTIFY_SOCKET="$TEST_DIR/notify" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	bg starter env NOTIFY_SOCKET="$TEST_DIR/notify" "${HUSK_CMD[@]}" start "$ID"
	wait_for grep -q READY=1 "$TEST_DIR/manager.out"
}

@test "sd-notify: without NOTIFY_SOCKET the container has none" {
	script 'echo "[${NOTIFY_SOCKET-unset}]"'
	ok env -u NOTIFY_SOCKET "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is "[unset]"
}

@test "sd-notify: a socket that is missing does not stop the container" {
	# crun 1.8.1: may fail because it mounts what is not there
	try env NOTIFY_SOCKET="$TEST_DIR/none" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	[ "$status" = 0 ] || err_has notify
}

@test "sd-notify: an image's link at the place leads nowhere outside" {
	mkdir "$TEST_DIR/out"
	ln -s "$TEST_DIR/out" "$ROOTFS/run"
	try env NOTIFY_SOCKET="$TEST_DIR/notify" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	[ -z "$(ls "$TEST_DIR/out")" ]
}
