/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

static const struct json_field mapping_fields[] = {
	JSON_U32_ROW(struct id_mapping, container_id, "containerID", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct id_mapping, host_id, "hostID", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct id_mapping, size, "size", .flags = JSON_REQUIRED),
};
const struct json_table spec_id_mapping_table = JSON_TABLE(struct id_mapping, mapping_fields);

/* -------------------------------------------------------------- options */

struct option_state {
	struct json_decoder *d;
	struct spec_mount *mount;
	const struct json_node *node; /* of the option */
	size_t data_bytes;
};

static int compare_option(const void *key, const void *row)
{
	return strcmp(key, ((const struct spec_option *)row)->name);
}

static void change_attr(struct spec_mount *m, const struct spec_option *o)
{
	uint64_t *set = o->recursive ? &m->rec_attr_set : &m->attr_set;
	uint64_t *clear = o->recursive ? &m->rec_attr_clear : &m->attr_clear;
	bool on = o->op == OPTION_SET;

	*set = on ? *set | o->value : *set & ~o->value;
	*clear = on ? *clear & ~o->value : *clear | o->value;
	/* For a new file system "ro" is also one of the super block, as mount(8) does it. */
	if (o->value == MOUNT_ATTR_RDONLY && !o->recursive) {
		m->super_set =
			on ? m->super_set | MS_RDONLY : m->super_set & ~(unsigned long)MS_RDONLY;
		m->super_clear = on ? m->super_clear & ~(unsigned long)MS_RDONLY
				    : m->super_clear | MS_RDONLY;
	}
}

/*
 * The access time is a mode, not a bit, to mount_setattr(2): the whole field is cleared and one
 * mode set. Taking a mode back leaves the default, relatime, unless another one was chosen.
 */
static void change_atime(struct spec_mount *m, const struct spec_option *o)
{
	uint64_t *set = o->recursive ? &m->rec_attr_set : &m->attr_set;
	uint64_t *clear = o->recursive ? &m->rec_attr_clear : &m->attr_clear;
	uint64_t mode = *set & MOUNT_ATTR__ATIME;

	if (o->op == OPTION_NOT_ATIME && (*clear & MOUNT_ATTR__ATIME) && mode != o->value)
		return;
	*clear |= MOUNT_ATTR__ATIME;
	*set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	if (o->op == OPTION_ATIME)
		*set |= o->value;
}

static void change_super(struct spec_mount *m, const struct spec_option *o)
{
	unsigned long flag = (unsigned long)o->value;
	bool on = o->op == OPTION_SUPER_SET;

	m->super_set = on ? m->super_set | flag : m->super_set & ~flag;
	m->super_clear = on ? m->super_clear & ~flag : m->super_clear | flag;
}

static int refuse_option(struct option_state *s, const struct spec_option *o)
{
	return json_decode_fail_kind(s->d, ERR_UNSUPPORTED, s->node,
				     "\"%s\" cannot be recursive: it belongs to a file system, not "
				     "to its mounts: use \"%s\"",
				     o->name, o->name + 1);
}

static int apply_option(struct option_state *s, const struct spec_option *o)
{
	struct spec_mount *m = s->mount;

	switch (o->op) {
	case OPTION_NOTHING:
		break;
	case OPTION_SET:
	case OPTION_CLEAR:
		change_attr(m, o);
		break;
	case OPTION_ATIME:
	case OPTION_NOT_ATIME:
		change_atime(m, o);
		break;
	case OPTION_SUPER_SET:
	case OPTION_SUPER_CLEAR:
		change_super(m, o);
		break;
	case OPTION_PROPAGATE:
		m->propagation[m->propagation_count++] = (unsigned long)o->value;
		break;
	case OPTION_BIND:
		m->bind = true;
		m->bind_recursive = o->value;
		break;
	case OPTION_REMOUNT:
		m->remount = true;
		break;
	case OPTION_EXTRA:
		m->extra |= (unsigned)o->value;
		break;
	case OPTION_IDMAP:
		m->idmap = (enum spec_mount_idmap)o->value;
		break;
	case OPTION_REFUSE:
		return refuse_option(s, o);
	}
	return 0;
}

