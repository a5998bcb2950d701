/* SPDX-License-Identifier: Apache-2.0 */
/* vm kernel, vm initramfs: what a machine boots. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/output.h"
#include "runtime/cli/vm.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/json/json-write.h"
#include "vm-shim/vm.h"

struct kernel_options {
	const char *format;
};

#define AT(member) offsetof(struct kernel_options, member)
static const struct option_row kernel_rows[] = {
	{ "format", 'f', OPTION_STRING, AT(format), "FORMAT", "list: text (default) or json" },
};
#undef AT

/* ---- list ---- */

static int print_json(const struct guest_kernel *list, size_t count, struct err *e)
{
	struct json_writer w;

	json_write_init(&w, true);
	json_write_array_begin(&w, NULL);
	for (size_t i = 0; i < count; i++) {
		json_write_object_begin(&w, NULL);
		json_write_string(&w, "version", list[i].version);
		json_write_string(&w, "image", list[i].image);
		json_write_string(&w, "modules", list[i].modules);
		json_write_u64(&w, "memoryBytesMin", list[i].memory_bytes_min);
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	return output_json(&w, e);
}

static int list_kernels(struct call *call, const struct kernel_options *o, struct err *e)
{
	struct guest_kernel *list, usual;
	size_t count;

	if (guest_kernel_list(call->arena, &list, &count, e) < 0)
		return -1;
	if (o->format && text_equal(o->format, "json"))
		return print_json(list, count, e);
	if (!count)
		return guest_kernel_find(NULL, call->arena, &usual, e);
	printf("%-32s %8s  %s\n", "VERSION", "MEMORY", "IMAGE");
	for (size_t i = 0; i < count; i++)
		printf("%-32s %7lluM  %s\n", list[i].version,
		       (unsigned long long)(list[i].memory_bytes_min >> 20), list[i].image);
	return 0;
}

/* ---- config ---- */

/* Debian's kernels have all of it. Lines that end with "m" may be "y" as well. */
static const char config[] =
	"# What husk needs of the kernel of a virtual machine, for "
	"scripts/kconfig/merge_config.sh.\n"
	"# the machine\n"
	"CONFIG_64BIT=y\nCONFIG_ACPI=y\nCONFIG_SERIAL_8250=y\nCONFIG_SERIAL_8250_CONSOLE=y\n"
	"CONFIG_HYPERVISOR_GUEST=y\nCONFIG_PARAVIRT=y\nCONFIG_KVM_GUEST=y\n"
	"CONFIG_BLK_DEV_INITRD=y\nCONFIG_DEVTMPFS=y\nCONFIG_TMPFS=y\nCONFIG_MODULES=y\n"
	"CONFIG_VIRTIO=m\nCONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_CONSOLE=m\nCONFIG_OVERLAY_FS=m\n"
	"# a root that the host shares\n"
	"CONFIG_FUSE_FS=m\nCONFIG_VIRTIO_FS=m\n"
	"# a root from an image\n"
	"CONFIG_VIRTIO_BLK=m\nCONFIG_EROFS_FS=m\nCONFIG_CRYPTO_CRC32C=y\n"
	"# a network, and memory that is given back\n"
	"CONFIG_VIRTIO_NET=m\nCONFIG_VIRTIO_BALLOON=m\n"
	"# sandboxes in it\n"
	"CONFIG_CGROUPS=y\nCONFIG_MEMCG=y\nCONFIG_CGROUP_PIDS=y\nCONFIG_CGROUP_SCHED=y\n"
	"CONFIG_CPUSETS=y\nCONFIG_BLK_CGROUP=y\nCONFIG_CGROUP_BPF=y\nCONFIG_NAMESPACES=y\n"
	"CONFIG_USER_NS=y\nCONFIG_PID_NS=y\nCONFIG_NET_NS=y\nCONFIG_IPC_NS=y\nCONFIG_UTS_NS=y\n"
	"CONFIG_TIME_NS=y\nCONFIG_SECCOMP=y\nCONFIG_SECCOMP_FILTER=y\n"
	"CONFIG_SECURITY_LANDLOCK=y\nCONFIG_UNIX98_PTYS=y\nCONFIG_POSIX_MQUEUE=y\n";

static int kernel_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct kernel_options *o = options;

	(void)argc;
	if (o->format && !text_equal(o->format, "json") && !text_equal(o->format, "text"))
		return err_set(e, ERR_USAGE, 0,
			       "vm kernel: --format \"%s\" is neither text nor json", o->format);
	if (text_equal(argv[0], "list"))
		return list_kernels(call, o, e);
	if (!text_equal(argv[0], "config"))
		return err_set(e, ERR_USAGE, 0, "vm kernel: \"%s\" is neither list nor config",
			       argv[0]);
	if (o->format)
		return err_set(e, ERR_USAGE, 0, "vm kernel config: --format is of list alone");
	return fwrite(config, 1, sizeof config - 1, stdout) == sizeof config - 1
		       ? 0
		       : err_sys(e, "write to standard output");
}

