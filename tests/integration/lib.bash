# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What every integration test stands on: a bundle, a state directory and an id
# of its own, short words for the things tests do all the time, and a teardown
# that fails the test when the runtime left anything behind.
#
# HUSK names the runtime under test (default: husk in the build directory). Any
# runtime with the same command line works; differences of crun 1.8.1 are noted
# beside each test as "# crun 1.8.1: fails because ...".
#
# Variables that tests use:
#   T        a word that is in every name this test makes (ids, paths, cgroups,
#            the container's environment); the leak check looks for it
#   ID       the id of the test's container, "$T-c"; further ones begin with $T
#   TEST_DIR scratch directory, mode 0755, on the same file system as the bundle
#   ROOT     the --root of this test
#   BUNDLE   the bundle, ROOTFS its root file system

bats_require_minimum_version 1.5.0

# Every test sources this file: what can be had without a fork is.
INTEGRATION_DIR=$BATS_TEST_DIRNAME
TOP_BUILDDIR=${abs_top_builddir:-${INTEGRATION_DIR%/*/*}}
HUSK=${HUSK:-$TOP_BUILDDIR/husk}
[[ $HUSK == /* ]] || HUSK=$PWD/$HUSK
# A hang of the runtime must end the test, not the suite; generous because the
# same tests run in an emulated machine that is ten times slower.
HUSK_TIMEOUT=${HUSK_TIMEOUT:-60}

# The applets that the tests' containers use.
APPLETS="[ awk cat chmod chown chroot chrt cp cut date dd df echo env expr false find
grep head hostname id ifconfig ionice ip kill ln ls mkdir mkfifo mknod mount mv
nice nproc od printenv printf ps pwd readlink rm rmdir sed seq setsid sh sleep
sort stat stty sync sysctl tail tee test touch tr true tty umount uname unshare
wc which whoami"

# jq 1.6 takes 20 ms to start, ten times as long as a container, and ten times that in the test VM. gojq takes one, and
# knows the same filters; it sorts the keys of objects, so it is for what compares none.
JQ=jq
[ ! -x /usr/bin/gojq ] || JQ=/usr/bin/gojq

# --------------------------------------------------------------------------
# Set-up

# The root file system is copied by hard links from one template per file: the
# cheapest way that still gives every test its own directory tree.
make_template()
{
	local root=$1 applet busybox

	busybox=$(command -v busybox) || return 1
	mkdir -p "$root"/{bin,dev,etc,home/user,mnt,proc,root,sys,tmp,usr/bin,var}
	chmod 1777 "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	for applet in $APPLETS; do
		ln -s busybox "$root/bin/$applet"
	done
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' \
		'user:x:1000:1000:user:/home/user:/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'user:x:1000:' 'extra:x:2000:user' \
		>"$root/etc/group"
}

# run_template DIR: the same for all files of a run, of which one or another comes first. A process for each of the links
# costs an emulated machine a second.
run_template()
{
	[ ! -d "$1" ] || return 0
	make_template "$1.$BASHPID" || return
	mv -T "$1.$BASHPID" "$1" 2>/dev/null || [ -d "$1" ]
}

# make_bundle DIR: a bundle that runs /bin/true with what an engine would ask
# for: all the usual namespaces and mounts, three capabilities.
make_bundle()
{
	local dir=$1 template=$BATS_FILE_TMPDIR/template

	if [ ! -d "$template" ]; then
		run_template "$BATS_RUN_TMPDIR/template" && cp -a "$BATS_RUN_TMPDIR/template" "$template" || return
	fi
	[ -d "$dir" ] || mkdir "$dir"
	cp -al "$template" "$dir/rootfs"
	write_config "$dir" '"/bin/true"'
}

# write_config DIR ARGS: ARGS is the inside of a JSON list
write_config()
{
	local text

	CONFIG_PRISTINE=1
	IFS= read -r -d "" text <<-END || true
	{
		"ociVersion": "1.0.2",
		"root": { "path": "rootfs" },
		"hostname": "husk-test",
		"process": {
			"terminal": false,
			"user": { "uid": 0, "gid": 0 },
			"args": [ $2 ],
			"env": [ "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HUSK_TEST=$T" ],
			"cwd": "/",
			"capabilities": {
				"bounding": [ "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" ],
				"effective": [ "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" ],
				"permitted": [ "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE" ]
			},
			"noNewPrivileges": true
		},
		"mounts": [
			{ "destination": "/proc", "type": "proc", "source": "proc" },
			{ "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
			  "options": [ "nosuid", "strictatime", "mode=755", "size=65536k" ] },
			{ "destination": "/dev/pts", "type": "devpts", "source": "devpts",
			  "options": [ "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" ] },
			{ "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
			  "options": [ "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" ] },
			{ "destination": "/sys", "type": "sysfs", "source": "sysfs",
			  "options": [ "nosuid", "noexec", "nodev", "ro" ] }
		],
		"linux": {
			"namespaces": [
				{ "type": "pid" }, { "type": "network" }, { "type": "ipc" },
				{ "type": "uts" }, { "type": "mount" }, { "type": "cgroup" }
			]
		}
	}
	END
	printf %s "$text" >"$1/config.json"
}

setup()
{
	integration_setup
}

# For the files that add something of their own to setup().
integration_setup()
{
	[ -x "$HUSK" ] || { echo "no runtime at $HUSK: build it or set HUSK" >&2; return 1; }
	T=ht${BASHPID}n${BATS_TEST_NUMBER}z
	ID=$T-c
	TEST_DIR=${TMPDIR:-/tmp}/$T.$RANDOM
	ROOT=$TEST_DIR/root
	# The runtime as a plain command, for bg, where $! is to be its own pid.
	HUSK_CMD=("$HUSK" --root "$ROOT")
	BUNDLE=$TEST_DIR/bundle
	ROOTFS=$BUNDLE/rootfs
	BG_PIDS=()
	MORE_ROOTS=()
	# 0755: container roots that are not our root must reach the bundle.
	mkdir -m 755 "$TEST_DIR" "$BUNDLE"
	make_bundle "$BUNDLE"
}

# --------------------------------------------------------------------------
# Teardown and the leak check

teardown()
{
	integration_teardown
}

integration_teardown()
{
	local failed=0 root id

	[ -n "${TEST_DIR:-}" ] || return 0
	# An empty word is in the name of everything: the machine itself would count as left behind.
	[ -n "${T:-}" ] && [ -n "${ROOT:-}" ] ||
		{ echo "teardown: setup() has to call integration_setup" >&2; return 1; }
	stop_background
	for root in "$ROOT" "${MORE_ROOTS[@]}"; do
		for id in "$root"/*; do
			[ -d "$id" ] || continue
			id=${id##*/}
			if ! "${HUSK_TIMED[@]}" "$HUSK" --root "$root" delete --force -- "$id" \
				>"$TEST_DIR/delete.out" 2>&1; then
				echo "teardown: delete --force $id failed:" >&2
				cat "$TEST_DIR/delete.out" >&2
				failed=1
			fi
		done
	done
	if ! wait_until 1 nothing_left; then
		leaks | while read -r root id; do
			echo "teardown: left behind: $root $id $([ "$root" != process ] ||
				tr '\0' ' ' 2>/dev/null <"/proc/$id/cmdline" | cut -c 1-200)" >&2
		done
		leaks_remove
		failed=1
	fi
	rm -rf --one-file-system "$TEST_DIR"
	return $failed
}

