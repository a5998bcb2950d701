/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor's mounts. The parent builds what belongs to no namespace (/dev, ptys,
 * shm), detached; the child makes proc, sysfs and mqueue, which show the
 * namespaces of whoever mounts them.
 */
#include "tests/bench/floor.h"

#include <sys/stat.h>

/* A new file system, not attached anywhere; options are name, value, ..., NULL. */
int mount_new(const char *type, const char *const *options, unsigned int attributes)
{
	long context = check(sys(fsopen, type, FSOPEN_CLOEXEC), type);
	long mount;

	for (; *options; options += 2)
		check(sys(fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0),
		      options[0]);
	check(sys(fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), type);
	mount = check(sys(fsmount, context, FSMOUNT_CLOEXEC, attributes), type);
	sys(close, context);
	return (int)mount;
}

void mount_attach(int mount, int directory, const char *path)
{
	check(sys(move_mount, mount, "", directory, path, MOVE_MOUNT_F_EMPTY_PATH), path);
}

void mounts_build(void)
{
	static const char *const dev[] = { "mode", "755", "size", "65536k", 0 };
	static const char *const pts[] = { "ptmxmode", "0666", "mode", "0620", "gid", "5", 0 };
	static const char *const shm[] = { "mode", "1777", "size", "65536k", 0 };
	static const char *const directories[] = { "pts", "shm", "mqueue" };
	static const struct {
		const char *name;
		unsigned int major, minor;
	} nodes[] = { { "null", 1, 3 }, { "zero", 1, 5 },   { "full", 1, 7 },
		      { "tty", 5, 0 },	{ "random", 1, 8 }, { "urandom", 1, 9 } };
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
		{ "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
	};

	box.dev = mount_new("tmpfs", dev, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
	for (unsigned int i = 0; i < COUNT(nodes); i++)
		check(sys(mknodat, box.dev, nodes[i].name, S_IFCHR | 0666,
			  nodes[i].major << 8 | nodes[i].minor),
		      nodes[i].name);
	for (unsigned int i = 0; i < COUNT(links); i++)
		check(sys(symlinkat, links[i][1], box.dev, links[i][0]), links[i][0]);
	for (unsigned int i = 0; i < COUNT(directories); i++)
		check(sys(mkdirat, box.dev, directories[i], 0755), directories[i]);
	box.pts = mount_new("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	box.shm = mount_new("tmpfs", shm, SEALED);
}

void mount_at(const char *source, const char *target, const char *type, unsigned long flags)
{
	check(sys(mount, source, target, type, flags, 0), target);
}

/*
 * All paths are relative to the new root. With mount(2), one call each: the
 * four calls of the newer interface cost 2 to 3 us more for the same mount.
 */
void mounts_inside(void)
{
	mount_at("proc", "proc", "proc", 0);
	mount_at("sysfs", "sys", "sysfs", PRIVATE | MS_RDONLY);
	await(&box.mounts_ready);
	mount_attach(box.dev, AT_FDCWD, "dev");
	mount_attach(box.pts, AT_FDCWD, "dev/pts");
	mount_attach(box.shm, AT_FDCWD, "dev/shm");
	mount_at("mqueue", "dev/mqueue", "mqueue", PRIVATE);
}

/*
 * A masked file becomes /dev/null, a masked directory an empty one. The empty
 * directory is that of sysfs where cgroups are mounted later: a bind inherits
 * the read-only attribute, so this is one call (4 us) instead of a tmpfs, which
 * costs 10 us to make and 8 us to take down. What is not there needs no mask.
 * The kind is known here; a wrong one would make mount fail late, after an
 * expedited RCU grace period (30 to 50 us).
 */
void paths_mask(void)
{
	/* clang-format off */
	static const struct {
		const char *path, *mask;
	} masked[] = {
		{ "proc/acpi", "sys/fs/cgroup" },     { "proc/asound", "sys/fs/cgroup" },
		{ "proc/kcore", "dev/null" },	      { "proc/keys", "dev/null" },
		{ "proc/latency_stats", "dev/null" }, { "proc/timer_list", "dev/null" },
		{ "proc/timer_stats", "dev/null" },   { "proc/sched_debug", "dev/null" },
		{ "sys/firmware", "sys/fs/cgroup" },  { "proc/scsi", "sys/fs/cgroup" },
	};
	/* clang-format on */

	for (unsigned int i = 0; i < COUNT(masked); i++) {
		long result = sys(mount, masked[i].mask, masked[i].path, 0, MS_BIND, 0);

		if (result != -ENOENT)
			check(result, masked[i].path);
	}
}

/* Binds inherit it: /proc is read-only while they are made, 3 us less than one by one. */
void paths_readonly(void)
{
	static const char *const paths[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
					     "proc/sysrq-trigger" };

	mount_at(0, "proc", 0, MS_REMOUNT | MS_BIND | MS_RDONLY);
	for (unsigned int i = 0; i < COUNT(paths); i++) {
		long result = sys(mount, paths[i], paths[i], 0, MS_BIND | MS_REC, 0);

		if (result != -ENOENT)
			check(result, paths[i]);
	}
	mount_at(0, "proc", 0, MS_REMOUNT | MS_BIND);
}

/* Private comes first: a clone of a shared mount would show the container's mounts to the host. */
void root_enter(void)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	long root;

	check(sys(mount, 0, "/", 0, MS_REC | MS_PRIVATE, 0), "private");
	root = check(sys(open_tree, AT_FDCWD, box.rootfs,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
		     box.rootfs);
	check(sys(mount_setattr, root, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)), "root");
	mount_attach((int)root, AT_FDCWD, box.rootfs);
	check(sys(fchdir, root), "fchdir");
}

void root_pivot(void)
{
	check(sys(pivot_root, ".", "."), "pivot_root");
	check(sys(umount2, ".", MNT_DETACH), "umount the old root");
	check(sys(chdir, "/"), "chdir");
}
