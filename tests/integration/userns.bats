#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# User namespaces: mappings, ownership, what works inside.

load lib

MAP='[{containerID: 0, hostID: 100000, size: 65536}]'

setup()
{
	integration_setup
	# The root is the container's; busybox in it is a copy, not the template's inode.
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	config ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $MAP | .linux.gidMappings = $MAP"
}

@test "userns: root inside is another user outside" {
	sleeper
	ok c_run "$ID" -d
	eq "$(awk '/^Uid:/{print $2}' "/proc/$(pid_of)/status")" 100000
	ok husk exec "$ID" id -u
	out_is 0
}

@test "userns: the maps are those asked for" {
	script 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "' \
		'.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}, {containerID: 1000, hostID: 300000, size: 5}]'
	ok c_run
	out_is $' 0 100000 1000\n 1000 300000 5\n 0 100000 65536'
}

@test "userns: many map lines" {
	script 'wc -l </proc/self/uid_map' '.linux.uidMappings = [range(300) | {containerID: ., hostID: (100000 + .), size: 1}]'
	ok c_run
	out_is 300
}

@test "userns: files that root makes belong to the mapped user" {
	script 'touch /tmp/mine; stat -c %u:%g /tmp/mine; chown 1000:1000 /tmp/mine' "$WITH_CAPS"
	ok c_run
	out_is 0:0
	eq "$(stat -c %u:%g "$ROOTFS/tmp/mine")" 101000:101000
}

@test "userns: the usual mounts work: proc, sys, dev, pts, shm" {
	script 'for m in /proc /sys /dev /dev/pts /dev/shm; do grep -c " $m " /proc/self/mountinfo; done; echo x >/dev/null; echo y >/dev/shm/y; cat /dev/shm/y'
	ok c_run
	out_is $'1\n1\n1\n1\n1\ny'
}

@test "userns: the default devices are there and work" {
	script 'head -c 4 /dev/zero | od -An -tx1; head -c 1 /dev/urandom | wc -c; echo z >/dev/full'
	try c_run
	out_has "00 00 00 00" 1
	err_has "no space"
}

@test "userns: another user with groups" {
	script 'id -u; id -G' '.process.user = {uid: 1000, gid: 1000, additionalGids: [2000]}'
	ok c_run
	out_is $'1000\n1000 2000'
}

@test "userns: an id that is not mapped is refused, named" {
	config '.process.user = {uid: 70000, gid: 0}'
	fails c_run
	err_has 70000
}

@test "userns: capabilities hold inside and not outside" {
	script 'hostname other; hostname; mount -t tmpfs t /mnt && echo mounted' "$WITH_CAPS | .process.noNewPrivileges = false"
	ok c_run
	out_is $'other\nmounted'
	[ "$(hostname)" != other ]
}

@test "userns: sysctls of own namespaces can be set" {
	script 'cat /proc/sys/net/ipv4/ip_forward' '.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	ok c_run
	out_is 1
}

@test "userns: masked and read-only paths hold" {
	script 'wc -c </proc/version; echo 1 >/proc/sys/kernel/shm_rmid_forced' \
		'.linux.maskedPaths = ["/proc/version"] | .linux.readonlyPaths = ["/proc/sys"]'
	try c_run
	eq "${output%%$'\n'*}" 0
	err_has "read-only"
}

@test "userns: delete --force removes what other users own" {
	script 'echo ready; while :; do sleep 1000; done'
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	ok husk delete --force "$ID"
}

@test "userns: bind mounts keep their owners outside" {
	mkdir "$TEST_DIR/vol"
	chown 100005:100006 "$TEST_DIR/vol"
	script 'stat -c %u:%g /vol' '.mounts += [{destination: "/vol", type: "bind", source: "'"$TEST_DIR/vol"'", options: ["bind"]}]'
	ok c_run
	out_is 5:6
}

@test "userns: a bind source that only root outside can reach" {
	# crun 1.8.1: may fail because it opens the source inside
	mkdir -p "$TEST_DIR/secret/vol"
	chmod 755 "$TEST_DIR/secret/vol"
	echo data >"$TEST_DIR/secret/vol/file"
	chmod 700 "$TEST_DIR/secret"
	script 'cat /vol/file' '.mounts += [{destination: "/vol", type: "bind", source: "'"$TEST_DIR/secret/vol"'", options: ["bind", "ro"]}]'
	ok c_run
	out_is data
}

@test "userns: joined by path" {
	unshare --user sleep 1000 &
	other=$!
	BG_PIDS+=("$other")
	in_its_own() { [ "$(readlink "/proc/$other/ns/user")" != "$(readlink /proc/self/ns/user)" ]; }
	wait_for in_its_own
	echo 0 100000 65536 >"/proc/$other/uid_map"
	echo 0 100000 65536 >"/proc/$other/gid_map"
	script 'readlink /proc/self/ns/user; id -u' \
		'del(.linux.uidMappings, .linux.gidMappings) | (.linux.namespaces[] | select(.type == "user")).path = "/proc/'"$other"'/ns/user"'
	ok c_run
	out_is "$(readlink "/proc/$other/ns/user")"$'\n0'
}

@test "userns: a namespace without mappings is refused" {
	# crun 1.8.1: may fail because it makes up mappings from /etc/subuid
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	fails c_run
	err_has_any mapping uidMappings
}

@test "userns: mappings without a namespace are refused" {
	# crun 1.8.1: fails because it makes the namespace all the same
	config 'del(.linux.namespaces[] | select(.type == "user"))'
	fails c_run
	err_has user
}

@test "userns: mappings that overlap are refused by name" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}, {containerID: 5, hostID: 200000, size: 10}]'
	fails c_run
	err_has_any uid_map uidMappings
}

@test "userns: a size of zero or an id beyond 32 bits is refused" {
	# crun 1.8.1: may fail because it cuts the number
	config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 0}]'
	fails c_run
	config '.linux.uidMappings = [{containerID: 0, hostID: 4294967296, size: 10}]'
	fails c_run
	err_has uidMappings
}

@test "userns: a terminal is the container user's own" {
	install_probe
	bg rt "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	script 'stat -c "%u %t" "$(readlink /proc/self/fd/0)"; probe tty; exec sleep 1000' '.process.terminal = true'
	ok c_create "$ID" --console-socket "$TEST_DIR/sock"
	ok husk start "$ID"
	wait_for grep -q controlling "$TEST_DIR/rt.out"
	grep -q '^0 88' "$TEST_DIR/rt.out"
	grep -q 'controlling yes' "$TEST_DIR/rt.out"
}

@test "userns: exec as another user, with capabilities of the namespace" {
	c_sleeper
	ok husk exec --user 1000:1000 "$ID" id -u
	out_is 1000
	ok husk exec --cap CAP_SYS_ADMIN "$ID" grep CapEff /proc/self/status
	[[ $output =~ 2[0-9a-f]{5}$ ]]
}

@test "userns: where the host's mounts are shared, the container's do not appear there" {
	# As on every machine with systemd; in a mount namespace of the test's own.
	config '.process.args = ["/bin/true"]'
	run unshare -m --propagation shared sh -c '
		mount --make-rshared / && before=$(wc -l </proc/self/mountinfo) &&
		"$@" && [ "$before" = "$(wc -l </proc/self/mountinfo)" ]' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 0 ]
}
