/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/power.h"

#include "vm-shim/vmm/boot.h"

#define SLEEP_ENABLE 0x20
/* What a kernel tries after the register of ACPI: the keyboard controller, port cf9. */
#define PORT_KEYBOARD  0x64
#define KEYBOARD_RESET 0xfe
#define PORT_CF9       0xcf9
#define CF9_RESET      0x04

enum power_event power_write(uint16_t port, uint8_t value)
{
	switch (port) {
	case BOOT_PORT_SLEEP_CONTROL:
		return value & SLEEP_ENABLE && (value >> 2 & 7) == BOOT_SLEEP_TYPE_OFF ? POWER_OFF
										       : POWER_NONE;
	case BOOT_PORT_RESET:
		return value == BOOT_RESET_VALUE ? POWER_RESET : POWER_NONE;
	case PORT_KEYBOARD:
		return value == KEYBOARD_RESET ? POWER_RESET : POWER_NONE;
	case PORT_CF9:
		return value & CF9_RESET ? POWER_RESET : POWER_NONE;
	default:
		return POWER_NONE;
	}
}
