#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk sandbox --vm=qemu: the same sandbox in an emulated machine. Each boot takes seconds, so a test does much in one.

load lib
load sandbox

# The kernel that "tests/vm/prepare cloud" unpacks serves, or the newest one that is installed.
vm_kernel()
{
	local dir=${HUSK_VM_CACHE:-/var/cache/husk-test-vm}/cloud

	VM_KERNEL=${HUSK_TEST_KERNEL:-}
	[ -n "$VM_KERNEL" ] || [ ! -f "$dir/kernel" ] || VM_KERNEL=$dir/kernel
	[ -n "$VM_KERNEL" ] || VM_KERNEL=$(printf '%s\n' /boot/vmlinuz-*[0-9]-*amd64 | sort -V | tail -n 1)
	[ -f "$VM_KERNEL" ] || skip "needs a guest kernel: tests/vm/prepare cloud, or linux-image-cloud-amd64"
}

setup()
{
	sandbox_setup
	# The guest's /tmp is its own.
	[ "$(uname -m)" = x86_64 ] || skip "needs x86-64"
	command -v qemu-system-x86_64 >/dev/null || skip "needs qemu-system-x86_64"
	[ -x /usr/lib/qemu/virtiofsd ] || skip "needs /usr/lib/qemu/virtiofsd"
	! grep -qs hypervisor /proc/cpuinfo || [ -z "${HUSK_IN_TEST_VM:-}" ] || skip "an emulation in an emulation takes minutes"
	vm_kernel
	export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$BATS_FILE_TMPDIR/cache}
	HUSK_TIMEOUT=120
	HUSK_TIMED=(timeout -k 5 120)
}

# vm OPTIONS... COMMAND: with a report, and without the warning
vm() { sandbox --vm=qemu --vm-kernel "$VM_KERNEL" --report "$REPORT" "$@"; }

# In the background; the pid of husk in VM_PID.
vm_start()
{
	"$HUSK" sandbox --setenv HUSK_TEST "$T" --vm=qemu --vm-kernel "$VM_KERNEL" --report "$REPORT" "$@" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null &
	VM_PID=$!
}

# vm_started: wait until the program has written to standard output
vm_started()
{
	local i

	for ((i = 0; i < 600; i++)); do
		[ ! -s "$TEST_DIR/out" ] || return 0
		sleep 0.1
	done
	cat "$TEST_DIR/err"
	return 1
}

# descendants PID: all of them
descendants()
{
	local p

	for p in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
		echo "$p"
		descendants "$p"
	done
}

# gone PID...: none of them is left after a moment
gone()
{
	local i p left=

	for ((i = 0; i < 50; i++)); do
		left=
		for p in "$@"; do
			[ ! -d "/proc/$p" ] || grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null || left+=" $p"
		done
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	ps -o pid,args -p "${left// /,}" || true
	return 1
}

@test "vm: exit status, who one is, the guest's kernel, and what the report says" {
	exits 7 vm --setenv WORD 'two words' --hostname inside sh -c \
		'id -u; pwd; hostname; uname -r; echo "$WORD"; grep -c . /proc/net/dev; exit 7'
	eq "$(sed -n 1p <<<"$output")" 0
	eq "$(sed -n 2p <<<"$output")" "$PWD"
	eq "$(sed -n 3p <<<"$output")" inside
	[ "$(sed -n 4p <<<"$output")" != "$(uname -r)" ]
	eq "$(sed -n 5p <<<"$output")" "two words"
	eq "$(sed -n 6p <<<"$output")" 3 # two lines of headings, and lo
	verdict_is exited
	eq "$(reported .exitCode)" 7
	eq "$(reported .vm.backend)" qemu
	eq "$(reported .vm.isolation)" reduced
	eq "$(reported .vm.end)" "powered off"
	reported '.weakened[]' | grep -q 'isolation reduced'
	err_has "isolation reduced"
}

@test "vm: standard streams, big and binary, each for itself" {
	head -c 3000000 /dev/urandom >"$TEST_DIR/in"
	vm sh -c 'cat; echo error >&2' <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	cmp "$TEST_DIR/in" "$TEST_DIR/out"
	grep -qx error "$TEST_DIR/err"
	# A reader that goes early ends the writer, and nothing hangs.
	run bash -c '"$0" sandbox --vm=qemu --vm-kernel "$1" --wall-time 60s yes | head -n 1' "$HUSK" "$VM_KERNEL"
	[[ $output == *y* ]]
}

