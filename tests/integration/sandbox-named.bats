#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk sandbox start, exec, copy, list, stop: sandboxes that stay when the command has returned.

load lib
load sandbox

setup()
{
	sandbox_setup
	NAME=$T-s
	USER_ROOT=$TEST_DIR/home/state
	MORE_ROOTS+=("$USER_ROOT")
	mkdir -m 777 "$TEST_DIR/share"
	chmod 777 "$TEST_DIR/share"
}

# The same words for both: a test sets AS to root or user.
named() # VERB ARGUMENTS...
{
	if [ "$AS" = user ]; then
		as_user "${HUSK_TIMED[@]}" "$USER_HUSK" --root "$USER_ROOT" sandbox "$@"
	else
		husk sandbox "$@"
	fi
}

# each COMMAND...: as root, then as a user
each()
{
	AS=root
	"$@"
	[ -z "${NO_USER_NAMESPACES:-}" ] || return 0
	AS=user
	"$@"
}

started() { ok named start "$NAME" --setenv HUSK_TEST "$T" "$@"; }
stopped() { ok named stop "$NAME"; }
listed() { named list --format json | jq -r --arg n "$NAME" '.[] | select(.name == $n) | '"$1"; }
is_listed() { [ -n "$(listed .name)" ]; }
not_listed() { ! is_listed; }
ended() { ! kill -0 "$1" 2>/dev/null || process_gone "$1"; }

# --------------------------------------------------------------------------

life()
{
	local supervisor

	ok named list -q
	out_is ""
	started --report "$TEST_DIR/home/report"
	[ -z "$output$stderr" ]
	eq "$(listed .status)" running
	supervisor=$(listed .supervisor)
	# In a session of its own, and nobody's child.
	eq "$(ps -o sid= -p "$supervisor" | tr -d ' ')" "$supervisor"
	exits 7 named exec "$NAME" sh -c 'echo out; echo err >&2; exit 7'
	out_is out
	eq "$stderr" err
	ok named list -q
	out_is "$NAME"
	stopped
	eq "$(jq -r .verdict "$TEST_DIR/home/report")" signalled
	eq "$(jq -r .signalName "$TEST_DIR/home/report")" SIGTERM
	ended "$supervisor"
	not_listed
	fails named stop "$NAME"
	err_has "$NAME" "does not exist"
	rm "$TEST_DIR/home/report"
}

@test "named sandbox: start, exec, list, stop, report" {
	each life
}

same()
{
	local look='grep -E "^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups)" /proc/self/status; ulimit -n; nice; pwd
		cat /proc/self/cgroup; for n in user mnt net ipc uts pid cgroup time; do readlink /proc/self/ns/$n; done; env | sort'

	# Both write to a file that they have in common, and after the other's name.
	started --bind "$TEST_DIR/share" /share --open-files 77 --nice 3 --pids 30 --time-offset 5000 -- \
		sh -c "($look) >/share/first; sleep 1000"
	wait_for test -s "$TEST_DIR/share/first"
	sleep 0.2
	ok named exec "$NAME" sh -c "($look) >/share/second"
	# What a shell counts and says of its own calls.
	sed -i '/^_=/d' "$TEST_DIR/share/first" "$TEST_DIR/share/second"
	cmp "$TEST_DIR/share/first" "$TEST_DIR/share/second"
	stopped
	rm "$TEST_DIR/share/first" "$TEST_DIR/share/second"
}

@test "named sandbox: what exec runs has what the first program has" {
	each same
}

walls()
{
	started --network host
	ok named exec "$NAME" sh -c 'for d in / /usr /etc; do touch "$d/x" 2>/dev/null && echo "wrote $d"; done; ls -A "$HOME"'
	out_is ""
	# The second wall: a signal to who is outside, by a number that is valid there, cannot be sent anyway; an
	# abstract socket of the host's could be reached by all other means.
	if [ "$("$HUSK" doctor --format json landlock | jq -r '.checks[0].state')" = ok ]; then
		requires_program python3
		python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind("\0'"$T"'"); s.listen(); time.sleep(100)' &
		BG_PIDS+=($!)
		wait_for grep -q "@$T" /proc/net/unix
		fails named exec "$NAME" python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0'"$T"'")'
		err_has "operation not permitted"
		kill -KILL "${BG_PIDS[@]}"
		wait "${BG_PIDS[@]}" 2>/dev/null || true
		BG_PIDS=()
	fi
	stopped
}

