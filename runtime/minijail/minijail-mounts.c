/* SPDX-License-Identifier: Apache-2.0 */
/* The root and what is mounted: /dev, then -b and -k in their order, then /tmp and /proc. */
#include <string.h>

#include "runtime/minijail/minijail.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define TMP_BYTES_DEFAULT (64ull << 20)
#define MOUNTS_OF_OPTIONS 24
#define PROPAGATION       (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define SAFE_FLAGS        (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define SUPER_FLAGS                                                                                \
	(MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | MS_I_VERSION | MS_LAZYTIME)

static struct spec_mount *add(struct minijail_builder *b, const char *destination)
{
	struct spec *s = b->spec;

	if (!s->mounts || s->mounts_count == b->mounts_room) {
		b->arena->failed = 1;
		return NULL;
	}
	struct spec_mount *m = &s->mounts[s->mounts_count++];
	*m = (struct spec_mount){ .destination = arena_strdup(b->arena, destination) };
	return m;
}

static struct spec_mount *add_new(struct minijail_builder *b, const char *type,
				  const char *destination, uint64_t attrs, const char *data)
{
	struct spec_mount *m = add(b, destination);

	if (!m)
		return NULL;
	m->type = arena_strdup(b->arena, type);
	m->source = m->type;
	m->attr_set = attrs;
	m->data = data ? arena_strdup(b->arena, data) : NULL;
	return m;
}

static uint64_t attrs_of(uint64_t flags)
{
	static const struct {
		uint32_t flag, attr;
	} rows[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	};
	uint64_t attrs = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		attrs |= flags & rows[i].flag ? rows[i].attr : 0;
	return attrs;
}

static uint64_t known_flags(void)
{
	return SUPER_FLAGS | PROPAGATION | SAFE_FLAGS | MS_RDONLY | MS_NODIRATIME | MS_NOSYMFOLLOW |
	       MS_NOATIME | MS_RELATIME | MS_STRICTATIME | MS_BIND | MS_REC | MS_REMOUNT;
}

/* ---- the root ---- */

static void use_root(struct minijail_builder *b, const char *path)
{
	b->spec->root = arena_new(b->arena, struct spec_root);
	if (b->spec->root)
		b->spec->root->path = arena_strdup(b->arena, path);
}

/* What is mounted on "/" is the root, and what was mounted before lies below it, out of sight. */
static int replace_root(struct minijail_builder *b, const struct spec_mount *m, struct err *e)
{
	struct spec_sandbox *s = b->spec->sandbox;

	if (m->remount || m->propagation_count)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "-k: the root can be neither remounted nor given a propagation "
			       "(-K does the latter)");
	b->spec->mounts_count = 0;
	s->root_options = NULL;
	s->root_attrs = m->attr_set;
	s->root_alone = !m->bind_recursive;
	if (m->bind) {
		use_root(b, m->source);
		return 0;
	}
	if (!text_equal(m->type, "tmpfs"))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "-k: of new file systems only a tmpfs can be the root, not %s",
			       m->type);
	s->root_options = m->data ? m->data : arena_strdup(b->arena, "mode=0755");
	/* The flags of a new root are its own: what the rest needs is not asked of it. */
	s->root_attrs = 0;
	b->spec->root = arena_new(b->arena, struct spec_root);
	if (b->spec->root)
		b->spec->root->readonly = m->attr_set & MOUNT_ATTR_RDONLY;
	return 0;
}

/* @m is the entry that was made last. */
static int settle(struct minijail_builder *b, const struct spec_mount *m, struct err *e)
{
	struct spec_mount copy = *m;

	if (arena_check(b->arena, e) < 0)
		return -1;
	return text_equal(copy.destination, "/") ? replace_root(b, &copy, e) : 0;
}

/* ---- -b and -k ---- */

static int add_bind(struct minijail_builder *b, const char *text, struct err *e)
{
	char *rest = arena_strdup(b->arena, text);
	const char *source = minijail_next(&rest), *destination = minijail_next(&rest);
	const char *writable = minijail_next(&rest);

	if (arena_check(b->arena, e) < 0)
		return -1;
	if (!destination || !*destination)
		destination = source;
	if (!source || *source != '/' || *destination != '/' || rest)
		return err_set(e, ERR_USAGE, 0,
			       "-b %s: is not <src>[,<dst>[,<writable>]] with absolute paths",
			       text);
	if (writable && *writable && !text_equal(writable, "0") && !text_equal(writable, "1"))
		return err_set(e, ERR_USAGE, 0, "-b %s: writable is 0 or 1", text);
	struct spec_mount *m = add(b, destination);
	if (!m)
		return arena_check(b->arena, e);
	m->bind = true;
	m->source = arena_strdup(b->arena, source);
	if (!writable || !text_equal(writable, "1"))
		m->attr_set = MOUNT_ATTR_RDONLY;
	return settle(b, m, e);
}

