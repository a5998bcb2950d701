#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# root and linux.rootfsPropagation

load lib

@test "rootfs: writable unless asked otherwise" {
	script 'echo x >/written'
	ok c_run
	eq "$(cat "$ROOTFS/written")" x
}

@test "rootfs: readonly" {
	script 'echo x >/written; grep " / / " /proc/self/mountinfo | cut -d" " -f6; echo y >/dev/shm/y && cat /dev/shm/y' '.root.readonly = true'
	try c_run
	err_has "read-only"
	[ ! -e "$ROOTFS/written" ]
	out_has y
}

@test "rootfs: readonly, and the mounts in it are still made" {
	config '.root.readonly = true | .mounts += [{destination: "/made/for/this", type: "tmpfs", source: "t"}]'
	script 'echo x >/made/for/this/x; cat /made/for/this/x'
	ok c_run
	out_is x
}

@test "rootfs: readonly cannot be undone from inside" {
	script 'mount -o remount,rw,bind /; echo x >/written' '.root.readonly = true'
	try c_run
	[ "$status" != 0 ]
	[ ! -e "$ROOTFS/written" ]
}

@test "rootfs: nothing of the host is reachable above" {
	script 'ls /../../..; ls -d /proc/1/root/../..'
	ok c_run
	out_lacks config.json
	out_has bin
}

# root_propagation WORD: the optional fields of the root mount
root_propagation()
{
	config --arg p "$1" '.linux.rootfsPropagation = $p'
	script 'grep -E "^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ / " /proc/self/mountinfo | sed "s/ - .*//" | cut -d" " -f7-'
	ok c_run
}

@test "rootfs: propagation private" { root_propagation private; out_is ""; }
@test "rootfs: propagation rprivate" { root_propagation rprivate; out_is ""; }
@test "rootfs: propagation unbindable" { root_propagation unbindable; out_is unbindable; }

@test "rootfs: propagation shared" {
	root_propagation shared
	[[ $output =~ ^shared: ]]
	root_propagation rshared
	[[ $output =~ ^shared: ]]
}

@test "rootfs: propagation slave" {
	root_propagation slave
	[[ $output != shared:* ]]
	root_propagation rslave
	[[ $output != shared:* ]]
}

@test "rootfs: an unknown propagation is refused" {
	# crun 1.8.1: fails because it ignores it
	config '.linux.rootfsPropagation = "sideways"'
	fails c_run
	err_has sideways
}

@test "rootfs: shared does not make the host's mounts shared" {
	# Not all of them: other tests mount at the same time.
	host_root() { grep -E '^[0-9]+ [0-9]+ [0-9:]+ [^ ]+ /(proc|tmp|sys)? ' /proc/self/mountinfo | sed 's/ - .*//'; }
	before=$(host_root)
	root_propagation shared
	eq "$(host_root)" "$before"
}

@test "rootfs: a root path that is a symbolic link" {
	mv "$ROOTFS" "$BUNDLE/real"
	ln -s real "$ROOTFS"
	script 'echo x >/written'
	ok c_run
	[ -e "$BUNDLE/real/written" ]
}

@test "rootfs: a root that is a mount point" {
	mv "$ROOTFS" "$BUNDLE/real"
	mkdir "$ROOTFS"
	mount --bind "$BUNDLE/real" "$ROOTFS"
	script 'echo alive'
	try c_run
	umount "$ROOTFS"
	eq "$status" 0
	out_is alive
}

@test "rootfs: the bundle in a shared mount, as under systemd" {
	mount --bind "$TEST_DIR" "$TEST_DIR"
	mount --make-shared "$TEST_DIR"
	script 'echo alive'
	try c_run
	umount "$TEST_DIR"
	eq "$status" 0
	out_is alive
}

@test "rootfs: root.path missing in the configuration is refused" {
	# crun 1.8.1: fails because it does not say which path
	config 'del(.root.path)'
	fails c_run
	err_has root
	config 'del(.root)'
	fails c_run
	err_has root
}

@test "rootfs: the host's root as root is usable with a mount namespace" {
	config '.root = {path: "/"} | .mounts = [{destination: "/proc", type: "proc", source: "proc"}] | .process.args = ["/bin/sh", "-c", "echo $$"]'
	try c_run
	if [ "$status" = 0 ]; then
		out_is 1
	else
		err_has_any root "/"
	fi
}

@test "rootfs: /dev, /proc and /sys are made when the image lacks them" {
	rmdir "$ROOTFS"/{dev,proc,sys}
	script 'ls -d /dev/null /proc/self /sys/kernel'
	ok c_run
}

@test "rootfs: an image whose /proc or /sys is a link is refused" {
	# crun 1.8.1: may fail because it follows the link inside the root
	rmdir "$ROOTFS/proc"
	ln -s /tmp "$ROOTFS/proc"
	fails c_run
	err_has proc
	rm "$ROOTFS/proc"
	mkdir "$ROOTFS/proc"
	rmdir "$ROOTFS/sys"
	ln -s ../../../../.. "$ROOTFS/sys"
	fails c_run
	err_has sys
}

@test "rootfs: an image whose /dev is a link gets no devices outside" {
	# crun 1.8.1: fails because CVE-2026-47766
	mkdir "$TEST_DIR/out"
	rmdir "$ROOTFS/dev"
	ln -s "$TEST_DIR/out" "$ROOTFS/dev"
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	try c_run
	[ -z "$(ls "$TEST_DIR/out")" ]
}

@test "rootfs: without any mount in the configuration" {
	config '.mounts = []'
	ok c_run
}

@test "rootfs: the links /dev/fd, stdin, stdout, stderr" {
	script 'for l in fd stdin stdout stderr; do readlink /dev/$l; done'
	ok c_run
	out_is $'/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2'
}
