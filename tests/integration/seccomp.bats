#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.seccomp: actions, comparisons, flags, architectures, notification.

load lib

# seccomp JQ: the whole object; the program is the probe
seccomp()
{
	install_probe
	config ".linux.seccomp = $1"
}

# probe_call NUMBER ARGUMENTS...
probe_call()
{
	local list

	list=$(printf '"%s",' "$@")
	config ".process.args = [\"/bin/probe\", \"syscall\", ${list%,}]"
}

# Numbers on x86-64.
MKDIR=83 GETPRIORITY=140

x86() { [ "$(uname -m)" = x86_64 ] || skip "needs x86-64"; }

setup()
{
	integration_setup
	x86
}

@test "seccomp: errno with the default number is EPERM" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 1 EPERM"
}

@test "seccomp: errno with errnoRet" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 95 EOPNOTSUPP"
}

@test "seccomp: errnoRet 0 makes the call a success without effect" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 0}]}'
	probe_call $MKDIR 0 0
	ok c_run
	out_is "ok 0"
}

@test "seccomp: the filter mode is on" {
	script 'grep ^Seccomp: /proc/self/status' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	ok c_run
	out_is "Seccomp:	2"
}

@test "seccomp: none without the property" {
	script 'grep ^Seccomp: /proc/self/status'
	ok c_run
	out_is "Seccomp:	0"
}

@test "seccomp: a default of errno with an allow list" {
	seccomp '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 5, syscalls: [{names: ["execve","brk","arch_prctl","mmap","mprotect","munmap","write","fstat","newfstatat","exit","exit_group","set_tid_address","set_robust_list","rseq","prlimit64","readlink","readlinkat","getrandom","uname","close","close_range","capset","capget","prctl","seccomp","read","ioctl","sendmsg","recvmsg","setgroups","setresuid","setresgid","setuid","setgid","chdir","getcwd","openat","fcntl","dup2","dup3","access","faccessat","faccessat2","stat","rt_sigprocmask","rt_sigaction","futex"], action: "SCMP_ACT_ALLOW"}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 5 EIO"
}

@test "seccomp: calls newer than the profile get ENOSYS, not EPERM" {
	# crun 1.8.1: fails because it knows only the default action
	allow_all_but_new
	probe_call 460 0 0 # above every number that the profile names
	ok c_run
	out_is "errno 38 ENOSYS"
	probe_call $GETPRIORITY 0 0 # below, and not named: the default action
	ok c_run
	out_is "errno 1 EPERM"
}

allow_all_but_new()
{
	seccomp '{defaultAction: "SCMP_ACT_ERRNO", syscalls: [{names: ["execve","brk","arch_prctl","mmap","mprotect","munmap","write","fstat","newfstatat","exit","exit_group","set_tid_address","set_robust_list","rseq","prlimit64","readlink","readlinkat","getrandom","uname","close","close_range","capset","capget","prctl","seccomp","read","ioctl","sendmsg","recvmsg","setgroups","setresuid","setresgid","setuid","setgid","chdir","getcwd","openat","fcntl","dup2","dup3","access","faccessat","faccessat2","stat","rt_sigprocmask","rt_sigaction","futex"], action: "SCMP_ACT_ALLOW"}]}'
}

@test "seccomp: with defaultErrnoRet that number holds for newer calls too" {
	allow_all_but_new
	config '.linux.seccomp.defaultErrnoRet = 13'
	probe_call 460 0 0
	ok c_run
	out_is "errno 13 EACCES"
}

@test "seccomp: SCMP_ACT_KILL_PROCESS and SCMP_ACT_KILL end with SIGSYS" {
	for action in SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_KILL; do
		seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "'$action'"}]}'
		probe_call $GETPRIORITY 0 0
		exits 159 c_run
	done
}

@test "seccomp: SCMP_ACT_TRAP sends SIGSYS" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_TRAP"}]}'
	probe_call $GETPRIORITY 0 0
	exits 159 c_run
}

@test "seccomp: SCMP_ACT_LOG lets the call through" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_LOG"}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_has ok
}

@test "seccomp: SCMP_ACT_TRACE without a tracer is ENOSYS" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_TRACE", errnoRet: 7}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 38 ENOSYS"
}

@test "seccomp: a default of SCMP_ACT_LOG" {
	seccomp '{defaultAction: "SCMP_ACT_LOG"}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_has ok
}

