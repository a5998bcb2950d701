# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by in-vm and prepare. The caller has run `set -eu`.

# shellcheck disable=SC2034 # used by prepare
# Where kernels and initramfs images are kept between runs.
vm_cache=${HUSK_VM_CACHE:-/var/cache/husk-test-vm}

# say TEXT...: one line on standard error, with the program's name.
say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# fail TEXT...: say it and end with 125, the status that no command of ours
# returns by itself (as env, timeout and docker have it).
fail() {
	say "$@"
	exit 125
}

# quote TEXT: TEXT as one word of POSIX shell. printf %q will not do: it
# writes $'...' for control characters, which is bash's own.
quote() {
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# need PROGRAM PACKAGE: fail with the package's name where PROGRAM is missing.
need() {
	command -v "$1" >/dev/null 2>&1 ||
		fail "$1 is missing: apt-get install $2"
}
