/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/qemu.h"

#include <string.h>
#include <sys/wait.h>

#include "src/base/text.h"

#define WORDS_MAX 160
#define MIB       (1ull << 20)

/* Everything that a machine of ours has no use for stays out, and what QEMU may do itself is little: no more
 * privileges, no programs, no processes. */
#define SANDBOX "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

struct words {
	struct arena *a;
	char **items;
	size_t count;
	unsigned sets; /* -add-fd sets so far */
};

static void add(struct words *w, const char *text)
{
	if (w->count == WORDS_MAX) {
		w->a->failed = 1;
		return;
	}
	w->items[w->count++] = arena_strdup(w->a, text);
}

static void pair(struct words *w, const char *option, const char *value)
{
	add(w, option);
	add(w, value ? value : "");
}

/* A comma in a value is doubled. */
static const char *quoted(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 1), *to = out;

	if (!out)
		return "";
	for (; *text; text++) {
		if (*text == ',')
			*to++ = ',';
		*to++ = *text;
	}
	return out;
}

static void add_machine(struct words *w, const struct vm_config *c)
{
	unsigned long long mib = (c->memory_bytes + MIB - 1) / MIB;
	struct arena *a = w->a;
	/* virtiofsd maps the guest's memory, so that it has to be a file. */
	bool file = c->share != NULL;

	pair(w, "-machine",
	     arena_format(a, "microvm,auto-kernel-cmdline=off,usb=off,pcie=off,mem-merge=%s%s",
			  c->mergeable ? "on" : "off",
			  file || c->prealloc ? ",memory-backend=ram" : ""));
	pair(w, "-accel", "tcg,thread=multi");
	/* Page tables of five levels cost an emulation a fifth more of every walk. */
	pair(w, "-cpu", "max,la57=off");
	pair(w, "-smp", arena_format(a, "%u", c->vcpus));
	pair(w, "-m", arena_format(a, "%lluM", mib));
	if (file || c->prealloc)
		pair(w, "-object",
		     arena_format(a, "memory-backend-%s,id=ram,size=%lluM%s%s",
				  file ? "memfd" : "ram", mib, file ? ",share=on" : "",
				  c->prealloc ? ",prealloc=on" : ""));
	add(w, "-nodefaults");
	add(w, "-no-user-config");
	add(w, "-no-reboot");
	pair(w, "-display", "none");
	pair(w, "-monitor", "none");
	pair(w, "-sandbox", SANDBOX);
	pair(w, "-global", "virtio-mmio.force-legacy=false");
}

static void add_kernel(struct words *w, const struct vm_config *c, uint64_t tsc_khz)
{
	struct arena *a = w->a;
	char tsc[48] = "";

	if (tsc_khz)
		text_format(tsc, sizeof tsc, " tsc_early_khz=%llu", (unsigned long long)tsc_khz);
	pair(w, "-kernel", arena_format(a, "/proc/self/fd/%d", c->kernel_fd));
	if (c->initrd_fd >= 0)
		pair(w, "-initrd", arena_format(a, "/proc/self/fd/%d", c->initrd_fd));
	/* "panic=-1" with -no-reboot: a kernel that is lost ends the program. */
	pair(w, "-append",
	     arena_format(a, "console=ttyS0 8250.nr_uarts=1 reboot=t panic=-1%s%s%s%s", tsc,
			  c->verbose ? "" : " quiet", c->cmdline && *c->cmdline ? " " : "",
			  c->cmdline ? c->cmdline : ""));
	if (c->console_fd >= 0) {
		pair(w, "-chardev",
		     arena_format(a, "file,id=console,path=/proc/self/fd/%d,append=on,mux=on",
				  c->console_fd));
		pair(w, "-serial", "chardev:console");
	} else {
		pair(w, "-serial", "null");
	}
}

