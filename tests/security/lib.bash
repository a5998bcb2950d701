# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# On top of the integration tests' library: attack programs, and runtimes
# without protection that the same attacks succeed against.

load ../integration/lib

# That library looks for its helpers beside itself.
SECURITY_DIR=$BATS_TEST_DIRNAME
INTEGRATION_DIR=${SECURITY_DIR%/*}/integration

# HUSK_LONG=1: races last a minute each instead of moments. In the emulated machine
# everything takes longer.
if [ -n "${HUSK_LONG:-}" ]; then
	RACE_SECONDS=${RACE_SECONDS:-60}
elif on_vm; then
	RACE_SECONDS=${RACE_SECONDS:-12}
else
	RACE_SECONDS=${RACE_SECONDS:-2}
fi

# racing LEAST: true while the time is not over ($end), and, on a busy machine, until $n rounds are LEAST
racing()
{
	((SECONDS < end || (n < $1 && SECONDS < end + 60)))
}

# attack NAME: the path of a program of attacks/, built now when make did not
attack()
{
	local bin=$TOP_BUILDDIR/tests/security/attacks/$1 src=$SECURITY_DIR/attacks/$1.c flags

	case $1 in
	image-library | gate-library) flags="-shared -fPIC" ;;
	other-loader) flags="-static -nostdlib -fno-stack-protector -fcf-protection=none" ;;
	first-instruction) flags="-static -nostdlib -fno-stack-protector -fcf-protection=none" ;;
	*) flags="-static -I${SECURITY_DIR%/tests/security}" ;;
	esac
	if [ ! -x "$bin" ] || [ "$src" -nt "$bin" ]; then
		mkdir -p "${bin%/*}" 2>/dev/null
		[ -w "${bin%/*}" ] || bin=$BATS_FILE_TMPDIR/$1
		if [ ! -x "$bin" ] || [ "$src" -nt "$bin" ]; then
			# shellcheck disable=SC2086
			${CC:-cc} -O1 -Wall -Wextra $flags -o "$bin.$BASHPID" "$src" >&2 || return 1
			mv "$bin.$BASHPID" "$bin"
		fi
	fi
	echo "$bin"
}

# install_attack NAME...: as /bin/NAME of the container
install_attack()
{
	local name

	for name; do
		cp --remove-destination "$(attack "$name")" "$ROOTFS/bin/$name"
	done
}

# An attack on the binary that succeeds must not hurt anything but a copy: only
# what victim has made is written to (see attacks/inside.c).
# victim PROGRAM COPY
victim()
{
	{ cat "$1" && printf husk-test-victim; } >"$2" && chmod 755 "$2"
}

use_own_copy()
{
	victim "$HUSK" "$TEST_DIR/husk"
	HUSK=$TEST_DIR/husk
	HUSK_CMD=("$HUSK" --root "$ROOT")
	SUM=$(sha256sum <"$HUSK")
}

copy_is_unchanged() { eq "$(sha256sum <"$HUSK")" "$SUM"; }

# The exploits' favourite file, which a runtime that fails may change.
keep_core_pattern() { CORE=$(cat /proc/sys/kernel/core_pattern); }

restore_core_pattern()
{
	[ -z "${CORE:-}" ] || [ "$(cat /proc/sys/kernel/core_pattern)" = "$CORE" ] ||
		echo "$CORE" >/proc/sys/kernel/core_pattern
}

# The runtimes without protection, for controls: what this detector finds with
# them is what it would find with husk. Copies, since some get overwritten.
# weak_run ROOT COMMAND...: a mount namespace, /proc, chroot(1), and no more
weak_run()
{
	[ -x "$TEST_DIR/weak" ] || victim "$(command -v chroot)" "$TEST_DIR/weak"
	try unshare -m sh -c 'mount -t proc proc "$2/proc" && exec "$@"' sh "$TEST_DIR/weak" "$@"
}

# control WHAT: the test's own detector must have fired (the last command's
# status), else the test proves nothing
control()
{
	local fired=$?

	[ $fired = 0 ] || { echo "control: $1: the detector did not fire" >&2; show control; return 1; }
}

# template: keep config.json as it is now, with words in it that filled replaces.
# jq takes longer to start than a container, and some tests have many of them.
template() { TEMPLATE=$(<"$BUNDLE/config.json"); }

# filled WORD TEXT...: config.json from the template, each "WORD" as JSON text
filled()
{
	local text=$TEMPLATE value

	while [ $# -gt 0 ]; do
		value=${2//\\/\\\\}
		value=${value//\"/\\\"}
		value=${value//$'\n'/\\n}
		value=${value//$'\t'/\\t}
		value=${value//$'\x01'/\\u0001}
		text=${text//"$1"/"$value"}
		shift 2
	done
	printf '%s\n' "$text" >"$BUNDLE/config.json"
}

# The tops of the hierarchies.
cgroup_tops() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/self/mounts; }

# not COMMAND...: bats passes over a failing "! command"
not() { ! "$@"; }

# bg_exec ARGUMENTS...: husk exec in the background, its pid in EXECUTOR. Not
# detached: where the machine's init is slow to reap, orphans delay delete.
bg_exec()
{
	bg executed "${HUSK_CMD[@]}" exec "$@"
	EXECUTOR=$!
}

# end_exec: by a signal that is passed on to the program
end_exec()
{
	kill -TERM "$EXECUTOR" 2>/dev/null || true
	wait_bg "$EXECUTOR"
}

# hold_exec [FLAGS...] ID PROGRAM...: an exec that stays half-way, inside the
# namespaces and before its execve, since the runtime cannot hand out the pidfd.
# Sets ENTRANT to its pid as the host sees it. let_go ends that, and end_exec
# the program when it does not end by itself.
hold_exec()
{
	slow_socket
	bg_exec --pidfd-socket "$TEST_DIR/slow" "$@"
	HOLDER=$EXECUTOR
	wait_for entrant_is_inside
}

# hold_create [FLAGS...]: the same for create, whose init waits to be recorded.
hold_create()
{
	slow_socket
	bg held "${HUSK_CMD[@]}" create -b "$BUNDLE" --pidfd-socket "$TEST_DIR/slow" "$@"
	HOLDER=$!
	wait_for entrant_is_pivoted
}

slow_socket()
{
	local program

	program=$(attack slow-socket)
	rm -f "$TEST_DIR/slow"
	bg slow "$program" "$TEST_DIR/slow"
	SLOW=$!
	wait_for file_has "$TEST_DIR/slow.out" full
}

# A console socket that takes every terminal and throws it away: $TEST_DIR/slow
any_console()
{
	slow_socket
	kill -USR1 "$SLOW"
}

entrant_is_inside()
{
	ENTRANT=$(first_child "$HOLDER") && [ -n "$ENTRANT" ] &&
		[ "$(readlink "/proc/$ENTRANT/ns/mnt")" = "$(readlink "/proc/$(pid_of)/ns/mnt")" ]
}

# To an init that has pivoted, its root file system is "/".
entrant_is_pivoted()
{
	ENTRANT=$(first_child "$HOLDER") && [ -n "$ENTRANT" ] &&
		! grep -q "^\([^ ]* \)\{4\}$ROOTFS" "/proc/$ENTRANT/mountinfo" &&
		[ "$(readlink "/proc/$ENTRANT/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}

let_go()
{
	kill -USR1 "$SLOW"
	wait_for entrant_went_on
}

# A program, or nothing any more; an init that is created stays where it is.
entrant_went_on()
{
	local name

	! kill -0 "$HOLDER" 2>/dev/null || ! read -r name 2>/dev/null <"/proc/$ENTRANT/comm" || [ "$name" != husk ]
}

# --------------------------------------------------------------------------
# As a normal user

as_user()
{
	setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=+all \
		env XDG_RUNTIME_DIR="$TEST_DIR/xdg" "$@"
}

# The bundle for a user who has a single id to map.
rootless_setup()
{
	requires_root # to become that user
	as_user unshare -U true 2>/dev/null || skip "needs user namespaces for normal users"
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir -m 700 "$TEST_DIR/xdg"
	chown -R 1000:1000 "$TEST_DIR"
}

user_husk() { as_user "${HUSK_TIMED[@]}" "$HUSK" --root "$TEST_DIR/xdg/root" "$@"; }
