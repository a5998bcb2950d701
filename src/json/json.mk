# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	src/json/json-decode.c src/json/json-decode.h \
	src/json/json-tree.c src/json/json-tree.h \
	src/json/json-types.h \
	src/json/json-write.c src/json/json-write.h
