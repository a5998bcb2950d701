#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.devices and the default devices

load lib

@test "devices: the default set, with the right numbers and modes" {
	script 'for d in null zero full random urandom tty; do stat -c "%n %F %t:%T %a" /dev/$d; done; readlink /dev/ptmx'
	ok c_run
	out_is "/dev/null character special file 1:3 666
/dev/zero character special file 1:5 666
/dev/full character special file 1:7 666
/dev/random character special file 1:8 666
/dev/urandom character special file 1:9 666
/dev/tty character special file 5:0 666
pts/ptmx"
}

@test "devices: the default set works" {
	script 'echo x >/dev/null; head -c 2 /dev/zero | od -An -tx1; head -c 3 /dev/random | wc -c; head -c 3 /dev/urandom | wc -c; echo x >/dev/full'
	try c_run
	out_is $' 00 00\n3\n3'
	err_has "no space"
}

@test "devices: character, block and FIFO with mode and owner" {
	requires_cap CAP_MKNOD
	config '.linux.devices = [
		{path: "/dev/mychar", type: "c", major: 1, minor: 3, fileMode: 384, uid: 7, gid: 8},
		{path: "/dev/myblock", type: "b", major: 7, minor: 250, fileMode: 416},
		{path: "/dev/myfifo", type: "p", fileMode: 438}]'
	script 'for d in mychar myblock myfifo; do stat -c "%n %F %t:%T %a %u:%g" /dev/$d; done'
	ok c_run
	out_is "/dev/mychar character special file 1:3 600 7:8
/dev/myblock block special file 7:fa 640 0:0
/dev/myfifo fifo 0:0 666 0:0"
}

@test "devices: u is c" {
	config '.linux.devices = [{path: "/dev/unbuffered", type: "u", major: 1, minor: 5, fileMode: 438}]'
	script 'stat -c "%F %t:%T" /dev/unbuffered'
	ok c_run
	out_is "character special file 1:5"
}

@test "devices: outside /dev, and in directories to be made" {
	config '.linux.devices = [{path: "/opt/deep/null", type: "c", major: 1, minor: 3, fileMode: 438}, {path: "/dev/sub/dir/zero", type: "c", major: 1, minor: 5}]'
	script 'stat -c %t:%T /opt/deep/null /dev/sub/dir/zero'
	ok c_run
	out_is $'1:3\n1:5'
}

@test "devices: the mode is exact, whatever the umask" {
	script 'stat -c %a /dev/mine; stat -c %a /dev/null' '.linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 438}]'
	ok sh_with 'umask 0077' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is $'666\n666'
}

@test "devices: a default device named again with the same numbers" {
	script 'stat -c %t:%T:%a /dev/null' '.linux.devices = [{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0}]'
	ok c_run
	out_is 1:3:666
}

@test "devices: an existing file that is another one is refused" {
	# crun 1.8.1: may fail because it leaves what is there
	config 'del(.mounts[] | select(.destination | startswith("/dev")))
		| .linux.devices = [{path: "/etc/passwd", type: "c", major: 1, minor: 3, fileMode: 438}]'
	fails c_run
	err_has /etc/passwd
	grep -q root "$ROOTFS/etc/passwd"
}

@test "devices: an existing device of other numbers is refused" {
	# crun 1.8.1: fails because it leaves what is there
	requires_cap CAP_MKNOD
	mknod "$ROOTFS/etc/dev" c 1 5
	config '.linux.devices = [{path: "/etc/dev", type: "c", major: 1, minor: 3, fileMode: 438}]'
	fails c_run
	err_has /etc/dev
}

@test "devices: wrong types and missing numbers are refused" {
	# crun 1.8.1: fails because it makes something else
	config '.linux.devices = [{path: "/dev/x", type: "q", major: 1, minor: 3}]'
	fails c_run
	err_has_any type "linux.devices"
}

@test "devices: a path is required, and must be absolute" {
	# crun 1.8.1: may fail because it takes it from the root
	config '.linux.devices = [{type: "c", major: 1, minor: 3}]'
	fails c_run
	err_has path
	config '.linux.devices = [{path: "dev/rel", type: "c", major: 1, minor: 3}]'
	fails c_run
	err_has dev/rel
}

@test "devices: a path through a link of the image stays inside" {
	mkdir "$TEST_DIR/out"
	ln -s "$TEST_DIR/out" "$ROOTFS/link"
	config '.linux.devices = [{path: "/link/null", type: "c", major: 1, minor: 3, fileMode: 438}]'
	try c_run
	[ -z "$(ls "$TEST_DIR/out")" ]
}

@test "devices: default rules deny what is not listed" {
	# no resources.devices: the defaults of the specification
	requires_cap CAP_MKNOD
	script 'mknod /tmp/zero c 1 5 && head -c 1 /tmp/zero | wc -c; mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem' "$WITH_CAPS | .linux.resources.devices = [{allow: false, access: \"rwm\"}]"
	try c_run
	err_has "not permitted"
}

@test "devices: a device in a user namespace is the host's, by bind mount" {
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .linux.devices = [{path: "/dev/zero2", type: "c", major: 1, minor: 5}]'
	script 'head -c 2 /dev/null | wc -c; head -c 2 /dev/zero | wc -c'
	try c_run
	# /dev/zero2 is no device of the host: refused, or made where that is allowed
	if [ "$status" = 0 ]; then
		out_is $'0\n2'
	else
		err_has zero2
	fi
	config '.linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 5}]'
	ok c_run
	out_is $'0\n2'
}

@test "devices: the host's stdin device keeps its owner" {
	# the container's user gets its own nodes, never those of the caller
	before=$(stat -c %u:%g:%a /dev/null)
	config '.process.user = {uid: 1000, gid: 1000}'
	ok c_run
	eq "$(stat -c %u:%g:%a /dev/null)" "$before"
}
