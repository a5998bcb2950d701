/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/path.h"
#include "src/base/text.h"

/* As many files of one directory are written as that directory. */
#define TOGETHER 8

/* --------------------------------------------------------------- record */

static size_t hash(const char *text)
{
	uint64_t h = 14695981039346656037u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static size_t slot_of(const struct learn_files *f, const char *path)
{
	size_t at = hash(path) & (f->size - 1);

	while (f->slots[at] && !text_equal(f->slots[at]->path, path))
		at = (at + 1) & (f->size - 1);
	return at;
}

static int grow(struct learn *l)
{
	struct learn_files grown = { .count = l->files.count,
				     .size = l->files.size ? l->files.size * 2 : 256 };

	grown.slots = arena_new_array(l->arena, grown.size, struct learn_file *);
	if (!grown.slots)
		return -1;
	for (size_t i = 0; i < l->files.size; i++)
		if (l->files.slots[i])
			grown.slots[slot_of(&grown, l->files.slots[i]->path)] = l->files.slots[i];
	l->files = grown;
	return 0;
}

/* What is there before the call is made is not made by it. */
static struct learn_file *make_file(struct learn *l, const char *path)
{
	struct learn_file *file = arena_new(l->arena, struct learn_file);
	struct stat st;

	if (!file)
		return NULL;
	file->path = arena_strdup(l->arena, path);
	if (!file->path)
		return NULL;
	file->existed = stat(path, &st) == 0;
	file->directory = file->existed && S_ISDIR(st.st_mode);
	return file;
}

void learn_file_add(struct learn *l, const char *path, unsigned use)
{
	char clean[PATH_MAX];

	if (path_clean(path, clean, sizeof clean) < 0)
		return;
	if (l->files.count * 2 >= l->files.size && grow(l) < 0)
		return;
	struct learn_file **slot = &l->files.slots[slot_of(&l->files, clean)];
	if (!*slot) {
		*slot = make_file(l, clean);
		if (!*slot)
			return;
		l->files.count++;
	}
	/* "mkdir -p" tries all directories on the way. */
	if (use & LEARN_MKDIR)
		use = (*slot)->existed ? LEARN_LOOK : LEARN_MAKE;
	(*slot)->use |= use;
}

/* -------------------------------------------------------------- options */

static bool is_below_any(const char *path, const char *const *directories)
{
	for (; *directories; directories++)
		if (path_is_within(path, *directories))
			return true;
	return false;
}

/* What every sandbox has: the system's own files to read, devices and the like made for it. */
static bool is_shown(const char *path, bool writable)
{
	static const char *const system[] = { "/usr",   "/bin",    "/sbin", "/lib", "/lib32",
					      "/lib64", "/libx32", "/etc",  NULL };
	static const char *const made[] = { "/proc", "/dev", "/sys", NULL };

	return is_below_any(path, made) || (!writable && is_below_any(path, system)) ||
	       text_equal(path, "/");
}

/* Directories that are the sandbox's own, and empty at first. */
static bool is_private(const char *path)
{
	static const char *const own[] = { "/tmp", "/run", "/var/tmp", NULL };

	return is_below_any(path, own);
}

/* The directory of @path, in @a. */
static char *parent_of(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return arena_strdup(a, "/");
	return arena_format(a, "%.*s", (int)(slash - path), path);
}

/* Names on the way that were made themselves are made again: the first directory that was there. */
static const char *place_of(const struct learn *l, const char *path, struct arena *a)
{
	struct stat st;

	for (char *at = parent_of(path, a); at; at = parent_of(at, a)) {
		const struct learn_file *file = l->files.slots[slot_of(&l->files, at)];
		if (text_equal(at, "/"))
			return at;
		if (file ? file->existed : stat(at, &st) == 0)
			return at;
	}
	return NULL;
}

/* What a file needs; its path NULL: nothing. */
static struct learn_option option_of(const struct learn *l, const struct learn_file *f,
				     struct arena *a)
{
	struct learn_option none = { 0 }, o = { .path = f->path };

	if (f->use & LEARN_GIVEN) {
		o.writable = f->use & LEARN_WRITE;
		return o;
	}
	o.writable = f->use & (LEARN_WRITE | LEARN_MAKE);
	if (o.writable && path_is_within(f->path, "/dev"))
		return none;
	if (f->use & LEARN_MAKE)
		o.path = place_of(l, f->path, a);
	else if (!f->existed)
		return none;
	/* A directory that was only looked at comes with what is bound below it. */
	else if (f->directory && !(f->use & (LEARN_READ | LEARN_WRITE)))
		return none;
	if (!o.path || is_shown(o.path, o.writable))
		return none;
	/* Made in a private directory: it is as well made in the sandbox's own. */
	if (is_private(o.path) && (o.writable ? f->use & LEARN_MAKE : !f->existed) &&
	    (text_equal(o.path, "/tmp") || text_equal(o.path, "/run") ||
	     text_equal(o.path, "/var/tmp")))
		return none;
	return o;
}

/* What is in a directory stands right behind it. */
static int compare_options(const void *left, const void *right)
{
	const struct learn_option *one = left, *two = right;
	const char *a = one->path, *b = two->path;

	for (; *a && *a == *b; a++)
		b++;
	if (*a != *b)
		return (*a == '/' ? 1 : (unsigned char)*a * 2) -
		       (*b == '/' ? 1 : (unsigned char)*b * 2);
	return (int)two->writable - (int)one->writable;
}

/* Sorted and without what another one contains. */
static size_t reduce(struct learn_option *o, size_t count)
{
	const char *writable = NULL, *readable = NULL;
	size_t kept = 0;

	if (count)
		qsort(o, count, sizeof *o, compare_options);
	for (size_t i = 0; i < count; i++) {
		if (writable && path_is_within(o[i].path, writable))
			continue;
		if (!o[i].writable && readable && path_is_within(o[i].path, readable))
			continue;
		if (o[i].writable)
			writable = o[i].path;
		else
			readable = o[i].path;
		o[kept++] = o[i];
	}
	return kept;
}

/* A directory that may stand for its files: not a home, nor what contains all homes. */
static bool may_stand(const char *directory)
{
	const char *home = getenv("HOME");
	size_t depth = 0;

	for (const char *p = directory; *p; p++)
		depth += *p == '/' && p[1];
	return depth >= 2 && !(home && *home == '/' && path_is_within(home, directory)) &&
	       !(depth == 2 && path_is_within(directory, "/home"));
}

/* Many files to read of one directory become that directory. True if anything changed. */
static bool gather(struct learn_option *o, size_t count, struct arena *a)
{
	bool changed = false;

	for (size_t i = 0, end; i < count; i = end) {
		char *parent = parent_of(o[i].path, a);
		size_t same = 0, length = parent ? strlen(parent) : 0;
		end = i + 1;
		if (!parent || o[i].writable || !may_stand(parent))
			continue;
		size_t last = i;
		for (; last < count && path_is_within(o[last].path, parent); last++)
			same += !o[last].writable && !strchr(o[last].path + length + 1, '/');
		if (same < TOGETHER)
			continue;
		o[i].path = parent;
		changed = true;
		/* The next round drops them. */
		end = last;
	}
	return changed;
}

size_t learn_file_options(const struct learn *l, struct arena *a, struct learn_option **out)
{
	struct learn_option *o = arena_new_array(a, l->files.count + 1, struct learn_option);
	size_t count = 0;

	*out = o;
	if (!o)
		return 0;
	for (size_t i = 0; i < l->files.size; i++) {
		if (!l->files.slots[i])
			continue;
		struct learn_option one = option_of(l, l->files.slots[i], a);
		if (one.path)
			o[count++] = one;
	}
	do {
		count = reduce(o, count);
	} while (gather(o, count, a));
	return count;
}

bool learn_word_print(const char *word, char *out, size_t size)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "/._-+=:,@%";
	size_t n = 0;

	if (*word && strspn(word, plain) == strlen(word))
		return !text_cut(text_format(out, size, "%s", word), size);
	/* What would end the line, or write to a reader's terminal. */
	for (const char *c = word; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '\'' || *c == '\\')
			return false;
	n = text_format(out, size, "'%s'", word);
	return !text_cut(n, size);
}
