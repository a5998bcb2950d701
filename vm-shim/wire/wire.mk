# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/wire/wire.c vm-shim/wire/wire.h
