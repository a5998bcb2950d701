#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Failures say what failed, on what and why, in words that engines match, and
# with the exit statuses of a shell: 127 not found, 126 not executable, 1 else.

load lib

program() { config --arg p "$1" '.process.args = [$p]'; }

@test "errors: a name that PATH does not find: 127" {
	# crun 1.8.1: fails because it ends with 1
	program no-such-program
	fails 127 c_run
	err_has no-such-program
	err_has_any "executable file not found" "no such file or directory"
}

@test "errors: a path that is not there: 127" {
	# crun 1.8.1: fails because it ends with 1
	program /no/such/program
	fails 127 c_run
	err_has /no/such/program "no such file or directory"
}

@test "errors: no execute bit: 126" {
	# crun 1.8.1: fails because it ends with 1
	cp "$ROOTFS/etc/passwd" "$ROOTFS/bin/text"
	program /bin/text
	fails 126 c_run
	err_has /bin/text "permission denied"
}

@test "errors: no execute bit, found by PATH: 126" {
	# crun 1.8.1: fails because it ends with 1
	cp "$ROOTFS/etc/passwd" "$ROOTFS/bin/text"
	program text
	fails 126 c_run
	err_has text
	err_has_any "permission denied" "not found"
}

@test "errors: a directory: 126" {
	# crun 1.8.1: fails because it ends with 1
	program /etc
	fails 126 c_run
	err_has /etc
	err_has_any "permission denied" "is a directory"
}

@test "errors: a script whose interpreter is missing names the interpreter: 127" {
	# crun 1.8.1: fails because it says no such file of the script
	printf '#!/opt/missing/lua -x\n' >"$ROOTFS/bin/scripted"
	chmod 755 "$ROOTFS/bin/scripted"
	program /bin/scripted
	fails 127 c_run
	err_has /bin/scripted /opt/missing/lua
}

@test "errors: a script with a carriage return names it" {
	# crun 1.8.1: fails because it says no such file of the script
	printf '#!/bin/sh\r\necho hi\r\n' >"$ROOTFS/bin/scripted"
	chmod 755 "$ROOTFS/bin/scripted"
	program /bin/scripted
	fails 127 c_run
	err_has /bin/scripted
	err_has_any '\r' "carriage return" "line end"
}

@test "errors: a program whose loader is missing names the loader: 127" {
	# crun 1.8.1: fails because it says no such file of the program
	cp /usr/bin/env "$ROOTFS/bin/dynamic"
	program /bin/dynamic
	fails 127 c_run
	err_has /bin/dynamic ld-linux
}

@test "errors: a program of another architecture says so: 126" {
	# crun 1.8.1: fails because it says exec format error alone
	# the ELF header of an aarch64 program, and nothing else
	{ head -c 18 "$(command -v busybox)"; printf '\267\0'; tail -c +21 "$(command -v busybox)"; } >"$ROOTFS/bin/foreign"
	chmod 755 "$ROOTFS/bin/foreign"
	program /bin/foreign
	fails 126 c_run
	err_has /bin/foreign "exec format error"
	err_has_any aarch64 arm64 architecture
}

@test "errors: a file that is no program: 126" {
	# crun 1.8.1: fails because it ends with 1
	echo "echo no header" >"$ROOTFS/bin/plain"
	chmod 755 "$ROOTFS/bin/plain"
	program /bin/plain
	fails 126 c_run
	err_has /bin/plain "exec format error"
}

@test "errors: an empty file: 126" {
	# crun 1.8.1: fails because it ends with 1
	: >"$ROOTFS/bin/empty"
	chmod 755 "$ROOTFS/bin/empty"
	program /bin/empty
	fails 126 c_run
	err_has /bin/empty "exec format error"
}

@test "errors: a noexec mount is named: 126" {
	# crun 1.8.1: fails because it says permission denied alone
	mkdir "$TEST_DIR/vol"
	cp "$(command -v busybox)" "$TEST_DIR/vol/true"
	config '.mounts += [{destination: "/vol", type: "bind", source: "'"$TEST_DIR/vol"'", options: ["bind", "noexec"]}]'
	program /vol/true
	fails 126 c_run
	err_has /vol/true noexec "permission denied"
}

@test "errors: a directory on the way that the user cannot enter: 126" {
	# crun 1.8.1: fails because it ends with 1
	mkdir "$ROOTFS/closed"
	cp "$(command -v busybox)" "$ROOTFS/closed/true"
	chmod 700 "$ROOTFS/closed"
	config '.process.user = {uid: 1000, gid: 1000}'
	program /closed/true
	fails 126 c_run
	err_has /closed "permission denied"
}

