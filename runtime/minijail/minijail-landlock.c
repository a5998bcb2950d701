/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and what Landlock lets be done below them. */
#include <linux/landlock.h>
#include <string.h>

#include "runtime/minijail/minijail.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define VERSION_DEFAULT 2
#define VERSION_MAX     5

/* Newer than the headers of Linux 6.1. */
#define ACCESS_TRUNCATE  (1ULL << 14)
#define ACCESS_IOCTL_DEV (1ULL << 15)

#define ACCESS_RO (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_RX (ACCESS_RO | LANDLOCK_ACCESS_FS_EXECUTE)
#define ACCESS_RW                                                                                  \
	(ACCESS_RO | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |               \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                            \
	 LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
#define ACCESS_ADVANCED                                                                            \
	(ACCESS_RW | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |                 \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                            \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

static const struct {
	char path[16];
	bool execute;
} default_paths[] = {
	{ "/lib", true },         { "/lib64", true },    { "/usr/lib", true },
	{ "/usr/lib64", true },   { "/bin", true },      { "/sbin", true },
	{ "/usr/bin", true },     { "/usr/sbin", true }, { "/etc/group", false },
	{ "/etc/passwd", false },
};
#define DEFAULT_PATHS (sizeof default_paths / sizeof *default_paths)

static void add(struct spec_sandbox *s, const char *path, uint64_t access, bool optional)
{
	s->landlock_rules[s->landlock_rules_count++] =
		(struct spec_landlock_rule){ path, access, optional };
}

static void add_default(struct spec_sandbox *s)
{
	for (size_t i = 0; i < DEFAULT_PATHS; i++)
		add(s, default_paths[i].path, default_paths[i].execute ? ACCESS_RX : ACCESS_RO,
		    true);
}

/* The kinds that "--fs-path-" ends in, as minijail_set() has put them before the path. */
static void add_asked(struct spec_sandbox *s, const char *text)
{
	const char *path = strchr(text, ' ') + 1;
	uint64_t access = text_starts(text, "rx ")   ? ACCESS_RX
			  : text_starts(text, "ro ") ? ACCESS_RO
			  : text_starts(text, "rw ") ? ACCESS_RW
						     : ACCESS_ADVANCED;

	add(s, path, access, false);
}

/* What a profile shows, for reading, and what of it can be written anyway, for writing. */
static void add_profile(struct minijail_builder *b)
{
	const struct spec *spec = b->spec;

	add(spec->sandbox, "/", ACCESS_RX, false);
	for (size_t i = 0; i < spec->mounts_count; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		if (!m->make && !(m->attr_set & MOUNT_ATTR_RDONLY))
			add(spec->sandbox, m->destination, ACCESS_ADVANCED, false);
	}
}

int minijail_landlock_make(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_sandbox *s = b->spec->sandbox;
	uint32_t version = VERSION_DEFAULT;
	bool profile = m->profile && m->profile_paths;

	if (m->landlock_abi &&
	    (text_parse_u32(m->landlock_abi, &version) < 0 || !version || version > VERSION_MAX))
		return err_set(e, ERR_USAGE, 0, "--landlock-abi %s: is none of 1 to %d",
			       m->landlock_abi, VERSION_MAX);
	if (m->no_paths || (!profile && !m->default_paths && !m->paths.count))
		return 0;
	size_t room = DEFAULT_PATHS + m->paths.count + b->spec->mounts_count + 1;
	s->landlock_rules = arena_new_array(b->arena, room, struct spec_landlock_rule);
	if (!s->landlock_rules)
		return arena_check(b->arena, e);
	s->landlock_version = version;
	if (profile)
		add_profile(b);
	if (m->default_paths)
		add_default(s);
	for (size_t i = 0; i < m->paths.count; i++)
		add_asked(s, m->paths.items[i]);
	return 0;
}
