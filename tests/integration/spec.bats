#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# spec: a configuration to begin with, that works as it is.

load lib

setup()
{
	integration_setup
	rm "$BUNDLE/config.json"
}

@test "spec: writes config.json into the current directory" {
	cd "$BUNDLE"
	ok husk spec
	eq "$(jq -r '.root.path' config.json)" rootfs
	eq "$(jq -c '.process.args' config.json)" '["sh"]'
	eq "$(jq -r .ociVersion config.json)" 1.1.0
}

@test "spec: -b names the bundle" {
	ok husk spec -b "$BUNDLE"
	jq -e . "$BUNDLE/config.json" >/dev/null
	rm "$BUNDLE/config.json"
	ok husk spec --bundle "$BUNDLE"
	jq -e . "$BUNDLE/config.json" >/dev/null
}

@test "spec: -f names the file" {
	cd "$TEST_DIR"
	ok husk spec -f other.json
	jq -e .process other.json >/dev/null
}

@test "spec: never overwrites" {
	echo mine >"$BUNDLE/config.json"
	fails husk spec -b "$BUNDLE"
	err_has config.json
	eq "$(cat "$BUNDLE/config.json")" mine
}

@test "spec: a bundle that is missing" {
	fails husk spec -b "$TEST_DIR/nowhere"
	err_has nowhere
}

@test "spec: what it writes runs" {
	ok husk spec -b "$BUNDLE"
	config '.process.terminal = false | .process.args = ["/bin/sh", "-c", "echo alive; hostname; id -u"]'
	# Where rlimits cannot be raised the template's must not ask for it.
	ok c_run
	out_has alive 0
}

# template_for NAME: another runtime takes what spec writes
template_for()
{
	# That runtime is asked first with the bundle of every test, which this one has moved out of the way.
	write_config "$BUNDLE" '"/bin/true"'
	requires_peer "$1"
	rm "$BUNDLE/config.json"
	ok husk spec -b "$BUNDLE"
	config '.process.terminal = false | .process.args = ["/bin/sh", "-c", "echo alive"]'
	ok peer "$1"
	out_is alive
}

@test "spec: crun takes what it writes" { template_for crun; }

@test "spec: runc takes what it writes" { template_for runc; }

@test "spec: its defaults are safe ones" {
	ok husk spec -b "$BUNDLE"
	eq "$(jq .process.noNewPrivileges "$BUNDLE/config.json")" true
	eq "$(jq .root.readonly "$BUNDLE/config.json")" true
	eq "$(jq -c '.process.capabilities.bounding | sort' "$BUNDLE/config.json")" '["CAP_AUDIT_WRITE","CAP_KILL","CAP_NET_BIND_SERVICE"]'
	eq "$(jq -c '.process.capabilities | keys' "$BUNDLE/config.json")" '["bounding","effective","permitted"]'
	eq "$(jq '.linux.maskedPaths | index("/proc/kcore") != null' "$BUNDLE/config.json")" true
	eq "$(jq '.linux.readonlyPaths | index("/proc/sys") != null' "$BUNDLE/config.json")" true
	eq "$(jq -c '[.linux.namespaces[].type] | index("pid", "mount", "network", "ipc", "uts") != null' "$BUNDLE/config.json" | sort -u)" true
}

@test "spec: --rootless maps the caller and has a user namespace" {
	# crun 1.8.1: fails because it writes no mappings and fills them in at run
	ok husk spec -b "$BUNDLE" --rootless
	eq "$(jq '[.linux.namespaces[].type] | index("user") != null' "$BUNDLE/config.json")" true
	eq "$(jq '.linux.uidMappings[0].hostID' "$BUNDLE/config.json")" "$(id -u)"
	eq "$(jq '.linux.uidMappings[0].containerID' "$BUNDLE/config.json")" 0
	config '.process.terminal = false | .process.args = ["/bin/id", "-u"]'
	ok c_run
	out_is 0
}
