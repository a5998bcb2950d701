#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk as the first process of a virtual machine, with a host that is a test: in QEMU's emulation, by the
# kernel of the test VM. Everything is in one run, since a machine takes seconds to start.

load lib

# Set dir to the kernel's directory, as the test VM has it: it is downloaded there, not here.
kernel() {
	dir=${HUSK_VM_CACHE:-/var/cache/husk-test-vm}/cloud
	command -v qemu-system-x86_64 >/dev/null || skip "needs qemu-system-x86_64 (apt install qemu-system-x86)"
	[ -x /usr/lib/qemu/virtiofsd ] || [ -x /usr/libexec/virtiofsd ] ||
		skip "needs virtiofsd (apt install qemu-system-common)"
	[ "$(id -u)" = 0 ] || skip "needs root, for virtiofsd"
	[ -s "$dir/kernel" ] || skip "needs a kernel of the test VM (tests/vm/prepare cloud)"
}

@test "a program in a guest: streams, signals, users, terminals, pause, and an end without a host" {
	kernel
	"$HUSK" vm initramfs --share --kernel "$dir/bzImage" "$BATS_TEST_TMPDIR/initrd"
	run timeout 150 python3 "$BATS_TEST_DIRNAME/helpers/vm-guest.py" "$dir/kernel" "$BATS_TEST_TMPDIR/initrd" /
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"1.."* ]]
	[[ $output != *"not ok"* ]]
}

@test "vm kernel config is a fragment of options" {
	run "$HUSK" vm kernel config
	[ "$status" -eq 0 ]
	grep -qx "CONFIG_VIRTIO_FS=m" <<<"$output"
	[ -z "$(grep -vE '^(#.*|CONFIG_[A-Z0-9_]+=[ym])$' <<<"$output")" ]
}

@test "vm says what is wrong with words and kernels" {
	run "$HUSK" vm nothing
	[ "$status" -eq 1 ]
	[[ $output == *'there is no verb "nothing"'* ]]
	run "$HUSK" vm kernel both
	[[ $output == *'"both" is neither list nor config'* ]]
	run "$HUSK" vm initramfs --share --kernel /etc/passwd "$BATS_TEST_TMPDIR/x"
	[ "$status" -eq 1 ]
	[[ $output == *"kernel /etc/passwd: is neither a bzImage nor an ELF file for x86-64"* ]]
	run "$HUSK" vm initramfs "$BATS_TEST_TMPDIR/x"
	[[ $output == *"neither --share nor --disk"* ]]
}
