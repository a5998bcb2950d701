#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: another process in a running container.

load lib

@test "exec: runs a command and passes its output and status" {
	c_sleeper
	exits 7 husk exec "$ID" sh -c 'echo inside; echo wrong >&2; exit 7'
	eq "$output" inside
	eq "$stderr" wrong
}

@test "exec: stdin is the command's" {
	c_sleeper
	eq "$(echo through | husk exec "$ID" cat)" through
}

@test "exec: death by signal is 128 plus the signal" {
	c_sleeper
	exits 137 husk exec "$ID" sh -c 'kill -KILL $$'
}

@test "exec: is in all namespaces of the container" {
	c_sleeper
	pid=$(pid_of)
	# As the kernel names them from outside.
	bg e "${HUSK_CMD[@]}" exec --pid-file "$TEST_DIR/pid" "$ID" sleep 100
	wait_for test -s "$TEST_DIR/pid"
	wait_for grep -qx sleep "/proc/$(cat "$TEST_DIR/pid")/comm"
	for ns in pid net ipc uts mnt cgroup user; do
		eq "$(readlink "/proc/$(cat "$TEST_DIR/pid")/ns/$ns")" "$(readlink "/proc/$pid/ns/$ns")"
	done
}

@test "exec: is in the container's cgroup" {
	c_sleeper
	bg e "${HUSK_CMD[@]}" exec --pid-file "$TEST_DIR/pid" "$ID" sleep 100
	wait_for test -s "$TEST_DIR/pid"
	wait_for grep -qx sleep "/proc/$(cat "$TEST_DIR/pid")/comm"
	eq "$(grep -v -e :hugetlb: "/proc/$(cat "$TEST_DIR/pid")/cgroup")" "$(grep -v -e :hugetlb: "/proc/$(pid_of)/cgroup")"
}

@test "exec: flags of the command are the command's" {
	c_sleeper
	ok husk exec "$ID" echo --cwd -x --help
	out_is "--cwd -x --help"
}

@test "exec: -- before the id ends the flags" {
	c_sleeper
	ok husk exec -- "$ID" echo yes
	out_is yes
}

@test "exec: inherits the configuration's environment and cwd" {
	# crun 1.8.1: fails because its default cwd is always /
	c_sleeper "$ID" '.process.env += ["FROM=config"] | .process.cwd = "/tmp"'
	ok husk exec "$ID" sh -c 'echo $FROM; pwd'
	out_is $'config\n/tmp'
}

@test "exec: does not inherit the caller's environment" {
	c_sleeper
	ok env LEAKED=yes "${HUSK_CMD[@]}" exec "$ID" env
	out_lacks LEAKED
}

@test "exec: --env and -e add, and win over the configuration" {
	# crun 1.8.1: fails because -e replaces the whole environment
	c_sleeper "$ID" '.process.env += ["ONE=config"]'
	ok husk exec --env ONE=1 -e TWO=2=two -e EMPTY= "$ID" sh -c 'echo $ONE $TWO [${EMPTY-unset}]; env | grep -c ^ONE='
	out_is $'1 2=two []\n1'
}

@test "exec: --env without = is refused or empty, never the caller's value" {
	c_sleeper
	try env SECRET=leaked "${HUSK_CMD[@]}" exec --env SECRET "$ID" env
	out_lacks leaked
}

@test "exec: --cwd" {
	c_sleeper
	ok husk exec --cwd /tmp "$ID" pwd
	out_is /tmp
}

@test "exec: --cwd that is missing is an error that names it" {
	# crun 1.8.1: fails because it ends with 255
	c_sleeper
	fails husk exec --cwd /not-there "$ID" pwd
	err_has /not-there
}

@test "exec: --user with uid and gid" {
	c_sleeper
	ok husk exec --user 1000:2000 "$ID" sh -c 'id -u; id -g'
	out_is $'1000\n2000'
}

@test "exec: --user with only a uid" {
	c_sleeper
	ok husk exec -u 1000 "$ID" id -u
	out_is 1000
}

@test "exec: --user takes numbers and nothing that only looks like one" {
	# crun 1.8.1: fails because it reads 1x as 1
	c_sleeper
	for user in 1x x1 +1 -1 ' 1' '1 ' 1: :1 1:x 1::1 1:2:3 0x1 1.0 '' 4294967296 4294967295 18446744073709551616 99999999999999999999; do
		fails husk exec --user "$user" "$ID" id -u
		err_has user
	done
}

