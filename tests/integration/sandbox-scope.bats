#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits of a sandbox for a user with a service manager of their own: in a scope that it gives away.

load lib
load sandbox

MANAGED=husk-scope-test

setup_file()
{
	[ "$(cat /proc/1/comm)" = systemd ] || return 0
	useradd -m $MANAGED
	loginctl enable-linger $MANAGED
	systemctl start "user@$(id -u $MANAGED)"
}

teardown_file()
{
	[ "$(cat /proc/1/comm)" = systemd ] || return 0
	loginctl disable-linger $MANAGED
	systemctl stop "user@$(id -u $MANAGED)"
	userdel -r $MANAGED 2>/dev/null || true
}

setup()
{
	[ "$(cat /proc/1/comm)" = systemd ] || skip "needs test VM: systemd"
	sandbox_setup
	SANDBOX_UID=$(id -u $MANAGED)
	chown "$SANDBOX_UID" "$TEST_DIR/home" "$TEST_DIR/here"
	UNITS=(systemctl --user --machine "$MANAGED@" --no-legend --plain list-units --all 'husk-*')
}

@test "scope: memory, processes and processor time of all together" {
	exits 137 usandbox --report "$TEST_DIR/here/report" --memory 32M --pids 20 --cpus 1 \
		sh -c 'tail -c 200M /dev/zero | tail -c 100M | wc -c; exit 3'
	REPORT=$TEST_DIR/here/report
	verdict_is memory
	eq "$(reported '.weakened | length')" 0
	exits 2 usandbox --pids 8 --memory 64M --report "$TEST_DIR/here/report" \
		sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait'
	verdict_is pids
}

@test "scope: descriptors, directory, environment and status are the caller's" {
	exec 7<<<"from seven"
	exec 7>"$TEST_DIR/here/events"
	exits 6 usandbox --memory 64M --status-fd 7 --setenv A b sh -c 'pwd; echo "$A"; env | grep -c ^HUSK_SANDBOX; exit 6'
	exec 7>&-
	out_is "$TEST_DIR/here
b
0"
	eq "$(jq -r .event "$TEST_DIR/here/events" | tr '\n' ' ')" "started exited "
}

@test "scope: nothing is left of it" {
	ok usandbox --memory 64M true
	ok "${UNITS[@]}"
	out_is ""
	ok find "/sys/fs/cgroup/user.slice/user-$SANDBOX_UID.slice" -name '*husk*'
	out_is ""
}

@test "scope: none is made where nothing needs it" {
	ok usandbox sh -c 'cat /proc/self/cgroup'
	out_lacks husk-
}

@test "scope: a variable that claims one is not believed" {
	ok as_user HUSK_SANDBOX_SCOPE=husk-vm.service "${HUSK_TIMED[@]}" "$USER_HUSK" sandbox true
	fails as_user HUSK_SANDBOX_SCOPE=husk-vm.service "${HUSK_TIMED[@]}" "$USER_HUSK" sandbox --memory 64M true
	err_has "control group"
}

@test "scope: without the manager it is refused as ever" {
	systemctl stop "user@$SANDBOX_UID"
	fails usandbox --memory 64M true
	systemctl start "user@$SANDBOX_UID"
	err_has "needs a control group"
}

@test "scope: a socket that nobody listens on is no manager" {
	mkdir -p "$TEST_DIR/home/run/systemd"
	perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($ARGV[0])) or die $!' \
		"$TEST_DIR/home/run/systemd/private"
	chown -R "$SANDBOX_UID" "$TEST_DIR/home/run"
	fails as_user XDG_RUNTIME_DIR="$TEST_DIR/home/run" "${HUSK_TIMED[@]}" "$USER_HUSK" sandbox --memory 64M true
	err_has "needs a control group"
}
