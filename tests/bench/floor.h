/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of floor share; floor.c says what floor is. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include "tests/bench/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/mount.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PRIVATE	 (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define SEALED	 (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct hierarchy {
	char name[32]; /* of its directory in /sys/fs/cgroup */
	int root;      /* that directory, opened */
	int tasks;     /* the container's tasks file in it */
	int tree;      /* a detached bind of the container's directory in it */
};

/* Both lanes see this: they share memory and descriptors. */
struct box {
	const char *rootfs;
	char **argv;
	const char *memory_limit; /* NULL without */
	const char *filter_path;  /* NULL without */
	struct sock_fprog filter;
	char name[16]; /* of the container's cgroups */
	int on_v2;
	int joins_late; /* v2 with -m: less is charged than by clone3, but it takes long */
	struct hierarchy v1[24];
	int v1_count;
	int unified, unified_cgroup;	 /* directories; -1 without */
	int dev, pts, shm, cgroups;	 /* detached mounts */
	int mounts_ready, cgroups_ready; /* futexes: 0, then 1 */
	long parent, child;
};

extern struct box box;

/* floor-start.c */
void *memcpy(void *to, const void *from, unsigned long size);
void *memset(void *to, int byte, unsigned long size);
unsigned long length(const char *text);
int is(const char *a, const char *b);
void say(const char *text);

/* Writes number in decimal to the end of a buffer of 24 bytes; returns where it starts. */
char *decimal(char *buffer, long number);

/* directory/file in a buffer of 64 bytes, for the short names here: it does not check. */
const char *join(char *buffer, const char *directory, const char *file);

/* floor.c */
/* Ends this lane, the parent's with all that it made. error is an errno value. */
__attribute__((noreturn)) void fail(const char *what, long error);
long check(long result, const char *what);
/* Returns when the other lane has set *futex. */
void await(int *futex);

/* floor-mounts.c. build: by the parent, detached. All others: by the child, inside. */
void mounts_build(void);
void mount_attach(int mount, int directory, const char *path);
void mount_at(const char *source, const char *target, const char *type, unsigned long flags);
int mount_new(const char *type, const char *const *options, unsigned int attributes);
void root_enter(void);
void mounts_inside(void);
void paths_mask(void);
void paths_readonly(void);
void root_pivot(void);

/* floor-cgroups.c. make_unified: before the child; enter: by it, when its root is the container's.
 */
void cgroups_find(void);
void cgroups_make_unified(void);
void cgroups_make(void);
void cgroups_enter(void);
void cgroups_remove(void);

#endif
