# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/vmm/devices.h \
	vm-shim/vmm/loop.h \
	vm-shim/vmm/memory.h \
	vm-shim/vmm/virtio.h

# Devices: rings, their registers, and what is behind them.
libstrict_a_SOURCES += \
	vm-shim/vmm/balloon.c \
	vm-shim/vmm/block.c \
	vm-shim/vmm/block.h \
	vm-shim/vmm/block-request.c \
	vm-shim/vmm/console.c \
	vm-shim/vmm/console.h \
	vm-shim/vmm/console-port.c \
	vm-shim/vmm/loop.c \
	vm-shim/vmm/memory-at.c \
	vm-shim/vmm/net.c \
	vm-shim/vmm/net.h \
	vm-shim/vmm/net-backend.c \
	vm-shim/vmm/rng.c \
	vm-shim/vmm/share.c \
	vm-shim/vmm/vhost-user.c \
	vm-shim/vmm/vhost-user.h \
	vm-shim/vmm/virtio.c \
	vm-shim/vmm/virtio-chain.c \
	vm-shim/vmm/virtio-mmio.c \
	vm-shim/vmm/virtio-queue.c
