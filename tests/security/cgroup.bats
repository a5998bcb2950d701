#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Control groups as a way out: CVE-2022-0492, CVE-2023-25809; and paths that
# leave the sub-tree which an engine meant.

load lib

setup()
{
	integration_setup
	install_attack inside
}

cgroup_mount() { config --argjson o "$1" '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: $o}]'; }

host_cgroups() { config '.linux.namespaces |= map(select(.type != "cgroup"))'; }

# Inside: try to change anything that is below /sys/fs/cgroup.
ATTACK='cd /sys/fs/cgroup || exit 0
	for d in . * */*; do
		[ -d "$d" ] || continue
		mkdir "$d/evil" 2>/dev/null && { echo "MADE $d/evil"; rmdir "$d/evil"; }
		for f in release_agent notify_on_release cgroup.procs tasks cgroup.subtree_control memory.limit_in_bytes memory.max pids.max devices.allow; do
			[ -e "$d/$f" ] || continue
			/bin/inside write "$d/$f" "$(cat "$d/$f" 2>/dev/null | head -n 1)"
		done
	done | grep "MADE\|WRITTEN"; echo end'

# CVE-2023-25809. Shown to detect: the control is the same container with a
# cgroup namespace, whose own tree may be writable.
@test "cgroup: without a cgroup namespace the mount is read-only, whatever was asked for" {
	host_cgroups
	for options in '["rw"]' '[]' '["nosuid","noexec","nodev","relatime","rw"]'; do
		config '.mounts |= map(select(.destination != "/sys/fs/cgroup"))'
		cgroup_mount "$options"
		script "$ATTACK" "$WITH_CAPS"
		ok c_run
		out_is end
	done
	config '.linux.namespaces += [{type: "cgroup"}]'
	ok c_run
	out_has MADE
	control "a cgroup namespace"
}

# With its own namespace a container sees its own sub-tree, not its neighbours.
# Shown to detect: the control looks from the host.
@test "cgroup: with a cgroup namespace only the own sub-tree is there" {
	cgroup_mount '["rw"]'
	sleeper
	ok c_run "$T-2" -d
	dir=$(cgroup_of "$(pid_of "$T-2")" pids)
	script 'find /sys/fs/cgroup -name "*'"$T"'*"; cat /proc/self/cgroup' "$WITH_CAPS"
	ok c_run
	out_lacks "$T"
	[ -n "$(find "${dir%/*}" -maxdepth 1 -name "*$T*")" ]
	control "from the host"
}

# What stands over the container's own limits is not its own to change.
@test "cgroup: the limits of the container are not the container's" {
	requires_controller pids
	cgroup_mount '["ro"]'
	script "$ATTACK" "$WITH_CAPS | .linux.resources = {pids: {limit: 50}}"
	ok c_run
	out_is end
}

# CVE-2022-0492: a process of the container makes namespaces of its own, mounts a
# hierarchy in them and sets the program that the host's root runs.
# Shown to detect: the control has a hierarchy of its own at whose root it is.
@test "cgroup: release_agent is out of reach" {
	requires_cgroup v1
	script 'for o in memory pids cpu devices freezer none,name=systemd; do
			unshare -Urm -C sh -c "mkdir -p /tmp/c && mount -t cgroup -o $o c /tmp/c && cd /tmp/c && '"${ATTACK//\"/\\\"}"'" 2>&1
			unshare -m -C sh -c "mkdir -p /tmp/c && mount -t cgroup -o $o c /tmp/c && ls /tmp/c/release_agent && /bin/inside write /tmp/c/release_agent /evil" 2>&1
		done | grep "release_agent.*WRITTEN\|/tmp/c/release_agent$"; echo end'
	for caps in '[]' '["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]'; do
		config --argjson c "$caps" '.process.capabilities = {bounding: $c, effective: $c, permitted: $c} | .process.noNewPrivileges = false'
		try c_run
		out_is end
	done
	mkdir "$TEST_DIR/c"
	mount -t cgroup -o "none,name=$T" c "$TEST_DIR/c"
	"$(attack inside)" write "$TEST_DIR/c/release_agent" /bin/false >"$TEST_DIR/control"
	umount "$TEST_DIR/c"
	grep WRITTEN "$TEST_DIR/control"
	control "a hierarchy of its own"
}

# The same where the configuration gives the hierarchies, writable, but not the
# namespace: then release_agent is among the files, and must not be written.
@test "cgroup: release_agent in a mount without a cgroup namespace" {
	requires_cgroup v1
	host_cgroups
	cgroup_mount '["rw"]'
	config '.linux.cgroupsPath = "/"'
	fails c_run
	config 'del(.linux.cgroupsPath)'
	# Not even by a remount, as far as that is in the runtime's hands: no capability, no remount.
	script 'for m in $(grep " /sys/fs/cgroup/" /proc/self/mountinfo | cut -d" " -f5); do mount -o remount,rw,bind $m && echo REMOUNTED; done 2>/dev/null
		find /sys/fs/cgroup -name release_agent; '"$ATTACK"
	ok c_run
	out_is end
}

# CVE-2023-25809, rootless: no new sysfs is allowed, so the host's is bound, and
# the caller owns a part of the cgroups below it.
# Shown to detect: the control is the same id outside of the container.
@test "cgroup: the host's /sys in a user namespace does not bring writable cgroups" {
	map='[{"containerID": 0, "hostID": 100000, "size": 65536}]'
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	config '.linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))'
	script "$ATTACK" ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $map | .linux.gidMappings = $map | .linux.cgroupsPath = \"/$T-own/c\" | $WITH_CAPS"
	for top in $(cgroup_tops); do
		mkdir "$top/$T-own" && chown -R 100000:100000 "$top/$T-own"
	done
	try c_run
	as_mapped() { setpriv --reuid 100000 --regid 100000 --clear-groups "$@"; }
	dir=$(find /sys/fs/cgroup -maxdepth 2 -name "$T-own" | head -n 1)
	fired=0
	as_mapped mkdir "$dir/x" || fired=$?
	find /sys/fs/cgroup -maxdepth 3 -path "*$T-own*" -type d | sort -r | xargs -r rmdir
	eq "$status" 0
	out_is end
	[ $fired = 0 ]
	control "the same id outside"
}

# The path is often made from what users of an engine choose.
# Shown to detect: a path without ".." is taken.
@test "cgroup: paths with .. are refused" {
	for path in ../evil /../evil "/$T/../../evil" "/$T/.." .. /.. "$T/../.." "/$T/./../x" "./../$T"; do
		config --arg p "$path" '.linux.cgroupsPath = $p'
		fails c_run
		err_has "cgroup"
	done
	[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name evil)" ]
	for path in / . ./ //; do
		config --arg p "$path" '.linux.cgroupsPath = $p'
		fails c_run
	done
	config '.linux.cgroupsPath = "/'"$T"'..x"'
	ok c_run
	control "dots that are a name"
}

@test "cgroup: the sub-cgroup of exec cannot be somebody else's" {
	c_sleeper
	for path in ../evil /../.. "$T/../.." .. pids:../evil "../$T-other"; do
		fails husk exec --cgroup "$path" "$ID" true
		err_has cgroup
	done
	config '.annotations = {"run.oci.delegate-cgroup": "../evil"}'
	fails c_run "$T-2"
	config '.annotations = {"run.oci.delegate-cgroup": "/evil"}'
	fails c_run "$T-2"
	ok husk exec --cgroup / "$ID" true
	control "the container's own"
}

# A container that has a delegated tree writes user.* attributes as it likes: a
# mark of its making must not lead root's delete --force to what is not marked.
# Shown to detect: the same text as the attribute that only root writes does.
@test "cgroup: a forged mark does not make delete --force remove something else" {
	c_sleeper
	top=$(cgroup_tops | head -n 1)
	mkdir "$top/$T-victim" "$top/$T-victim/below"
	version=1
	[ "$(stat -f -c %T "$top")" != cgroup2fs ] || version=2
	text="$ROOT:$T-gone:1.1"$'\n'"$version 0 $top/$T-victim/below"
	# Of all hierarchies the marks are in the first that husk knows.
	for dir in /sys/fs/cgroup/*/husk-"$ID" /sys/fs/cgroup/husk-"$ID"; do
		[ ! -d "$dir" ] || "$(attack inside)" mark "$dir" user.husk.owner "$text"
	done >"$TEST_DIR/marked"
	grep marked "$TEST_DIR/marked"
	ok husk delete --force "$T-gone"
	[ -d "$top/$T-victim/below" ]
	status_is running

	for dir in /sys/fs/cgroup/*/husk-"$ID" /sys/fs/cgroup/husk-"$ID"; do
		[ ! -d "$dir" ] || "$(attack inside)" mark "$dir" trusted.husk.owner "$text"
	done >/dev/null
	ok husk delete --force "$T-gone"
	[ ! -d "$top/$T-victim/below" ]
	control "root's own mark"
	rmdir "$top/$T-victim"
}
