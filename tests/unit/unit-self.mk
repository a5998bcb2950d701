# SPDX-License-Identifier: Apache-2.0
# The protection of the running binary; its second file is the program that the test executes.
UNIT_TESTS += tests/unit/test-self
tests_unit_test_self_SOURCES = tests/unit/test-self.c tests/unit/test-self-program.c tests/unit/in-child.h
tests_unit_test_self_LDADD = $(UNIT_LDADD)
