# SPDX-License-Identifier: Apache-2.0
# Filters: the compiler against libseccomp, its limits, names, cache and simulator; "live" loads them.
SECCOMP_SUPPORT = tests/unit/test-seccomp-support.c tests/unit/test-seccomp-support.h
SECCOMP_RANDOM = $(SECCOMP_SUPPORT) tests/unit/test-seccomp-random.c tests/unit/test-seccomp-random.h
UNIT_TESTS += tests/unit/test-seccomp-cache tests/unit/test-seccomp-compile \
	tests/unit/test-seccomp-gate tests/unit/test-seccomp-limits tests/unit/test-seccomp-live tests/unit/test-seccomp-names \
	tests/unit/test-seccomp-oracle tests/unit/test-seccomp-plan \
	tests/unit/test-seccomp-simulate tests/unit/test-seccomp-table
tests_unit_test_seccomp_cache_SOURCES = tests/unit/test-seccomp-cache.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_cache_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_compile_SOURCES = tests/unit/test-seccomp-compile.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_compile_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_gate_SOURCES = tests/unit/test-seccomp-gate.c $(SECCOMP_RANDOM)
tests_unit_test_seccomp_gate_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_limits_SOURCES = tests/unit/test-seccomp-limits.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_limits_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_live_SOURCES = tests/unit/test-seccomp-live.c tests/unit/in-child.h \
	$(SECCOMP_SUPPORT)
tests_unit_test_seccomp_live_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_names_SOURCES = tests/unit/test-seccomp-names.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_names_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_oracle_SOURCES = tests/unit/test-seccomp-oracle.c $(SECCOMP_RANDOM)
tests_unit_test_seccomp_oracle_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_plan_SOURCES = tests/unit/test-seccomp-plan.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_plan_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_simulate_SOURCES = tests/unit/test-seccomp-simulate.c $(SECCOMP_RANDOM)
tests_unit_test_seccomp_simulate_LDADD = $(UNIT_LDADD)
tests_unit_test_seccomp_table_SOURCES = tests/unit/test-seccomp-table.c $(SECCOMP_SUPPORT)
tests_unit_test_seccomp_table_LDADD = $(UNIT_LDADD)

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-seccomp-replay
tests_fuzz_fuzz_seccomp_replay_SOURCES = tests/fuzz/fuzz-seccomp.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_seccomp_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/seccomp
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-seccomp
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-seccomp
tests_fuzz_fuzz_seccomp_SOURCES = tests/fuzz/fuzz-seccomp.c
tests_fuzz_fuzz_seccomp_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_seccomp_LDADD = $(HUSK_LIBS)
