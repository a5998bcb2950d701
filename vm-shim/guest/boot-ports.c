/* SPDX-License-Identifier: Apache-2.0 */
/* The ports to the host: named ones of virtio-console. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "vm-shim/guest/boot.h"
#include "vm-shim/wire/wire.h"

#define PORTS     "/sys/class/virtio-ports"
#define TRIES     6000
#define STEP_NSEC 10000000 /* together a minute: an emulated host is slow */

/* Open the port that is called @name, if it is there already. The descriptor, or -1. */
static int open_named(const char *name)
{
	CLEAN_DIR DIR *dir = opendir(PORTS);
	char path[300], text[64];

	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (d->d_name[0] == '.')
			continue;
		text_format(path, sizeof path, PORTS "/%s/name", d->d_name);
		if (io_read_at(AT_FDCWD, path, text, sizeof text) < 0 || !text_equal(text, name))
			continue;
		text_format(path, sizeof path, "/dev/%s", d->d_name);
		return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	errno = ENOENT;
	return -1;
}

static bool is_connected(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };

	return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static int open_port(const char *name, struct err *e)
{
	CLEAN_FD int fd = -1;

	/* The driver makes ports as the host names them, a moment after it was loaded. */
	for (int i = 0; i < TRIES; i++) {
		if (fd < 0)
			fd = open_named(name);
		if (fd < 0 && errno != ENOENT && errno != ENXIO && errno != ENODEV)
			return err_sys(e, "open port %s", name);
		if (fd >= 0 && is_connected(fd))
			return take_fd(&fd);
		nanosleep(&(struct timespec){ 0, i < 100 ? STEP_NSEC / 10 : STEP_NSEC }, NULL);
	}
	if (fd < 0)
		return err_sys(e, "find port %s", name);
	return err_set(e, ERR_SYSTEM, ETIMEDOUT, "port %s: the host has not connected", name);
}

int boot_ports(int *control, int *data, struct err *e)
{
	*control = open_port(WIRE_PORT_CONTROL, e);
	if (*control < 0)
		return -1;
	*data = open_port(WIRE_PORT_DATA, e);
	return *data < 0 ? -1 : 0;
}
