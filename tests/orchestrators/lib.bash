# shellcheck shell=bash disable=SC2154 # output and status are set by bats
# SPDX-License-Identifier: Apache-2.0
#
# What the orchestrator suites share: an image, daemons that are started and stopped by pid, short polls, assertions that
# show what they saw. Sourced inside private-run's world only, so fixed names below /run are free.

IMAGE=localhost/busybox:local
IMAGE_TAR=$ORCH_STORE/image.tar
LOGS=$ORCH_STORE/logs
DOCKER_SOCKET=/run/docker-test.sock
CONTAINERD_SOCKET=/run/containerd-test/containerd.sock

# Under software emulation everything takes ten times as long.
TIMEOUT=${HUSK_TEST_TIMEOUT:-60}

# --- the engines' clients; each call is bounded, since a hung runtime is exactly what these suites look for ---------------

bounded() { timeout --foreground -k 5 "$TIMEOUT" "$@"; }

# /usr/bin/docker by its path: an installed docker-ce client elsewhere in PATH speaks a newer protocol and builds with BuildKit.
docker() { bounded env DOCKER_BUILDKIT=0 /usr/bin/docker -H "unix://$DOCKER_SOCKET" "$@"; }
podman() { bounded /usr/bin/podman "${PODMAN_OPTIONS[@]}" "$@"; }
ctr() { bounded /usr/bin/ctr -a "$CONTAINERD_SOCKET" -n "$ORCH_CGROUP" "$@"; }

# --- waiting and asserting ------------------------------------------------------------------------------------------------

