#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# NVIDIA's CVE-2025-23266 and CVE-2024-0132: hooks run with the host's rights,
# so nothing of the container's may steer them.

load lib

ALL="prestart createRuntime createContainer startContainer poststart poststop"
HOST_ONES="prestart createRuntime createContainer poststart poststop"

# Each hook writes what it has been given to $TEST_DIR/hook.KIND; startContainer's
# program is in the container and writes there.
setup()
{
	integration_setup
	HOOK=$TEST_DIR/program
	cp "$(attack inside)" "$HOOK"
	install_attack inside
	config --arg h "$HOOK" --arg d "$TEST_DIR" '
		.process.env += ["LD_PRELOAD=/evil.so", "LD_AUDIT=/evil.so", "PATH=/evil", "BASH_ENV=/evil", "CONTAINER=yes"]
		| .process.cwd = "/tmp"
		| .hooks = ([("prestart", "createRuntime", "createContainer", "poststart", "poststop")
			| {key: ., value: [{path: $h, args: ["hook", "hook", "\($d)/hook.\(.)"], env: ["MINE=\(.)"]}]}] | from_entries)
		| .hooks.startContainer = [{path: "/bin/inside", args: ["hook", "hook", "/hook.startContainer"], env: ["MINE=startContainer"]}]'
}

run_all()
{
	LD_BIND_NOT=1 CALLER=yes ok "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	cp "$ROOTFS"/hook.startContainer* "$TEST_DIR"
}

# Shown to detect: the control gives a hook the variables on purpose.
@test "hooks: the environment is the hook's own, of neither the container nor the caller" {
	run_all
	for hook in $ALL; do
		eq "$(grep '=' "$TEST_DIR/hook.$hook")" "MINE=$hook"
	done
	config '.hooks.poststart[0].env += ["LD_AUDITX=/evil.so"]'
	run_all
	grep -q LD_AUDITX "$TEST_DIR/hook.poststart"
	control "a hook with more variables"
}

# Without "env" it is empty, and not inherited after all.
@test "hooks: no env is an empty environment" {
	config 'del(.hooks[][].env)'
	run_all
	for hook in $ALL; do
		eq "$(grep '=' "$TEST_DIR/hook.$hook")" ""
	done
}

# A working directory in the image would find libraries and programs there.
# Shown to detect: startContainer's, which is to be in the container.
@test "hooks: the working directory is not the container's" {
	run_all
	for hook in $HOST_ONES; do
		output=$(sed -n 's/^cwd //p' "$TEST_DIR/hook.$hook")
		[[ $output == "$BUNDLE" || $output == / ]] || { echo "$hook: $output" >&2; return 1; }
	done
	eq "$(sed -n 's/^cwd //p' "$TEST_DIR/hook.startContainer")" /
}

# createContainer runs in the container's namespaces, and its program is the
# host's: a file of the same name in the image is not run.
# Shown to detect: the same file is run when the image's path is named.
@test "hooks: createContainer's program is the host's, not the image's" {
	mkdir -p "$ROOTFS$TEST_DIR"
	printf '#!/bin/sh\necho evil >%s/evil\n' "$TEST_DIR" >"$ROOTFS$HOOK"
	chmod +x "$ROOTFS$HOOK"
	run_all
	[ ! -e "$TEST_DIR/evil" ]
	[ ! -e "$ROOTFS$TEST_DIR/evil" ]
	grep -q createContainer "$TEST_DIR/hook.createContainer"
	"$ROOTFS$HOOK"
	[ -e "$TEST_DIR/evil" ]
	control "the image's file"
}

# What the container mounts over the hook's path is not there yet for it.
@test "hooks: mounts of the container do not cover the hooks' programs" {
	mkdir "$TEST_DIR/vol"
	printf '#!/bin/sh\necho evil >%s/evil\n' "$TEST_DIR" >"$TEST_DIR/vol/program"
	chmod +x "$TEST_DIR/vol/program"
	ln -s "$TEST_DIR" "$ROOTFS/out"
	config --arg s "$TEST_DIR/vol" --arg d "$TEST_DIR" '.mounts += [
		{destination: $d, type: "bind", source: $s, options: ["bind"]},
		{destination: "/out", type: "bind", source: $s, options: ["bind"]}]'
	run_all
	[ ! -e "$TEST_DIR/evil" ]
	grep -q createContainer "$TEST_DIR/hook.createContainer"
}

# CVE-2021-43784's class, and injection: what comes from the configuration is
# one JSON text, with the state's words and no others.
# Shown to detect: the good annotations are in it.
@test "hooks: the state on stdin cannot be forged by annotations" {
	config '.annotations = {"good": "yes", "a\",\"pid\":1,\"x": "b\",\"status\":\"running\",\"bundle\":\"/evil", "n": "\n}\n{\"id\":\"evil\"}", "status\":\"": "\"status\":\""}'
	run_all
	for hook in $ALL; do
		eq "$(jq -s length "$TEST_DIR/hook.$hook.state")" 1
		eq "$(jq -r '.id + " " + .bundle' "$TEST_DIR/hook.$hook.state")" "$ID $BUNDLE"
		[[ $(jq -r .status "$TEST_DIR/hook.$hook.state") =~ ^(creating|created|running|stopped)$ ]]
		eq "$(jq -r .annotations.good "$TEST_DIR/hook.$hook.state")" yes
		eq "$(jq '.annotations | length' "$TEST_DIR/hook.$hook.state")" 4
	done
	eq "$(jq -r .status "$TEST_DIR/hook.createContainer.state")" creating
}

# Arguments are passed as they are: no shell, no words split.
@test "hooks: arguments are never a shell's text" {
	config --arg t "$TEST_DIR/pwned" '.hooks.prestart[0].args += ["; touch \($t)", "$(touch \($t))", "`touch \($t)`", "a  b", "*"]'
	run_all
	[ ! -e "$TEST_DIR/pwned" ]
	grep -qxF "args $TEST_DIR/hook.prestart ; touch $TEST_DIR/pwned \$(touch $TEST_DIR/pwned) \`touch $TEST_DIR/pwned\` a  b *" "$TEST_DIR/hook.prestart"
}
