# SPDX-License-Identifier: Apache-2.0
# Credentials, labels, private procfs, terminals and network devices.
UNIT_TESTS += tests/unit/test-cred tests/unit/test-cred-live tests/unit/test-sched \
	tests/unit/test-lsm tests/unit/test-tty tests/unit/test-tty-relay tests/unit/test-net
tests_unit_test_cred_SOURCES = tests/unit/test-cred.c
tests_unit_test_cred_LDADD = $(UNIT_LDADD)
tests_unit_test_cred_live_SOURCES = tests/unit/test-cred-live.c tests/unit/in-child.h
tests_unit_test_cred_live_LDADD = $(UNIT_LDADD)
tests_unit_test_sched_SOURCES = tests/unit/test-sched.c tests/unit/in-child.h
tests_unit_test_sched_LDADD = $(UNIT_LDADD)
tests_unit_test_lsm_SOURCES = tests/unit/test-lsm.c tests/unit/in-child.h
tests_unit_test_lsm_LDADD = $(UNIT_LDADD)
tests_unit_test_tty_SOURCES = tests/unit/test-tty.c tests/unit/in-child.h
tests_unit_test_tty_LDADD = $(UNIT_LDADD) -lutil
tests_unit_test_net_SOURCES = tests/unit/test-net.c tests/unit/in-child.h
tests_unit_test_net_LDADD = $(UNIT_LDADD)
tests_unit_test_tty_relay_SOURCES = tests/unit/test-tty-relay.c tests/unit/in-child.h
tests_unit_test_tty_relay_LDADD = $(UNIT_LDADD) -lutil
