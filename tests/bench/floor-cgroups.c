/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor's cgroups: one in every v1 hierarchy that is mounted and one in the
 * unified hierarchy, or the only one on v2.
 *
 * On a v1 host these are 30 % of the floor. What was measured (us, together):
 * 11 mkdir 240, 10 open of tasks 80, cpuset 30, device rules 20, 10 joins 62,
 * 11 rmdir 150, the tmpfs with 10 binds 110. A second thread does not help: the
 * kernel has one lock for all of them.
 */
#include "tests/bench/floor.h"

#include <dirent.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define READ	    (O_RDONLY | O_CLOEXEC)
#define WRITE	    (O_WRONLY | O_CLOEXEC)

static void file_write(int directory, const char *path, const char *value, long size)
{
	long fd = check(sys(openat, directory, path, WRITE, 0), path);

	check(sys(write, fd, value, size), path);
	sys(close, fd);
}

/* A v1 cpuset takes no task before it has processors and memory nodes. */
static void cpuset_inherit(const struct hierarchy *h)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char value[256], path[64];

	for (unsigned int i = 0; i < COUNT(files); i++) {
		long fd = check(sys(openat, h->root, files[i], READ, 0), files[i]);
		long size = check(sys(read, fd, value, sizeof(value)), files[i]);

		sys(close, fd);
		file_write(h->root, join(path, box.name, files[i]), value, size);
	}
}

/* The rules that runtimes add to "deny all": mknod of anything, the usual nodes, ptys. */
static void devices_v1(const struct hierarchy *h)
{
	static const char rules[][12] = { "c *:* m",   "b *:* m",   "c 1:3 rwm",  "c 1:5 rwm",
					  "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",  "c 5:0 rwm",
					  "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm" };
	char path[64];
	long fd;

	file_write(h->root, join(path, box.name, "devices.deny"), "a", 1);
	join(path, box.name, "devices.allow");
	fd = check(sys(openat, h->root, path, WRITE, 0), path);
	for (unsigned int i = 0; i < COUNT(rules); i++)
		check(sys(write, fd, rules[i], length(rules[i])), rules[i]);
	sys(close, fd);
}

/* clang-format off */
#define BPF(op, to, from, jump, value) \
	{ .code = (op), .dst_reg = (to), .src_reg = (from), .off = (jump), .imm = (value) }
#define LOAD(to, offset)	BPF(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0)
#define IF(test, reg, value, skip) BPF(BPF_JMP | (test) | BPF_K, reg, 0, skip, value)
#define RETURN(value)		BPF(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value), \
				BPF(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define TYPE			BPF_REG_2
#define ACCESS			BPF_REG_3
#define MAJOR			BPF_REG_4
#define MINOR			BPF_REG_5

/* The same rules for v2. A jump counts from the line after it. */
static const struct bpf_insn rules_v2[] = {
	/*  0 */ LOAD(TYPE, 0),	/* access << 16 | type */
	/*  1 */ LOAD(MAJOR, 4),
	/*  2 */ LOAD(MINOR, 8),
	/*  3 */ BPF(BPF_ALU | BPF_MOV | BPF_X, ACCESS, TYPE, 0, 0),
	/*  4 */ BPF(BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16),
	/*  5 */ IF(BPF_JEQ, ACCESS, BPF_DEVCG_ACC_MKNOD, 10),	/* allow */
	/*  6 */ BPF(BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff),
	/*  7 */ IF(BPF_JNE, TYPE, BPF_DEVCG_DEV_CHAR, 10),	/* deny */
	/*  8 */ IF(BPF_JEQ, MAJOR, 136, 7),			/* allow */
	/*  9 */ IF(BPF_JEQ, MAJOR, 5, 5),			/* line 15 */
	/* 10 */ IF(BPF_JNE, MAJOR, 1, 7),			/* deny */
	/* 11 */ IF(BPF_JEQ, MINOR, 3, 4),			/* allow */
	/* 12 */ IF(BPF_JEQ, MINOR, 5, 3),			/* allow */
	/* 13 */ IF(BPF_JLT, MINOR, 7, 4),			/* deny */
	/* 14 */ IF(BPF_JLT, MINOR, 10, 1),			/* allow */
	/* 15 */ IF(BPF_JGT, MINOR, 2, 2),			/* deny; major 1 comes here too */
	/* 16 */ RETURN(1),
	/* 18 */ RETURN(0),
};
/* clang-format on */

static void devices_v2(void)
{
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
				.insns = (__u64)rules_v2,
				.insn_cnt = COUNT(rules_v2),
				.license = (__u64) "" };
	union bpf_attr attach = { .target_fd = (__u32)box.unified_cgroup,
				  .attach_type = BPF_CGROUP_DEVICE };

	attach.attach_bpf_fd =
		(__u32)check(sys(bpf, BPF_PROG_LOAD, &load, sizeof(load)), "bpf load");
	check(sys(bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)), "bpf attach");
}

/*
 * The child joins the cgroup that has the limit only just before it executes
 * the program, so that next to nothing of what is made before (the network
 * namespace, the mounts) is charged: that would be about 100 KiB.
 */