@test "vm: files: what is shared, what is read-only, what is hidden from the guest's root as well" {
	mkdir "$TEST_DIR/secret" "$TEST_DIR/made" "$TEST_DIR/data"
	echo hidden >"$TEST_DIR/secret/file"
	echo shown >here.txt
	echo there >"$TEST_DIR/data/x"
	ok vm --rw "$TEST_DIR/made" --ro-bind "$TEST_DIR/data" /data sh -c '
		cat here.txt /data/x
		touch here.txt 2>/dev/null && echo WRITTEN
		touch /data/y 2>/dev/null && echo WRITTEN
		echo made >'"$TEST_DIR"'/made/file; mkdir '"$TEST_DIR"'/made/dir
		cat /etc/shadow '"$TEST_DIR"'/secret/file /root/.bashrc 2>/dev/null
		test -r /etc/passwd && echo passwd'
	out_is $'shown\nthere\npasswd'
	eq "$(cat "$TEST_DIR/made/file")" made
	eq "$(stat -c %u:%g "$TEST_DIR/made/file")" 0:0
	[ -d "$TEST_DIR/made/dir" ] && [ ! -e "$TEST_DIR/data/y" ]
}

@test "vm: verdicts of what happens inside" {
	exits 139 vm sh -c 'kill -SEGV $$'
	verdict_is signalled
	eq "$(reported .signalName)" SIGSEGV
	exits 137 vm --memory 32M sh -c 'x=a; while :; do x=$x$x; done'
	verdict_is memory
	exits 159 vm perl -e 'syscall(169, 1, 2, 3)' # reboot
	verdict_is policy
	eq "$(reported .systemCall.name)" reboot
}

@test "vm: verdicts of limits on time, processes and output" {
	exits 137 vm --wall-time 1s sleep 100
	verdict_is wall-time
	exits 2 vm --pids 4 sh -c 'for i in 1 2 3 4 5 6; do sleep 3 & done; wait'
	verdict_is pids
	exits 137 vm --output-limit 1000 yes
	verdict_is output
	[ "$(wc -c <<<"$output")" -le 1200 ]
}

@test "vm: a terminal" {
	: >"$TEST_DIR/out"
	# What is typed before there is somebody to read it may be lost, as on any terminal.
	(
		for ((i = 0; i < 600; i++)); do
			! grep -q /dev/pts/ "$TEST_DIR/out" || break
			sleep 0.1
		done
		echo hello
		for ((i = 0; i < 100; i++)); do
			! grep -q status "$TEST_DIR/out" || break
			sleep 0.1
		done
	) | timeout -k 5 90 script -qfec "stty rows 33 cols 99; '$HUSK' sandbox --vm=qemu --vm-kernel '$VM_KERNEL' \
		--terminal sh -c 'stty size; tty; read a; echo got \$a; exit 5'; echo status \$?" /dev/null >"$TEST_DIR/out"
	grep -q '/dev/pts/' "$TEST_DIR/out"
	grep -q '33 99' "$TEST_DIR/out"
	grep -q 'got hello' "$TEST_DIR/out"
	grep -q 'status 5' "$TEST_DIR/out"
}

@test "vm: signals reach the program" {
	vm_start sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
	vm_started
	kill -TERM "$VM_PID"
	local status=0
	wait "$VM_PID" || status=$?
	eq "$status" 9
	eq "$(tail -n 1 "$TEST_DIR/out")" got
	verdict_is exited
}

@test "vm: nothing is left when husk, QEMU or virtiofsd is killed" {
	local all name pid
	for name in husk qemu-system-x86 virtiofsd; do
		: >"$TEST_DIR/out"
		vm_start sh -c 'echo ready; sleep 1000'
		vm_started
		all=$(descendants "$VM_PID")
		pid=$VM_PID
		[ "$name" = husk ] || pid=$(for p in $all; do
			[ "$(cat "/proc/$p/comm")" != "${name:0:15}" ] || echo "$p"
		done | tail -n 1)
		[ -n "$pid" ]
		kill -KILL "$pid"
		wait "$VM_PID" || true
		# shellcheck disable=SC2086
		gone $all
		[ "$name" = husk ] || verdict_is machine-lost
	done
	# What the kernel leaves of control groups goes with the next one.
	ok sandbox --pids 5 true
}

@test "vm: what cannot be had is refused by the option's name" {
	local words
	for words in "--network host" "--network user" "--map-auto 10" "--status-fd 1" "--swap 1M --memory 5M" \
		"--dev-bind /dev/null /x" "--ro-bind / /" "--bundle /x" "--dry-run"; do
		# shellcheck disable=SC2086
		fails vm $words true
		err_has "${words%% *}"
	done
	fails vm --vm-memory 32M true
	err_has --vm-memory needs
	fails husk sandbox --vm=xen true
	err_has xen auto
	fails husk sandbox --vm-cpus 2 true
	err_has --vm
	fails husk sandbox start "$ID" --vm true
	err_has --vm
}

@test "vm: what is missing is named, with the package" {
	fails vm --vm-kernel /no/such/kernel true
	err_has /no/such/kernel
	fails vm --vm-kernel /etc/passwd true
	err_has /etc/passwd
	PATH=/nowhere fails "$HUSK" sandbox --vm=qemu --vm-kernel "$VM_KERNEL" true
	err_has qemu-system-x86_64 "apt install"
}
