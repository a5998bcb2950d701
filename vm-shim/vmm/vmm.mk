# SPDX-License-Identifier: Apache-2.0
libstrict_a_SOURCES += \
	vm-shim/vmm/boot.c vm-shim/vmm/boot.h \
	vm-shim/vmm/boot-acpi.c \
	vm-shim/vmm/boot-linux.c \
	vm-shim/vmm/boot-pvh.c \
	vm-shim/vmm/cpu.c vm-shim/vmm/cpu.h \
	vm-shim/vmm/devices.h \
	vm-shim/vmm/filter.c vm-shim/vmm/filter.h \
	vm-shim/vmm/jail.c vm-shim/vmm/jail.h \
	vm-shim/vmm/kvm.c vm-shim/vmm/kvm.h \
	vm-shim/vmm/loop.h \
	vm-shim/vmm/machine.c vm-shim/vmm/machine.h \
	vm-shim/vmm/machine-devices.c \
	vm-shim/vmm/memory.c vm-shim/vmm/memory.h \
	vm-shim/vmm/power.c vm-shim/vmm/power.h \
	vm-shim/vmm/probe.c \
	vm-shim/vmm/serial.c vm-shim/vmm/serial.h \
	vm-shim/vmm/uart.c vm-shim/vmm/uart.h \
	vm-shim/vmm/vcpu.c \
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
