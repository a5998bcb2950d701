#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2024-21626: a descriptor of the host that stays open, and a working
# directory that leads through it; CVE-2016-9962's descriptors.

load lib

# Descriptors of host directories that a careless caller leaves open, as dockerd
# did with its cgroup; and the place that must not be reached.
leak()
{
	mkdir -p "$TEST_DIR/out/deep"
	echo outside >"$TEST_DIR/out/marker"
	exec 7<"$TEST_DIR/out/deep" 8</sys/fs/cgroup 9</
}

unleak() { exec 7<&- 8<&- 9<&-; }

# In a run or an exec with that working directory: is something of the host there?
LOOK='cat ../marker ../../../../../../../../etc/hostname 2>/dev/null; pwd; ls ..; /bin/busybox readlink /proc/self/cwd'

if [ -n "${HUSK_LONG:-}" ]; then
	NUMBERS=$(seq 3 100)
else
	# The lowest ones are the runtime's own; 7 to 9 are the leaked ones.
	NUMBERS="3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 100"
fi

# Shown to detect: the control is a chroot(1) with the same descriptors, and a
# husk that does not look at getcwd(2).
@test "fds-cwd: run in /proc/self/fd/N" {
	leak
	script "$LOOK" '.process.cwd = "/proc/self/fd/NUMBER"'
	template
	for n in $NUMBERS; do
		filled NUMBER "$n"
		fails c_run
		eq "$output" ""
	done
	# What is read in the background by create is looked at by start.
	for n in 3 4 5 6 7 8 9; do
		filled NUMBER "$n"
		try c_create "$ID"
		[ "$status" != 0 ] || fails husk start "$ID"
		try husk delete --force "$ID"
	done

	weak_run "$ROOTFS" sh -c "cd /proc/self/fd/7 && $LOOK"
	unleak
	out_has outside
	control "chroot with the same descriptors"
}

# Shown to detect: the control is an nsenter(1) with the same descriptors; with a
# husk that does not look at getcwd(2) this exec has the host's directories.
@test "fds-cwd: exec in /proc/self/fd/N" {
	c_sleeper
	leak
	for n in $NUMBERS; do
		fails husk exec --cwd "/proc/self/fd/$n" "$ID" sh -c "$LOOK"
		eq "$output" ""
	done
	jq '.process | .cwd = "/proc/self/fd/7" | .args = ["/bin/sh", "-c", "pwd"]' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	fails husk exec --process "$TEST_DIR/p.json" "$ID"
	fails husk exec -d --process "$TEST_DIR/p.json" "$ID"

	output=$(nsenter -t "$(pid_of)" -m -p /bin/sh -c "cd /proc/self/fd/7 && $LOOK") || true
	unleak
	out_has outside
	control "nsenter with the same descriptors"
}

# By other names.
@test "fds-cwd: links in the image to /proc/self/fd/N" {
	leak
	c_sleeper "$T-2"
	for target in /proc/self/fd/7 /proc/thread-self/fd/7 /proc/self/fd/4 /dev/fd/7 /proc/self/task/1/fd/7 self/fd/7 /proc/self/fd/9/etc /proc/self/fd/7/..; do
		case $target in
		self*) ln -sfn "/proc/$target" "$ROOTFS/link" ;;
		*) ln -sfn "$target" "$ROOTFS/link" ;;
		esac
		script "$LOOK" '.process.cwd = "/link"'
		fails c_run
		eq "$output" ""
		fails husk exec --cwd /link "$T-2" sh -c "$LOOK"
		eq "$output" ""
	done
	unleak
	ln -sfn /tmp "$ROOTFS/link"
	ok c_run
	out_has /tmp
	control "a link to a directory inside"
}

# Descriptors that are passed on purpose are the program's, not ways out at the start.
@test "fds-cwd: in a directory that was passed with --preserve-fds" {
	mkdir -p "$TEST_DIR/out/deep"
	c_sleeper "$T-2"
	script pwd '.process.cwd = "/proc/self/fd/3"'
	fails sh_with "exec 3<'$TEST_DIR/out/deep'" "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds 1 "$ID"
	fails sh_with "exec 3<'$TEST_DIR/out/deep'; export LISTEN_FDS=1" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	fails sh_with "exec 3<'$TEST_DIR/out/deep'" "${HUSK_CMD[@]}" exec --preserve-fds 1 --cwd /proc/self/fd/3 "$T-2" pwd
	script 'ls -d /proc/self/fd/3/' '.process.cwd = "/"'
	ok sh_with "exec 3<'$TEST_DIR/out/deep'" "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds 1 "$ID"
	control "the descriptor"
}

