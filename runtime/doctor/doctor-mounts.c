/* SPDX-License-Identifier: Apache-2.0 */
/* File systems and mounts, in a mount namespace that ends with the trial. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/mount/mount.h"

#define PLACE "/tmp" /* of the trial's own namespace: what is there on every host */

static void result(struct doctor_result *r, int failed, const struct err *e, const char *good)
{
	if (failed < 0)
		doctor_say(r, DOCTOR_MISSING, "%s", e->msg);
	else
		doctor_say(r, DOCTOR_OK, "%s", good);
}

/* What a read-only view of the system is made of: a copy, its attributes, its place. */
static int try_api(const struct doctor *d, struct err *e)
{
	struct mount_attrs attrs = { .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, .userns = -1 };

	if (doctor_enter(d, CLONE_NEWNS, e) < 0)
		return -1;
	CLEAN_FD int target = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return err_sys(e, "open %s", PLACE);
	CLEAN_FD int tree = mount_tree_clone(AT_FDCWD, "/", MOUNT_TREE_RECURSIVE, e);
	if (tree < 0 || mount_attrs_apply(tree, &attrs, true, "/", e) < 0 ||
	    mount_attach(tree, target, PLACE, e) < 0)
		return -1;
	CLEAN_FD int memory = mount_tmpfs_detached("0755", 0, true, e);
	return memory < 0 ? -1 : 0;
}

void probe_mount_api(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct err e;

	(void)argument;
	result(r, try_api(d, &e), &e, "a tree was copied, made read-only and attached");
	if (r->state == DOCTOR_MISSING)
		doctor_advise(
			r, "see \"user\" and \"mnt\"; else a kernel of 5.14 or newer, or a looser "
			   "system call filter around this");
}

static const struct trial {
	char fstype[8], data[24];
	unsigned long types;
} trials[] = {
	[MOUNT_TMPFS] = { "tmpfs", "mode=0755,size=1M", CLONE_NEWNS },
	[MOUNT_PROC] = { "proc", "", CLONE_NEWNS | CLONE_NEWPID },
	[MOUNT_DEVPTS] = { "devpts", "newinstance", CLONE_NEWNS },
	[MOUNT_MQUEUE] = { "mqueue", "", CLONE_NEWNS | CLONE_NEWIPC },
};

static int try_mount(const struct doctor *d, const struct trial *t, struct err *e)
{
	struct mount_new m = { .fstype = t->fstype,
			       .source = t->fstype,
			       .data = *t->data ? t->data : NULL,
			       .ms_flags = MS_NOSUID | MS_NOEXEC };

	if (doctor_enter(d, t->types, e) < 0 ||
	    (t->types & CLONE_NEWPID && doctor_enter_pids(e) < 0))
		return -1;
	CLEAN_FD int target = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return target < 0 ? err_sys(e, "open %s", PLACE) : mount_new(&m, target, PLACE, e);
}

void probe_mount(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct err e;

	result(r, try_mount(d, &trials[argument], &e), &e, "mounted");
	if (r->state == DOCTOR_OK)
		return;
	if (argument == MOUNT_PROC && e.errnum == EPERM)
		doctor_advise(
			r,
			"parts of /proc are covered, as in a container, and then the kernel allows "
			"no new one: husk sandbox --best-effort shows this one (podman: "
			"--security-opt unmask=ALL)");
	else
		doctor_advise(r,
			      "see \"user\" and \"mnt\"; else a kernel that has this file system");
}

static int try_overlay(const struct doctor *d, struct err *e)
{
	static const char dirs[][16] = { PLACE "/lower", PLACE "/upper", PLACE "/work",
					 PLACE "/all" };
	struct mount_new memory = { .fstype = "tmpfs", .source = "tmpfs" };
	struct mount_new overlay = {
		.fstype = "overlay",
		.source = "overlay",
		.data = "lowerdir=" PLACE "/lower,upperdir=" PLACE "/upper,workdir=" PLACE
			"/work,userxattr",
	};

	if (doctor_enter(d, CLONE_NEWNS, e) < 0)
		return -1;
	CLEAN_FD int place = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return err_sys(e, "open %s", PLACE);
	if (mount_new(&memory, place, PLACE, e) < 0)
		return -1;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		if (mkdir(dirs[i], 0755) < 0)
			return err_sys(e, "make %s", dirs[i]);
	}
	CLEAN_FD int target = open(PLACE "/all", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return target < 0 ? err_sys(e, "open %s/all", PLACE)
			  : mount_new(&overlay, target, "overlay", e);
}

void probe_overlay(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct err e;

	(void)argument;
	result(r, try_overlay(d, &e), &e, "mounted in a user namespace");
	if (r->state == DOCTOR_MISSING)
		doctor_advise(r,
			      "modprobe overlay; in a user namespace it needs Linux 5.11 or newer");
}

/* Root maps a mount of the host; any other user only what belongs to his own user namespace. */
static int try_idmap(const struct doctor *d, const char *what, struct err *e)
{
	struct mount_attrs attrs = { .set = MOUNT_ATTR_IDMAP };
	bool host = d->host.initial_userns && host_can_clone_mounts(&d->host);

	if (!host && doctor_enter(d, CLONE_NEWNS, e) < 0)
		return -1;
	CLEAN_FD int tree = host ? mount_tree_clone(AT_FDCWD, what, 0, e)
				 : mount_tmpfs_detached("0755", 0, true, e);
	if (tree < 0)
		return -1;
	CLEAN_FD int ids = host ? mount_idmap_userns("0 100000 65536", "0 100000 65536", e)
				: mount_idmap_userns("0 0 1", "0 0 1", e);
	if (ids < 0)
		return -1;
	attrs.userns = ids;
	return mount_attrs_apply(tree, &attrs, false, what, e);
}

void probe_idmap(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	bool host = d->host.initial_userns && host_can_clone_mounts(&d->host);
	struct err e;

	(void)argument;
	result(r, try_idmap(d, host ? "/usr" : "a tmpfs", &e), &e,
	       host ? "mapped, on the file system of /usr" : "mapped, on a tmpfs");
	if (r->state == DOCTOR_MISSING)
		doctor_advise(r, host ? "the file system of /usr may be one that has it in no "
					"version, or in "
					"a later kernel"
				      : "Linux 6.3 or newer for tmpfs; only root can map other "
					"file systems");
}
