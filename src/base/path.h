/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_PATH_H
#define HUSK_BASE_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Paths inside a root file system that may be hostile. Every function resolves
 * with openat2(2) and returns a descriptor: a path string is used once, and what
 * follows works on the descriptor (CVE-2021-30465, CVE-2024-45310 and 12 more).
 */

/* openat2 with EAGAIN (a rename raced) retried. fd or -1 with errno. @flags gets O_CLOEXEC. */
int path_open(int dirfd, const char *path, int flags, uint64_t resolve);

/* As path_open() with RESOLVE_IN_ROOT: symlinks and ".." cannot leave @rootfd. */
int path_open_in_root(int rootfd, const char *path, int flags);

/*
 * Make every missing directory of @path inside @rootfd with @mode and return an O_PATH fd
 * of the last one. Symlinks on the way are followed inside the root, and where one leads to what is
 * not there (/var/run -> /run), that is made, too; with @nofollow any symlink is an error
 * (CVE-2023-27561: /proc as a symlink).
 */
int path_mkdirs_in_root(int rootfd, const char *path, mode_t mode, int nofollow, struct err *e);

/*
 * An O_PATH fd of the existing non-directory at @path, or of an empty regular file
 * made there (directories on the way are made with 0755, links followed as above).
 */
int path_mkfile_in_root(int rootfd, const char *path, mode_t mode, struct err *e);

/*
 * Split @path into the parent directory, made if it is missing and returned as an O_PATH fd, and
 * the last component (pointing into @path; trailing slashes are refused). For mknodat, symlinkat.
 */
int path_parent_in_root(int rootfd, const char *path, const char **name, struct err *e);

/*
 * Lexically clean an absolute or relative path into @out: no "//", "." or trailing "/",
 * ".." resolved, never above "/". Length or -1 with errno ENAMETOOLONG.
 */
int path_clean(const char *path, char *out, size_t size);

/* True if @path is @dir or below it, by their text; both are absolute and clean, see path_clean(). */
bool path_is_within(const char *path, const char *dir);

/* "/proc/self/fd/N" of @fd in @out, for calls that take only a path. */
#define PATH_FD_MAX 32
const char *path_of_fd(int fd, char out[PATH_FD_MAX]);

#endif
