#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Debian's podman as an unprivileged user, with $HUSK as its runtime, inside the user namespace that podman makes. Meant for
# the test VM (pure cgroup v2, a kernel with everything): tests/vm/in-vm -- tests/orchestrators/private-run bats rootless.bats

# shellcheck disable=SC2016 # most strings are for another shell
# shellcheck disable=SC2154 # output, status and stderr are set by run
bats_require_minimum_version 1.5.0

[ -n "${ORCH_PRIVATE:-}" ] || { echo "run through tests/orchestrators/private-run" >&2; exit 1; }
load lib.bash

USER_ID=54321
USER_HOME=$ORCH_STORE/rootless

# as_user COMMAND...: as the user, in the cgroup delegated to it, with nothing of root's environment.
as_user() {
	(
		if [ -e "$USER_CGROUP" ]; then
			echo 0 >"$USER_CGROUP/session/cgroup.procs"
		fi
		cd "$USER_HOME" || exit
		exec env -i PATH="$PATH" HOME="$USER_HOME" XDG_RUNTIME_DIR="/run/user/$USER_ID" LANG=C.UTF-8 TERM=dumb USER=husker \
			CONTAINERS_CONF="$USER_HOME/containers.conf" CONTAINERS_STORAGE_CONF="$USER_HOME/storage.conf" \
			setpriv --reuid "$USER_ID" --regid "$USER_ID" --groups "$USER_ID,54322" --inh-caps=-all "$@"
	)
}

podman() { as_user timeout --foreground -k 5 "$TIMEOUT" /usr/bin/podman "$@"; }

setup_file() {
	local tool
	for tool in newuidmap slirp4netns setpriv; do
		command -v "$tool" >/dev/null || skip "$tool is missing"
	done
	make_image_tar
	wrap_runtime
	mkdir -p "$USER_HOME/hooks" "/run/user/$USER_ID" "$LOGS"
	# The machine's user database is covered in our mount namespace only.
	{ cat /etc/passwd; echo "husker:x:$USER_ID:$USER_ID::$USER_HOME:/bin/sh"; } >"$ORCH_STORE/passwd"
	{ cat /etc/group; echo "husker:x:$USER_ID:"; echo "husk-extra:x:54322:husker"; } >"$ORCH_STORE/group"
	echo husker:400000:65536 >"$ORCH_STORE/subid"
	mount --bind "$ORCH_STORE/passwd" /etc/passwd
	mount --bind "$ORCH_STORE/group" /etc/group
	touch /etc/subuid /etc/subgid
	mount --bind "$ORCH_STORE/subid" /etc/subuid
	mount --bind "$ORCH_STORE/subid" /etc/subgid
	# A tun device that users may open, as udev makes it, whatever this machine's is.
	if [ -e /dev/net/tun ] || modprobe tun; then
		mknod -m 666 "$ORCH_STORE/tun" c 10 200
		mount --bind "$ORCH_STORE/tun" /dev/net/tun
	fi
	cat >"$USER_HOME/containers.conf" <<-CONFIG
		[containers]
		default_sysctls = []
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "husk"
		runtime_supports_json = ["husk"]
		runtime_supports_nocgroup = ["husk"]
		[engine.runtimes]
		husk = ["$HUSK"]
	CONFIG
	cat >"$USER_HOME/storage.conf" <<-CONFIG
		[storage]
		driver = "vfs"
		runroot = "/run/user/$USER_ID/storage"
		graphroot = "$USER_HOME/storage"
	CONFIG
	chown -R "$USER_ID:$USER_ID" "$USER_HOME" "/run/user/$USER_ID" "$LOGS"
	chmod 700 "/run/user/$USER_ID"
	chmod 644 "$IMAGE_TAR"
	delegate_cgroup
	as_user unshare -U true || skip "no user namespaces for users here"
	podman import -q -c 'ENV PATH=/bin' "$IMAGE_TAR" "$IMAGE"
}

# A subtree of cgroup v2 as systemd would delegate it: with controllers, owned by the user, the session in a leaf of its own.
delegate_cgroup() {
	export USER_CGROUP=/sys/fs/cgroup/$ORCH_CGROUP/user
	cgroup_is_v2 || return 0
	mkdir -p "$USER_CGROUP/session"
	local dir
	for dir in /sys/fs/cgroup "/sys/fs/cgroup/$ORCH_CGROUP" "$USER_CGROUP"; do
		echo "+cpu +memory +pids" >"$dir/cgroup.subtree_control"
	done
	chown "$USER_ID:$USER_ID" "$USER_CGROUP"/{,session/}{,cgroup.procs,cgroup.threads,cgroup.subtree_control}
}

teardown_file() {
	[ -e "$USER_HOME/storage" ] || return 0
	podman pod rm -f -a -t 0
	podman rm -f -a -t 0
	# podman's pause process, which keeps the user namespace
	[ ! -e "/run/user/$USER_ID/libpod/tmp/pause.pid" ] || kill -KILL "$(cat "/run/user/$USER_ID/libpod/tmp/pause.pid")"
	if cgroup_is_v2; then
		wait_until 5 remove_cgroups user
	fi
	nothing_left
}

