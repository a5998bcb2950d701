/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_GUEST_BOOT_H
#define HUSK_GUEST_BOOT_H

#include "src/base/err.h"

/* Parts of guest_boot(). */

/* mkdir and mount. */
int boot_mount(const char *source, const char *target, const char *type, unsigned long flags,
	       const char *options, struct err *e);
/* Mount what "share:TAG" or "disk:DEVICE" names and make it the root. */
int boot_root(const char *what, struct err *e);
/* Find and open the ports, and wait until the host has them open as well. */
int boot_ports(int *control, int *data, struct err *e);

#endif