/* ---------------------------------------------------- idmap=uids=..;gids=.. */

static int fail_idmap(struct option_state *s)
{
	return json_decode_fail(s->d, s->node,
				"\"%.*s\" is not of the form "
				"idmap=uids=FILE-HOST-SIZE[#...];gids=FILE-HOST-SIZE[#...]",
				SHOWN(s->node->text));
}

/* One "0-1000-10" at *@p, which is moved behind it. */
static int read_triple(const char **p, struct id_mapping *out)
{
	uint32_t *const parts[] = { &out->container_id, &out->host_id, &out->size };
	char digits[16];

	for (size_t i = 0; i < 3; i++) {
		size_t n = strspn(*p, "0123456789");
		if (n == 0 || n >= sizeof digits)
			return -1;
		memcpy(digits, *p, n);
		digits[n] = '\0';
		if (text_parse_u32(digits, parts[i]) < 0)
			return -1;
		*p += n;
		if (i < 2 && *(*p)++ != '-')
			return -1;
	}
	return 0;
}

/* "0-1-10#10-11-10", with "@" in front when it is relative to the container's user namespace. */
static int read_triples(struct option_state *s, const char **p, struct id_mapping **maps,
			size_t *count, bool *relative)
{
	size_t room = 1;

	*relative = **p == '@';
	*p += *relative;
	for (const char *q = *p; *q && *q != ';'; q++)
		room += *q == '#';
	*count = 0;
	*maps = arena_new_array(s->d->arena, room, struct id_mapping);
	if (!*maps) {
		arena_check(s->d->arena, s->d->err);
		return err_prefix(s->d->err, "%s", s->d->doc->name);
	}
	do {
		if (read_triple(p, &(*maps)[(*count)++]) < 0)
			return fail_idmap(s);
	} while (*(*p)++ == '#');
	(*p)--;
	return 0;
}

static int parse_idmap(struct option_state *s, const char *value)
{
	struct spec_mount *m = s->mount;
	const char *p = value;

	while (*p) {
		int result;
		if (strncmp(p, "uids=", 5) == 0) {
			p += 5;
			result = read_triples(s, &p, &m->uid_mappings, &m->uid_mappings_count,
					      &m->uid_mappings_relative);
		} else if (strncmp(p, "gids=", 5) == 0) {
			p += 5;
			result = read_triples(s, &p, &m->gid_mappings, &m->gid_mappings_count,
					      &m->gid_mappings_relative);
		} else {
			result = fail_idmap(s);
		}
		if (result < 0)
			return -1;
		if (*p && *p++ != ';')
			return fail_idmap(s);
	}
	return 0;
}

/* ----------------------------------------------------------------- data */

static int add_data(struct option_state *s, const char *option)
{
	struct spec_mount *m = s->mount;
	const char *equals = strchr(option, '=');
	struct key_value *kv = &m->data_options[m->data_options_count++];

	kv->key = (char *)option;
	s->data_bytes += strlen(option) + 1;
	if (!equals)
		return 0;
	kv->key = arena_memdup(s->d->arena, option, (size_t)(equals - option));
	kv->value = (char *)equals + 1;
	return 0;
}

static int join_data(struct option_state *s)
{
	struct spec_mount *m = s->mount;

	if (!m->data_options_count)
		return 0;
	char *at = arena_alloc(s->d->arena, s->data_bytes + 1);
	if (!at || arena_check(s->d->arena, NULL) < 0) {
		arena_check(s->d->arena, s->d->err);
		return err_prefix(s->d->err, "%s", s->d->doc->name);
	}
	m->data = at;
	char *end = at + s->data_bytes + 1;
	for (size_t i = 0; i < m->data_options_count; i++) {
		const struct key_value *kv = &m->data_options[i];
		at += text_format(at, (size_t)(end - at), "%s%s%s%s", i ? "," : "", kv->key,
				  kv->value ? "=" : "", kv->value ? kv->value : "");
	}
	return 0;
}

