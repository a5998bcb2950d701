/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces, each made once, in a user namespace as a sandbox has it; ids that may be mapped. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

int64_t doctor_sysctl(const char *path)
{
	char text[32];
	int64_t value;

	if (io_read_at(AT_FDCWD, path, text, sizeof text) < 0 || text_parse_i64(text, &value) < 0)
		return -1;
	return value;
}

static int write_map(const char *path, uint32_t id, struct err *e)
{
	char text[CRED_MAP_LINE_BYTES];

	text_format(text, sizeof text, "0 %u 1", id);
	return io_write_at(AT_FDCWD, path, text) < 0 ? err_sys(e, "write %s", path) : 0;
}

int doctor_enter(const struct doctor *d, unsigned long types, struct err *e)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return err_sys(e, "make a user namespace");
	(void)io_write_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (write_map("/proc/self/uid_map", d->host.euid, e) < 0 ||
	    write_map("/proc/self/gid_map", d->host.egid, e) < 0)
		return -1;
	if (types && unshare((int)types) < 0)
		return err_sys(e, "make a namespace");
	if (types & CLONE_NEWNS && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make the mounts private");
	return 0;
}

int doctor_enter_pids(struct err *e)
{
	pid_t pid = fork();

	if (pid == 0)
		return 0;
	if (pid < 0)
		return err_sys(e, "make the first process of a pid namespace");
	(void)pid_reap(pid);
	_exit(0);
}

/* To be read before a user namespace is entered: a new one has limits of its own. */
static int64_t limit_of(const char *what)
{
	char path[64];

	text_format(path, sizeof path, "/proc/sys/user/max_%s_namespaces", what);
	return doctor_sysctl(path);
}

static void advise(struct doctor_result *r, const char *what, int64_t most, int errnum)
{
	if (most == 0)
		doctor_advise(r, "sysctl user.max_%s_namespaces=10000", what);
	else if (errnum == ENOSPC)
		doctor_advise(
			r,
			"sysctl user.max_%s_namespaces (now %lld) is used up, or namespaces are "
			"32 deep",
			what, (long long)most);
	else if (doctor_sysctl("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		doctor_advise(r, "sysctl kernel.unprivileged_userns_clone=1");
	else if (doctor_sysctl("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") > 0)
		doctor_advise(
			r, "an AppArmor profile with \"userns,\" for the path of husk, or sysctl "
			   "kernel.apparmor_restrict_unprivileged_userns=0");
	else if (errnum == ENOSYS || errnum == EINVAL)
		doctor_advise(r, "a kernel with this kind of namespace");
	else
		doctor_advise(r,
			      "something around this forbids it: a system call filter (podman and "
			      "docker: --security-opt seccomp=unconfined), a chroot, or SELinux");
}

/* Ubuntu lets the namespace be made and takes all rights in it away: so use one of them. */
void probe_user(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	int64_t most = limit_of("user");
	struct err e = { 0 };

	(void)argument;
	if (doctor_enter(d, 0, &e) == 0 && unshare(CLONE_NEWUTS) == 0 &&
	    sethostname("sandbox", strlen("sandbox")) == 0) {
		doctor_say(r, DOCTOR_OK, "made, mapped, and has rights in itself");
		return;
	}
	int errnum = errno;
	doctor_say(r, DOCTOR_MISSING, "%s",
		   *e.msg ? e.msg : "made, but without any rights in itself");
	advise(r, "user", most, errnum);
}

static const struct kind {
	unsigned long type;
	char sysctl[8];
} kinds[] = {
	{ CLONE_NEWNS, "mnt" },    { CLONE_NEWPID, "pid" }, { CLONE_NEWNET, "net" },
	{ CLONE_NEWIPC, "ipc" },   { CLONE_NEWUTS, "uts" }, { CLONE_NEWCGROUP, "cgroup" },
	{ CLONE_NEWTIME, "time" },
};

static int try_namespace(const struct doctor *d, unsigned long type, struct err *e)
{
	if (doctor_enter(d, type, e) < 0)
		return -1;
	if (type != CLONE_NEWPID)
		return 0;
	if (doctor_enter_pids(e) < 0)
		return -1;
	return getpid() == 1 ? 0 : err_set(e, ERR_SYSTEM, 0, "its first process is not number 1");
}

void probe_namespace(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	const struct kind *k = kinds;
	struct err e;

	while (k->type != argument)
		k++;
	int64_t most = limit_of(k->sysctl);
	if (try_namespace(d, k->type, &e) == 0) {
		doctor_say(r, DOCTOR_OK, "made");
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
	advise(r, k->sysctl, most, e.errnum);
}

/* ---- more than one id ---- */

static int try_tools(const struct doctor *d, pid_t pid, struct err *e)
{
	const struct host *h = &d->host;
	struct cred_id_map uids[2] = { { 0, h->euid, 1 }, h->subuids[0] };
	struct cred_id_map gids[2] = { { 0, h->egid, 1 }, h->subgids[0] };

	uids[1].id_container = gids[1].id_container = 1;
	if (cred_map_run_tool("newuidmap", pid, uids, 2, e) < 0)
		return -1;
	return cred_map_run_tool("newgidmap", pid, gids, 2, e);
}

static int try_maps(const struct doctor *d, struct err *e)
{
	pid_t pid = pid_start_idle(CLONE_NEWUSER);

	if (pid < 0)
		return err_sys(e, "make a user namespace");
	int result = try_tools(d, pid, e);
	pid_end(pid);
	return result;
}

void probe_maps(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	const struct host *h = &d->host;
	const char *user = getenv("USER");
	struct err e;

	(void)argument;
	if (h->initial_userns && host_has_cap(h, CAP_SETUID) && host_has_cap(h, CAP_SETGID)) {
		doctor_say(r, DOCTOR_OK, "this user may map any id");
		return;
	}
	if (!h->subuids_count || !h->subgids_count) {
		doctor_say(r, DOCTOR_MISSING, "no line in /etc/sub%cid for uid %u (%s)",
			   h->subuids_count ? 'g' : 'u', h->euid, user ? user : "USER is not set");
		doctor_advise(r,
			      "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
			      user ? user : "USER");
		return;
	}
	if (try_maps(d, &e) < 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
		doctor_advise(r, "install the package uidmap; newuidmap and newgidmap have to be "
				 "set-user-ID "
				 "root or have the capability, on a mount without nosuid");
		return;
	}
	doctor_say(r, DOCTOR_OK, "%u further uids and %u gids, mapped by newuidmap and newgidmap",
		   h->subuids[0].count, h->subgids[0].count);
}