@test "named sandbox: exec is behind both walls" {
	each walls
}

programs()
{
	started
	fails 127 named exec "$NAME" no-such-program
	err_has no-such-program "not found"
	fails 126 named exec "$NAME" /etc/passwd
	err_has /etc/passwd
	exits 139 named exec "$NAME" sh -c 'kill -SEGV $$'
	fails named exec "$NAME"
	err_has command
	ok named exec --setenv A 'b c' --setenv PATH /bin --chdir /tmp "$NAME" -- sh -c 'echo "$A"; echo "$PATH"; pwd'
	out_is $'b c\n/bin\n/tmp'
	status=0
	output=$(echo text | named exec "$NAME" tr a-z A-Z) || status=$?
	eq "$status $output" "0 TEXT"
	# A command that is as long as a request can be, and one that is longer.
	ok named exec "$NAME" sh -c 'echo ${#1}' sh "$(head -c 100000 /dev/zero | tr '\0' x)"
	out_is 100000
	fails named exec "$NAME" true "$(head -c 120000 /dev/zero | tr '\0' x)" "$(head -c 20000 /dev/zero | tr '\0' x)"
	err_has "too long"
	stopped
}

@test "named sandbox: exec and the programs it is given" {
	each programs
}

terminal()
{
	started
	exits 5 command script -qec "stty rows 33 columns 99; $1 exec -t $NAME sh -c 'tty; stty size; exit 5'" /dev/null
	out_has /dev/pts/ "33 99"
	stopped
}

@test "named sandbox: exec with a terminal" {
	AS=root
	terminal "$HUSK --root $ROOT sandbox"
	requires_user_namespaces
	AS=user
	terminal "setpriv --reuid $SANDBOX_UID --regid $SANDBOX_UID --clear-groups $USER_HUSK --root $USER_ROOT sandbox"
}