# compare OP VALUE VALUETWO ARGUMENT HIT|MISS: getpriority's second argument
compare()
{
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99,
		args: [{index: 1, value: '"$2"', valueTwo: '"$3"', op: "'"$1"'"}]}]}'
	probe_call $GETPRIORITY 0 "$4"
	ok c_run
	if [ "$5" = hit ]; then
		out_is "errno 99 EADDRNOTAVAIL"
	else
		out_lacks "errno 99"
	fi
}

@test "seccomp: compare NE" {
	compare SCMP_CMP_NE 5 0 6 hit
	compare SCMP_CMP_NE 5 0 5 miss
}

@test "seccomp: compare LT and LE" {
	compare SCMP_CMP_LT 5 0 4 hit
	compare SCMP_CMP_LT 5 0 5 miss
	compare SCMP_CMP_LE 5 0 5 hit
	compare SCMP_CMP_LE 5 0 6 miss
}

@test "seccomp: compare EQ" {
	compare SCMP_CMP_EQ 5 0 5 hit
	compare SCMP_CMP_EQ 5 0 6 miss
}

@test "seccomp: compare GE and GT" {
	compare SCMP_CMP_GE 5 0 5 hit
	compare SCMP_CMP_GE 5 0 4 miss
	compare SCMP_CMP_GT 5 0 6 hit
	compare SCMP_CMP_GT 5 0 5 miss
}

@test "seccomp: compare MASKED_EQ: value is the mask, valueTwo what must come out" {
	compare SCMP_CMP_MASKED_EQ 15 3 0x13 hit
	compare SCMP_CMP_MASKED_EQ 15 3 0x14 miss
}

@test "seccomp: comparisons see all 64 bits" {
	# GT must not look at one half only
	compare SCMP_CMP_GT 4294967296 0 0x100000001 hit
	compare SCMP_CMP_GT 4294967296 0 5 miss
	compare SCMP_CMP_EQ 5 0 0x100000005 miss
}

@test "seccomp: several conditions of one rule must all hold" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99,
		args: [{index: 0, value: 1, op: "SCMP_CMP_EQ"}, {index: 1, value: 2, op: "SCMP_CMP_EQ"}]}]}'
	probe_call $GETPRIORITY 1 2
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	probe_call $GETPRIORITY 1 3
	ok c_run
	out_lacks "errno 99"
}

@test "seccomp: several conditions on one argument are alternatives" {
	# as runc and crun do, since the library refuses them in one rule
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99,
		args: [{index: 1, value: 5, op: "SCMP_CMP_EQ"}, {index: 1, value: 6, op: "SCMP_CMP_EQ"}]}]}'
	for n in 5 6; do
		probe_call $GETPRIORITY 0 $n
		ok c_run
		out_is "errno 99 EADDRNOTAVAIL"
	done
	probe_call $GETPRIORITY 0 7
	ok c_run
	out_lacks "errno 99"
}

@test "seccomp: a comparison as engines use it for personality" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 4294967295, op: "SCMP_CMP_NE"}]}]}'
	probe_call 135 0xffffffff
	ok c_run
	out_has ok
	probe_call 135 8
	ok c_run
	out_is "errno 1 EPERM"
}

@test "seccomp: names that no architecture knows are skipped" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call_ever", "getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
}

@test "seccomp: names that no architecture knows are logged at level debug, and only there" {
	# crun 1.8.1: fails because it says nothing at any level
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call_ever", "getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	script true
	for level in error warning; do
		ok husk --log-level $level run -b "$BUNDLE" "$ID"
		eq "$stderr" ""
	done
	# Twice: the second time the compiled filter is in the cache.
	for i in 1 2; do
		ok husk --log-level debug run -b "$BUNDLE" "$ID"
		err_has 'debug: linux.seccomp: no system call "no_such_call_ever"'
		[[ $stderr != *getpriority* ]]
	done
	ok husk --debug --log-format json --log "$TEST_DIR/log" run -b "$BUNDLE" "$ID"
	eq "$(jq -r 'select(.msg | contains("no_such_call_ever")) | .level' "$TEST_DIR/log")" debug
}

@test "seccomp: run.oci.seccomp_fail_unknown_syscall makes them an error" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["no_such_call_ever"], action: "SCMP_ACT_ERRNO"}]}'
	config '.annotations = {"run.oci.seccomp_fail_unknown_syscall": "1"}'
	fails c_run
	err_has no_such_call_ever
}

@test "seccomp: names newer than the library that comes with Debian 12" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["fchmodat2", "cachestat"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	probe_call 452 0 0
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	probe_call 451 0 0
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
}

