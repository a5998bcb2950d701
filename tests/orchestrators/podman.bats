#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Debian's podman, as root, with $HUSK as its runtime. Run it as: private-run bats podman.bats

# shellcheck disable=SC2016 # most strings are for another shell
# shellcheck disable=SC2154 # output, status and stderr are set by run
bats_require_minimum_version 1.5.0

[ -n "${ORCH_PRIVATE:-}" ] || { echo "run through tests/orchestrators/private-run" >&2; exit 1; }
load lib.bash

setup_file() {
	make_image_tar
	wrap_runtime
	set_up_podman
	podman import -q -c 'ENV PATH=/bin' "$IMAGE_TAR" "$IMAGE"
}

teardown_file() {
	podman pod rm -f -a -t 0
	podman rm -f -a -t 0
	podman rmi -f -a >/dev/null
	nothing_left
}

setup() {
	use_podman
	WORK=$BATS_TEST_TMPDIR
	mark_logs
	# conmon writes the file "oom" into its working directory, which is ours
	cd "$WORK" || return
}

teardown() {
	clean_up_failure
	podman pod rm -f -a -t 0 >/dev/null
	podman rm -f -a -t 0 >/dev/null
	podman volume rm -f -a >/dev/null
	# what a test that failed did not get to
	! mountpoint -q "$WORK/top" || umount -R "$WORK/top"
}

# sleeper NAME [OPTION...]: a container in the background.
sleeper() {
	local name=$1
	shift
	podman run -d --name "$name" "$@" "$IMAGE" sleep 1000
}

field() { podman inspect -f "{{$2}}" "$1"; }
container_pid() { field "$1" .State.Pid; }
is_state() { [ "$(field "$1" .State.Status)" = "$2" ]; }
logs_have() { podman logs "$1" 2>&1 | grep -q -e "$2"; }

# serve_hello OPTION...: a web server in the background.
serve_hello() {
	podman run -d "$@" "$IMAGE" sh -c 'mkdir -p /www && echo hello >/www/index.html && exec httpd -f -p 80 -h /www'
}

# --- run, exit status -----------------------------------------------------------------------------------------------------

@test "run: output of both streams and the exit status come through" {
	run --separate-stderr podman run --rm "$IMAGE" sh -c 'echo out; echo err >&2; exit 37'
	equal "$status" 37
	equal "$output" out
	equal "$stderr" err
}

@test "run: standard input reaches the program with -i, and its end does too" {
	run podman run --rm -i "$IMAGE" sh -c 'wc -c; echo done' < <(head -c 300000 /dev/zero)
	equal "$status" 0
	is $'300000\ndone'
}

@test "run: environment, directory, user, groups and umask" {
	run podman run --rm -e A='b c' -w /home/guest -u guest --group-add extra --umask 0027 "$IMAGE" \
		sh -c 'echo "$A:$PWD:$HOME:$(id -u):$(id -g):$(id -G):$(umask)"'
	is "b c:/home/guest:/home/guest:1000:1000:1000 1234:0027"
	run podman run --rm -u 77:88 "$IMAGE" sh -c 'id -u; id -G'
	is $'77\n88'
}

@test "run: 127 and a telling text when the program does not exist" {
	run -127 podman run --rm "$IMAGE" no-such-program
	has no-such-program
	run -127 podman run --rm "$IMAGE" /no/such/program
	has /no/such/program
	equal "$(podman ps -aq)" ""
}

@test "run: 126 and a telling text when the program is not executable" {
	run podman run --rm "$IMAGE" /odd/not-executable
	equal "$status" 126
	like '[Pp]ermission denied'
	run podman run --rm "$IMAGE" /etc
	equal "$status" 126
}

@test "run: a program that the kernel refuses is reported with the reason" {
	[[ $("$HUSK" --version) == husk* ]] || skip "crun and runc report nothing here"
	run -127 podman run --rm "$IMAGE" /odd/no-interpreter
	has /no/such/interpreter
	run podman run --rm "$IMAGE" /odd/wrong-machine
	[ "$status" -ne 0 ]
	like '[Ee]xec format error|machine|architecture'
	run podman run --rm "$IMAGE" /odd/not-a-program
	[ "$status" -ne 0 ]
	like '[Ee]xec format error'
}

@test "run: the working directory must exist when it cannot be made" {
	run podman run --rm -w /etc/passwd "$IMAGE" pwd
	[ "$status" -ne 0 ]
	like '/etc/passwd|[Nn]ot a directory'
}

@test "create, start, wait: a container may be started again after it has ended" {
	podman create --name c "$IMAGE" sh -c 'echo run >>/count; wc -l </count; exit 5'
	is_state c created
	run -5 podman start -a c
	is 1
	run -5 podman start -a c
	is 2
	podman start c
	run podman wait c
	is 5
	is_state c exited
	run podman inspect -f '{{.OCIRuntime}} {{.State.ExitCode}} {{.State.OOMKilled}}' c
	is "husk 5 false"
}

@test "run: --timeout kills a container that takes too long" {
	run podman run --timeout 1 --name c "$IMAGE" sleep 1000
	[ "$status" -ne 0 ]
	is_state c exited
}

@test "run: ten containers at once, all with their own answer" {
	local i pids=()
	for i in {1..10}; do
		podman run --rm --name "p$i" --network none "$IMAGE" sh -c "echo answer $i" >"$WORK/out$i" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in {1..10}; do
		equal "$(cat "$WORK/out$i")" "answer $i"
	done
	equal "$(podman ps -aq)" ""
}

@test "run: signals to the client are passed on" {
	/usr/bin/podman "${PODMAN_OPTIONS[@]}" run --name c "$IMAGE" \
		sh -c 'trap "echo got; exit 42" USR1; echo ready; while :; do sleep 0.05; done' >"$WORK/out" 3>&- &
	wait_until 10 grep -q ready "$WORK/out"
	kill -USR1 $!
	local status=0
	wait $! || status=$?
	equal "$status" 42
	run cat "$WORK/out"
	has got
}

