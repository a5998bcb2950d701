# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# A host that can be attacked: a process, an abstract socket, a file and a segment of shared memory that nothing in a
# sandbox may reach; and rows of the table, run against it.

hostile_setup()
{
	sandbox_setup
	requires_program python3 jq
	# Reachable for both, as the program under attack is.
	PROGRAM=$TEST_DIR/here/hostile
	cp "$(hostile_program)" "$PROGRAM"
	KEY=$((0x4857 << 16 | BASHPID % 65536))
	MARK=hostile$KEY
	VICTIM=$TEST_DIR/here/$MARK-victim
	echo "do not touch" >"$VICTIM"
	chmod 644 "$VICTIM"
	bg outsider python3 -c '
import ctypes, socket, sys, time
libc = ctypes.CDLL(None)
shared = libc.shmget(int(sys.argv[2]), 4096, 0o1666)
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind("\0" + sys.argv[1])
s.listen()
print("ready", shared, flush=True)
try:
    s.accept()
    print("touched", flush=True)
    time.sleep(1000)
finally:
    libc.shmctl(shared, 0, None)' "$MARK" "$KEY"
	OUTSIDER=$!
	wait_for file_has "$TEST_DIR/outsider.out" ready
	SHARED=$(sed -n 's/^ready //p' "$TEST_DIR/outsider.out")
	VICTIM_WAS=$(stat -c '%i %s %a %u %h %y %z' "$VICTIM")
}

teardown()
{
	[ -z "${SHARED:-}" ] || ipcrm -m "$SHARED" 2>/dev/null || true
	integration_teardown
}

# The program with all attacks in it; built now when make did not.
hostile_program()
{
	local bin=$TOP_BUILDDIR/tests/hostile/programs/hostile top=$BATS_TEST_DIRNAME/../..

	if [ ! -x "$bin" ]; then
		bin=$BATS_FILE_TMPDIR/hostile
		[ -x "$bin" ] || ${CC:-cc} -D_GNU_SOURCE -O1 -static -pthread -I"$top" -o "$bin" \
			"$BATS_TEST_DIRNAME"/programs/*.c >&2 || return 1
	fi
	echo "$bin"
}

for_x86_64() { [ "$(uname -m)" = x86_64 ] || skip "its attacks know the numbers of x86-64 only"; }

# What of the host could have changed, as text.
host_is()
{
	grep -F "$TEST_DIR" /proc/self/mountinfo
	find /dev/shm /dev/mqueue -maxdepth 1 -name "*$MARK*" 2>/dev/null
	cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | awk -v key="$KEY" '$1 == key { print $1, $2 }'
	cat /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern
	grep -cF "$MARK" /proc/keys
	ls -A "$TEST_DIR/here" "$TEST_DIR/home"
}

# unharmed: after one row
unharmed()
{
	if process_gone "$OUTSIDER"; then
		echo "the process outside is gone"
	elif grep -qE '^(State:.[Tt]|TracerPid:.[1-9])' "/proc/$OUTSIDER/status"; then
		echo "the process outside was stopped, or is traced"
	fi
	! grep -q touched "$TEST_DIR/outsider.out" || echo "the socket outside was reached"
	[ "$(cat "$VICTIM")" = "do not touch" ] || echo "the file was written"
	[ "$(stat -c '%i %s %a %u %h %y %z' "$VICTIM")" = "$VICTIM_WAS" ] || echo "the file was changed"
	[ "$(host_is)" = "$HOST_WAS" ] || { echo "the host was changed:"; diff <(echo "$HOST_WAS") <(host_is); }
	[ -z "$(find /sys/fs/cgroup -mindepth 1 -type d -name "*$T*" -print -quit 2>/dev/null)" ] || echo "a control group is left"
	# Whatever it calls itself, and whoever its parent is.
	[ -z "$(find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$PROGRAM" -print -quit 2>/dev/null)" ] || echo "a process is left"
}

# attack WHO NAME OPTIONS VERDICTS END: prints what is wrong
attack()
{
	local who=$1 name=$2 verdicts=$4 end=$5 options had
	local -a command

	read -r -a options <<<"$3"
	[[ $3 == *--wall-time* ]] || options+=(--wall-time 60s)
	rm -f "$REPORT"
	install -m 666 /dev/null "$REPORT"
	command=(sandbox --name "$T-s")
	if [ "$who" = user ]; then
		command=(usandbox)
	fi
	try "${command[@]}" --report "$REPORT" --setenv HUSK_TEST "$T" "${options[@]}" \
		"$PROGRAM" "$name" "$MARK" "$OUTSIDER"
	[ "$status" -lt 124 ] || [ "$status" -gt 127 ] || echo "husk hangs, or did not start: $stderr"
	had=$(reported .verdict)
	[[ ,$verdicts, == *,"$had",* ]] || echo "verdict $had, and not $verdicts: $(head -c 400 "$REPORT") $(head -c 300 <<<"$stderr")"
	[ "$end" = - ] || [ "$(reported '.exitCode // .signalName')" = "$end" ] || echo "it ended with $(reported '.exitCode // .signalName')"
	[[ $output != *"got through"* ]] || grep -a "got through" <<<"$output" | head -n 5
	unharmed
}

# rows GROUP: all of it
rows()
{
	local group name who options verdicts end one found failed=0 count=0

	# The outsider has to be within reach of what gets through, or nothing is shown.
	kill -0 "$OUTSIDER"
	HOST_WAS=$(host_is)
	while IFS='|' read -r group name who options verdicts end; do
		[ "$(trim "$group")" = "$1" ] || continue
		who=$(trim "$who")
		[ "$who" != both ] || who="root user"
		for one in $who; do
			if [ "$one" = user ] && [ -n "${NO_USER_NAMESPACES:-}" ]; then
				continue
			fi
			count=$((count + 1))
			found=$(attack "$one" "$(trim "$name")" "$options" "$(trim "$verdicts")" "$(trim "$end")")
			[ -z "$found" ] && continue
			failed=1
			echo "$1: $(trim "$name") as $one with$options: $found" >&2
		done
	done < <(sed -e '/^#/d' -e '/^$/d' "$BATS_TEST_DIRNAME/table")
	[ "$count" -gt 0 ] && [ "$failed" = 0 ]
}

trim()
{
	local text=$1

	text=${text#"${text%%[! ]*}"}
	echo "${text%"${text##*[! ]}"}"
}
