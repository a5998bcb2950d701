# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/phase/cgroup-view.c runtime/phase/cgroup-view.h \
	runtime/phase/exec-join.c runtime/phase/exec-join.h \
	runtime/phase/exec-parent.c runtime/phase/exec-parent.h \
	runtime/phase/finish.c runtime/phase/finish.h \
	runtime/phase/gate-ask.c \
	runtime/phase/gate-entry.c runtime/phase/gate-entry.h \
	runtime/phase/gate-strict.c runtime/phase/gate.h \
	runtime/phase/hook.c runtime/phase/hook.h \
	runtime/phase/init-copy.c \
	runtime/phase/init-devices.c \
	runtime/phase/init-make.c \
	runtime/phase/init-mounts.c \
	runtime/phase/init-locks.c \
	runtime/phase/init-network.c \
	runtime/phase/init-paths.c \
	runtime/phase/init-reaper.c \
	runtime/phase/init-start.c \
	runtime/phase/init.c runtime/phase/init.h \
	runtime/phase/middle.c runtime/phase/middle.h \
	runtime/phase/notify.c runtime/phase/notify.h \
	runtime/phase/parent-clone.c \
	runtime/phase/parent-network.c \
	runtime/phase/parent-run.c \
	runtime/phase/parent-state.c \
	runtime/phase/parent.c runtime/phase/parent.h \
	runtime/phase/process.c runtime/phase/process.h \
	runtime/phase/program.c runtime/phase/program.h \
	runtime/phase/reaper-filter.c runtime/phase/reaper-filter.h \
	runtime/phase/start.c runtime/phase/start.h \
	runtime/phase/step.c runtime/phase/step.h \
	runtime/phase/supervisor-filter.c runtime/phase/supervisor-filter.h \
	runtime/phase/sync.c runtime/phase/sync.h
