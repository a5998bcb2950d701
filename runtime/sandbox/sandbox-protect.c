/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd.exec(5) has one word for, as far as it is not there in any case. Of the file system
 * that is what shows when the root is one of the host's: the view that husk makes has none of it.
 */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define RO (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* As statements of a @denylist. What is decided in memory that a filter does not see (clone3,
 * openat2) looks as on a kernel that does not have it, and libraries fall back. Arrays, not
 * pointers, which would have to be relocated at each start. */
static const struct {
	size_t member;
	char text[560];
} call_rows[] = {
	{ offsetof(struct sandbox_protect, restrict_namespaces),
	  "clone: arg0 & CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWUSER|"
	  "CLONE_NEWPID|CLONE_NEWNET; return EPERM\n"
	  "clone3: return ENOSYS\n"
	  "{setns, unshare}: return EPERM\n" },
	{ offsetof(struct sandbox_protect, lock_personality),
	  "personality: arg0 != 0xffffffff; return EPERM\n" },
	{ offsetof(struct sandbox_protect, deny_write_execute),
	  "mmap: arg2 & PROT_WRITE && arg2 & PROT_EXEC; return EPERM\n"
	  "mmap2: arg2 & PROT_WRITE && arg2 & PROT_EXEC; return EPERM\n"
	  "mprotect: arg2 & PROT_EXEC; return EPERM\n"
	  "pkey_mprotect: arg2 & PROT_EXEC; return EPERM\n"
	  "shmat: arg2 & SHM_EXEC; return EPERM\n" },
	{ offsetof(struct sandbox_protect, restrict_realtime),
	  "sched_setscheduler: arg1 & 7 && arg1 != SCHED_BATCH && arg1 != SCHED_IDLE && "
	  "arg1 != 0x40000003 && arg1 != 0x40000005; return EPERM\n"
	  "sched_setattr: return EPERM\n" },
	{ offsetof(struct sandbox_protect, restrict_setid),
	  "chmod: arg1 & S_ISUID|S_ISGID; return EPERM\n"
	  "fchmod: arg1 & S_ISUID|S_ISGID; return EPERM\n"
	  "fchmodat: arg2 & S_ISUID|S_ISGID; return EPERM\n"
	  "fchmodat2: arg2 & S_ISUID|S_ISGID; return EPERM\n"
	  "mkdir: arg1 & S_ISUID|S_ISGID; return EPERM\n"
	  "mkdirat: arg2 & S_ISUID|S_ISGID; return EPERM\n"
	  "mknod: arg1 & S_ISUID|S_ISGID; return EPERM\n"
	  "mknodat: arg2 & S_ISUID|S_ISGID; return EPERM\n"
	  "creat: arg1 & S_ISUID|S_ISGID; return EPERM\n"
	  "open: arg1 & O_CREAT && arg2 & S_ISUID|S_ISGID; return EPERM\n"
	  "openat: arg2 & O_CREAT && arg3 & S_ISUID|S_ISGID; return EPERM\n"
	  "openat2: return ENOSYS\n" },
};

const char *sandbox_protect_policy(const struct sandbox *s, struct arena *a)
{
	const struct sandbox_protect *p = &s->protect;
	const char *text = NULL;

	for (size_t i = 0; i < sizeof call_rows / sizeof *call_rows; i++) {
		bool wanted;
		memcpy(&wanted, (const char *)p + call_rows[i].member, sizeof wanted);
		if (wanted)
			text = arena_format(a, "%s%s", text ? text : "@denylist\n",
					    call_rows[i].text);
	}
	for (size_t i = 0; i < p->deny_calls.count; i++) {
		const char *call = p->deny_calls.items[i], *colon = strchr(call, ':');
		bool group = strchr(call, '@');
		text = arena_format(a, "%s%s%.*s%s: return %s\n", text ? text : "@denylist\n",
				    group ? "{" : "", (int)strcspn(call, ":"), call,
				    group ? "}" : "", colon ? colon + 1 : "EPERM");
	}
	return sandbox_network_policy(s, text, a);
}

/* What the root has of the host at @path: read-only, in the same place. */
static void make_readonly(struct sandbox_builder *b, const struct sandbox_place *root,
			  const char *path)
{
	bool top = text_equal(root->source, "/");
	const char *source = arena_format(b->arena, "%s%s", top ? "" : root->source, path);

	source = sandbox_absolute(b, source);
	if (access(source, F_OK) == 0)
		sandbox_add_bind(b, source, path, RO);
}

static void protect_home(struct sandbox_builder *b, const struct sandbox_place *root)
{
	static const char *const homes[] = { "/home", "/root" };
	const struct sandbox_limits *l = &b->sandbox->limits;
	const char *own = sandbox_home(b);

	for (size_t i = 0; i <= sizeof homes / sizeof *homes; i++) {
		const char *path = i < sizeof homes / sizeof *homes ? homes[i] : own;
		if (!path || (i == 2 && (text_starts(path, "/home/") || text_equal(path, "/root"))))
			continue;
		if (b->sandbox->protect.home == SANDBOX_HOME_YES)
			sandbox_add_masked(b, path);
		else if (root && b->sandbox->protect.home == SANDBOX_HOME_READ_ONLY)
			make_readonly(b, root, path);
		else if (root && access(path, F_OK) == 0)
			sandbox_add_tmpfs(b, path, i == 0 ? "755" : "700",
					  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &l->tmp_bytes,
					  &l->tmp_inodes);
	}
}

/* Where the root is the host's and may be written to. */
static void protect_system(struct sandbox_builder *b, const struct sandbox_place *root)
{
	static const char *const paths[] = { "/usr", "/boot", "/efi", "/etc" };
	size_t count = b->sandbox->protect.system == SANDBOX_SYSTEM_YES ? 3 : 4;

	for (size_t i = 0; i < count; i++)
		make_readonly(b, root, paths[i]);
}

int sandbox_protect_make(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox_protect *p = &b->sandbox->protect;
	const struct sandbox_limits *l = &b->sandbox->limits;
	const struct sandbox_place *root = sandbox_root_of(b->sandbox);
	bool writable = root && root->kind != SANDBOX_RO_BIND;

	if (p->system && p->system != SANDBOX_SYSTEM_STRICT && writable)
		protect_system(b, root);
	if (p->home)
		protect_home(b, root);
	if (p->var_tmp && (root || b->sandbox->rootfs))
		sandbox_add_tmpfs(b, "/var/tmp", "1777", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
				  &l->tmp_bytes, &l->tmp_inodes);
	if (p->kernel_tunables && writable)
		make_readonly(b, root, "/sys");
	else if (p->control_groups && writable)
		make_readonly(b, root, "/sys/fs/cgroup");
	if (p->kernel_tunables)
		sandbox_add_masked(b, "/proc/kallsyms");
	if (p->kernel_modules) {
		sandbox_add_masked(b, "/usr/lib/modules");
		sandbox_add_masked(b, "/lib/modules");
	}
	return arena_check(b->arena, e);
}
