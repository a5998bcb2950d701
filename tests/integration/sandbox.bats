#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk sandbox without options, and who one is in it: for root and for a normal user alike.

load lib
load sandbox

setup() { sandbox_setup; }

# both COMMAND...: as root, then as a user; each must succeed and print the same
both()
{
	ok sandbox "$@"
	local first=$output
	requires_user_namespaces
	ok usandbox "$@"
	eq "$output" "$first"
}

@test "sandbox: the exit status is the program's" {
	exits 7 sandbox sh -c 'exit 7'
	exits 0 sandbox true
	exits 139 sandbox sh -c 'kill -SEGV $$'
}

@test "sandbox: the exit status, as a user" {
	requires_user_namespaces
	exits 7 usandbox sh -c 'exit 7'
	exits 134 usandbox sh -c 'kill -ABRT $$'
}

@test "sandbox: a program that is missing, or cannot be executed" {
	fails 127 sandbox no-such-program
	err_has no-such-program "not found"
	fails 126 sandbox /etc/passwd
	err_has /etc/passwd "permission denied"
	fails sandbox
	err_has command
}

@test "sandbox: no capabilities, no_new_privs, a filter, for both" {
	both grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
	out_has $'CapPrm:\t0000000000000000' $'CapBnd:\t0000000000000000' $'NoNewPrivs:\t1' $'Seccomp:\t2'
}

@test "sandbox: its first process is under a filter of its own, and ends well" {
	both sh -c 'for i in 1 2 3 4 5 6 7 8 9; do grep -q "^Seccomp:.2" /proc/1/status && break; sleep 0.2; done
		grep -E "^(Seccomp|NoNewPrivs):" /proc/1/status; (sleep 0.01 &); sleep 0.1'
	out_has $'Seccomp:\t2' $'NoNewPrivs:\t1'
}

@test "sandbox: one is who one was" {
	ok sandbox id -u
	out_is 0
	requires_user_namespaces
	ok usandbox id -u
	out_is $SANDBOX_UID
	ok usandbox --uid 5 --gid 6 sh -c 'id -u; id -g'
	out_is $'5\n6'
}

@test "sandbox: the program is not pid 1, and sees nobody else" {
	both sh -c 'echo $$; set -- /proc/[0-9]*; echo $#'
	out_is $'2\n2'
}

@test "sandbox: orphans are reaped, and end with the program" {
	ok sandbox sh -c '(sleep 0.01 &); sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status; true'
	out_is ""
	ok sandbox sh -c 'setsid sleep 1000 & echo $!'
}

@test "sandbox: the system is there and read-only, for both" {
	both sh -c 'for d in / /usr /etc /bin /proc; do touch "$d/x" 2>/dev/null && echo "wrote $d"; done; ls /usr/bin/env'
	out_is /usr/bin/env
}

@test "sandbox: secrets of /etc are covered" {
	[ -s /etc/shadow ] || skip "this machine has no /etc/shadow"
	both sh -c 'cat /etc/shadow 2>/dev/null | wc -c'
	out_is 0
	ok sandbox sh -c 'cat /etc/passwd | wc -l'
	eq "$output" "$(wc -l </etc/passwd)"
}

@test "sandbox: /tmp, /run, /dev/shm and home are private, empty and writable" {
	touch "$TEST_DIR/here/seen"
	both sh -c 'cd /; for d in /run /dev/shm "$HOME"; do ls -A "$d"; touch "$d/new" || exit 1; done; echo done'
	out_is done
	[ ! -e /run/new ] && [ ! -e /dev/shm/new ]
	[ ! -e "$TEST_DIR/home/new" ]
}

@test "sandbox: the working directory is there, read-only, at the same path" {
	echo hello >file
	both sh -c 'pwd; cat file; touch new 2>/dev/null || echo read-only'
	out_is "$TEST_DIR/here"$'\nhello\nread-only'
}

@test "sandbox: home is hidden even when it is the working directory" {
	requires_user_namespaces
	echo secret >"$TEST_DIR/home/key"
	cd "$TEST_DIR/home"
	ok usandbox sh -c 'pwd; ls -A'
	out_is "$TEST_DIR/home"
}

@test "sandbox: nothing of the host's temporary directory is seen beside it" {
	touch "$TEST_DIR/beside"
	both sh -c "ls $TEST_DIR | grep -v home"
	out_is here
}

@test "sandbox: the network is loopback, and that is up" {
	both sh -c 'sed -n "s/:.*//p" /proc/net/dev'
	eq "$(tr -d ' ' <<<"$output")" lo
	requires_program python3
	both python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); print("connected")'
	out_is connected
}

@test "sandbox: --network host shares the network, a path joins one" {
	ok sandbox --network host readlink /proc/self/ns/net
	eq "$output" "$(readlink /proc/self/ns/net)"
	ok sandbox --network /proc/$$/ns/net readlink /proc/self/ns/net
	eq "$output" "$(readlink /proc/self/ns/net)"
	fails sandbox --network nonsense true
	err_has nonsense
}

