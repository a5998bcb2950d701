/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_GUEST_PARTS_H
#define HUSK_GUEST_PARTS_H

#include "src/json/json-types.h"
#include "vm-shim/guest/guest.h"

/* What the files of this folder owe each other, and what their tests call. */

/* guest_kernel_list() with these in the place of /boot and of /lib/modules. */
int guest_kernel_list_in(const char *boot, const char *modules, struct arena *a,
			 struct guest_kernel **list, size_t *count, struct err *e);
/* Fill in version and memory from the image; 0, or -1 when it is no kernel for this machine. */
int guest_kernel_read(const char *path, struct arena *a, struct guest_kernel *k, struct err *e);

/*
 * The files of @names and of what they need, below @directory, in an order in which they can be loaded.
 * What is built in has no file. A name with "?" in front may be missing.
 */
int guest_modules_resolve(const char *directory, const char *const *names, size_t count,
			  struct arena *a, struct str_list *files, struct err *e);
/* The names for @o; NULL behind the last. */
const char *const *guest_modules_names(const struct guest_initramfs_options *o, struct arena *a);

/*
 * The dynamic loader and the libraries of @program, with theirs, as paths at which the loader finds
 * them; then those of @more that are there at all.
 */
int guest_closure(const char *program, const char *const *more, struct arena *a,
		  struct str_list *paths, struct err *e);

/* Put @path behind the last one of @list unless it is in it. */
int guest_list_add(struct str_list *list, const char *path, struct arena *a, struct err *e);

/* In the initramfs. */
#define GUEST_MARK_FILE    "/.husk-guest"
#define GUEST_MODULES      "/modules"
#define GUEST_MODULES_LIST "/modules/order"
#define GUEST_ROOT         "/newroot"
#define GUEST_LOWER        "/lower"
#define GUEST_UPPER        "/upper"

#endif
