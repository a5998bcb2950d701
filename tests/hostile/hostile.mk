# SPDX-License-Identifier: Apache-2.0
# Hostile programs in sandboxes. As root; rows of tests/hostile/table also as a normal user.

# Static: it runs wherever the sandbox shows it. The library (lib.bash) builds it on demand where make has not.
check_PROGRAMS += tests/hostile/programs/hostile
tests_hostile_programs_hostile_SOURCES = tests/hostile/programs/hostile.c tests/hostile/programs/hostile.h \
	tests/hostile/programs/files.c tests/hostile/programs/kernel.c tests/hostile/programs/memory.c \
	tests/hostile/programs/processes.c
tests_hostile_programs_hostile_CPPFLAGS = -I$(top_srcdir) -D_GNU_SOURCE
tests_hostile_programs_hostile_CFLAGS = -std=gnu17 -O1 $(WARN_CFLAGS)
tests_hostile_programs_hostile_LDFLAGS = -static -pthread

HOSTILE_TESTS = tests/hostile/hostile.bats tests/hostile/judge.bats

EXTRA_DIST += tests/hostile/lib.bash tests/hostile/judge tests/hostile/table $(HOSTILE_TESTS)
