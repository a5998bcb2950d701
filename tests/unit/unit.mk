# SPDX-License-Identifier: Apache-2.0
# Unit tests: one program per module, cmocka, TAP on standard output.
# A module adds: UNIT_TESTS += tests/unit/test-NAME ; tests_unit_test_NAME_SOURCES = ...
UNIT_TESTS =
UNIT_LDADD = $(HUSK_LIBS) $(CMOCKA_LIBS)
include tests/unit/unit-base.mk
include tests/unit/unit-json.mk
include tests/unit/unit-seccomp.mk
include tests/unit/unit-policy.mk
include tests/unit/unit-cgroup.mk
include tests/unit/unit-devices.mk
include tests/unit/unit-self.mk
include tests/unit/unit-minijail.mk
include tests/unit/unit-sandbox.mk
include tests/unit/unit-vm.mk
include tests/unit/unit-virtio.mk
include tests/unit/unit-vmm.mk
if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
endif
