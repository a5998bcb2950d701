/* SPDX-License-Identifier: Apache-2.0 */
/* -u, -g and their groups, and the maps of a user namespace. Names are those of /etc/passwd. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/minijail/minijail.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-user.h"

#define GROUPS_MAX 1024

static int open_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

static bool is_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* Digits are an id, whatever users are called. */
static int parse_id(const char *option, const char *text, uint32_t *id, struct err *e)
{
	if (cred_id_parse(text, id) == 0)
		return 0;
	return err_set(e, ERR_USAGE, 0, "%s %s: is beyond 4294967294", option, text);
}

static int find_user(const struct minijail_builder *b, uint32_t *uid, struct cred_passwd *entry,
		     struct err *e)
{
	const char *name = b->jail->user;

	if (is_digits(name))
		return parse_id("-u", name, uid, e);
	CLEAN_FD int fd = open_file(b->host->passwd, e);
	if (fd < 0)
		return -1;
	int found = *name ? cred_passwd_by_name(fd, name, entry) : 0;
	if (found < 0)
		return err_sys(e, "read %s", b->host->passwd);
	if (!found)
		return err_set(e, ERR_USAGE, 0, "-u %s: there is no such user in %s", name,
			       b->host->passwd);
	*uid = entry->uid;
	return 0;
}

static int find_group(const struct minijail_builder *b, const char *option, const char *name,
		      uint32_t *gid, struct err *e)
{
	if (is_digits(name))
		return parse_id(option, name, gid, e);
	CLEAN_FD int fd = open_file(b->host->groups, e);
	if (fd < 0)
		return -1;
	int found = *name ? cred_group_by_name(fd, name, gid) : 0;
	if (found < 0)
		return err_sys(e, "read %s", b->host->groups);
	return found ? 0
		     : err_set(e, ERR_USAGE, 0, "%s %s: there is no such group in %s", option, name,
			       b->host->groups);
}

static int add_groups(struct minijail_builder *b, struct spec_user *user,
		      const struct cred_passwd *entry, struct err *e)
{
	const struct minijail *m = b->jail;
	size_t room = m->inherit_groups ? GROUPS_MAX : m->add_groups.count + 1;
	uint32_t *gids = arena_new_array(b->arena, room, uint32_t);

	if (!gids)
		return arena_check(b->arena, e);
	user->additional_gids = gids;
	for (size_t i = 0; i < m->add_groups.count; i++) {
		if (find_group(b, "--add-suppl-group", m->add_groups.items[i],
			       &gids[user->additional_gids_count++], e) < 0)
			return -1;
	}
	if (!m->inherit_groups)
		return 0;
	CLEAN_FD int fd = open_file(b->host->groups, e);
	if (fd < 0)
		return -1;
	gids[0] = entry->gid;
	ssize_t count = cred_group_members(fd, m->user, gids, 1, room);
	if (count < 0)
		return err_sys(e, "read the groups of %s", m->user);
	user->additional_gids_count = (size_t)count;
	return 0;
}

static int make_map(struct minijail_builder *b, const char *option,
		    const struct minijail_maybe *asked, uint32_t inside, uint32_t outside,
		    struct id_mapping **maps, size_t *count, struct err *e)
{
	if (!asked->given)
		return 0;
	if (asked->value)
		return minijail_map_parse(option, asked->value, b->arena, maps, count, e);
	*maps = arena_new(b->arena, struct id_mapping);
	if (!*maps)
		return arena_check(b->arena, e);
	**maps = (struct id_mapping){ inside, outside, 1 };
	*count = 1;
	return 0;
}

int minijail_users_make(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_user *user = &b->spec->process->user;
	struct spec_linux *l = b->spec->linux_config;
	struct spec_inherit *inherit = &b->spec->sandbox->inherit;
	struct cred_passwd entry = { 0 };

	if (m->user && find_user(b, &user->uid, &entry, e) < 0)
		return -1;
	if (m->group && find_group(b, "-g", m->group, &user->gid, e) < 0)
		return -1;
	/* -u changes the user and nothing else, whatever group the name has. */
	inherit->uid = !m->user && !m->uid_map.given;
	inherit->gid = !m->group && !m->gid_map.given;
	if (m->keep_groups || (!m->user && !m->group && !m->add_groups.count))
		b->spec->extensions.keep_original_groups = true;
	else if (add_groups(b, user, &entry, e) < 0)
		return -1;
	if (make_map(b, "-m", &m->uid_map, user->uid, b->host->uid, &l->uid_mappings,
		     &l->uid_mappings_count, e) < 0)
		return -1;
	/* Without -g a name's own group is what the caller's is mapped to. */
	if (m->gid_map.given && !m->group && m->user && !is_digits(m->user))
		user->gid = entry.gid;
	return make_map(b, "-M", &m->gid_map, user->gid, b->host->gid, &l->gid_mappings,
			&l->gid_mappings_count, e);
}