static void add_disks(struct words *w, const struct vm_config *c)
{
	for (size_t i = 0; i < c->disks_count; i++) {
		const struct vm_disk *d = &c->disks[i];
		/* Without auto-read-only=off it opens what may be written for reading first, which this
		 * descriptor is not for. */
		pair(w, "-add-fd", arena_format(w->a, "fd=%d,set=%u", d->fd, ++w->sets));
		pair(w, "-drive",
		     arena_format(w->a,
				  "if=none,id=disk%zu,file=/dev/fdset/%u,format=raw,readonly=%s,"
				  "auto-read-only=off",
				  i, w->sets, d->readonly ? "on" : "off"));
		pair(w, "-device",
		     arena_format(w->a, "virtio-blk-device,drive=disk%zu%s%s", i,
				  *d->serial ? ",serial=" : "", quoted(w->a, d->serial)));
	}
}

static void add_ports(struct words *w, const struct vm_config *c)
{
	pair(w, "-device",
	     arena_format(w->a, "virtio-serial-device,max_ports=%zu", c->ports_count + 1));
	/* Port 0 is hvc0, and goes where the serial line goes. */
	if (c->console_fd >= 0)
		pair(w, "-device", "virtconsole,chardev=console,nr=0");
	for (size_t i = 0; i < c->ports_count; i++) {
		pair(w, "-chardev",
		     arena_format(w->a, "socket,id=port%zu,fd=%d", i, c->ports[i].fd));
		pair(w, "-device",
		     arena_format(w->a, "virtserialport,chardev=port%zu,nr=%zu,name=%s", i, i + 1,
				  quoted(w->a, c->ports[i].name)));
	}
}

static void add_nets(struct words *w, const struct vm_config *c)
{
	for (size_t i = 0; i < c->nets_count; i++) {
		const struct vm_net *n = &c->nets[i];
		const uint8_t *m = n->mac;
		const char *mtu = n->mtu ? arena_format(w->a, ",host_mtu=%u", n->mtu) : "";
		if (n->kind == VM_NET_TAP)
			pair(w, "-netdev", arena_format(w->a, "tap,id=net%zu,fd=%d", i, n->fd));
		else
			pair(w, "-netdev",
			     arena_format(w->a,
					  "stream,id=net%zu,server=off,addr.type=fd,addr.str=%d", i,
					  n->fd));
		pair(w, "-device",
		     arena_format(w->a,
				  "virtio-net-device,netdev=net%zu,mac=%02x:%02x:%02x:%02x:%02x:"
				  "%02x%s",
				  i, m[0], m[1], m[2], m[3], m[4], m[5], mtu ? mtu : ""));
	}
}

static void add_rest(struct words *w, const struct vm_config *c)
{
	if (c->share) {
		pair(w, "-chardev", arena_format(w->a, "socket,id=share,fd=%d", c->share->fd));
		pair(w, "-device",
		     arena_format(w->a, "vhost-user-fs-device,chardev=share,tag=%s",
				  quoted(w->a, c->share->tag)));
	}
	if (c->balloon)
		pair(w, "-device", "virtio-balloon-device");
	pair(w, "-object", "rng-builtin,id=rng");
	pair(w, "-device", "virtio-rng-device,rng=rng");
}

int qemu_argv_make(const struct vm_config *c, const char *program, uint64_t tsc_khz,
		   struct arena *a, char ***argv, struct err *e)
{
	struct words w = { .a = a };

	for (size_t i = 0; i < c->nets_count; i++) {
		if (c->nets[i].link_down)
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "network %zu: the qemu backend cannot begin with its link "
				       "down",
				       i);
	}
	w.items = arena_new_array(a, WORDS_MAX + 1, char *);
	if (!w.items)
		return arena_check(a, e);
	add(&w, program);
	if (c->name)
		pair(&w, "-name", quoted(a, c->name));
	add_machine(&w, c);
	add_kernel(&w, c, tsc_khz);
	add_disks(&w, c);
	add_ports(&w, c);
	add_nets(&w, c);
	add_rest(&w, c);
	*argv = w.items;
	return arena_check(a, e);
}

enum vm_end qemu_judge(int wait_status, const char *last_words)
{
	if (WIFSIGNALED(wait_status))
		return VM_KILLED;
	if (WEXITSTATUS(wait_status))
		return VM_BROKEN;
	if (strstr(last_words, "Kernel panic"))
		return VM_PANICKED;
	if (strstr(last_words, "reboot: Power down") ||
	    strstr(last_words, "reboot: System halted") || !strstr(last_words, "reboot: "))
		return VM_POWERED_OFF;
	return VM_RESET;
}
