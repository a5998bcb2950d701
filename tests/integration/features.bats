#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# features: what the runtime can do, for engines that ask before they use it.

load lib

has() { jq -e "$1" <<<"$output" >/dev/null || { echo "no: $1" >&2; show; return 1; }; }

@test "features: one JSON document with the versions" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.ociVersionMin | startswith("1.0.")'
	has '.ociVersionMax | startswith("1.3.")'
}

@test "features: hooks, all six" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.hooks | sort == ["createContainer","createRuntime","poststart","poststop","prestart","startContainer"]'
}

@test "features: mount options that the specification demands" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	for opt in async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec \
		noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave \
		runbindable rw shared silent slave strictatime suid sync unbindable nosymfollow symfollow ratime rdev rdiratime rexec \
		rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow rrelatime rro rrw rstrictatime rsuid \
		rsymfollow idmap ridmap mand nomand tmpcopyup; do
		has ".mountOptions | index(\"$opt\") != null"
	done
}

@test "features: namespaces, all eight" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.linux.namespaces | sort == ["cgroup","ipc","mount","network","pid","time","user","uts"]'
}

@test "features: capabilities with their prefix" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.linux.capabilities | index("CAP_CHOWN") != null and index("CAP_CHECKPOINT_RESTORE") != null and all(startswith("CAP_"))'
}

@test "features: cgroups as they are: no systemd manager yet" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.linux.cgroup | .v1 == true and .v2 == true and (.systemd // false) == false and (.systemdUser // false) == false'
}

@test "features: seccomp actions, operators, archs and flags" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.linux.seccomp.enabled == true'
	for action in KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY; do
		has ".linux.seccomp.actions | index(\"SCMP_ACT_$action\") != null"
	done
	for op in NE LT LE EQ GE GT MASKED_EQ; do
		has ".linux.seccomp.operators | index(\"SCMP_CMP_$op\") != null"
	done
	has '.linux.seccomp.archs | index("SCMP_ARCH_X86_64") != null and index("SCMP_ARCH_AARCH64") != null and index("SCMP_ARCH_X86") != null'
	has '.linux.seccomp.knownFlags | index("SECCOMP_FILTER_FLAG_LOG") != null'
	has '.linux.seccomp.supportedFlags | index("SECCOMP_FILTER_FLAG_TSYNC") != null'
}

@test "features: intelRdt is said to be missing" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '(.linux.intelRdt.enabled // false) == false'
}

@test "features: memory policies, idmapped mounts, network devices, AppArmor, SELinux" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.linux.memoryPolicy.modes | index("MPOL_BIND") != null and index("MPOL_INTERLEAVE") != null'
	has '.linux.memoryPolicy.flags | index("MPOL_F_STATIC_NODES") != null'
	has '.linux.mountExtensions.idmap.enabled == true'
	has '.linux.netDevices.enabled == true'
	has '.linux.apparmor.enabled | type == "boolean"'
	has '.linux.selinux.enabled | type == "boolean"'
}

@test "features: annotations that may be unsafe" {
	# crun 1.8.1: fails because it has no features
	ok husk features
	has '.potentiallyUnsafeConfigAnnotations | index("run.oci.") != null'
}

@test "features: needs no privilege and no state directory" {
	# crun 1.8.1: fails because it has no features
	ok setpriv --reuid 65534 --regid 65534 --clear-groups env -i "$HUSK" features
	has .ociVersionMax
}
