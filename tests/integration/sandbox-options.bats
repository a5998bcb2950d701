#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of husk sandbox for its callers: where options come from, what the program is called, what it is refused with.

load lib
load sandbox

setup() { sandbox_setup; }

# words WORD...: each with a NUL behind it
words() { printf '%s\0' "$@" >"$TEST_DIR/words"; }

@test "options: --args reads words that end with NUL, in their order" {
	words --setenv A $'two words\nand lines' --hostname later --setenv EMPTY ''
	try sandbox --hostname first --args 7 --setenv B b sh -c 'echo "$A$B${EMPTY-unset}"; hostname' 7<"$TEST_DIR/words"
	eq "$status" 0 || { show; return 1; }
	out_is $'two words\nand linesb\nlater'
	# The last word may lack its NUL.
	printf -- '--hostname\0last' >"$TEST_DIR/words"
	try sandbox --args 7 hostname 7<"$TEST_DIR/words"
	out_is last
}

@test "options: --args as a normal user, and from a pipe" {
	requires_user_namespaces
	words --hostname piped --tmpfs /a
	try usandbox --args 7 sh -c 'hostname; touch /a/x && echo made' 7< <(cat "$TEST_DIR/words")
	eq "$status" 0 || { show; return 1; }
	out_is $'piped\nmade'
}

@test "options: --args with what is no option, no descriptor, or itself" {
	words --hostname x true
	fails sandbox --args 7 true 7<"$TEST_DIR/words"
	err_has "--args 7" '"true" is not an option'
	words --no-such
	fails sandbox --args 7 true 7<"$TEST_DIR/words"
	err_has "--args 7" "unknown option --no-such"
	fails sandbox --args 77 true
	err_has '"77" is not an open descriptor'
	fails sandbox --args x true
	err_has '"x" is not an open descriptor'
	: >"$TEST_DIR/words"
	ok sandbox $(printf -- '--args 7 %.0s' {1..16}) true 7<"$TEST_DIR/words"
	fails sandbox $(printf -- '--args 7 %.0s' {1..17}) true 7<"$TEST_DIR/words"
	err_has "more than 16 times"
}

@test "options: --args of husk sandbox start" {
	words --tmpfs /data --setenv WORD given
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --args 7 7<"$TEST_DIR/words"
	ok husk sandbox exec "$ID" sh -c 'touch /data/x && echo $WORD'
	out_is given
	ok husk sandbox stop --time 0 "$ID"
}

@test "options: --argv0 names the program, and another one is executed" {
	ok sandbox --argv0 -login bash -c 'echo $0; tr "\0" "," </proc/$$/cmdline; true' one
	out_has "-login,-c,"
	ok sandbox --argv0 ls busybox -d /
	out_is /
	fails 127 sandbox --argv0 sh no-such-program
	err_has no-such-program
	[ -n "${NO_USER_NAMESPACES:-}" ] && return
	ok usandbox --argv0 ls /bin/busybox -d /
	out_is /
}

@test "options: --argv0 under every gate, and not for what is executed later" {
	local gate
	for gate in none strict entry; do
		ok sandbox --gate $gate --argv0 ls busybox -d /
		out_is / || { echo "gate $gate"; return 1; }
	done
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --argv0 sleep busybox infinity
	ok husk sandbox exec "$ID" busybox echo plain
	out_is plain
	ok husk sandbox stop --time 0 "$ID"
}

@test "options: --argv0 in a file" {
	echo '{"argv0": "ls", "command": ["busybox", "-d", "/"]}' >c.json
	ok sandbox --config c.json
	out_is /
	ok husk sandbox --argv0 other --print-config --config c.json
	eq "$(jq -r .argv0 <<<"$output")" other
}

@test "options: --deny-call with an error of one's own" {
	requires_program python3
	requires_user_namespaces
	local run
	for run in sandbox usandbox; do
		fails 1 $run --tmpfs /a --deny-call mkdir:ENOSPC --deny-call mkdirat:28 mkdir /a/b
		err_has "No space left"
		fails 1 $run --tmpfs /a --deny-call mkdir --deny-call mkdirat mkdir /a/b
		err_has "not permitted"
	done
	ok sandbox --deny-call mount@husk:ENOTTY python3 -c 'import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.umount2(b"/nowhere", 0), ctypes.get_errno())'
	out_is "-1 25"
}

