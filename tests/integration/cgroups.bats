#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# linux.cgroupsPath and linux.resources, on v1 and on v2.

load lib

# cg CONTROLLER: the container's directory
cg() { cgroup_of "$(pid_of)" "$1"; }

# limit CONTROLLER V1FILE V1VALUE V2FILE V2VALUE
limit()
{
	if [ $CGROUP = v2 ]; then
		[ -n "$4" ] || return 0
		eq "$4=$(cat "$(cg "$1")/$4")" "$4=$5"
	else
		[ -n "$2" ] || return 0
		eq "$2=$(cat "$(cg "$1")/$2")" "$2=$3"
	fi
}

# resources JQ: a created container with them
resources()
{
	config ".linux.resources = $1"
	ok c_create
}

@test "cgroups: a container has one of its own in every hierarchy" {
	ok c_create
	while IFS=: read -r nr names path; do
		case $names in
		# Not mounted everywhere; and another test may have mounted one for itself.
		hugetlb | misc | net_cls* | net_prio* | rdma) continue ;;
		esac
		[[ $path == *"$ID"* ]] || { echo "$nr:$names:$path" >&2; return 1; }
	done <"/proc/$(pid_of)/cgroup"
}

@test "cgroups: an absolute path is below the mount point" {
	config ".linux.cgroupsPath = \"/$T-top\""
	ok c_create
	eq "$(cg pids)" "$(root_of pids)/$T-top"
}

root_of() { if [ $CGROUP = v2 ]; then echo /sys/fs/cgroup; else echo "/sys/fs/cgroup/$1"; fi; }

@test "cgroups: a nested path" {
	config ".linux.cgroupsPath = \"/$T-top/mid/leaf\""
	ok c_create
	eq "$(cg pids)" "$(root_of pids)/$T-top/mid/leaf"
	ok husk delete --force "$ID"
	for d in /sys/fs/cgroup/{*/,}$T-top; do
		[ ! -e "$d/mid/leaf" ]
		rmdir "$d/mid" "$d" 2>/dev/null || true
	done
}

@test "cgroups: a relative path is the same place every time" {
	config ".linux.cgroupsPath = \"$T-rel\""
	ok c_create
	first=$(cg pids)
	[[ $first == *"$T-rel" ]]
	ok husk delete --force "$ID"
	ok c_create "$T-2"
	eq "$(cgroup_of "$(pid_of "$T-2")" pids)" "$first"
}

