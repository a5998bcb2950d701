# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/mount/mount.c src/mount/mount.h \
	src/mount/mount-idmap.c
