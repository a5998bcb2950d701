/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_GUEST_INITRAMFS_H
#define HUSK_GUEST_INITRAMFS_H

#include "src/base/path.h"
#include "src/json/json-types.h"
#include "vm-shim/guest/guest.h"

/* What goes into an initramfs, and a number that stands for it. */
struct initramfs_content {
	struct str_list libraries,
		modules; /* paths; modules in the order in which they are loaded */
	uint64_t key[2];
};

void initramfs_hash(uint64_t key[2], const void *data, size_t size);
/* The whole archive to @fd. */
int initramfs_write(int fd, const struct initramfs_content *in, struct arena *a, struct err *e);

/*
 * The file of @in in @directory, made if it is not there; its path in *path. The directory is made, too, and
 * has to be this user's alone. Other files that nobody has used for a month are removed.
 */
int initramfs_cache_open(const char *directory, const struct initramfs_content *in, struct arena *a,
			 const char **path, struct err *e);

/* A descriptor with what the module @path has unpacked; -2 when it is not packed, or the guest's kernel has
 * to do it since the program for it is missing here; -1 with @e. */
int initramfs_unpack(const char *path, struct err *e);

#endif