@test "cgroups: a path with .. does not leave the hierarchy" {
	# crun 1.8.1: may fail because it follows it
	config ".linux.cgroupsPath = \"/$T-a/../../../$T-b\""
	try c_create
	if [ "$status" = 0 ]; then
		[[ $(cg pids) == /sys/fs/cgroup/* ]]
	fi
	[ ! -e "/sys/fs/$T-b" ]
	[ ! -e "/sys/$T-b" ]
}

@test "cgroups: a cgroup in use is refused" {
	# crun 1.8.1: fails because it moves in
	config ".linux.cgroupsPath = \"/$T-shared\""
	sleeper
	ok c_run "$T-1" -d
	fails c_create "$T-2"
	err_has cgroup
	status_is running "$T-1"
}

@test "cgroups: a cgroup that exists and is empty is used" {
	# only what create made is deleted; some remove it all the same
	config ".linux.cgroupsPath = \"/$T-old\""
	mkdir "$(root_of pids)/$T-old"
	ok c_run
	rmdir "$(root_of pids)/$T-old" 2>/dev/null || true
}

@test "cgroups: the members are the container's processes" {
	c_sleeper
	grep -qx "$(pid_of)" "$(cg pids)/cgroup.procs"
	ok husk exec -d --pid-file "$TEST_DIR/pid" "$ID" sleep 1000
	grep -qx "$(cat "$TEST_DIR/pid")" "$(cg pids)/cgroup.procs"
}

@test "cgroups: memory limit, reservation" {
	resources '{memory: {limit: 67108864, reservation: 33554432}}'
	limit memory memory.limit_in_bytes 67108864 memory.max 67108864
	limit memory memory.soft_limit_in_bytes 33554432 memory.low 33554432
}

@test "cgroups: memory and swap: v2 takes the difference" {
	if [ $CGROUP = v1 ]; then
		[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || skip "needs swap accounting"
	fi
	resources '{memory: {limit: 67108864, swap: 100663296}}'
	if [ $CGROUP = v2 ] && [ ! -e "$(cg memory)/memory.swap.max" ]; then
		skip "needs swap accounting"
	fi
	limit memory memory.memsw.limit_in_bytes 100663296 memory.swap.max 33554432
}

@test "cgroups: memory -1 is no limit" {
	resources '{memory: {limit: -1, swap: -1}}'
	limit memory memory.limit_in_bytes 9223372036854771712 memory.max max
}

@test "cgroups: swappiness and disableOOMKiller on v1" {
	requires_cgroup v1
	resources '{memory: {swappiness: 33, disableOOMKiller: true}}'
	eq "$(cat "$(cg memory)/memory.swappiness")" 33
	grep -q "oom_kill_disable 1" "$(cg memory)/memory.oom_control"
}

@test "cgroups: swappiness on v2 is refused, disableOOMKiller not silently kept" {
	# crun 1.8.1: may fail because it leaves the cgroups of a create that failed
	requires_cgroup v2
	config '.linux.resources.memory = {swappiness: 33}'
	fails c_create
	err_has swappiness
}

@test "cgroups: swap below the limit is refused" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	config '.linux.resources.memory = {limit: 67108864, swap: 33554432}'
	fails c_create
	err_has_any swap memsw
}

@test "cgroups: cpu shares quota period" {
	# crun 1.8.1: may fail because its formula for v2 is the older, linear one
	resources '{cpu: {shares: 512, quota: 20000, period: 40000}}'
	limit cpu cpu.shares 512 cpu.weight 59
	limit cpu cpu.cfs_quota_us 20000 cpu.max "20000 40000"
	limit cpu cpu.cfs_period_us 40000 cpu.max "20000 40000"
}

@test "cgroups: shares are converted so that 1024 is the default weight" {
	# crun 1.8.1: fails because it has the older, linear formula
	requires_cgroup v2
	for pair in 2:1 512:59 1024:100 2048:174 262144:10000; do
		resources "{cpu: {shares: ${pair%:*}}}"
		limit cpu "" "" cpu.weight "${pair#*:}"
		ok husk delete --force "$ID"
	done
}

@test "cgroups: cpu quota alone, period alone" {
	resources '{cpu: {quota: 30000}}'
	limit cpu cpu.cfs_quota_us 30000 cpu.max "30000 100000"
	ok husk delete --force "$ID"
	resources '{cpu: {period: 50000}}'
	limit cpu cpu.cfs_period_us 50000 cpu.max "max 50000"
}

@test "cgroups: cpu quota below zero is no limit" {
	# crun 1.8.1: fails because it writes -1 as an unsigned number
	resources '{cpu: {quota: -1, period: 100000}}'
	limit cpu cpu.cfs_quota_us -1 cpu.max "max 100000"
}

@test "cgroups: cpu burst" {
	# crun 1.8.1: fails because it has no burst
	resources '{cpu: {quota: 20000, period: 40000, burst: 15000}}'
	limit cpu cpu.cfs_burst_us 15000 cpu.max.burst 15000
}

@test "cgroups: cpu idle" {
	# crun 1.8.1: may fail because v1 has no such file to it
	resources '{cpu: {idle: 1}}'
	limit cpu cpu.idle 1 cpu.idle 1
}

@test "cgroups: cpu realtime on v1" {
	requires_cgroup v1
	[ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || skip "needs build machine: realtime groups"
	# Neither is what a new group has, and the runtime would be too much for a period that is not written first.
	resources '{cpu: {realtimePeriod: 2000000, realtimeRuntime: 1500}}'
	eq "$(cat "$(cg cpu)/cpu.rt_period_us")" 2000000
	eq "$(cat "$(cg cpu)/cpu.rt_runtime_us")" 1500
	ok husk update --cpu-rt-period 1000000 --cpu-rt-runtime 1000 "$ID"
	eq "$(cat "$(cg cpu)/cpu.rt_period_us")" 1000000
	eq "$(cat "$(cg cpu)/cpu.rt_runtime_us")" 1000
}

@test "cgroups: cpu realtime that the kernel has no file for is refused" {
	[ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || skip "needs test VM: no realtime groups"
	config '.linux.resources.cpu = {realtimePeriod: 1000000}'
	fails c_create
	err_has realtime
}

@test "cgroups: cpuset" {
	resources '{cpu: {cpus: "0", mems: "0"}}'
	limit cpuset cpuset.cpus 0 cpuset.cpus 0
	limit cpuset cpuset.mems 0 cpuset.mems 0
	script 'grep Cpus_allowed_list /proc/self/status'
}

@test "cgroups: cpuset with a processor that does not exist" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	config '.linux.resources.cpu = {cpus: "9999"}'
	fails c_create
	err_has_any cpuset cpus
}

@test "cgroups: cpuset in a nested path: the levels above get what they need" {
	config ".linux.cgroupsPath = \"/$T-top/leaf\" | .linux.resources.cpu = {cpus: \"0\", mems: \"0\"}"
	ok c_create
	limit cpuset cpuset.cpus 0 cpuset.cpus 0
	ok husk delete --force "$ID"
	for d in /sys/fs/cgroup/{*/,}$T-top; do
		rmdir "$d" 2>/dev/null || true
	done
}

@test "cgroups: pids limit, and it holds" {
	install_probe
	config '.linux.resources.pids = {limit: 10} | .process.args = ["/bin/probe", "spawn", "30"]'
	ok c_run
	out_is "made 9"
}

@test "cgroups: pids limit of zero is a limit, -1 is none" {
	# crun 1.8.1: fails because 0 means max to it
	resources '{pids: {limit: -1}}'
	limit pids pids.max max pids.max max
	ok husk delete --force "$ID"
	config '.linux.resources.pids = {limit: 0}'
	ok c_create
	limit pids pids.max 0 pids.max 0
}

@test "cgroups: hugepages" {
	if [ $CGROUP = v1 ] && ! mountpoint -q /sys/fs/cgroup/hugetlb; then
		mount_v1 hugetlb
		resources '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
		eq "$(cat "$(in_v1 hugetlb)/hugetlb.2MB.limit_in_bytes")" 4194304
		eq "$(cat "$(in_v1 hugetlb)/hugetlb.2MB.rsvd.limit_in_bytes")" 4194304
		v1_is_left hugetlb
		return
	fi
	resources '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
	limit hugetlb hugetlb.2MB.limit_in_bytes 4194304 hugetlb.2MB.max 4194304
	limit hugetlb hugetlb.2MB.rsvd.limit_in_bytes 4194304 hugetlb.2MB.rsvd.max 4194304
}

# A hierarchy that was unmounted while one of its groups was still on its way out stays, in everybody's
# /proc/PID/cgroup and mounted nowhere, and containerd refuses to work beside it. Mounted once more it goes.
teardown_file()
{
	local controllers i

	on_vm || for controllers in hugetlb net_cls,net_prio; do
		for ((i = 0; i < 50; i++)); do
			is_lost "${controllers%,*}" || break
			mkdir -p "$BATS_FILE_TMPDIR/lost"
			mount -t cgroup -o "$controllers" none "$BATS_FILE_TMPDIR/lost" && umount "$BATS_FILE_TMPDIR/lost"
			sleep 0.2
		done
	done
}

# is_lost CONTROLLER: it has a hierarchy of v1, and that is mounted nowhere
is_lost()
{
	awk -v name="$1" '$1 == name && $2 { found = 1 } END { exit !found }' /proc/cgroups &&
		! awk '$3 == "cgroup" { print $4 }' /proc/mounts | tr , '\n' | grep -qx "$1"
}

# mount_v1 CONTROLLERS: a hierarchy of v1 that this machine has not mounted, for the runtime of this test alone. It goes
# with the mount namespace, and that with its holder.
mount_v1()
{
	local nsenter

	nsenter=$(command -v nsenter)
	mkdir "$TEST_DIR/v1"
	bg holder unshare --mount --propagation private sh -c \
		'mount -t cgroup -o "$1" none "$2" && echo mounted && exec sleep 1000' sh "$1" "$TEST_DIR/v1"
	HOLDER=$!
	wait_until 10 holder_is_ready || { cat "$TEST_DIR/holder.err" >&2; return 1; }
	file_has "$TEST_DIR/holder.out" mounted || skip "needs a kernel with the controllers $1 of v1, and nobody who uses them"
	printf '#!/bin/sh\nexec %s --mount --target %s -- %s "$@"\n' "$nsenter" $HOLDER "$HUSK" >"$TEST_DIR/husk"
	chmod 755 "$TEST_DIR/husk"
	HUSK=$TEST_DIR/husk
}

holder_is_ready() { file_has "$TEST_DIR/holder.out" mounted || ! kill -0 $HOLDER; }

# in_v1 CONTROLLERS: the container's directory there
in_v1() { echo "/proc/$HOLDER/root$TEST_DIR/v1$(sed -n "s/^[0-9]*:$1://p" "/proc/$(pid_of)/cgroup")"; }

# The container goes while the hierarchy can still be seen, and takes its directory along.
v1_is_left()
{
	local dir

	dir=$(in_v1 "$1")
	[[ $dir == *"$ID" && -d $dir ]] || { echo "not the container's own: $dir" >&2; return 1; }
	ok husk delete --force "$ID"
	[ ! -e "$dir" ]
}

@test "cgroups: hugepages of an unknown size are refused" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	[ $CGROUP = v2 ] || mountpoint -q /sys/fs/cgroup/hugetlb || mount_v1 hugetlb
	config '.linux.resources.hugepageLimits = [{pageSize: "3MB", limit: 1000000}]'
	fails c_create
	err_has 3MB
}

@test "cgroups: io weight" {
	# By BFQ, a module, or by the newer io controller. On v2 only children of the root have the file.
	on_vm && modprobe bfq
	[ $CGROUP = v2 ] || [ -e /sys/fs/cgroup/blkio/blkio.weight ] || skip "needs test VM: io weights"
	resources '{blockIO: {weight: 300}}'
	for f in "$(cg blkio)"/{blkio.weight,blkio.bfq.weight,io.bfq.weight,io.weight}; do
		[ -e "$f" ] && break
	done
	[ -e "$f" ] || skip "needs a kernel with io weights"
	have=$(cat "$f")
	[[ $have =~ (300|2930) ]] || { echo "$f: $have" >&2; return 1; }
}

# A disk to throttle: the numbers of one that is there.
disk()
{
	local dev

	# The test VM has no disk, but loadable modules.
	on_vm && modprobe loop max_loop=1
	for dev in /sys/block/{vd,sd,nvme,loop,zram}*; do
		[ -e "$dev/dev" ] || continue
		DISK=$(cat "$dev/dev")
		return 0
	done
	skip "needs a block device"
}

@test "cgroups: io throttling, all four" {
	disk
	resources '{blockIO: {
		throttleReadBpsDevice: [{major: '"${DISK%:*}"', minor: '"${DISK#*:}"', rate: 1048576}],
		throttleWriteBpsDevice: [{major: '"${DISK%:*}"', minor: '"${DISK#*:}"', rate: 2097152}],
		throttleReadIOPSDevice: [{major: '"${DISK%:*}"', minor: '"${DISK#*:}"', rate: 100}],
		throttleWriteIOPSDevice: [{major: '"${DISK%:*}"', minor: '"${DISK#*:}"', rate: 200}]}}'
	limit blkio blkio.throttle.read_bps_device "$DISK 1048576" io.max "$DISK rbps=1048576 wbps=2097152 riops=100 wiops=200"
	limit blkio blkio.throttle.write_bps_device "$DISK 2097152" "" ""
	limit blkio blkio.throttle.read_iops_device "$DISK 100" "" ""
	limit blkio blkio.throttle.write_iops_device "$DISK 200" "" ""
}