signals()
{
	local pid

	started --bind "$TEST_DIR/share" /share
	# A signal to who waits goes to the program.
	bg client "${PREFIX[@]}" exec "$NAME" sh -c 'trap "exit 9" TERM; touch /share/ready; while :; do sleep 0.1; done'
	pid=$!
	wait_for test -e "$TEST_DIR/share/ready"
	kill -TERM "$pid"
	wait_bg "$pid"
	eq "$status" 9
	# The end of who waits ends the program.
	bg client "${PREFIX[@]}" exec "$NAME" sh -c 'echo $$ >/share/pid; exec sleep 1000'
	pid=$!
	wait_for test -s "$TEST_DIR/share/pid"
	kill -KILL "$pid"
	wait_for named exec "$NAME" sh -c "! kill -0 $(cat "$TEST_DIR/share/pid") 2>/dev/null"
	stopped
	rm -f "$TEST_DIR/share"/*
}

@test "named sandbox: signals to exec, and its end" {
	AS=root PREFIX=("$HUSK" --root "$ROOT" sandbox)
	signals
	requires_user_namespaces
	AS=user PREFIX=(setpriv --reuid "$SANDBOX_UID" --regid "$SANDBOX_UID" --clear-groups "$USER_HUSK" --root "$USER_ROOT" sandbox)
	signals
}

wall()
{
	started --wall-time 4s --report "$TEST_DIR/home/report"
	exits 137 named exec "$NAME" sleep 1000
	wait_for not_listed
	wait_for test -s "$TEST_DIR/home/report"
	eq "$(jq -r .verdict "$TEST_DIR/home/report")" wall-time
	rm "$TEST_DIR/home/report"
}

@test "named sandbox: the wall time is that of all" {
	each wall
}

@test "named sandbox: memory is that of all" {
	requires_controller memory
	AS=root
	started --memory 32M --report "$TEST_DIR/report"
	exits 137 named exec "$NAME" sh -c 'x=x; while :; do x=$x$x; done'
	wait_for not_listed
	wait_for test -s "$TEST_DIR/report"
	eq "$(jq -r .verdict "$TEST_DIR/report")" memory
}

policy()
{
	requires_program python3
	started --report "$TEST_DIR/home/report"
	# reboot(2), number 169 on x86-64 and 142 on arm64, with the policy "default": killed, and only that process.
	exits 159 named exec "$NAME" python3 -c 'import ctypes, platform
ctypes.CDLL(None).syscall(142 if platform.machine() == "aarch64" else 169, 0, 0, 0, 0)
ctypes.CDLL(None).syscall(105 if platform.machine() == "aarch64" else 175, 0, 0, 0)'
	ok named exec "$NAME" true
	stopped
	eq "$(jq -r .verdict "$TEST_DIR/home/report")" signalled
	rm "$TEST_DIR/home/report"
}

@test "named sandbox: what the policy kills for ends what exec ran, and no more" {
	each policy
}

race()
{
	local i wins=0 pids=()

	for i in 1 2 3 4; do
		named start "$NAME" --setenv HUSK_TEST "$T" </dev/null >/dev/null 2>"$TEST_DIR/err.$i" 3>&- 4>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		! wait "$i" || wins=$((wins + 1))
	done
	eq "$wins" 1
	eq "$(cat "$TEST_DIR"/err.* | grep -c 'already exists')" 3
	ok named exec "$NAME" true
	stopped
}

@test "named sandbox: of several starts at once one wins" {
	each race
}

entry_gate()
{
	# Not what a loader takes, so that it has to be in force after it, for the first program and all others.
	started --gate entry --policy "$TEST_DIR/share/main.policy"
	ok named exec "$NAME" grep -E '^(Seccomp|NoNewPrivs|TracerPid):' /proc/self/status
	out_is $'TracerPid:\t0\nNoNewPrivs:\t1\nSeccomp:\t2'
	eq "$(sed -n 's/^TracerPid:\t//p' "/proc/$(pgrep -P "$(listed .pid)")/status")" 0
	exits 159 named exec "$NAME" mkdir made
	exits 7 named exec "$NAME" awk 'BEGIN { exit 7 }'
	fails 127 named exec "$NAME" no-such-program
	fails 126 named exec "$NAME" /etc/passwd
	for _ in {1..5}; do ok named exec "$NAME" echo again; done
	# Copies are made by husk itself.
	echo text >"$TEST_DIR/share/text"
	ok named copy "$TEST_DIR/share/text" "$NAME:/tmp/text"
	ok named exec "$NAME" grep text /tmp/text
	out_is text
	stopped
}

@test "named sandbox: the entry gate, for every program" {
	[ "$(uname -m)" = x86_64 ] || skip "the entry gate is for x86-64"
	cat >"$TEST_DIR/share/main.policy" <<-'EOF'
		{read, write, close, lseek, fstat, newfstatat, statx, fcntl, ioctl, fadvise64, openat}: allow
		{exit, exit_group, brk, mmap, munmap, getrandom, futex, rt_sigaction, rt_sigprocmask, sigaltstack}: allow
		{arch_prctl, set_tid_address, set_robust_list, rseq, prlimit64, readlink, readlinkat, mprotect}: allow
		{clock_nanosleep, pause, getpid, getppid, getuid, geteuid, getgid, getegid, sysinfo, pselect6}: allow
		{restart_syscall, rt_sigreturn}: allow
	EOF
	each entry_gate
}

@test "named sandbox: an entry gate that does not close, for a further program" {
	AS=root
	[ "$(uname -m)" = x86_64 ] || skip "the entry gate is for x86-64"
	local library=${BATS_TEST_DIRNAME%/integration}/security/attacks/gate-library
	[ -x "$library" ] || library=${HUSK%/*}/tests/security/attacks/gate-library
	[ -x "$library" ] || skip "needs make check: $library"
	cp "$library" "$TEST_DIR/share/library.so"
	printf '%s\n' '@denylist' 'getpriority: return 99' >"$TEST_DIR/share/after.policy"
	started --gate entry --policy "$TEST_DIR/share/after.policy" --rw "$TEST_DIR/share"
	fails 1 entered pretend touch "$TEST_DIR/share/reached"
	err_has gate 'not in force'
	[ ! -e "$TEST_DIR/share/reached" ]
	ok entered thread true
	eq "$stderr" 'thread: 99'
	exits 5 entered exit true
	# One that does not get there can be killed, and what is left of it is nobody.
	"$HUSK" --root "$ROOT" sandbox exec --setenv LD_PRELOAD "$TEST_DIR/share/library.so" --setenv GATE_TRICK wait \
		--setenv GATE_FILE "$TEST_DIR/share/here" "$NAME" touch "$TEST_DIR/share/reached" &
	local client=$!
	wait_for test -e "$TEST_DIR/share/here"
	kill -KILL $client
	wait $client || true
	wait_for no_touch
	[ ! -e "$TEST_DIR/share/reached" ]
	[ "$(listed .status)" = running ]
	stopped
}

# With a library whose constructor has the trick.
entered() # TRICK COMMAND...
{
	local trick=$1

	shift
	named exec --setenv LD_PRELOAD "$TEST_DIR/share/library.so" --setenv GATE_TRICK "$trick" "$NAME" "$@"
}

no_touch() { ! grep -qsx touch /proc/[0-9]*/comm; }

