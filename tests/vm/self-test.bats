#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The test VM itself: prove -e bats tests/vm/self-test.bats, as root.
# About two minutes; the first run downloads the kernels.

bats_require_minimum_version 1.5.0

setup_file() {
	# Once, with its messages out of the tests' way.
	"$BATS_TEST_DIRNAME/prepare" >/dev/null
}

setup() {
	vm=$BATS_TEST_DIRNAME/in-vm
	# in-vm's own files go here, so that what it leaves behind shows.
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
}

# Nothing is left of any test's machine: neither files nor processes. QEMU and
# the relay carry the directory's name in their arguments.
teardown() {
	local left

	# Of a test that failed before it ended its machine.
	if [ -n "${pid-}" ] && kill "$pid" 2>/dev/null; then wait "$pid" || :; fi
	left=$(ls -A "$TMPDIR")
	[ -z "$left" ] || { echo "left in TMPDIR: $left"; return 1; }
	! grep -laF "$TMPDIR/husk-vm." /proc/[0-9]*/cmdline 2>/dev/null
}

# start_vm ARGUMENT...: in-vm in the background, its pid in $pid. A shell's
# background jobs ignore SIGINT, env undoes that.
start_vm() {
	# Here, not in the background: wait_for must not see the last one's.
	: >"$BATS_TEST_TMPDIR/out"
	env --default-signal "$vm" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
}

# wait_for TEXT: until the machine has printed TEXT.
wait_for() {
	local i

	for i in {1..1200}; do
		! grep -q "$1" "$BATS_TEST_TMPDIR/out" || return 0
		sleep 0.1
	done
	echo "the machine did not print $1:"; cat "$BATS_TEST_TMPDIR/err"
	return 1
}

# qemu_pid: the child of in-vm that is QEMU.
qemu_pid() {
	local child

	for child in $(cat "/proc/$pid/task/$pid/children"); do
		[ "$(cat "/proc/$child/comm")" != qemu-system-x86 ] || echo "$child"
	done
}

