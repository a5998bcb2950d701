# SPDX-License-Identifier: Apache-2.0
# Layers of tests, from what needs nothing to what needs much:
#   check                unit, golden and lint tests: no root, no network
#   check-root           integration, security and fault tests on this machine's kernel
#   check-vm             the same on Debian's kernel with pure cgroup v2, in QEMU
#   check-orchestrators  podman, containerd, Docker
#   check-full           everything, with the long forms of races and the benchmark
include tests/unit/unit.mk
include tests/policy/policy.mk
include tests/plan/plan.mk
include tests/lint/lint.mk
include tests/integration/integration.mk
include tests/security/security.mk
include tests/hostile/hostile.mk
include tests/fault/fault.mk
include tests/vm/vm.mk
include tests/orchestrators/orchestrators.mk
include tests/bench/bench.mk

TESTS += $(UNIT_TESTS) $(LINT_TESTS)
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_COMPILER = $(top_srcdir)/tests/tap-skip
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	srcdir=$(abs_srcdir); builddir=$(abs_builddir); HUSK=$(abs_builddir)/husk; \
	export srcdir builddir HUSK;
EXTRA_DIST += tests/run-all tests/tap-run tests/tap-skip tests/coverage

# As root. Each file is a program of TAP; results are added up for tests/run-all.
TAP_RUN = HUSK=$(abs_builddir)/husk HUSK_BUILD=$(abs_builddir) $(srcdir)/tests/tap-run \
	--log $${HUSK_TEST_LOGS:-$(abs_builddir)/test-logs} \
	--results $${HUSK_TEST_RESULTS:-/dev/null}
ROOT_SUITES = $(INTEGRATION_TESTS) $(SECURITY_TESTS) $(HOSTILE_TESTS)

.PHONY: check-root check-unprivileged check-full
check-root: husk $(check_PROGRAMS)
	@failed=; for suite in $(ROOT_SUITES); do \
		$(TAP_RUN) $$suite $(BATS) $(srcdir)/$$suite || failed=1; done; \
	for program in $(UNIT_TESTS); do \
		CMOCKA_MESSAGE_OUTPUT=TAP srcdir=$(abs_srcdir) builddir=$(abs_builddir) $(TAP_RUN) root/$$program ./$$program || failed=1; done; \
	test -z "$$failed"

# What "make check" runs, by a user who owns nothing here, and counted.
check-unprivileged: husk $(check_PROGRAMS)
	@failed=; for program in $(UNIT_TESTS) $(LINT_TESTS); do \
		path=./$$program; test -x $$path || path=$(srcdir)/$$program; \
		CMOCKA_MESSAGE_OUTPUT=TAP srcdir=$(abs_srcdir) builddir=$(abs_builddir) $(TAP_RUN) $$program \
			$(UNPRIVILEGED) $$path || failed=1; done; test -z "$$failed"
UNPRIVILEGED = setpriv --reuid 65534 --regid 65534 --clear-groups

# The unit tests once more, built by clang with sanitizers, in a copy of the tree (a configured source
# tree cannot be built from elsewhere). Nothing is freed before a short-lived process ends: no leak check.
.PHONY: check-sanitized
check-sanitized:
	@rm -rf build-san && mkdir build-san && \
	(cd $(srcdir) && git ls-files -z | tar --null -T - -cf -) | tar xf - -C build-san && cd build-san && \
	(autoreconf -fi && ./configure --quiet CC=clang CFLAGS='-O1 -g' --enable-werror \
		--enable-sanitizers=address,undefined && $(MAKE) -j2 check TESTS=) >build.log 2>&1 || \
		{ tail -n 40 build.log; exit 1; }
	@cd build-san && ASAN_OPTIONS=detect_leaks=0 $(MAKE) --no-print-directory check-unit-programs
.PHONY: check-unit-programs
check-unit-programs:
	@failed=; for program in $(UNIT_TESTS); do \
		CMOCKA_MESSAGE_OUTPUT=TAP srcdir=$(abs_srcdir) builddir=$(abs_builddir) $(TAP_RUN) sanitized/$$program ./$$program || failed=1; done; \
	test -z "$$failed"

# Which lines have run, with --enable-coverage: what "make check" does and, as root, what "make check-root" does
# (COVERAGE_TARGETS="check check-root check-fault"). A test that fails here does not hide the table.
COVERAGE_TARGETS = check `test \`id -u\` -ne 0 || echo check-root`
.PHONY: coverage
coverage: husk $(check_PROGRAMS)
	@if test -z '$(COVERAGE_CFLAGS)'; then echo 'configure with CC=clang --enable-coverage first' >&2; exit 1; fi
	@rm -rf coverage && mkdir -m 1777 coverage
	-@umask 0; LLVM_PROFILE_FILE=$(abs_builddir)/coverage/%m%c.profraw; export LLVM_PROFILE_FILE; \
		$(MAKE) -k $(COVERAGE_TARGETS) >coverage/log 2>&1 || echo 'some tests failed: coverage/log' >&2
	@LLVM_COV=$(LLVM_COV) LLVM_PROFDATA=$(LLVM_PROFDATA) $(srcdir)/tests/coverage coverage husk $(UNIT_TESTS)

check-full:
	$(MAKE) check-unprivileged
	HUSK_LONG=1 $(MAKE) check-root
	$(MAKE) check-fault
	$(MAKE) check-mutations
	$(MAKE) check-vm-full
	$(MAKE) check-orchestrators
	$(MAKE) bench
