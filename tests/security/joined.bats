#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container joins or is lent is not its own: delete never takes it away,
# and a path of another kind is not entered. With CVE-2018-15664's lesson for
# cleaning up: nothing is removed by following what a container made.

load lib

setup()
{
	integration_setup
	unshare -n -i -u -p -C --fork --kill-child sleep 1000 &
	HOLDER=$!
	BG_PIDS+=("$HOLDER")
	wait_for first_child "$HOLDER"
	OTHER=$(first_child "$HOLDER")
}

# Namespaces kept as files, as "ip netns" and podman have them.
# Shown to detect: the control unmounts one.
@test "joined: namespaces survive delete" {
	for ns in net ipc uts; do
		touch "$TEST_DIR/$ns"
		mount --bind "/proc/$OTHER/ns/$ns" "$TEST_DIR/$ns"
	done
	before=$(for ns in net ipc uts; do stat -c %i "$TEST_DIR/$ns"; done)
	config --arg d "$TEST_DIR" '(.linux.namespaces[] | select(.type == "network")) += {path: "\($d)/net"}
		| (.linux.namespaces[] | select(.type == "ipc")) += {path: "\($d)/ipc"}
		| (.linux.namespaces[] | select(.type == "uts")) += {path: "\($d)/uts"} | del(.hostname)'
	sleeper
	ok c_run "$ID" -d
	eq "$(readlink "/proc/$(pid_of)/ns/net")" "net:[$(stat -c %i "$TEST_DIR/net")]"
	ok husk delete --force "$ID"
	ok c_create "$T-2"
	ok husk delete --force "$T-2"
	after=$(for ns in net ipc uts; do stat -c %i "$TEST_DIR/$ns"; done)
	ok nsenter --net="$TEST_DIR/net" true
	umount "$TEST_DIR"/{net,ipc,uts}
	eq "$after" "$before"
	[ "$(stat -c %i "$TEST_DIR/net")" != "$(head -n 1 <<<"$before")" ]
	control "without the mounts"
}

# Processes of a pid namespace that was joined are not the container's.
# Shown to detect: the container's own are gone.
@test "joined: processes of a joined pid namespace survive kill --all and delete --force" {
	config --arg p "/proc/$OTHER/ns/pid" '(.linux.namespaces[] | select(.type == "pid")) += {path: $p}'
	c_sleeper
	mine=$(pid_of)
	ok husk kill --all "$ID" KILL
	wait_for process_gone "$mine"
	kill -0 "$OTHER"
	try husk delete --force "$ID"
	kill -0 "$OTHER"
	process_gone "$mine"
	control "its own process"
}

# An engine's cgroups, in which a container's are made, and one that was made for it.
cgroups_before()
{
	for top in $(cgroup_tops); do
		for dir in "$T-parent" "$T-parent/before"; do
			mkdir "$top/$dir"
			[ $CGROUP = v2 ] || [ ! -e "$top/$dir/cpuset.cpus" ] || {
				cat "$top/cpuset.cpus" >"$top/$dir/cpuset.cpus"
				cat "$top/cpuset.mems" >"$top/$dir/cpuset.mems"
			}
		done
	done
	before=$(cgroups_there)
}

cgroups_there() { find /sys/fs/cgroup -maxdepth 3 -path "*$T-parent*" -type d | sort; }

# Run and delete in $1; those of before must be left.
cgroups_survive()
{
	config --arg p "$1" '.linux.cgroupsPath = $p'
	c_sleeper
	[ -n "$(find /sys/fs/cgroup -maxdepth 3 -path "*$1")" ]
	ok husk delete --force "$ID"
	after=$(cgroups_there)
	sort -r <<<"$after" | xargs -r rmdir
	eq "$after" "$before"
}

# Shown to detect: the container's own is gone.
@test "joined: the cgroups around the container's survive delete" {
	cgroups_before
	cgroups_survive "/$T-parent/own"
	[ -z "$(grep -F own <<<"$after")" ]
	control "its own cgroup"
}

# runtime.md: resources that are associated with the container, but were not
# created by it, must not be deleted.
@test "joined: a cgroup that was there for the container survives delete" {
	cgroups_before
	cgroups_survive "/$T-parent/before"
}

# Volumes, the bundle, what an image put in their way.
@test "joined: delete removes no file of the bundle, of volumes, or by a link" {
	mkdir "$TEST_DIR/vol"
	echo mine >"$TEST_DIR/vol/file"
	ln -s "$TEST_DIR/vol" "$ROOTFS/link"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind"]}]'
	before=$(cd "$TEST_DIR" && find bundle vol | sort)
	c_sleeper
	made=$(cd "$TEST_DIR" && find bundle vol | sort)
	ok husk delete --force "$ID"
	eq "$(cd "$TEST_DIR" && find bundle vol | sort)" "$made"
	eq "$(comm -23 <(echo "$before") <(echo "$made"))" ""
	eq "$(cat "$TEST_DIR/vol/file")" mine
	[ ! -e "$ROOT/$ID" ]
	control "its own state"
}

# An id is one name in one directory.
# Shown to detect: the good id is taken.
@test "joined: ids cannot lead elsewhere" {
	mkdir -p "$TEST_DIR/elsewhere"
	for id in .. . ../elsewhere /etc "$TEST_DIR/elsewhere" a/b a/../../elsewhere '' ' ' 'a b' $'a\nb' 'a*' '.hidden' 'a;b' '$(x)' $'\xff' "$(printf 'x%.0s' {1..1025})"; do
		for verb in "create -b $BUNDLE" state delete "delete --force" exec; do
			# shellcheck disable=SC2086
			try husk $verb "$id"
			[ "$status" != 0 ] || { echo "$verb '$id'" >&2; show; return 1; }
		done
	done
	[ -d "$TEST_DIR/elsewhere" ] && [ -d "$BUNDLE" ]
	ok c_create "$T-a_b+c.d"
	control "a good id"
}

# A path of the wrong kind is another namespace than the one that was meant.
# Shown to detect: the right kind is joined.
@test "joined: a namespace of another kind, or no namespace, is refused" {
	config 'del(.hostname)'
	cp "$BUNDLE/config.json" "$TEST_DIR/plain.json"
	while read -r type wrong; do
		cp "$TEST_DIR/plain.json" "$BUNDLE/config.json"
		config --arg t "$type" '.linux.namespaces |= map(if .type == $t then .path = "PATH-HERE" else . end)'
		template
		for path in "/proc/$OTHER/ns/$wrong" /dev/null "$TEST_DIR" "/proc/$OTHER/status" /nowhere "proc/$OTHER/ns/net"; do
			filled PATH-HERE "$path"
			fails c_run
		done
	done <<-'END'
		network uts
		ipc net
		uts pid
		pid ipc
		cgroup net
	END
	config --arg p "/proc/$OTHER/ns/net" '.linux.namespaces |= map(if .type == "network" then .path = $p else del(.path) end) | .process.args = ["/bin/readlink", "/proc/self/ns/net"]'
	ok c_run
	out_is "$(readlink "/proc/$OTHER/ns/net")"
	control "the right kind"
}

# Network devices, once lent, are told in husk's own words; the loopback is not.
@test "joined: the host's loopback cannot be moved away" {
	config '.linux.netDevices = {"lo": {}}'
	fails c_run
	[ -d /sys/class/net/lo ]
}
