/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/cred/cred-fields.h"

int cred_id_parse(const char *text, uint32_t *id)
{
	uint32_t value;

	if (text_parse_u32(text, &value) < 0)
		return -1;
	/* (uid_t)-1 means "leave it" in setresuid(2) and chown(2): never an id. */
	if (value == UINT32_MAX) {
		errno = ERANGE;
		return -1;
	}
	*id = value;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What useradd(8) can make, and not the separators of the files it would be looked up in. */
static bool is_name(const char *text)
{
	if (*text == '+' || *text == '-' || is_digit(*text))
		return false;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 127 || strchr(":,/", *p))
			return false;
	return *text != '\0';
}

/* One side of USER:GROUP, @n bytes. */
static int parse_part(const char *what, const char *text, size_t n, bool *by_name, uint32_t *id,
		      char name[CRED_NAME_MAX], const char *whole, struct err *e)
{
	if (n == 0)
		return err_config(e, "user \"%s\": the %s is empty", whole, what);
	if (n >= CRED_NAME_MAX)
		return err_config(e, "user \"%s\": the %s is longer than %d bytes", whole, what,
				  CRED_NAME_MAX - 1);
	memcpy(name, text, n);
	name[n] = '\0';
	*by_name = false;
	if (is_digit(*name)) {
		if (cred_id_parse(name, id) == 0) {
			*name = '\0';
			return 0;
		}
		if (errno == ERANGE)
			return err_config(e, "user \"%s\": the %s is not within 0 to 4294967294",
					  whole, what);
		return err_config(e, "user \"%s\": the %s starts with a digit and is no number",
				  whole, what);
	}
	if (!is_name(name))
		return err_config(e, "user \"%s\": the %s is neither a number nor a name", whole,
				  what);
	*by_name = true;
	return 0;
}

int cred_user_parse(const char *text, struct cred_user *out, struct err *e)
{
	size_t n = strcspn(text, ":");

	memset(out, 0, sizeof *out);
	if (parse_part("user", text, n, &out->user_is_name, &out->uid, out->user, text, e) < 0)
		return -1;
	if (!text[n])
		return 0;
	out->has_group = true;
	const char *group = text + n + 1;
	return parse_part("group", group, strlen(group), &out->group_is_name, &out->gid, out->group,
			  text, e);
}

