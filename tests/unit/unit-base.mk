# SPDX-License-Identifier: Apache-2.0
# src/base, and what of the runtime can be tested without a container.
UNIT_TESTS += tests/unit/test-base tests/unit/test-io tests/unit/test-path tests/unit/test-tool
tests_unit_test_base_SOURCES = tests/unit/test-base.c
tests_unit_test_base_LDADD = $(UNIT_LDADD)
tests_unit_test_io_SOURCES = tests/unit/test-io.c
tests_unit_test_io_LDADD = $(UNIT_LDADD)
tests_unit_test_path_SOURCES = tests/unit/test-path.c
tests_unit_test_path_LDADD = $(UNIT_LDADD)
tests_unit_test_tool_SOURCES = tests/unit/test-tool.c
tests_unit_test_tool_LDADD = $(UNIT_LDADD)

UNIT_TESTS += tests/unit/test-options tests/unit/test-program tests/unit/test-signal \
	tests/unit/test-state tests/unit/test-step tests/unit/test-sync
tests_unit_test_options_SOURCES = tests/unit/test-options.c
tests_unit_test_options_LDADD = $(UNIT_LDADD)
tests_unit_test_program_SOURCES = tests/unit/test-program.c
tests_unit_test_program_LDADD = $(UNIT_LDADD)
tests_unit_test_signal_SOURCES = tests/unit/test-signal.c
tests_unit_test_signal_LDADD = $(UNIT_LDADD)
tests_unit_test_state_SOURCES = tests/unit/test-state.c
tests_unit_test_state_LDADD = $(UNIT_LDADD)
tests_unit_test_step_SOURCES = tests/unit/test-step.c
tests_unit_test_step_LDADD = $(UNIT_LDADD)
tests_unit_test_sync_SOURCES = tests/unit/test-sync.c
tests_unit_test_sync_LDADD = $(UNIT_LDADD)

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-sync-replay
tests_fuzz_fuzz_sync_replay_SOURCES = tests/fuzz/fuzz-sync.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_sync_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/sync
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-sync
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-sync
tests_fuzz_fuzz_sync_SOURCES = tests/fuzz/fuzz-sync.c
tests_fuzz_fuzz_sync_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_sync_LDADD = $(HUSK_LIBS)
