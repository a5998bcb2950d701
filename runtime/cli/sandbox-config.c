/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a sandbox's configuration: profiles by name, and what files include. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/sandbox-options.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define CONFIG_BYTES_MAX (4u << 20)
#define DEPTH_MAX        10

/* A file that is being read, and the one that asked for it. */
struct file {
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned depth;
	const struct file *from;
};

struct loading {
	struct arena *arena;
	struct sandbox *into;
};

static int load(struct loading *l, const char *path, const struct file *from, struct err *e);

/* ---- profiles ---- */

static bool is_name(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n && !name[n] && *name != '.';
}

/* The user's own, the administrator's, those that come with husk. */
static const char *profile_path(struct arena *a, unsigned index, const char *name)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (index == 1)
		return arena_format(a, "%s/%s.json", SANDBOX_SYSCONFDIR, name);
	if (index == 2)
		return arena_format(a, "%s/%s.json", SANDBOX_DATADIR, name);
	if (config && *config == '/')
		return arena_format(a, "%s/husk/sandbox/%s.json", config, name);
	if (home && *home == '/')
		return arena_format(a, "%s/.config/husk/sandbox/%s.json", home, name);
	return "";
}

static int load_profile(struct loading *l, const char *name, const struct file *from, struct err *e)
{
	if (!is_name(name))
		return err_config(e,
				  "profile \"%s\": is no name (for a file: --config, or include)",
				  name);
	for (unsigned i = 0; i < 3; i++) {
		const char *path = profile_path(l->arena, i, name);
		if (!path)
			return arena_check(l->arena, e);
		if (*path && access(path, F_OK) == 0)
			return load(l, path, from, e);
	}
	return err_set(e, ERR_NOT_FOUND, 0,
		       "profile \"%s\": there is no %s, nor %s/%s.json or %s/%s.json", name,
		       profile_path(l->arena, 0, name), SANDBOX_SYSCONFDIR, name, SANDBOX_DATADIR,
		       name);
}

/* ---- files ---- */

static int refuse_cycle(const struct file *f, struct err *e)
{
	for (const struct file *up = f->from; up; up = up->from) {
		if (up->device == f->device && up->inode == f->inode)
			return err_config(e, "%s: includes itself, by way of %s", up->path,
					  f->from->path);
	}
	if (f->depth > DEPTH_MAX)
		return err_config(e, "%s: is included more than %d files deep", f->path, DEPTH_MAX);
	return 0;
}

static int read_text(struct file *f, struct arena *a, char **text, size_t *length, struct err *e)
{
	CLEAN_FD int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", f->path);
	f->device = st.st_dev;
	f->inode = st.st_ino;
	if (refuse_cycle(f, e) < 0)
		return -1;
	return io_read_file(fd, f->path, CONFIG_BYTES_MAX, a, text, length, e);
}

/* Beside the file that names it. */
static const char *resolve(struct arena *a, const struct file *f, const char *path)
{
	const char *slash = strrchr(f->path, '/');

	if (*path == '/' || !slash)
		return path;
	return arena_format(a, "%.*s/%s", (int)(slash - f->path), f->path, path);
}

static int load_included(struct loading *l, const struct file *f, const struct sandbox *s,
			 struct err *e)
{
	for (size_t i = 0; i < s->profiles.count; i++) {
		if (load_profile(l, s->profiles.items[i], f, e) < 0)
			return e->kind == ERR_NOT_FOUND
				       ? err_prefix(e, "%s: profiles[%zu]", f->path, i)
				       : -1;
	}
	for (size_t i = 0; i < s->include.count; i++) {
		const char *path = resolve(l->arena, f, s->include.items[i]);
		if (!path)
			return arena_check(l->arena, e);
		if (access(path, R_OK) < 0)
			return err_sys(e, "%s: include[%zu]: %s", f->path, i, path);
		if (load(l, path, f, e) < 0)
			return -1;
	}
	return 0;
}

static int load(struct loading *l, const char *path, const struct file *from, struct err *e)
{
	struct file f = { .path = path, .depth = from ? from->depth + 1 : 0, .from = from };
	struct sandbox *s = arena_new(l->arena, struct sandbox);
	size_t length;
	char *text;

	if (!s)
		return arena_check(l->arena, e);
	if (read_text(&f, l->arena, &text, &length, e) < 0 ||
	    sandbox_parse(path, text, length, l->arena, s, e) < 0 || load_included(l, &f, s, e) < 0)
		return -1;
	s->include = s->profiles = (struct str_list){ 0 };
	return sandbox_merge(l->into, s, l->arena, e);
}

int sandbox_config_load(const struct option_list *profiles, const char *file, struct arena *a,
			struct sandbox *s, struct err *e)
{
	struct loading l = { .arena = a, .into = s };

	for (size_t i = 0; i < profiles->count; i++) {
		if (load_profile(&l, profiles->items[i], NULL, e) < 0)
			return -1;
	}
	return file ? load(&l, file, NULL, e) : 0;
}
