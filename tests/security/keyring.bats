#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Keys of the caller, and of other containers, are not the container's.

load lib

setup()
{
	integration_setup
	install_attack keys
	KEYS=$(attack keys)
	"$KEYS" with probe true >/dev/null || skip "needs a kernel with keyrings"
}

# Shown to detect: --no-new-keyring, whose purpose is to keep the caller's.
@test "keyring: run does not have the caller's session keyring" {
	config --arg t "$T" '.process.args = ["/bin/keys", "find", $t]'
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	out_is "not found"
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" run --no-new-keyring -b "$BUNDLE" "$ID"
	out_is FOUND
	control "the caller's keyring"
}

@test "keyring: create and start do not, either" {
	config --arg t "$T" '.process.args = ["/bin/sh", "-c", "/bin/keys find \($t) >/out; sleep 100"]'
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" create -b "$BUNDLE" "$ID"
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" start "$ID"
	wait_for test -s "$ROOTFS/out"
	eq "$(cat "$ROOTFS/out")" "not found"
	rm "$ROOTFS/out"
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" create --no-new-keyring -b "$BUNDLE" "$T-2"
	ok husk start "$T-2"
	wait_for test -s "$ROOTFS/out"
	eq "$(cat "$ROOTFS/out")" FOUND
	control "the caller's keyring"
}

@test "keyring: exec does not have the caller's, but the container's" {
	script "/bin/keys add $T-inside; echo ready; while :; do sleep 1000 & wait \$!; done"
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" ready
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" exec "$ID" /bin/keys find "$T"
	out_is "not found"
	ok husk exec "$ID" /bin/keys find "$T-inside"
	out_is FOUND
	ok "$KEYS" with "$T" "${HUSK_CMD[@]}" exec --no-new-keyring "$ID" /bin/keys find "$T"
	out_is FOUND
	control "the caller's keyring"
}

# By the name of the id another container of that name, before or after, or in
# another --root, could be joined.
# Shown to detect: the first container finds its own.
@test "keyring: containers do not share one, even of the same id" {
	MORE_ROOTS=("$TEST_DIR/root2")
	script "/bin/keys add $T-first; /bin/keys find $T-first; sleep 1000"
	ok c_run "$ID" -d
	wait_for file_has "$TEST_DIR/stdout" FOUND
	control "its own"
	config --arg t "$T-first" '.process.args = ["/bin/keys", "find", $t]'
	ok c_run "$T-2"
	out_is "not found"
	config --arg p "/$T-2" '.linux.cgroupsPath = $p'
	ok "$HUSK" --root "$TEST_DIR/root2" run -b "$BUNDLE" "$ID"
	out_is "not found"
	ok husk delete --force "$ID"
	ok c_run "$ID"
	out_is "not found"
}
