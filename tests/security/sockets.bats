#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2020-15257: sockets that a container could reach; here the one that init
# waits for "start" on.

load lib

abstract() { awk '$8 ~ /^@/ { print $8 }' /proc/net/unix | sort -u; }

# In the network namespace of the host a container can connect to every abstract
# socket there. Shown to detect: the control makes one.
@test "sockets: no abstract ones at any time" {
	config '.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs")) | .process.terminal = true'
	# Others on this machine may have some that come and go: what matters are husk's processes.
	before=$(abstract)
	bg tty "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	hold_create "$ID" --console-socket "$TEST_DIR/sock"
	during=$(abstract_of "$HOLDER" "$ENTRANT")
	let_go
	created=$(abstract_of "$(pid_of)")
	ok husk start "$ID"
	eq "$during$created" ""

	"$(attack inside)" abstract "@$T" 2 >/dev/null &
	listener=$!
	wait_for grep -q "@$T" /proc/net/unix
	[ -n "$(abstract_of $listener)" ] && [ "$(abstract)" != "$before" ]
	control "an abstract socket"
	kill $listener
}

# abstract_of PID...: of the sockets that these processes hold
abstract_of()
{
	local pid inode name

	for pid; do
		find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n'
	done | while read -r inode; do
		awk -v i="$inode" '$7 == i && $8 ~ /^@/ { print $8 }' /proc/net/unix
	done
}

# Shown to detect: the control changes them.
@test "sockets: the state directory and all in it are closed to others" {
	for mask in 000 022 077; do
		ok sh_with "umask $mask" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$T-$mask"
		eq "$(open_to_others "$T-$mask")" ""
	done
	[ -S "$ROOT/$T-000/start.sock" ]
	chmod 755 "$ROOT/$T-000" && chmod 644 "$ROOT/$T-000/state.json"
	[ -n "$(open_to_others "$T-000")" ]
	control "other modes"
}

# The directory itself, and files with anything for group and others.
open_to_others() { find "$ROOT/$1" -type d -perm /077 -printf '%p %m\n' -o -type f -perm /077 -printf '%p %m\n'; }

token_of() { jq -r .token "$ROOT/$1/state.json"; }

# Nobody else may read the token; so it must not be told, either.
@test "sockets: the token is not shown" {
	config --arg o "$TEST_DIR/hook" '.hooks = ([("prestart", "createRuntime", "createContainer", "poststart", "poststop")
		| {key: ., value: [{path: "/bin/sh", args: ["sh", "-c", "cat >>\($o); tr \"\\0\" \"\\n\" </proc/self/environ >>\($o)"]}]}] | from_entries)'
	ok husk --debug --log "$TEST_DIR/log" create -b "$BUNDLE" "$ID"
	token=$(token_of "$ID")
	[ ${#token} -ge 32 ]
	{
		husk state "$ID"
		husk list -f json
		cat "$TEST_DIR/log" "$TEST_DIR/hook"
		tr '\0' '\n' <"/proc/$(pid_of)/cmdline"
		tr '\0' '\n' <"/proc/$(pid_of)/environ"
	} >"$TEST_DIR/shown"
	husk --debug --log "$TEST_DIR/log2" start "$ID"
	cat "$TEST_DIR/log2" >>"$TEST_DIR/shown"
	not grep -F "$token" "$TEST_DIR/shown"
	grep -qF "$T" "$TEST_DIR/shown"
	grep -F "$token" "$ROOT/$ID/state.json" || true
	# One token opens one door.
	ok c_create "$T-2"
	[ "$(token_of "$T-2")" != "$token" ]
}

# For all who can connect: root, or somebody to whom the directory was given.
# Shown to detect: the control sends the right token, and init starts.
@test "sockets: start cannot be forged without the token" {
	config '.process.args = ["/bin/sleep", "1000"]'
	ok c_create
	sock=$ROOT/$ID/start.sock
	forge=$(attack forge-start)
	pid=$(pid_of)
	fds=$(ls "/proc/$pid/fd")
	token=$(token_of "$ID")
	for type in 0 1 2 3 4 5 6 7 8 9 10 11; do
		ok "$forge" "$sock" token "" $type
		ok "$forge" "$sock" token "${token:0:34}x" $type
	done
	for kind in close empty short header cut large fds token; do
		try "$forge" "$sock" $kind ""
		try "$forge" "$sock" $kind "${token:0:20}"
		status_is created
	done
	# Descriptors that came with it were not kept.
	wait_for eq "$(ls "/proc/$pid/fd")" "$fds"
	eq "$(cat "/proc/$pid/comm")" husk
	ok husk start "$ID"
	status_is running

	ok c_create "$T-2"
	pid=$(pid_of "$T-2")
	try "$forge" "$ROOT/$T-2/start.sock" token "$(token_of "$T-2")"
	wait_until 2 not grep -q husk "/proc/$pid/comm"
	control "the right token"
}

# From inside: even a container that was given the state directory has to know
# the token, and init cannot be asked for it.
# Shown to detect: the same from the host finds it.
@test "sockets: a container cannot start another, nor itself" {
	install_attack forge-start
	config '.process.args = ["/bin/sleep", "1000"]'
	ok c_create "$T-2"
	cp "$BUNDLE/config.json" "$TEST_DIR/plain.json"
	map='[{"containerID": 0, "hostID": 100000, "size": 65536}]'
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	script "cat /state/state.json; ls /state; /bin/forge-start /state/start.sock token x" ".linux.namespaces += [{type: \"user\"}]
		| .linux.uidMappings = $map | .linux.gidMappings = $map | .mounts += [{destination: \"/state\", type: \"bind\", source: \"$ROOT/$T-2\", options: [\"bind\"]}]"
	try c_run
	out_lacks token
	status_is created "$T-2"
	ok ls "$ROOT/$T-2"
	out_has start.sock
	control "from the host"
}

# Every container has the sockets of 0 to 2 only: no way to the runtime.
@test "sockets: a program has no socket of the runtime's" {
	script 'ls -l /proc/self/fd | grep -c socket; cat /proc/net/unix | wc -l'
	ok c_run
	out_is $'0\n1'
	sleeper
	ok c_run "$T-2" -d
	ok husk exec "$T-2" sh -c 'ls -l /proc/1/fd /proc/self/fd | grep -c socket; cat /proc/net/unix | wc -l'
	out_is $'0\n1'
}
