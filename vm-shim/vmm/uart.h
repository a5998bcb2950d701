/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_UART_H
#define HUSK_VMM_UART_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The registers of a 16550A that only writes: what the kernel says before it has drivers, and when it
 * dies. The transmitter is always empty, so nobody in the guest ever waits for it.
 */
#define UART_PORT 0x3f8
#define UART_LINE 4

struct uart {
	uint8_t ier, fcr, lcr, mcr, scratch, divisor[2];
	bool empty_pending; /* "the transmitter is empty" was not told yet */
};

/* Register 0 to 7. */
uint8_t uart_read(struct uart *u, unsigned reg);
/* *@sent is -1 or the byte that goes out. True when the line has to be raised. */
bool uart_write(struct uart *u, unsigned reg, uint8_t value, int *sent);

#endif
