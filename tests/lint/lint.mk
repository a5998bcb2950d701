# SPDX-License-Identifier: Apache-2.0
# Rules that hold the design, as tests with TAP on standard output. No root, no network; some call husk --help.
# The one of the schema is with the unit tests of JSON (tests/unit/unit-json.mk).
LINT_FILES = tests/lint/layers tests/lint/sizes tests/lint/style tests/lint/scripts tests/lint/help \
	tests/lint/man tests/lint/completions
LINT_TESTS = $(LINT_FILES) tests/lint/phases
EXTRA_DIST += $(LINT_FILES) tests/lint/tap.sh

check_PROGRAMS += tests/lint/phases
tests_lint_phases_SOURCES = tests/lint/phases.c
tests_lint_phases_LDADD = $(HUSK_LIBS)

# All of them, without the other tests; only what fails is shown.
.PHONY: lint
lint: husk man/husk-config.5 tests/lint/phases
	@failed=; for lint in $(LINT_TESTS); do \
		test -f ./$$lint && program=./$$lint || program=$(srcdir)/$$lint; \
		srcdir=$(abs_srcdir) $$program >lint.out || failed=1; ! grep -q '^not ok' lint.out || failed=1; \
		echo "$$lint: `grep -c '^ok' lint.out` ok, `grep -c '^not ok' lint.out` not"; grep -v '^ok' lint.out | grep -v '^1\.\.'; \
	done; rm -f lint.out; test -z "$$failed"
