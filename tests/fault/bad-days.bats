#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Days when the host has nothing left to give: disks, processes, descriptors, /proc; and callers that
# are killed. Always a message that says what is missing, and never anything left behind.

load ../integration/lib

INTEGRATION_DIR=$BATS_TEST_DIRNAME/../integration

setup()
{
	integration_setup
	requires_root
	MOUNTED=()
	CGROUPS=()
}

teardown()
{
	local dir

	stop_background
	BG_PIDS=()
	for dir in "${MOUNTED[@]}"; do
		umount -l "$dir" 2>/dev/null || true
	done
	for dir in "${CGROUPS[@]}"; do
		rmdir "$dir" 2>/dev/null || true
	done
	integration_teardown
}

# small_root OPTIONS: the state directory is on a tmpfs of its own
small_root()
{
	mkdir -p -m 700 "$ROOT"
	mount -t tmpfs -o "mode=700,$1" small "$ROOT"
	MOUNTED+=("$ROOT")
}

# A tmpfs of the test's own is no mount that was left. No grep: it would be found by its command line.
leaks_but_root()
{
	local line

	leaks | while read -r line; do
		[ "$line" = "mount $ROOT" ] || echo "$line"
	done
}

nothing_but_root_left() { [ -z "$(leaks_but_root)" ]; }

clean() { wait_until 2 nothing_but_root_left || { leaks_but_root >&2; return 1; }; }

@test "bad days: the disk of the state directory is full" {
	small_root size=16k
	# Whatever fits and what does not: bigger and bigger configurations, at last one that cannot.
	for kib in 1 4 8 11 13 14 15 16 40; do
		config --argjson n $((kib * 1024)) '.annotations = {filler: ("x" * $n)}'
		try c_create
		if [ "$status" != 0 ]; then
			err_has "no space left on device"
			clean
			[ -z "$(ls -A "$ROOT")" ]
			continue
		fi
		ok husk start "$ID"
		ok husk delete --force "$ID"
		clean
	done
	[ "$status" != 0 ] || [ "$kib" = 40 ]
}

@test "bad days: the state directory has no inode left" {
	for inodes in 2 3 4 5 6; do
		small_root size=1m,nr_inodes=$inodes
		try c_create
		if [ "$status" != 0 ]; then
			err_has "no space left on device"
			[ -z "$(ls -A "$ROOT")" ]
		else
			ok husk delete --force "$ID"
		fi
		clean
		umount "$ROOT"
		MOUNTED=()
	done
}

@test "bad days: the disk is full when the container is to be recorded" {
	# The first state still fits; a hook takes what is left before the second one is written.
	small_root size=64k
	printf '#!/bin/sh\nhead -c 1000000 /dev/zero >%s/filler 2>/dev/null\nexit 0\n' "$ROOT" >"$TEST_DIR/hook"
	chmod 755 "$TEST_DIR/hook"
	config --arg h "$TEST_DIR/hook" '.hooks.prestart = [{path: $h}] | .annotations = {filler: ("x" * 12000)}'
	try c_create "$ID" --pid-file "$TEST_DIR/pid"
	if [ "$status" != 0 ]; then
		err_has "no space left on device"
		[ ! -e "$TEST_DIR/pid" ]
		[ ! -d "$ROOT/$ID" ]
	else
		# It was replaced in what it already had.
		status_is created
		ok husk delete --force "$ID"
	fi
	rm -f "$ROOT/filler"
	clean
}

@test "bad days: the state directory is read-only" {
	small_root size=64k
	mount -o remount,ro "$ROOT"
	fails c_create
	err_has "read-only file system"
	ok husk list
	clean
}

@test "bad days: the pid file cannot be written" {
	for file in "$TEST_DIR/none/pid" /proc/pid /dev/full; do
		# /dev/full would be replaced: that one is another test's.
		[ "$file" != /dev/full ] || continue
		fails c_create "$ID" --pid-file "$file"
		err_has "pid file $file"
		wait_for nothing_left
	done
}

@test "bad days: descriptors run out, at any number" {
	config '.hooks.createContainer = [{path: "/bin/true"}]'
	found=
	for limit in $(seq 4 40); do
		try sh_with "ulimit -n $limit" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
		if [ "$status" = 0 ]; then
			try sh_with "ulimit -n $limit" "${HUSK_CMD[@]}" start "$ID"
			ok husk delete --force "$ID"
		else
			# The loader of timeout or husk itself may be what finds none.
			err_has_any "too many open files" "error while loading" "file descriptor"
		fi
		if ! wait_until 2 nothing_left; then
			found+="limit $limit: $stderr, left: $(leaks)"$'\n'
			husk delete --force "$ID"
		fi
	done
	eq "$found" ""
	# A limit that is enough was among them, or nothing was tested.
	[ "$status" = 0 ]
}