@test "named sandbox: mistakes" {
	AS=root
	fails named start
	fails named start ../x
	err_has "invalid character"
	fails named start "$NAME" --terminal
	err_has terminal
	fails named start "$NAME" --dry-run
	fails 127 named start "$NAME" no-such-program
	err_has no-such-program
	fails named start "$NAME" --memory nonsense
	fails named exec no-such-sandbox true
	err_has no-such-sandbox "does not exist"
	fails named copy a b
	err_has NAME:PATH
	fails named copy "$NAME:a" "$NAME:b"
	fails named copy "$NAME:" b
	fails named list --format xml
	fails named start "$NAME" --report /no/such/dir/report
	not_listed
}

@test "named sandbox: a container is none, and a sandbox is no container to enter" {
	AS=root
	started
	fails husk exec "$NAME" true
	err_has "husk sandbox exec"
	ok husk list -q
	out_is "$NAME"
	eq "$(husk state "$NAME" | jq -r .status)" running
	ok husk delete --force "$NAME"
	not_listed
	nothing_left
}

@test "sandbox: programs that are called like a verb" {
	fails 127 husk sandbox -- start
	err_has '"start"'
	fails 127 husk sandbox --hostname x list
	err_has '"list"'
	mkdir "$TEST_DIR/bin"
	printf '#!/bin/sh\necho "ran $*"\n' >"$TEST_DIR/bin/stop"
	chmod 755 "$TEST_DIR/bin/stop"
	ok husk sandbox --ro-bind "$TEST_DIR/bin" /bin2 --setenv PATH /bin2:/bin -- stop now
	out_is "ran now"
}

# --------------------------------------------------------------------------
# Copying