@test "seccomp: architectures: 32-bit calls are filtered by name" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
		syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	config '.process.args = ["/bin/probe", "syscall32", "96", "0", "0"]'
	"$(helper probe)" syscall32 20 >/dev/null || skip "needs a kernel with 32-bit calls"
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	config '.process.args = ["/bin/probe", "syscall32", "20"]'
	ok c_run
	out_has ok
}

@test "seccomp: an architecture that is not listed does not get through" {
	"$(helper probe)" syscall32 20 >/dev/null || skip "needs a kernel with 32-bit calls"
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	config '.process.args = ["/bin/probe", "syscall32", "20"]'
	try c_run
	[ "$status" != 0 ] || out_lacks ok
}

@test "seccomp: an unknown architecture is refused" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_Z80"], syscalls: []}'
	fails c_run
	err_has Z80
}

@test "seccomp: foreign architectures beside the own one" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_S390X", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64", "SCMP_ARCH_MIPS"],
		syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	probe_call $GETPRIORITY 0 0
	# The library can hold one byte order only; ours does not mind.
	try c_run
	[ "$status" = 0 ] || { config '.linux.seccomp.architectures |= map(select(. != "SCMP_ARCH_S390X" and . != "SCMP_ARCH_MIPS"))'; ok c_run; }
	out_is "errno 99 EADDRNOTAVAIL"
}

@test "seccomp: each flag" {
	for flag in SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW; do
		seccomp '{defaultAction: "SCMP_ACT_ALLOW", flags: ["'$flag'"], syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
		probe_call $GETPRIORITY 0 0
		ok c_run
		out_is "errno 1 EPERM"
	done
}

@test "seccomp: SPEC_ALLOW leaves speculation on" {
	script 'grep Speculation_Store_Bypass /proc/self/status' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO"}]}'
	before=$(grep Speculation_Store_Bypass /proc/self/status) || skip "needs a kernel that tells"
	ok c_run
	out_is "$before"
}

@test "seccomp: an unknown flag is refused" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_MAGIC"], syscalls: []}'
	fails c_run
	err_has SECCOMP_FILTER_FLAG_MAGIC
}

@test "seccomp: an unknown action and operator are refused" {
	# crun 1.8.1: fails because it does not name the operator
	seccomp '{defaultAction: "SCMP_ACT_EXPLODE"}'
	fails c_run
	err_has SCMP_ACT_EXPLODE
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 1, op: "SCMP_CMP_LIKE"}]}]}'
	fails c_run
	err_has SCMP_CMP_LIKE
}

@test "seccomp: an errno for an action that has none is refused" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_KILL", errnoRet: 5}]}'
	fails c_run
	err_has errno
}

@test "seccomp: an argument index beyond 5 is refused" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", args: [{index: 6, value: 1, op: "SCMP_CMP_EQ"}]}]}'
	fails c_run
	err_has_any index args
}

@test "seccomp: a rule that is the default action is harmless" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ALLOW"}, {names: ["mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	probe_call $MKDIR 0 0
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
}

@test "seccomp: without no_new_privs, a user without capabilities is filtered too" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	config '.process.noNewPrivileges = false | .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
}

@test "seccomp: the filter does not hit the runtime's own set-up" {
	# Calls of the set-up that programs seldom need.
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mount","umount2","pivot_root","setgroups","setresuid","setresgid","setuid","setgid","sethostname","unshare","setns","clone3","open_tree","move_mount","mount_setattr","fsopen","fsmount","fsconfig","chroot","mknod","mknodat","keyctl"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	config '.process.args = ["/bin/probe", "fds"]'
	ok c_run
}

@test "seccomp: a big profile with hundreds of rules" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: ([range(400) | {names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 99, args: [{index: 1, value: (. * 3), op: "SCMP_CMP_EQ"}]}])}'
	probe_call $GETPRIORITY 0 1197
	ok c_run
	out_is "errno 99 EADDRNOTAVAIL"
	probe_call $GETPRIORITY 0 1198
	ok c_run
	out_lacks "errno 99"
}

@test "seccomp: the same profile twice gives the same filter" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_ERRNO", errnoRet: 98}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_is "errno 98 EADDRINUSE"
	ok c_run
	out_is "errno 98 EADDRINUSE"
	config '.linux.seccomp.syscalls[0].errnoRet = 97'
	ok c_run
	out_is "errno 97 EAFNOSUPPORT"
}

# --------------------------------------------------------------------------
# Notification

