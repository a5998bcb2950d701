#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# process: cwd, environment, user, groups, umask, scheduling and the like.

load lib

probe() { install_probe; config --arg w "$1" '.process.args = ["/bin/probe", $w]'; }

@test "process: arguments arrive as they are" {
	config '.process.args = ["/bin/printf", "[%s]", "a b", "", "ä\"\\$x", "-n", "--", "new\nline"]'
	ok c_run
	out_is $'[a b][][ä"\\$x][-n][--][new\nline]'
}

@test "process: a long argument list" {
	config '.process.args = ["/bin/sh", "-c", "echo $# ${#1}", "sh"] + [range(2000) | "x" * 50]'
	ok c_run
	out_is "2000 50"
}

@test "process: no arguments is refused" {
	# crun 1.8.1: fails because it says EINVAL
	config '.process.args = []'
	fails c_run
	err_has args
	config 'del(.process.args)'
	fails c_run
	err_has args
}

@test "process: argv[0] with a path and without" {
	config '.process.args = ["sh", "-c", "echo $0"]'
	ok c_run
	out_is sh
}

@test "process: PATH of the environment finds the program" {
	mkdir "$ROOTFS/opt"
	printf '#!/bin/sh\necho opt\n' >"$ROOTFS/opt/mine"
	chmod 755 "$ROOTFS/opt/mine"
	config '.process.args = ["mine"] | .process.env = ["PATH=/nowhere:/opt:/bin", "HUSK_TEST='"$T"'"]'
	ok c_run
	out_is opt
}

@test "process: PATH skips what cannot be executed" {
	# execvp goes on after EACCES
	mkdir "$ROOTFS/one" "$ROOTFS/two"
	echo text >"$ROOTFS/one/mine"
	printf '#!/bin/sh\necho two\n' >"$ROOTFS/two/mine"
	chmod 755 "$ROOTFS/two/mine"
	config '.process.args = ["mine"] | .process.env = ["PATH=/one:/two:/bin", "HUSK_TEST='"$T"'"]'
	ok c_run
	out_is two
}

@test "process: without PATH a default is used, or the name is not found" {
	config '.process.args = ["true"] | .process.env = ["HUSK_TEST='"$T"'"]'
	try c_run
	[ "$status" = 0 ] || err_has true
}

@test "process: a relative path with a slash is taken from the cwd" {
	printf '#!/bin/sh\necho rel\n' >"$ROOTFS/tmp/mine"
	chmod 755 "$ROOTFS/tmp/mine"
	config '.process.args = ["./mine"] | .process.cwd = "/tmp"'
	ok c_run
	out_is rel
}

@test "process: the environment is exactly the list, with duplicates as they are" {
	config '.process.args = ["/bin/env"] | .process.env = ["PATH=/bin", "A=1", "EMPTY=", "HUSK_TEST='"$T"'", "HOME=/here"]'
	ok c_run
	eq "$(sort <<<"$output")" "$(printf '%s\n' PATH=/bin A=1 EMPTY= "HUSK_TEST=$T" HOME=/here | sort)"
}

@test "process: HOME comes from the image's passwd file when it is not given" {
	script 'echo $HOME'
	ok c_run
	out_is /root
	config '.process.user = {uid: 1000, gid: 1000}'
	ok c_run
	out_is /home/user
}

@test "process: HOME of a user that the image does not know is /" {
	# crun 1.8.1: fails because it leaves it unset
	script 'echo $HOME' '.process.user = {uid: 4242, gid: 4242}'
	ok c_run
	out_is /
}

@test "process: cwd" {
	script 'pwd' '.process.cwd = "/home/user"'
	ok c_run
	out_is /home/user
}

@test "process: cwd with links and dots, inside the root" {
	ln -s home/user "$ROOTFS/link"
	script 'pwd -P' '.process.cwd = "/link/../user/."'
	ok c_run
	out_is /home/user
}

@test "process: cwd in a mount of the container" {
	script 'pwd; touch here' '.process.cwd = "/vol/x" | .mounts += [{destination: "/vol", type: "tmpfs", source: "t"}, {destination: "/vol/x", type: "tmpfs", source: "t"}]'
	ok c_run
	out_is /vol/x
}