@test "exec: a numeric user is never looked up as a name" {
	c_sleeper
	rm "$ROOTFS/etc/passwd"
	echo '1000::0:0:evil:/:/bin/sh' >"$ROOTFS/etc/passwd"
	ok husk exec -u 1000 "$ID" id -u
	out_is 1000
}

@test "exec: --additional-gids" {
	# crun 1.8.1: fails because it has no such flag
	c_sleeper
	ok husk exec --user 1000:1000 -g 2000 --additional-gids 3000 "$ID" id -G
	out_is "1000 2000 3000"
}

@test "exec: HOME comes from the container's passwd file" {
	# crun 1.8.1: may fail because it does not set HOME
	c_sleeper
	ok husk exec --user 1000:1000 "$ID" sh -c 'echo $HOME'
	out_is /home/user
}

@test "exec: capabilities are the configuration's" {
	c_sleeper
	ok husk exec "$ID" grep CapEff /proc/self/status
	out_is "CapEff:	0000000020000420"
}

@test "exec: --cap adds, and inheritable stays empty" {
	# crun 1.8.1: fails because it replaces the other capabilities
	c_sleeper
	ok husk exec --cap CAP_NET_ADMIN -c CAP_SYS_CHROOT "$ID" grep -E 'Cap(Eff|Inh|Bnd)' /proc/self/status
	out_has "CapInh:	0000000000000000" "CapEff:	0000000020041420" "CapBnd:	0000000020041420"
}

@test "exec: an unknown capability is refused" {
	# crun 1.8.1: fails because it ignores it
	c_sleeper
	fails husk exec --cap CAP_FLY "$ID" true
	err_has CAP_FLY
}

@test "exec: another user has no capabilities without ambient ones" {
	c_sleeper
	ok husk exec --user 1000:1000 "$ID" grep -E 'Cap(Eff|Prm|Amb|Inh)' /proc/self/status
	out_is $'CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000'
}

@test "exec: --no-new-privs" {
	c_sleeper "$ID" '.process.noNewPrivileges = false'
	ok husk exec "$ID" grep NoNewPrivs /proc/self/status
	out_is "NoNewPrivs:	0"
	ok husk exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status
	out_is "NoNewPrivs:	1"
}

@test "exec: no_new_privs of the configuration holds" {
	# crun 1.8.1: fails because only --process has it
	c_sleeper
	ok husk exec "$ID" grep NoNewPrivs /proc/self/status
	out_is "NoNewPrivs:	1"
}

@test "exec: the seccomp filter of the container holds" {
	c_sleeper "$ID" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 99}]}'
	exits 1 husk exec "$ID" mkdir /tmp/x
	err_has "assign requested address"
	ok husk exec "$ID" grep Seccomp: /proc/self/status
	out_is "Seccomp:	2"
}

@test "exec: the rlimits of the configuration hold" {
	# crun 1.8.1: fails because only --process has them
	c_sleeper "$ID" '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]'
	ok husk exec "$ID" sh -c 'ulimit -Sn; ulimit -Hn'
	out_is $'77\n88'
}

@test "exec: --process takes everything from the file" {
	c_sleeper
	jq '.process | .args = ["sh", "-c", "pwd; echo $MARK; id -u; id -G; umask"] | .cwd = "/tmp" | .env += ["MARK=m"]
		| .user = {uid: 1000, gid: 1000, umask: 63, additionalGids: [2000]}' "$BUNDLE/config.json" >"$TEST_DIR/process.json"
	ok husk exec --process "$TEST_DIR/process.json" "$ID"
	out_is $'/tmp\nm\n1000\n1000 2000\n0077'
}

@test "exec: --process has its own capabilities, ambient ones too" {
	c_sleeper
	jq '.process | .args = ["grep", "CapAmb", "/proc/self/status"] | .user = {uid: 1000, gid: 1000}
		| .capabilities |= (.ambient = ["CAP_KILL"] | .inheritable = ["CAP_KILL"])' "$BUNDLE/config.json" >"$TEST_DIR/process.json"
	ok husk exec -p "$TEST_DIR/process.json" "$ID"
	out_is "CapAmb:	0000000000000020"
}