# wait_until SECONDS COMMAND...: poll until COMMAND succeeds.
wait_until() {
	local end=$((SECONDS + $1 * TIMEOUT / 60 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.05
	done
}

# After `run`: the output equals, contains, does not contain, matches (extended regular expression).
is() { [ "$output" = "$1" ] || { printf 'expected: %s\ngot:      %s\n' "$1" "$output"; return 1; }; }
has() { [[ $output == *"$1"* ]] || { printf 'expected within: %s\ngot: %s\n' "$1" "$output"; return 1; }; }
lacks() { [[ $output != *"$1"* ]] || { printf 'not expected: %s\ngot: %s\n' "$1" "$output"; return 1; }; }
like() { [[ $output =~ $1 ]] || { printf 'expected to match: %s\ngot: %s\n' "$1" "$output"; return 1; }; }
equal() { [ "$1" = "$2" ] || { printf 'expected: %s\ngot:      %s\n' "$2" "$1"; return 1; }; }
# between VALUE LOW HIGH
between() {
	if [[ ! $1 =~ ^-?[0-9]+$ ]] || [ "$1" -lt "$2" ] || [ "$1" -gt "$3" ]; then
		printf 'expected: %s to %s\ngot:      %s\n' "$2" "$3" "$1"
		return 1
	fi
}

# In a container's shell: "$GET ADDRESS PORT" prints a web page with its header. (wget of Debian's static busybox crashes where
# there is no libnss.) fetches TEXT ADDRESS PORT: the same from here, succeeds if TEXT is there.
# shellcheck disable=SC2034 # used by the suites
GET='printf "GET / HTTP/1.0\r\n\r\n" | nc -w 3'
fetches() {
	bash -c 'exec 5<>"/dev/tcp/$1/$2" && printf "GET / HTTP/1.0\r\n\r\n" >&5 && timeout 5 cat <&5' - "$2" "$3" | grep -q -e "$1"
}

# in_tty COMMAND-STRING: run it on a terminal of its own (CI has none), standard input from the caller.
in_tty() { bounded script -qec "$1" /dev/null; }

# Functions are not seen by the shell that script(1) starts.
docker_line() { printf '/usr/bin/docker -H unix://%s' "$DOCKER_SOCKET"; }
podman_line() { printf '/usr/bin/podman %s' "${PODMAN_OPTIONS[*]}"; }
ctr_line() { printf '/usr/bin/ctr -a %s -n %s' "$CONTAINERD_SOCKET" "$ORCH_CGROUP"; }

# --- cgroups --------------------------------------------------------------------------------------------------------------

cgroup_is_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

# cgroup_dir PID CONTROLLER: the directory of PID's cgroup on this host.
cgroup_dir() {
	if cgroup_is_v2; then
		sed -n 's|^0::|/sys/fs/cgroup|p' "/proc/$1/cgroup"
	else
		sed -n "s|^[0-9]*:\(.*,\)\?$2\(,.*\)\?:|/sys/fs/cgroup/$2|p" "/proc/$1/cgroup"
	fi
}

# cgroup_value PID CONTROLLER V1-FILE V2-FILE: a setting as the kernel has it, not as the engine remembers it.
cgroup_value() {
	if cgroup_is_v2; then
		cat "$(cgroup_dir "$1" "$2")/$4"
	else
		cat "$(cgroup_dir "$1" "$2")/$3"
	fi
}

# cpu_quota PID: "QUOTA PERIOD" in microseconds on either version.
cpu_quota() {
	if cgroup_is_v2; then
		cat "$(cgroup_dir "$1" cpu)/cpu.max"
	else
		echo "$(cgroup_value "$1" cpu cpu.cfs_quota_us -) $(cgroup_value "$1" cpu cpu.cfs_period_us -)"
	fi
}

# has_512_shares PID: as cpu.weight that is 59, formerly (crun before 1.23, runc before 1.3) 20.
has_512_shares() {
	if cgroup_is_v2; then
		[[ $(cat "$(cgroup_dir "$1" cpu)/cpu.weight") == @(59|20) ]]
	else
		[ "$(cgroup_value "$1" cpu cpu.shares -)" = 512 ]
	fi
}

# frozen PID: by the freezer of version 2 where there is one; on a hybrid machine a runtime may use either.
frozen() {
	local path
	for path in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		grep -qs '^frozen 1' "$path$(sed -n 's/^0:://p' "/proc/$1/cgroup")/cgroup.events" && return
	done
	! cgroup_is_v2 && [ "$(cgroup_value "$1" freezer freezer.state -)" = FROZEN ]
}

# remove_cgroups NAME: below the tests' own; succeeds when none is left. conmon, which podman puts in there, ends a little late.
remove_cgroups() {
	find /sys/fs/cgroup -depth -path "*/$ORCH_CGROUP/$1*" -type d -exec rmdir {} \;
	[ -z "$(find /sys/fs/cgroup -path "*/$ORCH_CGROUP/$1*" -type d)" ]
}

# --- image ----------------------------------------------------------------------------------------------------------------

# A root file system of Debian's static busybox with two users, and files that fail to execute in each possible way.
make_image_tar() {
	local root=$ORCH_STORE/image-root busybox applet
	busybox=$(command -v busybox)
	mkdir -p "$root"/{bin,dev,etc,proc,root,run,sys,tmp,usr/bin,var,data,home/guest,odd}
	chmod 1777 "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	for applet in $("$busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'guest:x:1000:1000:guest:/home/guest:/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'guest:x:1000:' 'extra:x:1234:guest' >"$root/etc/group"
	chown 1000:1000 "$root/home/guest"
	echo 'from the image' >"$root/data/image-file"
	echo 'no permission to execute' >"$root/odd/not-executable"
	printf '#!/no/such/interpreter\n' >"$root/odd/no-interpreter"
	# An ELF header that names a machine no kernel of ours runs: e_machine is 2 bytes at offset 18.
	{ head -c 18 "$busybox"; printf '\377\376'; tail -c +21 "$busybox" | head -c 4076; } >"$root/odd/wrong-machine"
	printf 'this is not a program\n' >"$root/odd/not-a-program"
	chmod 755 "$root"/odd/{no-interpreter,wrong-machine,not-a-program}
	tar -C "$root" -cf "$IMAGE_TAR" .
	rm -rf "$root"
}

# make_image_archive FILE: the same as an OCI archive, for containerd, which cannot import a plain root file system.
make_image_archive() {
	local dir=$ORCH_STORE/oci layer config
	mkdir -p "$dir/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	layer=$(add_blob "$dir" "$IMAGE_TAR" application/vnd.oci.image.layer.v1.tar)
	jq -n --argjson layer "$layer" '{ architecture: "amd64", os: "linux", config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
		rootfs: { type: "layers", diff_ids: [$layer.digest] } }' >"$dir/config"
	config=$(add_blob "$dir" "$dir/config" application/vnd.oci.image.config.v1+json)
	jq -n --argjson layer "$layer" --argjson config "$config" '{ schemaVersion: 2, config: $config, layers: [$layer] }' >"$dir/manifest"
	add_blob "$dir" "$dir/manifest" application/vnd.oci.image.manifest.v1+json |
		jq --arg name "$IMAGE" '{ schemaVersion: 2, manifests: [. + { annotations: { "io.containerd.image.name": $name } }] }' >"$dir/index.json"
	tar -C "$dir" -cf "$1" oci-layout index.json blobs
	rm -rf "$dir"
}

# add_blob DIR FILE TYPE: copy FILE to where an OCI layout keeps it, print its descriptor.
add_blob() {
	local sum
	sum=$(sha256sum <"$2")
	sum=${sum%% *}
	cp "$2" "$1/blobs/sha256/$sum"
	jq -n --arg type "$3" --arg digest "sha256:$sum" --argjson size "$(stat -c %s "$2")" '{ mediaType: $type, digest: $digest, size: $size }'
}

# --- the runtime ----------------------------------------------------------------------------------------------------------

# HUSK_RECORD=1: have record-runtime between engine and runtime; the log is shown when a test fails.
wrap_runtime() {
	mkdir -p "$LOGS"
	if [ -n "${HUSK_RECORD:-}" ]; then
		"$BATS_TEST_DIRNAME/record-runtime" --make "$ORCH_STORE/recorded" "$HUSK" "$LOGS/runtime-calls"
		export HUSK=$ORCH_STORE/recorded
	fi
}

# --- daemons --------------------------------------------------------------------------------------------------------------

# start_daemon NAME COMMAND...: in the background, its log kept, its pid in $ORCH_STORE/NAME.pid
start_daemon() {
	local name=$1
	shift
	mkdir -p "$LOGS"
	# bats waits for everyone who holds its descriptors 3 and 4
	"$@" </dev/null >>"$LOGS/$name.log" 2>&1 3>&- 4>&- &
	echo $! >"$ORCH_STORE/$name.pid"
}

alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }
gone() { ! alive "$1"; }