@test "sandbox: every other namespace is new" {
	local ns
	for ns in user pid mnt net ipc uts cgroup; do
		ok sandbox readlink "/proc/self/ns/$ns"
		[ "$output" != "$(readlink "/proc/self/ns/$ns")" ] || { echo "$ns is shared" >&2; return 1; }
	done
}

@test "sandbox: a session of its own, without a terminal" {
	both sh -c 'awk "{ print \$6, \$7 }" /proc/self/stat'
	out_is "1 0"
}

@test "sandbox: the environment is a short list of names" {
	SECRET_TOKEN=x ok sandbox env
	out_lacks SECRET_TOKEN
	out_has PATH= HOME=
	SECRET_TOKEN=x ok sandbox --keepenv SECRET_TOKEN env
	out_has SECRET_TOKEN=x
	ok sandbox --clearenv --setenv A 1 --setenv A 2 --setenv B 3 --unsetenv B env
	out_has A=2
	out_lacks B=3
	out_lacks PATH=
}

@test "sandbox: standard input, output and error are the caller's" {
	printf in >input
	status=0
	husk sandbox sh -c 'cat; echo out; echo err >&2' <input >"$TEST_DIR/o" 2>"$TEST_DIR/e" || status=$?
	eq "$status $(cat "$TEST_DIR/o") $(cat "$TEST_DIR/e")" $'0 inout err'
}

@test "sandbox: descriptors of the caller do not get in" {
	status=0
	husk sandbox sh -c 'ls /proc/self/fd' 7</etc/hostname >"$TEST_DIR/o" || status=$?
	eq "$status" 0
	run ! grep -qx 7 "$TEST_DIR/o"
}

@test "sandbox: namespaces, mounts, tracing and keys are refused" {
	requires_program python3
	both python3 -c '
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(nr, *args):
    libc.syscall(nr, *args)
    return errno.errorcode[ctypes.get_errno()]
import platform
assert platform.machine() == "x86_64" or exit(0)
print(call(272, 0x10000000), call(165, 0, 0, 0, 0, 0), call(101, 0, 0, 0, 0), call(250, 0, 0, 0),
      call(425, 1, 0), call(435, 0, 0), call(56, 0x10000011, 0, 0, 0, 0), call(321, 0, 0, 0))
'
	[ "$(uname -m)" != x86_64 ] || out_is "EPERM EPERM EPERM EPERM ENOSYS ENOSYS EPERM EPERM"
}