@test "cgroups: network class and priorities, in a hierarchy of v1 beside whatever there is" {
	mount_v1 net_cls,net_prio
	resources '{network: {classID: 1048577, priorities: [{name: "lo", priority: 7}]}}'
	eq "$(cat "$(in_v1 net_cls,net_prio)/net_cls.classid")" 1048577
	grep -qx "lo 7" "$(in_v1 net_cls,net_prio)/net_prio.ifpriomap"
	# The process is in it, and the other limits are where they always are.
	grep -qx "$(pid_of)" "$(in_v1 net_cls,net_prio)/cgroup.procs"
	ok husk update --pids-limit 77 "$ID"
	eq "$(cat "$(cg pids)/pids.max")" 77
	v1_is_left net_cls,net_prio
}

@test "cgroups: a priority of an interface that is not there" {
	mount_v1 net_cls,net_prio
	config '.linux.resources.network = {priorities: [{name: "husk-none", priority: 7}]}'
	fails c_create
	err_has net_prio.ifpriomap husk-none "no such device"
}

@test "cgroups: network class and priorities without a hierarchy for them" {
	if grep -q 'cgroup .*net_' /proc/self/mountinfo; then skip "needs a machine without net_cls and net_prio"; fi
	config '.linux.resources.network = {classID: 1048577}'
	fails c_create
	err_has network.classID "net_cls controller is not available"
	config '.linux.resources.network = {priorities: [{name: "lo", priority: 7}]}'
	fails c_create
	err_has network.priorities "net_prio controller is not available"
}