# Looked at and entered must be the same: another container that shares the volume
# exchanges the directory for a link out.
# Shown to detect: with a husk that does not look at getcwd(2).
@test "fds-cwd: a race for the working directory" {
	mkdir -p "$TEST_DIR/vol/cwd"
	leak
	ln -s /proc/self/fd/7 "$TEST_DIR/vol/link"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "rw"]}] | .process.cwd = "/vol/cwd"'
	script "$LOOK"
	bg swap "$(attack swap)" "$TEST_DIR/vol/cwd" "$TEST_DIR/vol/link"
	swapper=$!
	end=$((SECONDS + RACE_SECONDS / 2)) n=0 inside=0
	while racing 5; do
		try c_run
		n=$((n + 1))
		out_lacks outside
		[ "$status" != 0 ] || {
			out_has /vol/
			inside=$((inside + 1))
		}
	done
	unleak
	kill $swapper
	echo "$n runs, $inside inside" >&2
	((n >= 5))
}

# Programs get 0 to 2, whatever the caller leaves open.
# Shown to detect: the control is chroot(1), which passes them on.
@test "fds-cwd: programs, hooks and execs have descriptors 0 to 2 only" {
	install_probe
	numbers() { cut -d' ' -f1 <<<"$output" | tr '\n' ' '; }
	cat >"$TEST_DIR/hook" <<-END
		#!/bin/sh
		ls -l /proc/self/fd | sed -n 's/.* \([0-9]* -> .*\)/\1/p' >"$TEST_DIR/hook.\$1"
	END
	chmod +x "$TEST_DIR/hook"
	config --arg h "$TEST_DIR/hook" '.process.args = ["/bin/probe", "fds"]
		| .hooks = ([("prestart", "createRuntime", "createContainer", "poststart", "poststop")
			| {key: ., value: [{path: $h, args: ["hook", .]}]}] | from_entries)'
	leak
	ok c_run
	eq "$(numbers)" "0 1 2 "
	for hook in prestart createRuntime createContainer poststart poststop; do
		# ls(1) has its directory open as 3; dash has the script as 10.
		eq "$(grep -v '^[012] \|^3 -> /proc/[0-9]*/fd$\|^10 -> .*/hook$' "$TEST_DIR/hook.$hook")" ""
	done
	config 'del(.hooks)'
	c_sleeper
	ok husk exec "$ID" /bin/probe fds
	eq "$(numbers)" "0 1 2 "

	weak_run "$ROOTFS" /bin/probe fds
	unleak
	[ "$(numbers)" != "0 1 2 " ]
	control "chroot with the same descriptors"
}

# directories_of PID: descriptors of directories, as the host sees them
directories_of()
{
	local fd

	for fd in "/proc/$1"/fd/*; do
		[ ! -d "$fd" ] || echo "${fd##*/} -> $(readlink "$fd")"
	done
}

has_directories() { [ -n "$(directories_of "$1")" ]; }

# Whatever a process holds while it is inside and not yet the program, is there
# for whoever can get at it (see exec.bats), and for every path through
# /proc/self/fd that it is made to follow.
# Shown to detect: the control has one open.
@test "fds-cwd: a process on its way in holds no directory of the host" {
	c_sleeper
	leak
	hold_exec "$ID" /bin/true
	unleak
	output=$(directories_of "$ENTRANT")
	let_go
	eq "$output" ""

	sleep 10 7</ &
	wait_until 5 has_directories $!
	control "a process with a directory"
	kill $!
}

@test "fds-cwd: an init that waits to be recorded, or started, holds no directory of the host" {
	leak
	hold_create "$ID"
	unleak
	output=$(directories_of "$ENTRANT")
	let_go
	eq "$output" ""
	eq "$(directories_of "$(pid_of)")" ""
	sleep 10 7</ &
	wait_until 5 has_directories $!
	control "a process with a directory"
	kill $!
}
