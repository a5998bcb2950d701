# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/minijail/minijail-caps.c \
	runtime/minijail/minijail-check.c \
	runtime/minijail/minijail-config.c \
	runtime/minijail/minijail-landlock.c \
	runtime/minijail/minijail-mounts.c \
	runtime/minijail/minijail-options.c \
	runtime/minijail/minijail-program.c \
	runtime/minijail/minijail-spec.c \
	runtime/minijail/minijail-users.c \
	runtime/minijail/minijail-value.c \
	runtime/minijail/minijail.h
