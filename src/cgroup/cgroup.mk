# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/cgroup/cgroup-apply.c \
	src/cgroup/cgroup-create.c \
	src/cgroup/cgroup-devices.c \
	src/cgroup/cgroup-devices-bpf.c \
	src/cgroup/cgroup-file.c src/cgroup/cgroup-file.h \
	src/cgroup/cgroup-freeze.c \
	src/cgroup/cgroup-host.c \
	src/cgroup/cgroup-join.c \
	src/cgroup/cgroup-kill.c \
	src/cgroup/cgroup-limits.c src/cgroup/cgroup-limits.h \
	src/cgroup/cgroup-limits-blkio.c \
	src/cgroup/cgroup-limits-cpu.c \
	src/cgroup/cgroup-limits-memory.c \
	src/cgroup/cgroup-mark.c src/cgroup/cgroup-mark.h \
	src/cgroup/cgroup-oom.c \
	src/cgroup/cgroup-pids.h \
	src/cgroup/cgroup-plan.h \
	src/cgroup/cgroup-remove.c \
	src/cgroup/cgroup-set.c \
	src/cgroup/cgroup-usage.c src/cgroup/cgroup-usage.h \
	src/cgroup/cgroup-stats.c src/cgroup/cgroup-stats.h \
	src/cgroup/cgroup-stats-parse.c src/cgroup/cgroup-stats-parse.h \
	src/cgroup/cgroup-wait.h \
	src/cgroup/cgroup-weight.c \
	src/cgroup/cgroup.h
