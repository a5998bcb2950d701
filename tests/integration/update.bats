#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# update: limits of a running container, from flags and from JSON.

load lib

# value CONTROLLER V1FILE V2FILE: what the kernel says for the container now
value()
{
	local dir

	dir=$(cgroup_of "$(pid_of)" "$1")
	if [ $CGROUP = v2 ]; then
		cat "$dir/$3"
	else
		cat "$dir/$2"
	fi
}

# is CONTROLLER V1FILE V1VALUE V2FILE V2VALUE
is()
{
	if [ $CGROUP = v2 ]; then
		eq "$(value "$1" "$2" "$4")" "$5"
	else
		eq "$(value "$1" "$2" "$4")" "$3"
	fi
}

@test "update: --memory" {
	c_sleeper
	ok husk update --memory 67108864 "$ID"
	out_is ""
	is memory memory.limit_in_bytes 67108864 memory.max 67108864
}

@test "update: --memory-reservation" {
	c_sleeper
	ok husk update --memory-reservation 33554432 "$ID"
	is memory memory.soft_limit_in_bytes 33554432 memory.low 33554432
}

@test "update: --memory up and down again with --memory-swap" {
	# v1 wants memsw >= limit at every moment: the order depends on the direction
	requires_swap_accounting
	c_sleeper
	ok husk update --memory 67108864 --memory-swap 134217728 "$ID"
	is memory memory.memsw.limit_in_bytes 134217728 memory.swap.max 67108864
	ok husk update --memory 268435456 --memory-swap 536870912 "$ID"
	is memory memory.memsw.limit_in_bytes 536870912 memory.swap.max 268435456
	ok husk update --memory 33554432 --memory-swap 67108864 "$ID"
	is memory memory.limit_in_bytes 33554432 memory.max 33554432
	is memory memory.memsw.limit_in_bytes 67108864 memory.swap.max 33554432
}

