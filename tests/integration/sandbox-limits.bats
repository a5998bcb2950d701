#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits of husk sandbox, and what the report says when one is reached.

load lib
load sandbox

setup() { sandbox_setup; }

# report STATUS VERDICT OPTIONS... COMMAND
report()
{
	local want=$1 verdict=$2

	shift 2
	exits "$want" sandbox --report "$REPORT" "$@"
	verdict_is "$verdict"
}

# By a user, who has no control group of its own here.
ureport()
{
	local want=$1 verdict=$2

	shift 2
	requires_user_namespaces
	: >"$REPORT"
	chmod 666 "$REPORT"
	exits "$want" usandbox --report "$REPORT" "$@"
	verdict_is "$verdict"
}

requires_groups() { requires_controller memory; }

@test "limits: exited" {
	report 5 exited sh -c 'exit 5'
	eq "$(reported .exitCode)" 5
	[ "$(reported .wallTimeUsec)" -gt 0 ]
	[ "$(reported .peakMemoryBytes)" -gt 0 ]
	eq "$(reported '.signal // "none"')" none
	ureport 5 exited sh -c 'exit 5'
}

@test "limits: signalled" {
	report 139 signalled sh -c 'kill -SEGV $$'
	eq "$(reported .signalName)" SIGSEGV
	ureport 134 signalled sh -c 'kill -ABRT $$'
	eq "$(reported .signal)" 6
}

@test "limits: wall time" {
	report 137 wall-time --wall-time 300ms sleep 1000
	[ "$(reported .wallTimeUsec)" -ge 300000 ]
	ureport 137 wall-time --wall-time 0.3s sh -c 'trap "" TERM; while :; do sleep 1; done'
}

@test "limits: wall time, and nothing is left of a program that hides in other sessions" {
	report 137 wall-time --wall-time 500ms sh -c 'setsid sh -c "(sleep 1000 &) ; sleep 1000" & sleep 1000'
	[ -z "$(processes_with "HUSK_TEST=$T" environ)" ]
}

@test "limits: processor time of all processes together" {
	requires_groups
	report 137 cpu-time --cpu-time 400ms sh -c 'while :; do :; done & while :; do :; done'
	[ "$(reported .cpuTimeUsec)" -ge 400000 ]
	[ "$(reported .cpuTimeUsec)" -lt 3000000 ]
}

@test "limits: processor time, as a user" {
	ureport 152 cpu-time --cpu-time 1s sh -c 'while :; do :; done'
	out=$(reported '.weakened[]')
	[[ $out == *RLIMIT_CPU* ]]
}

@test "limits: memory" {
	requires_groups
	requires_program python3
	report 137 memory --memory 48M python3 -c 'x = bytearray(400 << 20)'
	[ "$(reported .oomKills)" -ge 1 ]
	[ "$(reported .peakMemoryBytes)" -le $((48 << 20)) ]
	report 0 exited --memory 200M true
}

@test "limits: memory of a private directory counts, too" {
	requires_groups
	report 137 memory --memory 32M --tmp-size 400M sh -c 'head -c 200M /dev/zero >/tmp/x'
}

@test "limits: memory is refused to a user who has no control group, and without it nothing runs" {
	requires_user_namespaces
	requires_cgroup v1
	fails usandbox --memory 100M sh -c 'echo ran'
	err_has memory "control group" --best-effort
	out_lacks ran
	ureport 0 exited --best-effort --memory 500M true
	[[ $(reported '.weakened[0]') == *memory* ]]
}

@test "limits: processes" {
	requires_groups
	requires_controller pids
	report 2 pids --pids 5 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait'
	[ "$(reported .pidsRefused)" -ge 1 ]
	report 0 exited --pids 5 sh -c 'sleep 0.01 & sleep 0.01 & wait'
}

