#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Debian's Docker with $HUSK as the daemon's default runtime. Run it as: private-run bats docker.bats

# shellcheck disable=SC2016 # most strings are for another shell
# shellcheck disable=SC2154 # output, status and stderr are set by run
bats_require_minimum_version 1.5.0

[ -n "${ORCH_PRIVATE:-}" ] || { echo "run through tests/orchestrators/private-run" >&2; exit 1; }
load lib.bash

setup_file() {
	make_image_tar
	wrap_runtime
	# live-restore: containers outlive a restart of the daemon, which one test does
	start_dockerd --live-restore --init-path "$(command -v catatonit)"
	docker import -c 'ENV PATH=/bin' "$IMAGE_TAR" "$IMAGE"
}

teardown_file() {
	remove_all
	stop_dockerd
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
	# what a test that failed did not get to
	DOCKERD_NAME=dockerd-remap stop_dockerd
	! mountpoint -q "$WORK/top" || umount -R "$WORK/top"
}

remove_all() {
	local ids
	ids=$(docker ps -aq)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$ids" ] || docker rm -f -v $ids >/dev/null
}

sleeper() {
	local name=$1
	shift
	docker run -d --name "$name" --network none "$@" "$IMAGE" sleep 1000
}

field() { docker inspect -f "{{$2}}" "$1"; }
container_pid() { field "$1" .State.Pid; }
is_state() { [ "$(field "$1" .State.Status)" = "$2" ]; }
is_health() { [ "$(field "$1" .State.Health.Status)" = "$2" ]; }
logs_have() { docker logs "$1" 2>&1 | grep -q -e "$2"; }

# quick OPTION...: run without a network, which is what takes most of the time.
quick() { docker run --rm --network none "$@"; }

serve_hello() {
	docker run -d "$@" "$IMAGE" sh -c 'mkdir -p /www && echo hello >/www/index.html && exec httpd -f -p 80 -h /www'
}

# --- run, exit status -----------------------------------------------------------------------------------------------------

@test "run: output of both streams and the exit status come through" {
	run --separate-stderr quick "$IMAGE" sh -c 'echo out; echo err >&2; exit 37'
	equal "$status" 37
	equal "$output" out
	equal "$stderr" err
}

@test "run: standard input reaches the program with -i, and its end does too" {
	run quick -i "$IMAGE" sh -c 'wc -c; echo done' < <(head -c 300000 /dev/zero)
	equal "$status" 0
	is $'300000\ndone'
}

@test "run: environment, directory, user and groups" {
	run quick -e A='b c' -w /made/by/docker -u guest --group-add extra "$IMAGE" \
		sh -c 'echo "$A:$PWD:$HOME:$(id -u):$(id -g):$(id -G | tr " " "\n" | sort -un | tr "\n" " ")"'
	is "b c:/made/by/docker:/home/guest:1000:1000:1000 1234 "
	run quick -u 77:88 "$IMAGE" sh -c 'id -u; id -G'
	is $'77\n88'
}

@test "run: 125 when docker itself fails, or the runtime for another reason than the program" {
	run quick --no-such-option "$IMAGE" true
	equal "$status" 125
	run quick --mount type=bind,source=/no/such,destination=/x "$IMAGE" true
	equal "$status" 125
	run quick --sysctl kernel.no_such_thing=1 "$IMAGE" true
	equal "$status" 125
	has kernel.no_such_thing
	equal "$(docker ps -aq)" ""
}

@test "run: 126 and a telling text when the program is not executable" {
	run quick "$IMAGE" /odd/not-executable
	equal "$status" 126
	like '[Pp]ermission denied'
	run quick "$IMAGE" /etc
	equal "$status" 126
}

@test "run: 127 and a telling text when the program does not exist" {
	run -127 quick "$IMAGE" no-such-program
	has no-such-program
	like 'executable file not found|no such file or directory'
	run -127 quick "$IMAGE" /no/such/program
	has /no/such/program
	like 'executable file not found|no such file or directory'
}

@test "run: a program that the kernel refuses is reported with the reason" {
	[[ $("$HUSK" --version) == husk* ]] || skip "crun and runc differ here"
	run -127 quick "$IMAGE" /odd/no-interpreter
	has /no/such/interpreter
	run quick "$IMAGE" /odd/wrong-machine
	[ "$status" -ne 0 ]
	like '[Ee]xec format error|machine|architecture'
}

@test "create, start, wait: a container may be started again after it has ended" {
	docker create --name c1 --network none "$IMAGE" sh -c 'echo run >>/count; wc -l </count; exit 5'
	is_state c1 created
	run -5 docker start -a c1
	is 1
	run -5 docker start -a c1
	is 2
	docker start c1
	run docker wait c1
	is 5
	equal "$(field c1 .HostConfig.Runtime)" husk
}