requires_swap_accounting()
{
	if [ $CGROUP = v2 ]; then
		[ -e /sys/fs/cgroup/cgroup.controllers ] && grep -q . /proc/swaps
	else
		[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || skip "needs swap accounting"
	fi
}

@test "update: --memory -1 is no limit" {
	c_sleeper
	ok husk update --memory 67108864 "$ID"
	ok husk update --memory -1 --memory-swap -1 "$ID"
	is memory memory.limit_in_bytes 9223372036854771712 memory.max max
}

@test "update: --cpu-quota and --cpu-period" {
	c_sleeper
	ok husk update --cpu-period 50000 --cpu-quota 25000 "$ID"
	is cpu cpu.cfs_quota_us 25000 cpu.max "25000 50000"
	is cpu cpu.cfs_period_us 50000 cpu.max "25000 50000"
}

@test "update: --cpu-quota alone keeps the period, and -1 lifts it" {
	# crun 1.8.1: fails because it writes -1 as an unsigned number
	c_sleeper "$ID" '.linux.resources.cpu = {quota: 20000, period: 40000}'
	ok husk update --cpu-quota 10000 "$ID"
	is cpu cpu.cfs_quota_us 10000 cpu.max "10000 40000"
	is cpu cpu.cfs_period_us 40000 cpu.max "10000 40000"
	ok husk update --cpu-quota -1 "$ID"
	is cpu cpu.cfs_quota_us -1 cpu.max "max 40000"
}

@test "update: --cpu-period alone keeps the quota" {
	# crun 1.8.1: may fail because on v2 it writes only what it was given
	c_sleeper "$ID" '.linux.resources.cpu = {quota: 20000, period: 40000}'
	ok husk update --cpu-period 50000 "$ID"
	is cpu cpu.cfs_quota_us 20000 cpu.max "20000 50000"
	is cpu cpu.cfs_period_us 50000 cpu.max "20000 50000"
}

@test "update: --cpu-burst" {
	# crun 1.8.1: fails because it has no such flag
	c_sleeper "$ID" '.linux.resources.cpu = {quota: 20000, period: 40000}'
	ok husk update --cpu-burst 10000 "$ID"
	is cpu cpu.cfs_burst_us 10000 cpu.max.burst 10000
}

@test "update: --cpu-share is converted to a weight on v2" {
	# crun 1.8.1: may fail because its formula for v2 is the older, linear one
	c_sleeper
	ok husk update --cpu-share 2048 "$ID"
	is cpu cpu.shares 2048 cpu.weight 174
}

@test "update: --cpuset-cpus and --cpuset-mems" {
	c_sleeper
	ok husk update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	is cpuset cpuset.cpus 0 cpuset.cpus 0
	is cpuset cpuset.mems 0 cpuset.mems 0
}

@test "update: --pids-limit" {
	# crun 1.8.1: fails because it writes -1 as an unsigned number
	c_sleeper
	ok husk update --pids-limit 23 "$ID"
	is pids pids.max 23 pids.max 23
	ok husk update --pids-limit -1 "$ID"
	is pids pids.max max pids.max max
}

@test "update: --pids-limit 0 is a limit of zero" {
	# crun 1.8.1: fails because 0 means max to it
	c_sleeper
	ok husk update --pids-limit 0 "$ID"
	is pids pids.max 0 pids.max 0
}

@test "update: --blkio-weight" {
	# crun 1.8.1: fails because it knows only blkio.weight, not the file of BFQ
	# Files of BFQ or of the newer io controller, when the kernel has either.
	c_sleeper
	dir=$(cgroup_of "$(pid_of)" blkio)
	for file in "$dir"/{blkio.weight,blkio.bfq.weight,io.bfq.weight,io.weight}; do
		[ -e "$file" ] && break
	done
	[ -e "$file" ] || skip "needs test VM: a kernel with io weights"
	ok husk update --blkio-weight 200 "$ID"
	have=$(cat "$file")
	[[ $have =~ (200|1920) ]] || { echo "$file: $have" >&2; return 1; }
}

@test "update: --cpu-idle" {
	# crun 1.8.1: fails because it has no such flag
	c_sleeper
	dir=$(cgroup_of "$(pid_of)" cpu)
	[ -e "$dir/cpu.idle" ] || skip "needs a kernel with cpu.idle"
	ok husk update --cpu-idle 1 "$ID"
	eq "$(cat "$dir/cpu.idle")" 1
}

@test "update: --resources from a file" {
	# crun 1.8.1: may fail because its formula for v2 is the older, linear one
	echo '{"memory": {"limit": 67108864}, "pids": {"limit": 12}, "cpu": {"shares": 512}}' >"$TEST_DIR/res.json"
	c_sleeper
	ok husk update --resources "$TEST_DIR/res.json" "$ID"
	is memory memory.limit_in_bytes 67108864 memory.max 67108864
	is pids pids.max 12 pids.max 12
	is cpu cpu.shares 512 cpu.weight 59
}

@test "update: --resources=- from stdin" {
	c_sleeper
	echo '{"pids": {"limit": 13}}' | husk update --resources - "$ID"
	is pids pids.max 13 pids.max 13
	echo '{"pids": {"limit": 14}}' | husk update -r - "$ID"
	is pids pids.max 14 pids.max 14
}

@test "update: what is not named stays" {
	c_sleeper "$ID" '.linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}'
	ok husk update --pids-limit 30 "$ID"
	is memory memory.limit_in_bytes 67108864 memory.max 67108864
	is pids pids.max 30 pids.max 30
}

@test "update: a created container" {
	ok c_create
	ok husk update --pids-limit 9 "$ID"
	is pids pids.max 9 pids.max 9
}

@test "update: kernel memory flags are taken and have no effect" {
	c_sleeper
	ok husk update --kernel-memory 1000000 --kernel-memory-tcp 1000000 --pids-limit 5 "$ID"
	is pids pids.max 5 pids.max 5
}

@test "update: numbers that are none are refused" {
	# crun 1.8.1: fails because it reads as far as it can
	c_sleeper
	for n in x 1x '' 1.5 99999999999999999999999; do
		fails husk update --memory "$n" "$ID"
		err_has memory
	done
}

@test "update: broken JSON and wrong types are refused with their place" {
	# crun 1.8.1: fails because it takes a wrong type for unset
	c_sleeper
	echo '{"memory": {"limit": "much"}}' >"$TEST_DIR/res.json"
	fails husk update -r "$TEST_DIR/res.json" "$ID"
	err_has memory.limit
	echo '{"memory": ' >"$TEST_DIR/res.json"
	fails husk update -r "$TEST_DIR/res.json" "$ID"
	err_has res.json
	fails husk update -r "$TEST_DIR/none.json" "$ID"
	err_has none.json
}

@test "update: what the kernel refuses is named" {
	c_sleeper
	fails husk update --cpuset-cpus 9999 "$ID"
	err_has cpus
}

@test "update: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk update --pids-limit 5 "$ID"
	err_has "does not exist"
}

@test "update: a stopped container is refused" {
	# crun 1.8.1: may fail because it names the missing cgroup file
	c_stopped
	fails husk update --pids-limit 5 "$ID"
	err_has_any "not running" stopped
}

@test "update: intelRdt flags are refused in clear words" {
	# crun 1.8.1: fails because it has no such flags
	c_sleeper
	fails husk update --l3-cache-schema 'L3:0=f' "$ID"
	err_has_any rdt l3
	err_has_any "not supported" unsupported "not implemented"
	fails husk update --mem-bw-schema 'MB:0=20' "$ID"
}

@test "update: device rules from --resources" {
	# podman and kubelets send them back with every update
	# crun 1.8.1: may fail because v1 answers EPERM from a nested cgroup
	c_sleeper "$ID" '.linux.resources.devices = [{allow: false, access: "rwm"}]'
	ok husk exec "$ID" sh -c 'echo >/dev/null'
	echo '{"devices": [{"allow": false, "access": "rwm"}], "pids": {"limit": 50}}' >"$TEST_DIR/res.json"
	ok husk update -r "$TEST_DIR/res.json" "$ID"
	is pids pids.max 50 pids.max 50
	ok husk exec "$ID" sh -c 'echo >/dev/null'
}