# stop_daemon NAME: SIGTERM and wait; a daemon that hangs is killed and reported.
stop_daemon() {
	local pid
	[ -e "$ORCH_STORE/$1.pid" ] || return 0
	pid=$(cat "$ORCH_STORE/$1.pid")
	rm -f "$ORCH_STORE/$1.pid"
	kill -TERM "$pid" 2>/dev/null || return 0
	wait_until 20 gone "$pid" && return
	kill -KILL "$pid"
	echo "$1 did not stop"
	return 1
}

# start_dockerd [OPTION...]: with $HUSK as its only runtime. DOCKERD_NAME separates a second daemon from the first.
start_dockerd() {
	local name=${DOCKERD_NAME:-dockerd} bip=(--bip 10.77.0.1/24)
	[[ " $* " == *" --bridge none "* ]] && bip=()
	start_daemon "$name" dockerd -H "unix://$DOCKER_SOCKET" --data-root "$ORCH_STORE/$name" --exec-root "/run/$name" \
		--pidfile "/run/$name-self.pid" --storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs \
		--cgroup-parent "/$ORCH_CGROUP" --add-runtime "husk=$HUSK" --default-runtime husk \
		"${bip[@]}" --default-address-pool base=10.78.0.0/16,size=24 "$@"
	wait_until 30 docker version || { show_logs; return 1; }
}

stop_dockerd() { stop_daemon "${DOCKERD_NAME:-dockerd}"; }

start_containerd() {
	local dir=$ORCH_STORE/containerd
	mkdir -p "$dir" /run/containerd-test
	cat >"$dir/config.toml" <<-CONFIG
		version = 2
		root = "$dir/root"
		state = "/run/containerd-test/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$CONTAINERD_SOCKET"
	CONFIG
	mkdir -p "$dir/bin"
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$HUSK" >"$dir/bin/runc"
	chmod 755 "$dir/bin/runc"
	PATH=$dir/bin:$PATH start_daemon containerd containerd --config "$dir/config.toml" --log-level warn
	wait_until 30 ctr version || { show_logs; return 1; }
}

stop_containerd() { stop_daemon containerd; }

