#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Debian's containerd with its runc shim (v2), driven by ctr, with $HUSK as the runtime. Run it as: private-run bats
# containerd.bats

# shellcheck disable=SC2016 # most strings are for another shell
# shellcheck disable=SC2154 # output, status and stderr are set by run
bats_require_minimum_version 1.5.0

[ -n "${ORCH_PRIVATE:-}" ] || { echo "run through tests/orchestrators/private-run" >&2; exit 1; }
load lib.bash

setup_file() {
	make_image_tar
	make_image_archive "$ORCH_STORE/image.oci.tar"
	wrap_runtime
	start_containerd
	ctr image import "$ORCH_STORE/image.oci.tar"
}

teardown_file() {
	remove_all
	stop_containerd
	nothing_left
}

setup() {
	WORK=$BATS_TEST_TMPDIR
	mark_logs
	cd "$WORK" || return
}

teardown() {
	clean_up_failure
	remove_all
	[ -n "${BATS_TEST_COMPLETED:-}" ] || renew_containerd
}

# After a failure: a shim that was still creating its container when ctr was killed is known to nobody, but owns the id.
renew_containerd() {
	stop_containerd
	local comm mount
	for comm in /proc/[0-9]*/comm; do
		[ "$(cat "$comm" 2>/dev/null)" != containerd-shim ] || kill -KILL "$(basename "${comm%/comm}")"
	done
	for mount in /run/containerd-test/state/*/*/*/rootfs; do
		! mountpoint -q "$mount" || umount "$mount"
	done
	rm -rf /run/containerd-test/state "/run/containerd/runc/$ORCH_CGROUP"
	start_containerd
}

remove_all() {
	local id
	for id in $(ctr task list -q); do
		ctr task kill -a -s KILL "$id" || :
		ctr task delete -f "$id" >/dev/null || :
	done
	for id in $(ctr container list -q); do
		ctr container rm "$id"
	done
}

# ctr_run [OPTION...] ID COMMAND...: options first, as ctr wants them.
ctr_run() {
	local options=()
	while [ "${1#-}" != "$1" ]; do
		case $1 in
		--rm | -d | -t | --read-only | --net-host | --privileged | --seccomp | --no-pivot | --allow-new-privs | --null-io)
			options+=("$1")
			shift
			;;
		*)
			options+=("$1" "$2")
			shift 2
			;;
		esac
	done
	ctr run --runc-binary "$HUSK" "${options[@]}" "$IMAGE" "$@"
}

# sleeper ID [OPTION...]
sleeper() {
	local id=$1
	shift
	ctr_run -d --null-io "$@" "$id" sleep 1000
}

task_pid() { ctr task list | awk -v id="$1" '$1 == id {print $2}'; }
task_state() { ctr task list | awk -v id="$1" '$1 == id {print $3}'; }
is_state() { [ "$(task_state "$1")" = "$2" ]; }

# --- run ------------------------------------------------------------------------------------------------------------------

@test "run: output of both streams, input, and the exit status" {
	run --separate-stderr ctr_run --rm c sh -c 'echo out; echo err >&2; exit 37'
	equal "$status" 37
	equal "$output" out
	equal "$stderr" err
	# ctr does not pass the end of its input on
	run ctr_run --rm c sh -c 'read l; echo "read: $l"' <<<"some input"
	is "read: some input"
	run ctr container list -q
	is ""
}

@test "run: environment and directory" {
	run ctr_run --rm --env A='b c' --cwd /home/guest c sh -c 'echo "$A:$PWD"; id -u'
	is $'b c:/home/guest\n0'
}

@test "run: a program that does not exist or cannot be executed is an error with the reason" {
	run ctr_run --rm c no-such-program
	[ "$status" -ne 0 ]
	has no-such-program
	like 'not found|[Nn]o such file'
	run ctr_run --rm c /odd/not-executable
	[ "$status" -ne 0 ]
	like '[Pp]ermission denied'
	# where it is start that fails, ctr deletes afterwards
	wait_until 5 eval '[ -z "$(ctr task list -q)" ]'
}

@test "run: ten containers at once" {
	local i pids=()
	for i in {1..10}; do
		ctr_run --rm "p$i" sh -c "echo answer $i" >"$WORK/out$i" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in {1..10}; do
		equal "$(cat "$WORK/out$i")" "answer $i"
	done
	run ctr task list -q
	is ""
}

@test "run: an id that is in use is refused, afterwards it is free again" {
	sleeper c
	run sleeper c
	[ "$status" -ne 0 ]
	like 'already exists'
	is_state c RUNNING
	ctr task kill -s KILL c
	wait_until 5 is_state c STOPPED
	ctr task delete c || :
	ctr container rm c
	run ctr_run --rm c echo again
	is again
}

