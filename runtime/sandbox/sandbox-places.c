/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own operations on the file system, in their order. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define RO   MOUNT_ATTR_RDONLY
#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* 1 to go on, 0 to pass it over, -1. Relative sources count from where the caller is. */
static int source_exists(const struct sandbox_place *p, struct err *e)
{
	if (!p->source || access(p->source, F_OK) == 0)
		return 1;
	if (p->optional && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return err_set(e, ERR_CONFIG, errno, "%s %s", sandbox_place_name(p->kind), p->source);
}

const char *sandbox_absolute(struct sandbox_builder *b, const char *path)
{
	return *path == '/' ? path : arena_format(b->arena, "%s/%s", b->host->cwd, path);
}

/*
 * A mount is made of a path. That the descriptor's is still the same file is looked at when it has been
 * made; until then the file stays, and with it its number.
 */
static int add_descriptor(struct sandbox_builder *b, const struct sandbox_place *p, uint64_t attrs,
			  struct err *e)
{
	const char *name = sandbox_place_name(p->kind);
	unsigned fd = p->descriptor.value;
	char link[64], path[PATH_MAX];
	struct stat st;

	int held = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
	if (held < 0 || fstat(held, &st) < 0)
		return err_set(e, ERR_CONFIG, errno, "%s: descriptor %u", name, fd);
	text_format(link, sizeof link, "/proc/self/fd/%d", held);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return err_sys(e, "%s: read path of descriptor %u", name, fd);
	path[n] = '\0';
	if (*path != '/')
		return err_config(e, "%s: descriptor %u is %s, and neither a file nor a directory",
				  name, fd, path);
	struct spec_mount *m = sandbox_add_bind(b, path, p->destination, attrs);
	if (!m)
		return arena_check(b->arena, e);
	m->extra |= SPEC_MOUNT_SRC_NOFOLLOW;
	m->source_held = true;
	m->source_device = st.st_dev;
	m->source_inode = st.st_ino;
	return 0;
}

static int add_bind(struct sandbox_builder *b, const struct sandbox_place *p, const char *source,
		    uint64_t attrs, struct err *e)
{
	if (p->descriptor.set)
		return add_descriptor(b, p, attrs, e);
	int exists = source_exists(p, e);

	if (exists <= 0 || text_equal(p->destination, "/"))
		return exists < 0 ? -1 : 0;
	sandbox_add_bind(b, sandbox_absolute(b, source), p->destination, attrs);
	return 0;
}

static int add_tmpfs(struct sandbox_builder *b, const struct sandbox_place *p)
{
	const struct sandbox_limits *l = &b->sandbox->limits;
	char mode[8];

	text_format(mode, sizeof mode, "%04o", p->mode.set ? p->mode.value : 0755);
	sandbox_add_tmpfs(b, p->destination, mode, SAFE,
			  p->size_bytes.set ? &p->size_bytes : &l->tmp_bytes,
			  p->inodes.set ? &p->inodes : &l->tmp_inodes);
	return 0;
}

static int add_overlay(struct sandbox_builder *b, const struct sandbox_place *p, struct err *e)
{
	const struct sandbox_limits *l = &b->sandbox->limits;
	struct spec_mount *m = sandbox_add_mount(b, p->destination);
	struct spec_overlay *o = arena_new(b->arena, struct spec_overlay);

	if (!m || !o)
		return arena_check(b->arena, e);
	o->lowers.items = arena_new_array(b->arena, p->lowers.count + 1, char *);
	if (!o->lowers.items)
		return arena_check(b->arena, e);
	/* Given from the lowest up, as layers are stacked; the kernel wants the topmost first. */
	for (size_t i = p->lowers.count; i-- > 0;) {
		if (access(p->lowers.items[i], F_OK) < 0)
			return err_set(e, ERR_CONFIG, errno, "overlay layer %s",
				       p->lowers.items[i]);
		o->lowers.items[o->lowers.count++] =
			(char *)sandbox_absolute(b, p->lowers.items[i]);
	}
	o->readonly = p->kind == SANDBOX_RO_OVERLAY;
	o->memory_bytes = sandbox_tmp_bytes(&p->size_bytes, l);
	o->memory_inodes = sandbox_tmp_inodes(&p->inodes, l);
	if (p->kind == SANDBOX_OVERLAY) {
		o->upper = (char *)sandbox_absolute(b, p->source);
		o->work = (char *)sandbox_absolute(b, p->work);
	}
	m->make = SPEC_MAKE_OVERLAY;
	m->overlay = o;
	return 0;
}

static int add_made(struct sandbox_builder *b, const struct sandbox_place *p, struct err *e)
{
	static const enum spec_make makes[] = {
		[SANDBOX_DIR] = SPEC_MAKE_DIRECTORY, [SANDBOX_FILE] = SPEC_MAKE_FILE,
		[SANDBOX_DATA] = SPEC_MAKE_DATA,     [SANDBOX_SYMLINK] = SPEC_MAKE_SYMLINK,
		[SANDBOX_CHMOD] = SPEC_MAKE_MODE,
	};
	struct spec_mount *m = sandbox_add_mount(b, p->destination);

	if (!m)
		return arena_check(b->arena, e);
	m->make = makes[p->kind];
	m->mode = p->mode;
	m->content = p->kind == SANDBOX_SYMLINK ? p->source : p->content;
	m->content_bytes = m->content ? strlen(m->content) : 0;
	return 0;
}

static int add_remount(struct sandbox_builder *b, const struct sandbox_place *p, struct err *e)
{
	/* The root is made read-only last of all, when nothing needs a place in it any more. */
	if (text_equal(p->destination, "/")) {
		b->spec->root->readonly = true;
		return 0;
	}
	struct spec_mount *m = sandbox_add_mount(b, p->destination);
	if (!m)
		return arena_check(b->arena, e);
	m->remount = m->bind = true;
	m->attr_set = RO;
	return 0;
}

static int add_place(struct sandbox_builder *b, const struct sandbox_place *p, struct err *e)
{
	struct spec_mount *m;

	switch ((enum sandbox_place_kind)p->kind) {
	case SANDBOX_BIND:
		return add_bind(b, p, p->source, SAFE, e);
	case SANDBOX_RO_BIND:
		return add_bind(b, p, p->source, SAFE | RO, e);
	case SANDBOX_DEV_BIND:
		return add_bind(b, p, p->source, MOUNT_ATTR_NOSUID, e);
	case SANDBOX_RW:
		return add_bind(b, p, p->destination, SAFE, e);
	case SANDBOX_TMPFS:
		return add_tmpfs(b, p);
	case SANDBOX_DIR:
	case SANDBOX_FILE:
	case SANDBOX_DATA:
	case SANDBOX_SYMLINK:
	case SANDBOX_CHMOD:
		return add_made(b, p, e);
	case SANDBOX_OVERLAY:
	case SANDBOX_TMP_OVERLAY:
	case SANDBOX_RO_OVERLAY:
		return add_overlay(b, p, e);
	case SANDBOX_REMOUNT_RO:
		return add_remount(b, p, e);
	case SANDBOX_MQUEUE:
		m = sandbox_add_mount(b, p->destination);
		if (m)
			m->type = m->source = arena_strdup(b->arena, "mqueue");
		return 0;
	case SANDBOX_PROC:
		sandbox_add_proc(b, p->destination);
		return 0;
	case SANDBOX_DEV:
		return sandbox_add_dev(b, p->destination);
	case SANDBOX_HIDE:
		sandbox_add_masked(b, p->destination);
		return 0;
	}
	return 0;
}

int sandbox_places_make(struct sandbox_builder *b, struct err *e)
{
	for (size_t i = 0; i < b->sandbox->places_count; i++) {
		if (add_place(b, &b->sandbox->places[i], e) < 0)
			return -1;
	}
	return arena_check(b->arena, e);
}