@test "run: a root directory that podman did not make (a whole Debian, overlaid)" {
	[ -e /usr/bin/dpkg ] || skip "not a Debian"
	run podman run --rm --rootfs /:O dpkg-query -W -f '${Package}' libc6
	equal "$status" 0
	is libc6
}

# --- exec -----------------------------------------------------------------------------------------------------------------

@test "exec: output, environment, directory, user, input and exit status" {
	sleeper c -e FROM=run
	run podman exec -e A=1 -w /tmp -u guest c sh -c 'echo "$FROM:$A:$PWD:$(id -u)"; exit 9'
	equal "$status" 9
	is "run:1:/tmp:1000"
	run podman exec -i c tr a-z A-Z <<<"some input"
	is "SOME INPUT"
}

@test "exec: joins every namespace and the cgroup of the container" {
	sleeper c
	local pid ns
	pid=$(container_pid c)
	for ns in cgroup ipc mnt net pid uts; do
		equal "$(podman exec c readlink "/proc/self/ns/$ns")" "$(readlink "/proc/$pid/ns/$ns")"
	done
	podman exec -d c sleep 2000
	wait_until 5 grep -q . <(pgrep -f 'sleep 2000')
	equal "$(cat "/proc/$(pgrep -nxf 'sleep 2000')/cgroup")" "$(cat "/proc/$pid/cgroup")"
}

@test "exec: 127 and 126, and the container goes on" {
	sleeper c
	run -127 podman exec c no-such-program
	has no-such-program
	run podman exec c /odd/not-executable
	equal "$status" 126
	like '[Pp]ermission denied'
	is_state c running
	equal "$(podman exec c echo alive)" alive
}

@test "exec: in the background, seen by top, ended by stop" {
	sleeper c
	podman exec -d c sleep 2001
	run podman top c args
	has 'sleep 2001'
	podman stop -t 0 c
	[ -z "$(pgrep -f 'sleep 2001')" ]
}

@test "exec: --privileged has all capabilities, otherwise those of the container" {
	sleeper c --cap-drop all --cap-add chown
	run podman exec c grep CapEff /proc/self/status
	has 0000000000000001
	run podman exec --privileged c grep CapEff /proc/self/status
	lacks 0000000000000001
	like '00000[0-9a-f]*f'
	# as a user: in the bounding set only
	run podman exec -u guest c grep -E 'Cap(Eff|Bnd|Inh)' /proc/self/status
	has $'CapEff:\t0000000000000000'
	has $'CapInh:\t0000000000000000'
}

@test "exec: a descriptor is passed with --preserve-fds, no other is there" {
	sleeper c
	echo "through fd 3" >"$WORK/file"
	run podman exec --preserve-fds 1 c sh -c 'cat <&3' 3<"$WORK/file"
	is "through fd 3"
	run podman exec c sh -c 'ls /proc/self/fd'
	is $'0\n1\n2\n3'
}