# Everything that carries this test's word, a line each. A zombie has neither
# command line nor environment: one that waits for a lazy reaper does not count.
leaks()
{
	local root id line

	find /sys/fs/cgroup -mindepth 1 -type d -name "*$T*" -printf 'cgroup %p\n' 2>/dev/null
	while read -r _ _ _ _ line _; do
		[[ $line != *"$T"* ]] || echo "mount $line"
	done </proc/self/mountinfo
	processes_with "HUSK_TEST=$T"$'\n'"$ROOT" '*' # one search for both
	for root in "$ROOT" "${MORE_ROOTS[@]}"; do
		for id in "$root"/*; do
			[ -d "$id" ] && echo "state $id"
		done
	done
	return 0
}

# processes_with TEXT FILE: the pids that have the text, or one of several lines, in /proc/PID/FILE: cmdline, environ, or
# "*" for both. It comes by stdin, since grep's own command line must not have it.
processes_with()
{
	local files=(/proc/[0-9]*/"$2") file

	[ "$2" != '*' ] || files=(/proc/[0-9]*/{environ,cmdline})
	# shellcheck disable=SC2062 # no pattern: the texts come by -f
	grep -lsaFf - "${files[@]}" <<<"$1" | while IFS=/ read -r _ _ file _; do
		echo "process $file"
	done
}