static int decode_option(struct option_state *s, const char *option)
{
	const struct spec_option *o = bsearch(option, spec_options, spec_options_count,
					      sizeof *spec_options, compare_option);
	if (o)
		return apply_option(s, o);
	if (strncmp(option, "idmap=", 6) == 0 || strncmp(option, "ridmap=", 7) == 0) {
		s->mount->idmap = option[0] == 'r' ? SPEC_IDMAP_RECURSIVE : SPEC_IDMAP;
		return parse_idmap(s, strchr(option, '=') + 1);
	}
	return option[0] ? add_data(s, option) : 0;
}

static int decode_options(struct json_decoder *d, const struct json_node *object,
			  struct spec_mount *m)
{
	const struct json_node *list = json_tree_member(object, "options");
	struct json_frame outer = { .up = d->frame, .name = "options" };
	struct json_frame inner = { .up = &outer };
	struct option_state s = { .d = d, .mount = m };
	int result = 0;

	if (!m->options.count)
		return 0;
	m->data_options = arena_new_array(d->arena, m->options.count, struct key_value);
	m->propagation = arena_new_array(d->arena, m->options.count, unsigned long);
	if (!m->data_options || !m->propagation) {
		arena_check(d->arena, d->err);
		return err_prefix(d->err, "%s", d->doc->name);
	}
	d->frame = &inner;
	for (s.node = list->first; s.node && result == 0; s.node = s.node->next) {
		result = decode_option(&s, s.node->text);
		inner.index++;
	}
	d->frame = outer.up;
	return result < 0 ? -1 : join_data(&s);
}

/* ---------------------------------------------------------------- mount */

static int finish_mount(struct json_decoder *d, const struct json_node *node, void *object)
{
	struct spec_mount *m = object;

	if (!m->destination[0])
		return json_decode_fail(d, node, "property \"destination\" is empty");
	/* Deprecated, but to be taken as relative to the container's root. */
	if (m->destination[0] != '/') {
		m->destination = arena_format(d->arena, "/%s", m->destination);
		if (!m->destination)
			return json_decode_fail(d, node, "property \"destination\" is too long");
	}
	if (decode_options(d, node, m) < 0)
		return -1;
	/* Docker marks binds by options, some tools only by the type. */
	if (m->type && text_equal(m->type, "bind"))
		m->bind = true;
	if (m->type && (m->bind || text_equal(m->type, "none")))
		m->type = NULL;
	/* Mappings ask for an idmapped mount even where the option was forgotten, as in runc. */
	if (!m->idmap && (m->uid_mappings_count || m->gid_mappings_count))
		m->idmap = SPEC_IDMAP;
	return 0;
}

static const struct json_field mount_fields[] = {
	JSON_STRING_ROW(struct spec_mount, destination, "destination", .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct spec_mount, type, "type", .flags = JSON_EMPTY_UNSET),
	JSON_STRING_ROW(struct spec_mount, source, "source", .flags = JSON_EMPTY_UNSET),
	JSON_STRINGS_ROW(struct spec_mount, options, "options"),
	JSON_LIST_ROW(struct spec_mount, uid_mappings, "uidMappings", spec_id_mapping_table),
	JSON_LIST_ROW(struct spec_mount, gid_mappings, "gidMappings", spec_id_mapping_table),
};
const struct json_table spec_mount_table =
	JSON_TABLE(struct spec_mount, mount_fields, .finish = finish_mount);

/* ---------------------------------------------------------------- rules */

/* The host id that @id, seen from the container, has; the whole range must lie in one mapping. */
static int to_host(const struct id_mapping *maps, size_t count, uint32_t id, uint32_t size,
		   uint32_t *host)
{
	for (size_t i = 0; i < count; i++) {
		const struct id_mapping *m = &maps[i];
		if (id < m->container_id || id - m->container_id >= m->size)
			continue;
		if (size > m->size - (id - m->container_id))
			return -1;
		*host = m->host_id + (id - m->container_id);
		return 0;
	}
	return -1;
}

