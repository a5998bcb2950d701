#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Operations on the file system of husk sandbox, in their order, and its configuration as JSON.

load lib
load sandbox

setup()
{
	sandbox_setup
	mkdir -m 755 low1 low2
	mkdir -m 777 upper work open
	chmod 777 upper work open
	echo one >low1/a
	echo two >low2/a
	echo b >low2/b
}

D() { echo "$TEST_DIR/here/$1"; }

@test "places: bind is writable, ro-bind is not" {
	requires_user_namespaces
	ok usandbox --bind "$(D open)" /o --ro-bind "$(D low1)" /l sh -c 'echo x >/o/new; echo x >/l/new || cat /l/a'
	out_is one
	eq "$(cat open/new)" x
	[ ! -e low1/new ]
}

@test "places: a source that is missing is an error, and with -try nothing" {
	fails sandbox --ro-bind /no-such /x true
	err_has /no-such
	ok sandbox --ro-bind-try /no-such /x --bind-try /no-such /y --dev-bind-try /no-such /z ls -d /x /y /z || true
	ok sandbox --ro-bind-try /no-such /x true
}

@test "places: --rw and --hide" {
	ok sandbox --rw "$(D open)" --hide "$(D low1)" sh -c 'touch open/by-rw; ls low1'
	out_is ""
	[ -e open/by-rw ]
	ok sandbox --hide /etc/passwd sh -c 'wc -c </etc/passwd'
	out_is 0
}

@test "places: devices only with dev-bind" {
	ok sandbox --dev-bind /dev/zero /z head -c 3 /z
	fails 1 sandbox --ro-bind /dev/zero /z head -c 3 /z
}

@test "places: directories, files, data, links and modes" {
	requires_user_namespaces
	try usandbox --perms 700 --dir /a --dir /a/b/c --perms 0640 --file 8 /a/f --data 9 /etc/hosts \
		--symlink f /a/l --symlink ../usr/bin/env /a/e --chmod 711 /a/b sh -c \
		'stat -c %a /a /a/b /a/f; cat /a/l /etc/hosts; readlink /a/e' 8<<<file 9<<<data
	eq "$status" 0 || { show; return 1; }
	out_is $'700\n711\n640\nfile\ndata\n../usr/bin/env'
	run ! grep -qx data /etc/hosts
}

@test "places: they are done in their order" {
	ok sandbox --tmpfs /a --ro-bind "$(D low1)" /a/x cat /a/x/a
	out_is one
	ok sandbox --ro-bind "$(D low1)" /a --tmpfs /a ls /a
	out_is ""
	ok sandbox --tmpfs /a --dir /a/b --remount-ro /a sh -c 'touch /a/x 2>/dev/null || ls /a'
	out_is b
	fails sandbox --tmpfs /a --remount-ro /a --dir /a/b true
}

@test "places: nothing is ever made in what is bound read-only" {
	fails sandbox --ro-bind "$(D low1)" /a --tmpfs /a/new true
	err_has /a/new "read-only"
	[ ! -e low1/new ]
}

@test "places: overlays" {
	requires_user_namespaces
	ok usandbox --overlay-src "$(D low1)" --overlay-src "$(D low2)" --ro-overlay /o sh -c \
		'cat /o/a /o/b; touch /o/x 2>/dev/null || echo read-only'
	out_is $'two\nb\nread-only'
	# A layer's file is copied with its owner, who must have an id inside.
	chown -R $SANDBOX_UID:$SANDBOX_UID low1
	ok usandbox --overlay-src "$(D low1)" --tmp-overlay /o sh -c 'echo x >/o/a; rm /o/b 2>/dev/null; cat /o/a'
	out_is x
	eq "$(cat low1/a)" one
	ok usandbox --overlay-src "$(D low1)" --overlay "$(D upper)" "$(D work)" /o sh -c 'echo x >/o/new'
	eq "$(cat upper/new)" x
	[ ! -e low1/new ]
	fails usandbox --tmp-overlay /o true
	err_has overlay
}

@test "places: mqueue, another proc, another dev" {
	requires_user_namespaces
	ok usandbox --mqueue /q --proc /p --dev /d sh -c \
		'stat -f -c %T /q; test -e /p/self/status; echo hi >/d/null; ls /d | tr "\n" " "'
	out_has mqueue null zero full urandom tty pts shm
}

