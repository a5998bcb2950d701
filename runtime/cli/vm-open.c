/* SPDX-License-Identifier: Apache-2.0 */
/* From words to a machine's description in which everything is open. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/cli/vm-boot.h"
#include "src/base/clean.h"
#include "src/base/text.h"

#define MEMORY_BYTES (256ull << 20)

static int open_file(const char *option, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "--%s %s: open", option, path) : fd;
}

static int connect_to(const char *option, const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = -1;

	if (!*path || strlen(path) >= sizeof address.sun_path)
		return err_set(e, ERR_USAGE, 0, "--%s: a socket's path has 1 to %zu bytes", option,
			       sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "--%s: make a socket", option);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return err_sys(e, "--%s: connect to %s", option, path);
	return take_fd(&fd);
}

/* "NAME=REST": the name as a text of its own. */
static const char *split(const char *option, const char *text, struct arena *a, const char **name,
			 struct err *e)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text) {
		err_set(e, ERR_USAGE, 0, "--%s %s: NAME=SOCKET is needed", option, text);
		return NULL;
	}
	*name = arena_format(a, "%.*s", (int)(equals - text), text);
	if (!*name) {
		arena_check(a, e);
		return NULL;
	}
	return equals + 1;
}

static int open_disk(const char *text, struct arena *a, struct vm_disk *d, size_t index,
		     struct err *e)
{
	d->readonly = text_ends(text, ":ro");
	const char *path =
		arena_format(a, "%.*s", (int)(strlen(text) - (d->readonly ? 3 : 0)), text);
	struct stat st;

	if (!path)
		return arena_check(a, e);
	d->fd = open(path, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (d->fd < 0)
		return err_sys(e, "--disk %s: open%s", path,
			       d->readonly ? "" : " for writing (\":ro\" behind it: read only)");
	if (fstat(d->fd, &st) < 0)
		return err_sys(e, "--disk %s: look at the file", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_config(e, "--disk %s: neither a file nor a block device", path);
	text_format(d->serial, sizeof d->serial, "husk-disk-%zu", index);
	return 0;
}

static int open_tap(const char *name, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	CLEAN_FD int fd = -1;

	if (!*name || strlen(name) >= IFNAMSIZ)
		return err_set(e, ERR_USAGE, 0, "--net tap:%s: a device's name has 1 to %d bytes",
			       name, IFNAMSIZ - 1);
	memcpy(r.ifr_name, name, strlen(name) + 1);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "--net tap:%s: open /dev/net/tun", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_sys(e, "--net tap:%s: attach to the device", name);
	return take_fd(&fd);
}

static int open_net(const char *text, struct vm_net *n, struct err *e)
{
	if (text_starts(text, "tap:")) {
		n->kind = VM_NET_TAP;
		n->fd = open_tap(text + 4, e);
	} else if (text_starts(text, "stream:")) {
		n->kind = VM_NET_STREAM;
		n->fd = connect_to("net", text + 7, e);
	} else {
		return err_set(e, ERR_USAGE, 0, "--net %s: tap:NAME or stream:SOCKET is needed",
			       text);
	}
	if (n->fd < 0)
		return -1;
	if (getrandom(n->mac, sizeof n->mac, 0) != sizeof n->mac)
		return err_sys(e, "--net: choose an address");
	/* Of one station, and of nobody's range. */
	n->mac[0] = (uint8_t)((n->mac[0] & 0xfe) | 0x02);
	return 0;
}

static int open_lists(const struct vm_options *o, struct arena *a, struct vm_config *c,
		      struct err *e)
{
	if (o->disks.count > VM_DISKS_MAX || o->ports.count > VM_PORTS_MAX)
		return err_set(e, ERR_USAGE, 0, "at most %d --disk and %d --port are possible",
			       VM_DISKS_MAX, VM_PORTS_MAX);
	for (; c->disks_count < o->disks.count; c->disks_count++)
		if (open_disk(o->disks.items[c->disks_count], a, &c->disks[c->disks_count],
			      c->disks_count, e) < 0)
			return -1;
	for (; c->ports_count < o->ports.count; c->ports_count++) {
		struct vm_port *p = &c->ports[c->ports_count];
		const char *path = split("port", o->ports.items[c->ports_count], a, &p->name, e);
		if (!path || (p->fd = connect_to("port", path, e)) < 0)
			return -1;
	}
	return 0;
}

int vm_open(const struct vm_options *o, struct arena *a, struct vm_config *c, struct err *e)
{
	*c = (struct vm_config){
		.name = "vm",
		.kernel_fd = -1,
		.initrd_fd = -1,
		.kernel_path = o->kernel,
		.initrd_path = o->initrd,
		.cmdline = o->cmdline ? o->cmdline : "",
		.memory_bytes = o->memory.set ? o->memory.value : MEMORY_BYTES,
		.vcpus = o->cpus.set ? o->cpus.value : 1,
		.verbose = o->verbose,
		.balloon = o->balloon,
		.console_fd = STDOUT_FILENO,
	};
	if (o->boot_timeout.set && o->boot_timeout.value > UINT32_MAX)
		return err_set(e, ERR_USAGE, 0, "--boot-timeout: more than 49 days");
	c->boot_timeout_msec = o->boot_timeout.set ? (uint32_t)o->boot_timeout.value : 0;
	if ((c->kernel_fd = open_file("kernel", o->kernel, e)) < 0 ||
	    (o->initrd && (c->initrd_fd = open_file("initrd", o->initrd, e)) < 0) ||
	    open_lists(o, a, c, e) < 0)
		return -1;
	if (o->net) {
		if (open_net(o->net, &c->nets[0], e) < 0)
			return -1;
		c->nets_count = 1;
	}
	if (o->share) {
		struct vm_share *s = arena_new(a, struct vm_share);
		const char *path = s ? split("share", o->share, a, &s->tag, e) : NULL;
		if (!s)
			return arena_check(a, e);
		if (!path || (s->fd = connect_to("share", path, e)) < 0)
			return -1;
		c->share = s;
	}
	return 0;
}
