# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/vmm/devices.h \
	vm-shim/vmm/loop.h \
	vm-shim/vmm/memory.h \
	vm-shim/vmm/virtio.h
