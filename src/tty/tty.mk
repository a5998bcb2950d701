# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/tty/tty-console.c src/tty/tty-console.h \
	src/tty/tty-relay.c src/tty/tty-relay.h
