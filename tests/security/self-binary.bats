#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# CVE-2019-5736, firejail's CVE-2019-12499: a container must never get at the
# runtime's own binary; CVE-2016-8659, CVE-2020-5291: never set-uid.

load lib

# A binary that fails these tests is overwritten: always a copy's.
setup()
{
	integration_setup
	use_own_copy
	install_attack inside
}

# The image of the exploit: its entry point is a script whose interpreter is
# /proc/self/exe, so the kernel runs the runtime again, now inside; the image's
# loader and ld.so.preload bring its own library into that process, which keeps
# the binary open and waits in another program until it is no longer busy.
make_exploit()
{
	local lib

	for lib in $(ldd "$HUSK" | grep -o '/[^ ]*') $(ldd "$(command -v chroot)" | grep -o '/[^ ]*'); do
		mkdir -p "$ROOTFS${lib%/*}"
		cp -L "$lib" "$ROOTFS$lib"
	done
	cp "$(attack image-library)" "$ROOTFS/evil.so"
	echo /evil.so >"$ROOTFS/etc/ld.so.preload"
	printf '#!/proc/self/exe\n' >"$ROOTFS/evil"
	chmod +x "$ROOTFS/evil"
}

# refused FILE: what the exploit had to say, when it ran at all
refused()
{
	wait_for grep -qs 'refused\|OVERWRITTEN\|WRITABLE' "$1"
	cat "$1" >&2
	# ETXTBSY would only mean that it gave up too early.
	grep -qx 'refused E\(ROFS\|PERM\|ACCES\)' "$1"
}

# Shown to detect: the control overwrites a copy of chroot(1), which protects
# itself in no way. Also shown with a husk whose ns_self_seal() returns at once.
@test "self-binary: a script for /proc/self/exe as the program of run" {
	make_exploit
	config '.process.args = ["/evil"]'
	try c_run "$ID" -d
	refused "$TEST_DIR/stdout"
	copy_is_unchanged

	victim "$(command -v chroot)" "$TEST_DIR/weak"
	sum=$(sha256sum <"$TEST_DIR/weak")
	weak_run "$ROOTFS" /evil
	out_is OVERWRITTEN && [ "$(sha256sum <"$TEST_DIR/weak")" != "$sum" ]
	control "chroot as a runtime"
}

@test "self-binary: the same by create and start" {
	make_exploit
	config '.process.args = ["/evil"]'
	bg create "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	wait_bg $!
	ok husk start "$ID"
	refused "$TEST_DIR/create.out"
	copy_is_unchanged
}

@test "self-binary: the same by exec" {
	make_exploit
	c_sleeper
	try husk exec -d "$ID" /evil
	refused "$TEST_DIR/stdout"
	copy_is_unchanged
}

# A process of the container that may trace (CAP_SYS_PTRACE) may open what it
# sees of others. It keeps what it has opened and tries on when they have ended.
# Shown to detect: the control runs a plain copy of sleep(1) where husk's
# entrant was; and with a husk whose ns_self_seal() returns at once.
@test "self-binary: a process on its way into the container is no writable file" {
	sleeper "$WITH_CAPS"
	ok c_run "$ID" -d
	# What the watcher meets first may be the program itself, busy as it is.
	for _ in 1 2 3 4 5 6 7 8; do
		watch_exe
		hold_exec "$ID" /bin/true
		sleep 0.1
		let_go
		watch_end
		out_lacks OVERWRITTEN
		out_lacks WRITABLE
		[[ $output != *"exe EROFS"* ]] || break
	done
	out_has "exe EROFS"
	copy_is_unchanged

	victim "$(command -v sleep)" "$TEST_DIR/weak"
	sum=$(sha256sum <"$TEST_DIR/weak")
	watch_exe
	nsenter -t "$(pid_of)" -p "$TEST_DIR/weak" 0.2
	watch_end
	out_has OVERWRITTEN && [ "$(sha256sum <"$TEST_DIR/weak")" != "$sum" ]
	control "a program of the host's as an entrant"
}