@test "run: ten containers at once, all with their own answer" {
	local i pids=()
	for i in {1..10}; do
		quick --name "p$i" "$IMAGE" sh -c "echo answer $i" >"$WORK/out$i" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in {1..10}; do
		equal "$(cat "$WORK/out$i")" "answer $i"
	done
	equal "$(docker ps -aq)" ""
}

@test "run: signals to the client are passed on" {
	/usr/bin/docker -H "unix://$DOCKER_SOCKET" run --name c1 --network none "$IMAGE" \
		sh -c 'trap "echo got; exit 42" USR1; echo ready; while :; do sleep 0.05; done' >"$WORK/out" 3>&- &
	wait_until 10 grep -q ready "$WORK/out"
	kill -USR1 $!
	local status=0
	wait $! || status=$?
	equal "$status" 42
	grep -q got "$WORK/out"
}

@test "info: the runtime is known; events tell of the end" {
	run docker info -f '{{.DefaultRuntime}} {{(index .Runtimes "husk").Path}}'
	is "husk $HUSK"
	local since
	since=$(date +%s.%N)
	run quick "$IMAGE" sh -c 'exit 33'
	run docker events --since "$since" --until "$(date +%s.%N)" --filter event=die --format '{{.Actor.Attributes.exitCode}}'
	has 33
}

# --- exec -----------------------------------------------------------------------------------------------------------------

@test "exec: output, environment, directory, user, input and exit status" {
	sleeper c1 -e FROM=run
	run docker exec -e A=1 -w /tmp -u guest c1 sh -c 'echo "$FROM:$A:$PWD:$(id -u)"; exit 9'
	equal "$status" 9
	is "run:1:/tmp:1000"
	run docker exec -i c1 tr a-z A-Z <<<"some input"
	is "SOME INPUT"
}

@test "exec: 127 and 126, and the container goes on" {
	sleeper c1
	# docker tells by the text; it answers 126 for both where the text comes late
	run docker exec c1 no-such-program
	between "$status" 126 127
	has no-such-program
	like 'executable file not found|no such file or directory'
	run docker exec c1 /odd/not-executable
	equal "$status" 126
	like '[Pp]ermission denied'
	equal "$(docker exec c1 echo alive)" alive
}

@test "exec: joins every namespace and the cgroup, in the background too" {
	sleeper c1
	local pid ns
	pid=$(container_pid c1)
	for ns in cgroup ipc mnt net pid uts; do
		equal "$(docker exec c1 readlink "/proc/self/ns/$ns")" "$(readlink "/proc/$pid/ns/$ns")"
	done
	docker exec -d c1 sleep 2000
	wait_until 5 pgrep -f 'sleep 2000'
	equal "$(cat "/proc/$(pgrep -nxf 'sleep 2000')/cgroup")" "$(cat "/proc/$pid/cgroup")"
}

@test "exec: --privileged has all capabilities, otherwise those of the container" {
	sleeper c1 --cap-drop all --cap-add chown
	run docker exec c1 grep CapEff /proc/self/status
	has 0000000000000001
	run docker exec --privileged c1 grep CapEff /proc/self/status
	lacks 0000000000000001
	run docker exec -u guest c1 grep -E 'Cap(Eff|Inh)' /proc/self/status
	has $'CapEff:\t0000000000000000'
	has $'CapInh:\t0000000000000000'
}