# agent HOW...: the listener in the background; the container's property
agent()
{
	bg agent "$(helper seccomp-agent)" "$TEST_DIR/sock" "$@"
	AGENT=$!
	wait_for test -S "$TEST_DIR/sock"
}

notify()
{
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$TEST_DIR/sock"'", listenerMetadata: "meta \"data\"",
		syscalls: [{names: ["getpriority"], action: "SCMP_ACT_NOTIFY"}]}'
	probe_call $GETPRIORITY 0 0
}

@test "seccomp: notify hands the listener over and the agent decides" {
	agent errno 77
	notify
	ok c_run
	out_is "errno 77 EBADFD"
	wait_bg "$AGENT"
	grep -qx "call $GETPRIORITY" "$TEST_DIR/agent.out"
}

@test "seccomp: notify with a made-up result and with continue" {
	agent value 4711
	notify
	ok c_run
	out_is "ok 4711"
	wait_bg "$AGENT"
	rm "$TEST_DIR/sock"
	agent continue
	ok c_run
	out_has ok
}

@test "seccomp: notify sends one process state with one descriptor, then closes" {
	# crun 1.8.1: fails because it keeps the connection open
	agent errno 77
	notify
	ok c_run
	wait_bg "$AGENT"
	grep -qx "fds 1" "$TEST_DIR/agent.out"
	grep -qx closed "$TEST_DIR/agent.out"
	tr -d '\n' <"$TEST_DIR/agent.out" | sed 's/^state //; s/fds [0-9].*//' | jq . >"$TEST_DIR/state.json"
	eq "$(jq -c .fds "$TEST_DIR/state.json")" '["seccompFd"]'
	eq "$(jq -r .metadata "$TEST_DIR/state.json")" 'meta "data"'
	eq "$(jq -r '.state.id' "$TEST_DIR/state.json")" "$ID"
	eq "$(jq -r '.state.bundle' "$TEST_DIR/state.json")" "$BUNDLE"
	[[ $(jq -r '.state.status' "$TEST_DIR/state.json") =~ ^(creating|created|running)$ ]]
	[[ $(jq -r '.ociVersion' "$TEST_DIR/state.json") =~ ^1\. ]]
	eq "$(jq '.pid > 1' "$TEST_DIR/state.json")" true
}

@test "seccomp: notify for exec" {
	# Every process under the filter has a listener of its own.
	agent errno 77
	notify
	sleeper
	ok c_run "$ID" -d
	rm "$TEST_DIR/sock"
	agent errno 78
	ok husk exec "$ID" /bin/probe syscall $GETPRIORITY 0 0
	out_is "errno 78 EREMCHG"
}

@test "seccomp: notify on write and sendmsg does not stop the start" {
	agent continue
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$TEST_DIR/sock"'",
		syscalls: [{names: ["write", "sendmsg", "close", "getpriority"], action: "SCMP_ACT_NOTIFY"}]}'
	probe_call $GETPRIORITY 0 0
	ok c_run
	out_has ok
}

@test "seccomp: notify by create and start" {
	agent errno 77
	notify
	husk create -b "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/out" 2>&1 3>&- 4>&-
	ok husk start "$ID"
	wait_status stopped
	eq "$(cat "$TEST_DIR/out")" "errno 77 EBADFD"
}

@test "seccomp: notify without listenerPath is refused" {
	# crun 1.8.1: may fail because it needs the annotation
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_NOTIFY"}]}'
	fails c_run
	err_has listener
}

@test "seccomp: a listenerPath that nobody listens on is an error" {
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", listenerPath: "'"$TEST_DIR/nosock"'", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_NOTIFY"}]}'
	fails c_run
	err_has nosock
}

@test "seccomp: listenerMetadata without listenerPath is refused" {
	# crun 1.8.1: fails because it ignores it
	seccomp '{defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x", syscalls: []}'
	fails c_run
	err_has listenerMetadata
}

@test "seccomp: notify as the default action is refused" {
	# nobody could ever answer the calls of the agent's own hand-over
	# crun 1.8.1: may fail because it hangs
	seccomp '{defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "'"$TEST_DIR/sock"'"}'
	agent continue
	try c_run
	[ "$status" = 0 ] || err_has_any notify default
}

@test "seccomp: run.oci.seccomp_bpf_data takes a raw program" {
	# One instruction: BPF_RET | BPF_K, SECCOMP_RET_ALLOW
	install_probe
	script 'grep ^Seccomp: /proc/self/status' '.annotations = {"run.oci.seccomp_bpf_data": "BgAAAAAA/38="}'
	ok c_run
	out_is "Seccomp:	2"
}