static int set_propagation(struct minijail_builder *b, struct spec_mount *m, uint64_t flags,
			   struct err *e)
{
	m->propagation = arena_new(b->arena, unsigned long);
	if (!m->propagation)
		return arena_check(b->arena, e);
	*m->propagation = (unsigned long)(flags & (PROPAGATION | MS_REC));
	m->propagation_count = 1;
	return 0;
}

static int fill_mount(struct minijail_builder *b, struct spec_mount *m, const char *source,
		      const char *type, uint64_t flags, const char *data, struct err *e)
{
	m->attr_set = attrs_of(flags);
	m->source = arena_strdup(b->arena, source);
	m->data = data && *data ? arena_strdup(b->arena, data) : NULL;
	m->remount = flags & MS_REMOUNT;
	m->bind = flags & MS_BIND;
	if (m->remount || m->bind) {
		m->bind_recursive = m->bind && flags & MS_REC;
		if (m->bind && !m->remount && *source != '/')
			return err_set(e, ERR_USAGE, 0, "the source of a bind mount is absolute");
	} else if (flags & PROPAGATION) {
		return set_propagation(b, m, flags, e);
	} else {
		m->type = arena_strdup(b->arena, type);
		if (!m->data && text_equal(type, "tmpfs"))
			m->data = arena_strdup(b->arena, "mode=0755,size=10M");
	}
	m->super_set = flags & SUPER_FLAGS;
	return 0;
}

static int add_mount(struct minijail_builder *b, const char *text, struct err *e)
{
	char *rest = arena_strdup(b->arena, text);
	const char *source = minijail_next(&rest), *destination = minijail_next(&rest);
	const char *type = minijail_next(&rest), *flag_text = minijail_next(&rest);
	uint64_t flags = 0;

	if (arena_check(b->arena, e) < 0)
		return -1;
	if (!type || !*type || !*source || *destination != '/')
		return err_set(
			e, ERR_USAGE, 0,
			"-k %s: is not <src>,<dst>,<type>[,<flags>[,<data>]] with an absolute "
			"dst",
			text);
	if (flag_text && *flag_text && minijail_mount_flags_parse(flag_text, &flags, e) < 0)
		return err_prefix(e, "-k %s", text);
	if (flags & ~known_flags())
		return err_set(e, ERR_UNSUPPORTED, 0, "-k %s: flag 0x%llx cannot be set", text,
			       (unsigned long long)(flags & ~known_flags()));
	if (flags & MS_BIND && rest)
		return err_set(e, ERR_USAGE, 0, "-k %s: a bind mount takes no data", text);
	/* Where nothing is said it is the safe thing. */
	if (!flags)
		flags = SAFE_FLAGS;
	struct spec_mount *m = add(b, destination);
	if (!m)
		return arena_check(b->arena, e);
	if (fill_mount(b, m, source, type, flags, rest, e) < 0)
		return err_prefix(e, "-k %s", text);
	return settle(b, m, e);
}

/* ---- what options of their own ask for ---- */

static void add_made(struct minijail_builder *b, enum spec_make make, const char *destination,
		     const char *target, uint32_t mode)
{
	struct spec_mount *m = add(b, destination);

	if (!m)
		return;
	m->make = make;
	m->content = target ? arena_strdup(b->arena, target) : NULL;
	m->mode = (struct opt_u32){ !target, mode };
}