@test "places: --rootfs" {
	make_template "$TEST_DIR/rootfs"
	mkdir "$TEST_DIR/rootfs/run"
	ok sandbox --rootfs "$TEST_DIR/rootfs" --setenv PATH /bin sh -c 'ls /bin/busybox; pwd; touch /x 2>/dev/null || echo read-only; touch /tmp/x'
	out_is $'/bin/busybox\n/\nread-only'
	[ ! -e "$TEST_DIR/rootfs/tmp/x" ]
	ok sandbox --rootfs ../rootfs --setenv PATH /bin ls /bin/busybox
	requires_user_namespaces
	ok usandbox --rootfs "$TEST_DIR/rootfs" --setenv PATH /bin sh -c 'id -u; ls -d /usr/share 2>/dev/null; true'
	out_is $SANDBOX_UID
}

@test "places: the whole host, read-only with everything that is mounted in it" {
	mkdir "$TEST_DIR/here/m"
	mount -t tmpfs -o mode=777 "$T" "$TEST_DIR/here/m"
	ok sandbox --ro-bind / / sh -c "pwd; touch $TEST_DIR/here/m/x /x 2>/dev/null && echo wrote; ls /home >/dev/null && echo there"
	umount "$TEST_DIR/here/m"
	out_is "$TEST_DIR/here"$'\nthere'
}

@test "places: --chdir and --hostname" {
	ok sandbox --chdir /usr --hostname box sh -c 'pwd; hostname'
	out_is $'/usr\nbox'
	fails sandbox --chdir /no-such true
	err_has /no-such
}

@test "places: mistakes on the command line" {
	fails sandbox --bind /a
	err_has "2 words"
	fails sandbox --bind /usr relative true
	err_has absolute
	fails sandbox --perms 9 --dir /a true
	err_has octal
	fails sandbox --perms 700 true
	err_has --perms
	fails sandbox --file 77 /a true
	err_has 77
	fails sandbox --size 1M --dir /a true
	err_has tmpfs
	fails sandbox --policy no-such true
	err_has no-such
}

@test "config: --print-config is read again to the same" {
	ok husk sandbox --ro-bind /usr /u --tmpfs /t --symlink a /b --memory 64M --wall-time 1.5s --cpus 0.5 --pids 9 \
		--nice 3 --setenv A 1 --keepenv B --rlimit nofile=10:20 --network host --uid 5 --report-format text \
		--hide /h --best-effort --print-config sh -c 'echo "$A"'
	printf '%s\n' "$output" >"$TEST_DIR/config"
	jq -e . "$TEST_DIR/config" >/dev/null
	local first=$output
	ok husk sandbox --config "$TEST_DIR/config" --print-config
	eq "$output" "$first"
	eq "$(jq -r '.limits.memoryBytes, .limits.wallTimeMsec, .limits.cpuMillis' "$TEST_DIR/config" | tr '\n' ' ')" \
		"67108864 1500 500 "
}

@test "config: a file is run, and options count over it" {
	cat >"$TEST_DIR/config" <<-'END'
	{
		"command": ["sh", "-c", "echo $A $B; hostname"],
		"hostname": "filed",
		"environment": { "A": "1", "B": "2" },
		"places": [ { "operation": "dir", "destination": "/made", "mode": 448 } ]
	}
	END
	ok husk sandbox --config "$TEST_DIR/config"
	out_is $'1 2\nfiled'
	ok husk sandbox --config "$TEST_DIR/config" --setenv B 3 --hostname other
	out_is $'1 3\nother'
	ok husk sandbox --config "$TEST_DIR/config" stat -c %a /made
	out_is 700
}

@test "config: errors name file, line and property" {
	printf '{\n\t"command": ["true"],\n\t"limits": {\n\t\t"memoryBytes": "64M"\n\t}\n}\n' >"$TEST_DIR/config"
	fails husk sandbox --config "$TEST_DIR/config"
	err_has "config:4: limits.memoryBytes: expected"
	printf '{ "command": ["true"], "nonsense": 1 }\n' >"$TEST_DIR/config"
	fails husk sandbox --config "$TEST_DIR/config"
	err_has nonsense
	printf '{ "command": ["true"], "places": [ { "operation": "bind", "destination": "/x" } ] }\n' >"$TEST_DIR/config"
	fails husk sandbox --config "$TEST_DIR/config"
	err_has "places[0].source"
}

@test "config: --dry-run prints the plan and does nothing" {
	ok sandbox --dry-run --memory 64M sh -c "touch $TEST_DIR/here/open/x"
	out_has "new tmpfs" "/proc" "memory" "seccomp"
	[ ! -e open/x ]
}