setup() {
	WORK=$USER_HOME/work
	mkdir -p "$WORK"
	chown "$USER_ID:$USER_ID" "$WORK"
	mark_logs
}

teardown() {
	clean_up_failure
	podman pod rm -f -a -t 0 >/dev/null
	podman rm -f -a -t 0 >/dev/null
	rm -rf "$WORK"
}

sleeper() {
	local name=$1
	shift
	podman run -d --name "$name" "$@" "$IMAGE" sleep 1000
}

field() { podman inspect -f "{{$2}}" "$1"; }
container_pid() { field "$1" .State.Pid; }
is_state() { [ "$(field "$1" .State.Status)" = "$2" ]; }

@test "run: root inside is the user outside" {
	run podman run --rm --network none "$IMAGE" sh -c 'id -u; tr -s " " </proc/self/uid_map; exit 7'
	equal "$status" 7
	is "0
 0 $USER_ID 1
 1 400000 65536"
	podman run -d --name c --network none "$IMAGE" sleep 1000
	equal "$(stat -c %u "/proc/$(container_pid c)")" "$USER_ID"
}

@test "run: files of the image have their owners, files of the user theirs" {
	run podman run --rm --network none -v "$WORK:/w" "$IMAGE" sh -c 'stat -c %u /bin/busybox /home/guest; touch /w/root; chown guest /w; su guest -c "touch /w/guest"'
	is $'0\n1000'
	equal "$(stat -c %u "$WORK/root" "$WORK/guest" | tr '\n' ' ')" "$USER_ID 400999 "
	chown "$USER_ID" "$WORK"
}

@test "run: --userns keep-id: the same user inside; auto and nomap" {
	run podman run --rm --network none --userns keep-id -v "$WORK:/w" "$IMAGE" sh -c 'id -u; touch /w/f'
	is "$USER_ID"
	equal "$(stat -c %u "$WORK/f")" "$USER_ID"
	run podman run --rm --network none --userns auto:size=2000 "$IMAGE" sh -c 'id -u; awk "{s += \$3} END {print s}" /proc/self/uid_map'
	is $'0\n2000'
	run podman run --rm --network none --userns nomap "$IMAGE" sh -c "awk '{print \$2}' /proc/self/uid_map"
	lacks "$USER_ID"
}

@test "run: 126 and 127 with their texts" {
	run -127 podman run --rm --network none "$IMAGE" no-such-program
	has no-such-program
	run podman run --rm --network none "$IMAGE" /odd/not-executable
	equal "$status" 126
	like '[Pp]ermission denied'
}

@test "run: other users of the image, groups, capabilities inside the namespace" {
	run podman run --rm --network none -u guest --group-add extra "$IMAGE" sh -c 'id -u; id -G; grep CapEff /proc/self/status'
	is $'1000\n1000 1234\nCapEff:\t0000000000000000'
	run podman run --rm --network none --cap-drop all --cap-add chown "$IMAGE" sh -c 'chown 1:1 /tmp && stat -c %u /tmp'
	is 1
	run podman run --rm --network none --privileged "$IMAGE" sh -c 'grep -c CapEff.*1ff /proc/self/status; mount -t tmpfs none /tmp && echo mounted'
	has mounted
}

@test "run: --group-add keep-groups keeps the groups of the caller" {
	echo "for the group" >"$WORK/f"
	chown 0:54322 "$WORK/f"
	chmod 640 "$WORK/f"
	run podman run --rm --network none --group-add keep-groups -v "$WORK:/w" "$IMAGE" cat /w/f
	is "for the group"
	run podman run --rm --network none -v "$WORK:/w" "$IMAGE" cat /w/f
	[ "$status" -ne 0 ]
}

@test "exec, a terminal, stop, logs" {
	podman run -d --name c --network none "$IMAGE" sh -c 'trap "exit 23" TERM; echo ready; while :; do sleep 0.05; done'
	run podman exec -w /tmp -u guest c sh -c 'pwd; id -u; exit 9'
	equal "$status" 9
	is $'/tmp\n1000'
	run podman exec -t c sh -c 'test -t 1 && tty'
	like /dev/pts/
	run podman run --rm -t --network none "$IMAGE" sh -c 'test -t 1 && test -c /dev/console && tty'
	like /dev/pts/0
	podman stop -t 20 c
	equal "$(field c .State.ExitCode)" 23
	run podman logs c
	has ready
}

@test "kill, restart, rm; the runtime keeps nothing" {
	sleeper c --network none
	local pid
	pid=$(container_pid c)
	podman kill c
	equal "$(podman wait c)" 137
	podman restart -t 0 c
	pid=$(container_pid c)
	podman rm -f -t 0 c
	wait_until 5 gone "$pid"
	run as_user "$HUSK" list -q
	is ""
}