tree()
{
	local from=$TEST_DIR/home/from back=$TEST_DIR/home/back

	mkdir -p "$from/dir/empty"
	echo text >"$from/dir/file"
	head -c 300000 /dev/urandom >"$from/big"
	: >"$from/none"
	printf 'odd' >"$from/a name: with, things"
	ln -s file "$from/dir/link"
	ln -s /nowhere "$from/broken"
	chmod 751 "$from/dir"
	chmod 640 "$from/big"
	touch -d 2001-02-03 "$from/dir/file"
	chown -R $SANDBOX_UID:$SANDBOX_UID "$from"
	[ "$AS" = user ] || chown -R 0:0 "$from"
	started --tmpfs /data
	# Into a directory that is there, and under another name.
	ok named copy "$from" "$NAME:/data"
	ok named copy "$from" "$NAME:/data/other"
	ok named exec "$NAME" sh -c 'cd /data && diff -r --no-dereference from other && stat -c %a from/dir from/big && cat from/dir/link'
	out_is $'751\n640\ntext'
	ok named copy "$NAME:/data/other" "$back"
	diff -r --no-dereference "$from" "$back"
	eq "$(stat -c '%a %Y' "$back/dir/file")" "$(stat -c '%a %Y' "$from/dir/file")"
	# Files, over what is there, and relative to where the program is.
	ok named copy "$from/dir/file" "$NAME:/data/other/none"
	ok named copy "$NAME:/data/other/none" "$back/big"
	eq "$(cat "$back/big")" text
	ok named copy "$NAME:/data/other/dir/link" "$back/followed"
	eq "$(cat "$back/followed")" text
	stopped
	rm -rf "$from" "$back"
}

@test "named sandbox: trees are copied in and out" {
	each tree
}