@test "limits: processes, as a user by RLIMIT_NPROC in the user namespace" {
	requires_cgroup v1
	ureport 2 exited --pids 5 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait'
	[[ $(reported '.weakened[]') == *RLIMIT_NPROC* ]]
	err_has "cannot fork"
}

@test "limits: a fork bomb ends" {
	requires_groups
	requires_controller pids
	try sandbox --report "$REPORT" --pids 20 --wall-time 2s sh -c 'f() { f | f & }; f; sleep 1000'
	[ "$status" != 0 ]
	[[ $(reported .verdict) == @(wall-time|pids) ]]
}

@test "limits: output" {
	report 137 output --output-limit 1000 sh -c 'yes'
	eq "$(stat -c %s "$TEST_DIR/stdout")" 1000
	eq "$(reported .outputBytes)" 1000
	report 0 exited --output-limit 1000 sh -c 'echo a; echo b >&2'
	eq "$output $stderr $(reported .outputBytes)" "a b 4"
	ureport 137 output --output-limit 10 sh -c 'while :; do echo x >&2; done'
	eq "$(stat -c %s "$TEST_DIR/stderr")" 10
}

@test "limits: output that nobody reads does not stop the clock" {
	requires_program timeout
	mkfifo "$TEST_DIR/fifo"
	sleep 1000 <"$TEST_DIR/fifo" &
	local reader=$!
	status=0
	timeout 20 "$HUSK" --root "$ROOT" sandbox --report "$REPORT" --output-limit 100M --wall-time 500ms yes \
		>"$TEST_DIR/fifo" </dev/null 3>&- 4>&- || status=$?
	kill $reader
	eq "$status" 137
	verdict_is wall-time
}

@test "limits: of files, descriptors, stack and core, and any by name" {
	ok sandbox --file-size 4K --open-files 50 --stack 1M --rlimit data=1000000:2000000 --rlimit RLIMIT_AS=unlimited \
		sh -c 'ulimit -f; ulimit -n; ulimit -s; ulimit -c; ulimit -S -d; ulimit -H -d'
	out_is $'8\n50\n1024\n0\n976\n1953'
	report 153 signalled --file-size 4K sh -c 'exec head -c 100000 /dev/zero >/tmp/x'
	eq "$(reported .signalName)" SIGXFSZ
	ok sandbox --core 1M sh -c 'ulimit -c'
	out_is 2048
	fails sandbox --rlimit nonsense=3 true
	err_has nonsense
}

@test "limits: what fits into private directories" {
	fails 1 sandbox --tmp-size 64K sh -c 'head -c 1M /dev/zero >/tmp/x || exit 1'
	err_has "no space"
	fails 1 sandbox --tmp-inodes 4 sh -c 'touch /tmp/1 /tmp/2 /tmp/3 /tmp/4 /tmp/5 || exit 1'
	fails 1 sandbox --size 64K --tmpfs /t sh -c 'head -c 1M /dev/zero >/t/x || exit 1'
}

@test "limits: share of processors, which ones, and how nice" {
	requires_controller cpu
	ok sandbox --cpu-set 0 --nice 7 sh -c 'nproc; nice'
	out_is $'1\n7'
	report 0 exited --cpus 0.2 --wall-time 90s sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done'
	[ "$(reported .wallTimeUsec)" -gt "$(reported .cpuTimeUsec)" ]
	fails sandbox --cpu-set nonsense true
	err_has cpuList
}

