/* SPDX-License-Identifier: Apache-2.0 */
/* What of the host a virtual machine can reach. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/vm-jail.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

struct shared_path {
	const char *path;
	bool writable;
};

struct view {
	struct vm_jail *jail;
	struct arena *a;
	struct shared_path *items;
	size_t count, room;
};

static void add_path(struct view *v, const char *path, bool writable)
{
	for (size_t i = 0; i < v->count; i++) {
		if (text_equal(v->items[i].path, path)) {
			v->items[i].writable |= writable;
			return;
		}
	}
	if (v->count == v->room) {
		v->a->failed = 1;
		return;
	}
	v->items[v->count++] = (struct shared_path){ arena_strdup(v->a, path), writable };
}

/* Devices, /proc and what hangs on them are the guest's own. */
static bool is_own(const char *path)
{
	return path_is_within(path, "/proc") || path_is_within(path, "/dev") ||
	       path_is_within(path, "/sys");
}

/* At its own path, and where that leads through links also at the one behind them. */
static void add_source(struct view *v, const char *path, bool writable)
{
	char real[PATH_MAX];

	if (is_own(path) || text_equal(path, "/"))
		return;
	add_path(v, path, writable);
	if (realpath(path, real) && !text_equal(real, path) && !is_own(real))
		add_path(v, real, writable);
}

static int by_length(const void *x, const void *y)
{
	size_t a = strlen(((const struct shared_path *)x)->path);
	size_t b = strlen(((const struct shared_path *)y)->path);

	return a < b ? -1 : a > b;
}

/* Around @path, and with at least as much right. */
static bool is_covered(const struct view *v, size_t index)
{
	const struct shared_path *p = &v->items[index];

	for (size_t i = 0; i < v->count; i++) {
		const struct shared_path *q = &v->items[i];
		if (i != index && strlen(q->path) < strlen(p->path) &&
		    path_is_within(p->path, q->path) && (q->writable || !p->writable))
			return true;
	}
	return false;
}

static bool is_shared(const struct view *v, const char *path)
{
	for (size_t i = 0; i < v->count; i++) {
		if (path_is_within(path, v->items[i].path))
			return true;
	}
	return false;
}

static void hide(struct view *v, const char *path)
{
	/* Asked for by name at some other place: then hiding it is the guest's own work. */
	for (size_t i = 0; i < v->count; i++) {
		if (path_is_within(v->items[i].path, path))
			return;
	}
	if (is_shared(v, path) && access(path, F_OK) == 0)
		vm_jail_place(v->jail, SANDBOX_HIDE, NULL, arena_format(v->a, VM_VIEW "%s", path));
}

/* @path is one of the sandbox: what of the host lies there, through the last mount around it. */
static void hide_inside(struct view *v, const struct spec *spec, const char *path)
{
	for (size_t i = spec->mounts_count; i-- > 0;) {
		const struct spec_mount *m = &spec->mounts[i];
		if (!path_is_within(path, m->destination))
			continue;
		if (m->bind && m->source) {
			const char *rest =
				path + (strlen(m->destination) > 1 ? strlen(m->destination) : 0);
			hide(v, arena_format(v->a, "%s%s", m->source, rest));
		}
		return;
	}
	if (spec->root->path)
		hide(v, arena_format(v->a, "%s%s",
				     strlen(spec->root->path) > 1 ? spec->root->path : "", path));
}

static void collect(struct view *v, const struct sandbox_made *made)
{
	const struct spec *spec = made->spec;

	if (spec->root->path)
		add_source(v, spec->root->path, !spec->root->readonly);
	for (size_t i = 0; i < spec->mounts_count; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		uint64_t attrs = m->attr_set | m->rec_attr_set;
		if (m->bind && !m->remount && m->source)
			add_source(v, m->source, !(attrs & MOUNT_ATTR_RDONLY));
		const struct spec_overlay *o = m->overlay;
		for (size_t k = 0; o && k < o->lowers.count; k++)
			add_source(v, o->lowers.items[k], false);
	}
}

int vm_view_make(struct vm_jail *j, const struct sandbox_made *made, const struct sandbox *s,
		 const struct sandbox_host *host, struct arena *a, struct err *e)
{
	static const char *const own[] = { "/proc", "/sys", "/dev", "/run", "/tmp" };
	const struct spec *spec = made->spec;
	struct view v = { .jail = j, .a = a };

	v.room = 2 * spec->mounts_count + 16;
	for (size_t i = 0; i < spec->mounts_count; i++)
		v.room += spec->mounts[i].overlay ? 2 * spec->mounts[i].overlay->lowers.count : 0;
	v.items = arena_new_array(a, v.room, struct shared_path);
	if (!v.items)
		return arena_check(a, e);
	collect(&v, made);
	for (size_t i = 0; i < v.count; i++) {
		if (path_is_within(v.items[i].path, "/run"))
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "%s: nothing below /run can be shared with --vm yet",
				       v.items[i].path);
	}
	if (s->policy && *s->policy == '/')
		add_source(&v, s->policy, false);
	qsort(v.items, v.count, sizeof *v.items, by_length);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		vm_jail_place(j, SANDBOX_DIR, NULL, arena_format(a, VM_VIEW "%s", own[i]));
	for (size_t i = 0; i < SANDBOX_SYSTEM_DIRS; i++) {
		const struct sandbox_system_dir *d = &host->dirs[i];
		if (d->link)
			vm_jail_place(j, SANDBOX_SYMLINK, d->link,
				      arena_format(a, VM_VIEW "%s", d->path));
	}
	for (size_t i = 0; i < v.count; i++) {
		const struct shared_path *p = &v.items[i];
		if (!is_covered(&v, i))
			vm_jail_place(j, p->writable ? SANDBOX_BIND : SANDBOX_RO_BIND, p->path,
				      arena_format(a, VM_VIEW "%s", p->path));
	}
	const struct str_list *masked = &spec->linux_config->masked_paths;
	for (size_t i = 0; i < masked->count; i++)
		hide_inside(&v, spec, masked->items[i]);
	if (j->places_count == VM_JAIL_PLACES_MAX)
		return err_config(e, "--vm: more than %d places of the host", VM_JAIL_PLACES_MAX);
	return arena_check(a, e);
}
