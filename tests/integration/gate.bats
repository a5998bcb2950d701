#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk sandbox --gate: when a policy takes effect. tests/security/gate.bats tries to get past it.

load lib
load sandbox

setup()
{
	sandbox_setup
	POLICIES=${BATS_TEST_DIRNAME%/tests/integration}/policies/profiles
	STRICT=$POLICIES/strict.policy
	# Where a user can read it, too.
	mkdir "$TEST_DIR/here/policies"
	cp -r "$POLICIES"/. "$TEST_DIR/here/policies"
	STRICT=$TEST_DIR/here/policies/strict.policy
}

# both COMMAND...: as root, then as a user
both()
{
	ok sandbox "$@"
	local first=$output
	[ -n "${NO_USER_NAMESPACES:-}" ] && return
	ok usandbox "$@"
	eq "$output" "$first"
}

# ---- strict ----

@test "gate strict: a policy that forbids execve starts its program, and nobody else's" {
	both --policy "$STRICT" echo started
	out_is started
	both --policy "$STRICT" grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status
	out_is $'NoNewPrivs:\t1\nSeccomp:\t2'
	# It is the name of the program, not of a descriptor.
	both --policy "$STRICT" cat /proc/self/comm
	out_is cat
	try sandbox --policy "$STRICT" sh -c 'exec echo another'
	[ "$status" = 126 ]
	out_is ""
}

@test "gate strict: five programs under the policy strict" {
	both --policy "$STRICT" sh -c 'n=0; while [ $n -lt 1000 ]; do n=$((n + 1)); done; echo $n'
	out_is 1000
	both --policy "$STRICT" awk 'BEGIN { for (i = 1; i <= 100; i++) s += i; print s }'
	out_is 5050
	both --policy "$STRICT" sort /etc/passwd
	both --policy "$STRICT" sed -n 1p /etc/passwd
	requires_program python3
	both --policy "$STRICT" -- /usr/bin/python3 -c 'import threading, json
t = threading.Thread(target=lambda: print(json.dumps([6 * 7]))); t.start(); t.join()'
	out_is '[42]'
}

@test "gate strict: five attacks that the policy strict stops" {
	for attack in 'exec /bin/true' '/bin/true' '(echo forked)' 'kill -KILL $PPID' 'kill -KILL 1'; do
		try sandbox --policy "$STRICT" sh -c "$attack; exit 7"
		[ "$status" != 0 ] || fail "$attack: passed"
		out_is ""
	done
	requires_program python3
	for attack in 'import socket; socket.socket()' 'import os; os.fork()' 'import os; os.unshare(0x10000000)' \
		'import ctypes; ctypes.CDLL(None).mount(None, b"/tmp", b"tmpfs", 0, None) and exit(1)' \
		'import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0) and exit(1)'; do
		try sandbox --policy "$STRICT" -- /usr/bin/python3 -c "$attack"
		[ "$status" != 0 ] || fail "$attack: passed"
	done
}

@test "gate strict: scripts" {
	printf '#!/bin/sh\necho "$0 $1"\n' >script
	chmod 755 script
	both --policy "$STRICT" ./script word
	out_is './script word'
}

@test "gate strict: what fails after the filter is still told" {
	printf '#!/no/such/interpreter\n' >lost
	printf 'no program\n' >text
	printf '#!/etc/passwd\n' >closed
	chmod 755 lost text closed
	# Without a gate in between, with one, and with one that forbids to tell.
	printf '%s\n' '@default kill-process' 'brk: allow' >mute.policy
	for policy in default "$STRICT" "$PWD/mute.policy"; do
		for more in "" "--report $TEST_DIR/report"; do
			# shellcheck disable=SC2086
			fails 127 sandbox --policy "$policy" $more ./lost
			err_has './lost' 'interpreter "/no/such/interpreter"' 'no such file'
			# shellcheck disable=SC2086
			fails 126 sandbox --policy "$policy" $more ./text
			err_has './text' 'neither an ELF program nor a script'
			# shellcheck disable=SC2086
			fails 126 sandbox --policy "$policy" $more ./closed
			err_has './closed' 'denied'
			fails 127 sandbox --policy "$policy" ./none
			err_has './none' 'no such file'
		done
		verdict_is setup-failed
	done
	# So many arguments that only execve itself can know.
	printf '#!/bin/sh\n' >script
	chmod 755 script
	fails 126 sandbox --stack 1M --policy "$STRICT" ./script "$(head -c 130000 /dev/zero | tr '\0' x)" \
		"$(head -c 130000 /dev/zero | tr '\0' x)" "$(head -c 130000 /dev/zero | tr '\0' x)"
	err_has 'argument list too long'
}

