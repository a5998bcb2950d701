#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2019-14271, CVE-2018-15664: nothing of the container's files is loaded into
# husk, and names are not looked up by libraries that could be the image's.

load lib

setup()
{
	integration_setup
	requires_program strace
	# Bait: what a C library would look for from inside this root.
	mkdir -p "$ROOTFS"/{lib/x86_64-linux-gnu,lib64,usr/lib/x86_64-linux-gnu,usr/lib/locale,usr/share/zoneinfo,usr/lib/ssl}
	for name in libnss_files.so.2 libnss_compat.so.2 libc.so.6 libmnl.so.0 libgcc_s.so.1 libnss_systemd.so.2; do
		echo bait >"$ROOTFS/lib/x86_64-linux-gnu/$name"
		echo bait >"$ROOTFS/usr/lib/x86_64-linux-gnu/$name"
	done
	echo 'passwd: files systemd evil' >"$ROOTFS/etc/nsswitch.conf"
	echo /evil.so >"$ROOTFS/etc/ld.so.preload"
	touch "$ROOTFS/etc/ld.so.cache" "$ROOTFS/etc/localtime" "$ROOTFS/evil.so" "$ROOTFS/etc/nscd.conf"
}

# traced COMMAND...: the files that it opens or asks for, up to the program's own
# execve, in $TEST_DIR/trace
traced()
{
	strace -f -qq -s 200 -e trace=file,connect,setns -o "$TEST_DIR/trace" "$@" </dev/null >"$TEST_DIR/out" 2>&1
}

# From the change of the root on: what of the list is looked at by relative names
# and absolute ones, by processes that have not yet executed the program.
after_root()
{
	awk '
		$2 ~ /^(pivot_root|chroot|setns)\(/ { inside[$1] = 1 }
		$2 ~ /^execve\(/ && inside[$1] && /= 0$/ { inside[$1] = 0 }
		inside[$1]' "$TEST_DIR/trace"
}

BAIT='\.so|nsswitch|nscd|ld\.so|/locale|gconv|localtime|zoneinfo|resolv\.conf|/etc/hosts'

# Shown to detect: the control is coreutils' chroot(1), which looks its user up
# after the change of the root, as Docker's cp did.
@test "nss: run, create and start load nothing from inside" {
	config '.process.user = {uid: 1000, gid: 1000, additionalGids: [2000]} | .process.env = ["PATH=/bin"] | .process.args = ["true"]'
	traced "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	grep -q pivot_root "$TEST_DIR/trace"
	[ -n "$(after_root)" ]
	eq "$(after_root | grep -E "$BAIT")" ""
	# HOME comes from the file itself.
	after_root | grep -q etc/passwd
	ok c_create
	traced "${HUSK_CMD[@]}" start "$ID"
	eq "$(after_root | grep -E "$BAIT")" ""

	traced chroot --userspec=nobody-there "$ROOTFS" /bin/true || true
	after_root | grep -qE "$BAIT"
	control chroot
}

# Shown to detect: as above.
@test "nss: exec, with names of users and groups, loads nothing from inside" {
	c_sleeper
	traced "${HUSK_CMD[@]}" exec -u user:extra "$ID" id -u
	eq "$(cat "$TEST_DIR/out")" 1000
	grep -q 'setns(' "$TEST_DIR/trace"
	eq "$(after_root | grep -E "$BAIT")" ""
	# Nor by the way to it: /proc/PID/root.
	eq "$(grep -E '"/proc/[0-9]+/root' "$TEST_DIR/trace" | grep -E "$BAIT")" ""
	traced "${HUSK_CMD[@]}" exec -u nobody-here "$ID" id -u || true
	eq "$(after_root | grep -E "$BAIT")" ""
}

# Those files are read as text, in the root, as regular files.
# Shown to detect: the good file is the control.
@test "nss: the image's passwd and group files are links, FIFOs, devices, endless" {
	printf 'user:x:31337:31337::/hostile:/bin/sh\n' >"$TEST_DIR/passwd"
	printf 'extra:x:31337:\n' >"$TEST_DIR/group"
	cp "$ROOTFS/etc/passwd" "$TEST_DIR/good-passwd"
	cp "$ROOTFS/etc/group" "$TEST_DIR/good-group"
	c_sleeper
	for make in 'ln -s "$TEST_DIR/$f" $f' 'mkfifo $f' 'mknod $f c 1 5' 'mkdir $f' 'ln -s /proc/self/fd/3 $f' 'ln -s $f $f' 'truncate -s 1T $f' \
		'head -c 300000 /dev/zero | tr "\0" : >$f' 'printf "user:x:%0100000d:0::/:\n" 0 >$f'; do
		for f in passwd group; do
			rm -rf "${ROOTFS:?}/etc/$f"
			(cd "$ROOTFS/etc" && eval "$make")
		done
		try timeout 20 "${HUSK_CMD[@]}" exec -u user:extra "$ID" id -u
		((status != 0 && status != 124 && status < 128)) || { echo "$make: status $status" >&2; show; return 1; }
		out_lacks 31337
		# A number needs no file; HOME may do without.
		ok timeout 20 "${HUSK_CMD[@]}" exec -u 7 "$ID" sh -c 'echo $HOME'
		out_lacks hostile
	done
	rm -rf "${ROOTFS:?}/etc/passwd" "$ROOTFS/etc/group"
	cp "$TEST_DIR/good-passwd" "$ROOTFS/etc/passwd"
	cp "$TEST_DIR/good-group" "$ROOTFS/etc/group"
	ok husk exec -u user:extra "$ID" id -u
	out_is 1000
	control "good files"
}

# The environment of the container is the program's, not husk's.
# Shown to detect: the program's own loader sees it.
@test "nss: the container's environment does not reach husk" {
	config '.process.env += ["LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/lib/x86_64-linux-gnu", "LD_DEBUG=all", "GCONV_PATH=/x", "LOCPATH=/x", "MALLOC_TRACE=/x", "HUSK_FAULT=all", "LISTEN_FDS=3", "NOTIFY_SOCKET=/x", "XDG_RUNTIME_DIR=/x"]'
	traced "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(after_root | grep -E "$BAIT")" ""
	c_sleeper
	traced "${HUSK_CMD[@]}" exec -e LD_PRELOAD=/evil.so -e LD_LIBRARY_PATH=/lib "$ID" true
	eq "$(after_root | grep -E "$BAIT")" ""
	ok husk exec -e LD_PRELOAD=/evil.so "$ID" env
	out_has LD_PRELOAD=/evil.so
	control "the program"
}
