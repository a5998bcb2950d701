#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2025-31133 (youki's CVE-2025-62161): what a mask is made of is never the
# image's choice.

load lib

setup()
{
	integration_setup
	keep_core_pattern
	install_attack inside
	echo secret >"$ROOTFS/etc/secret"
	echo decoy >"$ROOTFS/decoy"
}

teardown()
{
	restore_core_pattern
	integration_teardown
}

# The image brings its own /dev, with "null" as given. By mounts, so that husk
# finds it as in an image that is unpacked with device nodes.
own_dev()
{
	mkdir "$TEST_DIR/dev"
	config --arg s "$TEST_DIR/dev" '.mounts = [.mounts[] | select(.destination | startswith("/dev") | not)]
		+ [{destination: "/dev", type: "bind", source: $s, options: ["rbind", "rw"]}]
		| .linux.maskedPaths = ["/etc/secret", "/proc/version"]'
}

# What the container finds in place of the secret: nothing, and what it writes
# goes nowhere.
LOOK='stat -c "%t:%T" /etc/secret /proc/version; cat /etc/secret; echo written >/etc/secret; cat /decoy'

mask_is_null()
{
	out_lacks secret &&
		{ [ "$status" != 0 ] || out_is $'1:3\n1:3\ndecoy'; } &&
		eq "$(cat "$ROOTFS/decoy" "$ROOTFS/etc/secret")" $'decoy\nsecret' &&
		eq "$(cat /proc/sys/kernel/core_pattern)" "$CORE"
}

# As the vulnerable runtimes did it: bind the root's /dev/null, whatever that is.
# weak_mask TARGET-OF-NULL
weak_mask()
{
	try unshare -m sh -c 'mount -t proc proc "$1/proc"; ln -sfn "$2" "$1/dev/null"
		chroot "$1" mount -o bind /dev/null /etc/secret && exec chroot "$1" sh -c "$3"' sh "$ROOTFS" "$1" "$LOOK"
}

# Shown to detect: the control masks by path, and its mask is the decoy.
@test "masks: the image's /dev/null is a link" {
	own_dev
	script "$LOOK"
	for target in /decoy ../decoy /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/self/fd/3 /nowhere /; do
		ln -sfn "$target" "$TEST_DIR/dev/null"
		try c_run
		mask_is_null || { echo "/dev/null -> $target" >&2; return 1; }
	done
	# At least the last was run, not refused: the mask has nothing to do with it.
	eq "$status" 0

	weak_mask /decoy
	! mask_is_null 2>/dev/null
	control "a mask by path"
}

@test "masks: the image's /dev/null is a file, a directory, another device, or absent" {
	own_dev
	script "$LOOK"
	for make in 'echo mine >null' 'mkdir null' 'mknod null c 1 5' 'mknod null b 1 3' 'mkfifo null' 'ln "$ROOTFS/decoy" null' :; do
		rm -rf "$TEST_DIR/dev/null"
		(cd "$TEST_DIR/dev" && eval "$make")
		try c_run
		mask_is_null || { echo "$make" >&2; return 1; }
		[ ! -f "$TEST_DIR/dev/null" ] || [ "$make" = 'ln "$ROOTFS/decoy" null' ] || eq "$(cat "$TEST_DIR/dev/null")" mine
	done
}

# Without mounts over /dev the nodes are made in the image's own directory.
@test "masks: the image's /dev/null is a link, and nothing is mounted on /dev" {
	config '.mounts = [.mounts[] | select(.destination | startswith("/dev") | not)] | .linux.maskedPaths = ["/etc/secret", "/proc/version"]'
	script "$LOOK"
	for target in /decoy /proc/sys/kernel/core_pattern "$TEST_DIR/host"; do
		ln -sfn "$target" "$ROOTFS/dev/null"
		try c_run
		mask_is_null || { echo "/dev/null -> $target" >&2; return 1; }
		[ ! -e "$TEST_DIR/host" ]
	done
}

# Shown to detect: the control is caught by the same exchange.
@test "masks: a race for /dev/null" {
	own_dev
	mknod "$TEST_DIR/dev/null" c 1 3
	ln -s /decoy "$TEST_DIR/dev/link"
	script "$LOOK"
	bg swap "$(attack swap)" "$TEST_DIR/dev/null" "$TEST_DIR/dev/link"
	swapper=$!
	end=$((SECONDS + RACE_SECONDS)) n=0
	while racing 5; do
		try c_run
		mask_is_null
		n=$((n + 1))
	done
	((n >= 5))
	mount --bind "$TEST_DIR/dev" "$ROOTFS/dev"
	for ((i = 0; i < 50; i++)); do
		try unshare -m sh -c 'test ! -L "$1/dev/null" && mount -t proc proc "$1/proc" &&
			chroot "$1" mount -o bind /dev/null /etc/secret && exec chroot "$1" sh -c "$2"' sh "$ROOTFS" "$LOOK"
		[ "$status" = 0 ] || continue
		mask_is_null 2>/dev/null || break
		echo decoy >"$ROOTFS/decoy"
	done
	umount "$ROOTFS/dev"
	kill $swapper
	((i < 50))
	control "a look and then a mask by path"
}

# Even if the container may remount: there is no room for a file in the mask,
# and what one directory's mask holds would show in all of them.
# Shown to detect: the control is a tmpfs of the container's own.
@test "masks: a masked directory holds nothing, even when it is made writable" {
	mkdir -p "$ROOTFS"/{one,two,own}
	echo secret >"$ROOTFS/one/secret"
	config '.linux.maskedPaths = ["/one", "/two", "/sys/firmware"] | .mounts += [{destination: "/own", type: "tmpfs", source: "t"}]'
	script 'for d in one two own; do mount -o remount,rw /$d; mount -o remount,rw,bind /$d; echo x >/$d/file; mkdir /$d/dir; cat /$d/file /$d/secret; done; ls /one /two | grep -v :' "$WITH_CAPS"
	try c_run
	eq "$(grep -c x <<<"$output")" 1
	out_lacks secret
	out_is x
	control "an own tmpfs"
}

# A mask over a link in the image covers what the container reaches by it.
# Shown to detect: without the mask the secret is read.
@test "masks: a masked path that is a link" {
	ln -s ../etc/secret "$ROOTFS/var/alias"
	script 'cat /var/alias /etc/secret'
	ok c_run
	out_has secret
	control "without the mask"
	config '.linux.maskedPaths = ["/var/alias"]'
	try c_run
	out_lacks secret
}

# Read-only paths are made of the mount that is there, with what is below it.
# Shown to detect: without the property the write goes through.
@test "masks: read-only paths hold for writers with every capability but that of mounting" {
	caps='["CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_MKNOD"]'
	script '/bin/inside write /proc/sys/net/ipv4/ip_default_ttl 66; cat /proc/sys/net/ipv4/ip_default_ttl' \
		".process.capabilities = ($caps | {bounding: ., effective: ., permitted: .})
		| .linux.readonlyPaths = [\"/proc/sys\"]"
	ok c_run
	out_has "ip_default_ttl EROFS"
	out_lacks "ttl WRITTEN"
	config 'del(.linux.readonlyPaths)'
	script '/bin/inside write /proc/sys/net/ipv4/ip_default_ttl 66'
	config ".process.capabilities = ([\"CAP_NET_ADMIN\"] | {bounding: ., effective: ., permitted: .})"
	ok c_run
	out_has WRITTEN
	control "without the property"
}