@test "exec: --process with a broken file is an error with its path" {
	# crun 1.8.1: fails because it does not name the file
	c_sleeper
	echo '{"args": [' >"$TEST_DIR/process.json"
	fails husk exec --process "$TEST_DIR/process.json" "$ID"
	err_has process.json
	fails husk exec --process "$TEST_DIR/none.json" "$ID"
	err_has none.json
}

@test "exec: --process with wrong types names the property" {
	# crun 1.8.1: fails because it takes the value for unset
	c_sleeper
	jq '.process | .args = "true"' "$BUNDLE/config.json" >"$TEST_DIR/process.json"
	fails husk exec --process "$TEST_DIR/process.json" "$ID"
	err_has args
}

@test "exec: --process and a command together are refused" {
	# crun 1.8.1: fails because it ignores the command
	c_sleeper
	jq .process "$BUNDLE/config.json" >"$TEST_DIR/process.json"
	fails husk exec --process "$TEST_DIR/process.json" "$ID" true
}

@test "exec: no command is a usage error" {
	c_sleeper
	fails husk exec "$ID"
}

@test "exec: --detach returns at once, --pid-file has the host's pid" {
	c_sleeper
	ok husk exec --detach --pid-file "$TEST_DIR/pid" "$ID" sleep 1000
	pid=$(cat "$TEST_DIR/pid")
	wait_for grep -qx sleep "/proc/$pid/comm"
	[ -z "$(processes_with "$T" cmdline)" ]
}

@test "exec: a detached process ends with the container" {
	c_sleeper
	ok husk exec -d --pid-file "$TEST_DIR/pid" "$ID" sleep 1000
	ok husk delete --force "$ID"
	wait_for process_gone "$(cat "$TEST_DIR/pid")"
}

@test "exec: a process without detach does not outlive the container" {
	c_sleeper
	bg e "${HUSK_CMD[@]}" exec "$ID" sh -c 'echo up; sleep 1000'
	wait_for grep -q up "$TEST_DIR/e.out"
	ok husk delete --force "$ID"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 137
}

@test "exec: SIGTERM to a foreground exec reaches the process" {
	c_sleeper
	bg e "${HUSK_CMD[@]}" exec "$ID" sh -c 'trap "echo got; exit 9" TERM; echo up; while :; do sleep 1000 & wait $!; done'
	wait_for grep -q up "$TEST_DIR/e.out"
	kill -TERM "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 9
	grep -q got "$TEST_DIR/e.out"
}

@test "exec: an unknown container does not exist" {
	# crun 1.8.1: fails because it only names the file it looked for
	fails husk exec "$ID" true
	err_has "does not exist"
}

@test "exec: a stopped container is refused" {
	c_stopped
	fails husk exec "$ID" true
	err_has_any "not running" "stopped"
}

@test "exec: works in a created container" {
	ok c_create
	ok husk exec "$ID" echo early
	out_is early
	status_is created
}

@test "exec: a paused container is refused, --ignore-paused waits for it" {
	# crun 1.8.1: fails because it has no such flag
	requires_freezer
	c_sleeper
	ok husk pause "$ID"
	fails husk exec "$ID" true
	err_has paused
	bg e "${HUSK_CMD[@]}" exec --ignore-paused "$ID" sh -c 'echo thawed'
	sleep 0.1
	[ ! -s "$TEST_DIR/e.out" ]
	ok husk resume "$ID"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 0
	grep -q thawed "$TEST_DIR/e.out"
}

@test "exec: a missing program is 127 and named" {
	# crun 1.8.1: fails because it ends with 255
	c_sleeper
	fails 127 husk exec "$ID" no-such-program
	err_has no-such-program
	err_has_any "no such file or directory" "executable file not found"
}

@test "exec: a missing path is 127" {
	# crun 1.8.1: fails because it ends with 255
	c_sleeper
	fails 127 husk exec "$ID" /no/such/program
	err_has /no/such/program "no such file or directory"
}

@test "exec: a file without execute bit is 126" {
	# crun 1.8.1: fails because it ends with 255
	c_sleeper
	fails 126 husk exec "$ID" /etc/passwd
	err_has /etc/passwd "permission denied"
}