@test "gate strict: a policy without room for the key" {
	# Programs of BPF: "ret ERRNO 1" 4090 times, and so often that the key still fits.
	perl -e 'print pack("SCCL", 6, 0, 0, 0x50001) x 4090' >large.bpf
	fails 1 sandbox --policy ./large.bpf true
	err_has gate 4090
	perl -e 'print pack("SCCL", 6, 0, 0, 0x50001) x 3999' >fits.bpf
	try sandbox --policy ./fits.bpf true
	# The program was executed, and could nothing.
	[ "$status" != 1 ]
	eq "${stderr//husk/}" "$stderr"
}

# ---- entry ----

# What programs call that were written for, and not their loader.
entry_setup()
{
	[ "$(uname -m)" = x86_64 ] || skip "the entry gate is for x86-64"
	cat >main.policy <<-'EOF'
		{read, write, close, lseek, fstat, newfstatat, statx, fcntl, ioctl, fadvise64}: allow
		openat: allow
		{exit, exit_group, brk, mmap, munmap, getrandom, futex, rt_sigaction, rt_sigprocmask, sigaltstack}: allow
		{arch_prctl, set_tid_address, set_robust_list, rseq, prlimit64, readlink, readlinkat, mprotect}: allow
		execve: return 99
	EOF
}

@test "gate entry: a policy that knows nothing of the loader" {
	entry_setup
	# Not under the strict gate: there the loader is filtered.
	try sandbox --policy ./main.policy echo started
	eq "$status" 159
	both --gate entry --policy "$PWD/main.policy" echo started
	out_is started
	both --gate entry --policy "$PWD/main.policy" grep -E '^(Seccomp|NoNewPrivs|TracerPid):' /proc/self/status
	out_is $'TracerPid:\t0\nNoNewPrivs:\t1\nSeccomp:\t2'
	# It is in force.
	exits 159 sandbox --gate entry --policy ./main.policy mkdir made
	ok sandbox --dry-run --gate entry --policy ./main.policy true
	out_has 'gate: entry'
}

@test "gate entry: static and dynamic programs, at fixed addresses and others, scripts" {
	entry_setup
	requires_program cc
	cat >main.c <<-'EOF'
		#include <errno.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(void)
		{
			execl("/bin/true", "true", NULL);
			return errno;
		}
	EOF
	for flags in "" -no-pie -static -static-pie; do
		# shellcheck disable=SC2086
		cc -o main main.c $flags
		exits 99 sandbox --gate entry --policy ./main.policy ./main
		exits 0 sandbox --gate entry --policy default ./main
	done
	printf '#!/bin/sh\n/bin/true\nexit $?\n' >script
	chmod 755 script
	printf '%s\n' '@denylist' 'execve: return 99' >noexec.policy
	exits 126 sandbox --gate entry --policy ./noexec.policy ./script
	exits 0 sandbox --gate entry ./script
}

