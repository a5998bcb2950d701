#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Entering a running container: CVE-2016-9962, CVE-2022-29162 (and -24769,
# -27649, -27650), CVE-2016-3697, CVE-2026-30892, containerd's CVE-2026-46680,
# firejail's CVE-2017-5206, flatpak's CVE-2024-32462.

load lib

# What succeeded is in capitals.
nothing_succeeded()
{
	out_has seen || return 1
	! grep '^[A-Z]' <<<"$output" || { show watch; return 1; }
}

# A container in which only pid 1 runs, so that everything else is a newcomer.
lone_sleeper()
{
	install_attack inside
	config '.process.args = ["/bin/sleep", "1000"]'" ${1:+| $1}"
	ok c_run "$ID" -d
}

# Shown to detect: the control is a process that is inside in full and has a
# directory open. With a husk that never sets PR_SET_DUMPABLE the kernel still
# refuses the trace (the newcomer has capabilities that the container lacks), so
# that is what the next test is for.
@test "exec: the container cannot get at a process on its way in" {
	lone_sleeper
	exec 7</
	hold_exec "$ID" /bin/true
	exec 7<&-
	ok husk exec "$ID" /bin/inside watch 0.2 1
	let_go
	nothing_succeeded
	out_has "ptrace EPERM" "mem EACCES" "environ EACCES"

	bg_exec "$ID" sh -c 'exec 7</; echo up; exec sleep 10'
	wait_for file_has "$TEST_DIR/executed.out" up
	ok husk exec "$ID" /bin/inside watch 0.2 1
	end_exec
	out_has TRACED DESCRIPTOR DIRECTORY MEMORY ENVIRON
	control "a process that is inside"
}

# Shown to detect: with a husk that never sets PR_SET_DUMPABLE; the control is
# the same process once it is inside in full.
@test "exec: nor a container with just the same capabilities" {
	caps='["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SETPCAP", "CAP_SETGID", "CAP_SETUID", "CAP_KILL"]'
	lone_sleeper ".process.capabilities = ($caps | {bounding: ., effective: ., permitted: .})"
	# The runtime has no more than the container: what is left is the kernel's flag.
	HUSK_CMD=(setpriv --bounding-set=-all,+sys_admin,+sys_chroot,+setpcap,+setgid,+setuid,+kill "${HUSK_CMD[@]}")
	hold_exec "$ID" /bin/sleep 10
	ok husk exec "$ID" /bin/inside watch 0.2 1
	# CAP_SYS_ADMIN lets read this much of any process, since Linux 6.15 (perfmon_capable()).
	output=$(grep -vx ENVIRON <<<"$output")
	nothing_succeeded
	let_go
	ok husk exec "$ID" /bin/inside watch 0.2 1
	end_exec
	out_has TRACED
	control "the same process, inside"
}

# A container may be given CAP_SYS_PTRACE without being given the host: what it
# then sees of the newcomer must not hold a door open.
# Shown to detect: the control has a directory open.
@test "exec: what a process on its way in holds is no way out, even for CAP_SYS_PTRACE" {
	lone_sleeper "$WITH_CAPS"
	exec 7</
	hold_exec "$ID" /bin/true
	exec 7<&-
	ok husk exec "$ID" /bin/inside watch 0.2 1
	let_go
	out_has seen
	out_lacks DIRECTORY
	out_lacks EXE-WRITABLE

	bg_exec "$ID" sh -c 'exec 7</; echo up; exec sleep 10'
	wait_for file_has "$TEST_DIR/executed.out" up
	ok husk exec "$ID" /bin/inside watch 0.2 1
	end_exec
	out_has DIRECTORY
	control "a process with a directory"
}

# Not only where it can be made to wait.
@test "exec: nothing to catch in a race, either" {
	lone_sleeper
	bg watcher "${HUSK_CMD[@]}" exec "$ID" /bin/inside watch "$((RACE_SECONDS / 2))" 1
	watcher=$!
	wait_for file_has "$TEST_DIR/watcher.out" watching
	exec 7</
	while kill -0 $watcher 2>/dev/null; do
		try husk exec "$ID" /bin/true
	done
	exec 7<&-
	wait_bg $watcher
	slurp output "$TEST_DIR/watcher.out"
	out_has seen
	# Once it is inside in full, it is the container's own process.
	out_lacks DESCRIPTOR
	out_lacks DIRECTORY
}

