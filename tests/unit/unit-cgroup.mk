# SPDX-License-Identifier: Apache-2.0
# Control groups: pure planning and parsing; "live" ones use the real hierarchies (as root).
UNIT_TESTS += tests/unit/test-cgroup tests/unit/test-cgroup-apply tests/unit/test-cgroup-devices \
	tests/unit/test-cgroup-limits tests/unit/test-cgroup-live \
	tests/unit/test-cgroup-live-limits tests/unit/test-cgroup-oci tests/unit/test-cgroup-stats
tests_unit_test_cgroup_SOURCES = tests/unit/test-cgroup.c
tests_unit_test_cgroup_LDADD = $(UNIT_LDADD)
tests_unit_test_cgroup_apply_SOURCES = tests/unit/test-cgroup-apply.c
tests_unit_test_cgroup_apply_LDADD = $(UNIT_LDADD)
tests_unit_test_cgroup_devices_SOURCES = tests/unit/test-cgroup-devices.c
tests_unit_test_cgroup_devices_LDADD = $(UNIT_LDADD)
# libm is the oracle for a conversion that husk itself does without it.
tests_unit_test_cgroup_limits_SOURCES = tests/unit/test-cgroup-limits.c
tests_unit_test_cgroup_limits_LDADD = $(UNIT_LDADD) -lm
tests_unit_test_cgroup_live_SOURCES = tests/unit/test-cgroup-live.c tests/unit/test-cgroup-fixture.h
tests_unit_test_cgroup_live_LDADD = $(UNIT_LDADD)
tests_unit_test_cgroup_live_limits_SOURCES = tests/unit/test-cgroup-live-limits.c \
	tests/unit/test-cgroup-fixture.h
tests_unit_test_cgroup_live_limits_LDADD = $(UNIT_LDADD)
tests_unit_test_cgroup_oci_SOURCES = tests/unit/test-cgroup-oci.c
tests_unit_test_cgroup_oci_LDADD = $(UNIT_LDADD)
tests_unit_test_cgroup_stats_SOURCES = tests/unit/test-cgroup-stats.c
tests_unit_test_cgroup_stats_LDADD = $(UNIT_LDADD)
