/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan/plan-host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/cred/cred-ids.h"
#include "src/lsm/lsm-apparmor.h"
#include "src/lsm/lsm-landlock.h"
#include "src/lsm/lsm-selinux.h"

/* Inode of the initial user namespace in nsfs (PROC_USER_INIT_INO, include/linux/proc_ns.h). */
#define INITIAL_USERNS_INODE 0xEFFFFFFDu

bool host_has_cap(const struct host *h, unsigned cap)
{
	return h->caps.effective >> cap & 1;
}

bool host_can_clone_mounts(const struct host *h)
{
	return h->mounts_owned && host_has_cap(h, CAP_SYS_ADMIN);
}

#define SUBIDS_MAX 16

/* A user without entries, or without a name, maps its own id alone. */
static int read_subids(const char *path, const char *name, uid_t uid, struct arena *a,
		       struct cred_id_map **maps, size_t *count, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	int found;

	*count = 0;
	if (fd < 0)
		return 0;
	*maps = arena_new_array(a, SUBIDS_MAX, struct cred_id_map);
	if (!*maps)
		return arena_check(a, e);
	found = cred_subids_read(fd, name, uid, *maps, SUBIDS_MAX, e);
	if (found < 0)
		return -1;
	*count = (size_t)found;
	return 0;
}

static int read_all_subids(struct arena *a, struct host *h, struct err *e)
{
	/* Only a hint at which lines are ours: newuidmap(1) decides. No name service is asked. */
	const char *name = getenv("USER");

	if (!name)
		name = "";

	if (read_subids("/etc/subuid", name, h->euid, a, &h->subuids, &h->subuids_count, e) < 0)
		return -1;
	return read_subids("/etc/subgid", name, h->euid, a, &h->subgids, &h->subgids_count, e);
}

/* The kernel names an owner only where that is the caller's user namespace or one below it:
 * otherwise EPERM (ioctl_nsfs(2)). */
static bool owns_mounts(int procfd)
{
	CLEAN_FD int mounts = openat(procfd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int owner = mounts < 0 ? -1 : ioctl(mounts, NS_GET_USERNS);

	return owner >= 0;
}

int host_read(unsigned wanted, struct arena *a, struct host *h, struct err *e)
{
	struct stat st;

	*h = (struct host){ .euid = pid_own_euid(), .egid = pid_own_egid() };
	CLEAN_FD int procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (procfd < 0)
		return err_sys(e, "open /proc");
	if (fstatat(procfd, "self/ns/user", &st, 0) < 0)
		return err_sys(e, "stat /proc/self/ns/user");
	h->initial_userns = st.st_ino == INITIAL_USERNS_INODE;
	h->mounts_owned = h->initial_userns || owns_mounts(procfd);
	if (cred_status_read(procfd, &h->caps, &h->ignored_signals, e) < 0)
		return -1;
	h->caps_known = h->caps.bounding | h->caps.permitted;
	if (wanted & HOST_CAPS_KNOWN && cred_caps_known(procfd, &h->caps_known, e) < 0)
		return -1;
	if (!h->initial_userns) {
		int denied = cred_groups_denied(procfd, e);
		if (denied < 0)
			return -1;
		h->setgroups_denied = denied > 0;
	}
	if (wanted & HOST_LSM) {
		CLEAN_FD int sysfd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
		h->apparmor = sysfd >= 0 && lsm_apparmor_enabled(sysfd) > 0;
		h->selinux = sysfd >= 0 && lsm_selinux_enabled(sysfd) > 0;
	}
	if (wanted & HOST_LANDLOCK)
		h->landlock = lsm_landlock_version();
	if (wanted & HOST_SUBIDS && read_all_subids(a, h, e) < 0)
		return -1;
	return wanted & HOST_CGROUPS ? cgroup_host_read(a, &h->cgroup, e) : 0;
}