static int add_dev(struct minijail_builder *b, struct err *e)
{
	static const struct {
		char path[16];
		uint32_t major, minor;
	} devices[] = {
		{ "/dev/full", 1, 7 },    { "/dev/null", 1, 3 }, { "/dev/tty", 5, 0 },
		{ "/dev/urandom", 1, 9 }, { "/dev/zero", 1, 5 },
	};
	const size_t count = sizeof devices / sizeof *devices;
	struct spec_linux *l = b->spec->linux_config;

	add_new(b, "tmpfs", "/dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		"mode=0755,size=5M,nr_inodes=1024");
	add_made(b, SPEC_MAKE_DIRECTORY, "/dev/shm", NULL, 01777);
	add_made(b, SPEC_MAKE_SYMLINK, "/dev/fd", "/proc/self/fd", 0);
	add_made(b, SPEC_MAKE_SYMLINK, "/dev/stdin", "/proc/self/fd/0", 0);
	add_made(b, SPEC_MAKE_SYMLINK, "/dev/stdout", "/proc/self/fd/1", 0);
	add_made(b, SPEC_MAKE_SYMLINK, "/dev/stderr", "/proc/self/fd/2", 0);
	add_made(b, SPEC_MAKE_SYMLINK, "/dev/ptmx", "pts/ptmx", 0);
	l->devices = arena_new_array(b->arena, count, struct spec_device);
	if (!l->devices)
		return arena_check(b->arena, e);
	l->devices_count = count;
	for (size_t i = 0; i < count; i++)
		l->devices[i] = (struct spec_device){
			.type = 'c',
			.path = arena_strdup(b->arena, devices[i].path),
			.major = devices[i].major,
			.minor = devices[i].minor,
		};
	return arena_check(b->arena, e);
}

static int add_profile(struct minijail_builder *b, struct err *e)
{
	if (add_bind(b, "/,/", e) < 0 || add_bind(b, "/proc,/proc", e) < 0)
		return -1;
	if (text_equal(b->jail->profile, "minimalistic-mountns") && b->host->dev_log)
		return add_bind(b, "/dev/log,/dev/log", e);
	return 0;
}

static int add_tmp(struct minijail_builder *b, struct err *e)
{
	const char *text = b->jail->tmp.value;
	uint64_t bytes = TMP_BYTES_DEFAULT;
	char data[64];

	if (text && minijail_bytes_parse(text, &bytes) < 0)
		return err_set(e, ERR_USAGE, 0, "-t%s: is not a size (64M)", text);
	text_format(data, sizeof data, "size=%llu,mode=1777", (unsigned long long)bytes);
	add_new(b, "tmpfs", "/tmp", attrs_of(SAFE_FLAGS), data);
	return arena_check(b->arena, e);
}

/* Of what is given to -b and -k "/" has to come first: what replaces the root covers all before. */
static int add_asked(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;

	if (m->profile && add_profile(b, e) < 0)
		return -1;
	for (size_t i = 0; i < m->mounts.count; i++) {
		const char *text = m->mounts.items[i];
		int result = *text == 'b' ? add_bind(b, text + 1, e) : add_mount(b, text + 1, e);
		if (result < 0)
			return -1;
	}
	return 0;
}

static unsigned long propagation(const struct minijail_maybe *asked)
{
	const char *mode = asked->value;

	if (!asked->given || !mode)
		return MS_SLAVE | MS_REC;
	return MS_REC | (text_equal(mode, "private")  ? MS_PRIVATE
			 : text_equal(mode, "shared") ? MS_SHARED
			 : text_equal(mode, "slave")  ? MS_SLAVE
						      : MS_UNBINDABLE);
}

int minijail_mounts_make(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	const char *root = m->pivot ? m->pivot : m->chroot;

	b->mounts_room = m->mounts.count + MOUNTS_OF_OPTIONS;
	b->spec->mounts = arena_new_array(b->arena, b->mounts_room, struct spec_mount);
	if (!b->spec->mounts)
		return arena_check(b->arena, e);
	b->spec->sandbox->devices_own = true;
	if (root)
		use_root(b, minijail_absolute(b, root));
	else if (b->new_mounts)
		use_root(b, "/");
	else
		b->spec->sandbox->inherit.root = true;
	if (!b->new_mounts)
		return arena_check(b->arena, e);
	b->spec->linux_config->rootfs_propagation = propagation(&m->propagation);
	/* The new /dev first of all: what -b puts there is in it. But a new root would cover it. */
	struct spec *s = b->spec;
	if (add_asked(b, e) < 0)
		return -1;
	size_t asked = s->mounts_count;
	if (m->mount_dev && add_dev(b, e) < 0)
		return -1;
	size_t made = s->mounts_count - asked;
	struct spec_mount *copy = arena_new_array(b->arena, made + 1, struct spec_mount);
	if (!copy)
		return arena_check(b->arena, e);
	memcpy(copy, s->mounts + asked, made * sizeof *copy);
	memmove(s->mounts + made, s->mounts, asked * sizeof *copy);
	memcpy(s->mounts, copy, made * sizeof *copy);
	if (m->tmp.given && add_tmp(b, e) < 0)
		return -1;
	if (m->proc_readonly)
		add_new(b, "proc", "/proc", attrs_of(SAFE_FLAGS | MS_RDONLY), NULL);
	return arena_check(b->arena, e);
}
