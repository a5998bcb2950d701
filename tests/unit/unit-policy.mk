# SPDX-License-Identifier: Apache-2.0
# The language of policies.
UNIT_TESTS += tests/unit/test-policy-random
tests_unit_test_policy_random_SOURCES = tests/unit/test-policy-random.c $(SECCOMP_SUPPORT)
tests_unit_test_policy_random_LDADD = $(UNIT_LDADD)
UNIT_TESTS += tests/unit/test-policy
tests_unit_test_policy_SOURCES = tests/unit/test-policy.c
tests_unit_test_policy_LDADD = $(UNIT_LDADD)

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-policy-replay
tests_fuzz_fuzz_policy_replay_SOURCES = tests/fuzz/fuzz-policy.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_policy_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/policy
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-policy
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz-policy.c
tests_fuzz_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_policy_LDADD = $(HUSK_LIBS)
UNIT_TESTS += tests/unit/test-learn
tests_unit_test_learn_SOURCES = tests/unit/test-learn.c
tests_unit_test_learn_LDADD = $(UNIT_LDADD)