static void memory_limit(int root, const char *file)
{
	char path[64];

	if (box.memory_limit)
		file_write(root, join(path, box.name, file), box.memory_limit,
			   (long)length(box.memory_limit));
}

static void hierarchy_add(int directory, const char *name)
{
	struct hierarchy *h = &box.v1[box.v1_count];
	int root =
		(int)check(sys(openat, directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0), name);

	if (is(name, "unified")) {
		box.unified = root;
		return;
	}
	if (box.v1_count == COUNT(box.v1) || length(name) >= sizeof(h->name))
		fail(name, E2BIG);
	memcpy(h->name, name, length(name) + 1);
	h->root = root;
	box.v1_count++;
}

/* The hierarchies are found by the directories that they are mounted on. */
void cgroups_find(void)
{
	/* struct linux_dirent64: inode and offset (16 bytes), size (2), type (1), name */
	static char entries[2048];
	struct statfs fs;
	long fd, size;

	check(sys(statfs, CGROUP_ROOT, &fs), CGROUP_ROOT);
	fd = check(sys(openat, AT_FDCWD, CGROUP_ROOT, READ | O_DIRECTORY, 0), CGROUP_ROOT);
	box.unified = -1;
	if (fs.f_type == CGROUP2_SUPER_MAGIC) {
		box.on_v2 = 1;
		box.unified = (int)fd;
		return;
	}
	size = check(sys(getdents64, fd, entries, sizeof(entries)), CGROUP_ROOT);
	for (long at = 0; at < size; at += *(unsigned short *)(entries + at + 16))
		if (entries[at + 18] == DT_DIR && entries[at + 19] != '.')
			hierarchy_add((int)fd, entries + at + 19);
	sys(close, fd);
}

/*
 * The cgroup that clone3 puts the child into must exist before the child. This
 * is the only quick way into the unified hierarchy, of hybrid hosts too: to
 * write to its cgroup.procs, even "0", waits for an RCU grace period, which is
 * 9 to 18 ms on an idle machine.
 */
void cgroups_make_unified(void)
{
	if (box.unified < 0)
		return;
	check(sys(mkdirat, box.unified, box.name, 0755), "mkdir cgroup");
	box.unified_cgroup = (int)check(sys(openat, box.unified, box.name, READ | O_DIRECTORY, 0),
					"open cgroup");
}

/* v1 has no file system that shows a container its own cgroups: a tmpfs with a bind of each. */
static void tree_build(void)
{
	static const char *const options[] = { "mode", "755", "size", "1024k", 0 };

	box.cgroups = mount_new("tmpfs", options, SEALED);
	for (int i = 0; i < box.v1_count; i++) {
		struct hierarchy *h = &box.v1[i];

		check(sys(mkdirat, box.cgroups, h->name, 0755), h->name);
		h->tree = (int)check(
			sys(open_tree, h->root, box.name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
			h->name);
	}
}

void cgroups_make(void)
{
	char path[64];

	for (int i = 0; i < box.v1_count; i++) {
		struct hierarchy *h = &box.v1[i];

		check(sys(mkdirat, h->root, box.name, 0755), h->name);
		join(path, box.name, "tasks");
		h->tasks = (int)check(sys(openat, h->root, path, WRITE, 0), path);
		if (is(h->name, "cpuset"))
			cpuset_inherit(h);
		else if (is(h->name, "devices"))
			devices_v1(h);
		else if (is(h->name, "memory"))
			memory_limit(h->root, "memory.limit_in_bytes");
	}
	if (box.on_v2) {
		devices_v2();
		memory_limit(box.unified, "memory.max");
	} else {
		tree_build();
	}
}

/*
 * "0" means the writer itself, which a v1 tasks file accepts without taking the
 * lock for which another process's number in cgroup.procs waits, as above.
 */
void cgroups_enter(void)
{
	struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY | SEALED };

	if (box.joins_late) {
		file_write(box.unified_cgroup, "cgroup.procs", "0", 1);
		check(sys(unshare, CLONE_NEWCGROUP), "unshare cgroup");
	}
	if (box.on_v2) {
		mount_at("cgroup2", CGROUP_ROOT, "cgroup2", PRIVATE | MS_RDONLY);
		return;
	}
	for (int i = 0; i < box.v1_count; i++)
		check(sys(write, box.v1[i].tasks, "0", 1), box.v1[i].name);
	mount_attach(box.cgroups, AT_FDCWD, CGROUP_ROOT);
	for (int i = 0; i < box.v1_count; i++)
		mount_attach(box.v1[i].tree, box.cgroups, box.v1[i].name);
	check(sys(mount_setattr, box.cgroups, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly,
		  sizeof(readonly)),
	      CGROUP_ROOT);
}

void cgroups_remove(void)
{
	for (int i = 0; i < box.v1_count; i++)
		sys(unlinkat, box.v1[i].root, box.name, AT_REMOVEDIR);
	if (box.unified >= 0)
		sys(unlinkat, box.unified, box.name, AT_REMOVEDIR);
}
