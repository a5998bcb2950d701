# SPDX-License-Identifier: Apache-2.0
# JSON, the configuration, their golden texts and lints, and the corpora of their fuzz targets.
UNIT_TESTS += tests/unit/test-json tests/unit/test-json-write
UNIT_TESTS += tests/unit/test-spec tests/unit/test-spec-mount
tests_unit_test_json_SOURCES = tests/unit/test-json.c
tests_unit_test_json_LDADD = $(UNIT_LDADD)
tests_unit_test_json_write_SOURCES = tests/unit/test-json-write.c
tests_unit_test_json_write_LDADD = $(UNIT_LDADD)
tests_unit_test_spec_mount_SOURCES = tests/unit/test-spec-mount.c
tests_unit_test_spec_mount_LDADD = $(UNIT_LDADD)
tests_unit_test_spec_SOURCES = tests/unit/test-spec.c
tests_unit_test_spec_LDADD = $(UNIT_LDADD)

UNIT_TESTS += tests/spec/golden tests/lint/schema
tests_spec_golden_SOURCES = tests/spec/golden.c
tests_spec_golden_LDADD = $(UNIT_LDADD)
tests_lint_schema_SOURCES = tests/lint/schema.c
tests_lint_schema_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/lint/schema-flatten tests/lint/schema-properties.txt \
	tests/spec/base.json \
	tests/spec/json.golden tests/spec/linux.golden tests/spec/mounts.golden \
	tests/spec/numbers.golden tests/spec/process.golden tests/spec/required.golden \
	tests/spec/resources.golden tests/spec/seccomp.golden tests/spec/types.golden

# Replayed in every build; with --enable-fuzzers also linked with the engine.
UNIT_TESTS += tests/fuzz/fuzz-json-replay tests/fuzz/fuzz-spec-replay
tests_fuzz_fuzz_json_replay_SOURCES = tests/fuzz/fuzz-json.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_json_replay_LDADD = $(UNIT_LDADD)
tests_fuzz_fuzz_spec_replay_SOURCES = tests/fuzz/fuzz-spec.c tests/fuzz/fuzz-main.c
tests_fuzz_fuzz_spec_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/json tests/fuzz/corpus/spec
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-json tests/fuzz/fuzz-spec
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-json tests/fuzz/fuzz-spec
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz-json.c
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_LDADD = $(HUSK_LIBS)
tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz-spec.c
tests_fuzz_fuzz_spec_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_spec_LDADD = $(HUSK_LIBS)