nothing_left()
{
	local found

	found=$(leaks)
	[ -z "$found" ]
}

# So that one failing test does not disturb the next.
leaks_remove()
{
	local kind path

	leaks | while read -r kind path; do
		case $kind in
		process)
			kill -KILL "$path" 2>/dev/null ;;
		mount)
			umount -l "$path" 2>/dev/null ;;
		esac
	done
	sleep 0.05
	leaks | sed -n 's/^cgroup //p' | sort -r | while read -r path; do
		rmdir "$path" 2>/dev/null
	done
	return 0
}

# --------------------------------------------------------------------------
# What this machine can do. The words "needs test VM" select the tests that
# must not be skipped when the suite runs there.

on_vm() { grep -qsw husk.test=1 /proc/cmdline; }

requires_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	CGROUP=v2
else
	CGROUP=v1
fi

requires_cgroup()
{
	[ $CGROUP = "$1" ] && return 0
	if [ "$1" = v2 ]; then
		skip "needs test VM: cgroup v2"
	fi
	skip "needs build machine: cgroup v1"
}

# requires_controller NAME: one that the runtime can use here
requires_controller()
{
	if [ $CGROUP = v2 ]; then
		grep -qw "$1" /sys/fs/cgroup/cgroup.controllers ||
			skip "needs a kernel with cgroup controller $1"
	else
		[ -d "/sys/fs/cgroup/$1" ] ||
			skip "needs test VM: cgroup controller $1"
	fi
}

requires_freezer()
{
	[ $CGROUP = v2 ] || requires_controller freezer
}

# Numbers of the capabilities that tests ask for.
cap_number()
{
	case $1 in
	CAP_NET_ADMIN) echo 12 ;;
	CAP_SYS_ADMIN) echo 21 ;;
	CAP_SYS_NICE) echo 23 ;;
	CAP_SYS_RESOURCE) echo 24 ;;
	CAP_MKNOD) echo 27 ;;
	*) echo "cap_number: $1 is not in the list" >&2; return 1 ;;
	esac
}

have_cap()
{
	local nr name eff

	nr=$(cap_number "$1") || return 1
	while read -r name eff; do
		[ "$name" = CapEff: ] && break
	done </proc/self/status
	((0x$eff >> nr & 1))
}

requires_cap()
{
	have_cap "$1" || skip "needs test VM: $1"
}

have_kernel()
{
	local have

	have=$(uname -r)
	[ "$(printf '%s\n' "$1" "${have%%[-+]*}" | sort -V | head -n 1)" = "$1" ]
}

requires_kernel()
{
	have_kernel "$1" || skip "needs a kernel of at least $1"
}

requires_program()
{
	local program

	for program; do
		command -v "$program" >/dev/null || skip "needs the program $program"
	done
}

# --------------------------------------------------------------------------
# Running things

HUSK_TIMED=(timeout --foreground -k 2 "$HUSK_TIMEOUT")

# The runtime with this test's state directory.
husk()
{
	"${HUSK_TIMED[@]}" "$HUSK" --root "$ROOT" "$@"
}

# try COMMAND...: sets status, output (stdout) and stderr. Through files and
# with nothing of bats' own descriptors: a container that stays behind must
# not keep a pipe open that somebody waits for.
try()
{
	status=0
	"$@" </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- 4>&- || status=$?
	slurp output "$TEST_DIR/stdout"
	slurp stderr "$TEST_DIR/stderr"
}

# As $(cat), but bytes that bash variables cannot hold are dropped in silence.
slurp()
{
	local __text=

	IFS= read -r -d '' __text <"$2" || true
	while [[ $__text == *$'\n' ]]; do
		__text=${__text%$'\n'}
	done
	printf -v "$1" %s "$__text"
}

show()
{
	echo "command: $*"
	echo "status: $status"
	echo "stdout: $output"
	echo "stderr: $stderr"
} >&2

ok()
{
	try "$@"
	[ "$status" = 0 ] || { show "$@"; return 1; }
}

# fails [STATUS] COMMAND...: must end with just this status (default 1) and
# must say something: a failure without a word is a defect of its own.
fails()
{
	local want=1

	[[ $1 =~ ^[0-9]+$ ]] && { want=$1; shift; }
	try "$@"
	if [ "$status" != "$want" ]; then
		echo "wanted status $want" >&2
		show "$@"
		return 1
	fi
	[ -n "$stderr" ] || { echo "no message" >&2; show "$@"; return 1; }
}

