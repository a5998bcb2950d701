# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/guest/guest.h
