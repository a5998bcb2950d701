/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_CLEAN_H
#define HUSK_BASE_CLEAN_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Scope-bound clean-up. This list is closed: fd, fd that a sweep closes, heap block, directory stream.
 * A value that outlives its scope is handed over with take_fd()/take_ptr().
 */

static inline void clean_fd(int *fd)
{
	/* Close must not disturb the errno of the failure that led here. */
	int saved = errno;
	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/*
 * For processes that close everything before they run a program (io_close_all_but()): one system call
 * for all instead of one for each. Close-on-exec like every descriptor, so no hook inherits them. High
 * numbers are closed at once, or a long list of mounts would use up the limit of open files.
 */
#define SWEPT_FD_MAX 64
static inline void clean_swept_fd(int *fd)
{
	if (*fd >= SWEPT_FD_MAX)
		clean_fd(fd);
}

static inline void clean_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void clean_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define CLEAN_FD   __attribute__((cleanup(clean_fd)))
#define SWEPT_FD   __attribute__((cleanup(clean_swept_fd)))
#define CLEAN_FREE __attribute__((cleanup(clean_free)))
#define CLEAN_DIR  __attribute__((cleanup(clean_dir)))

static inline int take_fd(int *fd)
{
	int value = *fd;
	*fd = -1;
	return value;
}

#define take_ptr(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) *p_ = &(pointer);                                              \
		__typeof__(pointer) v_ = *p_;                                                      \
		*p_ = NULL;                                                                        \
		v_;                                                                                \
	})

/* Close and forget, for a descriptor whose scope ends before its block does. */
static inline void drop_fd(int *fd)
{
	clean_fd(fd);
	*fd = -1;
}

#endif
