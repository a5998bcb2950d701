#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SELinux labels. Debian's kernel has SELinux, off: the test VM turns it on. It has no policy there, so the labels that it
# knows are the names of its initial ones ("security", "unlabeled"), and nothing is forbidden.

load lib

selinux_is_on() { grep -qsw selinux /sys/kernel/security/lsm; }

setup()
{
	integration_setup
	requires_root
	selinux_is_on || return 0
	mountpoint -q /sys/fs/selinux || mount -t selinuxfs selinuxfs /sys/fs/selinux
}

requires_selinux()
{
	selinux_is_on || skip "needs test VM: SELinux (in-vm --append security=selinux)"
}

@test "selinux: a label where there is none is refused" {
	if selinux_is_on; then skip "needs a machine without SELinux"; fi
	config '.process.selinuxLabel = "u:r:t:s0"'
	fails c_create
	err_has 'process.selinuxLabel: "u:r:t:s0"' "SELinux is not enabled on this host"
	config 'del(.process.selinuxLabel) | .linux.mountLabel = "u:r:t:s0"'
	fails c_create
	err_has linux.mountLabel "SELinux is not enabled on this host"
	# As it is with one that asks for nothing.
	config 'del(.linux.mountLabel) | .process.selinuxLabel = ""'
	ok c_create
}

@test "selinux: the program has the label, and commands have it or their own" {
	requires_selinux
	c_sleeper "$ID" '.process.selinuxLabel = "security"'
	eq "$(tr -d '\0\n' <"/proc/$(pid_of)/attr/current")" security
	# Neither husk itself nor its caller.
	eq "$(tr -d '\0\n' </proc/self/attr/current)" kernel
	ok husk exec "$ID" cat /proc/self/attr/current
	out_is security
	jq -n '{cwd: "/", args: ["/bin/cat", "/proc/self/attr/current"], user: {uid: 0, gid: 0}, selinuxLabel: "unlabeled"}' \
		>"$TEST_DIR/process.json"
	ok husk exec --process "$TEST_DIR/process.json" "$ID"
	out_is unlabeled
}

@test "selinux: without a label the program keeps its caller's" {
	requires_selinux
	script 'cat /proc/self/attr/current; cat /proc/self/attr/keycreate'
	ok c_run
	out_is kernel
}

@test "selinux: the kernel's refusal of a mount label names the mount" {
	requires_selinux
	# Without a policy it takes none.
	config '.linux.mountLabel = "security"'
	fails c_create
	err_has mounts "invalid argument"
	status=0
	husk state "$ID" >/dev/null 2>&1 || status=$?
	eq "$status" 1
}
