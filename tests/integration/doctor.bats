#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor: what it says of this host, against what other programs find when they try the same.

load lib
load sandbox

setup() { sandbox_setup; }

root_doctor() { husk doctor "$@"; }
user_doctor() { as_user "${HUSK_TIMED[@]}" "$USER_HUSK" doctor "$@"; }

# The state of one check, and of all, from the JSON in "output".
state_of() { jq -r --arg name "$1" '.checks[] | select(.name == $name) | .state' <<<"$output"; }

# agrees NAME TRIAL...: "ok" where the trial succeeds, "missing" where it does not
agrees()
{
	local name=$1 want=ok

	shift
	"$@" >/dev/null 2>&1 || want=missing
	eq "$name $(state_of "$name")" "$name $want"
}

# The whole list, held against trials by PREFIX ("" for root, as_user for a user).
holds_against()
{
	local as=$1 here=$TEST_DIR/here

	agrees user $as unshare -Ur true
	agrees mnt $as unshare -Urm true
	agrees pid $as unshare -Urpf true
	agrees net $as unshare -Urn true
	agrees ipc $as unshare -Uri true
	agrees uts $as unshare -Uru true
	agrees cgroup-ns $as unshare -UrC true
	agrees tmpfs $as unshare -Urm mount -t tmpfs none /tmp
	agrees proc $as unshare -Urmpf mount -t proc none /tmp
	agrees mqueue $as unshare -Urmi mount -t mqueue none /tmp
	agrees overlay $as unshare -Urm sh -c 'mount -t tmpfs none /tmp && mkdir /tmp/l /tmp/u /tmp/w /tmp/a &&
		mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w,userxattr none /tmp/a'
	agrees cgroup-memory $as "$USER_HUSK" sandbox --memory 64M true
	agrees cgroup-cpu $as "$USER_HUSK" sandbox --cpus 0.9 true
	agrees seccomp-notify $as "$USER_HUSK" learn -o "$TEST_DIR/home/policy" true
	agrees umoci $as sh -c 'command -v umoci'
	agrees pasta $as sh -c 'command -v pasta'
}

@test "doctor: as root, it says what trials say" {
	try root_doctor --format json
	holds_against ""
}

@test "doctor: as a user, it says what trials say" {
	try user_doctor --format json
	holds_against as_user
}

@test "doctor: success means that a sandbox runs, for root and for a user" {
	local want=0

	sandbox true || want=1
	try root_doctor
	eq "$status" $want
	want=0
	usandbox true || want=1
	try user_doctor
	eq "$status" $want
	if [ "$want" = 0 ]; then
		out_has "husk sandbox has all that it needs"
	else
		out_has "does not work here without"
	fi
}

@test "doctor: only what a user lacks is missing for him" {
	try root_doctor --format json
	[ "$(state_of subids)" = ok ]
	eq "$(jq .uid <<<"$output")" 0
	# no entry, no session
	try user_doctor --format json
	[ "$(state_of subids)" = missing ]
	[ "$(state_of state)" = missing ]
	eq "$(jq .uid <<<"$output")" $SANDBOX_UID
	[ $CGROUP = v2 ] || [ "$(state_of cgroup)" = limited ]
}

@test "doctor: a limit of 0 namespaces is found, named, and fails" {
	requires_user_namespaces
	# Each user namespace has limits of its own, which its root sets.
	try unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_net_namespaces; "$@"' sh "$HUSK" doctor net
	eq "$status" 1
	out_has "missing  net" "sysctl user.max_net_namespaces="
	try unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; "$@"' sh "$HUSK" doctor
	eq "$status" 1
	out_has "sysctl user.max_user_namespaces=" "does not work here without: user, mnt"
}

@test "doctor: a covered /proc is found" {
	requires_user_namespaces
	try unshare -m sh -c 'mount --bind /dev/null /proc/version && "$@"' sh "$HUSK" doctor proc
	eq "$status" 1
	out_has "missing  proc" --best-effort
}

@test "doctor: a missing program is found in no PATH" {
	try env PATH=/nowhere "$HUSK" doctor pasta nft umoci qemu
	eq "$status" 1
	eq "$(grep -c missing <<<"$output")" 4
	out_has "install the package passt"
}

@test "doctor: a kernel without /dev/kvm, or one that may not be opened" {
	try unshare -m sh -c 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "$@"' sh "$HUSK" doctor kvm
	eq "$status" 1
	out_has "/dev/kvm: No such file"
}

@test "doctor: single checks, in the order that was asked for" {
	ok root_doctor --format json uts kernel
	eq "$(jq -r '.checks[].name' <<<"$output")" $'uts\nkernel'
	eq "$(jq .sandbox <<<"$output")" null
}

@test "doctor: mistakes" {
	fails root_doctor no-such-check
	err_has no-such-check
	fails root_doctor --format xml
	err_has xml
}

@test "doctor: every check has what it is good for, and what is missing has a remedy" {
	try user_doctor --format json
	eq "$(jq -r '.checks[] | select(.gives == "" or .detail == "") | .name' <<<"$output")" ""
	eq "$(jq -r '.checks[] | select(.state == "missing" and (.remedy // "") == "") | .name' <<<"$output")" ""
}

@test "doctor: nothing is left behind" {
	local pid

	# In mounts of its own, which nobody else changes meanwhile.
	ok unshare -m sh -c 'cat /proc/self/mountinfo >"$1"; "$2" doctor >/dev/null; cat /proc/self/mountinfo >"$3"' \
		sh "$TEST_DIR/before" "$HUSK" "$TEST_DIR/after"
	cmp "$TEST_DIR/before" "$TEST_DIR/after"
	try sh -c 'echo $$; exec "$@"' sh "$HUSK" doctor cgroup-memory cgroup-pids cgroup-cpu
	pid=${output%%$'\n'*}
	[ -z "$(find /sys/fs/cgroup -type d -name "husk-doctor-$pid")" ]
	[ -z "$(processes_with "husk-doctor-$pid" cmdline)" ]
}
