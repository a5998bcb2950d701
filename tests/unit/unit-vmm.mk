# SPDX-License-Identifier: Apache-2.0
# The monitor of husk's own virtual machines.
UNIT_TESTS += tests/unit/test-vm-boot tests/unit/test-vm-cpu tests/unit/test-vm-jail
tests_unit_test_vm_boot_SOURCES = tests/unit/test-vm-boot.c
tests_unit_test_vm_boot_LDADD = $(UNIT_LDADD)
tests_unit_test_vm_cpu_SOURCES = tests/unit/test-vm-cpu.c
tests_unit_test_vm_cpu_LDADD = $(UNIT_LDADD)
tests_unit_test_vm_jail_SOURCES = tests/unit/test-vm-jail.c tests/unit/in-child.h
tests_unit_test_vm_jail_LDADD = $(UNIT_LDADD)

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-vmboot-replay
tests_fuzz_fuzz_vmboot_replay_SOURCES = tests/fuzz/fuzz-vmboot.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_vmboot_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/vmboot
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-vmboot
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-vmboot
tests_fuzz_fuzz_vmboot_SOURCES = tests/fuzz/fuzz-vmboot.c
tests_fuzz_fuzz_vmboot_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_vmboot_LDADD = $(HUSK_LIBS)
