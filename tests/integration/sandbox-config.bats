#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Configurations of husk sandbox: files that include others, profiles by name, and what --print-config makes of them.

load lib
load sandbox

setup()
{
	sandbox_setup
	export XDG_CONFIG_HOME=$TEST_DIR/config
	PROFILES=$XDG_CONFIG_HOME/husk/sandbox
	mkdir -p "$PROFILES" parts
}

@test "config: what is included comes first, relative to the file that includes it" {
	echo '{"hostname": "part", "limits": {"pids": 10, "openFiles": 50}, "keepEnvironment": ["A"]}' >parts/part.json
	echo '{"include": ["part.json"], "limits": {"pids": 20}, "keepEnvironment": ["B"]}' >parts/outer.json
	echo '{"include": ["parts/outer.json"], "command": ["hostname"]}' >main.json
	ok sandbox --config main.json
	out_is part
	ok husk sandbox --config main.json --open-files 60 --print-config
	eq "$(jq -c '[.limits.pids, .limits.openFiles, .keepEnvironment, .command, has("include")]' <<<"$output")" \
		'[20,60,["A","B"],["hostname"],false]'
	# From anywhere, and complete in itself.
	echo "$output" >"$TEST_DIR/printed.json"
	cd /
	ok husk sandbox --config "$TEST_DIR/here/main.json" --open-files 60 --print-config
	eq "$output" "$(cat "$TEST_DIR/printed.json")"
	ok husk sandbox --config "$TEST_DIR/printed.json" --print-config
	eq "$output" "$(cat "$TEST_DIR/printed.json")"
}

@test "config: of several included files the later one counts" {
	echo '{"hostname": "one", "policy": "none"}' >one.json
	echo '{"hostname": "two"}' >two.json
	echo '{"include": ["one.json", "two.json"]}' >main.json
	ok husk sandbox --config main.json --print-config true
	eq "$(jq -c '[.hostname, .policy]' <<<"$output")" '["two","none"]'
	# The same one twice is no cycle.
	echo '{"include": ["one.json", "two.json", "one.json"]}' >main.json
	ok sandbox --config main.json hostname
	out_is one
}

@test "config: a file that includes itself" {
	echo '{"include": ["b.json"]}' >a.json
	echo '{"include": ["parts/../c.json"]}' >b.json
	echo '{"include": ["a.json"]}' >c.json
	fails sandbox --config a.json true
	err_has a.json "includes itself" c.json
	ln -s self.json link.json
	echo '{"include": ["link.json"]}' >self.json
	fails sandbox --config self.json true
	err_has "includes itself"
	for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "{\"include\": [\"$((n + 1)).json\"]}" >$n.json; done
	echo '{}' >13.json
	fails sandbox --config 1.json true
	err_has "12.json" "10 files deep"
	ok sandbox --config 4.json true
}

@test "config: errors name the file, the line and the property" {
	echo '{"include": ["missing.json"]}' >main.json
	fails sandbox --config main.json true
	err_has main.json 'include[0]' missing.json
	printf '{\n"limits":\n {"pids": "many"}}\n' >bad.json
	echo '{"include": ["bad.json"]}' >main.json
	fails sandbox --config main.json true
	err_has bad.json:3 limits.pids
	echo '{"include": "bad.json"}' >main.json
	fails sandbox --config main.json true
	err_has main.json include
	echo '{"includes": []}' >main.json
	fails sandbox --config main.json true
	err_has main.json includes
	fails sandbox --config parts true
	err_has parts
}

@test "config: profiles by name" {
	echo '{"hostname": "from-profile", "limits": {"pids": 9}}' >"$PROFILES/mine.json"
	echo '{"profiles": ["mine"], "hostname": "second"}' >"$PROFILES/second.json"
	ok sandbox --profile mine hostname
	out_is from-profile
	ok husk sandbox --profile second --pids 8 --print-config true
	eq "$(jq -c '[.hostname, .limits.pids, has("profiles")]' <<<"$output")" '["second",8,false]'
	ok sandbox --profile second --profile mine hostname
	out_is from-profile
	echo '{"hostname": "from-file"}' >file.json
	ok sandbox --config file.json --profile mine hostname
	out_is from-file
	unset XDG_CONFIG_HOME
	mkdir -p "$TEST_DIR/home/.config/husk/sandbox"
	cp "$PROFILES/mine.json" "$TEST_DIR/home/.config/husk/sandbox/"
	chmod -R a+rX "$TEST_DIR/home/.config"
	requires_user_namespaces
	ok usandbox --profile mine hostname
	out_is from-profile
}

@test "config: profiles that are not there, or have no name" {
	fails sandbox --profile nobody true
	err_has nobody "$PROFILES/nobody.json" /husk/sandbox/nobody.json
	for name in ../mine /etc/passwd .hidden "" "a b"; do
		fails sandbox --profile "$name" true
		err_has profile
	done
	echo '{"profiles": ["self"]}' >"$PROFILES/self.json"
	fails sandbox --profile self true
	err_has self.json "includes itself"
	echo '{"profiles": ["nobody"]}' >main.json
	fails sandbox --config main.json true
	err_has main.json 'profiles[0]' nobody
}

@test "config: the profiles that come with husk are good ones" {
	for profile in "$BATS_TEST_DIRNAME"/../../packaging/sandbox/*.json; do
		ok husk sandbox --config "$profile" --print-config true
		eq "$(jq -S 'del(.command)' <<<"$output")" "$(jq -S . "$profile")"
	done
	cp "$BATS_TEST_DIRNAME/../../packaging/sandbox/judge.json" "$PROFILES/"
	requires_controller memory
	ok sandbox --profile judge sh -c 'ulimit -n'
	out_is 128
}

@test "config: --dry-run shows what a profile makes" {
	echo '{"hostname": "planned", "limits": {"openFiles": 77}}' >"$PROFILES/mine.json"
	ok husk sandbox --profile mine --dry-run true
	out_has planned 77
}