# opened PATH RUN ARGS...: a sandbox with descriptor 7 open at PATH
opened()
{
	local path=$1
	shift
	try "$@" 7<"$path"
	[ "$status" = 0 ] || { show; return 1; }
}

@test "places: what a descriptor is open at" {
	requires_user_namespaces
	local run
	for run in sandbox usandbox; do
		opened open $run --bind-fd 7 /o sh -c 'echo x >/o/by-fd; rm /o/by-fd && echo removed'
		out_is removed
		opened low1 $run --ro-bind-fd 7 /l sh -c 'cat /l/a; echo x >/l/new || echo read-only'
		out_is $'one\nread-only'
		opened low1/a $run --ro-bind-fd 7 /f cat /f
		out_is one
		# It is not handed on, and one that was moved is the same.
		opened low2 $run --ro-bind-fd 7 /l sh -c 'ls -d /proc/self/fd/7 || cat /l/b'
		out_is b
	done
	exec 7<low1
	mv low1 elsewhere
	mkdir low1
	ok usandbox --ro-bind-fd 7 /l cat /l/a
	out_is one
	exec 7<&-
}

@test "places: a descriptor whose file is gone, covered, or no file" {
	requires_user_namespaces
	local run
	for run in sandbox usandbox; do
		mkdir -m 755 gone
		exec 7<gone
		rmdir gone
		fails $run --ro-bind-fd 7 /l true
		err_has "gone (deleted)"
		exec 7<low1
		fails $run --ro-bind-fd 77 /l true
		err_has '"77" is not an open descriptor'
		fails $run --bind-fd 7 / true
		err_has "the root has to be given by its path"
		fails $run --bind-fd 8 /l true 8< <(true)
		err_has "descriptor 8 is pipe:" "neither a file nor a directory"
	done
	export HUSK TEST_DIR T
	run unshare -m bash -c 'mount --bind low2 low1; "$HUSK" sandbox --setenv HUSK_TEST "$T" --ro-bind-fd 7 /l ls /l'
	eq "$status" 1
	[[ $output == *"is not what was opened any more"* ]] || { echo "$output"; return 1; }
	run unshare -m bash -c 'mount --bind low2 low1
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$TEST_DIR/husk" sandbox --ro-bind-fd 7 /l ls /l'
	eq "$status" 1
	[[ $output == *"is not what was opened any more"* ]] || { echo "$output"; return 1; }
	exec 7<&-
}

# What a shell needs.
SYSTEM=(--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64)

@test "places: --empty-root has only what is asked for" {
	requires_user_namespaces
	[ -L /bin ] || skip "needs a merged /usr"
	local run
	for run in sandbox usandbox; do
		ok $run --empty-root "${SYSTEM[@]}" /usr/bin/sh -c 'ls -A /; pwd; mkdir /new 2>/dev/null || echo read-only'
		out_is $'bin\nlib\nlib64\nusr\n/\nread-only'
		ok $run --empty-root "${SYSTEM[@]}" --dev /dev --proc /proc --tmpfs /tmp --dir /srv/a --data 7 /etc/motd --chdir /tmp \
			sh -c 'ls -A /; pwd; echo x >new; cat /etc/motd; echo >/dev/null; ls /proc/self >/dev/null && echo proc' 7<<<hello
		out_is $'bin\ndev\netc\nlib\nlib64\nproc\nsrv\ntmp\nusr\n/tmp\nhello\nproc'
	done
	fails 127 sandbox --empty-root true
	err_has "executable file not found"
}

@test "places: --empty-root and other roots" {
	fails sandbox --empty-root --ro-bind / / true
	err_has emptyRoot "another root"
	fails sandbox --empty-root --rootfs /usr true
	err_has emptyRoot
	fails sandbox --empty-root "${SYSTEM[@]}" --terminal true
	err_has "--dev /dev"
}

@test "places: --empty-root for a sandbox that stays" {
	[ -L /bin ] || skip "needs a merged /usr"
	exec 7<low1
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --empty-root "${SYSTEM[@]}" --tmpfs /data --ro-bind-fd 7 /low
	exec 7<&-
	ok husk sandbox copy low2/b "$ID:/data/b"
	ok husk sandbox exec "$ID" sh -c 'ls -A /; cat /data/b /low/a'
	out_is $'bin\ndata\nlib\nlib64\nlow\nusr\nb\none'
	ok husk sandbox stop --time 0 "$ID"
}