refused()
{
	started --tmpfs /data
	echo text >"$TEST_DIR/share/file"
	fails named copy "$NAME:/data/none" "$TEST_DIR/share/new"
	err_has /data/none "no such file"
	fails named copy "$TEST_DIR/share/none" "$NAME:/data"
	err_has "$TEST_DIR/share/none" "no such file"
	fails named copy "$TEST_DIR/share/file" "$NAME:/usr/bin"
	err_has_any "read-only file system" "permission denied"
	fails named copy "$TEST_DIR/share/file" "$NAME:/data/no/such/file"
	err_has "no such file"
	ok named exec "$NAME" mkfifo /data/pipe
	fails named copy "$NAME:/data/pipe" "$TEST_DIR/share/new"
	err_has "neither a file nor a directory"
	fails named copy "$NAME:/data" "$TEST_DIR/share/new"
	err_has pipe
	fails named copy "$NAME:/dev/zero" "$TEST_DIR/share/new2"
	[ ! -e "$TEST_DIR/share/new2" ]
	# More than fits: told, and the sandbox goes on.
	ok named exec "$NAME" rm /data/pipe
	stopped
	started --size 64K --tmpfs /data
	head -c 1000000 /dev/zero >"$TEST_DIR/share/big"
	fails named copy "$TEST_DIR/share/big" "$NAME:/data"
	err_has "no space"
	ok named exec "$NAME" true
	stopped
	rm -rf "$TEST_DIR/share"/*
}

@test "named sandbox: copies that cannot be are refused" {
	each refused
}

hostile()
{
	local secret=$TEST_DIR/home/secret

	echo secret >"$secret"
	chown $SANDBOX_UID "$secret"
	started --tmpfs /data
	# A link of the sandbox means what it means in there.
	ok named exec "$NAME" sh -c 'ln -s "$1" /data/link; ln -s "$2" /data/dir; ln -s / /data/top; mkdir /data/tree
		ln -s "$2" /data/tree/sub; echo bad >/data/bad' sh "$secret" "$TEST_DIR/home"
	fails named copy "$NAME:/data/link" "$TEST_DIR/share/got"
	err_has "no such file"
	echo new >"$TEST_DIR/share/secret"
	try named copy "$TEST_DIR/share/secret" "$NAME:/data/dir"
	try named copy "$TEST_DIR/share/secret" "$NAME:/data/top$secret"
	try named copy "$TEST_DIR/share/secret" "$NAME:/data/link"
	eq "$(cat "$secret")" secret
	# A tree that comes out over one with a link of the same name: not through it.
	ok named copy "$NAME:/data/tree" "$TEST_DIR/share/tree"
	[ -L "$TEST_DIR/share/tree/sub" ]
	ok named exec "$NAME" sh -c 'rm /data/tree/sub; mkdir /data/tree/sub; echo bad >/data/tree/sub/secret'
	fails named copy "$NAME:/data/tree" "$TEST_DIR/share"
	eq "$(cat "$secret")" secret
	# Nothing that gives rights comes out.
	ok named exec "$NAME" sh -c 'cp /bin/true /data/suid; chmod 6755 /data/suid; mkdir -m 1777 /data/sticky'
	ok named copy "$NAME:/data/suid" "$TEST_DIR/share/suid"
	eq "$(stat -c %a "$TEST_DIR/share/suid")" 755
	stopped
	rm -rf "$TEST_DIR/share"/* "$secret"
}

@test "named sandbox: links in it lead nowhere outside of it" {
	each hostile
}

@test "named sandbox: a tree that changes while it is copied leads nowhere, either" {
	AS=root
	echo secret >"$TEST_DIR/home/secret"
	started --tmpfs /data --bind "$TEST_DIR/share" /share -- sh -c '
		mkdir /data/tree /data/tree/a; echo own >/data/tree/a/secret
		while :; do mv /data/tree/a /data/b; ln -s '"$TEST_DIR/home"' /data/tree/a; rm /data/tree/a; mv /data/b /data/tree/a; : >/share/turn; done'
	wait_for test -e "$TEST_DIR/share/turn"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rm -rf "$TEST_DIR/here/out"
		try named copy "$NAME:/data/tree" "$TEST_DIR/here/out"
		! grep -rqs '^secret' "$TEST_DIR/here/out" || [ -L "$TEST_DIR/here/out/a" ]
	done
	stopped
}

# --------------------------------------------------------------------------
# Ends that nobody wanted

killed()
{
	local supervisor init

	started --pids 20 --report "$TEST_DIR/home/report"
	supervisor=$(listed .supervisor)
	init=$(listed .pid)
	kill -KILL "$supervisor"
	wait_for ended "$init"
	# Told once, and taken away with that.
	eq "$(listed .status)" lost
	not_listed
	wait_for nothing_left
	started
	kill -KILL "$(listed .supervisor)"
	ok named stop "$NAME"
	[[ $stderr == *"supervisor was killed"* ]]
	wait_for nothing_left
	started
	supervisor=$(listed .supervisor)
	kill -KILL "$supervisor"
	wait_for ended "$supervisor"
	fails named exec "$NAME" true
	err_has supervisor
	ok named stop "$NAME"
	rm -f "$TEST_DIR/home/report"
}

@test "named sandbox: without its supervisor it ends, and list and stop clean up" {
	each killed
}

@test "named sandbox: exec ends with its sandbox" {
	AS=root
	started --bind "$TEST_DIR/share" /share
	bg client "$HUSK" --root "$ROOT" sandbox exec "$NAME" sh -c ': >/share/ready; sleep 1000'
	wait_for test -e "$TEST_DIR/share/ready"
	kill -KILL "$(listed .supervisor)"
	wait_bg $!
	eq "$status" 1
	file_has "$TEST_DIR/client.err" "supervisor is gone"
	ok named stop "$NAME"
}

@test "named sandbox: stop takes SIGKILL where SIGTERM does not help" {
	AS=root
	started --bind "$TEST_DIR/share" /share --report "$TEST_DIR/report" -- \
		sh -c 'trap "" TERM; : >/share/ready; while :; do sleep 1; done'
	wait_for test -e "$TEST_DIR/share/ready"
	ok named stop --time 100ms "$NAME"
	eq "$(jq -r .signalName "$TEST_DIR/report")" SIGKILL
}

# Directories of the test's own, by the pid that is in their names.
groups_of() { find /sys/fs/cgroup -type d -name "husk-sandbox-$1-*" 2>/dev/null; }

@test "sandbox: control groups of one that was killed are removed by the next" {
	requires_controller pids
	local lost live

	bg lost "$HUSK" --root "$ROOT" sandbox --pids 9 --setenv HUSK_TEST "$T" sleep 1000
	lost=$!
	bg live "$HUSK" --root "$ROOT" sandbox --pids 9 --setenv HUSK_TEST "$T" sleep 1000
	live=$!
	wait_for test -n "$(groups_of "$lost")" -a -n "$(groups_of "$live")" || true
	wait_for eval '[ -n "$(groups_of '"$lost"')" ] && [ -n "$(groups_of '"$live"')" ]'
	sleep 0.3
	kill -KILL "$lost"
	wait_for ended "$lost"
	sleep 0.2
	[ -n "$(groups_of "$lost")" ]
	# Under another --root it is nobody's business.
	ok "$HUSK" --root "$TEST_DIR/other" sandbox --pids 9 true
	[ -n "$(groups_of "$lost")" ]
	ok husk sandbox --pids 9 true
	[ -z "$(groups_of "$lost")" ]
	# One that lives is left alone.
	[ -n "$(groups_of "$live")" ]
	kill -TERM "$live"
	wait_bg "$live"
	eq "$status" 143
	[ -z "$(groups_of "$live")" ]
}

output_of_all()
{
	rm -f "$TEST_DIR/home/report"
	started --output-limit 1000 --report "$TEST_DIR/home/report"
	# Below the limit everything arrives, also what is written by somebody who stays, and the status.
	exits 3 named exec "$NAME" sh -c 'printf %300s x; printf %200s y >&2; exit 3'
	eq ${#output} 300
	eq ${#stderr} 200
	ok named exec "$NAME" sh -c '(sleep 0.3; printf %100s late) & printf now'
	[[ $output == now* ]]
	is_listed
	# 603 are gone by now.
	wait_for quiet_since
	try named exec "$NAME" sh -c 'while :; do printf %50s x || exit; done'
	[ "$status" != 0 ]
	[ ${#output} -le 400 ]
	wait_for not_listed
	REPORT=$TEST_DIR/home/report
	wait_for test -s "$REPORT"
	verdict_is output
	eq "$(reported .outputBytes)" 1000
}

quiet_since() { sleep 0.5; }

@test "named sandbox: what further programs write counts for its output limit" {
	each output_of_all
}

@test "named sandbox: further programs have no terminal where output is counted" {
	AS=root
	started --output-limit 1000
	fails named exec --terminal "$NAME" true
	err_has --output-limit
	ok named exec "$NAME" true
	stopped
}

# Killed at once, from the outside: a start is over in a few milliseconds.
halfway()
{
	local turn
	for turn in start stop; do
		mkfifo "$TEST_DIR/pipe"
		exec 7<>"$TEST_DIR/pipe"
		: >"$TEST_DIR/events"
		chmod 666 "$TEST_DIR/events"
		named start "$NAME" --setenv HUSK_TEST "$T" --block-fd 7 --status-fd 6 6>"$TEST_DIR/events" 3>&- 4>&- &
		wait_for grep -q created "$TEST_DIR/events"
		pid=$(jq -r .pid "$TEST_DIR/events")
		kill -KILL "$(ps -o ppid= -p "$pid" | tr -d ' ')"
		wait $! || true
		exec 7<&-
		rm "$TEST_DIR/pipe"
		[ $turn = stop ] || started
		[ $turn = stop ] || ok named exec "$NAME" true
		stopped
		not_listed
	done
	# One that was killed before it could say anything.
	mkdir -m 700 "$1/$NAME"
	[ "$AS" = root ] || chown $SANDBOX_UID "$1/$NAME"
	started
	stopped
	mkdir -m 700 "$1/$NAME"
	[ "$AS" = root ] || chown $SANDBOX_UID "$1/$NAME"
	stopped
	[ ! -e "$1/$NAME" ]
	# And one that lives is not touched.
	started
	fails named start "$NAME" --setenv HUSK_TEST "$T"
	err_has "already exists"
	ok named exec "$NAME" true
	stopped
}

@test "named sandbox: what a start left that was killed halfway" {
	AS=root
	halfway "$ROOT"
	[ -z "${NO_USER_NAMESPACES:-}" ] || return 0
	AS=user
	halfway "$USER_ROOT"
}
