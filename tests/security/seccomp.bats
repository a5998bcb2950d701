#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Filters as a wall: flatpak's CVE-2021-41133 and CVE-2019-10063, firejail's
# CVE-2017-5206 and CVE-2019-12589.

load lib

GETPRIORITY=140 IOCTL=16

setup()
{
	integration_setup
	[ "$(uname -m)" = x86_64 ] || skip "needs x86-64"
	install_probe
	install_attack inside first-instruction
}

# filter JSON...: linux.seccomp
filter() { config --argjson s "$1" '.linux.seccomp = $s'; }

# program WORDS...: process.args
program()
{
	local list

	list=$(printf '"%s",' "$@")
	config ".process.args = [${list%,}]"
}

DENY='{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]}'

# Shown to detect: without the filter the call succeeds.
@test "seccomp: the filter is in force at the program's first instruction" {
	program /bin/first-instruction
	ok c_run
	control "no filter"
	filter "$DENY"
	exits 99 c_run
	for capabilities in '[]' '["CAP_SYS_ADMIN"]'; do
		for nnp in true false; do
			config --argjson c "$capabilities" --argjson n "$nnp" '.process.noNewPrivileges = $n | .process.capabilities = {bounding: $c, effective: $c, permitted: $c}'
			exits 99 c_run
		done
	done
	config '.process.user = {uid: 1000, gid: 1000}'
	exits 99 c_run
	ok c_create "$T-2"
	pid=$(pid_of "$T-2")
	ok husk start "$T-2"
	wait_status stopped "$T-2"
}

# firejail's --join skipped the filter; every way in must have it.
# Shown to detect: nsenter(1) has none.
@test "seccomp: exec has the filter, whatever is asked for" {
	sleeper
	filter "$DENY"
	ok c_run "$ID" -d
	for options in "" "-u 1000" "-c CAP_SYS_ADMIN" "--no-new-privs" "--tty=false" "-e A=B" "--cwd /tmp"; do
		# shellcheck disable=SC2086
		try husk exec $options "$ID" /bin/first-instruction
		[ "$status" = 99 ] || [[ $options == --tty* ]] || { echo "exec $options" >&2; show; return 1; }
	done
	jq '.process | .args = ["/bin/first-instruction"] | .noNewPrivileges = false | .capabilities = {bounding: ["CAP_SYS_ADMIN"], effective: ["CAP_SYS_ADMIN"], permitted: ["CAP_SYS_ADMIN"]}' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	exits 99 husk exec --process "$TEST_DIR/p.json" "$ID"
	# The bundle's file has no say any more.
	config 'del(.linux.seccomp)'
	exits 99 husk exec "$ID" /bin/first-instruction
	rm "$BUNDLE/config.json"
	exits 99 husk exec "$ID" /bin/first-instruction
	try nsenter -t "$(pid_of)" -m -p /bin/first-instruction
	[ "$status" = 0 ]
	control nsenter
}

# The number means another call there: a list of names must hold for all gates.
# Shown to detect: with the gate's architecture listed and nothing denied the
# same call succeeds.
@test "seccomp: 32-bit calls do not get past the filter" {
	"$(helper probe)" syscall32 20 >/dev/null || skip "needs a kernel with 32-bit calls"
	program /bin/probe syscall32 96 0 0
	for archs in null '[]' '["SCMP_ARCH_X86_64"]' '["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]'; do
		config --argjson s "$DENY" --argjson a "$archs" '.linux.seccomp = ($s | if $a then .architectures = $a else . end)'
		try c_run
		# Killed, or refused; never carried out.
		[ "$status" != 0 ] || out_lacks ok
	done
	config --argjson s "$DENY" '.linux.seccomp = ($s | .architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])'
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	config '.linux.seccomp.syscalls = []'
	ok c_run
	out_has ok
	control "nothing denied"
}

# x32 numbers are those of x86-64 with bit 30 set: the same architecture to the
# kernel's filters. Shown to detect: the errno of the rule is seen, not the kernel's.
@test "seccomp: x32 numbers do not get past the filter" {
	x32=$((0x40000000 | GETPRIORITY))
	program /bin/probe syscall $x32 0 0
	filter "$DENY"
	try c_run
	[ "$status" != 0 ] || out_lacks ok
	config '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"]'
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	control "a rule for x32"
	# An allow list says nothing about x32: whatever is not said is denied, or fatal.
	filter '{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 99, "syscalls": [{"names": ["getpriority","execve","brk","arch_prctl","mmap","mprotect","munmap","write","fstat","newfstatat","exit","exit_group","set_tid_address","set_robust_list","rseq","prlimit64","readlink","readlinkat","getrandom","uname","close","ioctl"], "action": "SCMP_ACT_ALLOW"}]}'
	try c_run
	[ "$status" != 0 ] || out_is "errno 99 EADDRNOTAVAIL"
}

