/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_GUEST_H
#define HUSK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/*
 * The guest's side, and what the host prepares for it: the kernel, its modules, and an initramfs in
 * which husk is /init.
 */

/* ---- on the host ---- */

struct guest_kernel {
	const char *image;   /* /boot/vmlinuz-VERSION, or what the user named */
	const char *version; /* as in /lib/modules; NULL: not known, nothing is loaded */
	const char *modules; /* /lib/modules/VERSION, or NULL */
	uint64_t memory_bytes_min;
};

/* All kernels with modules under /boot and /lib/modules, newest first; cloud before generic of one version. */
int guest_kernel_list(struct arena *a, struct guest_kernel **list, size_t *count, struct err *e);
/* @path (NULL: the newest of the list). ERR_UNSUPPORTED with the package to install when there is none. */
int guest_kernel_find(const char *path, struct arena *a, struct guest_kernel *k, struct err *e);

struct guest_initramfs_options {
	const struct guest_kernel *kernel;
	bool share; /* virtio-fs */
	bool disk;  /* virtio-blk, erofs, overlay */
	bool net;
	bool balloon;
};

/*
 * Make the initramfs, or take it from the cache (by the content that goes in: husk, its libraries, the
 * modules with what they need): husk as /init, the closure of its dynamic libraries, the modules in the
 * order in which they are loaded. Returns a descriptor (O_RDONLY), @path when it has a name. -1 with @e.
 */
int guest_initramfs_open(const struct guest_initramfs_options *o, const char *cache_dir,
			 struct arena *a, const char **path, struct err *e);

/* ---- in the guest ---- */

/*
 * What WIRE_CONFIG carries (runtime/cli/guest-init.c reads it, runtime/cli/sandbox-vm.c writes it):
 *
 *     { "sandbox": { as "husk sandbox --print-config" prints it },
 *       "environment": [ "NAME=TEXT" ], "directory": "/where/the/caller/is", "uid": 0, "gid": 0,
 *       "hostname": "...", "terminal": { "rows": 24, "columns": 80 } or absent }
 *
 * The guest's root has the host's paths at their own places, as far as the sandbox may see them: the same
 * configuration means the same there, and is planned and carried out by the same code. What is for the host
 * alone (report, status_fd, networks other than "none" and "host", bundle, image) is not in it.
 */

/* How the root comes in, from the kernel's command line: husk.root=share:TAG or husk.root=disk:/dev/vda. */
#define GUEST_CMDLINE_MARK "husk.role=guest"

/* Whether this process is the guest's pid 1. */
bool guest_is_init(void);
/*
 * From the first instruction to a usable system: file systems, modules, the root moved to /, and the ports
 * opened. @control and @data are the ports' descriptors.
 */
int guest_boot(int *control, int *data, struct err *e);
/* Hand all controllers of the control group @group (of v2) on to those below it. */
int guest_enable_controllers(const char *group, struct err *e);
/* End the machine: sync, power off. Does not return. */
_Noreturn void guest_power_off(void);

#endif
