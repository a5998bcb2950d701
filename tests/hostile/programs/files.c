/* SPDX-License-Identifier: Apache-2.0 */
/* Files: too large, too many, too much output, and those of others. */
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/hostile/programs/hostile.h"

static char data[1 << 16];

/* One large file. */
static int file_bomb(void)
{
	int fd = open(name_in("/tmp", "large"), O_WRONLY | O_CREAT, 0600);

	for (size_t sum = 0; sum < 600u << 20;) {
		ssize_t n = write(fd, data, sizeof data);
		if (n <= 0)
			return 3;
		sum += (size_t)n;
	}
	got_through("600 MiB");
	return 1;
}

static int many_in(const char *directory)
{
	char name[32];

	mkdir(name_in(directory, "many"), 0700);
	if (chdir(name_in(directory, "many")) < 0)
		return 3;
	for (int i = 0; i < 200000; i++) {
		snprintf(name, sizeof name, "%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0)
			return 3;
		close(fd);
	}
	got_through("200000 files in %s", directory);
	return 1;
}

static int inode_bomb(void)
{
	return many_in("/tmp");
}

static int inode_bomb_dev(void)
{
	return many_in("/dev");
}

/* A tree that paths cannot name. */
static int deep_bomb(void)
{
	if (chdir("/tmp") < 0)
		return 3;
	for (int i = 0; i < 200000; i++) {
		if (mkdir("directory", 0700) < 0 || chdir("directory") < 0)
			return 3;
	}
	got_through("200000 directories");
	return 1;
}

static int descriptor_bomb(void)
{
	for (int i = 0; i < 2000000; i++) {
		if (open("/dev/null", O_RDONLY) < 0)
			return 3;
	}
	got_through("2000000 descriptors");
	return 1;
}

static _Noreturn void flood(int fd)
{
	memset(data, 'x', sizeof data);
	for (;;)
		(void)!write(fd, data, sizeof data);
}

static int output_flood(void)
{
	flood(1);
}

static int error_flood(void)
{
	flood(2);
}

/* By a descriptor that was opened anew, with the largest pipe. */
static int reopened_flood(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY);

	if (fd < 0)
		return 3;
	fcntl(fd, F_SETPIPE_SZ, 1 << 20);
	flood(fd);
}

/* Without a write(2). */
static int spliced_flood(void)
{
	struct iovec all = { data, sizeof data };

	for (;;) {
		if (vmsplice(1, &all, 1, 0) < 0)
			flood(1);
	}
}

static int sent_flood(void)
{
	int fd = memfd_create("flood", 0);
	off_t at = 0;

	for (int i = 0; i < 64; i++)
		(void)!write(fd, data, sizeof data);
	for (;; at = 0) {
		if (sendfile(1, fd, &at, 4 << 20) < 0)
			flood(1);
	}
}

/* Not a byte too much of it, and then the program is content. */
static _Noreturn int slow_flood(void)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	for (;;) {
		(void)!write(1, data, 100);
		nanosleep(&nap, NULL);
	}
}

static void write_to(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	int fd = open(path, O_WRONLY | O_APPEND);
	/* Devices like "null" may be opened. */
	if (fd >= 0 && !S_ISCHR(st.st_mode))
		got_through("opened %s", path);
	if (fd >= 0)
		close(fd);
}

