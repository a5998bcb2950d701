#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What husk writes to procfs must reach the kernel's own files: CVE-2019-16884,
# CVE-2019-18837, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-52881.

load lib

# fake DIRECTORY: files where a program that trusts a path would write
fake()
{
	local pid

	for pid in self 1 thread-self; do
		mkdir -p "$1/$pid/attr/apparmor" "$1/$pid/fd"
		touch "$1/$pid"/{attr/exec,attr/apparmor/exec,attr/current,attr/keycreate,oom_score_adj,setgroups,uid_map,gid_map,status}
	done
	mkdir -p "$1/sys/net/ipv4" "$1/sys/kernel"
	touch "$1"/sys/{net/ipv4/ip_default_ttl,kernel/shmmax,kernel/core_pattern,kernel/domainname} "$1/sysrq-trigger"
}

# over DESTINATION SOURCE: a bind mount of the configuration
over()
{
	config --arg d "$1" --arg s "$2" '.mounts += [{destination: $d, type: "bind", source: $s, options: ["rbind", "rw"]}]'
}

untouched()
{
	local written

	written=$(find "$1" -type f -size +0)
	[ -z "$written" ] || { echo "written: $written" >&2; return 1; }
}

# The value of a sysctl in a process's network namespace, past any mount of its.
ttl_of() { nsenter -t "$1" -n cat /proc/sys/net/ipv4/ip_default_ttl; }

# The sysctl must be set for real, or not at all with an error; what lies over it
# must not see a byte. Shown to detect: the control writes by path, inside.
@test "procfs: a sysctl goes past everything that covers /proc" {
	sleeper '.linux.sysctl = {"net.ipv4.ip_default_ttl": "77"}'
	cp "$BUNDLE/config.json" "$TEST_DIR/plain.json"
	n=0
	for place in /proc /proc/sys /proc/sys/net /proc/sys/net/ipv4 /proc/sys/net/ipv4/ip_default_ttl; do
		n=$((n + 1))
		cp "$TEST_DIR/plain.json" "$BUNDLE/config.json"
		fake "$TEST_DIR/fake$n"
		over "$place" "$TEST_DIR/fake$n${place#/proc}"
		try c_run "$T-$n" -d
		untouched "$TEST_DIR/fake$n"
		[ "$status" = 0 ] || continue
		pid=$(pid_of "$T-$n")
		eq "$(ttl_of "$pid")" 77
		nsenter -t "$pid" -n sysctl -qw net.ipv4.ip_default_ttl=64
		ok husk exec "$T-$n" sh -c 'echo 78 >/proc/sys/net/ipv4/ip_default_ttl'
		! untouched "$TEST_DIR/fake$n" && eq "$(ttl_of "$pid")" 64
		control "a write by path below $place"
	done
	# At least one was taken: covering one's own sysctl is nobody else's business.
	[ -n "${pid:-}" ]
}

@test "procfs: a sysctl past a symlink in the image's /proc" {
	config 'del(.mounts[] | select(.destination == "/proc"))'
	script 'sleep 1000' '.linux.sysctl = {"net.ipv4.ip_default_ttl": "77"}'
	fake "$TEST_DIR/fake"
	rmdir "$ROOTFS/proc"
	cp -a "$TEST_DIR/fake" "$ROOTFS/fake"
	ln -s /fake "$ROOTFS/proc"
	try c_run "$ID" -d
	untouched "$ROOTFS/fake"
	[ "$status" = 0 ] || return 0
	eq "$(ttl_of "$(pid_of)")" 77
}

# Where no security module is on, the kernel refuses every label (EINVAL): a
# label that is "set" went to another file.
# Shown to detect: the control writes the label by path, inside.
@test "procfs: a label that exec sets does not go to what covers /proc" {
	grep -qs Y /sys/module/apparmor/parameters/enabled && skip "needs a kernel without AppArmor"
	c_sleeper "$T-0"
	fails husk exec --process-label system_u:system_r:t:s0 "$T-0" true
	n=0
	sleeper
	cp "$BUNDLE/config.json" "$TEST_DIR/plain.json"
	for place in /proc /proc/self/attr /proc/1/attr /proc/thread-self/attr; do
		n=$((n + 1))
		cp "$TEST_DIR/plain.json" "$BUNDLE/config.json"
		fake "$TEST_DIR/fake$n"
		over "$place" "$TEST_DIR/fake$n${place#/proc}"
		try c_run "$T-$n" -d
		[ "$status" = 0 ] || continue
		try husk exec --process-label system_u:system_r:t:s0 "$T-$n" true
		[ "$status" != 0 ] || { echo "a label was set below $place that the kernel does not have" >&2; return 1; }
		untouched "$TEST_DIR/fake$n"
	done
	echo label >"/proc/$(pid_of "$T-1")/root/proc/self/attr/exec"
	! untouched "$TEST_DIR/fake1"
	control "a write by path"
}