@test "exec: thirty in a row and eight at once leave nothing behind" {
	sleeper c
	local i pids=()
	for i in {1..30}; do
		podman exec c true
	done
	for i in {1..8}; do
		podman exec c sh -c "echo $i" >"$WORK/o$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	equal "$(sort -n "$WORK"/o? | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "
	run podman exec c sh -c 'ls -d /proc/[0-9]* | wc -l'
	between "$output" 2 4
}

# --- terminals ------------------------------------------------------------------------------------------------------------

@test "tty: run -it is on a terminal with the caller's size" {
	run in_tty "stty rows 33 cols 111; $(podman_line) run --rm -it $IMAGE sh -c '
		tty; for i in 1 2 3 4 5 6 7 8 9 10; do [ \"\$(stty size)\" = \"33 111\" ] && break; sleep 0.1; done; stty size; exit 6'"
	equal "$status" 6
	has /dev/pts/0
	has "33 111"
}

@test "tty: exec -it gets one too, run -t without a terminal on our side as well" {
	sleeper c
	run in_tty "$(podman_line) exec -it c sh -c 'test -t 0 && test -t 1 && tty; exit 4'"
	equal "$status" 4
	like '/dev/pts/[0-9]+'
	run podman run --rm -t "$IMAGE" sh -c 'test -t 1 && ls -l /dev/console | cut -c1'
	has c
}

@test "tty: control-C interrupts the program, what is typed is read and echoed" {
	local status=0
	{ wait_until 10 is_state c running; sleep 0.3; echo "typed line"; sleep 0.3; printf '\003'; wait_until 10 is_state c exited; } |
		in_tty "$(podman_line) run --name c -it $IMAGE sh -c 'trap \"echo interrupted; exit 44\" INT; read l; echo read: \$l; while :; do sleep 0.05; done'" >"$WORK/out" || status=$?
	equal "$status" 44
	run cat "$WORK/out"
	has "read: typed line"
	has interrupted
}

@test "tty: the detach keys leave the container running, attach comes back" {
	# podman looks for each key in a read of its own
	{ wait_until 10 is_state c running; sleep 0.3; printf '\020'; sleep 0.3; printf '\021'; sleep 0.3; } |
		in_tty "$(podman_line) run --name c -it $IMAGE sh -c 'read l; echo read: \$l; exit 12'"
	is_state c running
	{ sleep 0.5; echo again; wait_until 10 is_state c exited; } | in_tty "$(podman_line) attach c" >"$WORK/out"
	equal "$(field c .State.ExitCode)" 12
	run cat "$WORK/out"
	has "read: again"
}

# --- attach, logs ---------------------------------------------------------------------------------------------------------

@test "attach: input and output of a running container" {
	podman run -d -i --name c "$IMAGE" sh -c 'while read l; do echo "got $l"; [ "$l" = end ] && exit 21; done'
	run podman attach c < <(sleep 0.2; printf 'one\ntwo\nend\n'; sleep 0.2)
	has $'got one\ngot two\ngot end'
	equal "$(podman wait c)" 21
}

@test "logs: both streams, the tail, following until the end" {
	podman run -d --name c "$IMAGE" sh -c 'for i in 1 2 3; do echo out $i; echo err $i >&2; done; sleep 0.5; echo last'
	run podman logs -f c
	has "err 3"
	has last
	run podman logs --tail 1 c
	is last
}

# --- stop, kill, restart --------------------------------------------------------------------------------------------------

@test "stop: SIGTERM is enough for a willing container, its status is kept" {
	podman run -d --name c "$IMAGE" sh -c 'trap "exit 23" TERM; echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c ready
	local start=$SECONDS
	podman stop -t 20 c
	between $((SECONDS - start)) 0 10
	equal "$(field c .State.ExitCode)" 23
}

@test "stop: an unwilling container is killed after the time given" {
	podman run -d --name c "$IMAGE" sh -c 'trap "" TERM; echo ready; sleep 1000'
	wait_until 5 logs_have c ready
	podman stop -t 1 c
	equal "$(field c .State.ExitCode)" 137
}

@test "stop: another signal with --stop-signal" {
	podman run -d --name c --stop-signal USR2 "$IMAGE" sh -c 'trap "exit 24" USR2; echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c ready
	podman stop -t 20 c
	equal "$(field c .State.ExitCode)" 24
}

@test "kill: by name and number; a dead container cannot be killed" {
	podman run -d --name c "$IMAGE" sh -c 'trap "echo one" USR1; trap "echo two" USR2; echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c ready
	podman kill -s USR1 c
	wait_until 5 logs_have c one
	podman kill -s 12 c
	wait_until 5 logs_have c two
	podman kill c
	equal "$(podman wait c)" 137
	run podman kill c
	[ "$status" -ne 0 ]
}

@test "kill: without an own pid namespace the children die too" {
	podman run -d --name c --pid host "$IMAGE" sh -c 'sleep 3001 & sleep 3002 & wait'
	wait_until 5 pgrep -f 'sleep 300[12]'
	podman rm -f -t 0 c
	wait_until 5 eval '! pgrep -f "sleep 300[12]"'
}

@test "rm: refuses a running container, --force removes it; the runtime keeps nothing" {
	sleeper c
	run podman rm c
	[ "$status" -ne 0 ]
	is_state c running
	podman rm -f -t 0 c
	run podman ps -aq
	is ""
	run "$HUSK" list -q
	is ""
}

@test "restart: a new process in the same file system" {
	sleeper c
	podman exec c touch /kept
	local before
	before=$(container_pid c)
	podman restart -t 0 c
	[ "$(container_pid c)" != "$before" ]
	podman exec c test -e /kept
}

@test "restart policy: on-failure:2 runs three times" {
	podman run -d --name c --restart on-failure:2 -v "$WORK:/w" "$IMAGE" sh -c 'echo run >>/w/runs; exit 1'
	wait_until 10 eval '[ "$(wc -l <"$WORK/runs")" = 3 ]'
	wait_until 10 is_state c exited
	sleep 0.5
	equal "$(wc -l <"$WORK/runs")" 3
	equal "$(field c .RestartCount)" 2
}

@test "a conmon that is killed does not keep the container from being removed" {
	sleeper c
	local pid
	pid=$(container_pid c)
	kill -KILL "$(field c .State.ConmonPid)"
	local id
	id=$(field c .Id)
	podman rm -f -t 0 c
	wait_until 5 gone "$pid"
	# podman only kills then (conmon would have called delete); what is left to the runtime is still its to remove
	"$HUSK" delete --force "$id"
	run "$HUSK" list -q
	is ""
}

# --- pause, stats, top, update --------------------------------------------------------------------------------------------

@test "pause: the processes stand still until unpause" {
	podman run -d --name c -v "$WORK:/w" "$IMAGE" sh -c 'while :; do echo >>/w/ticks; sleep 0.02; done'
	wait_until 5 test -s "$WORK/ticks"
	local pid before
	pid=$(container_pid c)
	podman pause c
	is_state c paused
	frozen "$pid"
	before=$(wc -l <"$WORK/ticks")
	sleep 0.3
	equal "$(wc -l <"$WORK/ticks")" "$before"
	run podman exec c true
	[ "$status" -ne 0 ]
	podman unpause c
	is_state c running
	wait_until 5 eval "[ \"\$(wc -l <'$WORK/ticks')\" -gt $before ]"
}

@test "pause: a paused container can be removed by force" {
	sleeper c
	local pid
	pid=$(container_pid c)
	podman pause c
	podman rm -f -t 0 c
	wait_until 5 gone "$pid"
}

@test "stats: memory within its limit, a cpu share and the number of processes" {
	podman run -d --name c --memory 64m "$IMAGE" sh -c 'sleep 1000 & sleep 1000 & while :; do :; done'
	sleep 0.5
	run podman stats --no-stream --format '{{.MemUsageBytes}} {{.PIDs}} {{.CPUNano}}' c
	like '[0-9.]+[kKM]i?B / (64MiB|67.11MB) 3 [1-9][0-9]{6,}'
}

@test "top: pids inside and outside, users and commands" {
	sleeper c -u guest
	podman exec -d -u root c sleep 2002
	run podman top c pid hpid user args
	like "1 +$(container_pid c) +guest +sleep 1000"
	like 'root +sleep 2002'
}

@test "update: limits change in the kernel" {
	sleeper c --memory 64m
	local pid
	pid=$(container_pid c)
	equal "$(cgroup_value "$pid" memory memory.limit_in_bytes memory.max)" $((64 << 20))
	podman update --memory 96m --cpus 0.5 --cpu-shares 512 c
	equal "$(cgroup_value "$pid" memory memory.limit_in_bytes memory.max)" $((96 << 20))
	equal "$(cpu_quota "$pid")" "50000 100000"
	has_512_shares "$pid"
	podman update --cpuset-cpus 0 c
	equal "$(cgroup_value "$pid" cpuset cpuset.cpus cpuset.cpus)" 0
}

@test "update: what the kernel refuses is an error, and the container runs on" {
	sleeper c
	run podman update --cpuset-cpus 4000 c
	[ "$status" -ne 0 ]
	has cpuset
	equal "$(podman exec c echo alive)" alive
}

# --- limits take effect ---------------------------------------------------------------------------------------------------

@test "limits: --memory kills who takes more, and conmon knows it was out of memory" {
	run podman run --name c --memory 16m --memory-swap 16m "$IMAGE" sh -c 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	equal "$status" 137
	# Debian's conmon leaves this note in the working directory, where Debian's podman does not look for it
	[ -e oom ]
	rm oom
	run podman run --rm --memory 128m --memory-swap 128m "$IMAGE" sh -c 'exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	equal "$status" 0
	[ ! -e oom ]
}

@test "limits: --memory-reservation and --memory-swap are what the kernel shows" {
	sleeper c --memory 64m --memory-swap 96m --memory-reservation 32m
	local pid
	pid=$(container_pid c)
	equal "$(cgroup_value "$pid" memory memory.soft_limit_in_bytes memory.low)" $((32 << 20))
	if cgroup_is_v2; then
		equal "$(cat "$(cgroup_dir "$pid" memory)/memory.swap.max")" $((32 << 20))
	elif [ -e "$(cgroup_dir "$pid" memory)/memory.memsw.limit_in_bytes" ]; then
		equal "$(cat "$(cgroup_dir "$pid" memory)/memory.memsw.limit_in_bytes")" $((96 << 20))
	fi
}

@test "limits: --pids-limit" {
	run podman run --rm --pids-limit 5 "$IMAGE" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; echo all'
	[ "$status" -ne 0 ]
	like "can't fork|Resource temporarily unavailable"
	lacks all
	run podman run --rm --pids-limit 50 "$IMAGE" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 0 & done; echo all'
	has all
}

@test "limits: --cpus throttles" {
	podman run -d --name c --cpus 0.2 "$IMAGE" sh -c 'while :; do :; done'
	local pid
	pid=$(container_pid c)
	equal "$(cpu_quota "$pid")" "20000 100000"
	sleep 0.6
	[ "$(sed -n 's/^nr_throttled //p' "$(cgroup_dir "$pid" cpu)/cpu.stat")" -ge 2 ]
}

@test "limits: --cpuset-cpus is the affinity inside" {
	run podman run --rm --cpuset-cpus 0 "$IMAGE" sh -c 'grep Cpus_allowed_list /proc/self/status; nproc'
	like 'list:[[:space:]]*0'
	has $'\n1'
}

@test "limits: --ulimit, --oom-score-adj, --shm-size" {
	# with any --ulimit, podman asks for a million processes as well unless told how many
	run podman run --rm --ulimit nofile=123:234 --ulimit nproc=1000:1000 --ulimit core=0 --oom-score-adj 321 --shm-size 5m "$IMAGE" \
		sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; df -k /dev/shm | tail -1 | awk "{print \$2}"'
	is $'123\n234\n0\n321\n5120'
}

@test "limits: --device-read-bps reaches the kernel" {
	local disk
	disk=$(lsblk -dnpo NAME,TYPE 2>/dev/null | awk '$2 == "disk" {print $1; exit}')
	[ -b "$disk" ] || skip "no disk"
	sleeper c --device-read-bps "$disk:1mb"
	run cgroup_value "$(container_pid c)" blkio blkio.throttle.read_bps_device io.max
	like "$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')  ?(rbps=)?1048576"
}

# --- files ----------------------------------------------------------------------------------------------------------------

@test "volumes: a named one is filled from the image and kept" {
	run podman run --rm -v vol:/data "$IMAGE" sh -c 'cat /data/image-file; echo more >/data/added'
	is "from the image"
	run podman run --rm -v vol:/data:ro "$IMAGE" sh -c 'cat /data/added; echo x >/data/no'
	[ "$status" -ne 0 ]
	has more
	has "Read-only file system"
}

@test "volumes: directories and single files of the host, options nosuid, noexec, ro" {
	echo one >"$WORK/f"
	cp "$(command -v busybox)" "$WORK/true"
	run podman run --rm -v "$WORK:/w:noexec,nosuid,nodev" -v "$WORK/f:/etc/one:ro" "$IMAGE" \
		sh -c 'exec 2>&1; cat /etc/one /w/f; grep " /w " /proc/self/mounts; /w/true; echo "status $?"; echo x >/etc/one; echo out >/w/g'
	has $'one\none'
	has noexec
	has "status 126"
	has "Read-only file system"
	equal "$(cat "$WORK/g")" out
}

@test "volumes: propagation: a slave sees later mounts of the host, a private one does not" {
	mkdir -p "$WORK/top"
	mount -t tmpfs tmpfs "$WORK/top"
	mount --make-shared "$WORK/top"
	mkdir "$WORK/top/sub"
	sleeper slave -v "$WORK/top:/t:rslave"
	sleeper private -v "$WORK/top:/t:rprivate"
	mount -t tmpfs tmpfs "$WORK/top/sub"
	touch "$WORK/top/sub/seen"
	run podman exec slave ls /t/sub
	is seen
	run podman exec private ls /t/sub
	is ""
	umount -R "$WORK/top"
}

@test "volumes: :O gives a throw-away copy, :U changes the owner" {
	echo old >"$WORK/f"
	run podman run --rm -v "$WORK:/w:O" "$IMAGE" sh -c 'echo new >/w/f; cat /w/f'
	is new
	equal "$(cat "$WORK/f")" old
	podman run --rm -u 55:66 -v "$WORK:/w:U" "$IMAGE" touch /w/mine
	equal "$(stat -c %u:%g "$WORK/mine")" 55:66
}

@test "volumes: an idmapped one in a user namespace keeps the owner outside" {
	local major minor
	IFS=.- read -r major minor _ <<<"$(uname -r)"
	[ $((major * 1000 + minor)) -ge 6003 ] || skip "tmpfs cannot be idmapped before Linux 6.3"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$WORK" 2>/dev/null || :
	mkdir "$WORK/v"
	chown 0:0 "$WORK/v"
	run podman run --rm --uidmap 0:200000:5000 --gidmap 0:200000:5000 -v "$WORK/v:/w:idmap" "$IMAGE" \
		sh -c 'stat -c %u /w; touch /w/made'
	is 0
	equal "$(stat -c %u "$WORK/v/made")" 0
}

@test "tmpfs: size, mode and content of its own" {
	run podman run --rm --tmpfs /scratch:size=2m,mode=1770 "$IMAGE" \
		sh -c 'exec 2>&1; stat -c %a /scratch; df -k /scratch | tail -1 | awk "{print \$2}"; dd if=/dev/zero of=/scratch/f bs=1M count=3'
	[ "$status" -ne 0 ]
	has $'1770\n2048'
	has "No space left"
}

@test "mount: an instance of devpts, and an image" {
	run podman run --rm --mount type=devpts,destination=/foo/devpts --mount "type=image,source=$IMAGE,destination=/image" "$IMAGE" \
		sh -c 'grep " /foo/devpts " /proc/self/mounts; cat /image/data/image-file'
	like 'devpts /foo/devpts devpts'
	has 'from the image'
}

@test "read-only: the root cannot be written, /tmp and /run can unless asked otherwise" {
	run podman run --rm --read-only "$IMAGE" sh -c 'touch /tmp/a /run/b && echo tmp-ok; touch /c'
	[ "$status" -ne 0 ]
	has tmp-ok
	has "Read-only file system"
	run podman run --rm --read-only --read-only-tmpfs=false "$IMAGE" touch /tmp/a
	[ "$status" -ne 0 ]
	has "Read-only file system"
}

@test "secrets: as a file with owner and mode, and as a variable" {
	printf 'the secret' | podman secret create s1 -
	run podman run --rm --secret s1,uid=1000,mode=0400 --secret s1,type=env,target=S "$IMAGE" \
		sh -c 'stat -c "%u %a" /run/secrets/s1; cat /run/secrets/s1; echo; echo "$S"'
	podman secret rm s1
	is $'1000 400\nthe secret\nthe secret'
}

@test "secrets: on a read-only root, where podman binds the directory read-only before the file in it" {
	printf 'the secret' | podman secret create s2 -
	run podman run --rm --read-only --secret s2 "$IMAGE" sh -c 'cat /run/secrets/s2; echo; echo x >/run/secrets/s3'
	podman secret rm s2
	[ "$status" -ne 0 ]
	has 'the secret'
	has 'Read-only file system'
}

@test "cp: into and out of a running and a stopped container, also into a volume" {
	echo content >"$WORK/f"
	sleeper c -v vol:/vol
	podman cp "$WORK/f" c:/vol/in
	run podman exec c cat /vol/in
	is content
	podman exec c sh -c 'echo back >/tmp/out'
	podman cp c:/tmp/out "$WORK/out"
	equal "$(cat "$WORK/out")" back
	podman stop -t 0 c
	podman cp "$WORK/f" c:/etc/late
	podman start c
	run podman exec c cat /etc/late
	is content
}

@test "commit, diff, export: what a container wrote" {
	podman run --name c "$IMAGE" sh -c 'echo v2 >/version'
	# Not "podman diff", for which c is also an image whose id begins with it.
	run podman container diff c
	has "A /version"
	podman commit -q c localhost/v2
	run podman run --rm localhost/v2 cat /version
	podman rmi -f localhost/v2
	is v2
	podman export c | tar -tf - | grep -qx version
}

@test "build: RUN steps are executed by the runtime" {
	cat >"$WORK/Containerfile" <<-EOF
		FROM $IMAGE
		RUN echo "built as \$(id -u)" >/built && test ! -e /no
		USER guest
		RUN id -u >/tmp/built-by
		CMD ["cat", "/built", "/tmp/built-by"]
	EOF
	podman build -q --runtime "$HUSK" -t localhost/built "$WORK"
	run podman run --rm localhost/built
	podman rmi -f localhost/built
	is $'built as 0\n1000'
	printf 'FROM %s\nRUN exit 3\n' "$IMAGE" >"$WORK/Containerfile"
	run podman build -q --runtime "$HUSK" -t localhost/built "$WORK"
	[ "$status" -ne 0 ]
	has "exit status 3"
}

# --- namespaces -----------------------------------------------------------------------------------------------------------

@test "user namespace: --uidmap: root inside is somebody outside, who owns the image's files" {
	podman run -d --name c --uidmap 0:100000:5000 --gidmap 0:200000:5000 "$IMAGE" sleep 1000
	equal "$(tr -s ' ' </proc/"$(container_pid c)"/uid_map)" " 0 100000 5000"
	equal "$(stat -c %u:%g /proc/"$(container_pid c)")" 100000:200000
	run podman exec c sh -c 'id -u; stat -c %u:%g /bin/busybox /home/guest; touch /new && stat -c %u /new'
	is $'0\n0:0\n1000:1000\n0'
}

@test "user namespace: --userns=auto gives each container its own range" {
	sleeper a --userns auto:size=2000
	sleeper b --userns auto:size=2000
	local first second
	first=$(awk '{print $2; exit}' "/proc/$(container_pid a)/uid_map")
	second=$(awk '{print $2; exit}' "/proc/$(container_pid b)/uid_map")
	[ "$first" -ge 100000 ]
	[ "$second" -ge 100000 ]
	[ "$first" != "$second" ]
	run podman exec a sh -c 'id -u; touch /x; stat -c %u /x'
	is $'0\n0'
}

@test "user namespace: volumes, tmpfs, a terminal, exec and limits work inside one" {
	mkdir "$WORK/v"
	chown 100000:100000 "$WORK/v"
	podman run -d --name c --uidmap 0:100000:5000 -v "$WORK/v:/v" --tmpfs /t -t --memory 64m --read-only "$IMAGE" sleep 1000
	run podman exec c sh -c 'touch /v/f /t/f && stat -c %u /v/f /t/f; cat /proc/self/oom_score_adj >/dev/null; hostname'
	has $'0\n0'
	equal "$(stat -c %u "$WORK/v/f")" 100000
	equal "$(cgroup_value "$(container_pid c)" memory memory.limit_in_bytes memory.max)" $((64 << 20))
	run podman exec -u guest c id -u
	is 1000
}

@test "network: none, host, and that of another container" {
	run podman run --rm --network none "$IMAGE" ip -o link
	lacks eth0
	has lo
	run podman run --rm --network host "$IMAGE" readlink /proc/self/ns/net
	is "$(readlink /proc/self/ns/net)"
	sleeper c
	run podman run --rm --network container:c "$IMAGE" readlink /proc/self/ns/net
	is "$(readlink "/proc/$(container_pid c)/ns/net")"
}

@test "network: a published port is reached from outside" {
	serve_hello -p 127.0.0.1:18080:80
	wait_until 5 fetches hello 127.0.0.1 18080
}

@test "network: containers of one network reach each other by address and name, others do not" {
	podman network create --subnet 10.79.1.0/24 net1
	serve_hello --name web --network net1 --ip 10.79.1.50
	run podman run --rm --network net1 "$IMAGE" sh -c "sleep 0.3; $GET 10.79.1.50 80; nslookup web"
	has hello
	has "Address: 10.79.1.50"
	run podman run --rm --network none "$IMAGE" sh -c "$GET 10.79.1.50 80"
	[ "$status" -ne 0 ]
	lacks hello
	podman rm -f -t 0 web
	podman network rm net1
}

@test "namespaces: --pid, --ipc, --uts, --cgroupns of the host or another container" {
	sleeper c --ipc shareable
	local pid
	pid=$(container_pid c)
	run podman run --rm --pid container:c --ipc container:c "$IMAGE" sh -c 'for n in pid ipc; do readlink /proc/self/ns/$n; done'
	is "$(readlink "/proc/$pid/ns/pid" "/proc/$pid/ns/ipc")"
	run podman run --rm --pid host --ipc host --uts host --cgroupns host "$IMAGE" \
		sh -c 'for n in pid ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	is "$(readlink /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/cgroup)"
	run podman run --rm --cgroupns private "$IMAGE" cat /proc/self/cgroup
	lacks libpod
}

@test "namespaces: an own pid namespace starts at 1, --hostname and --add-host are seen" {
	run podman run --rm --hostname box --add-host other:192.0.2.7 "$IMAGE" sh -c 'echo $$; hostname; grep 192.0.2.7 /etc/hosts'
	like $'^1\nbox\n192.0.2.7[[:space:]]+other'
}

@test "sysctl: a namespaced one is set, one of the host is refused" {
	run podman run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=12345 "$IMAGE" \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
	is $'1\n12345'
	run podman run --rm --sysctl vm.swappiness=1 "$IMAGE" true
	[ "$status" -ne 0 ]
	has vm.swappiness
}

# --- security -------------------------------------------------------------------------------------------------------------

@test "capabilities: the default set, none, one more, and those of a user" {
	run podman run --rm "$IMAGE" grep CapEff /proc/self/status
	# podman's built-in default: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
	# MKNOD AUDIT_WRITE SETFCAP
	has 00000000a80425fb
	run podman run --rm --cap-drop all "$IMAGE" chown guest /etc/passwd
	[ "$status" -ne 0 ]
	run podman run --rm --cap-drop all --cap-add net_admin --cap-add net_bind_service "$IMAGE" sh -c 'grep CapEff /proc/self/status; ip link set lo mtu 1400'
	equal "$status" 0
	has 0000000000001400
	run podman run --rm -u guest "$IMAGE" grep -E 'Cap(Eff|Prm|Inh)' /proc/self/status
	is $'CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000'
	run podman run --rm -u guest --cap-add net_raw "$IMAGE" grep -E 'Cap(Eff|Amb)' /proc/self/status
	has $'CapEff:\t0000000000002000'
}

@test "no-new-privileges" {
	run podman run --rm --security-opt no-new-privileges "$IMAGE" grep NoNewPrivs /proc/self/status
	has 1
	run podman run --rm "$IMAGE" grep NoNewPrivs /proc/self/status
	has 0
}

@test "seccomp: the default profile is there, unconfined is none, an own one is obeyed" {
	run podman run --rm "$IMAGE" grep Seccomp: /proc/self/status
	has 2
	run podman run --rm --security-opt seccomp=unconfined "$IMAGE" grep Seccomp: /proc/self/status
	has 0
	cat >"$WORK/profile" <<-'EOF'
		{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		  { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28 },
		  { "names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [ { "index": 1, "value": 10, "op": "SCMP_CMP_EQ" } ] } ] }
	EOF
	run podman run --rm --security-opt "seccomp=$WORK/profile" "$IMAGE" sh -c 'mkdir /x; kill -10 $$; kill -0 $$ && echo zero-ok'
	has "No space left on device"
	has "peration not permitted"
	has zero-ok
}

@test "seccomp: the default profile refuses what needs a capability that is not there" {
	run podman run --rm "$IMAGE" unshare -n true
	[ "$status" -ne 0 ]
	has "peration not permitted"
	run podman run --rm --cap-add sys_admin "$IMAGE" unshare -n true
	equal "$status" 0
}

@test "masked and read-only paths" {
	local path masked=0
	sleeper c
	for path in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /proc/sched_debug; do
		[ -e "$path" ] || continue
		equal "$(podman exec c sh -c "head -c 10 $path | wc -c")" 0
		masked=$((masked + 1))
	done
	for path in /proc/acpi /proc/scsi /sys/firmware; do
		[ -e "$path" ] || continue
		equal "$(podman exec c ls "$path")" ""
		masked=$((masked + 1))
	done
	[ "$masked" -gt 0 ]
	for path in /proc/sys/kernel/panic /proc/sysrq-trigger /proc/irq/0/smp_affinity; do
		[ -e "$path" ] || continue
		run podman exec c sh -c "echo h >$path"
		has 'Read-only file system'
	done
	run podman run --rm --security-opt mask=/proc/version "$IMAGE" cat /proc/version
	is ""
	run podman run --rm --security-opt unmask=/proc/sys "$IMAGE" sh -c 'grep -c " /proc/sys " /proc/self/mounts'
	is 0
}

@test "devices: only the default ones can be opened; --device and --device-cgroup-rule add more" {
	run podman run --rm --cap-add mknod "$IMAGE" sh -c 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg; head -c 1 /dev/zero | wc -c'
	has "peration not permitted"
	has 1
	run podman run --rm --cap-add syslog --device /dev/kmsg:/dev/log-of-kernel:r "$IMAGE" sh -c 'ls -l /dev/log-of-kernel; dd if=/dev/log-of-kernel of=/tmp/x bs=8192 count=1; echo x >/dev/log-of-kernel'
	like 'c.* 1, +11'
	lacks "dd:"
	like "can't create|peration not permitted"
	run podman run --rm --cap-add mknod,syslog --device-cgroup-rule 'c 1:11 rwm' "$IMAGE" sh -c 'mknod /tmp/kmsg c 1 11 && dd if=/tmp/kmsg of=/tmp/x bs=8192 count=1'
	equal "$status" 0
}

@test "privileged: the host's capabilities and devices, no filter, nothing masked" {
	run podman run --rm --privileged "$IMAGE" sh -c 'grep -E "CapEff|Seccomp:" /proc/self/status; grep -E " /sys " /proc/self/mounts; grep -c " /proc/kcore " /proc/self/mounts'
	has "$(grep CapEff /proc/self/status)"
	like $'Seccomp:\t0'
	like '/sys sysfs rw'
	has $'\n0'
	local count
	count=$(find /dev -maxdepth 1 -type c | wc -l)
	run podman run --rm --privileged "$IMAGE" sh -c 'find /dev -maxdepth 1 -type c | wc -l'
	between "$output" $((count - 8)) $((count + 8))
}

# --- init, health, hooks, pods --------------------------------------------------------------------------------------------

@test "init: --init is pid 1, passes signals on and reaps" {
	podman run -d --name c --init "$IMAGE" sh -c 'trap "exit 31" TERM; (sleep 0.1 &); echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c ready
	run podman exec c cat /proc/1/comm
	like 'catatonit|init'
	sleep 0.4
	run podman exec c sh -c 'grep -l "State:.Z" /proc/[0-9]*/status'
	is ""
	podman stop -t 20 c
	equal "$(field c .State.ExitCode)" 31
}

@test "healthcheck: healthy and unhealthy" {
	sleeper c --health-cmd 'test ! -e /sick' --health-interval disable --health-retries 1
	run podman healthcheck run c
	equal "$status" 0
	equal "$(field c .State.Health.Status)" healthy
	podman exec c touch /sick
	run podman healthcheck run c
	equal "$status" 1
	equal "$(field c .State.Health.Status)" unhealthy
}

@test "hooks: those of --hooks-dir run at their time with the state on standard input" {
	mkdir "$WORK/hooks"
	cat >"$WORK/hook" <<-EOF
		#!/bin/sh
		echo "\$1" >>"$WORK/order"
		cat >"$WORK/state.\$1"
	EOF
	chmod 755 "$WORK/hook"
	local stage
	for stage in prestart createRuntime poststart poststop; do
		echo '{"version":"1.0.0","hook":{"path":"'"$WORK/hook"'","args":["hook","'$stage'"]},"when":{"always":true},"stages":["'$stage'"]}' >"$WORK/hooks/$stage.json"
	done
	run podman --hooks-dir "$WORK/hooks" run --rm "$IMAGE" sh -c 'echo ran; sleep 0.3'
	is ran
	wait_until 5 test -s "$WORK/state.poststop"
	equal "$(tr '\n' ' ' <"$WORK/order")" "prestart createRuntime poststart poststop "
	for stage in prestart createRuntime poststart poststop; do
		jq -e '.ociVersion and .bundle and (.id | length == 64)' "$WORK/state.$stage"
	done
	equal "$(jq -r .status "$WORK/state.poststart")" running
	equal "$(jq -r .status "$WORK/state.poststop")" stopped
}

@test "hooks: a failing createRuntime hook fails the container" {
	mkdir "$WORK/hooks"
	printf '#!/bin/sh\necho "hook says no" >&2\nexit 5\n' >"$WORK/hook"
	chmod 755 "$WORK/hook"
	echo '{"version":"1.0.0","hook":{"path":"'"$WORK/hook"'"},"when":{"always":true},"stages":["createRuntime"]}' >"$WORK/hooks/h.json"
	run podman --hooks-dir "$WORK/hooks" run --rm "$IMAGE" echo ran
	[ "$status" -ne 0 ]
	lacks $'\nran'
	equal "$(podman ps -aq)" ""
}

@test "pod: network, IPC and host name are shared, files are not" {
	podman pod create --name p --hostname podhost
	serve_hello --pod p --name web
	run podman run --rm --pod p "$IMAGE" sh -c 'sleep 0.3; hostname; printf "GET / HTTP/1.0\r\n\r\n" | nc 127.0.0.1 80; ls /www'
	like '^podhost.*hello'
	has "No such file"
	equal "$(podman exec web readlink /proc/self/ns/ipc)" "$(podman run --rm --pod p "$IMAGE" readlink /proc/self/ns/ipc)"
	podman pod stop -t 0 p
	is_state web exited
	podman pod start p
	is_state web running
	podman pod rm -f -t 0 p
	run podman ps -aq
	is ""
}

@test "pod: a shared pid namespace, pause and unpause, limits of the pod" {
	podman pod create --name p --share pid,net,ipc,uts --cpus 0.5
	podman run -d --pod p --name a "$IMAGE" sleep 4001
	run podman run --rm --pod p "$IMAGE" ps -o args
	has 'sleep 4001'
	podman pod pause p
	frozen "$(container_pid a)"
	podman pod unpause p
	is_state a running
	run podman pod top p args
	has 'sleep 4001'
}

@test "pod: an init container runs to its end before the others" {
	podman pod create --name p
	podman create --pod p --init-ctr once --name i -v shared:/s "$IMAGE" sh -c 'sleep 0.2; echo first >/s/f'
	podman create --pod p --name m -v shared:/s "$IMAGE" sh -c 'cat /s/f; sleep 1000'
	podman pod start p
	wait_until 5 logs_have m first
}

@test "kube play: volumes, limits, environment, probes; and down again" {
	mkdir "$WORK/host"
	cat >"$WORK/pod.yaml" <<-EOF
		apiVersion: v1
		kind: Pod
		metadata:
		  name: kp
		spec:
		  hostname: kp
		  # podman 4.3 restarts init containers too, for 20 s, with its default policy
		  restartPolicy: Never
		  initContainers:
		  - name: prepare
		    image: $IMAGE
		    imagePullPolicy: Never
		    command: [sh, -c, "echo prepared >/scratch/f"]
		    volumeMounts:
		    - {name: scratch, mountPath: /scratch}
		  containers:
		  - name: main
		    image: $IMAGE
		    imagePullPolicy: Never
		    command: [sh, -c, "cat /scratch/f >/host/out; echo \$GREETING >>/host/out; id -u >>/host/out; trap exit TERM; while :; do sleep 0.05; done"]
		    env:
		    - {name: GREETING, value: hello}
		    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
		    resources:
		      limits: {memory: 64Mi, cpu: 500m}
		    volumeMounts:
		    - {name: scratch, mountPath: /scratch}
		    - {name: host, mountPath: /host}
		  volumes:
		  - {name: scratch, emptyDir: {}}
		  - {name: host, hostPath: {path: $WORK/host, type: Directory}}
	EOF
	chmod 777 "$WORK/host"
	podman kube play --network none "$WORK/pod.yaml"
	wait_until 5 grep -q 1000 "$WORK/host/out"
	equal "$(tr '\n' ' ' <"$WORK/host/out")" "prepared hello 1000 "
	local pid
	pid=$(container_pid kp-main)
	equal "$(cgroup_value "$pid" memory memory.limit_in_bytes memory.max)" $((64 << 20))
	equal "$(cpu_quota "$pid")" "50000 100000"
	podman kube down "$WORK/pod.yaml"
	run podman ps -aq
	is ""
}

@test "cgroups: --cgroup-parent and --cgroups=disabled" {
	sleeper c --cgroup-parent "/$ORCH_CGROUP/parent"
	local pid
	pid=$(container_pid c)
	[[ $(cgroup_dir "$pid" memory) == */$ORCH_CGROUP/parent/* ]]
	podman rm -f -t 0 c
	wait_until 5 remove_cgroups parent
	podman run -d --name d --cgroups disabled --network none "$IMAGE" sleep 1000
	[[ $(cgroup_dir "$(container_pid d)" memory) != *libpod-* ]]
}

@test "personality, annotations and labels do no harm" {
	run podman run --rm --personality LINUX32 --annotation org.example.key=value --label a=b "$IMAGE" uname -m
	like 'i.86'
}

@test "systemd mode: the mounts that an init system asks for, its cgroup can be written" {
	# podman binds the whole hierarchy of version 1, so this is the host's directory
	run podman run --rm --systemd always "$IMAGE" sh -c '
		echo "$container"; grep -E " (/run|/tmp|/run/lock) " /proc/self/mounts | wc -l
		cd /sys/fs/cgroup/systemd 2>/dev/null || cd /sys/fs/cgroup; mkdir "$0" && rmdir "$0"; echo $?' "$ORCH_CGROUP-systemd"
	is $'podman\n3\n0'
}

@test "checkpoint: refused with a reason, and the container runs on" {
	sleeper c
	if podman container checkpoint -k c >"$WORK/out" 2>&1; then
		skip "this runtime and this kernel can"
	fi
	run cat "$WORK/out"
	like '[Cc]heckpoint|CRIU|criu'
	equal "$(podman exec c echo alive)" alive
}

@test "the drop-in that is shipped makes --runtime husk known" {
	local conf=$BATS_TEST_DIRNAME/../../packaging/containers.conf.d/husk.conf
	# this machine's /etc is only covered in our mount namespace
	mkdir -p "$WORK/etc/containers.conf.d" /etc/containers
	cp /etc/containers/policy.json "$WORK/etc/"
	sed "s|^husk = .*|husk = [\"$HUSK\"]|" "$conf" >"$WORK/etc/containers.conf.d/husk.conf"
	mount --bind "$WORK/etc" /etc/containers
	unset CONTAINERS_CONF
	run -127 podman --cgroup-manager cgroupfs --events-backend file --runtime husk run --rm "$IMAGE" no-such-program
	has no-such-program
	# as podman reads it from a JSON log
	has "husk: "
	lacks '"level"'
	run podman --cgroup-manager cgroupfs --events-backend file --runtime husk run --rm --cgroups disabled --network none "$IMAGE" echo fine
	umount /etc/containers
	is fine
}

@test "info and version know the runtime" {
	run podman info -f '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}'
	is "husk $HUSK"
	run podman info -f '{{.Host.OCIRuntime.Version}}'
	like 'version|husk'
}