have_rdma() { grep -qsw rdma /sys/fs/cgroup/cgroup.controllers || [ -d /sys/fs/cgroup/rdma ]; }

@test "cgroups: rdma" {
	have_rdma || skip "needs test VM: rdma"
	on_vm || skip "needs test VM: a device of its own"
	requires_program rdma
	# A device on the loopback interface, in software.
	modprobe rdma_rxe
	rdma link add "${T:0:12}" type rxe netdev lo
	config --arg d "${T:0:12}" '.linux.resources.rdma = {($d): {hcaHandles: 3, hcaObjects: 10}}'
	status=0
	ok c_create && eq "$(sed 's/ *$//' "$(cg rdma)/rdma.max")" "${T:0:12} hca_handle=3 hca_object=10" || status=$?
	rdma link delete "${T:0:12}"
	return $status
}

@test "cgroups: rdma of a device that is not there" {
	config '.linux.resources.rdma = {mlx5_1: {hcaHandles: 3, hcaObjects: 10}}'
	fails c_create
	if have_rdma; then err_has rdma.max mlx5_1 "no such device"; else err_has "rdma controller is not available"; fi
}

@test "cgroups: unified writes files as they are" {
	requires_cgroup v2
	resources '{unified: {"memory.high": "50000000", "pids.max": "33", "memory.low": "1000000"}}'
	eq "$(cat "$(cg memory)/memory.high")" 49999872
	eq "$(cat "$(cg memory)/pids.max")" 33
}

