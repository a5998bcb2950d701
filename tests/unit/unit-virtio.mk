# SPDX-License-Identifier: Apache-2.0
# vm-shim/vmm: devices, each against a driver that the test plays.
VIRTIO_DRIVER = tests/unit/virtio-driver.c tests/unit/virtio-driver.h
UNIT_TESTS += tests/unit/test-virtio-queue tests/unit/test-virtio-console tests/unit/test-virtio-block \
	tests/unit/test-virtio-net tests/unit/test-virtio-balloon tests/unit/test-virtio-share
tests_unit_test_virtio_queue_SOURCES = tests/unit/test-virtio-queue.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_queue_LDADD = $(UNIT_LDADD)
tests_unit_test_virtio_console_SOURCES = tests/unit/test-virtio-console.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_console_LDADD = $(UNIT_LDADD)
tests_unit_test_virtio_block_SOURCES = tests/unit/test-virtio-block.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_block_LDADD = $(UNIT_LDADD)
tests_unit_test_virtio_net_SOURCES = tests/unit/test-virtio-net.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_net_LDADD = $(UNIT_LDADD)
tests_unit_test_virtio_balloon_SOURCES = tests/unit/test-virtio-balloon.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_balloon_LDADD = $(UNIT_LDADD)
tests_unit_test_virtio_share_SOURCES = tests/unit/test-virtio-share.c $(VIRTIO_DRIVER)
tests_unit_test_virtio_share_LDADD = $(UNIT_LDADD)

UNIT_TESTS += tests/fuzz/fuzz-virtio-replay
tests_fuzz_fuzz_virtio_replay_SOURCES = tests/fuzz/fuzz-virtio.c tests/fuzz/fuzz-main.c $(VIRTIO_DRIVER)
tests_fuzz_fuzz_virtio_replay_LDADD = $(UNIT_LDADD)
EXTRA_DIST += tests/fuzz/corpus/virtio
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz-virtio
endif
EXTRA_PROGRAMS += tests/fuzz/fuzz-virtio
tests_fuzz_fuzz_virtio_SOURCES = tests/fuzz/fuzz-virtio.c $(VIRTIO_DRIVER)
tests_fuzz_fuzz_virtio_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_virtio_LDADD = $(HUSK_LIBS)
