# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += vm-shim/vm.c vm-shim/vm.h \
	vm-shim/backend-kvm.c \
	vm-shim/backend-qemu.c vm-shim/qemu-argv.c vm-shim/qemu.h

include vm-shim/vmm/vmm.mk
include vm-shim/guest/guest.mk
include vm-shim/wire/wire.mk
