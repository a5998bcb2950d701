/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's first process, from its first instruction to a usable system. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/net/net-loopback.h"
#include "vm-shim/guest/boot.h"
#include "vm-shim/guest/guest-parts.h"

#define CMDLINE_MAX 4096
#define LIST_MAX    8192

/* <linux/magic.h> of some libcs lacks it. */
#define RAMFS_MAGIC_NUMBER 0x858458f6

/* <linux/module.h>: Linux 5.17. */
#define MODULE_COMPRESSED 4

bool guest_is_init(void)
{
	struct statfs st;

	/* Pid 1 of a container in a guest of husk has another root. */
	return getpid() == 1 && access(GUEST_MARK_FILE, F_OK) == 0 && statfs("/", &st) == 0 &&
	       (st.f_type == RAMFS_MAGIC_NUMBER || st.f_type == KERNEL_TMPFS_MAGIC);
}

_Noreturn void guest_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	/* A machine that has no such switch: its monitor takes a reset for the end as well. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int boot_mount(const char *source, const char *target, const char *type, unsigned long flags,
	       const char *options, struct err *e)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "create %s", target);
	if (mount(source, target, type, flags, options) < 0)
		return err_sys(e, "mount %s on %s", type ? type : source, target);
	return 0;
}

static int mount_kernel_files(struct err *e)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (boot_mount("proc", "/proc", "proc", safe, NULL, e) < 0 ||
	    boot_mount("sysfs", "/sys", "sysfs", safe, NULL, e) < 0 ||
	    boot_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755", e) < 0)
		return -1;
	return 0;
}

static int mount_rest(struct err *e)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (boot_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		       "gid=5,mode=0620,ptmxmode=0666", e) < 0 ||
	    boot_mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777", e) < 0 ||
	    boot_mount("cgroup2", "/sys/fs/cgroup", "cgroup2", safe, "nsdelegate", e) < 0)
		return -1;
	/* devtmpfs has the node of the kernel's own instance, which is no terminal of ours. */
	(void)unlink("/dev/ptmx");
	(void)symlink("pts/ptmx", "/dev/ptmx");
	(void)symlink("/proc/self/fd", "/dev/fd");
	(void)symlink("fd/0", "/dev/stdin");
	(void)symlink("fd/1", "/dev/stdout");
	(void)symlink("fd/2", "/dev/stderr");
	return 0;
}

int guest_enable_controllers(const char *group, struct err *e)
{
	char path[256], list[256], wanted[300];
	size_t used = 0;

	text_format(path, sizeof path, "%s/cgroup.controllers", group);
	if (io_read_at(AT_FDCWD, path, list, sizeof list) < 0)
		return err_sys(e, "read %s", path);
	char *rest = list;
	for (char *name; (name = strsep(&rest, " "));) {
		if (*name)
			used += text_format(wanted + used, sizeof wanted - used, "+%s ", name);
	}
	text_format(path, sizeof path, "%s/cgroup.subtree_control", group);
	if (used && io_write_at(AT_FDCWD, path, wanted) < 0)
		return err_sys(e, "write %sto %s", wanted, path);
	return 0;
}

/* ---- modules ---- */

static int load_module(const char *path, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	int flags = text_ends(path, ".ko") ? 0 : MODULE_COMPRESSED;

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (syscall(SYS_finit_module, fd, "", flags) < 0 && errno != EEXIST)
		return flags && errno == EINVAL
			       ? err_sys(e,
					 "load %s (this kernel cannot unpack it: install xz or "
					 "zstd on the host)",
					 path)
			       : err_sys(e, "load %s", path);
	/* Its memory is of no more use. */
	(void)unlink(path);
	return 0;
}

static int load_modules(struct err *e)
{
	char list[LIST_MAX], path[512];

	if (io_read_at(AT_FDCWD, GUEST_MODULES_LIST, list, sizeof list) < 0)
		return err_sys(e, "read " GUEST_MODULES_LIST);
	char *rest = list;
	for (char *name; (name = strsep(&rest, "\n"));) {
		if (!*name)
			continue;
		text_format(path, sizeof path, GUEST_MODULES "/%s", name);
		if (load_module(path, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- the command line ---- */

/* The text behind @name= in @cmdline, copied to @out; false: there is none. */
static bool cmdline_value(const char *cmdline, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	while (*cmdline) {
		size_t word = strcspn(cmdline, " \n");
		if (word > length && strncmp(cmdline, name, length) == 0 &&
		    cmdline[length] == '=' && word - length - 1 < size) {
			text_format(out, size, "%.*s", (int)(word - length - 1),
				    cmdline + length + 1);
			return true;
		}
		cmdline += word + (cmdline[word] != 0);
	}
	return false;
}

static bool cmdline_word(const char *cmdline, const char *wanted)
{
	size_t length = strlen(wanted);

	while (*cmdline) {
		size_t word = strcspn(cmdline, " \n");
		if (word == length && strncmp(cmdline, wanted, length) == 0)
			return true;
		cmdline += word + (cmdline[word] != 0);
	}
	return false;
}

/* ---- all of it ---- */

int guest_boot(int *control, int *data, struct err *e)
{
	char cmdline[CMDLINE_MAX], root[256];

	*control = *data = -1;
	if (mount_kernel_files(e) < 0)
		return -1;
	if (io_read_at(AT_FDCWD, "/proc/cmdline", cmdline, sizeof cmdline) < 0)
		return err_sys(e, "read /proc/cmdline");
	if (!cmdline_word(cmdline, GUEST_CMDLINE_MARK))
		return err_config(e, "the kernel's command line is without \"" GUEST_CMDLINE_MARK
				     "\"");
	/* Only what the kernel says at its end; a console costs the host two exits per byte. */
	if (cmdline_word(cmdline, "quiet") && klogctl(8, NULL, 1) < 0)
		return err_sys(e, "silence the console");
	/* First the ports: what fails from here on the host is told. */
	if (load_modules(e) < 0 || boot_ports(control, data, e) < 0)
		return -1;
	if (!cmdline_value(cmdline, "husk.root", root, sizeof root))
		return err_config(e, "the kernel's command line is without husk.root=");
	if (boot_root(root, e) < 0 || mount_rest(e) < 0 ||
	    guest_enable_controllers("/sys/fs/cgroup", e) < 0)
		return -1;
	return net_loopback_up(e);
}
