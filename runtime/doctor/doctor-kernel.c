/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, and the walls around a program that need no namespace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/lsm/lsm-landlock.h"
#include "src/seccomp/seccomp-install.h"
#include "src/seccomp/seccomp-listen.h"

#define OLDEST_MAJOR 5
#define OLDEST_MINOR 14

/* What husk assumes of a kernel without another look; single calls are tried below. */
void probe_version(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct utsname u;
	unsigned long major = 0, minor = 0;

	(void)d;
	(void)argument;
	if (uname(&u) < 0) {
		doctor_say(r, DOCTOR_MISSING, "uname: %s", text_errno(errno));
		return;
	}
	for (const char *c = u.release; *c >= '0' && *c <= '9'; c++)
		major = major * 10 + (unsigned long)(*c - '0');
	const char *dot = strchr(u.release, '.');
	for (const char *c = dot ? dot + 1 : ""; *c >= '0' && *c <= '9'; c++)
		minor = minor * 10 + (unsigned long)(*c - '0');
	bool old = major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
	doctor_say(r, old ? DOCTOR_LIMITED : DOCTOR_OK, "%s %s", u.release, u.machine);
	if (old)
		doctor_advise(r, "husk is made for Linux %d.%d or newer; expect refusals",
			      OLDEST_MAJOR, OLDEST_MINOR);
}

static int try_clone3(struct err *e)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t pid = kernel_clone3(&args);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return err_sys(e, "clone3");
	(void)pid_reap(pid);
	return 0;
}

static int try_openat2(struct err *e)
{
	CLEAN_FD int fd = path_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

	return fd < 0 ? err_sys(e, "openat2 with RESOLVE_IN_ROOT") : 0;
}

static int try_pidfd(struct err *e)
{
	CLEAN_FD int fd = kernel_pidfd_open(getpid(), 0);

	if (fd < 0)
		return err_sys(e, "pidfd_open");
	return kernel_pidfd_send_signal(fd, 0) < 0 ? err_sys(e, "pidfd_send_signal") : 0;
}

void probe_call(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct err e;
	int result = argument == CALL_CLONE3    ? try_clone3(&e)
		     : argument == CALL_OPENAT2 ? try_openat2(&e)
						: try_pidfd(&e);

	(void)d;
	if (result == 0) {
		doctor_say(r, DOCTOR_OK, "works");
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
	doctor_advise(r,
		      "a newer kernel, or a looser system call filter of the container around this "
		      "(podman and docker: --security-opt seccomp=unconfined)");
}

/* As "husk learn" does: read the memory of one's own child. */
void probe_ptrace(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	static const char word[] = "found";
	char copy[sizeof word] = "";
	pid_t pid = pid_start_idle(0);

	(void)d;
	(void)argument;
	ssize_t n = pid < 0 ? -1 : seccomp_listen_read(pid, (uintptr_t)word, copy, sizeof copy);
	int saved = errno;
	if (pid > 0)
		pid_end(pid);
	if (n == (ssize_t)sizeof copy && text_equal(copy, word)) {
		doctor_say(r, DOCTOR_OK, "the memory of a child can be read");
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "read the memory of a child: %s", text_errno(saved));
	if (doctor_sysctl("/proc/sys/kernel/yama/ptrace_scope") > 1)
		doctor_advise(r, "sysctl kernel.yama.ptrace_scope=1");
	else
		doctor_advise(r, "a looser system call filter of the container around this");
}

static int no_new_privs(struct err *e)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_sys(e, "set no_new_privs") : 0;
}

static int install(unsigned flags, struct err *e)
{
	static const struct sock_filter allow[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return no_new_privs(e) < 0 ? -1 : seccomp_install(allow, 1, flags, e);
}

void probe_seccomp(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct err e;

	(void)d;
	(void)argument;
	if (install(0, &e) < 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
		doctor_advise(r, "a kernel with CONFIG_SECCOMP_FILTER");
		return;
	}
	doctor_say(r, DOCTOR_OK, "a filter can be installed");
}

void probe_notify(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	struct err e;

	(void)d;
	if (argument == NOTIFY_KILLABLE)
		flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	CLEAN_FD int listener = install(flags, &e);
	if (listener < 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
		doctor_advise(r, argument == NOTIFY_KILLABLE ? "Linux 5.19 or newer; without it a "
							       "signal interrupts a call that is "
							       "being decided"
							     : "not inside of another listener's "
							       "filter, and Linux 5.0 or newer");
		return;
	}
	if (argument == NOTIFY_SYNC && ioctl(listener, KERNEL_SECCOMP_NOTIF_SET_FLAGS,
					     KERNEL_SECCOMP_NOTIF_SYNC_WAKE_UP) < 0) {
		doctor_say(r, DOCTOR_MISSING, "set the flag: %s", text_errno(errno));
		doctor_advise(r, "Linux 6.6 or newer; without it learning works, ten times slower");
		return;
	}
	doctor_say(r, DOCTOR_OK, "works");
}

/* Which kernel knows which version is in the kernel's userspace-api/landlock.rst. */
static void judge_landlock(int version, struct doctor_result *r)
{
	static const char lacks[][64] = {
		"",
		"moving files between directories",
		"truncating files",
		"TCP ports",
		"requests to devices",
		"signals and abstract sockets outside",
	};

	if (version >= 6) {
		doctor_say(r, DOCTOR_OK, "version %d, in force", version);
		return;
	}
	doctor_say(r, DOCTOR_LIMITED, "version %d, in force; it knows nothing of %s", version,
		   lacks[version]);
	doctor_advise(r, "Linux 6.12 or newer has version 6");
}

void probe_landlock(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	int version = d->host.landlock;
	struct err e;

	(void)argument;
	if (!version) {
		doctor_say(r, DOCTOR_MISSING, "the kernel has none, or it is not enabled");
		doctor_advise(r,
			      "boot with lsm=landlock,... where CONFIG_SECURITY_LANDLOCK is set; "
			      "without it the mounts are the only wall around files");
		return;
	}
	CLEAN_FD int rules = lsm_landlock_create(version, &e);
	if (rules < 0 || no_new_privs(&e) < 0 || lsm_landlock_restrict(rules, &e) < 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
		return;
	}
	CLEAN_FD int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		doctor_say(r, DOCTOR_MISSING, "rules were taken, and then nothing was refused");
	else
		judge_landlock(version, r);
}
