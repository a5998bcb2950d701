/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_POWER_H
#define HUSK_VMM_POWER_H

#include <stdint.h>

/* The ports by which a guest ends its machine. */
enum power_event {
	POWER_NONE,
	POWER_OFF,
	POWER_RESET,
};

enum power_event power_write(uint16_t port, uint8_t value);

#endif
