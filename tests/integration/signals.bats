#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Signals to a foreground run reach the container.

load lib

# A program that says which signal it got and ends with 40 plus its number.
signal_teller()
{
	script 'for s in 1 2 3 10 12 15 28; do trap "echo got $s; exit $((40 + s))" $s; done
		echo up; while :; do sleep 1000 & wait $!; done'
	bg fg "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	wait_for grep -q up "$TEST_DIR/fg.out"
}

relayed()
{
	signal_teller
	kill -"$1" "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" "$((40 + $2))"
	grep -qx "got $2" "$TEST_DIR/fg.out"
}

@test "signals: SIGTERM is relayed" { relayed TERM 15; }
@test "signals: SIGINT is relayed" { relayed INT 2; }
@test "signals: SIGHUP is relayed" { relayed HUP 1; }
@test "signals: SIGQUIT is relayed" { relayed QUIT 3; }
@test "signals: SIGUSR1 is relayed" { relayed USR1 10; }
@test "signals: SIGUSR2 is relayed" { relayed USR2 12; }

@test "signals: an unhandled SIGTERM kills a program that is not pid 1" {
	script 'echo up; exec sleep 1000' 'del(.linux.namespaces[] | select(.type == "pid"))'
	bg fg "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	wait_for grep -q up "$TEST_DIR/fg.out"
	kill -TERM "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 143
}

@test "signals: the program starts with nothing blocked and nothing ignored" {
	install_probe
	config '.process.args = ["/bin/probe", "signals"]'
	# bats itself ignores none; hand down an ignored one on purpose
	ok c_run
	out_is end
}

@test "signals: an exec starts with nothing blocked and nothing ignored" {
	install_probe
	c_sleeper
	ok husk exec "$ID" /bin/probe signals
	out_is end
}

@test "signals: blocked and ignored signals of the caller do not reach the program" {
	install_probe
	config '.process.args = ["/bin/probe", "signals"]'
	ok sh_with 'trap "" PIPE USR1 HUP' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is end
}
