#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# process.capabilities: five sets, exactly those asked for.

load lib

# caps JQ-OBJECT
caps() { config ".process.capabilities = $1"; script 'grep -E "^Cap" /proc/self/status | tr "\t" " "'; }

KILL_CHOWN='["CAP_KILL","CAP_CHOWN"]' # 0x21

@test "capabilities: the sets of root" {
	caps "{bounding: $KILL_CHOWN, effective: $KILL_CHOWN, permitted: $KILL_CHOWN}"
	ok c_run
	out_is "CapInh: 0000000000000000
CapPrm: 0000000000000021
CapEff: 0000000000000021
CapBnd: 0000000000000021
CapAmb: 0000000000000000"
}

@test "capabilities: none" {
	caps '{}'
	ok c_run
	eq "$(grep -c ' 0000000000000000$' <<<"$output")" 5
}

@test "capabilities: an absent object means none" {
	config 'del(.process.capabilities)'
	script 'grep -E "^Cap(Eff|Prm)" /proc/self/status | tr "\t" " "'
	ok c_run
	out_is $'CapPrm: 0000000000000000\nCapEff: 0000000000000000'
}

@test "capabilities: a bounding set alone limits, and root gets it at exec" {
	# The kernel gives root what is bounding at execve: that is the rule, not a leak.
	caps "{bounding: $KILL_CHOWN}"
	ok c_run
	out_has "CapBnd: 0000000000000021"
}

@test "capabilities: ambient ones of a normal user" {
	caps "{bounding: $KILL_CHOWN, effective: $KILL_CHOWN, permitted: $KILL_CHOWN, inheritable: [\"CAP_KILL\"], ambient: [\"CAP_KILL\"]}"
	config '.process.user = {uid: 1000, gid: 1000}'
	ok c_run
	out_is "CapInh: 0000000000000020
CapPrm: 0000000000000020
CapEff: 0000000000000020
CapBnd: 0000000000000021
CapAmb: 0000000000000020"
}

@test "capabilities: a normal user without ambient ones has none" {
	caps "{bounding: $KILL_CHOWN, effective: $KILL_CHOWN, permitted: $KILL_CHOWN}"
	config '.process.user = {uid: 1000, gid: 1000}'
	ok c_run
	out_is "CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000021
CapAmb: 0000000000000000"
}

@test "capabilities: inheritable as asked" {
	caps "{bounding: $KILL_CHOWN, effective: $KILL_CHOWN, permitted: $KILL_CHOWN, inheritable: $KILL_CHOWN}"
	ok c_run
	out_has "CapInh: 0000000000000021"
}

@test "capabilities: an unknown name is refused" {
	# crun 1.8.1: fails because it ignores it
	caps '{bounding: ["CAP_FLY"]}'
	fails c_run
	err_has CAP_FLY
}

@test "capabilities: a name without its prefix is refused or taken, never dropped" {
	# crun 1.8.1: may fail because it drops it
	caps '{bounding: ["KILL"], effective: ["KILL"], permitted: ["KILL"]}'
	try c_run
	if [ "$status" = 0 ]; then
		out_has "CapEff: 0000000000000020"
	else
		err_has KILL
	fi
}

@test "capabilities: what cannot be granted is left out with a warning" {
	# crun 1.8.1: fails because it fails with EPERM
	if have_cap CAP_SYS_RESOURCE; then
		skip "needs build machine: no CAP_SYS_RESOURCE"
	fi
	caps '{bounding: ["CAP_KILL","CAP_SYS_RESOURCE"], effective: ["CAP_KILL","CAP_SYS_RESOURCE"], permitted: ["CAP_KILL","CAP_SYS_RESOURCE"]}'
	ok c_run
	out_has "CapEff: 0000000000000020" "CapBnd: 0000000000000020"
}

@test "capabilities: all that the machine has" {
	# crun 1.8.1: fails because it fails with EPERM where one is missing
	caps '(["CHOWN","DAC_OVERRIDE","DAC_READ_SEARCH","FOWNER","FSETID","KILL","SETGID","SETUID","SETPCAP","LINUX_IMMUTABLE","NET_BIND_SERVICE","NET_BROADCAST","NET_ADMIN","NET_RAW","IPC_LOCK","IPC_OWNER","SYS_MODULE","SYS_RAWIO","SYS_CHROOT","SYS_PTRACE","SYS_PACCT","SYS_ADMIN","SYS_BOOT","SYS_NICE","SYS_RESOURCE","SYS_TIME","SYS_TTY_CONFIG","MKNOD","LEASE","AUDIT_WRITE","AUDIT_CONTROL","SETFCAP","MAC_OVERRIDE","MAC_ADMIN","SYSLOG","WAKE_ALARM","BLOCK_SUSPEND","AUDIT_READ","PERFMON","BPF","CHECKPOINT_RESTORE"]
		| map("CAP_" + .) | {bounding: ., effective: ., permitted: .})'
	ok c_run
	eq "$(sed -n 's/CapEff: //p' <<<"$output")" "$(sed -n 's/^CapEff:\t//p' /proc/self/status)"
}

@test "capabilities: effective beyond permitted is refused or cut, never more" {
	caps '{bounding: ["CAP_KILL","CAP_CHOWN"], permitted: ["CAP_KILL"], effective: ["CAP_KILL","CAP_CHOWN"]}'
	config '.process.user = {uid: 1000, gid: 1000}'
	try c_run
	[ "$status" != 0 ] || out_has "CapEff: 0000000000000000"
}

@test "capabilities: securebits and keepcaps are clean" {
	install_probe
	config '.process.args = ["/bin/probe", "prctl"]'
	ok c_run
	out_has "securebits 0" "keepcaps 0"
}

@test "capabilities: no_new_privs as asked" {
	script 'grep NoNewPrivs /proc/self/status'
	ok c_run
	out_is "NoNewPrivs:	1"
	config '.process.noNewPrivileges = false'
	ok c_run
	out_is "NoNewPrivs:	0"
	config 'del(.process.noNewPrivileges)'
	ok c_run
	out_is "NoNewPrivs:	0"
}

@test "capabilities: a dropped one is really gone" {
	script 'chown 1000 /tmp; echo $?'
	ok c_run
	out_is 1
	err_has "not permitted"
}
