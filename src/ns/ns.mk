# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/ns/ns-proc.c src/ns/ns-proc.h \
	src/ns/ns-self.c src/ns/ns-self.h \
	src/ns/ns-swap.c src/ns/ns-swap.h