# In the background without a husk that waits: it would keep the binary busy.
watch_exe()
{
	ok husk exec -d "$ID" /bin/inside exe 0.7
	mv "$TEST_DIR/stdout" "$TEST_DIR/watcher.out"
	wait_for file_has "$TEST_DIR/watcher.out" watching
}

watch_end()
{
	wait_for file_has "$TEST_DIR/watcher.out" "done"
	slurp output "$TEST_DIR/watcher.out"
}

# Shown to detect: the control is a copy of sleep(1).
# Who has the detached mount open can make it writable again. "run" closes it late, but not as late as that.
# Shown to detect: with the close left out (mutations).
@test "self-binary: nothing of the protected copy is open when the program runs" {
	local pid dir=${HUSK%/*} fd

	script 'echo running; exec sleep 1000'
	"${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID" >"$TEST_DIR/says" 3>&- &
	wait_for grep -qs running "$TEST_DIR/says"
	pid=$(pgrep -P $! husk || pgrep -f -- "--root $ROOT run -b $BUNDLE $ID" | tail -n 1)
	[ -d "/proc/$pid/fd" ]
	for fd in "/proc/$pid/fd"/*; do
		[[ $(readlink "$fd") != "$dir" && $(readlink "$fd") != / ]] || { readlink "$fd" >&2; return 1; }
	done
	ok husk kill "$ID" KILL
	wait
}

@test "self-binary: an init that waits for start is no writable file, nor later" {
	ok c_create
	exec 9<"/proc/$(pid_of)/exe"
	ok husk start "$ID"
	wait_status stopped
	ok husk delete "$ID"
	# While it ran, ETXTBSY would have done the same.
	try write_to_9
	exec 9<&-
	[ "$status" != 0 ]
	err_has_any "read-only" "permission denied" "not permitted"
	copy_is_unchanged

	cp "$(command -v sleep)" "$TEST_DIR/weak"
	"$TEST_DIR/weak" 0.3 &
	wait_for test "/proc/$!/exe" -ef "$TEST_DIR/weak"
	exec 9<"/proc/$!/exe"
	wait $!
	try write_to_9
	exec 9<&-
	[ "$status" = 0 ]
	control "a program as it is"
}

write_to_9() { sh -c ': >>/proc/self/fd/9'; }

# A user's own binary belongs to the container's root. No mount can be cloned
# without CAP_SYS_ADMIN: the copy is in sealed memory.
# Shown to detect: with a husk whose ns_self_seal() returns at once.
@test "self-binary: rootless, where the container's root owns the binary" {
	make_exploit
	rootless_setup
	config '.process.args = ["/evil"]'
	# Not all of them get as far as to run: see userns.bats.
	for try in {1..30}; do
		try user_husk run -d -b "$BUNDLE" "$ID"
		[ "$status" != 0 ] || break
	done
	refused "$TEST_DIR/stdout"
	copy_is_unchanged
	ok user_husk delete --force "$ID"
	# It is the owner and has the rights: it is the copy that protects.
	ok as_user sh -c ": >>$HUSK"
	control "the owner"
}

# Shown to detect: the control, without the bit, runs.
@test "self-binary: set-uid and set-gid are refused" {
	for mode in 4755 2755; do
		chmod $mode "$HUSK"
		fails 126 as_user "$HUSK" --version
		err_has "set-uid"
	done
	chmod 755 "$HUSK"
	ok as_user "$HUSK" --version
	control "without the bit"
}

@test "self-binary: file capabilities are refused" {
	requires_program setcap
	setcap cap_sys_admin+ep "$HUSK" 2>/dev/null || skip "needs a file system with file capabilities in $TEST_DIR"
	fails 126 as_user "$HUSK" --version
	setcap -r "$HUSK"
	ok as_user "$HUSK" --version
	control "without them"
}
