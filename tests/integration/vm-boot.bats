#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm boot: machines that do one thing each, made of a few instructions, and Debian's kernel.

load lib

KERNELS=${HUSK_VM_CACHE:-/var/cache/husk-test-vm}/cloud

setup()
{
	integration_setup
	cd "$TEST_DIR" || return
	# Emulated processors are slow.
	HUSK_TIMEOUT=180
}

need_kvm()
{
	"$HUSK" doctor kvm >/dev/null || skip "needs test VM: KVM"
}

need_kernel()
{
	[ -s "$KERNELS/bzImage" ] || skip "needs test VM: Debian's kernel (tests/vm/prepare cloud)"
}

# machine FILE CODE: an ELF kernel with a PVH entry: CODE is hexadecimal, for 32 bits, at 16 MiB.
machine()
{
	perl -e '
		my $code = pack("H*", $ARGV[0] =~ s/ //gr);
		my $note = pack("LLLa4L", 4, 4, 18, "Xen", 0x1000000);
		my $at = 64 + 2 * 56;
		print pack("a4C12SSLQQQLSSSSSS", "\x7fELF", 2, 1, 1, (0) x 9, 2, 62, 1, 0x1000000, 64, 0, 0, 64, 56, 2, 0, 0, 0),
			pack("LLQQQQQQ", 4, 4, $at, 0, 0, length $note, length $note, 4),
			pack("LLQQQQQQ", 1, 5, $at + length $note, 0, 0x1000000, length $code, 4096, 4096),
			$note, $code' "$2" >"$1"
}

# "ok\n" to the serial port.
SAY_OK="66ba f803 b0 6f ee b0 6b ee b0 0a ee"
# mov $port, %dx; mov $value, %al; out
POWER_OFF="66ba 0006 b0 34 ee"
RESET="66ba 0206 b0 42 ee"
WAIT="f4 eb fd"

# boot OPTION...: within the time limit; status, output and errors in status, output and stderr
boot()
{
	run --separate-stderr timeout --kill-after 5 "$HUSK_TIMEOUT" "$HUSK" vm boot "$@"
}

# initrd COMMAND...: busybox with COMMAND as the first program, and modules to load in /m
make_initrd()
{
	local root=$TEST_DIR/root module

	mkdir -p "$root"/{bin,dev,proc,sys,m}
	cp "$(command -v busybox)" "$root/bin/busybox"
	for module in virtio_ring virtio virtio_mmio virtio-rng virtio_blk virtio_console; do
		cp "$(find "$KERNELS/lib/modules" -name "$module.ko")" "$root/m/"
	done
	cat >"$root/init" - <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /usr/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in virtio_ring virtio virtio_mmio virtio-rng virtio_blk virtio_console; do
	insmod /m/$m.ko
done
END
	cat >>"$root/init"
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) >initrd
}

@test "vm boot: what is missing or makes no sense is said before anything starts" {
	! on_vm || skip "needs build machine: it is slow there, and starts no machine"
	machine kernel "$WAIT"
	boot
	[[ $status -eq 1 && $stderr == *"--kernel FILE is needed"* ]]
	boot --kernel /nonexistent
	[[ $status -eq 1 && $stderr == *"--kernel /nonexistent: open: No such file"* ]]
	boot --kernel kernel --memory 64M
	[[ $status -eq 1 && $stderr == *"memory of 64 MiB: kernels need 96 MiB at least"* ]]
	boot --kernel kernel --cpus 33
	[[ $status -eq 1 && $stderr == *"33 processors: 1 to 32 are possible"* ]]
	boot --kernel kernel --backend xen
	[[ $status -eq 1 && $stderr == *'"xen" is none of kvm, qemu'* ]]
	boot --kernel kernel --port nonsense
	[[ $status -eq 1 && $stderr == *"--port nonsense: NAME=SOCKET is needed"* ]]
	boot --kernel kernel --port a=/nonexistent
	[[ $status -eq 1 && $stderr == *"--port: connect to /nonexistent: No such file"* ]]
	boot --kernel kernel --disk /nonexistent:ro
	[[ $status -eq 1 && $stderr == *"--disk /nonexistent: open: No such file"* ]]
	boot --kernel kernel --net eth0
	[[ $status -eq 1 && $stderr == *"--net eth0: tap:NAME or stream:SOCKET is needed"* ]]
}

