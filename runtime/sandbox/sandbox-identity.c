/* SPDX-License-Identifier: Apache-2.0 */
/* Who one is inside, and who that is outside. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/text.h"

struct side {
	const char *name;
	const struct sandbox_id_range *ranges;
	size_t count;
	uint32_t inside, outside; /* of the program, of the caller */
	uint32_t automatic;
};

static bool is_mapped(const struct id_mapping *maps, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	}
	return false;
}

static int make_side(struct sandbox_builder *b, const struct side *s, struct id_mapping **maps,
		     size_t *count, struct err *e)
{
	const struct opt_u32 *automatic = &b->sandbox->auto_ids;
	size_t room = s->count ? s->count : 1;

	*maps = arena_new_array(b->arena, room, struct id_mapping);
	if (!*maps)
		return arena_check(b->arena, e);
	*count = room;
	for (size_t i = 0; i < s->count; i++) {
		const struct sandbox_id_range *r = &s->ranges[i];
		(*maps)[i] = (struct id_mapping){ r->inside.value, r->outside.value,
						  r->count.set ? r->count.value : 1 };
	}
	if (automatic->set)
		**maps = (struct id_mapping){ 0, s->automatic, automatic->value };
	else if (!s->count)
		**maps = (struct id_mapping){ s->inside, s->outside, 1 };
	if (!is_mapped(*maps, *count, s->inside))
		return err_config(e, "%s: %u is not mapped; choose another by --%s, or map it, too",
				  s->name, s->inside, s->name);
	return 0;
}

int sandbox_identity_make(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox *s = b->sandbox;
	struct spec_linux *l = b->spec->linux_config;
	const struct spec_user *u = &b->spec->process->user;
	const struct side users = { .name = "uid",
				    .ranges = s->uid_ranges,
				    .count = s->uid_ranges_count,
				    .inside = u->uid,
				    .outside = b->host->uid,
				    .automatic = b->host->auto_uid };
	const struct side groups = { .name = "gid",
				     .ranges = s->gid_ranges,
				     .count = s->gid_ranges_count,
				     .inside = u->gid,
				     .outside = b->host->gid,
				     .automatic = b->host->auto_gid };

	if (make_side(b, &users, &l->uid_mappings, &l->uid_mappings_count, e) < 0 ||
	    make_side(b, &groups, &l->gid_mappings, &l->gid_mappings_count, e) < 0)
		return -1;
	/* Where there is a user 0 everything is made by that one. */
	if ((u->uid || u->gid) && is_mapped(l->uid_mappings, l->uid_mappings_count, 0) &&
	    is_mapped(l->gid_mappings, l->gid_mappings_count, 0))
		b->owner = arena_format(b->arena, ",uid=%u,gid=%u", u->uid, u->gid);
	return arena_check(b->arena, e);
}

int sandbox_machine_id_make(struct sandbox_builder *b, struct err *e)
{
	const char *id = b->sandbox->machine_id;
	unsigned char bytes[16];
	char text[34];

	if (!id)
		return 0;
	struct spec_mount *m = sandbox_add_mount(b, "/etc/machine-id");
	if (!m)
		return arena_check(b->arena, e);
	if (text_equal(id, "random")) {
		if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
			return err_sys(e, "machineId: getrandom");
		/* As machine-id(5) has it: a version 4 UUID. */
		bytes[6] = (bytes[6] & 0x0f) | 0x40;
		bytes[8] = (bytes[8] & 0x3f) | 0x80;
		for (size_t i = 0; i < sizeof bytes; i++)
			text_format(text + 2 * i, sizeof text - 2 * i, "%02x", bytes[i]);
		id = text;
	}
	m->make = SPEC_MAKE_DATA;
	m->content = arena_format(b->arena, "%s\n", id);
	m->content_bytes = 33;
	return arena_check(b->arena, e);
}