/* The victim: a file in the working directory, that is the caller's. */
static int write_victim(void)
{
	char path[256], other[256];
	struct timeval times[2] = { { 1, 1 }, { 1, 1 } };

	snprintf(path, sizeof path, "%s-victim", mark);
	snprintf(other, sizeof other, "%s-other", mark);
	if (access(path, R_OK) < 0) {
		got_through("%s cannot be read: nothing was tried", path);
		return 1;
	}
	int fd = open(path, O_RDONLY);
	REFUSED(open(path, O_WRONLY));
	REFUSED(open(path, O_RDONLY | O_TRUNC));
	REFUSED(truncate(path, 0));
	REFUSED(chmod(path, 0777));
	REFUSED(fchmod(fd, 0777));
	REFUSED(chown(path, getuid(), getgid()));
	REFUSED(utimes(path, times));
	REFUSED(futimes(fd, times));
	REFUSED(unlink(path));
	REFUSED(rename(path, other));
	REFUSED(link(path, other));
	REFUSED(link(path, "/tmp/other"));
	REFUSED(symlink(path, other));
	REFUSED(mkdir(other, 0700));
	REFUSED(mknod(other, S_IFIFO | 0600, 0));
	REFUSED(setxattr(path, "user.x", "y", 1, 0));
	REFUSED(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	REFUSED(fallocate(fd, 0, 0, 100));
	snprintf(other, sizeof other, "/proc/self/fd/%d", fd);
	REFUSED(open(other, O_WRONLY));
	REFUSED(open(".", O_WRONLY | O_TMPFILE, 0600));
	return through;
}

/* What stands in the way in /proc, /sys, /dev and /etc, or is to be seen there. */
static int pry(void)
{
	static const char *const written[] = {
		"/etc/passwd", "/etc/ld.so.cache", "/usr/bin/env", "/proc/sysrq-trigger",
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/overcommit_memory",
		"/proc/sys/kernel/hostname", "/proc/sys/fs/binfmt_misc/register", "/proc/sys/net/ipv4/ip_forward",
		"/proc/irq/0/smp_affinity", "/proc/self/oom_score_adj", "/proc/1/oom_score_adj",
		"/proc/self/uid_map", "/proc/self/setgroups", "/proc/self/timens_offsets",
		"/proc/self/attr/current", "/proc/mtrr", "/proc/acpi/wakeup", "/proc/scsi/scsi", "/proc/bus/pci/00/00.0",
		"/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs", "/sys/kernel/mm/ksm/run",
		"/sys/fs/cgroup/memory/tasks", "/sys/kernel/security/apparmor/profiles",
	};
	static const char *const read_by_root[] = {
		"/proc/kcore", "/proc/kmsg", "/proc/timer_list", "/proc/sched_debug", "/proc/slabinfo", "/proc/vmallocinfo",
		"/proc/kpagecount", "/proc/iomem", "/proc/latency_stats", "/dev/mem", "/dev/kmsg", "/dev/port",
		"/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/console", "/dev/tty0", "/dev/input/event0",
		"/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/etc/sudoers",
		"/sys/firmware/dmi/tables/DMI", "/sys/kernel/debug/x86", "/sys/kernel/tracing/trace",
		"/root/.ssh/authorized_keys", "/var/lib/dpkg/lock", "/run/systemd/private", "/run/docker.sock", "/var/run/docker.sock",
	};
	char line[256];

	for (int fd = 3; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			got_through("descriptor %d is open", fd);
	}
	for (size_t i = 0; i < sizeof written / sizeof *written; i++)
		write_to(written[i]);
	for (size_t i = 0; i < sizeof read_by_root / sizeof *read_by_root; i++) {
		int fd = open(read_by_root[i], O_RDONLY | O_NONBLOCK);
		ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line);
		/* Addresses of memory are zeros to those who may not know them. */
		if (n > 0 && !(strstr(read_by_root[i], "iomem") && strstr(line, "00000000-00000000")))
			got_through("read %s", read_by_root[i]);
	}
	/* Where the kernel is: zeros. */
	FILE *symbols = fopen("/proc/kallsyms", "r");
	if (symbols && fgets(line, sizeof line, symbols) && strncmp(line, "0000000000000000", 16) != 0)
		got_through("addresses of the kernel");
	DIR *processes = opendir("/proc");
	for (struct dirent *d; processes && (d = readdir(processes));) {
		if (atoi(d->d_name) > 1 && atoi(d->d_name) != getpid())
			got_through("process %s is seen", d->d_name);
	}
	return through;
}

