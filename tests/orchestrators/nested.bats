#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# "husk sandbox" inside "podman run", with $HUSK as podman's runtime, too. Run it as: private-run bats nested.bats

# shellcheck disable=SC2016 # most strings are for another shell
# shellcheck disable=SC2154 # output, status and stderr are set by run
bats_require_minimum_version 1.5.0

[ -n "${ORCH_PRIVATE:-}" ] || { echo "run through tests/orchestrators/private-run" >&2; exit 1; }
load lib.bash

setup_file() {
	make_image_tar
	wrap_runtime
	set_up_podman
	podman import -q -c 'ENV PATH=/bin' "$IMAGE_TAR" "$IMAGE"
}

teardown_file() {
	podman rm -f -a -t 0
	podman rmi -f -a >/dev/null
	nothing_left
}

setup() {
	use_podman
	WORK=$BATS_TEST_TMPDIR
	mark_logs
	cp "$HUSK" "$WORK/husk"
	chmod 755 "$WORK" "$WORK/husk"
}

teardown() {
	clean_up_failure
	podman rm -f -a -t 0 >/dev/null
}

# inside PODMAN-OPTIONS... -- SANDBOX-OPTIONS... COMMAND: this machine's programs, in the container and in the sandbox
inside() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	podman run --rm --net none "${options[@]}" -v "$WORK:/w:ro" -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro "$IMAGE" \
		/w/husk sandbox "$@"
}

ASK='echo ran as $(id -u), $(grep -c "Seccomp:.2" /proc/self/status) $(grep -c "CapEff:.0*$" /proc/self/status) $(hostname)'

@test "nested: in a privileged container a sandbox is what it is outside" {
	run inside --privileged -- /bin/sh -c "$ASK"
	is "ran as 0, 1 1 sandbox"
	run inside --privileged --user 1000 -- /bin/sh -c "$ASK; ls -d /proc/[0-9]* | wc -l"
	has "ran as 1000, 1 1 sandbox"
}

@test "nested: in an ordinary container it says what is in the way, and --best-effort does without" {
	run inside -- /bin/sh -c 'echo ran'
	[ "$status" -ne 0 ]
	has "/proc"
	lacks ran
	run inside --security-opt unmask=ALL -- /bin/sh -c 'echo ran'
	if [ "$status" -ne 0 ]; then
		has "set hostname"
		has "--best-effort"
	fi
	run inside -- --best-effort --report fd:2 /bin/sh -c "$ASK"
	has "ran as 0, 1 1"
	has '"weakened":["'
	has "/proc: the one of the container around"
	equal "$status" 0
}

@test "nested: with /proc unmasked, and a filter that lets a name be set, it is whole" {
	run inside --security-opt unmask=ALL --cap-add sys_admin -- /bin/sh -c "$ASK"
	is "ran as 0, 1 1 sandbox"
	run inside --security-opt unmask=ALL --security-opt seccomp=unconfined -- --report fd:2 /bin/sh -c "$ASK"
	has "ran as 0, 1 1 sandbox"
	lacks '"weakened"'
}

@test "nested: limits and verdicts; memory is limited, or refused" {
	run inside --privileged -- --wall-time 1s --report fd:2 /bin/sleep 100
	equal "$status" 137
	has '"verdict":"wall-time"'
	run inside --privileged -- --memory 64M --report fd:2 /bin/true
	if [ "$status" -eq 0 ]; then
		has '"oomKills"'
	else
		has "control group"
	fi
	run inside --privileged -- --output-limit 100 --report fd:2 /bin/sh -c 'while :; do echo y; done'
	equal "$status" 137
	has '"verdict":"output"'
}

@test "nested: what the policy kills for is named, also below podman's own filter" {
	[ -x /usr/bin/python3 ] && [ "$(uname -m)" = x86_64 ] || skip "needs python3, and x86-64"
	run inside --privileged -- --report fd:2 /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, 0, 0)'
	equal "$status" 159
	has '"name":"kexec_load"'
}
