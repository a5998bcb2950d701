# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	runtime/learn/learn-call.c \
	runtime/learn/learn-file.c \
	runtime/learn/learn-implied.c \
	runtime/learn/learn-merge.c \
	runtime/learn/learn-narrow.c \
	runtime/learn/learn-network.c \
	runtime/learn/learn-oci.c \
	runtime/learn/learn-path.c \
	runtime/learn/learn-start.c \
	runtime/learn/learn-text.c \
	runtime/learn/learn-value.c \
	runtime/learn/learn-watch.c \
	runtime/learn/learn.h