# An init that waits in the pid namespace of another container is as visible.
# Shown to detect: the control is that init once it has become its program.
@test "exec: the container cannot get at the init of another that joins its pid namespace" {
	lone_sleeper
	path=/proc/$(pid_of)/ns/pid
	config --arg p "$path" '(.linux.namespaces[] | select(.type == "pid")) += {path: $p} | .process.args = ["/bin/sleep", "10"]'
	exec 7</
	hold_create "$T-2"
	exec 7<&-
	ok husk exec "$ID" /bin/inside watch 0.2 1
	nothing_succeeded
	let_go
	ok husk exec "$ID" /bin/inside watch 0.2 1
	nothing_succeeded
	ok husk start "$T-2"
	ok husk exec "$ID" /bin/inside watch 0.2 1
	out_has TRACED
	control "the same process as a program"
}

caps_of() { sed -n 's/^Cap\(Inh\|Amb\):\s*//p' <<<"$1" | tr '\n' ' '; }

# Shown to detect: the control is the caller itself, who has it inheritable; and
# a configuration that asks for it.
@test "exec: no inheritable capabilities, whatever the caller has" {
	config '.process.args = ["/bin/cat", "/proc/self/status"]'
	inherit() { setpriv --inh-caps=+net_admin,+chown,+kill --ambient-caps=+net_admin "$@"; }
	none="0000000000000000 0000000000000000 "
	ok inherit "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(caps_of "$output")" "$none"
	c_sleeper "$T-2"
	ok inherit "${HUSK_CMD[@]}" exec "$T-2" cat /proc/self/status
	eq "$(caps_of "$output")" "$none"
	ok inherit "${HUSK_CMD[@]}" exec -c CAP_NET_ADMIN "$T-2" cat /proc/self/status
	eq "$(caps_of "$output")" "$none"
	grep -qx 'CapPrm:	00000000[0-9a-f]\{4\}1[0-9a-f]\{3\}' <<<"$output"

	ok inherit cat /proc/self/status
	[ "$(caps_of "$output")" != "$none" ]
	control "the caller"
	jq '.process | .capabilities.inheritable = ["CAP_KILL"] | .args = ["/bin/cat", "/proc/self/status"]' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	ok husk exec --process "$TEST_DIR/p.json" "$T-2"
	[ "$(caps_of "$output")" != "$none" ]
	control "asked for"
}

# Shown to detect: the control is run.oci.keep_original_groups, whose purpose is
# to keep them.
@test "exec: none of the caller's groups" {
	groups() { setpriv --groups 4242,4243 "$@"; }
	script 'id -G'
	ok groups "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is 0
	c_sleeper "$T-2"
	ok groups "${HUSK_CMD[@]}" exec "$T-2" id -G
	out_is 0
	script 'id -G' '.annotations = {"run.oci.keep_original_groups": "1"}'
	ok groups "${HUSK_CMD[@]}" run -b "$BUNDLE" "$T-3"
	out_has 4242
	control "groups that are kept"
}

# Digits are an id and never a name; what is no id is refused. Names in the
# image's passwd file whose numbers do not fit are nobody, above all not root.
# Shown to detect: "good" is the control, and so is each accepted number. The
# table includes those that crun before 1.27 (CVE-2026-30892) and Docker before
# 1.11 (CVE-2016-3697) took for root.
@test "exec: users: a number is that id, and everything else is refused" {
	cat >>"$ROOTFS/etc/passwd" <<-'END'
		1000::0:0:::/bin/sh
		good:x:1234:1234::/:/bin/sh
		wraps:x:4294967296:4294967296::/:/bin/sh
		wraps1:x:4294968296:0::/:/bin/sh
		most:x:4294967295:4294967295::/:/bin/sh
		minus:x:-1:-1::/:/bin/sh
		hex:x:0x0:0x0::/:/bin/sh
		blank:x: 0: 0::/:/bin/sh
		empty:x:::::/bin/sh
		letters:x:root:root::/:/bin/sh
		+plus::0:0:::
	END
	c_sleeper
	while IFS='|' read -r user want; do
		printf -v user %b "$user" # $(...) would drop a newline at the end
		try husk exec -u "$user" "$ID" sh -c 'echo $(id -u):$(id -g)'
		if [ "$want" = refused ]; then
			[ "$status" != 0 ] && [ -z "$output" ] || { echo "-u '$user' was taken" >&2; show; return 1; }
		else
			eq "$output" "$want" || { echo "-u '$user'" >&2; show; return 1; }
		fi
	done <<-'END'
		1|1:0
		1:1|1:1
		1000|1000:0
		1000:1000|1000:1000
		4294967294|4294967294:0
		good|1234:1234
		good:7|1234:7
		4294967295|refused
		4294967296|refused
		4294968296|refused
		18446744073709551616|refused
		1:4294967296|refused
		-1|refused
		+1|refused
		 1|refused
		1 |refused
		\t1|refused
		1\n|refused
		1x|refused
		0x1|refused
		1.0|refused
		1e3|refused
		1:|refused
		:1|refused
		:|refused
		1:1:1|refused
		1,2|refused
		|refused
		wraps|refused
		wraps1|refused
		most|refused
		minus|refused
		hex|refused
		blank|refused
		empty|refused
		letters|refused
		+plus|refused
		nobody-here|refused
		good:nogroup|refused
	END
}