@test "gate entry: 32-bit programs" {
	entry_setup
	requires_program cc
	cat >old.c <<-'EOF'
		static long call(long n, const void *a, const void *b, long c)
		{
			long r;
			__asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c) : "memory");
			return r;
		}
		void _start(void)
		{
			static const char *const args[] = { "/bin/true", 0 };
			call(1, (void *)-call(11, args[0], args, 0), 0, 0);
			for (;;);
		}
	EOF
	cc -m32 -static -nostdlib -fno-stack-protector -fcf-protection=none -fno-pic -no-pie -O1 -o old old.c ||
		skip "the compiler makes no 32-bit programs"
	printf '%s\n' '@arch x86_64, x86' '@denylist' 'execve: return 99' >old.policy
	printf '%s\n' '@arch x86_64, x86' '@denylist' 'chroot: return 99' >none.policy
	try sandbox --gate none --policy ./none.policy ./old
	[ "$status" = 0 ] || skip "this kernel runs no 32-bit programs"
	exits 99 sandbox --gate entry --policy ./old.policy ./old
	exits 99 sandbox --gate strict --policy ./old.policy ./old
	exits 0 sandbox --gate entry --policy ./none.policy ./old
}

@test "gate entry: signals from outside, small stacks" {
	entry_setup
	printf '%s\n' '@denylist' 'execve: return 99' >noexec.policy
	for stack in 16K 64K; do
		ok sandbox --gate entry --stack $stack --policy ./main.policy echo started
		out_is started
	done
	# The signals of a caller that has none of this in mind.
	for _ in 1 2 3; do
		"$HUSK" sandbox --setenv HUSK_TEST "$T" --gate entry --policy ./noexec.policy sleep 1000 &
		local pid=$!
		for _ in {1..200}; do kill -WINCH $pid; kill -URG $pid; done
		kill -TERM $pid
		local status=0
		wait $pid || status=$?
		eq $status 143
	done
}

@test "gate entry: a program that cannot be executed, limits, and reports" {
	entry_setup
	printf '#!/no/such/interpreter\n' >lost
	chmod 755 lost
	fails 127 sandbox --gate entry --policy ./main.policy ./lost
	err_has './lost' 'interpreter "/no/such/interpreter"'
	fails 127 sandbox --gate entry --policy ./main.policy no-such-program
	ok sandbox --gate entry --policy ./main.policy --report "$REPORT" echo started
	verdict_is exited
	exits 159 sandbox --gate entry --policy ./main.policy --report "$REPORT" mkdir made
	verdict_is policy
	exits 137 sandbox --gate entry --policy default --wall-time 100ms --report "$REPORT" sleep 1000
	verdict_is wall-time
	printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chroot"], "action": "SCMP_ACT_NOTIFY"}]}' >asks.json
	fails 1 sandbox --gate entry --policy ./asks.json true
	err_has gate entry supervisor
}

@test "gate entry: a program that its user may execute, and not read" {
	entry_setup
	requires_user_namespaces
	cp /bin/echo closed
	chmod 711 closed
	fails 1 usandbox --gate entry ./closed started
	err_has 'entry gate' 'not readable' strict
	ok usandbox --gate strict ./closed started
	out_is started
}

@test "gate entry: where nobody may be traced it is refused" {
	entry_setup
	printf '%s\n' '@denylist' 'ptrace: return EPERM' >noptrace.policy
	UNDER=${HUSK%/*}/tests/policy/under
	[ -x "$UNDER" ] || skip "needs make check: $UNDER"
	fails 1 timeout 20 "$UNDER" "$PWD/noptrace.policy" "$HUSK" sandbox --gate entry touch "$TEST_DIR/here/reached"
	err_has 'entry gate' ptrace strict
	[ ! -e reached ]
}

# ---- none ----

@test "gate none: a policy that forbids execve is refused, and told what to do" {
	fails 1 sandbox --gate none --policy "$STRICT" true
	err_has gate '"none"' execve '"strict"'
	both --gate none --policy default echo started
	out_is started
	fails 1 sandbox --gate wide true
	err_has 'strict, entry, none'
}

@test "gate: options, configuration and plan" {
	ok sandbox --gate none --print-config true
	eq "$(jq -r .gate <<<"$output")" none
	printf '{"gate": "none"}' >config
	fails 1 sandbox --config config --policy "$STRICT" true
	ok sandbox --config config --gate strict --policy "$STRICT" true
	printf '{"gate": "wide"}' >config
	fails 1 sandbox --config config true
	err_has config gate wide
	ok sandbox --dry-run --policy "$STRICT" true
	out_has 'gate: strict'
}