@test "run: on a terminal" {
	run in_tty "stty rows 33 cols 111; $(ctr_line) run --runc-binary $HUSK --rm -t $IMAGE c sh -c '
		tty; for i in 1 2 3 4 5 6 7 8 9 10; do [ \"\$(stty size)\" = \"33 111\" ] && break; sleep 0.1; done; stty size; exit 6'"
	equal "$status" 6
	has /dev/pts/0
	has "33 111"
}

@test "run: --pid-file, and detached" {
	sleeper c --pid-file "$WORK/pid"
	equal "$(cat "$WORK/pid")" "$(task_pid c)"
	equal "$(tr '\0' ' ' <"/proc/$(cat "$WORK/pid")/cmdline")" "sleep 1000 "
}

@test "create and start apart: what create made waits" {
	# no --runc-binary here: the runc that start_containerd put into the daemon's PATH is $HUSK
	ctr container create --env A=b "$IMAGE" c env
	run ctr task start c
	equal "$status" 0
	has A=b
}

@test "run: a root directory that containerd does not manage, and without pivot_root" {
	mkdir "$WORK/root"
	tar -C "$WORK/root" -xf "$IMAGE_TAR"
	run ctr run --runc-binary "$HUSK" --rm --rootfs "$WORK/root" c /bin/cat /data/image-file
	is "from the image"
	run ctr_run --rm --no-pivot c /bin/cat /data/image-file
	is "from the image"
}

# --- exec -----------------------------------------------------------------------------------------------------------------

@test "exec: output, input, directory, user and exit status" {
	sleeper c
	run ctr task exec --exec-id e1 --cwd /tmp --user 1000 c sh -c 'pwd; id -u; exit 9'
	equal "$status" 9
	is $'/tmp\n1000'
	run ctr task exec --exec-id e2 c sh -c 'read l; echo "read: $l"' <<<"some input"
	is "read: some input"
}

@test "exec: on a terminal" {
	sleeper c
	# ctr gives the terminal its size when the program runs already, and loses what it said if it does not any more.
	run in_tty "$(ctr_line) task exec --exec-id e -t c sh -c 'sleep 1; test -t 0 && tty; sleep 1; exit 4'"
	equal "$status" 4
	like '/dev/pts/[0-9]+'
}

@test "exec: a missing program is an error with the reason, and the container goes on" {
	sleeper c
	run ctr task exec --exec-id e1 c no-such-program
	[ "$status" -ne 0 ]
	has no-such-program
	run ctr task exec --exec-id e2 c /odd/not-executable
	[ "$status" -ne 0 ]
	like '[Pp]ermission denied'
	is_state c RUNNING
	equal "$(ctr task exec --exec-id e3 c echo alive)" alive
}

@test "exec: in the background, listed by ps, gone after its end" {
	sleeper c
	ctr task exec -d --exec-id e c sleep 2001
	wait_until 5 pgrep -f 'sleep 2001'
	run ctr task ps c
	like "(^|[[:space:]])$(task_pid c)[[:space:]]"
	like "(^|[[:space:]])$(pgrep -nxf 'sleep 2001')[[:space:]]"
	equal "$(readlink "/proc/$(pgrep -nxf 'sleep 2001')/ns/pid")" "$(readlink "/proc/$(task_pid c)/ns/pid")"
	kill -KILL "$(pgrep -nxf 'sleep 2001')"
	wait_until 5 eval '[ "$(ctr task ps c | wc -l)" = 2 ]'
}

@test "attach: gets the output that follows" {
	mkfifo "$WORK/go"
	ctr_run -d --mount "type=bind,src=$WORK,dst=/w,options=rbind:rw" c sh -c 'read l </w/go; echo "$l"; exit 7'
	(sleep 0.3; echo "hello from below" >"$WORK/go") 3>&- &
	run ctr task attach c
	equal "$status" 7
	is "hello from below"
}

# --- kill, pause, metrics -------------------------------------------------------------------------------------------------

@test "kill: the signal arrives, the state and the exit status follow" {
	ctr_run -d --null-io --mount "type=bind,src=$WORK,dst=/w,options=rbind:rw" c \
		sh -c 'trap "echo >/w/usr1" USR1; trap "exit 23" TERM; echo >/w/ready; while :; do sleep 0.05; done'
	wait_until 5 test -e "$WORK/ready"
	ctr task kill -s SIGUSR1 c
	wait_until 5 test -e "$WORK/usr1"
	is_state c RUNNING
	ctr task kill -s SIGTERM c
	wait_until 5 is_state c STOPPED
	run ctr task delete c
	like 'exit (status|code) 23'
}

@test "kill: a finished task cannot be killed, a running one not deleted unless by force" {
	sleeper c
	run ctr task delete c
	[ "$status" -ne 0 ]
	is_state c RUNNING
	local pid
	pid=$(task_pid c)
	ctr task kill -s KILL c
	wait_until 5 is_state c STOPPED
	run ctr task kill -s KILL c
	[ "$status" -ne 0 ]
	like 'already finished|not found'
	ctr task delete c || :
	sleeper d
	pid=$(task_pid d)
	ctr task delete -f d || :
	wait_until 5 gone "$pid"
	run ctr task list -q
	is ""
}

@test "kill --all: every process of the container" {
	ctr_run -d --null-io c sh -c 'sleep 3001 & sleep 3002 & wait'
	wait_until 5 pgrep -f 'sleep 3002'
	ctr task kill -a -s KILL c
	wait_until 5 eval '! pgrep -f "sleep 300[12]"'
}

@test "pause and resume: the cgroup is frozen, the state says so" {
	sleeper c
	local pid
	pid=$(task_pid c)
	ctr task pause c
	is_state c PAUSED
	frozen "$pid"
	run timeout 2 /usr/bin/ctr -a "$CONTAINERD_SOCKET" -n "$ORCH_CGROUP" task exec --exec-id e c true
	[ "$status" -ne 0 ]
	ctr task resume c
	is_state c RUNNING
	run frozen "$pid"
	[ "$status" -ne 0 ]
	equal "$(ctr task exec --exec-id e2 c echo alive)" alive
}

@test "metrics: memory with its limit and the number of processes" {
	ctr_run -d --null-io --memory-limit $((64 << 20)) c sh -c 'sleep 1000 & sleep 1000 & wait'
	wait_until 5 eval '[ "$(ctr task ps c | wc -l)" = 4 ]'
	run ctr task metrics --format json c
	equal "$status" 0
	equal "$(jq '.pids.current' <<<"$output")" 3
	equal "$(jq '.memory | .usage_limit // .usage.limit' <<<"$output")" $((64 << 20))
	between "$(jq '.memory.usage | if type == "object" then .usage else . end' <<<"$output")" 10000 $((64 << 20))
}

# --- limits and cgroups ---------------------------------------------------------------------------------------------------

@test "limits: --memory-limit takes effect, containerd sees the out-of-memory event" {
	ctr events >"$WORK/events" 3>&- &
	local events=$!
	sleep 0.2
	run ctr_run --rm --memory-limit $((16 << 20)) c dd if=/dev/zero of=/dev/null bs=64M count=1
	equal "$status" 137
	run ctr_run -d --null-io --memory-limit $((16 << 20)) d sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 1000'
	wait_until 5 grep -q '/tasks/oom.*"d"' "$WORK/events"
	kill "$events"
}

@test "limits: --cpus, --cpu-shares, --cpu-quota and --cpu-period are what the kernel has" {
	sleeper c --cpus 0.5 --cpu-shares 512
	equal "$(cpu_quota "$(task_pid c)")" "50000 100000"
	has_512_shares "$(task_pid c)"
	sleeper d --cpu-quota 20000 --cpu-period 50000
	equal "$(cpu_quota "$(task_pid d)")" "20000 50000"
}

@test "cgroup: the path asked for, and the default one; both gone afterwards" {
	sleeper c --cgroup "/$ORCH_CGROUP/some/where"
	local dir pid
	pid=$(task_pid c)
	dir=$(cgroup_dir "$pid" memory)
	[[ $dir == */$ORCH_CGROUP/some/where ]]
	ctr task kill -s KILL c
	wait_until 5 is_state c STOPPED
	ctr task delete c || :
	[ ! -e "$dir" ]
	remove_cgroups some
	sleeper d
	[[ $(cgroup_dir "$(task_pid d)" memory) == */$ORCH_CGROUP/d ]]
}

# --- files, namespaces, security ------------------------------------------------------------------------------------------

@test "mounts: a directory read-write, a file read-only, a tmpfs with its size" {
	echo one >"$WORK/f"
	run ctr_run --rm --mount "type=bind,src=$WORK,dst=/w,options=rbind:rw" --mount "type=bind,src=$WORK/f,dst=/etc/one,options=bind:ro" \
		--mount "type=tmpfs,src=tmpfs,dst=/scratch,options=size=2m:mode=1770" c \
		sh -c 'exec 2>&1; cat /etc/one; echo out >/w/out; stat -c %a /scratch; df -k /scratch | tail -1 | awk "{print \$2}"; echo x >/etc/one'
	[ "$status" -ne 0 ]
	has $'one\n1770\n2048'
	has "Read-only file system"
	equal "$(cat "$WORK/out")" out
}

@test "mounts: --rootfs-propagation" {
	run ctr_run --rm --rootfs-propagation rshared c sh -c 'grep " / / " /proc/self/mountinfo || head -1 /proc/self/mountinfo'
	has shared:
	run ctr_run --rm c head -1 /proc/self/mountinfo
	lacks shared:
}

@test "read-only: the root cannot be written" {
	run ctr_run --rm --read-only c touch /f
	[ "$status" -ne 0 ]
	has "Read-only file system"
}

@test "namespaces: own ones, the host's network, one given by path" {
	run ctr_run --rm c sh -c 'echo $$; ip -o link | wc -l'
	is $'1\n1'
	run ctr_run --rm --net-host c readlink /proc/self/ns/net
	is "$(readlink /proc/self/ns/net)"
	sleeper c
	run ctr_run --rm --with-ns "network:/proc/$(task_pid c)/ns/net" --with-ns "ipc:/proc/$(task_pid c)/ns/ipc" d \
		sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
	is "$(readlink "/proc/$(task_pid c)/ns/net" "/proc/$(task_pid c)/ns/ipc")"
}

@test "user namespace: --uidmap and --gidmap" {
	run ctr_run --rm --uidmap 0:100000:5000 --gidmap 0:200000:5000 c \
		sh -c 'tr -s " " </proc/self/uid_map; id -u; stat -c %u:%g /bin/busybox; touch /new && stat -c %u /new'
	is $' 0 100000 5000\n0\n0:0\n0'
}

@test "capabilities and no_new_privs: the default, one more, one less" {
	run ctr_run --rm c grep -E 'CapEff|NoNewPrivs' /proc/self/status
	has 00000000a80425fb
	like $'NoNewPrivs:\t1'
	run ctr_run --rm --cap-add CAP_NET_ADMIN --cap-drop CAP_CHOWN --allow-new-privs c \
		sh -c 'grep NoNewPrivs /proc/self/status; ip link set lo mtu 1400 && cat /sys/class/net/lo/mtu; chown guest /etc/passwd'
	[ "$status" -ne 0 ]
	like $'NoNewPrivs:\t0'
	has 1400
	has "peration not permitted"
}

@test "seccomp: none, the default, an own profile" {
	run ctr_run --rm c grep Seccomp: /proc/self/status
	has 0
	run ctr_run --rm --seccomp c sh -c 'grep Seccomp: /proc/self/status; unshare -n true'
	[ "$status" -ne 0 ]
	has 2
	has "peration not permitted"
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$WORK/p"
	run ctr_run --rm --seccomp --seccomp-profile "$WORK/p" c mkdir /x
	has "No space left"
}

@test "devices: one of the host with --device; others are refused; privileged has all" {
	run ctr_run --rm c sh -c 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg'
	[ "$status" -ne 0 ]
	has "peration not permitted"
	run ctr_run --rm --cap-add CAP_SYSLOG --device /dev/kmsg c dd if=/dev/kmsg of=/tmp/x bs=8192 count=1
	equal "$status" 0
	run ctr_run --rm --privileged c sh -c 'grep CapEff /proc/self/status; dd if=/dev/kmsg of=/tmp/x bs=8192 count=1'
	equal "$status" 0
	has "$(grep CapEff /proc/self/status)"
}

# --- accidents ------------------------------------------------------------------------------------------------------------

@test "a restart of containerd: the container runs on and is controlled as before" {
	sleeper c
	local pid
	pid=$(task_pid c)
	stop_containerd
	alive "$pid"
	start_containerd
	equal "$(task_pid c)" "$pid"
	equal "$(ctr task exec --exec-id e c echo alive)" alive
	ctr task kill -s KILL c
	wait_until 5 is_state c STOPPED
}

@test "a shim that is killed: containerd has the runtime remove everything" {
	sleeper c
	local pid shim dir
	pid=$(task_pid c)
	dir=$(cgroup_dir "$pid" memory)
	shim=$(awk '/^PPid:/{print $2}' "/proc/$pid/status")
	[[ $(tr '\0' ' ' <"/proc/$shim/cmdline") == *containerd-shim* ]]
	kill -KILL "$shim"
	wait_until 10 gone "$pid"
	wait_until 10 test ! -e "$dir"
	run "$HUSK" --root "/run/containerd/runc/$ORCH_CGROUP" list -q
	is ""
}
