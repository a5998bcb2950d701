#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An inherited device descriptor is never chowned: a node of the host's would
# become the container's user's, for good. (runc's fixStdioPermissions and its
# like; /dev/null once belonged to a container's user.)

load lib

# Nodes of the test's own; what happens to them would happen to the host's.
setup()
{
	integration_setup
	mknod -m 600 "$TEST_DIR/null" c 1 3 || skip "needs test VM: CAP_MKNOD"
	mknod -m 600 "$TEST_DIR/zero" c 1 5
	mknod -m 660 "$TEST_DIR/tty" c 5 0
	mkfifo -m 600 "$TEST_DIR/fifo"
	touch "$TEST_DIR/file"
	NODES=("$TEST_DIR"/{null,zero,tty,fifo,file})
	BEFORE=$(stat -c '%n %u:%g %a %F %t:%T' "${NODES[@]}")
}

unchanged() { eq "$(stat -c '%n %u:%g %a %F %t:%T' "${NODES[@]}")" "$BEFORE"; }

# with_nodes COMMAND...: a device as each of the three
with_nodes()
{
	status=0
	"$@" <"$TEST_DIR/zero" >"$TEST_DIR/null" 2>>"$TEST_DIR/null" 3>&- 4>&- || status=$?
	[ "$status" = 0 ]
}

# Shown to detect: runc, whose standard streams are given to the container's user.
@test "devices: standard streams that are device nodes keep their owner" {
	config '.process.user = {uid: 1000, gid: 1000}'
	with_nodes "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	unchanged
	with_nodes "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	with_nodes "${HUSK_CMD[@]}" start "$ID"
	unchanged
	c_sleeper "$T-2" '.process.user = {uid: 1000, gid: 1000}'
	with_nodes "${HUSK_CMD[@]}" exec "$T-2" true
	with_nodes "${HUSK_CMD[@]}" exec -u 1234:1234 "$T-2" true
	unchanged

	weak="chown"
	for runtime in runc crun; do
		command -v $runtime >/dev/null || continue
		weak=$runtime
		with_nodes timeout 10 $runtime --root "$TEST_DIR/weak-root" create -b "$BUNDLE" "$T-weak" || true
		timeout 10 $runtime --root "$TEST_DIR/weak-root" delete --force "$T-weak"
		unchanged 2>/dev/null || break
	done
	[ $weak != chown ] || chown 1000 "$TEST_DIR/zero"
	! unchanged 2>/dev/null
	control "$weak"
}

# In a user namespace the owner would have to be mapped, which is why others do it.
@test "devices: nor in a user namespace" {
	map='[{"containerID": 0, "hostID": 100000, "size": 65536}]'
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	config ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $map | .linux.gidMappings = $map | .process.user = {uid: 1000, gid: 1000}"
	with_nodes "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	unchanged
}

# The user's terminal, handed on without one of the container's own.
# Shown to detect: its owner does change when it is changed.
@test "devices: a terminal that is inherited keeps its owner and mode" {
	config '.process.user = {uid: 1000, gid: 1000} | .process.args = ["/bin/true"]'
	cat >"$TEST_DIR/on-tty" <<-'END'
		#!/bin/sh
		stat -L -c '%u:%g %a' /proc/self/fd/0
		"$@"
		stat -L -c '%u:%g %a' /proc/self/fd/0
		chown 1000 "$(readlink /proc/self/fd/0)"
		stat -L -c '%u:%g %a' /proc/self/fd/0
	END
	chmod +x "$TEST_DIR/on-tty"
	mkfifo "$TEST_DIR/idle"
	timeout 30 script -qefc "$TEST_DIR/on-tty ${HUSK_CMD[*]} run -b $BUNDLE $ID" /dev/null <>"$TEST_DIR/idle" >"$TEST_DIR/out" 2>&1 3>&- 4>&-
	output=$(tr -d '\r' <"$TEST_DIR/out")
	eq "$(sed -n 2p <<<"$output")" "$(sed -n 1p <<<"$output")"
	[ "$(sed -n 3p <<<"$output")" != "$(sed -n 1p <<<"$output")" ]
	control "a terminal that was given away"
}

# Nodes that are there are the image's or the engine's; only those that husk
# makes get an owner.
@test "devices: nodes in a /dev that is bound are neither changed nor added to" {
	mkdir "$TEST_DIR/dev"
	mknod -m 600 "$TEST_DIR/dev/null" c 1 3
	mknod -m 600 "$TEST_DIR/dev/full" c 1 7
	config --arg s "$TEST_DIR/dev" '.process.user = {uid: 1000, gid: 1000}
		| .mounts = [.mounts[] | select(.destination | startswith("/dev") | not)] + [{destination: "/dev", type: "bind", source: $s, options: ["rbind"]}]'
	before=$(ls -ln "$TEST_DIR/dev")
	try c_run
	eq "$(ls -ln "$TEST_DIR/dev")" "$before"
	# One that is asked for and is there, as another user's.
	config '.linux.devices = [{path: "/dev/null", type: "c", major: 1, minor: 3, uid: 1000, gid: 1000, fileMode: 438}]'
	try c_run
	eq "$(ls -ln "$TEST_DIR/dev")" "$before"
	config '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3, uid: 1000, gid: 1000}]'
	ok c_run
	eq "$(stat -c %u:%g "$TEST_DIR/dev/mine")" 1000:1000
	control "a node that husk made"
}

# Sources of binds are the host's; so is a device that is bound instead of made.
@test "devices: nodes that are bound from the host keep their owner" {
	map='[{"containerID": 0, "hostID": 100000, "size": 65536}]'
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	before=$(stat -c '%n %u:%g %a' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty)
	config --arg s "$TEST_DIR/zero" ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $map | .linux.gidMappings = $map
		| .process.user = {uid: 1000, gid: 1000} | .mounts += [{destination: \"/dev/mine\", type: \"bind\", source: \$s, options: [\"bind\"]}]
		| .linux.devices = [{path: \"/dev/null\", type: \"c\", major: 1, minor: 3, uid: 1000, gid: 1000, fileMode: 384}]"
	try c_run
	unchanged
	eq "$(stat -c '%n %u:%g %a' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty)" "$before"
}
