# SPDX-License-Identifier: Apache-2.0
# Every step of every phase fails once, or its process is killed there: nothing may be left.

# The runtime with fault injection is its main and the runner of phases compiled once more; all else
# is the very same code. HUSK_FAULT means nothing to the husk that is installed.
EXTRA_PROGRAMS += tests/fault/husk-fault tests/fault/list-steps
CLEANFILES += tests/fault/husk-fault tests/fault/list-steps
tests_fault_husk_fault_SOURCES = runtime/main.c runtime/phase/step.c
tests_fault_husk_fault_CPPFLAGS = $(AM_CPPFLAGS) -DHUSK_FAULT_INJECTION=1
tests_fault_husk_fault_LDADD = $(HUSK_LIBS)
tests_fault_list_steps_SOURCES = tests/fault/list-steps.c
tests_fault_list_steps_LDADD = $(HUSK_LIBS)
EXTRA_DIST += tests/fault/steps tests/fault/bad-days.bats

# As root. HUSK_FAULT_GROUPS selects groups of tests/fault/steps.
FAULT_TOOLS = tests/fault/husk-fault$(EXEEXT) tests/fault/list-steps$(EXEEXT)
FAULT_ENV = HUSK=$(abs_builddir)/tests/fault/husk-fault$(EXEEXT) \
	LIST_STEPS=$(abs_builddir)/tests/fault/list-steps$(EXEEXT) abs_top_builddir=$(abs_builddir)
FAULT_RUN = $(srcdir)/tests/tap-run $${HUSK_TEST_RESULTS:+--results "$$HUSK_TEST_RESULTS"} \
	$${HUSK_TEST_LOGS:+--log "$$HUSK_TEST_LOGS"}

.PHONY: check-fault
check-fault: husk$(EXEEXT) $(FAULT_TOOLS) tests/integration/helpers/recvtty
	$(FAULT_ENV) $(FAULT_RUN) fault/steps $(srcdir)/tests/fault/steps $${HUSK_FAULT_GROUPS}
	$(FAULT_ENV) $(FAULT_RUN) fault/bad-days bats --tap $(srcdir)/tests/fault/bad-days.bats