# podman has no daemon; this gives it a configuration and directories of its own.
set_up_podman() {
	local dir=$ORCH_STORE/podman
	mkdir -p "$dir" "$LOGS"
	cat >"$dir/containers.conf" <<-CONFIG
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
	cat >"$dir/storage.conf" <<-CONFIG
		[storage]
		driver = "overlay"
		runroot = "/run/podman-test/storage"
		graphroot = "$dir/storage"
	CONFIG
	# --userns=auto takes its ranges from the user "containers"; /etc is covered in our mount namespace only
	echo containers:2000000:1000000 >"$dir/subid"
	mount --bind "$dir/subid" /etc/subuid
	mount --bind "$dir/subid" /etc/subgid
	export CONTAINERS_CONF=$dir/containers.conf CONTAINERS_STORAGE_CONF=$dir/storage.conf
	use_podman
}

# In every test: bats runs each one in a new process, and arrays cannot be exported.
use_podman() {
	PODMAN_OPTIONS=(--tmpdir /run/podman-test/tmp --network-config-dir "$ORCH_STORE/podman/networks"
		--volumepath "$ORCH_STORE/podman/volumes")
}

# --- what is left behind --------------------------------------------------------------------------------------------------

# Orphans are children of pid 1, which also has one child that runs the tests (pid 2).
orphans() {
	local status state ppid pid
	for status in /proc/[0-9]*/status; do
		read -r pid ppid state < <(awk '/^Pid:/{p=$2} /^PPid:/{q=$2} /^State:/{s=$2} END{print p, q, s}' "$status" 2>/dev/null) || continue
		[ "$ppid" = 1 ] && [ "$pid" != 2 ] && [ "$state" != Z ] && tr '\0' ' ' <"/proc/$pid/cmdline" && echo "(pid $pid)"
	done
	return 0
}

leftovers() {
	orphans
	find /sys/fs/cgroup -mindepth 2 -type d \( -path "*/$ORCH_CGROUP/?*" -o -path '*/libpod_parent/libpod-*' \) \
		-printf 'cgroup %p\n' 2>/dev/null
	sed -n 's|^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .*|\1|p' /proc/self/mountinfo |
		grep -E "^$ORCH_STORE/.*(merged|rootfs|/shm)|^/run/(netns|docker.*netns)/." |
		# dockerd's own view of the host's network
		grep -v 'netns/default$' | sed 's/^/mount /'
	return 0
}

# nothing_left: after everything was removed and stopped there is no process, mount or cgroup of a container.
nothing_left() {
	local tries=40
	while [ "$((tries--))" -gt 0 ]; do
		[ -z "$(leftovers)" ] && return
		sleep 0.1
	done
	echo "left behind:"
	leftovers
	return 1
}

# --- when a test fails ----------------------------------------------------------------------------------------------------

# mark_logs, in setup(): what is in the logs by now belongs to other tests.
mark_logs() {
	local file
	for file in "$LOGS"/*; do
		[ ! -f "$file" ] || printf '%s %s\n' "$file" "$(stat -c %s "$file")"
	done >"$BATS_TEST_TMPDIR/log-marks"
}

show_logs() {
	local file size
	for file in "$LOGS"/*; do
		[ -f "$file" ] || continue
		case $file in *.json) continue ;; esac
		size=$(awk -v file="$file" '$1 == file {print $2}' "${BATS_TEST_TMPDIR:-/nonexistent}/log-marks" 2>/dev/null)
		tail -c "+$((${size:-0} + 1))" "$file" | grep -v -e level=info -e 'cleaning up after shim' |
			tail -n "${HUSK_ORCH_LOG_LINES:-20}" | sed "1i --- ${file##*/}"
	done
}

# clean_up_failure, in teardown(): show the logs if the test failed, and kill what is in containers, so that one that hangs
# does not take the tests after it along.
clean_up_failure() {
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	show_logs
	local status ppid
	for status in /proc/[0-9]*/status; do
		ppid=$(awk '/^PPid:/{print $2}' "$status" 2>/dev/null)
		case $(cat "/proc/${ppid:-0}/comm" 2>/dev/null) in
		containerd-shim* | conmon) kill -KILL "$(basename "${status%/status}")" 2>/dev/null || : ;;
		esac
	done
}