ALLOWED='["execve","brk","arch_prctl","mmap","mprotect","munmap","write","fstat","newfstatat","exit","exit_group","set_tid_address","set_robust_list","rseq","prlimit64","readlink","readlinkat","getrandom","uname","close","ioctl","getpriority"]'

# flatpak's CVE-2021-41133: calls that are newer than the list. Programs fall back
# on ENOSYS, and only on that; and none of the numbers gets through.
# Shown to detect: with a default of "allow" the kernel's own answers show.
@test "seccomp: numbers above the last that is known get ENOSYS" {
	program /bin/inside syscalls 470 1200
	filter "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [{\"names\": $ALLOWED, \"action\": \"SCMP_ACT_ALLOW\"}]}"
	ok c_run
	out_is "ENOSYS 731"
	# Between those that it names and the last one: the default.
	program /bin/inside syscalls 300 302
	ok c_run
	out_has EPERM
	program /bin/inside syscalls 470 1200
	filter '{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 99, "syscalls": [{"names": '"$ALLOWED"', "action": "SCMP_ACT_ALLOW"}]}'
	ok c_run
	out_is "EADDRNOTAVAIL 731"
	control "a default of its own"
}

# The kernel looks at the lower half of ioctl's request only; a filter that
# compares all 64 bits lets the rest pass (CVE-2019-10063, CVE-2023-28100).
# Shown to detect: a comparison of 64 bits, which is what it lets pass.
@test "seccomp: a masked comparison holds for the upper half, too" {
	rule() { filter "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 99, \"args\": [$1]}]}"; }
	for request in 0x5412 0x100005412 0xffffffff00005412; do
		rule '{"index": 1, "value": 4294967295, "valueTwo": 21522, "op": "SCMP_CMP_MASKED_EQ"}'
		program /bin/probe syscall $IOCTL 0 $request 0
		ok c_run
		out_is "errno 99 EADDRNOTAVAIL"
	done
	rule '{"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"}'
	program /bin/probe syscall $IOCTL 0 0x100005412 0
	ok c_run
	out_lacks "errno 99"
	control "a comparison of 64 bits"
}

# Nothing that the container can reach changes what is in force.
@test "seccomp: the filter cannot be taken off again" {
	filter "$DENY"
	script 'grep Seccomp_filters /proc/self/status; for f in /proc/self/*; do :; done; unshare -U /bin/first-instruction; echo "user $?"; /bin/first-instruction; echo "plain $?"' "$WITH_CAPS"
	ok c_run
	out_has "plain 99"
	out_lacks "user 0"
}

# firejail's CVE-2019-12589: filters are data that others must not be able to
# write; husk keeps compiled ones. In a /run of its own.
# Shown to detect: where root itself poisons its own cache, it is believed.
@test "seccomp: a cached filter of somebody else's is not used" {
	program /bin/first-instruction
	filter "$DENY"
	poison=$(attack poison)
	cat >"$TEST_DIR/private" <<-END
		mount -t tmpfs -o mode=755 run /run || exit 90
		run() { "$HUSK" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1; }
		run
		echo "first \$?"
		ls /run/husk/.filters/* >/dev/null || exit 91
		cp -a /run/husk/.filters /run/good
		n=0
		while IFS="|" read -r name what; do
			rm -rf /run/husk/.filters
			cp -a /run/good /run/husk/.filters
			"$poison" /run/husk/.filters/* || exit 92
			(cd /run/husk/.filters && eval "\$what")
			run
			echo "\$name \$?"
		done <<-'LIST'
			believed|:
			their-directory|chown 1000 .
			open-directory|chmod 755 .
			writable-directory|chmod 777 .
			their-file|chown 1000 *
			open-file|chmod 666 *
			group-file|chmod 660 *
			link|mv ../.filters ../moved; ln -s moved ../.filters
			file-link|f=\$(echo *); mv \$f /run/f; ln -s /run/f \$f
			damaged|truncate -s -1 *
			fifo|f=\$(echo *); rm \$f; mkfifo \$f
		LIST
	END
	ok unshare -m sh "$TEST_DIR/private"
	eq "$(sed -n 1p <<<"$output")" "first 99"
	eq "$(sed -n 2p <<<"$output")" "believed 0"
	control "root's own cache"
	eq "$(sed '1,2d' <<<"$output" | grep -v ' 99$')" ""
	eq "$(wc -l <<<"$output")" 12
}

# What a filter can do to the runtime itself: nothing that is left half-way.
@test "seccomp: a filter that forbids everything ends the program, not the runtime" {
	program /bin/true
	for action in SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL SCMP_ACT_ERRNO SCMP_ACT_TRAP; do
		filter "{\"defaultAction\": \"$action\"}"
		try timeout 20 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
		((status != 0 && status != 124)) || { show; return 1; }
		[ ! -d "$ROOT/$ID" ]
		filter "{\"defaultAction\": \"$action\", \"syscalls\": [{\"names\": [\"execve\"], \"action\": \"SCMP_ACT_ALLOW\"}]}"
		try timeout 20 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
		((status != 0 && status != 124)) || { show; return 1; }
	done
}
