#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# As a normal user, without any help of root.

load lib

RUN_UID=1000

setup()
{
	integration_setup
	requires_root # to become that user
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	mkdir -m 700 "$TEST_DIR/xdg" "$TEST_DIR/home"
	chown -R $RUN_UID:$RUN_UID "$TEST_DIR"
	USER_ROOT=$TEST_DIR/uroot
	as_user unshare -U true 2>/dev/null || skip "needs user namespaces for normal users"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	chown $RUN_UID:$RUN_UID "$BUNDLE/config.json"
}

as_user()
{
	setpriv --reuid $RUN_UID --regid $RUN_UID --clear-groups --inh-caps=-all --bounding-set=+all \
		env HOME="$TEST_DIR/home" XDG_RUNTIME_DIR="$TEST_DIR/xdg" "$@"
}

# The runtime as that user, with a root of its own.
uhusk() { as_user "${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" "$@"; }

teardown()
{
	local id

	if [ -d "${USER_ROOT:-/none}" ]; then
		for id in "$USER_ROOT"/*; do
			[ -d "$id" ] && uhusk delete --force "${id##*/}" >/dev/null 2>&1
		done
	fi
	integration_teardown
}

@test "rootless: run, as root inside" {
	script 'id -u; id -g; echo x >/written'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is $'0\n0'
	eq "$(stat -c %u "$ROOTFS/written")" 1000
}

@test "rootless: the exit status" {
	script 'exit 9'
	exits 9 uhusk run -b "$BUNDLE" "$ID"
}

@test "rootless: create, start, exec, kill, state, delete" {
	sleeper
	ok uhusk create -b "$BUNDLE" "$ID"
	ok uhusk start "$ID"
	ok uhusk exec "$ID" id -u
	out_is 0
	ok uhusk state "$ID"
	eq "$(jq -r .status <<<"$output")" running
	ok uhusk kill "$ID" KILL
	stopped() { [ "$(uhusk state "$ID" | jq -r .status)" = stopped ]; }
	wait_for stopped
	ok uhusk delete "$ID"
}

@test "rootless: the default root is below XDG_RUNTIME_DIR" {
	sleeper
	ok as_user "$HUSK" create -b "$BUNDLE" "$ID"
	[ -n "$(find "$TEST_DIR/xdg" -mindepth 1 -type d -name "$ID")" ]
	ok as_user "$HUSK" list -q
	out_is "$ID"
	ok as_user "$HUSK" delete --force "$ID"
}

@test "rootless: without XDG_RUNTIME_DIR an error says what to set, or /tmp is not used blindly" {
	# crun 1.8.1: may fail because it makes directories in /tmp
	try setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all env -u XDG_RUNTIME_DIR HOME=/nonexistent "$HUSK" create -b "$BUNDLE" "$ID"
	[ "$status" != 0 ]
	[ -n "$stderr" ]
}

@test "rootless: mounts: proc, sys, dev, pts, shm, mqueue" {
	config '.mounts += [{destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]}]'
	script 'for m in /proc /sys /dev /dev/pts /dev/shm /dev/mqueue; do grep -c " $m " /proc/self/mountinfo; done; echo x >/dev/null; head -c 1 /dev/zero | wc -c'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is $'1\n1\n1\n1\n1\n1\n1'
}

@test "rootless: with the host's network, /sys is there too" {
	script 'ls /sys/class >/dev/null && readlink /proc/self/ns/net' 'del(.linux.namespaces[] | select(.type == "network"))'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is "$(readlink /proc/self/ns/net)"
}

@test "rootless: the bind fallback of /sys does not give a writable cgroup tree" {
	script 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/evil 2>/dev/null && echo made $d; done; true' 'del(.linux.namespaces[] | select(.type == "network" or .type == "cgroup"))'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is ""
}

@test "rootless: bind mounts, also of what has locked flags" {
	mkdir "$TEST_DIR/vol"
	mount -t tmpfs -o nosuid,nodev,noexec,mode=777 locked "$TEST_DIR/vol"
	echo data >"$TEST_DIR/vol/file"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "ro"]}]'
	script 'cat /vol/file; grep " /vol " /proc/self/mountinfo | cut -d" " -f6'
	try uhusk run -b "$BUNDLE" "$ID"
	umount "$TEST_DIR/vol"
	eq "$status" 0
	out_has data ro,nosuid,nodev,noexec
}

