/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* What the specification wants in every container (config-linux.md, default devices). */
static const struct {
	const char *path;
	unsigned major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

/* runtime-linux.md: file descriptor links, and the multiplexer of the container's own devpts. */
static const struct plan_symlink default_symlinks[] = {
	{ "/dev/fd", "/proc/self/fd" },       { "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" }, { "/dev/stderr", "/proc/self/fd/2" },
	{ "/dev/ptmx", "pts/ptmx" },          { "/dev/core", "/proc/kcore" },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A /dev that is bound from elsewhere is complete, and not ours to add to. */
static bool dev_is_bound(const struct plan *plan)
{
	for (size_t i = 0; i < plan->rootfs.mounts_count; i++) {
		const struct plan_mount *m = &plan->rootfs.mounts[i];
		if (m->kind == PLAN_MOUNT_BIND &&
		    (text_equal(m->destination, "/dev") || text_equal(m->destination, "/dev/")))
			return true;
	}
	return false;
}

static bool is_asked_for(const struct spec_linux *l, const char *path)
{
	for (size_t i = 0; i < l->devices_count; i++) {
		if (text_equal(l->devices[i].path, path))
			return true;
	}
	return false;
}

/* Bound or mounted there by config.json: podman --device in a user namespace does that. */
static bool is_mounted(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->rootfs.mounts_count; i++) {
		if (text_equal(plan->rootfs.mounts[i].destination, path))
			return true;
	}
	return false;
}

static mode_t type_of(char type)
{
	return type == 'b' ? S_IFBLK : type == 'p' ? S_IFIFO : S_IFCHR;
}

static void add_asked(const struct spec_device *d, bool bind, struct plan_rootfs *rootfs)
{
	rootfs->devices[rootfs->devices_count++] = (struct plan_device){
		.path = d->path,
		.mode = type_of(d->type) | (d->file_mode.set ? d->file_mode.value & 07777 : 0666),
		.number = makedev(d->major, d->minor),
		.uid = d->uid.set ? d->uid.value : 0,
		.gid = d->gid.set ? d->gid.value : 0,
		.chown = (d->uid.set && d->uid.value) || (d->gid.set && d->gid.value),
		/* A FIFO is an ordinary file: anybody may make one. */
		.bind = bind && d->type != 'p',
		.must_match = true,
	};
}

int plan_devices_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;
	struct plan_rootfs *rootfs = &plan->rootfs;
	/* mknod(2) needs CAP_MKNOD in the initial user namespace. */
	bool bind = plan_in_userns(plan) || !r->host->initial_userns ||
		    !host_has_cap(r->host, CAP_MKNOD);

	rootfs->devices = arena_new_array(r->arena, l->devices_count + COUNT(default_devices),
					  struct plan_device);
	rootfs->symlinks = arena_new_array(r->arena, COUNT(default_symlinks), struct plan_symlink);
	if (!rootfs->devices || !rootfs->symlinks)
		return arena_check(r->arena, e);
	bool own_dev = !dev_is_bound(plan) && !(r->spec->sandbox && r->spec->sandbox->devices_own);
	for (size_t i = 0; own_dev && i < COUNT(default_devices); i++) {
		const char *path = default_devices[i].path;
		if (is_asked_for(l, path) || is_mounted(plan, path))
			continue;
		rootfs->devices[rootfs->devices_count++] = (struct plan_device){
			.path = path,
			.mode = S_IFCHR | 0666,
			.number = makedev(default_devices[i].major, default_devices[i].minor),
			.bind = bind,
			.must_match = true,
		};
	}
	for (size_t i = 0; i < l->devices_count; i++)
		add_asked(&l->devices[i], bind, rootfs);
	if (own_dev) {
		memcpy(rootfs->symlinks, default_symlinks, sizeof default_symlinks);
		rootfs->symlinks_count = COUNT(default_symlinks);
	}
	return 0;
}