# The same with a module that takes labels: it must be in force.
# Shown to detect: the control runs without the profile, and writes by path.
@test "procfs: an AppArmor profile is in force, whatever covers /proc" {
	grep -qs Y /sys/module/apparmor/parameters/enabled || skip "needs test VM: AppArmor"
	requires_program apparmor_parser
	[ -e /sys/kernel/security/apparmor/profiles ] || mount -t securityfs securityfs /sys/kernel/security
	name=husk-test-$T
	printf 'profile %s flags=(attach_disconnected,mediate_deleted) { file, capability, network, mount, signal, }\n' "$name" >"$TEST_DIR/profile"
	apparmor_parser -Kr "$TEST_DIR/profile"
	sleeper ".process.apparmorProfile = \"$name\""
	cp "$BUNDLE/config.json" "$TEST_DIR/plain.json"
	n=0
	for place in none /proc /proc/self/attr /proc/1/attr; do
		n=$((n + 1))
		cp "$TEST_DIR/plain.json" "$BUNDLE/config.json"
		fake "$TEST_DIR/fake$n"
		[ $place = none ] || over "$place" "$TEST_DIR/fake$n${place#/proc}"
		try c_run "$T-$n" -d
		untouched "$TEST_DIR/fake$n" || break
		[ "$status" = 0 ] || continue
		pid=$(pid_of "$T-$n")
		[[ $(cat "/proc/$pid/attr/current") == "$name"* ]] || { echo "$place: $(cat "/proc/$pid/attr/current")" >&2; break; }
		husk kill "$T-$n" KILL
		wait_status stopped "$T-$n"
	done
	husk kill "$T-$n" KILL 2>/dev/null || true
	wait_status stopped "$T-1"
	[ "$place" = /proc/1/attr ] && untouched "$TEST_DIR/fake$n"
	result=$?
	cp "$TEST_DIR/plain.json" "$BUNDLE/config.json"
	config 'del(.process.apparmorProfile)'
	ok c_run "$T-9" -d
	plain=$(cat "/proc/$(pid_of "$T-9")/attr/current")
	apparmor_parser -R "$TEST_DIR/profile"
	[[ $plain != "$name"* ]]
	control "without the profile"
	return $result
}

# Shown to detect: the control writes by path, inside.
@test "procfs: oomScoreAdj goes past what covers /proc" {
	fake "$TEST_DIR/fake"
	sleeper '.process.oomScoreAdj = 321'
	over /proc "$TEST_DIR/fake"
	try c_run "$ID" -d
	untouched "$TEST_DIR/fake"
	if [ "$status" = 0 ]; then
		eq "$(cat "/proc/$(pid_of)/oom_score_adj")" 321
		jq '.process | .oomScoreAdj = 543 | .args = ["/bin/sleep", "1000"]' "$BUNDLE/config.json" >"$TEST_DIR/p.json"
		bg_exec --pid-file "$TEST_DIR/pid" --process "$TEST_DIR/p.json" "$ID"
		wait_for test -s "$TEST_DIR/pid"
		eq "$(cat "/proc/$(cat "$TEST_DIR/pid")/oom_score_adj")" 543
		end_exec
		untouched "$TEST_DIR/fake"
		echo 1 >"/proc/$(pid_of)/root/proc/self/oom_score_adj"
		! untouched "$TEST_DIR/fake"
		control "a write by path"
	fi
}

# Id maps are written while the container's mounts may already be there.
@test "procfs: id maps go past what covers /proc" {
	fake "$TEST_DIR/fake"
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	sleeper '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	over /proc "$TEST_DIR/fake"
	try c_run "$ID" -d
	untouched "$TEST_DIR/fake"
	[ "$status" = 0 ] || return 0
	eq "$(tr -s ' ' <"/proc/$(pid_of)/uid_map")" " 0 100000 65536"
}

# CVE-2023-27561 came back as a regression of an earlier one; whoever may choose
# where procfs lands has an uncovered one.
# Shown to detect: the control mounts a tmpfs through the same link, which is allowed.
@test "procfs: proc and sysfs are not mounted through a symlink" {
	mkdir "$ROOTFS/elsewhere"
	rmdir "$ROOTFS/proc" "$ROOTFS/sys"
	for what in proc sys; do
		for target in /elsewhere elsewhere ./elsewhere ../../../elsewhere / . .. /nowhere "$TEST_DIR" "$what"; do
			ln -sfn "$target" "$ROOTFS/$what"
			fails c_run
			[ ! -d "$ROOTFS/nowhere" ] || { echo "made: nowhere" >&2; return 1; }
			eq "$(readlink "$ROOTFS/$what")" "$target"
		done
		rm "$ROOTFS/$what"
		mkdir "$ROOTFS/$what"
	done
	ok c_run

	ln -s elsewhere "$ROOTFS/link"
	script 'grep -c " /elsewhere tmpfs\| /elsewhere .* - tmpfs" /proc/self/mountinfo' '.mounts += [{destination: "/link", type: "tmpfs", source: "t"}]'
	ok c_run
	out_is 1
	control "a link for a tmpfs"
}

@test "procfs: nor with a symlink on the way, nor by .. or a relative destination" {
	mkdir -p "$ROOTFS/real/proc" "$ROOTFS/real/sys"
	ln -s real "$ROOTFS/link"
	for what in proc sysfs; do
		config --arg w "$what" '.mounts |= map(if .type == $w then .destination = "/link/\($w | .[0:4] | rtrimstr("f"))" else . end)'
		fails c_run
		config --arg w "$what" '.mounts |= map(if .type == $w then .destination = "/\($w | .[0:4] | rtrimstr("f"))" else . end)'
	done
	ok c_run
	# Without a link it is a directory like others.
	config '.mounts |= map(if .type == "proc" then .destination = "/real/proc" else . end) | .process.args = ["/bin/ls", "/real/proc/self/fd"]'
	ok c_run
	control "the same without a link"
}