@test "options: --deny-call with an error that does not exist" {
	fails sandbox --deny-call mkdir:ENOSUCH true
	err_has ENOSUCH
	fails sandbox --deny-call mkdir:99999 true
	err_has "out of range"
	fails sandbox --deny-call mkdir: true
	err_has '"mkdir:"'
	fails sandbox --deny-call 'mkdir:EPERM;x' true
	err_has '"mkdir:EPERM;x"'
}

# A manager that answers, and a systemd-run that executes what it is given. It ends with its directory.
fake_manager()
{
	requires_program python3
	mkdir -p "$TEST_DIR/run/systemd" "$TEST_DIR/bin"
	cat >"$TEST_DIR/bin/systemd-run" <<-'END'
		#!/bin/sh
		echo scope >>"$XDG_RUNTIME_DIR/called"
		while [ "$1" != -- ]; do shift; done
		shift
		exec "$@"
	END
	chmod 755 "$TEST_DIR/bin/systemd-run"
	chown -R $SANDBOX_UID "$TEST_DIR/run"
	bg manager setpriv --reuid $SANDBOX_UID --regid $SANDBOX_UID --clear-groups env PATH=/usr/bin:/bin python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)' "$TEST_DIR/run/systemd/private"
	wait_for test -S "$TEST_DIR/run/systemd/private" || { cat "$TEST_DIR/manager.err" >&2; return 1; }
}

@test "options: what is read from descriptors is there after husk has gone into a scope" {
	requires_user_namespaces
	fake_manager
	words --hostname scoped --cpu-time 9
	try as_user XDG_RUNTIME_DIR="$TEST_DIR/run" PATH="$TEST_DIR/bin:$PATH" "$USER_HUSK" sandbox --args 7 --data 8 /etc/motd \
		sh -c 'hostname; cat /etc/motd' 7< <(cat "$TEST_DIR/words") 8< <(echo hello)
	eq "$status" 0 || { show; return 1; }
	out_is $'scoped\nhello'
	if [ -e "$TEST_DIR/run/called" ]; then
		eq "$(cat "$TEST_DIR/run/called")" scope
	else
		skip "this user can make control groups"
	fi
}

# ---- handshakes ----

@test "options: --sync-fd stays open until the sandbox has ended, and is not the program's" {
	requires_user_namespaces
	local run
	mkfifo "$TEST_DIR/pipe"
	for run in sandbox usandbox; do
		exec 8<>"$TEST_DIR/pipe"
		exec 9<"$TEST_DIR/pipe" 7>"$TEST_DIR/pipe" 8<&-
		$run --sync-fd 7 sh -c '[ ! -e /proc/self/fd/7 ] && echo closed >&2; sleep 1' 9<&- 2>"$TEST_DIR/err" 3>&- 4>&- &
		exec 7>&-
		# The end of file comes with the sandbox's end, not before.
		SECONDS=0
		cat <&9
		[ $SECONDS -ge 1 ] || { echo "end of file after $SECONDS s"; return 1; }
		wait $!
		eq "$(cat "$TEST_DIR/err")" closed
		exec 9<&-
	done
	fails sandbox --sync-fd 77 true
	err_has "--sync-fd" "descriptor 77"
	fails sandbox --sync-fd 7 --block-fd 7 true 7</dev/null
	err_has "descriptor 7"
}

@test "options: --sync-fd tells the end even of a husk that was killed" {
	mkfifo "$TEST_DIR/pipe"
	exec 8<>"$TEST_DIR/pipe"
	exec 9<"$TEST_DIR/pipe" 7>"$TEST_DIR/pipe" 8<&-
	"${HUSK_CMD[@]}" sandbox --setenv HUSK_TEST "$T" --sync-fd 7 --status-fd 6 sleep 1000 9<&- 6>"$TEST_DIR/events" 3>&- 4>&- &
	exec 7>&-
	wait_for grep -q started "$TEST_DIR/events"
	kill -KILL $!
	timeout 10 cat <&9
	exec 9<&-
}

@test "options: --sync-fd of a sandbox that stays" {
	mkfifo "$TEST_DIR/pipe"
	exec 8<>"$TEST_DIR/pipe"
	exec 9<"$TEST_DIR/pipe" 7>"$TEST_DIR/pipe" 8<&-
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --sync-fd 7 9<&-
	exec 7>&-
	run ! timeout 0.3 cat <&9
	ok husk sandbox stop --time 0 "$ID" 9<&-
	timeout 10 cat <&9
	exec 9<&-
}