@test "bad days: descriptors run out in exec, state, list and delete" {
	c_sleeper
	for limit in $(seq 4 24); do
		for verb in "exec $ID true" "state $ID" list "ps $ID" "kill $ID 0"; do
			# shellcheck disable=SC2086
			try sh_with "ulimit -n $limit" "${HUSK_CMD[@]}" $verb
			[ "$status" = 0 ] || [ -n "$stderr" ]
			[ "$status" -lt 128 ]
		done
	done
	status_is running
	# Each failure of delete leaves something that a later one removes.
	for limit in 4 5 6 7 8 9 10 12 14; do
		try sh_with "ulimit -n $limit" "${HUSK_CMD[@]}" delete --force "$ID"
	done
	ok husk delete --force "$ID"
	wait_for nothing_left
}

# in_pids_cgroup N COMMAND...: no more than N processes
in_pids_cgroup()
{
	local dir max

	if [ $CGROUP = v2 ]; then
		grep -qw pids /sys/fs/cgroup/cgroup.controllers || skip "needs the pids controller"
		echo +pids >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
		dir=/sys/fs/cgroup/limit-$T
	else
		requires_controller pids
		dir=/sys/fs/cgroup/pids/limit-$T
	fi
	if [ ! -d "$dir" ]; then
		mkdir "$dir"
		CGROUPS+=("$dir")
	fi
	max=$1
	shift
	echo "$max" >"$dir/pids.max"
	try sh -c "echo 0 >$dir/cgroup.procs && exec \"\$@\"" sh "$@"
	rmdir "$dir"
	CGROUPS=()
}

@test "bad days: no process can be forked" {
	config '.hooks.prestart = [{path: "/bin/true"}] | .hooks.createContainer = [{path: "/bin/true"}]'
	for max in 1 2 3 4; do
		in_pids_cgroup $max "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
		if [ "$status" = 0 ]; then
			ok husk delete --force "$ID"
		else
			err_has "resource temporarily unavailable"
		fi
		wait_for nothing_left
	done
	eq "$status" 0
}

@test "bad days: RLIMIT_NPROC in a user namespace" {
	# An id of nobody else: the limit counts all processes of the user.
	MAP='[{containerID: 0, hostID: 54321, size: 1}]'
	mkdir -m 700 "$ROOT"
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	config ".linux.namespaces += [{type: \"user\"}] | .linux.uidMappings = $MAP | .linux.gidMappings = $MAP"
	chown -R 54321:54321 "$TEST_DIR"
	as=(setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all)
	"${as[@]}" unshare -U true 2>/dev/null || skip "needs user namespaces for normal users"
	# One process is husk itself.
	fails bash -c 'ulimit -u 1; exec "$@"' sh "${as[@]}" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	err_has "clone: resource temporarily unavailable"
	wait_for nothing_left
}

@test "bad days: no user namespace is to be had" {
	unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces' 2>/dev/null ||
		skip "needs a sysctl of its own for namespaces"
	config '.linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir -m 700 "$ROOT"
	fails unshare --user --map-root-user --mount sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
		"${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	err_has "/proc/sys/user/max_"
	wait_for nothing_left
}

# without TEXT COMMAND...: in a mount namespace that the shell text has changed
without()
{
	local text=$1

	shift
	# Private: what is covered there is covered nowhere else.
	fails unshare --mount --propagation private sh -c "$text"' && exec "$@"' sh "$@"
}

@test "bad days: /proc is not mounted" {
	without 'mount -t tmpfs none /proc' "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	err_has "/proc"
	wait_for nothing_left
}

@test "bad days: entries of /proc are missing" {
	for file in self/mountinfo self/cgroup sys/kernel/cap_last_cap self/status self/stat; do
		# An empty file stands where the entry was.
		try unshare --mount --propagation private sh -c \
			'mount --bind /dev/null /proc/'$file' 2>/dev/null || mount --bind /dev/null /proc/$$/'"${file#self/}"' && exec "$@"' sh \
			"${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
		if [ "$status" = 0 ]; then
			ok husk delete --force "$ID"
		else
			[ "$status" = 1 ]
			[ -n "$stderr" ]
		fi
		wait_for nothing_left
	done
}

