/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-loopback.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/base/clean.h"

int net_loopback_up(struct err *e)
{
	/* In a new namespace "lo" has no flag yet that could get lost by setting these two; the
	 * ones that describe the device cannot be changed here. */
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	/* Interface requests work on sockets of every family; this one needs no IP stack. */
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, "create a socket for the loopback device");
	if (ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		return err_sys(e, "bring up the loopback device");
	return 0;
}
