#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2025-52565: the terminal at /dev/console is the pty itself, whatever names
# the image, or a container that shares the directory, gives to something else.

load lib

setup()
{
	integration_setup
	keep_core_pattern
	install_attack inside
	install_probe
	echo decoy >"$ROOTFS/decoy"
	config '.process.terminal = true'
}

teardown()
{
	restore_core_pattern
	integration_teardown
}

receiver()
{
	rm -f "$TEST_DIR/sock"
	bg tty "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
}

# Run with a terminal; what the program printed on it comes into output.
on_terminal()
{
	receiver
	try c_create "$ID" --console-socket "$TEST_DIR/sock"
	output=
	[ "$status" = 0 ] || return 0
	try husk start "$ID"
	wait_until 2 file_has "$TEST_DIR/tty.out" END || true
	ok husk delete --force "$ID"
	output=$(tr -d '\r' <"$TEST_DIR/tty.out")
}

LOOK='stat -L -c "%t:%T" /proc/self/fd/0 /dev/console; echo typed >/dev/console; echo END; exec sleep 1000'

console_is_pty()
{
	out_has $'88:0\n88:0' "typed" && eq "$(cat "$ROOTFS/decoy")" decoy
}

# The whole of /dev is the image's but for devpts, which is always the kernel's.
no_dev_mount() { config '.mounts |= map(select(.destination != "/dev" and .destination != "/dev/shm"))'; }