@test "options: --block-fd waits before the program, with everything else there" {
	requires_user_namespaces
	local run what
	for run in sandbox usandbox; do
		for what in write close; do
			mkfifo "$TEST_DIR/pipe"
			: >"$TEST_DIR/events"
			exec 8<>"$TEST_DIR/pipe"
			exec 7<"$TEST_DIR/pipe" 9>"$TEST_DIR/pipe" 8<&-
			$run --status-fd 6 --block-fd 7 --wall-time 5s sh -c 'echo ran; cat <&7' 9>&- 6>"$TEST_DIR/events" \
				>"$TEST_DIR/out" 2>/dev/null &
			wait_for grep -q '"created"' "$TEST_DIR/events"
			[ -d "/proc/$(jq -r .pid "$TEST_DIR/events")" ]
			sleep 0.2
			[ ! -s "$TEST_DIR/out" ] || { echo "it did not wait"; return 1; }
			[ $what = close ] || echo go >&9
			exec 9>&- 7<&-
			wait $! || true
			# It cannot read the descriptor either.
			eq "$(cat "$TEST_DIR/out")" ran
			eq "$(jq -r .event "$TEST_DIR/events" | tr '\n' ' ')" "created started exited "
			rm "$TEST_DIR/pipe"
		done
	done
	fails sandbox --block-fd 77 true
	err_has "--block-fd" "descriptor 77"
}

@test "options: the wait for --block-fd ends with a signal, and with the caller" {
	local how
	for how in signal caller; do
		mkfifo "$TEST_DIR/pipe"
		: >"$TEST_DIR/events"
		exec 7<>"$TEST_DIR/pipe"
		bash -c '"$0" "$@" & wait $!' "$HUSK" --root "$ROOT" sandbox --setenv HUSK_TEST "$T" --status-fd 6 --block-fd 7 --pids 9 \
			touch /tmp/never 6>"$TEST_DIR/events" 2>"$TEST_DIR/err" 3>&- 4>&- &
		caller=$!
		wait_for grep -q '"created"' "$TEST_DIR/events"
		pid=$(pgrep -P $caller)
		if [ $how = signal ]; then kill -TERM "$pid"; else kill -KILL $caller; fi
		wait_for test ! -d "/proc/$pid"
		wait $caller || true
		if [ $how = signal ]; then
			grep -q "block-fd.*Terminated" "$TEST_DIR/err"
		else
			grep -q "block-fd.*the caller has ended" "$TEST_DIR/err"
		fi
		eq "$(jq -r .event "$TEST_DIR/events")" created
		exec 7<&-
		rm "$TEST_DIR/pipe"
	done
}

@test "options: --block-fd of a sandbox that stays" {
	mkfifo "$TEST_DIR/pipe"
	exec 7<>"$TEST_DIR/pipe"
	"${HUSK_CMD[@]}" sandbox start "$ID" --setenv HUSK_TEST "$T" --block-fd 7 --tmpfs /data sh -c 'touch /data/x; sleep 1000' 3>&- 4>&- &
	wait_for test -e "$ROOT/$ID/state.json"
	run ! timeout 5 "${HUSK_CMD[@]}" sandbox exec "$ID" true
	echo go >&7
	wait $!
	ok husk sandbox exec "$ID" ls /data
	out_is x
	ok husk sandbox stop --time 0 "$ID"
	exec 7<&-
}