# Shown to detect: an accepted number is the control.
@test "exec: additional groups are numbers, too" {
	c_sleeper
	for gid in '' -1 +1 ' 1' 1x 0x1 4294967295 4294967296 wheel; do
		try husk exec -g "$gid" "$ID" id -G
		[ "$status" != 0 ] || { echo "-g '$gid' was taken" >&2; show; return 1; }
	done
	ok husk exec -g 4242 "$ID" id -G
	out_has 4242
	control "a group"
}

# In config.json and --process, ids are integers of 32 bits.
@test "exec: ids in a process file are checked as well" {
	c_sleeper
	jq '.process | .args = ["/bin/id", "-u"]' "$BUNDLE/config.json" >"$TEST_DIR/good.json"
	for id in -1 4294967295 4294967296 18446744073709551616 1.5 '"1"' '"root"' true null '[1]' 1e400; do
		jq -c . "$TEST_DIR/good.json" | sed 's/"uid":0/"uid":'"$id"'/' >"$TEST_DIR/p.json"
		not cmp -s "$TEST_DIR/p.json" "$TEST_DIR/good.json"
		try husk exec --process "$TEST_DIR/p.json" "$ID"
		[ "$status" != 0 ] || [ "$id" = null ] || { echo "uid $id was taken" >&2; show; return 1; }
		[ "$id" = null ] || continue
		# null is as absent: a required property then.
		[ "$status" != 0 ] || out_is 0
	done
	sed 's/"uid": 0/"uid": 7/' "$TEST_DIR/good.json" >"$TEST_DIR/p.json"
	ok husk exec --process "$TEST_DIR/p.json" "$ID"
	out_is 7
	control "an id"
}

# Every layer again, not only those of the namespaces.
# Shown to detect: the control is nsenter(1), which applies none.
@test "exec: the layers around pid 1 are around the newcomer, too" {
	look='grep -E "^(Uid|Gid|Groups|Cap[A-Z][a-z]+|NoNewPrivs|Seccomp):" /proc/$$/status
		for n in pid net ipc uts mnt cgroup; do readlink /proc/$$/ns/$n; done; cat /proc/$$/cgroup'
	script "$look; exec sleep 1000" '.process.user = {uid: 12, gid: 34, additionalGids: [56]}
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" mnt:
	init=$(cat "$TEST_DIR/stdout")
	grep -q 'NoNewPrivs:	1' <<<"$init"
	ok husk exec "$ID" sh -c "$look"
	out_is "$init"

	output=$(nsenter -t "$(pid_of)" -a sh -c "$look")
	[ "$output" != "$init" ]
	control nsenter
	grep -q 'Seccomp:	2' <<<"$init"
}

# flatpak's CVE-2024-32462: what the container's side chooses is never an option.
# Shown to detect: the control gives the same words before the id.
@test "exec: words behind the id are the program's, whatever they look like" {
	c_sleeper
	words=(--cwd / --user 7 -c CAP_SYS_ADMIN --env A=B --help --version -- --root /nowhere --bind / /host)
	ok husk exec "$ID" printf '%s\n' "${words[@]}"
	out_is "$(printf '%s\n' "${words[@]}")"
	ok husk exec "$ID" -- printf '%s\n' --help
	out_is --help
	fails 127 husk exec "$ID" --help
	config '.process.args = ["--help"]'
	fails 127 c_run "$T-2"

	ok husk exec --cwd /tmp "$ID" pwd
	out_is /tmp
	control "an option"
}

@test "exec: a program's name is never a shell's text" {
	c_sleeper
	for name in 'touch /tmp/pwned' '/bin/true; touch /tmp/pwned' '$(touch /tmp/pwned)' '/bin/true|touch /tmp/pwned'; do
		try husk exec "$ID" "$name"
		[ "$status" != 0 ]
	done
	[ ! -e "$ROOTFS/tmp/pwned" ]
	ok husk exec "$ID" touch /tmp/pwned
	[ -e "$ROOTFS/tmp/pwned" ]
	control "the program"
}
