/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/uart.h"

#include <linux/serial_reg.h>

uint8_t uart_read(struct uart *u, unsigned reg)
{
	bool divisor = u->lcr & UART_LCR_DLAB;
	uint8_t value;

	switch (reg) {
	case UART_RX:
		return divisor ? u->divisor[0] : 0;
	case UART_IER:
		return divisor ? u->divisor[1] : u->ier;
	case UART_IIR:
		value = u->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0;
		if (!u->empty_pending || !(u->ier & UART_IER_THRI))
			return value | UART_IIR_NO_INT;
		u->empty_pending = false;
		return value | UART_IIR_THRI;
	case UART_LCR:
		return u->lcr;
	case UART_MCR:
		return u->mcr;
	case UART_LSR:
		return UART_LSR_TEMT | UART_LSR_THRE;
	case UART_MSR:
		/* In loop mode its own lines come back: by this drivers know that it is there. */
		if (!(u->mcr & UART_MCR_LOOP))
			return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
		return (uint8_t)((u->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
				 (u->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
				 (u->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
				 (u->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0));
	case UART_SCR:
		return u->scratch;
	default:
		return 0;
	}
}

bool uart_write(struct uart *u, unsigned reg, uint8_t value, int *sent)
{
	bool divisor = u->lcr & UART_LCR_DLAB;
	uint8_t before = u->ier;

	*sent = -1;
	switch (reg) {
	case UART_TX:
		if (divisor) {
			u->divisor[0] = value;
			return false;
		}
		if (!(u->mcr & UART_MCR_LOOP))
			*sent = value;
		u->empty_pending = true;
		return u->ier & UART_IER_THRI;
	case UART_IER:
		if (divisor) {
			u->divisor[1] = value;
			return false;
		}
		u->ier = value & 0x0f;
		/* Asking for it while the transmitter is empty is answered at once. */
		if (u->ier & UART_IER_THRI && !(before & UART_IER_THRI))
			u->empty_pending = true;
		return u->ier & UART_IER_THRI && u->empty_pending;
	case UART_FCR:
		u->fcr = value & UART_FCR_ENABLE_FIFO;
		return false;
	case UART_LCR:
		u->lcr = value;
		return false;
	case UART_MCR:
		u->mcr = value & 0x1f;
		return false;
	case UART_SCR:
		u->scratch = value;
		return false;
	default:
		return false;
	}
}
