# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/unit/test-minijail
tests_unit_test_minijail_SOURCES = tests/unit/test-minijail.c
tests_unit_test_minijail_LDADD = $(UNIT_LDADD)