@test "sandbox: no input is pushed into the caller's terminal" {
	requires_program python3 script
	command script -qec "$HUSK sandbox python3 -c 'import fcntl
for request in (0x5412, 0x541C, (1 << 32) | 0x5412):
    try:
        fcntl.ioctl(0, request, b\"x\")
        print(\"pushed\")
    except (OSError, OverflowError, ValueError) as e:
        print(type(e).__name__)
'" /dev/null >"$TEST_DIR/o" </dev/null
	run ! grep -q pushed "$TEST_DIR/o"
	grep -q PermissionError "$TEST_DIR/o"
}

@test "sandbox: Landlock keeps files from being written, also without the mounts' help" {
	grep -qs . /sys/kernel/security/lsm || true
	ok sandbox --bind "$TEST_DIR/here" "$TEST_DIR/here" touch made
	[ -e made ]
	ok sandbox --no-landlock --bind "$TEST_DIR/here" "$TEST_DIR/here" touch made-too
	[ -e made-too ]
}

@test "sandbox: it dies with the process that started it" {
	requires_user_namespaces
	cat >"$TEST_DIR/caller" <<-END
		#!/bin/sh
		"$HUSK" --root "$ROOT" sandbox --setenv HUSK_TEST "$T" sleep 1000 &
		echo started
		wait
	END
	chmod 755 "$TEST_DIR/caller"
	bg caller "$TEST_DIR/caller"
	wait_for processes_there
	kill -KILL "${BG_PIDS[0]}"
	wait "${BG_PIDS[0]}" 2>/dev/null || true
	wait_for processes_gone
}
processes_there() { [ -n "$(processes_with "HUSK_TEST=$T" environ)" ]; }
processes_gone() { [ -z "$(processes_with "HUSK_TEST=$T" environ)" ]; }

@test "sandbox: when husk itself is killed nothing is left running" {
	bg husk "${HUSK_CMD[@]}" sandbox --setenv HUSK_TEST "$T" sh -c 'setsid sleep 1000 & sleep 1000'
	wait_for processes_there
	kill -KILL "${BG_PIDS[0]}"
	wait "${BG_PIDS[0]}" 2>/dev/null || true
	wait_for processes_gone
}

@test "sandbox: signals are passed on to the program" {
	bg husk "${HUSK_CMD[@]}" sandbox sh -c 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	wait_for file_has "$TEST_DIR/husk.out" ready
	kill -TERM "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	eq "$status $(tail -n 1 "$TEST_DIR/husk.out")" "9 caught"
}

@test "sandbox: -t gives a terminal, and job control with it" {
	requires_program script
	command script -qec "$HUSK sandbox -t sh -c 'tty; test -t 0 && echo terminal'" /dev/null >"$TEST_DIR/o" </dev/null
	grep -q /dev/pts/0 "$TEST_DIR/o"
	grep -q terminal "$TEST_DIR/o"
}

@test "sandbox: a thousandth run leaves no more than the first" {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ok sandbox true
	done
	[ -z "$(leaks)" ]
}

@test "sandbox: where parts of /proc are covered, as in a container, a new one is refused, or the weaker one reported" {
	local inside='mount --bind /dev/null /proc/timer_list && "$@"'
	fails unshare -m sh -c "$inside" sh "$HUSK" sandbox echo ran
	err_has proc container
	out_lacks ran
	ok unshare -m sh -c "$inside" sh "$HUSK" sandbox --best-effort --report "$REPORT" cat /proc/self/comm
	out_is cat
	[[ $(reported '.weakened[]') == *"/proc"* ]]
	ok unshare -m sh -c "$inside" sh "$HUSK" sandbox --best-effort sh -c 'touch /proc/x 2>/dev/null || echo read-only'
	out_is read-only
}

@test "sandbox: nothing is learnt of pid 1, and it does not obey" {
	both sh -c 'cat /proc/1/environ /proc/1/maps 2>/dev/null; readlink /proc/1/exe; kill -KILL 1; kill -STOP 1; echo alive'
	out_is alive
}

# ---- the supervisor's own policy ----

# confined OPTION...: it is in force while the program runs, and the end is as ever
confined()
{
	local pid status=0

	"$HUSK" sandbox --setenv HUSK_TEST "$T" "$@" sleep 1000 </dev/null >out 2>&1 &
	pid=$!
	wait_for grep -qs $'^Seccomp:\t2$' "/proc/$pid/status"
	grep -q $'^NoNewPrivs:\t1$' "/proc/$pid/status"
	kill -TERM $pid
	wait $pid || status=$?
	eq "$status ($*)" "143 ($*)"
}

@test "sandbox: the supervisor is behind a policy of its own, on all of its ways" {
	cat >kills.policy <<-'EOF'
		@default kill-process
		{read, pread64, write, close, lseek, fstat, newfstatat, statx, fcntl, ioctl, openat, access, execve}: allow
		{exit, exit_group, brk, mmap, munmap, getrandom, futex, rt_sigaction, rt_sigprocmask, sigaltstack}: allow
		{arch_prctl[arch=x86_64], set_tid_address, set_robust_list, rseq, prlimit64, readlink, readlinkat, mprotect}: allow
		{clock_nanosleep, restart_syscall}: allow
	EOF
	confined
	confined --report "$REPORT"
	verdict_is signalled
	confined --report "$REPORT" --output-limit 1M
	confined --report "$REPORT" --policy ./kills.policy
	confined --report "$REPORT" --memory 64M --pids 10 --cpu-time 10s --wall-time 100s
	confined --terminal
	[ "$(uname -m)" != x86_64 ] || confined --report "$REPORT" --gate entry
	# What is left to do at the end under it: kill, count, report.
	exits 137 sandbox --wall-time 100ms --report "$REPORT" sleep 1000
	verdict_is wall-time
	exits 137 sandbox --output-limit 1K --report "$REPORT" yes
	verdict_is output
	exits 159 sandbox --policy ./kills.policy --report "$REPORT" mkdir made
	verdict_is policy
}

@test "sandbox: a supervisor that leaves its policy ends, and the sandbox with it" {
	[ "$(uname -m)" = x86_64 ] || skip "the attacker is for x86-64"
	${CC:-cc} -O1 -o stray "$BATS_TEST_DIRNAME/helpers/stray.c" || skip "needs a compiler"
	for what in nothing execute fork unshare make type memory; do
		local pid status=0
		"$HUSK" sandbox --setenv HUSK_TEST "$T" sleep 1000 </dev/null >out 2>&1 &
		pid=$!
		wait_for grep -qs $'^Seccomp:\t2$' "/proc/$pid/status"
		wait_for is_asleep $pid
		./stray $pid $what
		# Shown to detect: what it may do.
		[ $what != nothing ] || { sleep 0.1 && kill -TERM $pid; }
		wait $pid || status=$?
		eq "$what $status" "$what $([ $what = nothing ] && echo 143 || echo 159)"
		wait_for nobody_left
	done
}

is_asleep() { grep -q '^State:.S' "/proc/$1/status"; }

nobody_left() { ! grep -qsz "^HUSK_TEST=$T$" /proc/[0-9]*/environ; }
