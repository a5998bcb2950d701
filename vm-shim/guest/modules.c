/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's kernel has to load, from the index that depmod(8) made. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "vm-shim/guest/guest-parts.h"

#define INDEX_BYTES_MAX (16u << 20)
#define NAMES_MAX       24

int guest_list_add(struct str_list *list, const char *path, struct arena *a, struct err *e)
{
	for (size_t i = 0; i < list->count; i++) {
		if (text_equal(list->items[i], path))
			return 0;
	}
	/* Grown by doubling; the old array stays in the arena. */
	if ((list->count & (list->count + 1)) == 0) {
		char **items = arena_new_array(a, 2 * (list->count + 1) + 1, char *);
		if (!items)
			return arena_check(a, e);
		if (list->count)
			memcpy(items, list->items, list->count * sizeof *items);
		list->items = items;
	}
	list->items[list->count++] = arena_strdup(a, path);
	return arena_check(a, e);
}

const char *const *guest_modules_names(const struct guest_initramfs_options *o, struct arena *a)
{
	static const char *const always[] = { "virtio_ring", "virtio", "virtio_mmio",
					      "virtio_console", "overlay" };
	static const char *const share[] = { "fuse", "virtiofs" };
	/* erofs asks for a checksum by its algorithm's name, which no index of files knows. */
	static const char *const disk[] = { "virtio_blk", "?libcrc32c", "?crc32c_generic",
					    "erofs" };
	static const char *const net[] = { "failover", "net_failover", "virtio_net" };
	static const char *const balloon[] = { "virtio_balloon" };
	const struct {
		bool wanted;
		const char *const *names;
		size_t count;
	} groups[] = {
		{ true, always, sizeof always / sizeof *always },
		{ o->share, share, sizeof share / sizeof *share },
		{ o->disk, disk, sizeof disk / sizeof *disk },
		{ o->net, net, sizeof net / sizeof *net },
		{ o->balloon, balloon, sizeof balloon / sizeof *balloon },
	};
	const char **names = arena_new_array(a, NAMES_MAX, const char *);
	size_t count = 0;

	for (size_t i = 0; names && i < sizeof groups / sizeof *groups; i++) {
		for (size_t k = 0; groups[i].wanted && k < groups[i].count; k++)
			names[count++] = groups[i].names[k];
	}
	return names;
}

/* A file of the index, NUL-terminated. */
static int read_index(const char *directory, const char *name, struct arena *a, char **text,
		      struct err *e)
{
	const char *path = arena_format(a, "%s/%s", directory, name);
	size_t length;

	if (!path)
		return arena_check(a, e);
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s (depmod makes it)", path);
	return io_read_file(fd, path, INDEX_BYTES_MAX, a, text, &length, e);
}

/* Whether the path [@path, @end) is that of the module @name: kernel/fs/fuse/virtio-fs.ko.xz. */
static bool is_module(const char *path, const char *end, const char *name)
{
	const char *base = path;

	for (const char *at = path; at < end; at++) {
		if (*at == '/')
			base = at + 1;
	}
	for (; base < end && *name; base++, name++) {
		char one = *base == '-' ? '_' : *base, two = *name == '-' ? '_' : *name;
		if (one != two)
			return false;
	}
	return !*name && end - base >= 3 && memcmp(base, ".ko", 3) == 0 &&
	       (end - base == 3 || base[3] == '.');
}

/* The line whose path is that of @name, up to @stop; NULL: there is none. */
static const char *find_line(const char *text, const char *name, char stop)
{
	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *end = memchr(text, stop, line);
		if (is_module(text, end ? end : text + line, name))
			return text;
		text += line + (text[line] == '\n');
	}
	return NULL;
}

static int add_file(const char *directory, const char *path, size_t length, struct arena *a,
		    struct str_list *files, struct err *e)
{
	const char *file = arena_format(a, "%s/%.*s", directory, (int)length, path);

	return file ? guest_list_add(files, file, a, e) : arena_check(a, e);
}

/*
 * "PATH: NEEDED NEEDED ...": all that it needs, directly or not; what is needed stands behind who needs
 * it, so the last one comes first.
 */
static int take_line(const char *directory, const char *line, struct arena *a,
		     struct str_list *files, struct err *e)
{
	const char *end = line + strcspn(line, "\n"),
		   *colon = memchr(line, ':', (size_t)(end - line));
	const char *last = end;

	if (!colon)
		return err_config(e, "%s/modules.dep: a line without a colon", directory);
	while (last > colon) {
		while (last > colon && (last[-1] == ' ' || last[-1] == ':'))
			last--;
		const char *first = last;
		while (first > colon + 1 && first[-1] != ' ')
			first--;
		if (last <= colon + 1)
			break;
		if (add_file(directory, first, (size_t)(last - first), a, files, e) < 0)
			return -1;
		last = first;
	}
	return add_file(directory, line, (size_t)(colon - line), a, files, e);
}

int guest_modules_resolve(const char *directory, const char *const *names, size_t count,
			  struct arena *a, struct str_list *files, struct err *e)
{
	char *index, *builtin;

	*files = (struct str_list){ 0 };
	if (read_index(directory, "modules.dep", a, &index, e) < 0 ||
	    read_index(directory, "modules.builtin", a, &builtin, e) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		bool optional = names[i][0] == '?';
		const char *name = names[i] + optional;
		const char *line = find_line(index, name, ':');
		if (line && take_line(directory, line, a, files, e) < 0)
			return -1;
		if (!line && !optional && !find_line(builtin, name, '\n'))
			return err_set(e, ERR_UNSUPPORTED, 0,
				       "kernel module %s: is neither in %s/modules.dep nor built "
				       "in (take a kernel that has it, such as Debian's)",
				       name, directory);
	}
	return 0;
}