@test "cgroups: unified wins over the same limit by its v1 name" {
	requires_cgroup v2
	resources '{pids: {limit: 20}, unified: {"pids.max": "33"}}'
	eq "$(cat "$(cg memory)/pids.max")" 33
}

@test "cgroups: unified with an unknown file is an error that names it" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	requires_cgroup v2
	config '.linux.resources.unified = {"memory.no_such_file": "1"}'
	fails c_create
	err_has memory.no_such_file
	config '.linux.resources.unified = {"nonsense.max": "1"}'
	fails c_create
	err_has nonsense
}

@test "cgroups: unified with a slash is refused" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	config '.linux.resources.unified = {"../pids.max": "1"}'
	fails c_create
	err_has_any unified "../pids.max"
}

@test "cgroups: unified on v1 is refused" {
	# crun 1.8.1: fails because it leaves the cgroups of a create that failed
	requires_cgroup v1
	config '.linux.resources.unified = {"memory.high": "50000000"}'
	fails c_create
	err_has unified
}

@test "cgroups: controllers are enabled all the way down" {
	requires_cgroup v2
	config ".linux.cgroupsPath = \"/$T-top/mid/leaf\" | .linux.resources = {pids: {limit: 5}, memory: {limit: 67108864}, cpu: {shares: 100}}"
	ok c_create
	[ -e "$(cg pids)/pids.max" ]
	eq "$(cat "$(cg pids)/pids.max")" 5
	ok husk delete --force "$ID"
	rmdir "/sys/fs/cgroup/$T-top/mid" "/sys/fs/cgroup/$T-top" 2>/dev/null || true
}

