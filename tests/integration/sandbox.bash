# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the suites of "husk sandbox" share: every test can be run by root and, through as_user, by a
# user who owns nothing.

SANDBOX_UID=65534

sandbox_setup()
{
	integration_setup
	requires_root # to become that user
	rm -rf "$BUNDLE"
	mkdir -m 755 "$TEST_DIR/here"
	mkdir -m 700 "$TEST_DIR/home"
	chown $SANDBOX_UID:$SANDBOX_UID "$TEST_DIR/home"
	REPORT=$TEST_DIR/report
	cd "$TEST_DIR/here" || return 1
	# A copy that this user can reach, wherever the tree lies.
	USER_HUSK=$TEST_DIR/husk
	cp "$HUSK" "$USER_HUSK"
	as_user unshare -U true 2>/dev/null || NO_USER_NAMESPACES=1
}

requires_user_namespaces()
{
	[ -z "${NO_USER_NAMESPACES:-}" ] || skip "needs user namespaces for normal users"
}

as_user()
{
	setpriv --reuid $SANDBOX_UID --regid $SANDBOX_UID --clear-groups --inh-caps=-all \
		--bounding-set=+all env -u XDG_RUNTIME_DIR HOME="$TEST_DIR/home" HUSK_TEST="$T" "$@"
}

# sandbox OPTIONS... COMMAND: as root, with a mark for the leak check
sandbox() { husk sandbox --setenv HUSK_TEST "$T" "$@"; }

# The same as that user.
usandbox() { as_user "${HUSK_TIMED[@]}" "$USER_HUSK" sandbox "$@"; }

# reported FILTER: what a jq filter says of the report
reported() { jq -r "$1" "$REPORT"; }

verdict_is() { eq "$(reported .verdict)" "$1"; }