const struct verb verb_vm_kernel = {
	.name = "vm kernel",
	.arguments = "list|config",
	.about = "List kernels for machines, or say what one's own needs",
	.options = kernel_rows,
	.options_count = sizeof kernel_rows / sizeof *kernel_rows,
	.size = sizeof(struct kernel_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = kernel_run,
};

/* ---- initramfs ---- */

struct initramfs_options {
	const char *kernel;
	bool share, disk, net, balloon;
};

#define AT(member) offsetof(struct initramfs_options, member)
static const struct option_row initramfs_rows[] = {
	{ "kernel", 0, OPTION_STRING, AT(kernel), "FILE",
	  "for this kernel (default: the first one of \"vm kernel list\")" },
	{ "share", 0, OPTION_FLAG, AT(share), NULL, "the root is a directory of the host" },
	{ "disk", 0, OPTION_FLAG, AT(disk), NULL, "the root is an image" },
	{ "net", 0, OPTION_FLAG, AT(net), NULL, "with a network" },
	{ "balloon", 0, OPTION_FLAG, AT(balloon), NULL, "with memory that is given back" },
};
#undef AT

static int copy(int in, const char *path, struct err *e)
{
	struct stat st;
	CLEAN_FD int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (out < 0)
		return err_sys(e, "create %s", path);
	if (fstat(in, &st) < 0)
		return err_sys(e, "look at the initramfs");
	for (off_t at = 0; at < st.st_size;) {
		ssize_t n = sendfile(out, in, &at, (size_t)(st.st_size - at));
		if (n <= 0)
			return err_sys(e, "write %s", path);
	}
	return 0;
}

static int initramfs_run(struct call *call, const void *options, int argc, char **argv,
			 struct err *e)
{
	const struct initramfs_options *o = options;
	struct guest_kernel kernel;
	const struct guest_initramfs_options wanted = {
		.kernel = &kernel,
		.share = o->share,
		.disk = o->disk,
		.net = o->net,
		.balloon = o->balloon,
	};
	const char *path;

	(void)argc;
	if (!o->share && !o->disk)
		return err_set(e, ERR_USAGE, 0,
			       "vm initramfs: neither --share nor --disk says where the root "
			       "comes from");
	if (guest_kernel_find(o->kernel, call->arena, &kernel, e) < 0)
		return -1;
	CLEAN_FD int fd = guest_initramfs_open(&wanted, NULL, call->arena, &path, e);
	return fd < 0 ? -1 : copy(fd, argv[0], e);
}

const struct verb verb_vm_initramfs = {
	.name = "vm initramfs",
	.arguments = "FILE",
	.about = "Write what a machine's kernel starts with: husk, its libraries, modules",
	.options = initramfs_rows,
	.options_count = sizeof initramfs_rows / sizeof *initramfs_rows,
	.size = sizeof(struct initramfs_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = initramfs_run,
};