@test "output, arguments, directory and exit status pass through" {
	cd "$BATS_TEST_DIRNAME"
	run -42 --separate-stderr "$vm" -- sh -c \
		'pwd; echo error >&2; printf "[%s]" "$@"; echo; cat; exit 42' \
		sh 'a  b' "it's" '' '$HOME' $'new\nline'
	[ "$output" = "$PWD
error
[a  b][it's][][\$HOME][new
line]" ]
	[ -z "$stderr" ]
}

@test "a missing program, a file that is no program, a signal" {
	run -127 "$vm" -- /no/such/program
	run -126 "$vm" -- /etc/passwd
	run -137 "$vm" -- sh -c 'kill -KILL $$'
}

@test "the command has all signals at their defaults, whatever the caller ignores" {
	run -130 env --ignore-signal=INT,PIPE "$vm" -- sh -c 'kill -INT $$'
	run -0 "$vm" -- sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status'
	[[ $output =~ ^SigBlk:.0+$'\n'SigIgn:.0+$ ]]
}

@test "wrong options are refused with the reason" {
	run -125 "$vm"
	[[ $output == *"no command"* ]]
	run -125 "$vm" --kernel other -- true
	[[ $output == *"choose generic or cloud"* ]]
	run -125 "$vm" --rw /no/such -- true
	[[ $output == *"/no/such: no such directory"* ]]
	run -125 "$vm" --memory lots -- true
	run -125 "$vm" --env 'A B' -- true
	run -125 "$vm" --nonsense -- true
	run -125 "$vm" --rw /etc --kernel cloud -- true
	[[ $output == *"needs 9p"* ]]
}

@test "only the variables that are named are passed, and the kernel's arguments" {
	export SEEN='a b' UNSEEN=1
	run -0 "$vm" --env SEEN --env OTHER=x=y --append husk.a=1 --append husk.b=2 -- \
		sh -c 'echo "$SEEN|$OTHER|$UNSEEN|$HOME|$PATH"; grep -o "husk.a=.*" /proc/cmdline'
	[ "$output" = "a b|x=y||/root|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
husk.a=1 husk.b=2" ]
}

@test "many megabytes of output arrive intact, at a slow reader too" {
	# The checksum comes last, through the same channel.
	"$vm" -- sh -c 'head -c 67108864 /dev/urandom >/tmp/data; cat /tmp/data; md5sum </tmp/data' |
		{ sleep 4; cat; } >"$BATS_TEST_TMPDIR/data"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/data")" = $((67108864 + 36)) ]
	[ "$(head -c 67108864 "$BATS_TEST_TMPDIR/data" | md5sum)" = "$(tail -c 36 "$BATS_TEST_TMPDIR/data")" ]
}

@test "output with the relay's own mark in it is output" {
	run -5 "$vm" -- sh -c '. /run/husk-vm/job; printf "a\000${job_token}x\000b\000$job_token"; exit 5'
	[[ $output =~ ^a[0-9a-f]{32}xb[0-9a-f]{32}$ ]]
}

@test "the relay finds a mark that comes in pieces" {
	local status=$BATS_TEST_TMPDIR/status

	output=$({ printf 'one\000'; sleep 0.1; printf 'tok'; sleep 0.1; printf 'en0'; sleep 0.1
		printf '07\000'; } | "$BATS_TEST_DIRNAME/relay" token "$status")
	[ "$output" = one ]
	[ "$(cat "$status")" = 7 ]
	# No mark, no status; nothing is held back for good.
	rm "$status"
	run -1 --keep-empty-lines "$BATS_TEST_DIRNAME/relay" token "$status" <<<$'two to'
	[ "$output" = $'two to\n' ]
	[ ! -e "$status" ]
}

@test "output comes as it is written" {
	start_vm -- sh -c 'echo first; sleep 100'
	wait_for first
	kill -TERM "$pid"
	wait "$pid" || [ $? = 143 ]
}

@test "a process that is left behind does not keep the machine" {
	run -3 "$vm" --timeout 60 -- sh -c 'sleep 1000 & trap "" TERM; (sleep 1000; echo no) & exit 3'
	[ -z "$output" ]
	# What is still on its way at the end does arrive.
	run -0 "$vm" -- bash -c 'exec > >(sleep 0.3; cat); echo late'
	[ "$output" = late ]
}

@test "the timeout ends the machine with 124" {
	run -124 "$vm" --timeout 5 -- sleep 1000
	[[ $output == *"timeout: the command had not ended after 5 s"* ]]
}

@test "a panic ends with 125 and the console" {
	run -125 --separate-stderr "$vm" --console "$BATS_TEST_TMPDIR/console" -- \
		sh -c 'echo before; sleep 0.2; echo c >/proc/sysrq-trigger; sleep 10'
	[ "$output" = before ]
	[[ $stderr == *"Kernel panic"* && $stderr == *"the machine ended before the command did"* ]]
	grep -q 'Kernel panic' "$BATS_TEST_TMPDIR/console"
}

@test "a power-off inside ends with 125" {
	run -125 "$vm" -- busybox poweroff -f
	[[ $output == *"the machine ended before the command did"* ]]
}

@test "SIGINT and SIGTERM end QEMU" {
	local signal qemu

	for signal in INT TERM; do
		start_vm -- sh -c 'echo up; sleep 1000'
		wait_for up
		qemu=$(qemu_pid)
		[ -n "$qemu" ]
		kill -"$signal" "$pid"
		wait "$pid" && false || [ $? = $((128 + $(kill -l "$signal"))) ]
		# A line that starts with ! cannot fail a test.
		if kill -0 "$qemu"; then return 1; fi
	done
}

@test "QEMU does not outlive in-vm that is killed" {
	local qemu i

	start_vm -- sh -c 'echo up; sleep 1000'
	wait_for up
	qemu=$(qemu_pid)
	[ -n "$qemu" ]
	kill -KILL "$pid"
	wait "$pid" || :
	# Some pid 1 reap late: a zombie counts as dead.
	for i in {1..50}; do
		grep -q '^State:.*[^Z] (' "/proc/$qemu/status" 2>/dev/null || break
		[[ $(grep '^State:' "/proc/$qemu/status") != *zombie* ]] || break
		sleep 0.1
	done
	[ "$i" -lt 50 ]
	rm -rf "$TMPDIR"/husk-vm.*
}

@test "pure cgroup v2 with all controllers, writable" {
	run -0 "$vm" -- sh -euc '
		grep cgroup /proc/filesystems
		stat -f -c %T /sys/fs/cgroup
		if grep " cgroup " /proc/mounts; then exit 1; fi
		mkdir /sys/fs/cgroup/a
		for c in cpu memory pids io cpuset hugetlb; do
			grep -qw $c /sys/fs/cgroup/a/cgroup.controllers || echo "no $c"
		done
		echo 16777216 >/sys/fs/cgroup/a/memory.max
		cat /sys/fs/cgroup/a/memory.max
		sh -c "echo \$\$ >/sys/fs/cgroup/a/cgroup.procs; cat /proc/self/cgroup"
		rmdir /sys/fs/cgroup/a'
	[[ $output == *cgroup2fs*16777216*"0::/a"* && $output != *"no "* ]]
}

@test "all capabilities, among them CAP_SYS_RESOURCE; loopback; host name" {
	run -0 "$vm" -- sh -euc '
		awk "/^Cap(Prm|Eff|Bnd)/ { print \$2 }" /proc/self/status | uniq
		ulimit -n 900000; ulimit -n
		ip -o address show lo; hostname
		grep -c " / / .* shared:" /proc/self/mountinfo
		ps -o pid=,ppid=,sid= $$'
	[ "${lines[-2]}" = 1 ]
	[[ $output == *000001ffffffffff* && $output == *900000* ]]
	[[ $output == *127.0.0.1/8* && $output == *husk-vm* ]]
	# A session of its own, and a child of pid 1.
	[[ ${lines[-1]} =~ ^\ *([0-9]+)\ +1\ +([0-9]+)$ ]]
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
}

@test "a normal user makes user namespaces and gets subordinate ids" {
	run -0 "$vm" -- sh -euc '
		useradd -m tester
		runuser -u tester -- unshare -Urmn sh -c "mount -t tmpfs t /mnt && id -u"
		runuser -u tester -- unshare --map-auto --map-root-user cat /proc/self/uid_map'
	[ "${lines[0]}" = 0 ]
	[[ ${lines[2]} =~ ^\ +1\ +[0-9]+\ +65535$ ]]
}

@test "what is written does not reach the host" {
	local name=husk-vm-self-test.$$

	echo host >"$BATS_TEST_TMPDIR/file"
	cd "$BATS_TEST_TMPDIR"
	run -0 "$vm" -- sh -euc "
		echo x >/usr/$name; echo x >/etc/$name; mv /usr/share/doc/bash /usr/share/$name
		echo guest >file; cat file; cat /usr/$name
		rm -f /etc/passwd; ! test -e /etc/passwd"
	[ "$output" = "guest
x" ]
	[ "$(cat file)" = host ]
	[ ! -e "/usr/$name" ] && [ ! -e "/etc/$name" ] && [ ! -e "/usr/share/$name" ]
	[ -s /etc/passwd ] && [ -d /usr/share/doc/bash ]
}

@test "the host's directories cannot be made writable in the guest" {
	local tree

	tree=$(dirname "$("$BATS_TEST_DIRNAME/prepare")")
	run -0 "$vm" -- sh -c '
		cd /lib/modules/$(uname -r) && mount -o remount,rw . && grep "$PWD 9p rw" /proc/mounts
		echo x >husk-vm-self-test && echo written
		mount -t 9p -o trans=virtio,version=9p2000.L root /mnt && echo mounted
		true'
	# Writable as far as the guest knows: it is QEMU that refuses.
	[[ $output == *"9p rw"*"Read-only file system"* && $output != *written* ]]
	# And no second way to it.
	[[ $output != *mounted ]]
	[ -z "$(find "$tree/lib" -name husk-vm-self-test)" ]
}

@test "--rw writes the host's directory; /tmp is hidden but for --show" {
	mkdir "$BATS_TEST_TMPDIR/rw" "$BATS_TEST_TMPDIR/show" "$BATS_TEST_TMPDIR/hidden"
	touch "$BATS_TEST_TMPDIR"/{show,hidden}/file
	cd /
	run -0 "$vm" --rw "$BATS_TEST_TMPDIR/rw" --show "$BATS_TEST_TMPDIR/show" -- sh -c "
		cd '$BATS_TEST_TMPDIR'
		echo guest >rw/file
		dd if=/dev/zero of=rw/big bs=1M count=20 status=none
		ls -d show/file hidden/file; touch show/new"
	[[ $output == *show/file* && $output == *"cannot access 'hidden/file'"* ]]
	[ "$(cat "$BATS_TEST_TMPDIR/rw/file")" = guest ]
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/rw/big")" = 20971520 ]
	[ ! -e "$BATS_TEST_TMPDIR/show/new" ]
}

@test "modules load, by name and by themselves; storage for containers" {
	run -0 "$vm" -- sh -euc '
		for m in dummy tun veth bridge nf_tables fuse overlay; do modprobe $m; done
		ip link add eth0 type veth peer name eth1
		ip link add link eth0 name mac0 type macvlan
		cd /var/tmp/store; mkdir l u w m
		mount -t overlay -o lowerdir=l,upperdir=u,workdir=w overlay m
		truncate -s 64M image; mkfs.ext4 -q image; mkdir e; mount -o loop image e
		cat /proc/mounts'
	[[ $output == *"overlay /var/tmp/store/m"* && $output == *"/var/tmp/store/e ext4"* ]]
}

@test "/dev, /proc and /sys are complete" {
	run -0 "$vm" -- sh -euc '
		echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin </dev/null
		test -c /dev/net/tun -a -c /dev/fuse -a ! -e /dev/kvm
		for dir in /dev/shm /run /tmp /var/tmp/store; do stat -f -c %T $dir; done | uniq -c
		mknod /tmp/null c 1 3; cat /tmp/null
		stat -c %a /tmp /dev/ptmx /dev/pts/ptmx
		script -qec tty /dev/null
		test -d /sys/kernel/security/apparmor'
	[[ $output == out*err*"4 tmpfs"*1777*666*666*/dev/pts/* ]]
}

@test "two CPUs, the clock keeps the time, with --parallel too" {
	local option before after

	for option in '' --parallel; do
		before=$(date +%s)
		# shellcheck disable=SC2086 # none is no argument
		run -0 "$vm" $option -- sh -c 'nproc; date +%s; sleep 3; date +%s'
		after=$(date +%s)
		[ "${lines[0]}" = 2 ]
		# The guest starts with the host's time, in whole seconds.
		((lines[1] >= before - 1 && lines[2] <= after + 1 && lines[2] - lines[1] >= 3))
	done
}

@test "--kvm: a KVM that opens" {
	run -0 "$vm" --kvm -- perl -e '
		open my $kvm, "+<", "/dev/kvm" or die "open: $!";
		# KVM_GET_API_VERSION, KVM_CREATE_VM
		print ioctl($kvm, 0xae00, 0), " ", ioctl($kvm, 0xae01, 0) > 0 ? "vm" : "no vm", "\n"'
	[ "$output" = "12 vm" ]
}

@test "--systemd: pid 1, a settled system, units and status" {
	[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
	run -9 "$vm" --systemd -- sh -c '
		cat /proc/1/comm
		systemctl is-system-running
		systemd-run --wait --pipe --quiet echo from a unit
		cat /proc/self/cgroup
		grep -qw cpu /sys/fs/cgroup/system.slice/husk-vm.service/cgroup.controllers && echo delegated
		grep ^SigIgn /proc/self/status
		exit 9'
	[ "$output" = "systemd
running
from a unit
0::/system.slice/husk-vm.service
delegated
SigIgn:	0000000000000000" ]
}

@test "--systemd: a user's own manager, with delegated controllers" {
	[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
	run -0 "$vm" --systemd -- sh -euc '
		useradd -m tester; uid=$(id -u tester)
		loginctl enable-linger tester; systemctl start user@$uid
		runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/$uid \
			systemd-run --user --wait --pipe --quiet -p Delegate=yes \
			sh -c "cat /sys/fs/cgroup\$(cut -d: -f3 /proc/self/cgroup)/cgroup.controllers"'
	[[ $output == *memory* && $output == *pids* ]]
}

@test "--kernel cloud" {
	"$BATS_TEST_DIRNAME/prepare" cloud >/dev/null
	run -6 "$vm" --kernel cloud -- sh -c 'uname -r; touch /usr/husk-vm-self-test; exit 6'
	[[ $output == *-cloud-amd64 ]]
	[ ! -e /usr/husk-vm-self-test ]
}

@test "two prepare at once, from nothing, agree" {
	# The kernel is taken from the cache: only the initramfs is made.
	local dir=$BATS_TEST_TMPDIR/cache tree

	tree=$(dirname "$("$BATS_TEST_DIRNAME/prepare")")
	mkdir -p "$dir/kernel"
	ln -s kernel "$dir/generic"
	ln -s "$tree"/{kernel,release,lib} "$dir/kernel/"
	export HUSK_VM_CACHE=$dir
	"$BATS_TEST_DIRNAME/prepare" >"$dir/1" &
	"$BATS_TEST_DIRNAME/prepare" >"$dir/2"
	wait $!
	cmp "$dir/1" "$dir/2"
	[ -s "$(cat "$dir/1")" ]
	! ls -d "$dir"/new.*
}