@test "vm boot: without a usable KVM the message names the other backend" {
	! "$HUSK" doctor kvm >/dev/null || skip "KVM is usable here"
	machine kernel "$POWER_OFF"
	boot --kernel kernel
	[[ $status -eq 1 && $stderr == *"KVM is not usable here: "*"--backend qemu runs without it"* ]]
}

@test "vm boot: a machine powers off, resets, breaks down" {
	need_kvm
	machine kernel "$SAY_OK $POWER_OFF $WAIT"
	boot --kernel kernel
	[[ $status -eq 0 && $output == ok ]]
	machine kernel "$RESET $WAIT"
	boot --kernel kernel
	[[ $status -eq 3 && $stderr == *"vm boot: reset: "* ]]
	# An interrupt table of no entries, and an interrupt.
	machine kernel "0f011d 00200001 cc $WAIT"
	boot --kernel kernel
	[[ $status -eq 4 && $stderr == *"vm boot: triple fault: "* ]]
	# More memory than lies below the hole for devices: a byte there, read back.
	machine kernel "$SAY_OK $POWER_OFF $WAIT"
	boot --kernel kernel --memory 4G
	[[ $status -eq 0 && $output == ok ]]
}

@test "vm boot: one that never starts is ended" {
	need_kvm
	machine kernel "$WAIT"
	boot --kernel kernel --boot-timeout 1s
	[[ $status -eq 6 && $stderr == *"vm boot: boot time-out: no driver"* ]]
}

@test "vm boot: bytes that are no kernel are refused in the monitor" {
	need_kvm
	head -c 100000 /dev/urandom >kernel
	boot --kernel kernel
	[[ $status -eq 7 && $stderr == *"neither a bzImage nor an ELF kernel"* ]]
	need_kernel
	head -c 200000000 /dev/zero >initrd
	boot --kernel "$KERNELS/bzImage" --initrd initrd --memory 128M
	[[ $status -eq 7 && $stderr == *"memory of 128 MiB is too little"*"at least "* ]]
	# What it asks for is enough for the loader.
	boot --kernel "$KERNELS/bzImage" --initrd initrd --memory 128M --cmdline "$(printf '%5000s' x)"
	[[ $status -eq 7 && $stderr == *"command line is too long"* ]]
}

# The monitor: the child of the process with this id.
monitor_of() { pgrep -P "$1"; }

@test "vm boot: the monitor has no rights, no files and no company" {
	need_kvm
	machine kernel "$SAY_OK $WAIT"
	mkfifo out
	"$HUSK" vm boot --kernel kernel --cpus 2 >out 3<>/dev/null &
	husk=$!
	read -r line <out
	[ "$line" = ok ]
	monitor=$(monitor_of "$husk")
	for task in "/proc/$monitor/task"/*; do
		status=$(cat "$task/status")
		[[ $status == *"Seccomp:"$'\t'2* ]]
		[[ $status == *"NoNewPrivs:"$'\t'1* ]]
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			[[ $status == *"$set:"$'\t'0000000000000000* ]]
		done
		[[ $status == *"Uid:"$'\t'65534$'\t'65534$'\t'65534$'\t'65534* ]]
		[[ $status == *"Gid:"$'\t'65534$'\t'65534$'\t'65534$'\t'65534* ]]
		[[ $status != *Groups:$'\t'[0-9]* ]]
	done
	# Three: its own, and one for each processor.
	[ "$(printf '%s\n' "/proc/$monitor/task"/* | wc -l)" -eq 3 ]
	for ns in mnt net ipc uts user; do
		[ "$(readlink "/proc/$monitor/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
	done
	[ -z "$(ls -A "/proc/$monitor/root/")" ]
	# Of files with names only the standard ones: where the console goes, and nowhere.
	names=$(for fd in "/proc/$monitor/fd"/*; do readlink "$fd"; done | grep '^/' | grep -v '^/dev/null' | sort -u)
	[ "$names" = "$TEST_DIR/out" ]
	kill -TERM "$husk"
	status=0
	wait "$husk" || status=$?
	[ "$status" -eq 143 ]
	! kill -0 "$monitor" 2>/dev/null
}

@test "vm boot: neither husk nor the monitor outlives the other" {
	need_kvm
	machine kernel "$SAY_OK $WAIT"
	mkfifo out
	"$HUSK" vm boot --kernel kernel >out 3<>/dev/null &
	husk=$!
	read -r line <out
	monitor=$(monitor_of "$husk")
	kill -KILL "$husk"
	wait "$husk" || :
	for _ in {1..100}; do
		kill -0 "$monitor" 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 "$monitor" 2>/dev/null

	"$HUSK" vm boot --kernel kernel >out 2>err 3<>/dev/null &
	husk=$!
	read -r line <out
	kill -KILL "$(monitor_of "$husk")"
	status=0
	wait "$husk" || status=$?
	[ "$status" -eq 1 ]
	grep "the monitor was killed by signal 9" err
}

# devices BACKEND: Debian's kernel finds and uses what the machine has, and powers off
devices()
{
	make_initrd <<'END'
echo "cpus $(nproc) memory $(awk '/MemTotal/ { print ($2 > 200000) }' /proc/meminfo)"
echo "drivers" $(cat /sys/bus/virtio/devices/*/uevent | sed -n 's/DRIVER=//p' | sort -u)
echo "random $(head -c 16 /dev/hwrng | wc -c)"
echo "disk $(head -c 5 /dev/vda) $(cat /sys/block/vda/ro /sys/block/vdb/ro | tr -d '\n')"
echo "written by the guest" >/dev/vdb && sync
for port in /sys/class/virtio-ports/*; do
	[ "$(cat "$port/name")" != talk ] || (read -r line; echo "answer to $line") <>"/dev/${port##*/}" 1>&0
