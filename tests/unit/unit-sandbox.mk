# SPDX-License-Identifier: Apache-2.0
UNIT_TESTS += tests/unit/test-sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test-sandbox.c
tests_unit_test_sandbox_LDADD = $(UNIT_LDADD)

UNIT_TESTS += tests/unit/test-sandbox-policy
tests_unit_test_sandbox_policy_SOURCES = tests/unit/test-sandbox-policy.c
tests_unit_test_sandbox_policy_LDADD = $(UNIT_LDADD)
