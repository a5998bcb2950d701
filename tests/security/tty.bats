#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2017-5226, firejail's CVE-2016-9016, flatpak's CVE-2019-10063 and
# CVE-2023-28100: a program that types into the terminal it was given. OCI leaves
# the ioctl to seccomp; a session of its own is the runtime's part.

load lib

# on_tty COMMAND...: with a terminal on 0 to 2 that is the controlling one of a
# shell around it, as a user has
on_tty()
{
	local line

	printf -v line '%q ' "$@"
	[ -p "$TEST_DIR/idle" ] || mkfifo "$TEST_DIR/idle"
	timeout -k 2 "$HUSK_TIMEOUT" script -qefc "sh -c ${line@Q}; exit" /dev/null <>"$TEST_DIR/idle" >"$TEST_DIR/pty.out" 2>&1 3>&- 4>&- || true
	output=$(tr -d '\r' <"$TEST_DIR/pty.out")
}

setup()
{
	integration_setup
	install_attack inside
}

# As root with CAP_SYS_ADMIN the kernel allows it to everybody: no capabilities.
# The kernel may not have TIOCSTI for others at all (dev.tty.legacy_tiocsti, 6.2).
no_input()
{
	out_has "session own" "controlling ENXIO" || return 1
	out_lacks FOREIGN && out_lacks TYPED && out_lacks PASTED && out_lacks STOLEN && out_lacks CONTROLLING
}

# Shown to detect: the control runs the same without a runtime.
@test "tty: run without a terminal of its own has a session of its own" {
	config '.process.args = ["/bin/inside", "tty"]'
	on_tty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	no_input
	for capabilities in '[]' '["CAP_KILL"]'; do
		config --argjson c "$capabilities" '.process.capabilities = {bounding: $c, effective: $c, permitted: $c}'
		on_tty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
		no_input
	done

	on_tty setpriv --reuid 1000 --clear-groups --inh-caps=-all "$(attack inside)" tty
	out_has FOREIGN CONTROLLING
	control "no session of its own"
}

# Shown to detect: as above.
@test "tty: nor does exec" {
	c_sleeper
	on_tty "${HUSK_CMD[@]}" exec "$ID" /bin/inside tty
	no_input
	on_tty "${HUSK_CMD[@]}" exec -u 1000 "$ID" /bin/inside tty
	no_input
	on_tty setpriv --reuid 1000 --clear-groups --inh-caps=-all "$(attack inside)" tty
	out_has FOREIGN CONTROLLING
	control "no session of its own"
}

# With a terminal it is the container's own: the user's is not among its descriptors.
@test "tty: a container with a terminal does not have the user's" {
	config '.process.terminal = true | .process.args = ["/bin/sh", "-c", "readlink -f /proc/self/fd/0; stat -L -c %d /proc/self/fd/0; sleep 0.1"]'
	on_tty sh -c 'stat -L -c "outer %d" /proc/self/fd/0; exec "$@"' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	outer=$(sed -n 's/^outer //p' <<<"$output")
	inner=$(grep -v outer <<<"$output" | tail -n 1)
	[ -n "$outer" ] && [ -n "$inner" ]
	[ "$outer" != "$inner" ]
	# Hooks, too, are in no position to type for the user.
	config --arg h "$(attack inside)" --arg o "$TEST_DIR/hook" '.process.terminal = false | .process.args = ["/bin/true"]
		| .hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "ps -o sid= -p $$ >\($o); echo $$ >>\($o)"]}]'
	on_tty "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(sed -n 1p "$TEST_DIR/hook" | tr -d ' ')" "$(sed -n 2p "$TEST_DIR/hook")"
}