# Tries for a lock for writing, as whoever replaces a file would.
try_lock() { python3 -c 'import fcntl, sys
try: fcntl.lockf(open(sys.argv[1], "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB); print("free")
except OSError: print("held")' "$1"; }

@test "options: --lock-file holds a lock while the sandbox runs" {
	requires_program python3
	requires_user_namespaces
	local run
	touch "$TEST_DIR/here/one" "$TEST_DIR/here/two"
	for run in sandbox usandbox; do
		mkfifo "$TEST_DIR/pipe"
		exec 8<>"$TEST_DIR/pipe"
		$run --ro-bind "$TEST_DIR/here" /here --lock-file /here/one --lock-file /here/two \
			sh -c 'ls /proc/self/fd | wc -l; echo ready; read -r x' <&8 >"$TEST_DIR/out" 3>&- 4>&- &
		wait_for grep -q ready "$TEST_DIR/out"
		eq "$(try_lock one)" held
		eq "$(try_lock two)" held
		echo >&8
		wait $!
		eq "$(try_lock one)" free
		exec 8<&-
		rm "$TEST_DIR/pipe"
	done
	# Of a program that is gone while the sandbox goes on, too.
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --ro-bind "$TEST_DIR/here" /here --lock-file /here/one
	eq "$(try_lock one)" held
	ok husk sandbox stop --time 0 "$ID"
	eq "$(try_lock one)" free
}

@test "options: --lock-file of what cannot be locked" {
	requires_program python3
	touch held
	mkfifo fifo
	fails sandbox --lock-file /no-such true
	err_has locks "/no-such"
	fails sandbox --lock-file /tmp true
	err_has "not a regular file"
	fails sandbox --ro-bind "$TEST_DIR/here" /here --lock-file /here/fifo true
	err_has "not a regular file"
	fails sandbox --lock-file here true
	err_has "absolute path"
	bg locker python3 -c 'import fcntl, sys, time
f = open("held", "r+"); fcntl.lockf(f, fcntl.LOCK_EX); open("ready", "w"); time.sleep(60)'
	wait_for test -e ready
	fails sandbox --ro-bind "$TEST_DIR/here" /here --lock-file /here/held true
	err_has "somebody holds a lock for writing"
}

# ---- capabilities ----

# kept OPTIONS...: the effective set, as root and as a user, for the program and what it executes; the same in all sets
kept()
{
	local run first= script='for set in Inh Prm Eff Bnd Amb; do sed -n "s/^Cap$set:.//p" /proc/self/status; done | uniq'
	for run in sandbox usandbox; do
		ok $run "$@" sh -c "$script"
		[ -z "$first" ] || eq "$output" "$first"
		first=$output
	done
}

@test "options: --cap-add and --cap-drop, in their order" {
	requires_user_namespaces
	kept
	out_is 0000000000000000
	kept --cap-add net_admin --cap-add CAP_KILL
	out_is 0000000000001020
	kept --cap-add all --cap-drop all --cap-add Chown
	out_is 0000000000000001
	kept --cap-add kill --cap-drop kill
	out_is 0000000000000000
	kept --uid 7 --cap-add kill
	out_is 0000000000000020
	echo '{"capabilities": ["CHOWN", "KILL"]}' >c.json
	kept --config c.json --cap-drop CAP_CHOWN
	out_is 0000000000000020
	ok usandbox --cap-add all --cap-drop sys_admin grep NoNewPrivs /proc/self/status
	out_is $'NoNewPrivs:\t1'
	fails sandbox --cap-add foo true
	err_has '"foo"' "no capability"
}

@test "options: capabilities are over the sandbox's own network, under every gate and for those who enter" {
	requires_program ip
	requires_user_namespaces
	local run gate
	for run in sandbox usandbox; do
		fails 2 $run ip link add d0 type dummy
		for gate in none strict entry; do
			ok $run --gate $gate --cap-add net_admin ip link set lo down
		done
		fails 2 $run --network host --cap-add net_admin ip link set lo mtu 1400
	done
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --cap-add net_admin
	ok husk sandbox exec "$ID" sh -c 'ip link set lo down; grep CapEff /proc/self/status'
	out_is $'CapEff:\t0000000000001000'
	ok husk sandbox stop --time 0 "$ID"
}

@test "options: capabilities do not take back what else was asked for" {
	requires_user_namespaces
	local run
	for run in sandbox usandbox; do
		# Landlock forbids every mount; where there is none it is refused before.
		try $run --policy none --hide /etc/hosts --cap-add all sh -c \
			'umount /etc/hosts; mount -o remount,bind,rw /usr; mount -t tmpfs x /tmp; grep CapEff /proc/self/status; wc -c </etc/hosts'
		if [ "$status" = 0 ]; then
			out_is $'CapEff:\t000001ffffffffff\n0'
			[[ $stderr != *Landlock* ]]
		else
			err_has Landlock
		fi
		fails $run --policy none --no-landlock --cap-add sys_admin true
		err_has CAP_SYS_ADMIN noLandlock
		ok $run --policy none --no-landlock --best-effort --cap-add sys_admin true
		fails $run --network user --allow 192.0.2.1 --cap-add net_raw true
		err_has_any CAP_NET_RAW pasta
		fails $run --network user --allow 192.0.2.1 --cap-add net_admin true
		err_has_any CAP_NET_ADMIN pasta
	done
	# Nothing of the host, not even for root: neither its files nor its settings.
	ok sandbox --cap-add all --cap-drop sys_admin sh -c 'wc -c </etc/shadow; echo x >/proc/sys/kernel/hostname || date -s 0 >/dev/null || echo refused'
	out_is $'0\nrefused'
}