@test "devices, /proc and /sys: usable, masked, not writable" {
	run podman run --rm --network none "$IMAGE" sh -c 'exec 2>&1; head -c 3 /dev/zero | wc -c; echo x >/dev/null && echo null-ok; ls /dev/shm /sys/firmware; echo 1 >/proc/sys/kernel/panic'
	has $'3\nnull-ok'
	like 'Read-only file system|Permission denied'
	run podman run --rm --network none --device /dev/fuse "$IMAGE" ls -l /dev/fuse
	like 'c.*10, 229'
}

@test "namespaces of the host: network (with the host's sysfs), pid, ipc" {
	run podman run --rm --network host "$IMAGE" sh -c 'readlink /proc/self/ns/net; ls /sys/class/net | grep -c lo'
	is "$(readlink /proc/self/ns/net)"$'\n1'
	sleep 4001 &
	local sleep=$!
	run podman run --rm --network none --pid host "$IMAGE" sh -c 'ps -o args | grep -c "[s]leep 4001"'
	kill "$sleep"
	is 1
	# podman binds the host's
	[ -d /dev/mqueue ] || skip "no /dev/mqueue for --ipc host"
	run podman run --rm --network none --ipc host "$IMAGE" readlink /proc/self/ns/ipc
	is "$(readlink /proc/self/ns/ipc)"
}

@test "network: slirp4netns with a published port" {
	[ -e /dev/net/tun ] || skip "no /dev/net/tun"
	podman run -d --network slirp4netns -p 127.0.0.1:18090:80 "$IMAGE" \
		sh -c 'mkdir -p /www && echo hello >/www/index.html && exec httpd -f -p 80 -h /www'
	wait_until 10 fetches hello 127.0.0.1 18090
}

@test "files: read-only root, tmpfs, volumes, secrets, sysctl, hostname" {
	printf secret | podman secret create s -
	run podman run --rm --network none --read-only --tmpfs /scratch:size=1m -v vol:/v --secret s --sysctl kernel.msgmax=4321 --hostname box "$IMAGE" \
		sh -c 'exec 2>&1; touch /v/f /scratch/f && cat /run/secrets/s; echo; cat /proc/sys/kernel/msgmax; hostname; touch /f'
	podman secret rm s
	podman volume rm vol
	has $'secret\n4321\nbox'
	has "Read-only file system"
}

@test "seccomp and no-new-privileges" {
	run podman run --rm --network none --security-opt no-new-privileges "$IMAGE" grep -E 'Seccomp:|NoNewPrivs' /proc/self/status
	like $'NoNewPrivs:\t1\nSeccomp:\t2'
}

@test "init, and a pod that shares pids" {
	run podman run --rm --network none --init "$IMAGE" cat /proc/1/comm
	like 'catatonit|init'
	podman pod create --name p --share pid,ipc,uts,net --network none
	podman run -d --pod p --name a "$IMAGE" sleep 4002
	run podman run --rm --pod p "$IMAGE" ps -o args
	has 'sleep 4002'
}

@test "build: RUN steps are executed by the runtime" {
	printf 'FROM %s\nRUN id -u >/built && chown guest /built\nUSER guest\nCMD ["cat", "/built"]\n' "$IMAGE" >"$WORK/Containerfile"
	podman build -q --network none --runtime "$HUSK" -t localhost/built "$WORK"
	run podman run --rm --network none localhost/built
	podman rmi -f localhost/built
	is 0
}

@test "cgroups: limits in a delegated subtree take effect" {
	cgroup_is_v2 || skip "cgroup v1 cannot be delegated"
	sleeper c --network none --memory 64m --pids-limit 33 --cpus 0.5
	local pid
	pid=$(container_pid c)
	[[ $(cgroup_dir "$pid" memory) == */$ORCH_CGROUP/user/* ]]
	equal "$(cgroup_value "$pid" memory - memory.max)" $((64 << 20))
	equal "$(cgroup_value "$pid" pids - pids.max)" 33
	equal "$(cpu_quota "$pid")" "50000 100000"
	run podman run --rm --network none --memory 16m --memory-swap 16m "$IMAGE" dd if=/dev/zero of=/dev/null bs=64M count=1
	equal "$status" 137
}

@test "cgroups: pause, stats, update" {
	cgroup_is_v2 || skip "cgroup v1 cannot be delegated"
	sleeper c --network none --memory 64m
	local pid
	pid=$(container_pid c)
	podman pause c
	frozen "$pid"
	podman unpause c
	run podman stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' c
	like '64MiB|67.11MB'
	podman update --memory 96m c
	equal "$(cgroup_value "$pid" memory - memory.max)" $((96 << 20))
}

@test "cgroups: without any right to them containers run, limits are refused with the reason" {
	sleeper c --network none --cgroups disabled
	is_state c running
	local USER_CGROUP=/nonexistent
	run podman run --rm --network none "$IMAGE" echo fine
	has fine
	[[ $("$HUSK" --version) == husk* ]] || skip "crun drops the limit and says nothing"
	run podman run --rm --network none --memory 64m "$IMAGE" echo fine
	[ "$status" -ne 0 ]
	has cgroup
	lacks $'\nfine'
}
