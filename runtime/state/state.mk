# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	runtime/state/state-dir.c \
	runtime/state/state.c runtime/state/state.h
