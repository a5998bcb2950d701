#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --log, --log-format, --log-level and --debug

load lib

LOG() { echo "$TEST_DIR/log"; }

# A call that fails, with logging flags.
broken()
{
	config '.root.path = "nowhere"'
	try husk "$@" create -b "$BUNDLE" "$ID"
	eq "$status" 1
}

@test "log: without flags an error is one line of text on stderr" {
	broken
	eq "$(wc -l <<<"$stderr")" 1
	err_has nowhere
}

@test "log: --log-format json on stderr" {
	broken --log-format json
	eq "$(jq -r .level <<<"$stderr")" error
	eq "$(jq -r '.msg | contains("nowhere")' <<<"$stderr")" true
}

@test "log: a JSON line in a file has level, msg and time" {
	# what go-runc and podman read
	broken --log "$(LOG)" --log-format json
	eq "$(wc -l <"$(LOG)")" 1
	eq "$(jq -r .level "$(LOG)")" error
	eq "$(jq -r '.msg | contains("nowhere")' "$(LOG)")" true
	eq "$(jq -r '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$")' "$(LOG)")" true
}

@test "log: the spelling of podman: --log-format=json --log=FILE" {
	broken --log-format=json "--log=$(LOG)"
	eq "$(jq -r .level "$(LOG)")" error
}

@test "log: file: as a prefix" {
	broken --log-format=json "--log=file:$(LOG)"
	eq "$(jq -r .level "$(LOG)")" error
}

@test "log: text in a file" {
	broken --log "$(LOG)"
	grep -q nowhere "$(LOG)"
}

@test "log: a file is appended to" {
	echo before >"$(LOG)"
	broken --log "$(LOG)" --log-format json
	eq "$(head -n 1 "$(LOG)")" before
	eq "$(wc -l <"$(LOG)")" 2
}

@test "log: messages with quotes and newlines are valid JSON" {
	config '.root.path = "no\"where\nat\\all"'
	try husk --log "$(LOG)" --log-format json create -b "$BUNDLE" "$ID"
	eq "$status" 1
	eq "$(jq -r '.msg | contains("where")' "$(LOG)")" true
}

@test "log: nothing is logged when nothing happens" {
	ok husk --log "$(LOG)" --log-format json run -b "$BUNDLE" "$ID"
	[ ! -s "$(LOG)" ]
}

@test "log: --debug says what is done, and the container is the same" {
	# crun 1.8.1: fails because it has nothing to say
	script 'echo out'
	ok husk --debug --log "$(LOG)" run -b "$BUNDLE" "$ID"
	out_is out
	[ -s "$(LOG)" ]
}

@test "log: --log-level debug is --debug" {
	# crun 1.8.1: fails because it has no such flag
	ok husk --log-level debug --log "$(LOG)" run -b "$BUNDLE" "$ID"
	[ -s "$(LOG)" ]
}

@test "log: --debug in JSON: every line is an object with phase and step somewhere" {
	# crun 1.8.1: fails because it has no phases
	ok husk --debug --log-format json --log "$(LOG)" run -b "$BUNDLE" "$ID"
	eq "$(jq -s 'all(has("level") and has("msg") and has("time"))' "$(LOG)")" true
	eq "$(jq -s 'any(has("phase") and has("step"))' "$(LOG)")" true
}

@test "log: an error in JSON names phase and step" {
	# crun 1.8.1: fails because it has no phases
	config '.mounts += [{destination: "/x", type: "nosuchfs", source: "none"}]'
	try husk --log "$(LOG)" --log-format json create -b "$BUNDLE" "$ID"
	eq "$status" 1
	eq "$(jq -rs 'map(select(.level == "error"))[0] | has("phase") and has("step")' "$(LOG)")" true
}

# A machine's log of the test's own: /dev/log is wherever the mount namespace has it.
with_syslogd()
{
	# shellcheck disable=SC2016 # another shell's
	unshare -m sh -c 'dir=$1; shift
		mkdir "$dir/dev" && mount --rbind /dev "$dir/dev" && mount -t tmpfs dev /dev || exit 99
		for node in null zero full random urandom tty; do : >"/dev/$node" && mount --bind "$dir/dev/$node" "/dev/$node"; done
		busybox syslogd -n -O "$dir/messages" & daemon=$!
		trap "kill $daemon; wait $daemon" EXIT
		for i in $(seq 200); do [ ! -S /dev/log ] || break; sleep 0.05; done
		"$@"; status=$?
		for i in $(seq 40); do ! grep -qs nowhere "$dir/messages" || break; sleep 0.05; done
		exit $status' sh "$TEST_DIR" "$@"
}

@test "log: syslog: and journald: with a tag" {
	# crun 1.8.1: fails because its journald: needs systemd's own socket
	requires_program busybox
	busybox syslogd --help >/dev/null 2>&1 || skip "needs syslogd in busybox"
	config '.root.path = "nowhere"'
	for kind in syslog journald; do
		rm -rf "$TEST_DIR/dev" "$TEST_DIR/messages"
		fails with_syslogd "${HUSK_TIMED[@]}" "${HUSK_CMD[@]}" --log $kind:tagged create -b "$BUNDLE" "$ID"
		err_has nowhere
		grep -q "tagged.*nowhere" "$TEST_DIR/messages" || { cat "$TEST_DIR/messages"; return 1; }
	done
}

@test "log: warn and info are taken for warning" {
	# crun 1.8.1: fails because it has no such flag
	for level in warning warn info; do
		ok husk --log-level $level list
	done
}

@test "log: an unknown level is refused" {
	# crun 1.8.1: fails because it has no such flag
	fails husk --log-level loud list
	err_has log-level
}

@test "log: a file that cannot be opened is an error" {
	fails husk --log "$TEST_DIR/no/dir/log" list
	err_has "$TEST_DIR/no/dir/log"
}

@test "log: the log's descriptor does not reach the container" {
	install_probe
	config '.process.args = ["/bin/probe", "fds"]'
	ok husk --debug --log "$(LOG)" run -b "$BUNDLE" "$ID"
	eq "$(cut -d' ' -f1 <<<"$output" | tr '\n' ' ')" "0 1 2 "
}

@test "log: the error of a program that is not found is in the log" {
	config '.process.args = ["/no/such/program"]'
	try husk --log "$(LOG)" --log-format json run -b "$BUNDLE" "$ID"
	[ "$status" != 0 ]
	eq "$(jq -rs 'any(.msg | contains("/no/such/program"))' "$(LOG)")" true
}

@test "log: errors of usage are in the log too" {
	# crun 1.8.1: fails because argp writes them
	try husk --log "$(LOG)" --log-format json create --frobnicate "$ID"
	eq "$status" 1
	eq "$(jq -rs 'any(.msg | contains("frobnicate"))' "$(LOG)")" true
}
