# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/guest/boot.c vm-shim/guest/boot.h \
	vm-shim/guest/boot-ports.c \
	vm-shim/guest/boot-root.c \
	vm-shim/guest/closure.c \
	vm-shim/guest/guest.h vm-shim/guest/guest-parts.h \
	vm-shim/guest/initramfs.c vm-shim/guest/initramfs.h \
	vm-shim/guest/initramfs-cache.c \
	vm-shim/guest/initramfs-unpack.c \
	vm-shim/guest/kernel.c \
	vm-shim/guest/modules.c