@test "errors: a link that leads nowhere: 127" {
	# crun 1.8.1: fails because it ends with 1
	ln -s /nowhere "$ROOTFS/bin/dangling"
	program /bin/dangling
	fails 127 c_run
	err_has /bin/dangling "no such file or directory"
}

@test "errors: too long an argument list" {
	config '.process.args = ["/bin/true"] + [range(40) | "x" * 120000]'
	try c_run
	[ "$status" != 0 ]
	err_has_any "argument list too long" "too long" "too large"
}

# What engines ask "create" for and not "start": podman and docker make 126 and 127 of its text.
@test "errors: create finds what nobody can execute: 126" {
	: >"$ROOTFS/bin/plain"
	mkdir "$TEST_DIR/vol"
	cp "$(command -v busybox)" "$TEST_DIR/vol/true"
	config '.mounts += [{destination: "/vol", type: "bind", source: "'"$TEST_DIR/vol"'", options: ["bind", "noexec"]}]'
	# crun 1.8.1: fails because it ends with 1
	for path in /bin/plain /etc /vol/true; do
		program $path
		fails 126 c_create
		err_has $path "permission denied"
	done
	try husk state "$ID"
	eq "$status" 1
}

@test "errors: create finds a missing interpreter or loader: 127" {
	# crun 1.8.1: fails because only start looks
	printf '#! /no/such/shell -x\n' >"$ROOTFS/bin/script"
	printf '#!/bin/sh\r\n' >"$ROOTFS/bin/carriage"
	cp /usr/bin/env "$ROOTFS/bin/dynamic"
	chmod 755 "$ROOTFS"/bin/{script,carriage}
	for name in script carriage dynamic; do
		program $name
		fails 127 c_create
		err_has bin/$name
	done
	program /bin/script
	fails 127 c_create
	err_has /no/such/shell "no such file or directory"
}

@test "errors: create leaves to start what only start can know" {
	# An interpreter that a hook may bring along, a format that the host may have a handler for.
	printf '#!/no/such/shell\n' >"$ROOTFS/bin/script"
	printf 'other' >"$ROOTFS/bin/format"
	chmod 755 "$ROOTFS"/bin/{script,format}
	program /bin/script
	config '.hooks.startContainer = [{path: "/bin/busybox", args: ["busybox", "sh", "-c", "mkdir -p /no/such && cp /bin/busybox /no/such/shell"]}]'
	ok c_create
	ok husk start "$ID"
	[ -e "$ROOTFS/no/such/shell" ]
	ok husk delete --force "$ID"
	config 'del(.hooks)'
	program /bin/format
	ok c_create
	fails 126 husk start "$ID"
	err_has "exec format error"
}

@test "errors: by create and start too, on the caller's stderr" {
	program /no/such/program
	try c_create
	if [ "$status" = 0 ]; then
		try husk start "$ID"
	fi
	[ "$status" != 0 ]
	err_has /no/such/program "no such file or directory"
}

@test "errors: after a program that could not be executed nothing stays" {
	program /no/such/program
	try c_run
	fails husk state "$ID"
	ok c_run_true
}

c_run_true() { program /bin/true; c_run; }

# bad NAME TEXT WORDS...: a config.json of just this text
bad()
{
	local text=$1

	shift
	printf '%s' "$text" >"$BUNDLE/config.json"
	fails c_create
	err_has "$@"
}

@test "errors: JSON that ends too early, with file and line" {
	# crun 1.8.1: fails because it gives the text around, not the line
	bad $'{\n"ociVersion": "1.0.2",\n"process": {' config.json
	[[ $stderr =~ config\.json:[0-9]+ ]]
}

@test "errors: JSON with a comma too many, a comment, a tail" {
	# crun 1.8.1: fails because it takes comments and looks no further
	bad '{"ociVersion": "1.0.2",}' config.json
	bad '{"ociVersion": "1.0.2" /* no */}' config.json
	bad '{"ociVersion": "1.0.2"} x' config.json
}

@test "errors: an empty file, an array, a string" {
	bad '' config.json
	bad '[]' config.json
	bad '"text"' config.json
}

@test "errors: not UTF-8" {
	# crun 1.8.1: may fail because it does not look
	bad $'{"ociVersion": "1.0.2\xff"}' config.json
}