# exits STATUS COMMAND...: as fails, for a container's own exit status
exits()
{
	local want=$1

	shift
	try "$@"
	[ "$status" = "$want" ] || { echo "wanted status $want" >&2; show "$@"; return 1; }
}

eq()
{
	[ "$1" = "$2" ] || { printf 'have: %s\nwant: %s\n' "$1" "$2" >&2; return 1; }
}

out_is() { eq "$output" "$1"; }

# Each word must be in the output, whatever stands around it.
out_has()
{
	local text

	for text; do
		[[ $output == *"$text"* ]] ||
			{ printf 'not in the output: %s\noutput: %s\nstderr: %s\n' "$text" "$output" "$stderr" >&2; return 1; }
	done
}

out_lacks()
{
	[[ $output != *"$1"* ]] || { printf 'in the output: %s\noutput: %s\n' "$1" "$output" >&2; return 1; }
}

# Error texts are compared without regard to case.
err_has()
{
	local text

	for text; do
		[[ ${stderr,,} == *"${text,,}"* ]] ||
			{ printf 'not in the message: %s\nmessage: %s\n' "$text" "$stderr" >&2; return 1; }
	done
}

# One of several wordings.
err_has_any()
{
	local text

	for text; do
		[[ ${stderr,,} == *"${text,,}"* ]] && return 0
	done
	printf 'message: %s\nhas none of: %s\n' "$stderr" "$*" >&2
	return 1
}

# wait_for COMMAND...: until it succeeds, 15 s at most
wait_for()
{
	wait_until 15 "$@" && return 0
	echo "waited in vain for: $*" >&2
	return 1
}

