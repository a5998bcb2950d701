#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of husk sandbox for its callers: where options come from, what the program is called, what it is refused with.

load lib
load sandbox

setup() { sandbox_setup; }

# words WORD...: each with a NUL behind it
words() { printf '%s\0' "$@" >"$TEST_DIR/words"; }

@test "options: --args reads words that end with NUL, in their order" {
	words --setenv A $'two words\nand lines' --hostname later --setenv EMPTY ''
	try sandbox --hostname first --args 7 --setenv B b sh -c 'echo "$A$B${EMPTY-unset}"; hostname' 7<"$TEST_DIR/words"
	eq "$status" 0 || { show; return 1; }
	out_is $'two words\nand linesb\nlater'
	# The last word may lack its NUL.
	printf -- '--hostname\0last' >"$TEST_DIR/words"
	try sandbox --args 7 hostname 7<"$TEST_DIR/words"
	out_is last
}

@test "options: --args as a normal user, and from a pipe" {
	requires_user_namespaces
	words --hostname piped --tmpfs /a
	try usandbox --args 7 sh -c 'hostname; touch /a/x && echo made' 7< <(cat "$TEST_DIR/words")
	eq "$status" 0 || { show; return 1; }
	out_is $'piped\nmade'
}

@test "options: --args with what is no option, no descriptor, or itself" {
	words --hostname x true
	fails sandbox --args 7 true 7<"$TEST_DIR/words"
	err_has "--args 7" '"true" is not an option'
	words --no-such
	fails sandbox --args 7 true 7<"$TEST_DIR/words"
	err_has "--args 7" "unknown option --no-such"
	fails sandbox --args 77 true
	err_has '"77" is not an open descriptor'
	fails sandbox --args x true
	err_has '"x" is not an open descriptor'
	: >"$TEST_DIR/words"
	ok sandbox $(printf -- '--args 7 %.0s' {1..16}) true 7<"$TEST_DIR/words"
	fails sandbox $(printf -- '--args 7 %.0s' {1..17}) true 7<"$TEST_DIR/words"
	err_has "more than 16 times"
}

@test "options: --args of husk sandbox start" {
	words --tmpfs /data --setenv WORD given
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --args 7 7<"$TEST_DIR/words"
	ok husk sandbox exec "$ID" sh -c 'touch /data/x && echo $WORD'
	out_is given
	ok husk sandbox stop --time 0 "$ID"
}

@test "options: --argv0 names the program, and another one is executed" {
	ok sandbox --argv0 -login bash -c 'echo $0; tr "\0" "," </proc/$$/cmdline; true' one
	out_has "-login,-c,"
	ok sandbox --argv0 ls busybox -d /
	out_is /
	fails 127 sandbox --argv0 sh no-such-program
	err_has no-such-program
	[ -n "${NO_USER_NAMESPACES:-}" ] && return
	ok usandbox --argv0 ls /bin/busybox -d /
	out_is /
}

@test "options: --argv0 under every gate, and not for what is executed later" {
	local gate
	for gate in none strict entry; do
		ok sandbox --gate $gate --argv0 ls busybox -d /
		out_is / || { echo "gate $gate"; return 1; }
	done
	ok husk sandbox start "$ID" --setenv HUSK_TEST "$T" --argv0 sleep busybox infinity
	ok husk sandbox exec "$ID" busybox echo plain
	out_is plain
	ok husk sandbox stop --time 0 "$ID"
}

@test "options: --argv0 in a file" {
	echo '{"argv0": "ls", "command": ["busybox", "-d", "/"]}' >c.json
	ok sandbox --config c.json
	out_is /
	ok husk sandbox --argv0 other --print-config --config c.json
	eq "$(jq -r .argv0 <<<"$output")" other
}

@test "options: --deny-call with an error of one's own" {
	requires_program python3
	requires_user_namespaces
	local run
	for run in sandbox usandbox; do
		fails 1 $run --tmpfs /a --deny-call mkdir:ENOSPC --deny-call mkdirat:28 mkdir /a/b
		err_has "No space left"
		fails 1 $run --tmpfs /a --deny-call mkdir --deny-call mkdirat mkdir /a/b
		err_has "not permitted"
	done
	ok sandbox --deny-call mount@husk:ENOTTY python3 -c 'import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.umount2(b"/nowhere", 0), ctypes.get_errno())'
	out_is "-1 25"
}

@test "options: --deny-call with an error that does not exist" {
	fails sandbox --deny-call mkdir:ENOSUCH true
	err_has ENOSUCH
	fails sandbox --deny-call mkdir:99999 true
	err_has "out of range"
	fails sandbox --deny-call mkdir: true
	err_has '"mkdir:"'
	fails sandbox --deny-call 'mkdir:EPERM;x' true
	err_has '"mkdir:EPERM;x"'
}
