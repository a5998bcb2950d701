# SPDX-License-Identifier: Apache-2.0
libearly_a_SOURCES += src/ns/ns-early.c src/ns/ns-early.h
libplain_a_SOURCES += \
	src/ns/ns-proc.c src/ns/ns-proc.h \
	src/ns/ns-self.c src/ns/ns-self.h \
	src/ns/ns-swap.c src/ns/ns-swap.h