static int resolve_relative(struct spec_check *c, struct id_mapping *maps, size_t count,
			    const struct id_mapping *outer, size_t outer_count, size_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (to_host(outer, outer_count, maps[i].host_id, maps[i].size, &maps[i].host_id) <
		    0)
			return spec_check_fail(
				spec_check_at(c, "mounts[%zu].options", index),
				"idmap: %u-%u-%u does not lie in one mapping of the container",
				maps[i].container_id, maps[i].host_id, maps[i].size);
	}
	return 0;
}

int spec_mounts_resolve(struct spec *s, struct spec_check *c)
{
	const struct spec_linux *l = s->linux_config;

	for (size_t i = 0; i < s->mounts_count; i++) {
		struct spec_mount *m = &s->mounts[i];
		if (m->uid_mappings_relative &&
		    resolve_relative(c, m->uid_mappings, m->uid_mappings_count, l->uid_mappings,
				     l->uid_mappings_count, i) < 0)
			return -1;
		if (m->gid_mappings_relative &&
		    resolve_relative(c, m->gid_mappings, m->gid_mappings_count, l->gid_mappings,
				     l->gid_mappings_count, i) < 0)
			return -1;
		m->uid_mappings_relative = m->gid_mappings_relative = false;
	}
	return 0;
}

static int check_mount_maps(struct spec_check *c, const struct spec *s, const struct spec_mount *m,
			    size_t i)
{
	char path[64];

	if (m->uid_mappings_count && !m->gid_mappings_count)
		return spec_check_fail(spec_check_at(c, "mounts[%zu].uidMappings", i),
				       "needs gidMappings, which are absent");
	if (m->gid_mappings_count && !m->uid_mappings_count)
		return spec_check_fail(spec_check_at(c, "mounts[%zu].gidMappings", i),
				       "needs uidMappings, which are absent");
	if (m->idmap && !m->uid_mappings_count && !spec_namespace_find(s, CLONE_NEWUSER))
		return spec_check_fail(spec_check_at(c, "mounts[%zu].options", i),
				       "idmap needs a mapping: uidMappings and gidMappings of the "
				       "mount, or a user namespace");
	text_format(path, sizeof path, "mounts[%zu].uidMappings", i);
	if (spec_check_mappings(c, m->uid_mappings, m->uid_mappings_count, path) < 0)
		return -1;
	text_format(path, sizeof path, "mounts[%zu].gidMappings", i);
	return spec_check_mappings(c, m->gid_mappings, m->gid_mappings_count, path);
}

static int check_mount(struct spec_check *c, const struct spec *s, const struct spec_mount *m,
		       size_t i)
{
	/* With remount, bind says what is changed: the mount that is there, not its file system. */
	if (m->bind && !m->remount && !m->source)
		return spec_check_fail(spec_check_at(c, "mounts[%zu].source", i),
				       "is missing: a bind mount needs one");
	if (!m->type && !m->bind && !m->remount && !m->propagation_count)
		return spec_check_fail(spec_check_at(c, "mounts[%zu].type", i),
				       "is missing: name a file system, or give the option bind or "
				       "rbind");
	if (m->extra & SPEC_MOUNT_TMPCOPYUP && (!m->type || !text_equal(m->type, "tmpfs")))
		return spec_check_fail(spec_check_at(c, "mounts[%zu].options", i),
				       "tmpcopyup works only with type tmpfs");
	if (m->extra & (SPEC_MOUNT_COPY_SYMLINK | SPEC_MOUNT_SRC_NOFOLLOW) && !m->bind)
		return spec_check_fail(spec_check_at(c, "mounts[%zu].options", i),
				       "copy-symlink and src-nofollow work only with bind mounts");
	return check_mount_maps(c, s, m, i);
}

int spec_check_mounts(struct spec_check *c, const struct spec *s)
{
	for (size_t i = 0; i < s->mounts_count; i++) {
		if (check_mount(c, s, &s->mounts[i], i) < 0)
			return -1;
	}
	/* They would land on the host. */
	if (s->mounts_count && !spec_namespace_find(s, CLONE_NEWNS))
		return spec_check_fail(spec_check_at(c, "mounts"),
				       "needs a mount namespace in linux.namespaces");
	return 0;
}