# Shown to detect: the control makes /dev/console what a vulnerable runtime did,
# a bind mount of whatever the name led to.
@test "console: the image's /dev/console is a link to something worth writing to" {
	no_dev_mount
	script "$LOOK"
	for target in /decoy ../decoy /proc/sys/kernel/core_pattern /proc/self/fd/1 /dev/null "$TEST_DIR/host" /nowhere/console /dev/console /proc/self/exe; do
		rm -rf "${ROOTFS:?}/dev"
		mkdir "$ROOTFS/dev"
		ln -s "$target" "$ROOTFS/dev/console"
		on_terminal
		# Refused, or the terminal: nothing in between.
		[ -z "$output" ] || console_is_pty || { echo "/dev/console -> $target" >&2; show; return 1; }
		[ ! -e "$TEST_DIR/host" ]
		eq "$(cat "$ROOTFS/decoy")" decoy
		eq "$(cat /proc/sys/kernel/core_pattern)" "$CORE"
	done
	rm "$ROOTFS/dev/console"
	on_terminal
	console_is_pty

	output=$(unshare -m sh -c 'touch "$1/dev/console"; mount --bind "$1/decoy" "$1/dev/console"; mount -t proc proc "$1/proc"
		exec chroot "$1" sh -c "stat -L -c %t:%T /proc/self/fd/0 /dev/console; echo typed >/dev/console"' sh "$ROOTFS" </dev/null)
	! console_is_pty 2>/dev/null
	control "the source was something else"
}

@test "console: the image's /dev/console is a file, a directory, a device, a FIFO" {
	no_dev_mount
	script "$LOOK"
	for make in 'echo mine >console' 'mkdir console' 'mknod console c 1 3' 'mknod console c 5 1' 'mkfifo console' 'ln "$ROOTFS/decoy" console'; do
		rm -rf "${ROOTFS:?}/dev"
		mkdir "$ROOTFS/dev"
		(cd "$ROOTFS/dev" && eval "$make")
		before=$(stat -c '%u %g %a %F' "$ROOTFS/dev/console")
		on_terminal
		[ -z "$output" ] || console_is_pty || { echo "$make" >&2; show; return 1; }
		eq "$(stat -c '%u %g %a %F' "$ROOTFS/dev/console")" "$before"
	done
}

# devpts is not the kernel's but a directory of the attacker's: no pty comes from it.
# Shown to detect: with devpts in the same place the same container gets its terminal.
@test "console: /dev/pts is not a devpts" {
	mkdir "$TEST_DIR/pts"
	config --arg s "$TEST_DIR/pts" '.mounts |= map(if .type == "devpts" then {destination, type: "bind", source: $s, options: ["rbind"]} else . end)'
	script "$LOOK"
	for make in ':' 'echo x >ptmx' 'mknod ptmx c 5 2' 'mknod ptmx c 1 3' 'ln -s /decoy ptmx' 'ln -s /dev/null ptmx' 'ln -s /proc/self/fd/3 ptmx' 'touch ptmx; mount --bind /dev/ptmx ptmx' 'touch ptmx; mount --bind /dev/null ptmx'; do
		(cd "$TEST_DIR/pts" && eval "$make")
		on_terminal
		status_before=$status
		umount "$TEST_DIR/pts/ptmx" 2>/dev/null || true
		rm -f "$TEST_DIR/pts/ptmx"
		[ "$status_before" != 0 ] || { echo "$make: a terminal came from it" >&2; return 1; }
		[ -n "$stderr" ]
	done
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$TEST_DIR/pts"
	on_terminal
	umount "$TEST_DIR/pts"
	console_is_pty
	control "a devpts"
}

# CVE-2025-52565's race, as far as it still can be: /dev is shared, and console
# changes from a file to a link while the terminal is bound to it.
# Shown to detect: "a mask by path" of masks.bats is caught by the same exchange.
@test "console: a race for /dev/console" {
	mkdir "$TEST_DIR/dev"
	touch "$TEST_DIR/dev/console"
	ln -s /decoy "$TEST_DIR/dev/link"
	mkdir "$TEST_DIR/dev/pts"
	config --arg s "$TEST_DIR/dev" '.mounts |= map(if .destination == "/dev" then {destination, type: "bind", source: $s, options: ["bind"]} else select(.destination != "/dev/shm") end)
		| .linux.maskedPaths = ["/proc/version"]'
	script 'stat -L -c "%t:%T" /dev/pts/0; cat /proc/version; echo END; exec sleep 1000'
	bg swap "$(attack swap)" "$TEST_DIR/dev/console" "$TEST_DIR/dev/link"
	swapper=$!
	end=$((SECONDS + RACE_SECONDS)) n=0 terminals=0
	while racing 5; do
		on_terminal
		n=$((n + 1))
		[ -z "$output" ] || {
			eq "$output" $'88:0\nEND'
			terminals=$((terminals + 1))
		}
		# The decoy may get covered inside; what it holds is nobody's terminal.
		eq "$(cat "$ROOTFS/decoy")" decoy
	done
	kill $swapper
	((n >= 5 && terminals > 0))
}

# exec opens a terminal in a container that had all the time in the world.
# Shown to detect: before /dev/pts is exchanged, the same exec gets its terminal.
@test "console: a container that replaced its devpts" {
	c_sleeper "$T-2" ".process.terminal = false | $WITH_CAPS"
	jq '.process | .args = ["/bin/sh", "-c", "echo END; exec sleep 100"] | .terminal = true' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	receiver
	bg_exec -p "$TEST_DIR/p.json" --console-socket "$TEST_DIR/sock" "$T-2"
	wait_for file_has "$TEST_DIR/tty.out" END
	control "a devpts"
	end_exec
	ok husk exec "$T-2" umount -l /dev/pts
	for make in 'mkdir pts; ln -s /proc/sys/kernel/core_pattern pts/ptmx' 'mkdir pts; ln -s /decoy pts/ptmx' 'mkdir pts; mknod pts/ptmx c 1 3' \
		'ln -s /proc/self/fd/3 pts' 'ln -s /proc/self/fd/4 pts' 'ln -s /proc/self/fd/6 pts' 'ln -s /proc/1/root/etc pts'; do
		ok husk exec "$T-2" sh -c "cd /dev && { rmdir pts || rm -rf pts; } 2>/dev/null; $make"
		receiver
		fails husk exec -d -p "$TEST_DIR/p.json" --console-socket "$TEST_DIR/sock" "$T-2"
		eq "$(cat "$ROOTFS/decoy")" decoy
		eq "$(cat /proc/sys/kernel/core_pattern)" "$CORE"
	done
}
