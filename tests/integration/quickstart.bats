#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container of build-aux/quickstart: the first thing that anybody sees of husk, here and under systemd.

load lib

QUICKSTART=$INTEGRATION_DIR/../../build-aux/quickstart

setup()
{
	integration_setup
	mkdir -m 1777 "$TEST_DIR/tmp"
}

# demo [COMMAND...]: the container, by that command
demo()
{
	"$@" env HUSK="$HUSK" TMPDIR="$TEST_DIR/tmp" HUSK_TEST="$T" "${HUSK_TIMED[@]}" sh "$QUICKSTART" --demo
}

greets()
{
	out_has "Hello from a container: process 1 of host husk, user 0." "{hello} /bin/sh /hello" \
		"And this is all that is in my root directory: bin dev hello proc sys"
	eq "$(wc -w <<<"${output##*directory:}")" 5
	eq "$stderr" ""
	eq "$(ls -A "$TEST_DIR/tmp")" ""
}

@test "quickstart: the container greets and leaves nothing" {
	requires_root
	ok demo
	greets
	eq "$(grep -ls "$TEST_DIR" /run/husk/*/state.json)" ""
}

@test "quickstart: the same by a normal user" {
	requires_root # to become that user
	mkdir -m 700 "$TEST_DIR/xdg"
	chown 1000:1000 "$TEST_DIR/xdg"
	as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all
		env HOME="$TEST_DIR" XDG_RUNTIME_DIR="$TEST_DIR/xdg")
	"${as_user[@]}" unshare -U true 2>/dev/null || skip "needs user namespaces for normal users"
	ok demo "${as_user[@]}"
	greets
	eq "$(find "$TEST_DIR/xdg" -mindepth 2)" ""
}

@test "quickstart: another word is a mistake" {
	fails 2 sh "$QUICKSTART" --tests
	err_has usage --test --demo
}
