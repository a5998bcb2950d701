# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/spec/spec-check-linux.c \
	runtime/spec/spec-check-process.c \
	runtime/spec/spec-check-resources.c \
	runtime/spec/spec-check-sysctl.c \
	runtime/spec/spec-check.c \
	runtime/spec/spec-default.c \
	runtime/spec/spec-features.c \
	runtime/spec/spec-linux.c \
	runtime/spec/spec-list.c \
	runtime/spec/spec-mount.c \
	runtime/spec/spec-names.c runtime/spec/spec-names.h \
	runtime/spec/spec-options.c \
	runtime/spec/spec-print.h \
	runtime/spec/spec-process.c \
	runtime/spec/spec-resources.c \
	runtime/spec/spec-seccomp.c \
	runtime/spec/spec-tables.h \
	runtime/spec/spec-vm.c \
	runtime/spec/spec.c runtime/spec/spec.h