@test "bad days: no control groups are mounted" {
	try unshare --mount --propagation private sh -c 'umount -l -R /sys/fs/cgroup && exec "$@"' sh \
		"${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	[ "$status" = 0 ] || { show; return 1; }
	ok husk delete --force "$ID"
	config '.linux.resources.memory = {limit: 100000000}'
	without 'umount -l -R /sys/fs/cgroup' "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	err_has "linux.resources" "no cgroup hierarchy is mounted"
	wait_for nothing_left
}

@test "bad days: control groups are read-only" {
	config '.linux.resources.pids = {limit: 10}'
	without 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mount -o remount,bind,ro "$d" 2>/dev/null; done; true' \
		"${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	err_has "read-only file system"
	wait_for nothing_left
}

@test "bad days: the root file system goes away after create" {
	ok c_create
	mv "$ROOTFS" "$TEST_DIR/elsewhere"
	ok husk start "$ID"
	wait_status stopped
	ok husk delete "$ID"
	wait_for nothing_left
}

@test "bad days: the bundle goes away while the container runs" {
	c_sleeper
	mv "$BUNDLE" "$TEST_DIR/elsewhere"
	ok husk exec "$ID" echo alive
	out_is alive
	ok husk delete --force "$ID"
	wait_for nothing_left
}

# A conmon of three lines: it calls create and would wait for the container.
caller()
{
	cat >"$TEST_DIR/caller" <<-'END'
	#!/bin/sh
	"$@" &
	wait $!
	exec sleep 1000
	END
	chmod 755 "$TEST_DIR/caller"
}

@test "bad days: the caller is killed in the middle of create" {
	caller
	sleeper
	for delay in 0 0.001 0.003 0.006 0.01 0.02 0.05; do
		bg caller "$TEST_DIR/caller" "${HUSK_CMD[@]}" create -b "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID"
		sleep $delay
		kill -KILL $!
		wait_bg $!
		BG_PIDS=()
		# husk itself goes on to its end, and what it says is true.
		wait_for eval '! processes_with "$ROOT" cmdline | xargs -r -n2 sh -c "tr \\\\0 \" \" </proc/\$1/cmdline" | grep -q " create.*pid-file"; true'
		try husk state "$ID"
		if [ "$status" = 0 ] && status_is created; then
			ok husk start "$ID"
			status_is running
		fi
		ok husk delete --force "$ID"
		rm -f "$TEST_DIR/pid"
		wait_for nothing_left
	done
	ok c_create
}

@test "bad days: caller and husk are killed together in the middle of create" {
	caller
	for delay in 0.001 0.003 0.006 0.01 0.02; do
		# As a session leader, so that one signal reaches them all.
		bg caller setsid "$TEST_DIR/caller" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
		sleep $delay
		kill -KILL -- -$! 2>/dev/null || kill -KILL $!
		wait_bg $!
		BG_PIDS=()
		ok husk delete --force "$ID"
		wait_for nothing_left
	done
}

@test "bad days: standard descriptors are closed" {
	for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
		sh -c '"$@" '"$closed" sh "${HUSK_TIMED[@]}" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID" \
			>"$TEST_DIR/out" 2>&1 </dev/null 3>&- 4>&-
		ok husk start "$ID"
		ok husk delete --force "$ID"
	done
	wait_for nothing_left
}

@test "bad days: standard error is a full disk or a closed pipe" {
	status=0
	"${HUSK_CMD[@]}" state nothing 2>/dev/full || status=$?
	eq "$status" 1
	status=0
	bash -c '"$@" 2> >(exit 0)' sh "${HUSK_CMD[@]}" create -b /nowhere "$ID" 3>&- 4>&- || status=$?
	[ "$status" = 1 ] || [ "$status" = 141 ]
	# Output that cannot be written is an error, too.
	c_sleeper
	failed=
	for verb in "list" "list -q" "state $ID" "features" "ps $ID" "spec --help" "--version" "events --stats $ID"; do
		status=0
		# shellcheck disable=SC2086
		"${HUSK_CMD[@]}" $verb >/dev/full 2>"$TEST_DIR/stderr" || status=$?
		[ "$status" != 0 ] || failed+=" ($verb)"
	done
	eq "to a full disk succeed: $failed" "to a full disk succeed: "
}

@test "bad days: configurations of all sizes up to the limit" {
	config --argjson n 1000000 '.annotations = {filler: ("x" * $n)}'
	ok c_create
	ok husk delete --force "$ID"
	head -c 20000000 /dev/zero | tr '\0' ' ' >>"$BUNDLE/config.json"
	fails c_create
	err_has "config.json" "more than"
	wait_for nothing_left
}
