#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# husk minijail0: command lines from minijail0.table, as root and as a normal user; what a table cannot say is below.

load lib
load sandbox

setup()
{
	sandbox_setup
	cd "$TEST_DIR" || return 1
	export D=$TEST_DIR J=$TEST_DIR/jail UID_USER=$SANDBOX_UID PATH=/usr/sbin:/usr/bin:/sbin:/bin
	cp -a "$BATS_FILE_TMPDIR/template" "$J"
	touch "$J/busybox_here"
	mkdir -m 1777 "$D/open"
	echo 'from descriptor 9' >"$D/nine"
	write_policies
	write_configs
	umask 022
	# By name, as it would be installed.
	mkdir "$D/bin"
	ln -s "$USER_HUSK" "$D/bin/minijail0"
	MJ=$D/bin/minijail0
}

write_policies()
{
	local mkdir=$'mkdir: return EPERM\n'

	[ "$(uname -m)" = x86_64 ] || mkdir=
	printf '@denylist\nmkdirat: return EPERM\n%s' "$mkdir" >"$D/no-mkdir.policy"
	printf '@denylist\nmkdirat: return EPERM\nno_such_call: return 1\n' >"$D/unknown.policy"
	# For a dynamic program: its loader is not in it.
	printf 'exit_group: 1\n' >"$D/exit.policy"
	printf '@denylist\nexecve: return EPERM\nexecveat: return EPERM\n' >"$D/no-exec.policy"
	printf 'read: 1\nwrite: arg0 ===\n' >"$D/wrong.policy"
	# An ordinary list for a static program, as minijail0 takes it: execve is in it.
	sed 's/$/: 1/' >"$D/kill-mkdir.policy" <<-END
		$(printf '%s\n' execve read write writev close exit exit_group brk arch_prctl set_tid_address \
			set_robust_list rseq prlimit64 getrandom mprotect mmap munmap readlink readlinkat openat \
			capget fstat newfstatat statx lseek sendfile fadvise64 getuid getgid geteuid getegid prctl \
			rt_sigaction rt_sigprocmask ioctl fcntl setuid setgid)
	END
	[ "$(uname -m)" = x86_64 ] || sed -i '/arch_prctl\|^readlink:/d' "$D/kill-mkdir.policy"
	{ cat "$D/kill-mkdir.policy"; echo 'mkdirat: return EPERM'; printf "${mkdir:+mkdir: return EPERM\n}"; } \
		>"$D/errno-mkdir.policy"
	"$HUSK" policy compile -o "$D/no-mkdir.bpf" "$D/no-mkdir.policy"
}

write_configs()
{
	local head='% minijail-config-file v0'

	printf '%s\n# who\nu = nobody\n' "$head" >"$D/user.conf"
	printf '%s\n\nns-mount\nbind-mount = \\\n  %s,/mnt\n  mount =  none,/media,tmpfs  \n' "$head" "$J" >"$D/mounts.conf"
	printf '%s\nR = RLIMIT_NOFILE,55,55\n' "$head" >"$D/rlimit.conf"
	printf '%s\n' "$head" >"$D/empty.conf"
	printf 'u = nobody\n' >"$D/no-head.conf"
	printf '%s\nconfig = %s\n' "$head" "$D/user.conf" >"$D/nested.conf"
	printf '%s\n\nn\nnonsense = 1\n' "$head" >"$D/unknown.conf"
	printf '%s\n\nu =\n' "$head" >"$D/no-value.conf"
	printf '%s\nu\n' "$head" >"$D/no-argument.conf"
	printf '%s\nn = 1\n' "$head" >"$D/too-much.conf"
	printf '%s\nn\n' "$head" >"$D/writable.conf"
	chmod 646 "$D/writable.conf"
}

# With a mark for the leak check.
jail() { HUSK_TEST=$T HOME=/root "${HUSK_TIMED[@]}" "$MJ" "$@"; }
ujail() { as_user "${HUSK_TIMED[@]}" "$MJ" "$@"; }

# row RUNNER LINE STATUS TEXT: 0 if it did that
row()
{
	local runner=$1 line=$2 want=$3 text=$4 all

	eval "set -- $line"
	try "$runner" "$@" 9<"$D/nine"
	all=$output$'\n'$stderr
	text=${text//\$D/$D}
	text=${text//\$\$/$$}
	if [ "$status" != "$want" ]; then
		echo "$runner $line: status $status, wanted $want: $all"
		return 1
	fi
	case $text in
	'') ;;
	!*) [[ $all != *"${text#!}"* ]] || { echo "$runner $line: has ${text#!}: $all"; return 1; } ;;
	*) [[ $all == *"$text"* ]] || { echo "$runner $line: has not $text: $all"; return 1; } ;;
	esac
}

# rows SECTION...: the rows below "# ---- SECTION"
rows()
{
	local all who line status_wanted text failed=0 count=0 on=

	while IFS= read -r all; do
		case $all in
		"# ---- $1"*) on=1; continue ;;
		"# ---- "*) on=; continue ;;
		'#'* | '') continue ;;
		esac
		[ -n "$on" ] || continue
		# "|" inside of a word is written "\|" or quoted: the separators have blanks around them.
		all=${all// | /$'\x01'}
		all=${all/% |/$'\x01'}
		IFS=$'\x01' read -r who line status_wanted text <<<"$all"
		count=$((count + 1))
		case $who in *[rba]*) row jail "$line" "$status_wanted" "$text" >&2 || failed=1 ;; esac
		case $who in
		*[ub]*) row ujail "$line" "$status_wanted" "$text" >&2 || failed=1 ;;
		*[na]*) [ -n "${NO_USER_NAMESPACES:-}" ] ||
			row ujail "$line" "$status_wanted" "$text" >&2 || failed=1 ;;
		esac
	done <"$BATS_TEST_DIRNAME/minijail0.table"
	[ "$count" -ge "$2" ] || { echo "only $count rows of $1" >&2; return 1; }
	return $failed
}

