/* SPDX-License-Identifier: Apache-2.0 */
/* Which libraries a program needs, by the entries of its own files that the dynamic loader reads. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "vm-shim/guest/guest-parts.h"

#define FILES_MAX 128

/* A file, mapped. */
struct object {
	const char *path;
	const uint8_t *at;
	size_t size;
	const Elf64_Phdr *segments;
	size_t count;
};

static int open_object(const char *path, struct object *o, struct err *e)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open %s", path);
	*o = (struct object){ .path = path, .size = (size_t)st.st_size };
	if (o->size < sizeof(Elf64_Ehdr))
		return err_config(e, "%s: is no ELF file", path);
	void *map = mmap(NULL, o->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, "map %s", path);
	o->at = map;
	const Elf64_Ehdr *header = map;
	bool good = memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
		    header->e_ident[EI_CLASS] == ELFCLASS64 &&
		    header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phoff <= o->size &&
		    header->e_phoff % _Alignof(Elf64_Phdr) == 0 &&
		    header->e_phnum <= (o->size - header->e_phoff) / sizeof(Elf64_Phdr);
	if (!good) {
		munmap(map, o->size);
		return err_config(e, "%s: is no ELF file of 64 bits", path);
	}
	o->segments = (const void *)(o->at + header->e_phoff);
	o->count = header->e_phnum;
	return 0;
}

static void close_object(struct object *o)
{
	munmap((void *)(uintptr_t)o->at, o->size);
}

/* What is loaded at @address, up to the end of the file; NULL: nothing. */
static const void *loaded_at(const struct object *o, uint64_t address, size_t *room)
{
	for (size_t i = 0; i < o->count; i++) {
		const Elf64_Phdr *p = &o->segments[i];
		if (p->p_type != PT_LOAD || address < p->p_vaddr ||
		    address - p->p_vaddr >= p->p_filesz)
			continue;
		uint64_t offset = p->p_offset + (address - p->p_vaddr);
		if (offset < p->p_offset || offset >= o->size)
			return NULL;
		*room = o->size - (size_t)offset;
		return o->at + offset;
	}
	return NULL;
}

/* The text at @at, if it ends within @room. */
static const char *text_at(const void *at, size_t room)
{
	return at && memchr(at, 0, room) ? at : NULL;
}

/* ---- where libraries are ---- */

struct lookup {
	const char *name;
	const char *found;
	struct arena *arena;
};

/* The running husk has most of them: the loader's own answer is the best one. */
static int look_at_loaded(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct lookup *l = ctx;
	const char *slash = strrchr(info->dlpi_name, '/');

	(void)size;
	if (!slash || info->dlpi_name[0] != '/' || !text_equal(slash + 1, l->name))
		return 0;
	l->found = arena_strdup(l->arena, info->dlpi_name);
	return 1;
}

/* The places that the loader searches without a cache, of several distributions. */
static const char *find_library(const char *name, struct arena *a)
{
	static const char *const places[] = {
		"/lib/x86_64-linux-gnu",
		"/usr/lib/x86_64-linux-gnu",
		"/lib64",
		"/usr/lib64",
		"/lib",
		"/usr/lib",
	};
	struct lookup l = { .name = name, .arena = a };

	if (name[0] == '/')
		return access(name, R_OK) == 0 ? name : NULL;
	dl_iterate_phdr(look_at_loaded, &l);
	if (l.found)
		return l.found;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *path = arena_format(a, "%s/%s", places[i], name);
		if (path && access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

/* ---- what a file needs ---- */

static int add_needed(const struct object *o, const Elf64_Dyn *entries, size_t count,
		      struct arena *a, struct str_list *paths, struct err *e)
{
	uint64_t strings = 0;
	size_t room;

	for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
		if (entries[i].d_tag == DT_STRTAB)
			strings = entries[i].d_un.d_ptr;
	}
	for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
		if (entries[i].d_tag != DT_NEEDED)
			continue;
		const void *at = loaded_at(o, strings + entries[i].d_un.d_val, &room);
		const char *name = text_at(at, room);
		if (!name)
			return err_config(e, "%s: has a library's name outside of the file",
					  o->path);
		const char *path = find_library(name, a);
		if (!path)
			return err_set(e, ERR_NOT_FOUND, 0,
				       "library %s, which %s needs: was not found", name, o->path);
		if (guest_list_add(paths, path, a, e) < 0)
			return -1;
	}
	return 0;
}

static int read_segment(const struct object *o, const Elf64_Phdr *p, struct arena *a,
			struct str_list *paths, struct err *e)
{
	if (p->p_type != PT_INTERP && p->p_type != PT_DYNAMIC)
		return 0;
	if (p->p_offset > o->size || p->p_filesz > o->size - p->p_offset)
		return err_config(e, "%s: has a segment outside of the file", o->path);
	const uint8_t *at = o->at + p->p_offset;
	if (p->p_type == PT_INTERP)
		return text_at(at, p->p_filesz) ? guest_list_add(paths, (const char *)at, a, e) : 0;
	if (p->p_offset % _Alignof(Elf64_Dyn))
		return err_config(e, "%s: has a segment that is not aligned", o->path);
	return add_needed(o, (const void *)at, p->p_filesz / sizeof(Elf64_Dyn), a, paths, e);
}

static int read_object(const char *path, struct arena *a, struct str_list *paths, struct err *e)
{
	struct object o = { 0 };
	int result = 0;

	if (open_object(path, &o, e) < 0)
		return -1;
	for (size_t i = 0; i < o.count && result == 0; i++)
		result = read_segment(&o, &o.segments[i], a, paths, e);
	close_object(&o);
	return result;
}

int guest_closure(const char *program, const char *const *more, struct arena *a,
		  struct str_list *paths, struct err *e)
{
	*paths = (struct str_list){ 0 };
	if (read_object(program, a, paths, e) < 0)
		return -1;
	for (; more && *more; more++) {
		const char *path = find_library(*more, a);
		if (path && guest_list_add(paths, path, a, e) < 0)
			return -1;
	}
	/* The list grows while it is read. */
	for (size_t i = 0; i < paths->count; i++) {
		if (i == FILES_MAX)
			return err_config(e, "%s: needs more than %d libraries", program,
					  FILES_MAX);
		if (read_object(paths->items[i], a, paths, e) < 0)
			return -1;
	}
	return arena_check(a, e);
}