@test "cgroups: device rules: deny all, allow some" {
	requires_cap CAP_MKNOD
	script 'for d in "zero 1 5" "full 1 7" "kmsg 1 11"; do set -- $d; mknod /tmp/$1 c $2 $3; head -c 1 /tmp/$1 2>/dev/null | wc -c; done' \
		"$WITH_CAPS"' | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 5, access: "rwm"}, {allow: true, type: "c", access: "m"}]'
	ok c_run
	out_is $'1\n1\n0' || out_is $'1\n0\n0'
}

@test "cgroups: device rules: the last that fits wins" {
	requires_cap CAP_MKNOD
	script 'mknod /tmp/mem c 1 1; dd if=/tmp/mem bs=1 count=0 2>&1; mknod /tmp/port c 1 4 && dd if=/tmp/port bs=1 count=0 2>&1' \
		"$WITH_CAPS"' | .linux.resources.devices = [{allow: true, access: "rwm"}, {allow: false, type: "c", major: 1, minor: 1, access: "rw"}]'
	try c_run
	[[ $output == *"/tmp/mem"*"not permitted"* ]]
}

@test "cgroups: device rules: access is a set of r, w and m" {
	requires_cap CAP_MKNOD
	script 'mknod /tmp/k c 1 11 && echo made; cat /tmp/k >/dev/null' \
		"$WITH_CAPS"' | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "m"}]'
	try c_run
	out_has made
	err_has "not permitted"
}

@test "cgroups: device rules: a wildcard minor" {
	requires_cap CAP_MKNOD
	script 'mknod /tmp/k c 1 11 && dd if=/tmp/k bs=1 count=0 && echo opened' \
		"$WITH_CAPS"' | .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, access: "rwm"}]
		| .process.capabilities |= map_values(. + ["CAP_SYSLOG"])'
	try c_run
	out_has opened
}

@test "cgroups: device rules: the default devices work under deny all" {
	script 'for d in null zero full random urandom tty ptmx; do [ $d = tty ] || head -c 0 /dev/$d || echo no $d; done; echo x >/dev/null' \
		'.linux.resources.devices = [{allow: false, access: "rwm"}]'
	ok c_run
	out_is ""
}

@test "cgroups: device rules: wrong types and access are refused" {
	# crun 1.8.1: may fail because it hands them to the kernel
	config '.linux.resources.devices = [{allow: true, type: "z", access: "rwm"}]'
	fails c_create
	err_has devices
	config '.linux.resources.devices = [{allow: true, type: "c", access: "rxq"}]'
	fails c_create
	err_has devices
}

@test "cgroups: out of memory kills the program with 137" {
	install_probe
	config '.linux.resources.memory = {limit: 16777216, swap: 16777216} | .process.args = ["/bin/probe", "alloc", "64"]'
	exits 137 c_run
	out_lacks touched
}

