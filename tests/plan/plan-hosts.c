/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts and callers that plans are made for, as /proc would describe them. */
#include "tests/plan/plan-hosts.h"

#include <string.h>

#include "src/base/text.h"

#define ALL_CAPS ((UINT64_C(1) << 41) - 1)

static const char v2_mounts[] = "31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime "
				"shared:9 - cgroup2 cgroup2 rw\n";

static const char v1_mounts[] =
	"40 24 0:31 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
	"41 40 0:32 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	"42 40 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"43 40 0:34 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n"
	"44 40 0:35 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
	"45 40 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	"46 40 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";

static const char hybrid_mounts[] =
	"41 40 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	"42 40 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"45 40 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	"47 40 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

struct row {
	const char *name;
	uid_t uid;
	bool initial, mounts_owned, groups_denied, apparmor, selinux;
	uint64_t caps;
	const char *mounts, *own;
};

static const char v2_user_slice[] = "0::/user.slice/user-1000.slice/user@1000.service/app\n";
static const char v1_own[] = "6:cpu,cpuacct:/\n5:memory:/\n4:devices:/\n3:freezer:/\n2:pids:/\n"
			     "1:name=systemd:/user\n";
static const char hybrid_own[] = "3:cpu:/a\n2:memory:/a\n1:pids:/a\n0::/a\n";

static const struct row rows[] = {
	{ "root-v2", 0, true, true, false, true, false, ALL_CAPS, v2_mounts, "0::/system.slice/x\n" },
	{ "root-v1", 0, true, true, false, false, false, ALL_CAPS, v1_mounts, v1_own },
	{ "root-hybrid", 0, true, true, false, false, false, ALL_CAPS, hybrid_mounts, hybrid_own },
	{ "root-bare", 0, true, true, false, false, false, ALL_CAPS, "", "" },
	{ "root-selinux", 0, true, true, false, false, true, ALL_CAPS, v2_mounts, "0::/\n" },
	/* In a container of Docker's: root, but with its 14 capabilities only. */
	{ "root-few-caps", 0, true, true, false, false, false, UINT64_C(0xa80425fb), v2_mounts,
	  "0::/\n" },
	{ "user-v2", 1000, true, true, false, true, false, 0, v2_mounts, v2_user_slice },
	{ "user-hybrid", 1000, true, true, false, false, false, 0, hybrid_mounts, hybrid_own },
	/* podman's user namespace, mapped with subordinate ids: root in it. */
	{ "podman-userns", 0, false, true, false, true, false, ALL_CAPS, v2_mounts, v2_user_slice },
	/* "unshare -rm": one id, no groups; and "unshare -r", with somebody else's mounts. */
	{ "own-userns", 0, false, true, true, false, false, ALL_CAPS, v2_mounts, v2_user_slice },
	{ "foreign-mounts", 0, false, false, true, false, false, ALL_CAPS, v2_mounts, v2_user_slice },
};

bool plan_host_make(const char *name, struct arena *a, struct host *h)
{
	const struct row *row = NULL;
	struct err e;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (text_equal(rows[i].name, name))
			row = &rows[i];
	}
	if (!row)
		return false;
	*h = (struct host){
		.euid = row->uid,
		.egid = row->uid,
		.initial_userns = row->initial,
		.mounts_owned = row->mounts_owned,
		.setgroups_denied = row->groups_denied,
		.caps = { ALL_CAPS, row->caps, row->caps, 0, 0 },
		.caps_known = ALL_CAPS,
		.apparmor = row->apparmor,
		.selinux = row->selinux,
	};
	if (row->uid == 0 && row->caps != ALL_CAPS)
		h->caps.bounding = row->caps;
	if (cgroup_host_parse(row->mounts, row->own, a, &h->cgroup, &e) < 0)
		return false;
	/* The parser has no file system to ask what v2 offers. */
	for (unsigned i = 0; i < h->cgroup.count; i++) {
		if (h->cgroup.hierarchies[i].v2)
			h->cgroup.hierarchies[i].controllers =
				h->cgroup.mode == CGROUP_MODE_V2
					? CGROUP_CPU | CGROUP_CPUSET | CGROUP_MEMORY |
						  CGROUP_BLKIO | CGROUP_PIDS | CGROUP_HUGETLB
					: CGROUP_HUGETLB;
	}
	return true;
}
