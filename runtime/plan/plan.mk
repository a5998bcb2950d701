# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/plan/plan-cgroup.c runtime/plan/plan-cgroup.h \
	runtime/plan/plan-devices.c \
	runtime/plan/plan-seccomp.c runtime/plan/plan-seccomp.h \
	runtime/plan/plan-gate.c runtime/plan/plan-host.c runtime/plan/plan-host.h \
	runtime/plan/plan-make.c runtime/plan/plan-make.h \
	runtime/plan/plan-mounts.c \
	runtime/plan/plan-namespaces.c \
	runtime/plan/plan-place.c \
	runtime/plan/plan-print.c runtime/plan/plan-print.h \
	runtime/plan/plan-printer.c runtime/plan/plan-printer.h \
	runtime/plan/plan-process.c \
	runtime/plan/plan-sandbox.c \
	runtime/plan/plan.h
