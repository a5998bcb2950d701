/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_USER_H
#define HUSK_CRED_USER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * Users by number or name, without NSS: what counts is the container's own passwd and group
 * files, which are hostile input. A number is never looked up as a name (CVE-2016-3697), and
 * nothing but digits is a number (CVE-2026-30892).
 */

#define CRED_NAME_MAX 256 /* LOGIN_NAME_MAX of Linux */

struct cred_user {
	bool has_group;
	bool user_is_name, group_is_name;
	uint32_t uid, gid;                              /* where the part is a number */
	char user[CRED_NAME_MAX], group[CRED_NAME_MAX]; /* where it is a name */
};

/*
 * Pure: USER[:GROUP], each a decimal number up to 4294967294 (4294967295 is "no id" for the
 * kernel) or a name that does not start with a digit, '+' or '-'.
 */
int cred_user_parse(const char *text, struct cred_user *out, struct err *e);

/* Pure: one number as above. 0, or -1 with errno EINVAL or ERANGE. */
int cred_id_parse(const char *text, uint32_t *id);

/*
 * [init] Open a passwd or group file below @rootfd ("etc/passwd"; the fd may be of "/" after the
 * pivot). Symlinks stay inside the root, magic links and anything but a regular file are refused.
 * fd; -1 with errno (ENOENT is usual and no error for most callers).
 */
int cred_user_open(int rootfd, const char *path);

struct cred_passwd {
	uid_t uid;
	gid_t gid;
	char home[PATH_MAX]; /* "" when the field is empty or does not fit */
};

/*
 * [init] First line of an open passwd file for a uid or a name. 1 found, 0 not, -1 with errno
 * (EFBIG beyond 4 MiB). Lines that are malformed are passed over. Read from the start each time.
 */
int cred_passwd_by_uid(int fd, uid_t uid, struct cred_passwd *out);
int cred_passwd_by_name(int fd, const char *name, struct cred_passwd *out);

/* [init] The same for a group file. */
int cred_group_by_name(int fd, const char *name, gid_t *gid);

/*
 * [init] Groups that list @name as a member, added to @gids which has @count entries and room for
 * @room; duplicates are left out. New count, or -1 with errno (ENOSPC: more than room). Lines
 * may be of any length.
 */
ssize_t cred_group_members(int fd, const char *name, gid_t *gids, size_t count, size_t room);

#endif