@test "minijail0: the program and its exit status" { rows nothing 28; }

@test "minijail0: users and groups" { rows users 25; }

@test "minijail0: capabilities" { rows capabilities 15; }

@test "minijail0: namespaces" { rows namespaces 40; }

@test "minijail0: root and mounts" { rows root 50; }

@test "minijail0: policies" { rows policies 20; }

@test "minijail0: Landlock" {
	"$HUSK" minijail0 --fs-path-rx / true 2>/dev/null || skip "needs a kernel with Landlock"
	rows Landlock 15
}

@test "minijail0: limits, environment, descriptors" { rows "the process" 30; }

@test "minijail0: configuration files" { rows configuration 12; }

@test "minijail0: as a verb of husk it is the same" {
	exits 5 husk minijail0 -u 12 sh -c 'exit 5'
	ok husk minijail0 -u 12 id -u
	out_is 12
	fails 1 husk minijail0 --nonsense true
	err_has --nonsense
}

@test "minijail0: what a jail mounts is not seen on the host" {
	for args in "-v" "-v -K" "-v -Kshared" "-v -Kprivate" "-C $J" "-P $J" "-m -M"; do
		# shellcheck disable=SC2086 # words
		ok jail $args -k "none,/mnt,tmpfs" /bin/true
		run ! grep -q "$J/mnt\| /mnt tmpfs" /proc/self/mountinfo
	done
}

@test "minijail0: --gen-config writes what --config reads" {
	ok jail --gen-config "$D/new.conf" -u 12 --env-add 'A=b c' -v -b "$J,/mnt" -t1M -n --uts=name -R RLIMIT_NOFILE,9,9 x
	[ -z "$output" ]
	grep -qx '% minijail-config-file v0' "$D/new.conf"
	grep -qx 'u = 12' "$D/new.conf"
	grep -qx "bind-mount = $J,/mnt" "$D/new.conf"
	grep -qx 'ns-mount' "$D/new.conf"
	grep -qx 'uts = name' "$D/new.conf"
	ok jail --config "$D/new.conf" sh -c 'id -u; echo "$A"; ls /mnt; hostname; ulimit -n'
	out_has 12 'b c' busybox_here name 9
	fails 1 jail --gen-config "$D/new.conf" -u 12
	err_has "new file"
	fails 1 jail --gen-config "$D/bad.conf" --env-add $'A=1\nn' true
	[ ! -e "$D/bad.conf" ]
}

@test "minijail0: -f has the pid, and -i does not wait" {
	ok jail -i -f "$D/pid" sh -c 'exec sleep 1000'
	pid=$(cat "$D/pid")
	wait_until 60 grep -q sleep "/proc/$pid/comm"
	# It belongs to nobody here any more.
	[ "$(cut -d" " -f4 "/proc/$pid/stat")" -ne $$ ]
	kill -KILL "$pid"
	wait_until 60 not_running "$pid"

	ok jail -i -p -f "$D/pid" sleep 1000
	pid=$(cat "$D/pid")
	[ "$(awk '/^NSpid:/ { print $3 }' "/proc/$pid/status")" = 1 ]
	kill -KILL "$pid"
	wait_until 60 not_running "$pid"
	# What cannot be started is told, in the background, too.
	fails 127 jail -i /no/such/program
}

not_running() { [ ! -e "/proc/$1/status" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "minijail0: signals are passed on, and with -z they are not" {
	for mode in "" -p; do
		# shellcheck disable=SC2086
		HUSK_TEST=$T "$MJ" $mode sh -c "trap 'echo got >$D/got; exit 9' TERM; echo up >$D/up; while :; do sleep 0.05; done" 3>&- 4>&- &
		pid=$!
		wait_until 60 test -e "$D/up"
		kill -TERM "$pid"
		status=0
		wait "$pid" || status=$?
		eq "$status" 9
		[ -e "$D/got" ]
		rm "$D/up" "$D/got"
	done
	HUSK_TEST=$T "$MJ" -z -f "$D/pid" sleep 1000 3>&- 4>&- &
	pid=$!
	wait_until 60 test -s "$D/pid"
	program=$(cat "$D/pid")
	wait_until 60 grep -q sleep "/proc/$program/comm"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	eq "$status" 143
	grep -q sleep "/proc/$program/comm"
	kill -KILL "$program"
	wait_until 60 not_running "$program"
}

@test "minijail0: the program ends with minijail0, unless it is in the background" {
	HUSK_TEST=$T "$MJ" -p -f "$D/pid" sleep 1000 3>&- 4>&- &
	pid=$!
	wait_until 60 test -s "$D/pid"
	program=$(cat "$D/pid")
	kill -KILL "$pid"
	wait "$pid" || true
	wait_until 60 not_running "$program"
}

@test "minijail0: -c gives a program of another user just that capability" {
	ok jail -u nobody -g nogroup -n -c cap_kill=e sh -c 'kill -0 1 && echo may'
	out_is may
	fails 1 jail -u nobody -g nogroup -n -c cap_net_raw=e sh -c 'kill -0 1'
	# Locked: root is nobody special any more.
	ok jail -c cap_net_raw=e sh -c 'grep ^CapEff: /proc/self/status'
	out_has 0000000000002000
}

@test "minijail0: descriptors of the caller are closed unless they are preserved" {
	exec 7<"$D/nine"
	ok jail ls /proc/self/fd
	[[ $output != *7* ]]
	ok jail --preserve-fd 7 cat /proc/self/fd/7
	exec 7<&-
	out_is 'from descriptor 9'
}