@test "errors: a duplicate key is refused" {
	# crun 1.8.1: fails because the first one wins
	sed -i 's/"hostname": "husk-test"/"hostname": "a", "hostname": "b"/' "$BUNDLE/config.json"
	grep -q '"hostname": "a", "hostname": "b"' "$BUNDLE/config.json" || skip "template changed"
	fails c_create
	err_has hostname
}

@test "errors: a NUL in a string is refused" {
	# crun 1.8.1: fails because the string ends there
	config '.process.args = ["/bin/true\u0000/bin/false"]'
	fails c_create
	err_has args
}

@test "errors: nesting a thousand deep is refused, without a crash" {
	printf '%s' "{\"ociVersion\": \"1.0.2\", \"x\": $(printf '[%.0s' {1..1000})$(printf ']%.0s' {1..1000})}" >"$BUNDLE/config.json"
	fails c_create
}

@test "errors: a wrong type gives place, wanted and had" {
	# crun 1.8.1: fails because it takes a wrong type for unset
	config '.linux.resources = {memory: {limit: "lots"}}'
	fails c_create
	err_has config.json linux.resources.memory.limit integer string
	[[ $stderr =~ config\.json:[0-9]+ ]]
}

@test "errors: a wrong type in a list gives the index" {
	# crun 1.8.1: fails because it takes a wrong type for unset
	config '.mounts[2].options = "ro"'
	fails c_create
	err_has 'mounts[2].options'
}

@test "errors: numbers out of range and with fractions" {
	# crun 1.8.1: fails because it cuts them
	config '.process.user.uid = 4294967296'
	fails c_create
	err_has process.user.uid
	config '.process.user.uid = -1'
	fails c_create
	err_has process.user.uid
	config '.process.user.uid = 1.5'
	fails c_create
	err_has process.user.uid
}

@test "errors: required properties" {
	# crun 1.8.1: fails because it names the file alone
	config 'del(.ociVersion)'
	fails c_create
	err_has ociVersion
}

@test "errors: ociVersion is SemVer 1.x" {
	# crun 1.8.1: fails because it does not look
	for v in 2.0.0 0.9.0 banana 1 '' 1.0; do
		config --arg v "$v" '.ociVersion = $v'
		fails c_create
		err_has ociVersion
	done
	for v in 1.0.0 1.0.2-dev 1.1.0+build 1.3.0; do
		config --arg v "$v" '.ociVersion = $v'
		ok c_run
	done
}

@test "errors: unknown properties are ignored everywhere" {
	config '.noSuch = {a: [1, 2]} | .process.noSuch = "x" | .linux.noSuch = null | .root.noSuch = 1 | .mounts[0].noSuch = true | .linux.resources.noSuch = {}'
	ok c_run
}

@test "errors: sections of other systems are ignored" {
	config '.windows = {layerFolders: ["x"]} | .solaris = {milestone: "y"} | .zos = {} | .freebsd = {}'
	ok c_run
}

@test "errors: a vm section is refused until there is a VM" {
	config '.vm = {kernel: {path: "/boot/vmlinuz"}}'
	try c_run
	[ "$status" = 0 ] || err_has vm
}

@test "errors: intelRdt is refused in clear words" {
	# crun 1.8.1: may fail because it looks for a resctrl mount
	config '.linux.intelRdt = {closID: "husk-test", l3CacheSchema: "L3:0=f"}'
	fails c_create
	err_has intelRdt
	err_has_any "not supported" unsupported "not implemented"
}

@test "errors: a message is one line, says who speaks, and stdout stays empty" {
	config '.root.path = "nowhere"'
	fails c_create
	eq "$(wc -l <<<"$stderr")" 1
	out_is ""
}

@test "errors: the error of init is not lost" {
	# crun 1.8.1: fails because it names the destination without its slash
	# what fails inside the namespaces comes out on the caller's stderr
	config '.mounts += [{destination: "/x", type: "nosuchfs", source: "none"}]'
	fails c_create
	err_has /x
}

@test "errors: a bundle that cannot be read by its user" {
	# crun 1.8.1: fails because it names the file alone
	chmod 000 "$BUNDLE/config.json"
	if [ "$(id -u)" = 0 ]; then
		try setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all env -u XDG_RUNTIME_DIR "$HUSK" --root "$TEST_DIR/nobody" create -b "$BUNDLE" "$ID"
	else
		try c_create
	fi
	[ "$status" != 0 ]
	err_has_any "permission denied" "not permitted"
}