@test "process: cwd that is missing is made, or refused by name" {
	config '.process.cwd = "/brand/new"'
	try c_run
	if [ "$status" != 0 ]; then
		eq "$status" 1
		err_has /brand/new
	fi
}

@test "process: cwd must be absolute" {
	# crun 1.8.1: fails because it takes it from /
	config '.process.cwd = "tmp"'
	fails c_run
	err_has cwd absolute
}

@test "process: cwd is required" {
	config 'del(.process.cwd)'
	fails c_run
	err_has cwd
}

@test "process: cwd that is a file is refused" {
	config '.process.cwd = "/etc/passwd"'
	fails c_run
	err_has /etc/passwd
}

@test "process: cwd that only the user can enter" {
	# A directory that root without DAC rights must not be needed for.
	mkdir -m 700 "$ROOTFS/home/private"
	chown 1000:1000 "$ROOTFS/home/private"
	script 'pwd' '.process.cwd = "/home/private" | .process.user = {uid: 1000, gid: 1000}'
	ok c_run
	out_is /home/private
}

@test "process: cwd through a descriptor of the runtime is refused" {
	for fd in 3 5 7 8 9; do
		config '.process.cwd = "/proc/self/fd/'$fd'"'
		script 'pwd -P; ls'
		try c_run
		out_lacks config.json
		[ "$status" != 0 ] || [[ $output == /* ]]
	done
}

@test "process: user, group and additional groups" {
	script 'id -u; id -g; id -G' '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 2000]}'
	ok c_run
	eq "$(sed -n 1,2p <<<"$output" | tr '\n' ' ')" "1000 1001 "
	[[ " $(sed -n 3p <<<"$output") " == *" 5 "* && " $(sed -n 3p <<<"$output") " == *" 2000 "* ]]
}

@test "process: groups of the caller do not stay" {
	script 'grep Groups /proc/self/status | tr -d " \t"'
	ok setpriv --groups 44,55 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is Groups:
}

@test "process: run.oci.keep_original_groups keeps them" {
	script 'grep Groups /proc/self/status | tr -s " \t" " "' '.annotations = {"run.oci.keep_original_groups": "1"}'
	ok setpriv --groups 44,55 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_has "44 55"
}

@test "process: many additional groups" {
	script 'id -G | wc -w' '.process.user.additionalGids = [range(3000; 3500)]'
	ok c_run
	((output >= 500))
}

@test "process: umask" {
	script 'umask; touch /tmp/f; stat -c %a /tmp/f' '.process.user.umask = 7'
	ok c_run
	out_is $'0007\n660'
}

@test "process: umask 0 is a value, not absence" {
	# crun 1.8.1: may fail because it takes 0 for unset
	script umask '.process.user.umask = 0'
	ok sh_with 'umask 0077' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is 0000
}

@test "process: an absent umask is the caller's" {
	# crun 1.8.1: fails because it sets 022
	script umask
	ok sh_with 'umask 0027' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is 0027
}

@test "process: oomScoreAdj" {
	script 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 123'
	ok c_run
	out_is 123
}

@test "process: an absent oomScoreAdj is not touched" {
	script 'cat /proc/self/oom_score_adj'
	ok sh_with 'echo 77 >/proc/self/oom_score_adj' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is 77
}

@test "process: oomScoreAdj 0 is set" {
	requires_cap CAP_SYS_RESOURCE
	script 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 0'
	ok sh_with 'echo 77 >/proc/self/oom_score_adj' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is 0
}

@test "process: lowering oomScoreAdj without the right to is an error that names it" {
	if have_cap CAP_SYS_RESOURCE; then
		skip "needs build machine: no CAP_SYS_RESOURCE"
	fi
	config '.process.oomScoreAdj = -900'
	fails c_run
	err_has_any oom_score_adj oomScoreAdj
}

@test "process: oomScoreAdj out of range is refused" {
	config '.process.oomScoreAdj = 1001'
	fails c_run
	err_has_any oom_score_adj oomScoreAdj
}

@test "process: personality LINUX32" {
	# crun 1.8.1: may fail because it gives it to exec only
	probe personality
	config '.linux.personality = {domain: "LINUX32"}'
	ok c_run
	out_is 0x8
}

@test "process: personality LINUX, and none" {
	probe personality
	ok c_run
	out_is 0x0
	config '.linux.personality = {domain: "LINUX"}'
	ok c_run
	out_is 0x0
}

@test "process: an unknown personality is refused" {
	config '.linux.personality = {domain: "PDP11"}'
	fails c_run
	err_has PDP11
}

@test "process: uname says i686 under LINUX32, in exec too" {
	c_sleeper "$ID" '.linux.personality = {domain: "LINUX32"}'
	ok husk exec "$ID" uname -m
	[[ $output != x86_64 ]]
}

@test "process: scheduler SCHED_BATCH with nice" {
	# crun 1.8.1: fails because it has no scheduler
	probe sched
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}'
	ok c_run
	out_has "policy 3 nice 5"
}

@test "process: scheduler SCHED_IDLE" {
	# crun 1.8.1: fails because it has no scheduler
	probe sched
	config '.process.scheduler = {policy: "SCHED_IDLE"}'
	ok c_run
	out_has "policy 5"
}

@test "process: scheduler SCHED_OTHER with nice" {
	# crun 1.8.1: fails because it has no scheduler
	probe sched
	config '.process.scheduler = {policy: "SCHED_OTHER", nice: -3}'
	ok c_run
	out_has "policy 0 nice -3"
}

@test "process: schedulers SCHED_FIFO and SCHED_RR with priority and reset-on-fork" {
	# crun 1.8.1: fails because it has no scheduler
	requires_realtime
	probe sched
	config '.process.scheduler = {policy: "SCHED_FIFO", priority: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	ok c_run
	out_has "policy 1" "priority 7" "flags 1"
	config '.process.scheduler = {policy: "SCHED_RR", priority: 3}'
	ok c_run
	out_has "policy 2" "priority 3"
}

# v1 groups without a realtime budget of their own run no realtime program.
requires_realtime()
{
	requires_cap CAP_SYS_NICE
	if [ $CGROUP = v1 ] && [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
		skip "needs test VM: realtime without group scheduling"
	fi
}

@test "process: scheduler SCHED_DEADLINE" {
	# crun 1.8.1: fails because it has no scheduler
	requires_cap CAP_SYS_NICE
	requires_realtime
	probe sched
	config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 10000000, deadline: 30000000, period: 40000000}'
	ok c_run
	out_has "policy 6" "runtime 10000000 deadline 30000000 period 40000000"
}

@test "process: wrong schedulers are refused" {
	# crun 1.8.1: fails because it has no scheduler
	config '.process.scheduler = {policy: "SCHED_PSYCHIC"}'
	fails c_run
	err_has SCHED_PSYCHIC
	config '.process.scheduler = {policy: "SCHED_OTHER", flags: ["SCHED_FLAG_NONE"]}'
	fails c_run
	err_has SCHED_FLAG_NONE
}

@test "process: exec has the scheduler of the configuration" {
	# crun 1.8.1: fails because it has no scheduler
	install_probe
	c_sleeper "$ID" '.process.scheduler = {policy: "SCHED_BATCH", nice: 4}'
	ok husk exec "$ID" /bin/probe sched
	out_has "policy 3 nice 4"
}

@test "process: ioPriority best effort and idle" {
	# crun 1.8.1: fails because it has no ioPriority
	probe ioprio
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	ok c_run
	out_is "class 2 priority 6"
	config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	ok c_run
	out_has "class 3"
}

@test "process: ioPriority realtime" {
	# crun 1.8.1: fails because it has no ioPriority
	probe ioprio
	config '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 1}'
	ok c_run
	out_is "class 1 priority 1"
}

@test "process: wrong ioPriority is refused" {
	# crun 1.8.1: fails because it has no ioPriority
	config '.process.ioPriority = {class: "IOPRIO_CLASS_GOLD", priority: 1}'
	fails c_run
	err_has IOPRIO_CLASS_GOLD
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 9}'
	fails c_run
	err_has ioPriority
}

@test "process: memoryPolicy" {
	# crun 1.8.1: fails because it has no memoryPolicy
	[ -e /sys/devices/system/node ] || skip "needs a kernel with NUMA"
	probe mempolicy
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0"}'
	ok c_run
	out_is "mode 2 nodes 0x1"
	config '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	ok c_run
	out_is "mode 32771 nodes 0x1"
	config '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	ok c_run
	out_has "mode 4"
	config '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
	ok c_run
	out_has "mode 0"
}

@test "process: wrong memory policies are refused" {
	# crun 1.8.1: fails because it has no memoryPolicy
	config '.linux.memoryPolicy = {mode: "MPOL_TELEPATHIC", nodes: "0"}'
	fails c_run
	err_has MPOL_TELEPATHIC
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "zero"}'
	fails c_run
	err_has nodes
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_MAGIC"]}'
	fails c_run
	err_has MPOL_F_MAGIC
}

@test "process: execCPUAffinity is for exec" {
	# crun 1.8.1: fails because it has no execCPUAffinity
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	c_sleeper "$ID" '.process.execCPUAffinity = {initial: "0", final: "1"}'
	ok husk exec "$ID" grep Cpus_allowed_list /proc/self/status
	out_is "Cpus_allowed_list:	1"
	eq "$(grep Cpus_allowed_list "/proc/$(pid_of)/status")" "$(grep Cpus_allowed_list /proc/self/status)"
}

@test "process: execCPUAffinity of a process file" {
	# crun 1.8.1: fails because it has no execCPUAffinity
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	c_sleeper
	jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {final: "0"}' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
	ok husk exec -p "$TEST_DIR/p.json" "$ID"
	out_is "Cpus_allowed_list:	0"
}

@test "process: a wrong processor list is refused" {
	# crun 1.8.1: fails because it has no execCPUAffinity
	config '.process.execCPUAffinity = {initial: "0-x"}'
	fails c_create
	err_has execCPUAffinity
}

@test "process: the processors are those of the cgroup, not of the caller's affinity" {
	# crun 1.8.1: fails because it keeps what it has inherited; 1.10 and runc 1.2.7 do not
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	all=$(grep Cpus_allowed_list /proc/self/status)
	script 'grep Cpus_allowed_list /proc/self/status'
	ok taskset -c 1 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is "$all"
	# The control: with no cgroup to say otherwise it is inherited.
	ok taskset -c 1 "${HUSK_CMD[@]}" --cgroup-manager disabled run -b "$BUNDLE" "$ID"
	out_is "Cpus_allowed_list:	1"
	c_sleeper
	ok taskset -c 1 "${HUSK_CMD[@]}" exec "$ID" grep Cpus_allowed_list /proc/self/status
	out_is "$all"
}

@test "process: the processors are those of the cpuset that was asked for" {
	[ "$(nproc)" -ge 2 ] || skip "needs two processors"
	requires_controller cpuset
	script 'grep Cpus_allowed_list /proc/self/status' '.linux.resources.cpu = {cpus: "0", mems: "0"}'
	ok taskset -c 1 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is "Cpus_allowed_list:	0"
}

@test "process: apparmorProfile where there is no AppArmor" {
	[ -d /sys/kernel/security/apparmor ] && skip "needs build machine: no AppArmor"
	# crun 1.8.1: may fail because it ignores the profile
	config '.process.apparmorProfile = "unconfined-husk-test"'
	try c_run
	[ "$status" = 0 ] || err_has apparmor
}

@test "process: nice of the caller is kept" {
	probe sched
	ok nice -n 3 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_has "nice 3"
}

@test "process: dumpable, no parent death signal" {
	probe prctl
	ok c_run
	out_has "dumpable 1" "pdeathsig 0"
}

@test "process: a session of its own" {
	install_probe
	config '.process.args = ["/bin/probe", "tty"]'
	ok c_run
	out_has "session leader"
}
