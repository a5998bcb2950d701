# SPDX-License-Identifier: Apache-2.0
libplain_a_SOURCES += \
	src/lsm/lsm-apparmor.c src/lsm/lsm-apparmor.h \
	src/lsm/lsm-attr.c src/lsm/lsm-attr.h \
	src/lsm/lsm-landlock.c src/lsm/lsm-landlock.h \
	src/lsm/lsm-selinux.c src/lsm/lsm-selinux.h