done
echo "through hvc0" >/dev/hvc0
poweroff -f
END
	{ printf 'first'; head -c 1048571 /dev/zero; } >one
	head -c 1048576 /dev/zero >two
	# The other side of the port: one line there, one line back.
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => "talk", Listen => 1) or die;
		my $c = $s->accept; $c->autoflush(1); print $c "question\n"; print scalar <$c>' >answer &
	peer=$!
	wait_for test -S talk
	boot --backend "$1" --kernel "$KERNELS/bzImage" --initrd initrd --disk one:ro --disk two --port talk=talk --verbose --cmdline quiet
	wait "$peer"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"cpus 1 memory 1"* ]]
	[[ $output == *"drivers virtio_blk virtio_console virtio_rng"* ]]
	[[ $output == *"random 16"* ]]
	[[ $output == *"disk first 10"* ]]
	[[ $output == *"through hvc0"* ]]
	[ "$(cat answer)" = "answer to question" ]
	[ "$(head -n 1 two)" = "written by the guest" ]
	[ "$(head -c 5 one)" = first ]
	echo "$stderr"
}

# panics BACKEND: a kernel whose first program ends says so, and the status is its own
panics()
{
	printf '#!/bin/busybox sh\nexit 3\n' >init
	mkdir -p panic/bin
	cp "$(command -v busybox)" panic/bin/busybox
	install -m 755 init panic/init
	(cd panic && find . | busybox cpio -o -H newc 2>/dev/null) >initrd
	boot --backend "$1" --kernel "$KERNELS/bzImage" --initrd initrd
	echo "$output $stderr"
	[ "$status" -eq 5 ]
	[[ $stderr == *"Attempted to kill init"* ]]
}

need_qemu()
{
	! on_vm || skip "an emulation in an emulation takes minutes"
	command -v qemu-system-x86_64 >/dev/null || skip "needs qemu-system-x86_64"
}

@test "vm boot: Debian's kernel with its devices, to power-off" {
	need_kvm
	need_kernel
	devices kvm
	[[ $stderr =~ left\ ([0-9]+)\ times\ to\ the\ monitor ]]
}

@test "vm boot: the same by QEMU, and a panic" {
	need_qemu
	need_kernel
	devices qemu
	panics qemu
}

@test "vm boot: a panic" {
	need_kvm
	need_kernel
	panics kvm
}

@test "vm boot: a sandbox in a machine of husk's own" {
	need_kvm
	need_kernel
	[ -x /usr/lib/qemu/virtiofsd ] || skip "needs /usr/lib/qemu/virtiofsd"
	mkdir made secret
	echo hidden >secret/file
	run --separate-stderr timeout --kill-after 5 "$HUSK_TIMEOUT" "$HUSK" sandbox --vm=kvm --vm-kernel "$KERNELS/kernel" \
		--report report --memory 64M --rw "$PWD/made" --hide "$PWD/secret" \
		sh -c 'cat; uname -r; echo inside >made/file; cat secret/file; exit 7' <<<"from outside"
	echo "$output $stderr"
	[ "$status" -eq 7 ]
	[[ $output == "from outside"* ]]
	[[ $output != *hidden* ]]
	[ "$(cat made/file)" = inside ]
	[ "$(jq -r '.verdict + " " + .vm.backend + " " + .vm.isolation + " " + .vm.end' report)" = "exited kvm full powered off" ]
}
