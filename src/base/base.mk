# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/base/arena.c src/base/arena.h \
	src/base/clean.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/io.c src/base/io.h \
	src/base/kernel.h \
	src/base/path.c src/base/path.h \
	src/base/pid.c src/base/pid.h \
	src/base/sanitized.h \
	src/base/text.c src/base/text.h \
	src/base/tool.c src/base/tool.h