@test "rootless: a read-only root" {
	script 'touch /x' '.root.readonly = true'
	try uhusk run -b "$BUNDLE" "$ID"
	err_has "read-only"
}

@test "rootless: masked and read-only paths" {
	script 'wc -c </proc/version; echo x >/proc/sys/kernel/hostname' '.linux.maskedPaths = ["/proc/version"] | .linux.readonlyPaths = ["/proc/sys"]'
	try uhusk run -b "$BUNDLE" "$ID"
	out_is 0
	err_has "read-only"
}

@test "rootless: limits that cannot be set are an error, not dropped" {
	# crun 1.8.1: may fail because it drops them
	config '.linux.resources.memory = {limit: 100000000}'
	fails uhusk run -b "$BUNDLE" "$ID"
	err_has cgroup
}

@test "rootless: additional groups that cannot be set are an error that names them" {
	# crun 1.8.1: may fail because it drops them
	config '.process.user.additionalGids = [5]'
	fails uhusk run -b "$BUNDLE" "$ID"
	err_has_any additionalGids setgroups
}

@test "rootless: a seccomp filter" {
	script 'mkdir /tmp/x' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	try uhusk run -b "$BUNDLE" "$ID"
	err_has "assign requested address"
}

@test "rootless: capabilities inside" {
	script 'mount -t tmpfs t /mnt && echo mounted; hostname x && hostname' "$WITH_CAPS"' | .process.noNewPrivileges = false'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is $'mounted\nx'
}

@test "rootless: a configuration without a user namespace just works" {
	script 'id -u' 'del(.linux.namespaces[] | select(.type == "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	ok uhusk run -b "$BUNDLE" "$ID"
	out_is 0
}

@test "rootless: ranges of /etc/subuid by newuidmap" {
	requires_program newuidmap newgidmap
	printf '%s:200000:65536\n' $RUN_UID >"$TEST_DIR/subid"
	config '.linux.uidMappings += [{containerID: 1, hostID: 200000, size: 65535}] | .linux.gidMappings = .linux.uidMappings'
	chmod 755 "$TEST_DIR"
	script 'id -u; id -g; touch /home/user/mine' '.process.user = {uid: 1000, gid: 1000} | .mounts += [{destination: "/home/user", type: "tmpfs", source: "t", options: ["mode=777"]}]'
	try with_subid - run -b "$BUNDLE" "$ID"
	eq "$status" 0 || { show; return 1; }
	out_is $'1000\n1000'
}

# In a mount namespace where the subordinate ids are those of the test.
with_subid()
{
	shift
	unshare -m sh -c 'mount --make-rprivate / && mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid && shift && exec "$@"' sh "$TEST_DIR/subid" \
		setpriv --reuid $RUN_UID --regid $RUN_UID --clear-groups --inh-caps=-all env HOME="$TEST_DIR/home" XDG_RUNTIME_DIR="$TEST_DIR/xdg" \
		"${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" "$@"
}

@test "rootless: ranges that newuidmap refuses are named" {
	requires_program newuidmap
	config '.linux.uidMappings += [{containerID: 1, hostID: 900000000, size: 10}]'
	fails uhusk run -b "$BUNDLE" "$ID"
	err_has_any newuidmap subuid uidMappings uid_map
}

@test "rootless: inside a user namespace that somebody else made, as podman does" {
	script 'id -u; echo alive'
	try as_user unshare -Urm "${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" run -b "$BUNDLE" "$ID"
	# The bundle maps the id 1000, which is not in there: both answers are right.
	if [ "$status" != 0 ]; then
		err_has_any uid_map gid_map uidMappings mapping
	fi
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	ok as_user unshare -Urm "${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" run -b "$BUNDLE" "$ID"
	out_is $'0\nalive'
}

@test "rootless: inside such a namespace without a mount namespace of its own" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir "$TEST_DIR/home/volume"
	echo data >"$TEST_DIR/home/volume/file"
	script 'id -u; cat /volume/file' ".mounts += [{destination: \"/volume\", type: \"bind\", source: \"$TEST_DIR/home/volume\", options: [\"bind\", \"ro\"]}]"
	ok as_user unshare -Ur "${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" run -b "$BUNDLE" "$ID"
	out_is $'0\ndata'
	ok as_user unshare -Ur sh -c '"$@" create -b "$0" '"$ID"' && "$@" start '"$ID"' && "$@" delete --force '"$ID" \
		"$BUNDLE" "$HUSK" --root "$USER_ROOT"
}

