# SPDX-License-Identifier: Apache-2.0
# The virtual machine's parts that need no machine.
UNIT_TESTS += tests/unit/test-wire
tests_unit_test_wire_SOURCES = tests/unit/test-wire.c
tests_unit_test_wire_LDADD = $(UNIT_LDADD)

UNIT_TESTS += tests/unit/test-guest
tests_unit_test_guest_SOURCES = tests/unit/test-guest.c
tests_unit_test_guest_LDADD = $(UNIT_LDADD)

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-wire-replay
tests_fuzz_fuzz_wire_replay_SOURCES = tests/fuzz/fuzz-wire.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_wire_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/wire
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-wire
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz-wire.c
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_wire_LDADD = $(HUSK_LIBS)
UNIT_TESTS += tests/unit/test-qemu
tests_unit_test_qemu_SOURCES = tests/unit/test-qemu.c
tests_unit_test_qemu_LDADD = $(UNIT_LDADD)
