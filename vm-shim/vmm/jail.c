/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-caps.h"
#include "src/lsm/lsm-landlock.h"

/* The user to whom nothing belongs. */
#define NOBODY 65534u

static int write_map(const char *path, unsigned id, struct err *e)
{
	char text[48];

	text_format(text, sizeof text, "%u %u 1", id, id);
	return io_write_at(AT_FDCWD, path, text) < 0 ? err_sys(e, "jail: write %s", path) : 0;
}

/* 1: in a user namespace of one user and one group. 0: there are none here. */
static int enter_user(unsigned uid, unsigned gid, struct err *e)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return errno == EPERM || errno == ENOSPC || errno == EINVAL || errno == EACCES
			       ? 0
			       : err_sys(e, "jail: make a user namespace");
	/* /proc/self belongs to root while a process is not dumpable. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (io_write_at(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 && errno != ENOENT)
		return err_sys(e, "jail: write /proc/self/setgroups");
	if (write_map("/proc/self/uid_map", uid, e) < 0 ||
	    write_map("/proc/self/gid_map", gid, e) < 0)
		return -1;
	return 1;
}

/* An empty directory that nobody can write, as the root; of the others nothing stays mounted. */
static int enter_nothing(struct err *e)
{
	static const char *const places[] = { "/tmp", "/var", "/dev", "/proc" };
	bool mounted = false;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "jail: make mounts private");
	for (size_t i = 0; !mounted && i < sizeof places / sizeof *places; i++)
		mounted = mount("jail", places[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
				"size=4096,nr_inodes=2,mode=555") == 0 &&
			  chdir(places[i]) == 0;
	if (!mounted)
		return err_sys(e, "jail: mount an empty directory");
	if (kernel_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "jail: change the root");
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_sys(e, "jail: make the root read-only");
	return 0;
}

static int drop_rights(struct err *e)
{
	static const struct cred_caps none;

	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EINVAL)
			break;
	if (cred_caps_clear_ambient(e) < 0 || cred_caps_set(&none, e) < 0)
		return err_prefix(e, "jail");
	return 0;
}

static int forbid_files(struct err *e)
{
	int version = lsm_landlock_version();

	if (!version)
		return 0;
	CLEAN_FD int rules = lsm_landlock_create(version, e);
	return rules < 0 || lsm_landlock_restrict(rules, e) < 0 ? err_prefix(e, "jail") : 1;
}

/* Namespaces, as root or in a user namespace. 1: made. 0: not possible here. */
static int enter_namespaces(bool root, bool user, struct err *e)
{
	if (!root && !user)
		return 0;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return err_sys(e, "jail: make namespaces");
	return enter_nothing(e) < 0 ? -1 : 1;
}

static int become_nobody(struct err *e)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return err_sys(e, "jail: become nobody");
	return 0;
}

int jail_enter(struct err *e)
{
	bool root = geteuid() == 0;
	unsigned uid = root ? NOBODY : geteuid(), gid = root ? NOBODY : getegid();
	int death = 0;
	pid_t parent = getppid();

	(void)prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
		return err_sys(e, "jail: forbid core files");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "jail: set no_new_privs");
	/* Half way, so that there is a way back where user namespaces are not to be had. */
	if (root && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		     setresuid(NOBODY, NOBODY, 0) < 0))
		return err_sys(e, "jail: change user and groups");
	int user = enter_user(uid, gid, e);
	if (user < 0)
		return -1;
	if (root && !user && setresuid(0, 0, 0) < 0)
		return err_sys(e, "jail: become root again");
	int apart = enter_namespaces(root, user, e);
	if (apart < 0 || (root && become_nobody(e) < 0) || drop_rights(e) < 0)
		return -1;
	int forbidden = forbid_files(e);
	if (forbidden < 0)
		return -1;
	if (!apart && !forbidden)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "jail: this user may make no user namespace, and the kernel has no "
			       "Landlock: "
			       "one of the two is needed");
	/* A change of user has taken it away. The parent may have died in between. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    (death && prctl(PR_SET_PDEATHSIG, (unsigned long)death, 0, 0, 0) < 0))
		return err_sys(e, "jail: set process attributes");
	if (death && getppid() != parent)
		(void)raise(death);
	return 0;
}