static void look_outside(const char *name)
{
	struct stat here, there;
	char path[512];

	if (stat("/", &here) < 0 || stat(name, &there) < 0)
		return;
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		got_through("%s is another root", name);
	snprintf(path, sizeof path, "%s/var/lib/dpkg/status", name);
	if (access(path, F_OK) == 0)
		got_through("%s is there", path);
}

/* Out of the root. */
static int leave_root(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle = { .head.handle_bytes = 128 };
	char up[400] = "";
	int mount_id;

	int root = open("/", O_RDONLY | O_DIRECTORY);
	REFUSED(chroot("/tmp"));
	for (int i = 0; i < 100; i++)
		strcat(up, "../");
	look_outside(up);
	if (fchdir(root) == 0 && chdir(up) == 0)
		look_outside(".");
	/* Names that no path is needed for. 2 is what ext4 has as its root. */
	if (name_to_handle_at(AT_FDCWD, "/usr", &handle.head, &mount_id, 0) == 0) {
		REFUSED(open_by_handle_at(root, &handle.head, O_RDONLY));
		int usr = open("/usr", O_RDONLY);
		memset(handle.bytes, 0, sizeof handle.bytes);
		handle.bytes[0] = 2;
		REFUSED(open_by_handle_at(usr, &handle.head, O_RDONLY));
	}
	/* Who is in another root than its directory. */
	look_outside("/proc/1/root");
	look_outside("/proc/self/root");
	look_outside("/proc/self/task/1/root");
	return through;
}

static int make_devices(void)
{
	REFUSED(mknod(name_in("/tmp", "sda"), S_IFBLK | 0600, makedev(8, 0)));
	REFUSED(mknod(name_in("/tmp", "mem"), S_IFCHR | 0600, makedev(1, 1)));
	REFUSED(mknod(name_in("/dev", "kmsg"), S_IFCHR | 0600, makedev(1, 11)));
	/* And a program that would be somebody else. */
	const char *copy = name_in("/tmp", "setuid");
	int fd = open(copy, O_WRONLY | O_CREAT, 0700);
	if (fd >= 0) {
		fchmod(fd, 06755);
		if (fchown(fd, 1, 1) == 0)
			got_through("a file was given away");
		close(fd);
	}
	/* Keys that would be seen by others. */
	REFUSED(ioctl(0, TIOCSTI, "x"));
	REFUSED(ioctl(0, TIOCSTI + 0x100000000ul, "x"));
	REFUSED(ioctl(0, TIOCLINUX, "\3"));
	REFUSED(ioctl(0, TIOCSCTTY, 1));
	REFUSED(open("/dev/tty", O_RDWR));
	return through;
}

/* The sockets that need no file. */
static int abstract_sockets(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", mark);
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(mark));
	REFUSED(connect(fd, (struct sockaddr *)&address, length));
	/* It is free here, because it is another one. */
	if (bind(fd, (struct sockaddr *)&address, length) < 0)
		got_through("the name is known here");
	FILE *list = fopen("/proc/net/unix", "r");
	char line[512];
	while (list && fgets(line, sizeof line, list)) {
		if (strchr(line, '@') && !strstr(line, mark))
			got_through("a socket is seen: %s", line);
	}
	return through;
}

const struct attack file_attacks[] = {
	{ "file-bomb", file_bomb },
	{ "inode-bomb", inode_bomb },
	{ "inode-bomb-dev", inode_bomb_dev },
	{ "deep-bomb", deep_bomb },
	{ "descriptor-bomb", descriptor_bomb },
	{ "output-flood", output_flood },
	{ "error-flood", error_flood },
	{ "reopened-flood", reopened_flood },
	{ "spliced-flood", spliced_flood },
	{ "sent-flood", sent_flood },
	{ "slow-flood", slow_flood },
	{ "write-victim", write_victim },
	{ "pry", pry },
	{ "leave-root", leave_root },
	{ "make-devices", make_devices },
	{ "abstract-sockets", abstract_sockets },
	{ NULL, NULL },
};
