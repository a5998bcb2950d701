# SPDX-License-Identifier: Apache-2.0
# TAP for the lints, sourced by each of them. Run from the build directory, with srcdir in the environment (as
# "make check" does) or from the top of a checkout.
set -u
LC_ALL=C
export LC_ALL
srcdir=${srcdir:-.}
builddir=$PWD
HUSK=${HUSK:-$builddir/husk}
tap_count=0

# result STATUS TEXT [DETAILS]: one line of TAP; details are shown when it failed.
result() {
	tap_count=$((tap_count + 1))
	if test "$1" -eq 0; then
		echo "ok $tap_count - $2"
	else
		echo "not ok $tap_count - $2"
		test -z "${3-}" || printf '%s\n' "$3" | sed 's/^/#   /'
	fi
}

# empty TEXT FINDINGS: passes when nothing was found.
empty() {
	test -z "$2"
	result $? "$1" "$2"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

finish() {
	echo "1..$tap_count"
}

# sources PATTERN FOLDER...: files of the tree whose name fits, one per line, relative to the top.
sources() {
	pattern=$1
	shift
	(cd "$srcdir" && for folder; do test ! -e "$folder" || find "$folder" -type f -name "$pattern"; done) | sort
}

# Everything that is text and ours: in a checkout what git knows or could add, else what was unpacked.
all_files() {
	(cd "$srcdir" && if git rev-parse --is-inside-work-tree >/dev/null 2>&1 && test -e .git; then
		git ls-files -co --exclude-standard | while IFS= read -r f; do test ! -f "$f" || echo "$f"; done
	else
		# What was built here is there, too: dependency files, and programs, which are not text.
		find README.md HACKING.md SECURITY.md NEWS configure.ac Makefile.am build-aux src runtime vm-shim \
			policies packaging tests man .ci -type f ! -path '*/.deps/*' ! -name '*.trs' ! -name '*.log' \
			! -name .dirstamp -exec grep -Il . {} + 2>/dev/null
	fi) | grep -vE '^build-aux/(ar-lib|compile|depcomp|install-sh|missing|tap-driver.sh|test-driver|config\.)' | sort
}
