# SPDX-License-Identifier: Apache-2.0
# "make bench": built on demand, since floor knows the system calls of x86-64 only.
# BENCH_FLAGS are bench's options, for instance BENCH_FLAGS=--quick.

EXTRA_PROGRAMS += tests/bench/floor tests/bench/floor-libc tests/bench/calls tests/bench/compare tests/bench/lifecycle
CLEANFILES += tests/bench/floor tests/bench/floor-libc tests/bench/calls tests/bench/compare tests/bench/lifecycle \
	tests/bench/docker-profile.json tests/bench/bench.json
EXTRA_DIST += tests/bench/README.md tests/bench/bench tests/bench/count-syscalls \
	tests/bench/make-docker-profile

BENCH_FLOOR_SOURCES = tests/bench/floor.c tests/bench/floor-cgroups.c tests/bench/floor-mounts.c \
	tests/bench/floor-start.c tests/bench/floor.h tests/bench/sys.h
# No config.h and no instrumentation: there is no libc that either could use.
BENCH_FLOOR_CPPFLAGS = -I$(top_srcdir) -D_GNU_SOURCE
BENCH_FLOOR_CFLAGS = -std=gnu17 $(WARN_CFLAGS) -O2 -fno-pie

tests_bench_floor_SOURCES = $(BENCH_FLOOR_SOURCES)
tests_bench_floor_CPPFLAGS = $(BENCH_FLOOR_CPPFLAGS)
tests_bench_floor_CFLAGS = $(BENCH_FLOOR_CFLAGS) -ffreestanding -fno-stack-protector \
	-fno-asynchronous-unwind-tables
tests_bench_floor_LDFLAGS = -nostdlib -static -Wl,-z,noseparate-code -Wl,-z,norelro
tests_bench_floor_LDADD =

# The same program through libc's dynamic start: how much of a runtime's time is that.
tests_bench_floor_libc_SOURCES = $(BENCH_FLOOR_SOURCES)
tests_bench_floor_libc_CPPFLAGS = $(BENCH_FLOOR_CPPFLAGS) -DFLOOR_LIBC
tests_bench_floor_libc_CFLAGS = $(BENCH_FLOOR_CFLAGS) -fno-builtin -fno-stack-protector
tests_bench_floor_libc_LDFLAGS = -no-pie
tests_bench_floor_libc_LDADD =

tests_bench_calls_SOURCES = tests/bench/calls.c runtime/policy/policy-directory.c
tests_bench_calls_CPPFLAGS = $(tests_policy_table_CPPFLAGS)
tests_bench_calls_LDADD = $(HUSK_LIBS)
tests_bench_compare_SOURCES = tests/bench/compare.c
tests_bench_lifecycle_SOURCES = tests/bench/lifecycle.c

BENCH_TOOLS = tests/bench/floor$(EXEEXT) tests/bench/floor-libc$(EXEEXT) \
	tests/bench/calls$(EXEEXT) tests/bench/compare$(EXEEXT) tests/bench/lifecycle$(EXEEXT)

.PHONY: bench
bench: husk$(EXEEXT) $(BENCH_TOOLS)
	HUSK=$${HUSK:-$(abs_builddir)/husk} BENCH_DIR=$(abs_builddir)/tests/bench \
		$(srcdir)/tests/bench/bench $(BENCH_FLAGS)