@test "cgroups: a small limit is enough to start" {
	# 4 MiB: what the runtime itself needs must not count for much
	config '.linux.resources.memory = {limit: 4194304, swap: 4194304}'
	ok c_run
}

@test "cgroups: a limit far too small is an error, not a hang" {
	config '.linux.resources.memory = {limit: 4096}'
	try c_run
	[ "$status" != 0 ]
}

@test "cgroups: --cgroup-manager disabled leaves the caller's" {
	script 'cat /proc/self/cgroup' 'del(.linux.namespaces[] | select(.type == "cgroup"))'
	ok husk --cgroup-manager disabled run -b "$BUNDLE" "$ID"
	out_is "$(cat /proc/self/cgroup)"
}

@test "cgroups: --cgroup-manager disabled with limits is refused" {
	# crun 1.8.1: fails because it drops them in silence
	config '.linux.resources.pids = {limit: 5}'
	fails husk --cgroup-manager disabled run -b "$BUNDLE" "$ID"
	err_has cgroup
}

@test "cgroups: --cgroup-manager cgroupfs is the default" {
	ok husk --cgroup-manager cgroupfs create -b "$BUNDLE" "$ID"
	[[ $(cg pids) == *"$ID"* ]]
}

@test "cgroups: a writable mount of an own cgroup namespace can have children" {
	requires_cgroup v2
	config "$WITH_CAPS"' | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	script 'mkdir /sys/fs/cgroup/child && echo $$ >/sys/fs/cgroup/child/cgroup.procs && cat /proc/self/cgroup'
	ok c_run
	out_is 0::/child
}

@test "cgroups: ownership goes to the container's root with a writable mount" {
	requires_cgroup v2
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	script 'stat -c %u /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.subtree_control; stat -c %u /sys/fs/cgroup/memory.max; mkdir /sys/fs/cgroup/mine && echo made'
	ok c_run
	out_is $'0\n0\n65534\nmade'
}

@test "cgroups: ownership stays with root for a read-only mount" {
	# crun 1.8.1: fails because it changes the owner all the same
	requires_cgroup v2
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]'
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	script 'stat -c %u /sys/fs/cgroup/cgroup.procs'
	ok c_run
	out_is 65534
}

@test "cgroups: v1: each controller is mounted under its name" {
	requires_cgroup v1
	config '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]'
	script 'ls /sys/fs/cgroup; cat /sys/fs/cgroup/pids/cgroup.procs | head -n 1'
	ok c_run
	out_has memory pids cpu devices freezer
	eq "$(tail -n 1 <<<"$output")" 1
}

@test "cgroups: v1: the release agent cannot be written" {
	requires_cgroup v1
	config "$WITH_CAPS"' | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw"]}]'
	before=$(cat /sys/fs/cgroup/memory/release_agent)
	script 'for c in /sys/fs/cgroup/*; do echo /evil 2>/dev/null >$c/release_agent; done; true'
	try c_run
	eq "$(cat /sys/fs/cgroup/memory/release_agent)" "$before"
}

# The copies are made outside of the container. As peers of the host's mounts they would follow them.
@test "cgroups: v1: what is mounted is no peer of the host's" {
	[ "$CGROUP" = v1 ] || skip "needs cgroup v1"
	config '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]
		| .linux.namespaces -= [{type: "cgroup"}]'
	script 'grep /sys/fs/cgroup /proc/self/mountinfo'
	ok unshare -m --propagation slave sh -c 'mount --make-rshared / && exec "$@"' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_has "/sys/fs/cgroup/pids ro,"
	out_lacks shared:
	out_lacks master:
}

@test "cgroups: wrong values are refused with their place" {
	# crun 1.8.1: fails because it takes a wrong type for unset
	for r in '{memory: {limit: "1g"}}' '{cpu: {quota: 1.5}}' '{cpu: {shares: -5}}' '{pids: {limit: "x"}}' '{cpu: {cpus: 5}}'; do
		config ".linux.resources = $r"
		fails c_create
		err_has linux.resources
	done
}