@test "limits: a call that the policy kills for is named" {
	requires_program python3
	[ "$(uname -m)" = x86_64 ] || skip "the number is one of x86-64"
	local call='import ctypes; ctypes.CDLL(None).syscall(246, 1, 2, 3, 4); print("went on")'
	report 159 policy python3 -c "$call"
	out_is ""
	eq "$(reported .signalName)" SIGSYS
	eq "$(reported '.systemCall | "\(.name) \(.architecture) \(.arguments[0:4] | join(" "))"')" \
		"kexec_load x86_64 0x1 0x2 0x3 0x4"
	eq "$(reported .systemCall.policyLine)" "kexec_load: allow"
	ureport 159 policy python3 -c "$call"
	eq "$(reported .systemCall.name)" kexec_load
	# From a thread, and from a process that has left the session.
	report 159 policy python3 -c "import threading; t = threading.Thread(target=lambda: exec('$call')); t.start(); t.join(); print('went on')"
	out_is ""
	report 159 policy sh -c "setsid python3 -c '$call' & wait; sleep 1; echo went on"
	out_is ""
}

@test "limits: without a report the policy kills by itself" {
	requires_program python3
	[ "$(uname -m)" = x86_64 ] || skip "the number is one of x86-64"
	exits 159 sandbox python3 -c 'import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, 0, 0)'
}

@test "limits: a call of another architecture is one that the policy kills for" {
	[ "$(uname -m)" = x86_64 ] || skip "int 0x80 is for x86"
	cat >"$TEST_DIR/int80.c" <<-END
		int main(void) { long r; __asm__ volatile("int \$0x80" : "=a"(r) : "a"(20)); return 7; }
	END
	${CC:-cc} -static -o int80 "$TEST_DIR/int80.c" || skip "needs a compiler"
	./int80 || [ $? = 7 ] || skip "needs a kernel with 32-bit calls"
	report 159 policy ./int80
	eq "$(reported '.systemCall | "\(.name) \(.architecture)"')" "getpid x86"
	exits 159 sandbox ./int80
}

@test "limits: other policies, by name and by path" {
	requires_program python3
	[ "$(uname -m)" = x86_64 ] || skip "the number is one of x86-64"
	local profiles
	profiles=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/policies/profiles
	ok sandbox --policy "$profiles/python.policy" python3 -c 'print("python")'
	out_is python
	cat >mine.policy <<-END
		@include $profiles/python.policy
		getppid: kill-process
	END
	sed 's/getppid: .*/acct: kill-process/' -i mine.policy
	report 159 policy --policy ./mine.policy python3 -c 'import ctypes; ctypes.CDLL(None).syscall(163, 0)' ||
		{ cat mine.policy >&2; return 1; }
	eq "$(reported .systemCall.name)" acct
	printf 'nonsense\n' >bad.policy
	fails sandbox --policy ./bad.policy true
	err_has bad.policy:1
	fails sandbox --policy no-such-policy true
	err_has no-such-policy
}

@test "limits: one process is enough for --pids 1" {
	requires_controller pids
	report 0 exited --pids 1 true
	ureport 0 exited --pids 1 true
}

@test "limits: what cannot be set up" {
	fails 127 sandbox --report "$REPORT" no-such-program
	verdict_is setup-failed
	[[ $(reported .error) == *no-such-program* ]]
	fails sandbox --report "$REPORT" --ro-bind /no-such-path /x true
	verdict_is setup-failed
}

@test "limits: the report as text, to a descriptor, and not at all" {
	ok sandbox --report "$REPORT" --report-format text sh -c 'exit 0'
	grep -q '^verdict  *exited' "$REPORT"
	husk sandbox --report fd:8 true 8>"$TEST_DIR/r"
	eq "$(jq -r .verdict "$TEST_DIR/r")" exited
	fails sandbox --report /no-such-dir/x sh -c 'echo ran'
	out_lacks ran
	fails sandbox --report "$REPORT" --no-report true
	fails sandbox --report fd:99 true
}

@test "limits: a report that the program can reach is not the program's" {
	mkdir rw
	REPORT=$PWD/rw/report
	report 0 exited --rw "$PWD/rw" sh -c 'head -c 3000 /dev/zero | tr "\0" x >rw/report'
	eq "$(wc -l <"$REPORT")" 1
	fails sandbox --rw "$PWD/rw" --report "$REPORT" sh -c 'rm rw/report; echo "{}" >rw/report'
	err_has "$REPORT" replaced
	eq "$(cat "$REPORT")" "{}"
}