int cred_user_open(int rootfd, const char *path)
{
	/* Not blocking: a FIFO in the image must not stop init, and is refused just below. */
	CLEAN_FD int fd = path_open(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
				    RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	return take_fd(&fd);
}

/* Go on to the end of the line that stopped at @stop. As cred_fields_next(). */
static int skip_line(struct cred_fields *f, int stop)
{
	char none[1];
	bool cut;

	return stop > 0 && stop != '\n' ? cred_fields_next(f, "\n", none, sizeof none, &cut) : stop;
}

static int rewind_fields(struct cred_fields *f)
{
	return lseek(f->fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

/* A line of passwd(5): name, password, uid, gid, comment, home, shell. */
struct passwd_line {
	char name[CRED_NAME_MAX];
	bool valid;
};

/*
 * Read one line; out->home is only filled in when the fields before it are sound. Returns what the
 * last cred_fields_next() did.
 */
static int read_passwd_line(struct cred_fields *f, struct passwd_line *line,
			    struct cred_passwd *out)
{
	char number[12], none[1];
	bool cut, ignored;

	line->valid = false;
	int stop = cred_fields_next(f, ":\n", line->name, sizeof line->name, &cut);
	/* "+" and "-" lines are NIS includes: they name nobody. */
	if (stop != ':' || cut || !is_name(line->name))
		return skip_line(f, stop);
	stop = cred_fields_next(f, ":\n", none, sizeof none, &ignored);
	if (stop != ':')
		return skip_line(f, stop);
	stop = cred_fields_next(f, ":\n", number, sizeof number, &cut);
	if (stop != ':' || cut || cred_id_parse(number, &out->uid) < 0)
		return skip_line(f, stop);
	stop = cred_fields_next(f, ":\n", number, sizeof number, &cut);
	if (stop != ':' || cut || cred_id_parse(number, &out->gid) < 0)
		return skip_line(f, stop);
	stop = cred_fields_next(f, ":\n", none, sizeof none, &ignored);
	if (stop != ':')
		return skip_line(f, stop);
	stop = cred_fields_next(f, ":\n", out->home, sizeof out->home, &cut);
	if (stop < 0)
		return -1;
	if (cut)
		out->home[0] = '\0';
	line->valid = true;
	return skip_line(f, stop);
}

/* The first line whose name is @name, or whose uid is @uid where @name is NULL. */
static int find_passwd(int fd, const char *name, uid_t uid, struct cred_passwd *out)
{
	struct cred_fields f = { .fd = fd };
	struct passwd_line line;
	int stop;

	if (rewind_fields(&f) < 0)
		return -1;
	do {
		stop = read_passwd_line(&f, &line, out);
		if (stop < 0)
			return -1;
		if (line.valid && (name ? text_equal(name, line.name) : uid == out->uid))
			return 1;
	} while (stop > 0);
	return 0;
}

int cred_passwd_by_uid(int fd, uid_t uid, struct cred_passwd *out)
{
	return find_passwd(fd, NULL, uid, out);
}

int cred_passwd_by_name(int fd, const char *name, struct cred_passwd *out)
{
	return find_passwd(fd, name, 0, out);
}

/* The fields of a line of group(5) before the members. *valid, and the stop byte. */
static int read_group_head(struct cred_fields *f, char name[CRED_NAME_MAX], gid_t *gid, bool *valid)
{
	char number[12], none[1];
	bool cut, ignored;

	*valid = false;
	int stop = cred_fields_next(f, ":\n", name, CRED_NAME_MAX, &cut);
	if (stop != ':' || cut || !is_name(name))
		return stop;
	stop = cred_fields_next(f, ":\n", none, sizeof none, &ignored);
	if (stop != ':')
		return stop;
	stop = cred_fields_next(f, ":\n", number, sizeof number, &cut);
	*valid = stop >= 0 && !cut && cred_id_parse(number, gid) == 0;
	return stop;
}

int cred_group_by_name(int fd, const char *name, gid_t *gid)
{
	struct cred_fields f = { .fd = fd };
	char found[CRED_NAME_MAX];
	gid_t number = 0;
	bool valid;
	int stop;

	if (rewind_fields(&f) < 0)
		return -1;
	do {
		stop = read_group_head(&f, found, &number, &valid);
		if (valid && text_equal(found, name)) {
			*gid = number;
			return 1;
		}
		stop = skip_line(&f, stop);
	} while (stop > 0);
	return stop;
}

/* Whether @name is in the comma separated rest of the line; *stop as cred_fields_next(). */
static bool has_member(struct cred_fields *f, const char *name, int *stop)
{
	char member[CRED_NAME_MAX];
	bool cut, found = false;

	do {
		*stop = cred_fields_next(f, ",:\n", member, sizeof member, &cut);
		if (*stop >= 0 && !cut && text_equal(member, name))
			found = true;
	} while (*stop == ',');
	return found;
}

static bool contains(const gid_t *gids, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++)
		if (gids[i] == gid)
			return true;
	return false;
}

ssize_t cred_group_members(int fd, const char *name, gid_t *gids, size_t count, size_t room)
{
	struct cred_fields f = { .fd = fd };
	char group[CRED_NAME_MAX];
	gid_t gid = 0;
	bool valid;
	int stop;

	if (rewind_fields(&f) < 0)
		return -1;
	do {
		stop = read_group_head(&f, group, &gid, &valid);
		if (valid && stop == ':' && has_member(&f, name, &stop) &&
		    !contains(gids, count, gid)) {
			if (count >= room) {
				errno = ENOSPC;
				return -1;
			}
			gids[count++] = gid;
		}
		stop = skip_line(&f, stop);
	} while (stop > 0);
	return stop < 0 ? -1 : (ssize_t)count;
}
