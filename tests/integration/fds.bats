#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Descriptors: 0 to 2, what was asked for, and nothing else.

load lib

numbers() { cut -d' ' -f1 <<<"$output" | tr '\n' ' '; }

setup()
{
	integration_setup
	install_probe
	config '.process.args = ["/bin/probe", "fds"]'
}

@test "fds: only 0, 1 and 2" {
	ok c_run
	eq "$(numbers)" "0 1 2 "
}

@test "fds: what the caller has open does not get in" {
	ok sh_with 'exec 3</etc/passwd 5</ 7<>/dev/null 9</proc' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	eq "$(numbers)" "0 1 2 "
}

@test "fds: by create and start as well" {
	husk create -b "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/out" 2>&1 3</etc/passwd 5</
	ok husk start "$ID"
	wait_status stopped
	output=$(cat "$TEST_DIR/out")
	eq "$(numbers)" "0 1 2 "
}

@test "fds: an init that waits for start holds nothing of the host's directories" {
	ok c_create
	for fd in /proc/"$(pid_of)"/fd/*; do
		target=$(readlink "$fd")
		[[ $target != /sys/fs/cgroup* && $target != / && $target != "$BUNDLE"* ]] || { echo "$fd $target" >&2; return 1; }
	done
}

@test "fds: --preserve-fds 1" {
	ok sh_with 'exec 3</etc/passwd 4</etc/group' "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds 1 "$ID"
	eq "$(numbers)" "0 1 2 3 "
	out_has "3 /etc/passwd"
}

@test "fds: --preserve-fds 3 keeps their order" {
	ok sh_with 'exec 3</etc/passwd 4</etc/group 5</etc/hostname 6</' "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds=3 "$ID"
	eq "$(numbers)" "0 1 2 3 4 5 "
	out_has "3 /etc/passwd" "4 /etc/group" "5 /etc/hostname"
}

@test "fds: --preserve-fds beyond what is open is refused or keeps what there is" {
	# crun 1.8.1: may fail because it does not look
	try sh_with 'exec 3</etc/passwd' "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds 3 "$ID"
	if [ "$status" = 0 ]; then
		eq "$(numbers)" "0 1 2 3 "
	else
		err_has_any preserve-fds descriptor "file descriptor" fd
	fi
}

@test "fds: --preserve-fds wants a number" {
	# crun 1.8.1: may fail because it reads as far as it can
	for n in x -1 1x 99999999999; do
		fails c_run "$ID" --preserve-fds "$n"
		err_has preserve-fds
	done
}

@test "fds: LISTEN_FDS hands them on, with LISTEN_PID for the container" {
	# crun 1.8.1: fails because it sets LISTEN_PID and not LISTEN_FDS
	script '/bin/probe fds; echo "listen $LISTEN_FDS $LISTEN_PID"'
	ok sh_with 'exec 3</etc/passwd 4</etc/group 5</; export LISTEN_FDS=2' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_has "3 /etc/passwd" "4 /etc/group" "listen 2 1"
	eq "$(grep -c '^5' <<<"$output")" 0
}

@test "fds: LISTEN_FDS and --preserve-fds add up" {
	ok sh_with 'exec 3</etc/passwd 4</etc/group 5</etc/hostname; export LISTEN_FDS=1' "${HUSK_CMD[@]}" run -b "$BUNDLE" --preserve-fds 1 "$ID"
	eq "$(numbers)" "0 1 2 3 4 "
}

@test "fds: LISTEN_FDS that is no number is refused or ignored" {
	try sh_with 'exec 3</etc/passwd; export LISTEN_FDS=lots' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	[ "$status" != 0 ] || eq "$(numbers)" "0 1 2 "
}

@test "fds: a closed stdin stays no door to something else" {
	# crun 1.8.1: may fail because its own descriptors land there
	ok sh_with 'exec 0<&-' "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	[[ $(grep '^0 ' <<<"$output") =~ ^(0\ /dev/null|)$ ]]
}

@test "fds: the state directory holds no socket that a second start could use" {
	sleeper
	ok c_run "$ID" -d
	fails husk start "$ID"
	status_is running
}