@test "rootless: inside such a namespace without an own one" {
	script 'echo alive' 'del(.linux.namespaces[] | select(.type == "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	ok as_user unshare -Urm "${HUSK_TIMED[@]}" "$HUSK" --root "$USER_ROOT" run -b "$BUNDLE" "$ID"
	out_is alive
}

@test "rootless: a terminal" {
	install_probe
	bg rt as_user "$(helper recvtty)" "$TEST_DIR/xdg/sock"
	wait_for test -S "$TEST_DIR/xdg/sock"
	script 'probe tty; exec sleep 1000' '.process.terminal = true'
	ok uhusk create -b "$BUNDLE" --console-socket "$TEST_DIR/xdg/sock" "$ID"
	ok uhusk start "$ID"
	wait_for grep -q "controlling yes" "$TEST_DIR/rt.out"
}

@test "rootless: hooks run as the user" {
	config --arg f "$TEST_DIR/home/hook" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "id -u >" + $f], env: ["PATH=/bin:/usr/bin"]}]'
	ok uhusk run -b "$BUNDLE" "$ID"
	eq "$(cat "$TEST_DIR/home/hook")" 1000
}

# In a user namespace of its own, whose root may enter the namespaces of a container and not return
# to the machine's: what podman's pods look like for a normal user.
@test "rootless: hooks run outside of joined namespaces that there is no way back from" {
	local types own ours
	ours=$(for ns in pid time net ipc uts; do readlink "/proc/self/ns/$ns"; done)
	for own in yes no; do
		# A procfs can only be mounted by whom the pid namespace belongs to.
		types='"network", "ipc", "uts"'
		[ $own = yes ] || types+=', "pid"'
		write_config "$BUNDLE" '"/bin/sh", "-c", "for ns in net ipc uts pid; do readlink /proc/self/ns/$ns; done; exit 7"'
		config "del(.hostname) | .linux.namespaces |= map(if (.type | IN($types)) then .path = \"/proc/@/ns/\" + if .type == \"network\" then \"net\" else .type end else . end)"
		[ $own = no ] || config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
		config --arg to "$TEST_DIR/home/hook" '.mounts |= map(select(.destination != "/sys")) |
			.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "for ns in pid time net ipc uts; do readlink /proc/self/ns/$ns; done >" + $to]}]'
		chown $RUN_UID:$RUN_UID "$BUNDLE/config.json"
		# shellcheck disable=SC2016 # another shell's
		exits 7 as_user unshare -Ur sh -c 'unshare --pid --net --ipc --uts --kill-child --fork sleep 1000 &
			helper=$!
			trap "kill -9 \$child; wait" EXIT
			until grep -qs sleep "/proc/${child:-none}/comm"; do child=$(grep -o "[0-9]*" "/proc/$helper/task/$helper/children"); done
			sed -i "s|/proc/@/|/proc/$child/|" "$1/config.json"
			for ns in net ipc uts pid; do readlink "/proc/$child/ns/$ns"; done >"$1/joined"
			"$2" --root "$3" run -b "$1" "$4"' sh "$BUNDLE" "$HUSK" "$USER_ROOT" "$ID"
		eq "$(head -n 3 <<<"$output")" "$(head -n 3 "$BUNDLE/joined")"
		[ $own = yes ] || out_is "$(cat "$BUNDLE/joined")"
		eq "$(cat "$TEST_DIR/home/hook")" "$ours"
	done
}

@test "rootless: a set-user-id copy of the runtime refuses to work" {
	# crun 1.8.1: fails because it does not look
	cp "$HUSK" "$TEST_DIR/setuid-husk"
	chmod 4755 "$TEST_DIR/setuid-husk"
	try as_user "$TEST_DIR/setuid-husk" --root "$TEST_DIR/xdg/r" run -b "$BUNDLE" "$ID"
	[ "$status" != 0 ]
	err_has_any setuid set-uid set-user-id
}