@test "exec: twenty in a row and eight at once leave nothing behind" {
	sleeper c1
	local i pids=()
	for i in {1..20}; do
		docker exec c1 true
	done
	for i in {1..8}; do
		docker exec c1 sh -c "echo $i" >"$WORK/o$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	equal "$(sort -n "$WORK"/o? | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "
	run docker exec c1 sh -c 'ls -d /proc/[0-9]* | wc -l'
	between "$output" 2 4
}

# --- terminals, attach, logs ----------------------------------------------------------------------------------------------

@test "tty: run -it is on a terminal with the caller's size, its owner is the user" {
	run in_tty "stty rows 33 cols 111; $(docker_line) run --rm --network none -it -u guest $IMAGE sh -c '
		tty; for i in 1 2 3 4 5 6 7 8 9 10; do [ \"\$(stty size)\" = \"33 111\" ] && break; sleep 0.1; done; stty size
		stat -c owner=%u \$(tty); exit 6'"
	equal "$status" 6
	has /dev/pts/0
	has "33 111"
	has owner=1000
}

@test "tty: exec -it gets one too, run -t without a terminal on our side as well" {
	sleeper c1
	run in_tty "$(docker_line) exec -it c1 sh -c 'test -t 0 && test -t 1 && tty; exit 4'"
	equal "$status" 4
	like '/dev/pts/[0-9]+'
	run quick -t "$IMAGE" sh -c 'test -t 1 && ls -l /dev/console | cut -c1'
	has c
}

@test "tty: control-C interrupts the program, what is typed is read" {
	local status=0
	{ wait_until 10 is_state c1 running; sleep 0.3; echo "typed line"; sleep 0.3; printf '\003'; wait_until 10 is_state c1 exited; } |
		in_tty "$(docker_line) run --name c1 --network none -it $IMAGE sh -c 'trap \"echo interrupted; exit 44\" INT; read l; echo read: \$l; while :; do sleep 0.05; done'" >"$WORK/out" || status=$?
	equal "$status" 44
	run cat "$WORK/out"
	has "read: typed line"
	has interrupted
}

@test "tty: the detach keys leave the container running, attach comes back" {
	{ wait_until 10 is_state c1 running; sleep 0.3; printf '\020'; sleep 0.2; printf '\021'; sleep 0.3; } |
		in_tty "$(docker_line) run --name c1 --network none -it $IMAGE sh -c 'read l; echo read: \$l; exit 12'"
	is_state c1 running
	{ sleep 0.5; echo again; wait_until 10 is_state c1 exited; } | in_tty "$(docker_line) attach c1" >"$WORK/out" || :
	equal "$(field c1 .State.ExitCode)" 12
	run cat "$WORK/out"
	has "read: again"
}

@test "attach: input and output of a running container, and its exit status" {
	docker run -d -i --name c1 --network none "$IMAGE" sh -c 'while read l; do echo "got $l"; [ "$l" = end ] && exit 21; done'
	run docker attach c1 < <(sleep 0.3; printf 'one\ntwo\nend\n'; sleep 0.3)
	equal "$status" 21
	is $'got one\ngot two\ngot end'
}

@test "logs: both streams, the tail, following until the end" {
	docker run -d --name c1 --network none "$IMAGE" sh -c 'for i in 1 2 3; do echo out $i; echo err $i >&2; done; sleep 0.5; echo last'
	run docker logs -f c1
	has "err 3"
	has last
	run docker logs --tail 1 c1
	is last
}

# --- stop, kill, restart --------------------------------------------------------------------------------------------------

@test "stop: SIGTERM is enough for a willing container, the unwilling is killed, --stop-signal" {
	docker run -d --name c1 --network none "$IMAGE" sh -c 'trap "exit 23" TERM; echo ready; while :; do sleep 0.05; done'
	docker run -d --name d1 --network none "$IMAGE" sh -c 'trap "" TERM; echo ready; sleep 1000'
	docker run -d --name e1 --network none --stop-signal USR2 "$IMAGE" sh -c 'trap "exit 24" USR2; echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c1 ready
	wait_until 5 logs_have d1 ready
	wait_until 5 logs_have e1 ready
	docker stop -t 20 c1
	equal "$(field c1 .State.ExitCode)" 23
	docker stop -t 1 d1
	equal "$(field d1 .State.ExitCode)" 137
	docker stop -t 20 e1
	equal "$(field e1 .State.ExitCode)" 24
}

@test "kill: by name and number; a dead container cannot be killed" {
	docker run -d --name c1 --network none "$IMAGE" sh -c 'trap "echo one" USR1; trap "echo two" USR2; echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c1 ready
	docker kill -s USR1 c1
	wait_until 5 logs_have c1 one
	docker kill -s 12 c1
	wait_until 5 logs_have c1 two
	docker kill c1
	equal "$(docker wait c1)" 137
	run docker kill c1
	[ "$status" -ne 0 ]
}

@test "kill: without an own pid namespace the children die too" {
	docker run -d --name c1 --network none --pid host "$IMAGE" sh -c 'sleep 3001 & sleep 3002 & wait'
	wait_until 5 pgrep -f 'sleep 3002'
	docker rm -f c1
	wait_until 5 eval '! pgrep -f "sleep 300[12]"'
}

@test "rm: refuses a running container, --force removes it; nothing is left at the runtime" {
	sleeper c1
	local pid dir
	pid=$(container_pid c1)
	dir=$(cgroup_dir "$pid" memory)
	run docker rm c1
	[ "$status" -ne 0 ]
	docker rm -f c1
	gone "$pid"
	[ ! -e "$dir" ]
	# where this version of docker keeps the runtime's state
	[ -d /run/dockerd/runtime-runc/moby ]
	run find /run/dockerd/runtime-runc/moby -mindepth 1 -maxdepth 1 -type d -name '????????????????????????????????????????????????????????????????'
	is ""
}

@test "restart, and the restart policies on-failure and always" {
	sleeper c1
	docker exec c1 touch /kept
	local before
	before=$(container_pid c1)
	docker restart -t 0 c1
	[ "$(container_pid c1)" != "$before" ]
	docker exec c1 test -e /kept
	docker run -d --name f1 --network none --restart on-failure:2 -v "$WORK:/w" "$IMAGE" sh -c 'echo run >>/w/runs; exit 1'
	docker run -d --name a1 --network none --restart always "$IMAGE" sleep 1000
	before=$(container_pid a1)
	kill -KILL "$before"
	wait_until 10 eval '[ "$(field a1 .State.Running) $(container_pid a1)" != "true $before" ] && is_state a1 running'
	wait_until 10 is_state f1 exited
	equal "$(wc -l <"$WORK/runs")" 3
}

@test "a restart of the daemon: containers run on and are controlled as before" {
	sleeper c1
	local pid
	pid=$(container_pid c1)
	stop_dockerd
	alive "$pid"
	start_dockerd --live-restore --init-path "$(command -v catatonit)"
	equal "$(container_pid c1)" "$pid"
	equal "$(docker exec c1 echo alive)" alive
	docker stop -t 0 c1
	gone "$pid"
}

@test "a shim that is killed: docker has the runtime remove everything" {
	sleeper c1
	local pid shim dir
	pid=$(container_pid c1)
	dir=$(cgroup_dir "$pid" memory)
	shim=$(awk '/^PPid:/{print $2}' "/proc/$pid/status")
	[[ $(tr '\0' ' ' <"/proc/$shim/cmdline") == *containerd-shim* ]]
	kill -KILL "$shim"
	wait_until 10 gone "$pid"
	wait_until 10 is_state c1 exited
	wait_until 5 test ! -e "$dir"
	docker start c1
	equal "$(docker exec c1 echo again)" again
}

# --- pause, stats, top, update, health ------------------------------------------------------------------------------------

@test "pause: the processes stand still until unpause; a paused container can be removed" {
	docker run -d --name c1 --network none -v "$WORK:/w" "$IMAGE" sh -c 'while :; do echo >>/w/ticks; sleep 0.02; done'
	wait_until 5 test -s "$WORK/ticks"
	local pid before
	pid=$(container_pid c1)
	docker pause c1
	is_state c1 paused
	frozen "$pid"
	before=$(wc -l <"$WORK/ticks")
	sleep 0.3
	equal "$(wc -l <"$WORK/ticks")" "$before"
	run docker exec c1 true
	[ "$status" -ne 0 ]
	docker unpause c1
	wait_until 5 eval "[ \"\$(wc -l <'$WORK/ticks')\" -gt $before ]"
	docker pause c1
	docker rm -f c1
	wait_until 5 gone "$pid"
}

@test "stats: memory within its limit and the number of processes" {
	docker run -d --name c1 --network none --memory 64m "$IMAGE" sh -c 'sleep 1000 & sleep 1000 & wait'
	wait_until 5 pgrep -f 'sleep 1000'
	sleep 0.2
	run docker stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' c1
	like '[0-9.]+[kKM]iB / 64MiB 3'
	lacks '0B /'
}

@test "top: host pids, users and commands, with ps options" {
	sleeper c1 -u guest
	docker exec -d -u root c1 sleep 2002
	wait_until 5 pgrep -f 'sleep 2002'
	run docker top c1 -o pid,uid,args
	like "$(container_pid c1) +1000 +sleep 1000"
	like '0 +sleep 2002'
}

@test "update: limits change in the kernel; what it refuses is an error" {
	sleeper c1 --memory 64m --memory-swap 64m
	local pid
	pid=$(container_pid c1)
	equal "$(cgroup_value "$pid" memory memory.limit_in_bytes memory.max)" $((64 << 20))
	docker update --memory 96m --memory-swap 96m --cpus 0.5 --cpu-shares 512 --pids-limit 77 c1
	equal "$(cgroup_value "$pid" memory memory.limit_in_bytes memory.max)" $((96 << 20))
	equal "$(cpu_quota "$pid")" "50000 100000"
	has_512_shares "$pid"
	equal "$(cgroup_value "$pid" pids pids.max pids.max)" 77
	docker update --cpuset-cpus 0 c1
	equal "$(cgroup_value "$pid" cpuset cpuset.cpus cpuset.cpus)" 0
	run docker update --cpuset-cpus 4000 c1
	[ "$status" -ne 0 ]
	docker update --restart no c1
	equal "$(docker exec c1 echo alive)" alive
}

@test "healthcheck: starting, healthy, unhealthy" {
	sleeper c1 --health-cmd 'test ! -e /sick' --health-interval 200ms --health-retries 1
	wait_until 10 is_health c1 healthy
	docker exec c1 touch /sick
	wait_until 10 is_health c1 unhealthy
	run docker inspect -f '{{(index .State.Health.Log 0).ExitCode}}' c1
	is 0
}

# Processes come and go meanwhile: those that are seen by half are none, and what a shell has not yet waited for goes.
no_zombies() { [ -z "$(docker exec "$1" sh -c 'grep -sl "State:.Z" /proc/[0-9]*/status')" ]; }

@test "init: --init is pid 1, passes signals on and reaps" {
	docker run -d --name c1 --network none --init "$IMAGE" sh -c 'trap "exit 31" TERM; (sleep 0.1 &); echo ready; while :; do sleep 0.05; done'
	wait_until 5 logs_have c1 ready
	run docker exec c1 cat /proc/1/comm
	like 'catatonit|init'
	sleep 0.2
	wait_until 5 no_zombies c1
	docker stop -t 20 c1
	equal "$(field c1 .State.ExitCode)" 31
}

# --- limits take effect ---------------------------------------------------------------------------------------------------

@test "limits: --memory kills who takes more, and docker knows it was out of memory" {
	# the shim starts to listen for the event when the program is already running
	run docker run --name c1 --network none --memory 16m --memory-swap 16m "$IMAGE" sh -c 'sleep 0.3; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	equal "$status" 137
	equal "$(field c1 .State.OOMKilled)" true
	# a child that is killed is noticed while the container lives
	docker run -d --name d1 --network none --memory 16m --memory-swap 16m "$IMAGE" sh -c 'sleep 0.3; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 0.5; exit 3'
	equal "$(docker wait d1)" 3
	equal "$(field d1 .State.OOMKilled)" true
	run quick --memory 128m "$IMAGE" dd if=/dev/zero of=/dev/null bs=64M count=1
	equal "$status" 0
}

was_throttled() { [ "$(sed -n 's/^nr_throttled //p' "$(cgroup_dir "$1" cpu)/cpu.stat")" -ge 2 ]; }

@test "limits: --pids-limit, --cpus, --cpuset-cpus" {
	run quick --pids-limit 5 "$IMAGE" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; echo all'
	[ "$status" -ne 0 ]
	like "can't fork|Resource temporarily unavailable"
	lacks all
	docker run -d --name c1 --network none --cpus 0.2 --cpuset-cpus 0 "$IMAGE" sh -c 'while :; do :; done'
	local pid
	pid=$(container_pid c1)
	equal "$(cpu_quota "$pid")" "20000 100000"
	run docker exec c1 sh -c 'grep Cpus_allowed_list /proc/self/status'
	like 'list:[[:space:]]*0$'
	# On a busy machine it takes a while to use up its share.
	wait_until 20 was_throttled "$pid"
}

@test "limits: --ulimit, --oom-score-adj, --shm-size, --memory-reservation" {
	run quick --ulimit nofile=123:234 --ulimit core=0 --oom-score-adj 321 --shm-size 5m "$IMAGE" \
		sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; df -k /dev/shm | tail -1 | awk "{print \$2}"'
	is $'123\n234\n0\n321\n5120'
	sleeper c1 --memory 64m --memory-reservation 32m
	equal "$(cgroup_value "$(container_pid c1)" memory memory.soft_limit_in_bytes memory.low)" $((32 << 20))
}

@test "limits: --device-read-bps and --device-write-iops reach the kernel" {
	local disk major_minor
	disk=$(lsblk -dnpo NAME,TYPE 2>/dev/null | awk '$2 == "disk" {print $1; exit}')
	[ -b "$disk" ] || skip "no disk"
	major_minor=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	sleeper c1 --device-read-bps "$disk:1mb" --device-write-iops "$disk:100"
	run cgroup_value "$(container_pid c1)" blkio blkio.throttle.read_bps_device io.max
	like "$major_minor (rbps=)?1048576"
	run cgroup_value "$(container_pid c1)" blkio blkio.throttle.write_iops_device io.max
	like "$major_minor .*100"
}

@test "cgroups: --cgroup-parent and --cgroupns" {
	sleeper c1 --cgroup-parent "/$ORCH_CGROUP/parent" --cgroupns private
	[[ $(cgroup_dir "$(container_pid c1)" memory) == */$ORCH_CGROUP/parent/* ]]
	run docker exec c1 cat /proc/self/cgroup
	lacks "$ORCH_CGROUP"
	run docker exec c1 readlink /proc/self/ns/cgroup
	[ "$output" != "$(readlink /proc/self/ns/cgroup)" ]
	docker rm -f c1
	wait_until 5 remove_cgroups parent
	run quick --cgroupns host "$IMAGE" readlink /proc/self/ns/cgroup
	is "$(readlink /proc/self/ns/cgroup)"
}

# --- files ----------------------------------------------------------------------------------------------------------------

@test "volumes: a named one is filled from the image and kept; read-only it cannot be written" {
	docker volume create vol
	run quick -v vol:/data "$IMAGE" sh -c 'cat /data/image-file; echo more >/data/added'
	is "from the image"
	run quick -v vol:/data:ro "$IMAGE" sh -c 'exec 2>&1; cat /data/added; echo x >/data/no'
	docker volume rm vol
	[ "$status" -ne 0 ]
	has more
	has "Read-only file system"
}

@test "volumes: directories and files of the host, tmpfs with size and mode" {
	echo one >"$WORK/f"
	run quick -v "$WORK:/w" -v "$WORK/f:/etc/one:ro" --tmpfs /scratch:size=2m,mode=1770,noexec "$IMAGE" \
		sh -c 'exec 2>&1; cat /etc/one /w/f; stat -c %a /scratch; df -k /scratch | tail -1 | awk "{print \$2}"; echo out >/w/g
			grep -c " /scratch .*noexec" /proc/self/mounts; echo x >/etc/one'
	[ "$status" -ne 0 ]
	has $'one\none\n1770\n2048\n1'
	has "Read-only file system"
	equal "$(cat "$WORK/g")" out
}

@test "volumes: propagation, and a bind without submounts" {
	mkdir -p "$WORK/top"
	mount -t tmpfs tmpfs "$WORK/top"
	mount --make-shared "$WORK/top"
	mkdir "$WORK/top/sub" "$WORK/top/before"
	mount -t tmpfs tmpfs "$WORK/top/before"
	touch "$WORK/top/before/seen"
	sleeper slave -v "$WORK/top:/t:rslave"
	sleeper private -v "$WORK/top:/t"
	sleeper flat --mount "type=bind,source=$WORK/top,target=/t,bind-nonrecursive"
	mount -t tmpfs tmpfs "$WORK/top/sub"
	touch "$WORK/top/sub/seen"
	equal "$(docker exec slave ls /t/before /t/sub | grep -c seen)" 2
	equal "$(docker exec private ls /t/before /t/sub | grep -c seen)" 1
	equal "$(docker exec flat ls /t/before /t/sub | grep -c seen)" 0
	umount -R "$WORK/top"
}

@test "read-only: the root cannot be written, volumes and tmpfs can" {
	run quick --read-only --tmpfs /tmp -v "$WORK:/w" "$IMAGE" sh -c 'touch /tmp/a /w/b && echo fine; touch /c'
	[ "$status" -ne 0 ]
	has fine
	has "Read-only file system"
}

@test "cp, commit, diff, export" {
	echo content >"$WORK/f"
	sleeper c1
	docker cp "$WORK/f" c1:/etc/in
	equal "$(docker exec c1 cat /etc/in)" content
	docker exec c1 sh -c 'echo back >/tmp/out'
	docker cp c1:/tmp/out "$WORK/out"
	equal "$(cat "$WORK/out")" back
	run docker diff c1
	has "A /etc/in"
	docker commit c1 localhost/v2
	run quick localhost/v2 cat /etc/in
	docker rmi -f localhost/v2
	is content
	docker export c1 | tar -tf - | grep -qx etc/in
}

@test "build: from scratch, RUN steps are executed by the runtime" {
	mkdir "$WORK/context"
	cp "$IMAGE_TAR" "$WORK/context/image.tar"
	cat >"$WORK/context/Dockerfile" <<-'EOF'
		FROM scratch
		ADD image.tar /
		ENV PATH=/bin
		ARG WHO=nobody
		RUN echo "built for $WHO as $(id -u)" >/built
		USER guest
		RUN ["/bin/sh", "-c", "id -u >/tmp/by"]
		CMD ["cat", "/built", "/tmp/by"]
	EOF
	docker build --network none -q --build-arg WHO=me -t localhost/built "$WORK/context"
	run quick localhost/built
	docker rmi -f localhost/built
	is $'built for me as 0\n1000'
	printf 'FROM %s\nRUN exit 3\n' "$IMAGE" >"$WORK/context/Dockerfile"
	run docker build --network none -t localhost/built "$WORK/context"
	[ "$status" -ne 0 ]
	has "returned a non-zero code: 3"
}

# --- networks, namespaces -------------------------------------------------------------------------------------------------

@test "network: a published port is reached from outside, the container has its address" {
	serve_hello --name c1 -p 127.0.0.1:18081:80
	wait_until 5 fetches hello 127.0.0.1 18081
	wait_until 5 fetches hello "$(field c1 .NetworkSettings.IPAddress)" 80
	equal "$(docker port c1 80/tcp)" 127.0.0.1:18081
}

@test "network: an own one: containers find each other by name; connect and disconnect" {
	docker network create net1
	serve_hello --name web --network net1
	run docker run --rm --network net1 "$IMAGE" sh -c "sleep 0.2; $GET \$(nslookup web | sed -n 's/^Address: //p' | head -1) 80"
	has hello
	sleeper late
	docker network disconnect none late
	docker network connect net1 late
	run docker exec late sh -c "$GET $(field web .NetworkSettings.Networks.net1.IPAddress) 80"
	has hello
	docker network disconnect net1 late
	run docker exec late ip -o link
	lacks eth0
	docker rm -f web late
	docker network rm net1
}

@test "network: none, host, and that of another container" {
	run quick "$IMAGE" ip -o link
	lacks eth0
	has lo
	run docker run --rm --network host "$IMAGE" readlink /proc/self/ns/net
	is "$(readlink /proc/self/ns/net)"
	sleeper c1
	run docker run --rm --network container:c1 "$IMAGE" readlink /proc/self/ns/net
	is "$(readlink "/proc/$(container_pid c1)/ns/net")"
}

@test "namespaces: --pid, --ipc, --uts of the host or another container" {
	sleeper c1 --ipc shareable
	local pid
	pid=$(container_pid c1)
	run quick --pid container:c1 --ipc container:c1 "$IMAGE" sh -c 'for n in pid ipc; do readlink /proc/self/ns/$n; done'
	is "$(readlink "/proc/$pid/ns/pid" "/proc/$pid/ns/ipc")"
	run quick --pid host --ipc host --uts host "$IMAGE" sh -c 'for n in pid ipc uts; do readlink /proc/self/ns/$n; done'
	is "$(readlink /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts)"
	run quick "$IMAGE" sh -c 'echo $$'
	is 1
}

@test "names: --hostname, --domainname, --add-host, --dns" {
	run docker run --rm --hostname box --domainname example.net --add-host other:192.0.2.7 --dns 192.0.2.53 "$IMAGE" \
		sh -c 'hostname; cat /proc/sys/kernel/domainname; grep 192.0.2.7 /etc/hosts; cat /etc/resolv.conf'
	like $'^box\nexample.net\n192.0.2.7[[:space:]]+other'
	has "nameserver 192.0.2.53"
}

@test "sysctl: a namespaced one is set, one of the host is refused" {
	run docker run --rm --sysctl net.ipv4.ip_unprivileged_port_start=99 --sysctl kernel.msgmax=12345 "$IMAGE" \
		cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax
	is $'99\n12345'
	run quick --sysctl vm.swappiness=1 "$IMAGE" true
	equal "$status" 125
	has vm.swappiness
}

# --- security -------------------------------------------------------------------------------------------------------------

@test "capabilities: the default set, none, others, and those of a user" {
	run quick "$IMAGE" grep CapEff /proc/self/status
	has 00000000a80425fb
	run quick --cap-drop all "$IMAGE" chown guest /etc/passwd
	[ "$status" -ne 0 ]
	run quick --cap-drop all --cap-add net_admin --cap-add net_bind_service "$IMAGE" sh -c 'grep CapEff /proc/self/status; ip link set lo mtu 1400'
	equal "$status" 0
	has 0000000000001400
	run quick -u guest "$IMAGE" grep -E 'Cap(Eff|Prm|Inh)' /proc/self/status
	has $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000'
}

@test "seccomp and no-new-privileges: the default, none, an own profile" {
	run quick "$IMAGE" sh -c 'grep -E "Seccomp:|NoNewPrivs" /proc/self/status; unshare -n true'
	[ "$status" -ne 0 ]
	like $'NoNewPrivs:\t0\nSeccomp:\t2'
	has "peration not permitted"
	run quick --security-opt seccomp=unconfined --security-opt no-new-privileges "$IMAGE" grep -E "Seccomp:|NoNewPrivs" /proc/self/status
	like $'NoNewPrivs:\t1\nSeccomp:\t0'
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}' >"$WORK/p"
	run quick --security-opt "seccomp=$WORK/p" "$IMAGE" mkdir /x
	has "No space left"
	run quick --cap-add sys_admin "$IMAGE" unshare -n true
	equal "$status" 0
}

@test "masked and read-only paths" {
	local path masked=0
	sleeper c1
	for path in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /proc/sched_debug; do
		[ -e "$path" ] || continue
		equal "$(docker exec c1 sh -c "head -c 10 $path | wc -c")" 0
		masked=$((masked + 1))
	done
	for path in /proc/acpi /proc/scsi /sys/firmware; do
		[ -e "$path" ] || continue
		equal "$(docker exec c1 ls "$path")" ""
		masked=$((masked + 1))
	done
	[ "$masked" -gt 0 ]
	run docker exec c1 sh -c 'echo 1 >/proc/sys/kernel/panic'
	has 'Read-only file system'
	run docker exec c1 sh -c 'cd /sys/fs/cgroup/memory 2>/dev/null || cd /sys/fs/cgroup; mkdir x'
	has 'Read-only file system'
}

@test "devices: only the default ones can be opened; --device and --device-cgroup-rule add more" {
	run quick "$IMAGE" sh -c 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg; head -c 1 /dev/zero | wc -c'
	has "peration not permitted"
	has 1
	run quick --cap-add syslog --device /dev/kmsg:/dev/log-of-kernel:r "$IMAGE" \
		sh -c 'ls -l /dev/log-of-kernel; dd if=/dev/log-of-kernel of=/tmp/x bs=8192 count=1 && echo read-ok; echo x >/dev/log-of-kernel'
	like 'c.* 1, +11'
	has read-ok
	like "can't create|peration not permitted"
	run quick --cap-add syslog --device-cgroup-rule 'c 1:11 rwm' "$IMAGE" sh -c 'mknod /tmp/kmsg c 1 11 && dd if=/tmp/kmsg of=/tmp/x bs=8192 count=1'
	equal "$status" 0
}

@test "privileged: the host's capabilities and devices, no filter, nothing masked, sysfs writable" {
	# dockerd asks for every capability there is; husk warns about those it cannot give, the others fail
	if [[ $("$HUSK" --version) != husk* ]] && ! grep -q 'CapEff:.*1ffffffffff' /proc/self/status; then
		skip "this machine lacks a capability, which only husk tolerates"
	fi
	run quick --privileged "$IMAGE" sh -c 'grep -E "CapEff|Seccomp:" /proc/self/status; grep " /sys " /proc/self/mounts; grep -c -E " /proc/(kcore|sys|keys) " /proc/self/mounts'
	# this Docker knows capabilities up to CAP_AUDIT_READ (37)
	local host all
	host=$((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status)))
	all=$((16#$(sed -n 's/^CapEff:\t//p' <<<"$output")))
	equal "$((all & 0x3fffffffff))" "$((host & 0x3fffffffff))"
	like $'Seccomp:\t0'
	like '/sys sysfs rw'
	# the program's output is the program's: what the runtime warns of goes to its log
	lacks warning
	has $'\n0'
	local count
	count=$(find /dev -maxdepth 1 -type c | wc -l)
	run quick --privileged "$IMAGE" sh -c 'find /dev -maxdepth 1 -type c | wc -l'
	between "$output" $((count - 8)) $((count + 8))
	run quick --privileged "$IMAGE" sh -c 'mount -t tmpfs none /tmp && mknod /tmp/kmsg c 1 11 && dd if=/tmp/kmsg of=/tmp/x bs=8192 count=1'
	equal "$status" 0
}

# --- user namespaces: a second daemon --------------------------------------------------------------------------------------

@test "user namespaces: a daemon with --userns-remap" {
	local subids=$WORK/subids
	printf 'remap:x:4321:4321::/:/bin/false\n' | cat /etc/passwd - >"$WORK/passwd"
	printf 'remap:x:4321:\n' | cat /etc/group - >"$WORK/group"
	echo remap:300000:65536 >"$subids"
	# covered in our mount namespace only
	mount --bind "$WORK/passwd" /etc/passwd
	mount --bind "$WORK/group" /etc/group
	[ -e /etc/subuid ] && mount --bind "$subids" /etc/subuid
	[ -e /etc/subgid ] && mount --bind "$subids" /etc/subgid
	# shellcheck disable=SC2034 # used by lib.bash
	DOCKER_SOCKET=/run/docker-remap.sock DOCKERD_NAME=dockerd-remap
	start_dockerd --bridge none --userns-remap remap
	umount /etc/passwd /etc/group
	docker import -c 'ENV PATH=/bin' "$IMAGE_TAR" "$IMAGE"

	sleeper c1 --memory 64m
	equal "$(tr -s ' ' </proc/"$(container_pid c1)"/uid_map)" " 0 300000 65536"
	equal "$(stat -c %u:%g "/proc/$(container_pid c1)")" 300000:300000
	run docker exec c1 sh -c 'id -u; stat -c %u:%g /bin/busybox /home/guest; touch /new && stat -c %u /new'
	is $'0\n0:0\n1000:1000\n0'
	run docker exec -u guest c1 id -u
	is 1000
	run quick --tmpfs /t --read-only -v vol:/v "$IMAGE" sh -c 'touch /t/a /v/a && stat -c %u /v/a'
	is 0
	run in_tty "$(docker_line) run --rm -it --network none $IMAGE sh -c 'test -t 0 && stat -c owner=%u \$(tty)'"
	has owner=0
	run quick --userns host "$IMAGE" sh -c 'tr -s " " </proc/self/uid_map'
	is " 0 0 4294967295"
	run quick --privileged "$IMAGE" true
	[ "$status" -ne 0 ]
	run -127 quick "$IMAGE" no-such-program
	has no-such-program

	remove_all
	docker volume rm vol
	stop_dockerd
}
