# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/sandbox/sandbox-caps.c \
	runtime/sandbox/sandbox-check.c \
	runtime/sandbox/sandbox-identity.c \
	runtime/sandbox/sandbox-ids.c \
	runtime/sandbox/sandbox-json.c \
	runtime/sandbox/sandbox-limits.c \
	runtime/sandbox/sandbox-network.c \
	runtime/sandbox/sandbox-places.c \
	runtime/sandbox/sandbox-protect.c \
	runtime/sandbox/sandbox-report.c runtime/sandbox/sandbox-report.h \
	runtime/sandbox/sandbox-spec.c \
	runtime/sandbox/sandbox-view.c \
	runtime/sandbox/sandbox.h
