/* SPDX-License-Identifier: Apache-2.0 */
/* "husk vm boot": a machine in the foreground. */
#include <stdio.h>
#include <string.h>

#include "runtime/cli/log.h"
#include "runtime/cli/vm.h"
#include "runtime/cli/vm-boot.h"
#include "src/base/text.h"

#define AT(member) offsetof(struct vm_options, member)

static const struct option_row rows[] = {
	{ "backend", 0, OPTION_STRING, AT(backend), "NAME",
	  "kvm (default), or qemu, which needs no KVM" },
	{ "balloon", 0, OPTION_FLAG, AT(balloon), NULL,
	  "the guest gives memory back that is free" },
	{ "boot-timeout", 0, OPTION_MSEC, AT(boot_timeout), "TIME",
	  "give up if no driver has taken a device by then" },
	{ "cmdline", 0, OPTION_STRING, AT(cmdline), "TEXT",
	  "for the kernel, behind what the machine needs" },
	{ "cpus", 0, OPTION_U32, AT(cpus), "N", "processors (1)" },
	{ "disk", 0, OPTION_STRINGS, AT(disks), "FILE",
	  "a raw image or block device, read-only with \":ro\"; repeatable" },
	{ "initrd", 0, OPTION_STRING, AT(initrd), "FILE", "initial file system" },
	{ "kernel", 0, OPTION_STRING, AT(kernel), "FILE", "bzImage, or ELF file with PVH entry" },
	{ "memory", 0, OPTION_BYTES, AT(memory), "SIZE", "of the machine (256M)" },
	{ "net", 0, OPTION_STRING, AT(net), "NET",
	  "network device: tap:NAME, or stream:SOCKET of passt" },
	{ "port", 0, OPTION_STRINGS, AT(ports), "PORT",
	  "NAME=SOCKET: a virtio port, connected to a unix socket; repeatable" },
	{ "share", 0, OPTION_STRING, AT(share), "SHARE",
	  "TAG=SOCKET: a directory, by the socket of a virtiofsd" },
	{ "verbose", 0, OPTION_FLAG, AT(verbose), NULL,
	  "all messages of the kernel, and how often the machine was left" },
};

/* How the other ends are told by husk's exit status. */
static const uint8_t statuses[] = {
	[VM_POWERED_OFF] = 0,  [VM_RESET] = 3,  [VM_TRIPLE_FAULT] = 4, [VM_PANICKED] = 5,
	[VM_BOOT_TIMEOUT] = 6, [VM_BROKEN] = 7, [VM_KILLED] = 8,
};

/* The line that says why the kernel stopped; the rest was on its console. */
static const char *panic_line(struct vm_report *r)
{
	char *line = strstr(r->last_words, "Kernel panic");

	if (!line)
		return "";
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static void explain(struct vm_report *r, struct err *e)
{
	const char *name = vm_end_name(r->end);

	switch (r->end) {
	case VM_RESET:
		err_set(e, ERR_STATE, 0, "%s: the guest asked for a restart", name);
		break;
	case VM_TRIPLE_FAULT:
		err_set(e, ERR_STATE, 0,
			"%s: the guest's processor could not go on (the kernel is broken, or has "
			"too "
			"little memory)",
			name);
		break;
	case VM_PANICKED:
		err_set(e, ERR_STATE, 0, "%s: %s", name, panic_line(r));
		break;
	case VM_BOOT_TIMEOUT:
		err_set(e, ERR_STATE, 0,
			"%s: no driver has taken a device (--verbose shows how far the kernel "
			"came; its "
			"initramfs has to load virtio_mmio)",
			name);
		break;
	case VM_BROKEN:
		*e = r->error;
		err_prefix(e, "%s", name);
		break;
	default:
		err_set(e, ERR_STATE, 0, "%s", name);
	}
}

static int finish(const struct vm_backend *b, struct vm_report *r, int signal_sent, bool verbose)
{
	struct err e = { 0 };

	if (verbose && b->can & VM_CAN_COUNT_EXITS)
		fprintf(stderr, "husk: %s, left %llu times to the monitor, %llu times in all\n",
			vm_end_name(r->end), (unsigned long long)r->exits_user,
			(unsigned long long)r->exits_total);
	if (r->end == VM_POWERED_OFF)
		return 0;
	if (r->end == VM_KILLED && signal_sent)
		return 128 + signal_sent;
	explain(r, &e);
	err_prefix(&e, "vm boot");
	log_error(&e);
	return statuses[r->end];
}

static int boot(struct call *call, const struct vm_options *o, struct err *e)
{
	const struct vm_backend *b = vm_backend_find(o->backend ? o->backend : "kvm");
	static struct vm_report report;
	struct vm_config c;
	int signal_sent = 0;

	if (!b)
		return err_set(e, ERR_USAGE, 0, "vm boot: --backend: \"%s\" is none of kvm, qemu",
			       o->backend);
	if (!o->kernel)
		return err_set(e, ERR_USAGE, 0, "vm boot: --kernel FILE is needed");
	if (vm_open(o, call->arena, &c, e) < 0 || vm_config_check(&c, e) < 0)
		return err_prefix(e, "vm boot");
	if (b->usable(e) < 0) {
		err_prefix(e, "vm boot");
		return b == &vm_backend_kvm
			       ? err_append(e, " (--backend qemu runs without it, slowly)")
			       : -1;
	}
	if (vm_run(b, &c, &report, &signal_sent, e) < 0)
		return err_prefix(e, "vm boot");
	if (report.end < VM_POWERED_OFF || report.end > VM_KILLED)
		return err_set(e, ERR_PROTOCOL, 0, "vm boot: the monitor's report makes no sense");
	return finish(b, &report, signal_sent, o->verbose);
}

static int boot_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	(void)argc;
	(void)argv;
	return boot(call, options, e);
}

const struct verb verb_vm_boot = {
	.name = "vm boot",
	.arguments = "--kernel FILE",
	.about = "Run a virtual machine until it powers off",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct vm_options),
	.run = boot_verb,
};