@test "exec: only the descriptors 0 to 2 are open" {
	install_probe
	c_sleeper
	ok sh_with 'exec 5</etc/passwd 9</' "${HUSK_CMD[@]}" exec "$ID" /bin/probe fds
	eq "$(cut -d' ' -f1 <<<"$output" | tr '\n' ' ')" "0 1 2 "
}

@test "exec: --preserve-fds hands down that many" {
	install_probe
	c_sleeper
	ok sh_with 'exec 3</etc/passwd 4</etc/group 5</' "${HUSK_CMD[@]}" exec --preserve-fds 2 "$ID" /bin/probe fds
	eq "$(cut -d' ' -f1 <<<"$output" | tr '\n' ' ')" "0 1 2 3 4 "
}

@test "exec: --tty without a terminal, with a console socket" {
	c_sleeper
	install_probe
	bg rt "$(helper recvtty)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	ok husk exec --detach --tty --console-socket "$TEST_DIR/sock" "$ID" sh -c 'probe tty; exec sleep 1000'
	wait_for grep -q 'controlling yes' "$TEST_DIR/rt.out"
}

@test "exec: many at once" {
	c_sleeper
	for i in 1 2 3 4 5 6; do
		bg "e$i" "${HUSK_CMD[@]}" exec "$ID" sh -c "echo $i; exit $i"
	done
	for i in 1 2 3 4 5 6; do
		wait_bg "${BG_PIDS[i - 1]}"
		eq "$status" "$i"
		eq "$(cat "$TEST_DIR/e$i.out")" "$i"
	done
}

@test "exec: --cgroup puts the process into a sub-cgroup" {
	requires_cgroup v2
	c_sleeper
	cg=$(cgroup_of "$(pid_of)")
	mkdir "$cg/sub"
	bg e "${HUSK_CMD[@]}" exec --cgroup sub --pid-file "$TEST_DIR/pid" "$ID" sh -c 'echo up; sleep 100'
	wait_for grep -q up "$TEST_DIR/e.out"
	eq "$(cgroup_of "$(cat "$TEST_DIR/pid")")" "$cg/sub"
}

@test "exec: --cgroup with dots is refused" {
	# crun 1.8.1: fails because v1 does not look at the path
	c_sleeper
	fails husk exec --cgroup ../.. "$ID" true
	err_has cgroup
}

@test "exec: a container whose init moved itself to a sub-cgroup" {
	requires_cgroup v2
	c_sleeper
	cg=$(cgroup_of "$(pid_of)")
	mkdir "$cg/init"
	# Everything out of the top, then controllers on: the top takes no process.
	for p in $(cat "$cg/cgroup.procs"); do echo "$p" >"$cg/init/cgroup.procs"; done
	echo +pids >"$cg/cgroup.subtree_control"
	ok husk exec "$ID" echo fell back
	out_is "fell back"
}

@test "exec: without a umask in the configuration the caller's stays" {
	# as the specification says of process.user.umask
	c_sleeper
	ok sh_with 'umask 0077' "${HUSK_CMD[@]}" exec "$ID" sh -c umask
	out_is 0077
}

@test "exec: what protected the way into the container is over at the program" {
	# The runtime is not dumpable until then; a program is, as everywhere.
	install_probe
	c_sleeper
	ok husk exec "$ID" /bin/probe prctl
	out_has "dumpable 1" "keepcaps 0" "pdeathsig 0"
}

@test "exec: --pidfd-socket passes a pidfd of the process" {
	# crun 1.8.1: fails because it has no such flag
	c_sleeper
	bg rf "$(helper recvfd)" "$TEST_DIR/sock"
	wait_for test -S "$TEST_DIR/sock"
	ok husk exec --detach --pid-file "$TEST_DIR/pid" --pidfd-socket "$TEST_DIR/sock" "$ID" sleep 1000
	wait_for grep -q '^Pid:' "$TEST_DIR/rf.out"
	grep -qE "^Pid:[[:space:]]+$(cat "$TEST_DIR/pid")\$" "$TEST_DIR/rf.out"
}

@test "exec: PATH of the process is what finds the program" {
	mkdir "$ROOTFS/opt"
	printf '#!/bin/sh\necho mine\n' >"$ROOTFS/opt/mine"
	chmod 755 "$ROOTFS/opt/mine"
	c_sleeper
	ok husk exec --env PATH=/opt:/bin "$ID" mine
	out_is mine
}