@test "limits: standard descriptors that the caller has closed are nobody's" {
	: >"$REPORT"
	status=0
	"${HUSK_TIMED[@]}" "$HUSK" --root "$ROOT" sandbox --report "$REPORT" sh -c 'echo "{}"; echo "{}" >&2; cat' \
		<&- >&- 2>&- 3>&- 4>&- || status=$?
	eq "$status" 0
	verdict_is exited
	eq "$(wc -l <"$REPORT")" 1
}

@test "limits: what is read late of the output is not the program's time" {
	mkfifo "$TEST_DIR/fifo"
	(sleep 2; exec cat >/dev/null) <"$TEST_DIR/fifo" 3>&- 4>&- &
	local reader=$!
	husk sandbox --report "$REPORT" --output-limit 1M sh -c 'head -c 100000 /dev/zero' >"$TEST_DIR/fifo"
	wait $reader
	verdict_is exited
	eq "$(reported .outputBytes)" 100000
	status=0
	(sleep 3; exec cat >/dev/null) <"$TEST_DIR/fifo" 3>&- 4>&- &
	reader=$!
	husk sandbox --report "$REPORT" --output-limit 1G --wall-time 300ms sh -c 'yes' >"$TEST_DIR/fifo" || status=$?
	wait $reader
	eq "$status" 137
	verdict_is wall-time
}

@test "limits: a core limit that keeps the host's core handler from being started" {
	requires_program python3
	ok sandbox python3 -c 'import resource; print(*resource.getrlimit(resource.RLIMIT_CORE))'
	out_is "1 1"
}

@test "limits: --status-fd streams events" {
	husk sandbox --status-fd 8 sh -c 'exit 3' 8>"$TEST_DIR/s" || true
	eq "$(jq -r .event "$TEST_DIR/s" | tr '\n' ' ')" "started exited "
	eq "$(sed -n 2p "$TEST_DIR/s" | jq -r '"\(.verdict) \(.exitStatus)"')" "exited 3"
	[ "$(head -n 1 "$TEST_DIR/s" | jq .namespaces.pid)" -gt 0 ]
}

@test "limits: wrong values are told" {
	local bad
	for bad in "--memory 12Q" "--wall-time 5x" "--pids many" "--cpus fast" "--wall-time 0" "--memory -1" \
		"--nice 100" "--swap 1M" "--output-limit 1.5"; do
		# shellcheck disable=SC2086
		fails sandbox $bad sh -c 'echo ran'
		out_lacks ran
	done
}

@test "limits: --cgroup-parent, whose limits hold, too" {
	requires_controller pids
	requires_controller memory
	local parent="/$T-parent" groups path
	mapfile -t groups < <(findmnt -rno TARGET -t cgroup,cgroup2)
	fails sandbox --cgroup-parent "$parent" true
	err_has limits.cgroupParent "$parent"
	fails sandbox --cgroup-parent here true
	err_has "absolute path"
	fails sandbox --cgroup-parent / true
	for path in "${groups[@]}"; do mkdir "$path$parent"; done
	if [ -w "/sys/fs/cgroup/cgroup.subtree_control" ]; then
		echo +pids >"/sys/fs/cgroup$parent/cgroup.subtree_control"
		echo 6 >"/sys/fs/cgroup$parent/pids.max"
	else
		echo 6 >"/sys/fs/cgroup/pids$parent/pids.max"
	fi
	try sandbox --cgroup-parent "$parent" --pids 50 --report "$REPORT" \
		sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 0.2 & done; wait'
	[ "$status" != 0 ]
	ok sandbox --cgroup-parent "$parent" --pids 50 true
	# Nothing of the sandboxes is left in it.
	for path in "${groups[@]}"; do rmdir "$path$parent"; done
}