# wait_until SECONDS COMMAND...
wait_until()
{
	local end=$((SECONDS + 1 + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}

# file_has FILE TEXT, without a fork
file_has()
{
	local text

	slurp text "$1"
	[[ $text == *"$2"* ]]
}

# bg NAME COMMAND...: in the background; $! is the command itself when it is a
# program (use "${HUSK_CMD[@]}"). Output goes to NAME.out and NAME.err.
bg()
{
	local name=$1

	shift
	"$@" </dev/null >"$TEST_DIR/$name.out" 2>"$TEST_DIR/$name.err" 3>&- 4>&- &
	BG_PIDS+=($!)
}

# sh_with TEXT COMMAND...: the command after a line of shell, such as a umask
# or further descriptors.
sh_with()
{
	local text=$1

	shift
	sh -c "$text"'; exec "$@"' sh "${HUSK_TIMED[@]}" "$@"
}

# wait_bg PID: its exit status in status; 124 when it had to be killed
wait_bg()
{
	local end=$((SECONDS + 1 + HUSK_TIMEOUT)) hung=

	while kill -0 "$1" 2>/dev/null; do
		if ((SECONDS >= end)); then
			echo "process $1 hangs" >&2
			hung=1
			kill -KILL "$1"
		fi
		sleep 0.01
	done
	status=0
	wait "$1" 2>/dev/null || status=$?
	[ -z "$hung" ] || status=124
}

stop_background()
{
	local pid

	for pid in "${BG_PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	return 0
}

# --------------------------------------------------------------------------
# The configuration

# config [JQ OPTIONS] FILTER: edit the bundle's config.json
config()
{
	local text

	CONFIG_PRISTINE=0
	text=$($JQ "$@" "$BUNDLE/config.json") && printf '%s\n' "$text" >"$BUNDLE/config.json"
}

# script TEXT [FILTER]: the container runs this shell text; an optional filter
# edits more of the configuration. jq takes longer to start than a container:
# a configuration that nobody has edited yet is written anew instead.
script()
{
	local text

	if [ $# = 1 ] && [ "$CONFIG_PRISTINE" = 1 ]; then
		text=${1//\\/\\\\}
		text=${text//\"/\\\"}
		text=${text//$'\n'/\\n}
		text=${text//$'\t'/\\t}
		write_config "$BUNDLE" "\"/bin/sh\", \"-c\", \"$text\""
		return
	fi
	config --arg s "$1" '.process.args = ["/bin/sh", "-c", $s]'"${2:+ | $2}"
}

# peer NAME: $BUNDLE, run by crun or runc.
peer() { "${HUSK_TIMED[@]}" "$1" --root "$TEST_DIR/$1" run -b "$BUNDLE" "$ID-$1"; }

# requires_peer NAME: skip where that program is missing, or refuses the plain bundle: Debian's crun wants every
# controller of a hybrid host on v1, which is not ours to change.
requires_peer()
{
	requires_program "$1"
	script true
	try peer "$1"
	[ "$status" = 0 ] || skip "$1 does not run here: ${stderr##*$'\n'}"
}

# sleeper [FILTER]: the container stays until it is killed, and dies of SIGTERM
# at once, which a pid 1 without a handler does not.
sleeper()
{
	script 'trap "exit 0" TERM; echo ready; while :; do sleep 1000 & wait $!; done' "$@"
}

ALL_CAPS='["CAP_SYS_ADMIN","CAP_NET_ADMIN","CAP_SYS_CHROOT","CAP_MKNOD","CAP_CHOWN","CAP_FOWNER","CAP_DAC_OVERRIDE","CAP_SETUID","CAP_SETGID","CAP_KILL","CAP_SYS_PTRACE","CAP_NET_RAW","CAP_SYS_NICE"]'
# A jq filter that gives the process the capabilities of above.
WITH_CAPS=".process.capabilities = ($ALL_CAPS as \$c | {bounding:\$c, effective:\$c, permitted:\$c})"

# --------------------------------------------------------------------------
# Containers

# c_run [ID [FLAGS...]]: the status is the container's
c_run()
{
	local id=${1-$ID}

	shift $(($# > 0))
	husk run -b "$BUNDLE" "$@" "$id"
}

c_create()
{
	local id=${1-$ID}

	shift $(($# > 0))
	husk create -b "$BUNDLE" "$@" "$id"
}

# A running container whose program is past its start.
c_sleeper()
{
	local id=${1:-$ID}

	shift $(($# > 0))
	sleeper "$@"
	ok husk run -d -b "$BUNDLE" "$id"
	wait_for file_has "$TEST_DIR/stdout" ready
}

c_state() { husk state "${2:-$ID}" | $JQ -r "$1"; }

# Without jq, which takes longer than the rest.
pid_of()
{
	[[ $(husk state "${1:-$ID}") =~ \"pid\":\ *([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

status_is()
{
	[[ $(husk state "${2:-$ID}") =~ \"status\":\ *\"$1\" ]]
}

wait_status() { wait_for status_is "$1" "${2:-$ID}"; }

# A container that has ended and is still known.
c_stopped()
{
	local id=${1:-$ID}

	config '.process.args = ["/bin/true"]'
	ok c_create "$id"
	ok husk start "$id"
	wait_status stopped "$id"
}

# cgroup_of PID CONTROLLER: the directory of its cgroup ("" for the v2 tree)
cgroup_of()
{
	local path

	if [ $CGROUP = v2 ]; then
		path=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
		echo "/sys/fs/cgroup$path"
	else
		path=$(sed -n "s/^[0-9]*:\([^:]*,\)\{0,1\}$2\(,[^:]*\)\{0,1\}://p" "/proc/$1/cgroup")
		echo "/sys/fs/cgroup/$2$path"
	fi
}

# first_child PID: also when its pid namespace hides it from the container
first_child()
{
	grep -o '^[0-9]*' "/proc/$1/task/$1/children"
}

process_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# --------------------------------------------------------------------------
# Helper programs

# helper NAME: the path of a program of helpers/, built now when make did not
helper()
{
	local bin=$TOP_BUILDDIR/tests/integration/helpers/$1
	local src=$INTEGRATION_DIR/helpers/$1.c

	if [ ! -x "$bin" ] || [ "$src" -nt "$bin" ]; then
		if ! mkdir -p "${bin%/*}" 2>/dev/null || [ ! -w "${bin%/*}" ]; then
			bin=$BATS_FILE_TMPDIR/$1
		fi
		if [ ! -x "$bin" ] || [ "$src" -nt "$bin" ]; then
			${CC:-cc} -O1 -Wall -Wextra -static -o "$bin.$BASHPID" "$src" >&2 || return 1
			mv "$bin.$BASHPID" "$bin"
		fi
	fi
	echo "$bin"
}

# The probe, as /bin/probe of the container.
install_probe()
{
	cp "$(helper probe)" "$ROOTFS/bin/probe"
}
