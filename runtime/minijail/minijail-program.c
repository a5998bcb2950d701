/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the program has a loader of its own: then a policy for it does not cover the loader. */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/minijail/minijail.h"
#include "src/base/clean.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define HEADERS_BYTES_MAX 65536

/* Both widths have what is looked at in the same order; only sizes differ. */
static int has_interpreter(const unsigned char *file, size_t length)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	bool is_wide = file[EI_CLASS] == ELFCLASS64;
	uint64_t at, size, count;
	uint32_t type;

	if (length < sizeof wide || memcmp(file, ELFMAG, SELFMAG) != 0)
		return -1;
	memcpy(&wide, file, sizeof wide);
	memcpy(&narrow, file, sizeof narrow);
	at = is_wide ? wide.e_phoff : narrow.e_phoff;
	size = is_wide ? wide.e_phentsize : narrow.e_phentsize;
	count = is_wide ? wide.e_phnum : narrow.e_phnum;
	for (uint64_t i = 0; i < count; i++) {
		if (size < sizeof type || at > length || length - at < (i + 1) * size)
			return -1;
		memcpy(&type, file + at + i * size, sizeof type);
		if (type == PT_INTERP)
			return 1;
	}
	return 0;
}

static int open_below(const char *root, const char *path)
{
	CLEAN_FD int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -1 : path_open_in_root(dir, path, O_RDONLY | O_NONBLOCK);
}

/* As it will be seen: what was mounted last is what counts. */
static int open_program(const struct minijail_builder *b, const char *path)
{
	const struct spec *s = b->spec;

	for (size_t i = s->mounts_count; i > 0; i--) {
		const struct spec_mount *m = &s->mounts[i - 1];
		if (!m->bind || m->remount || !path_is_within(path, m->destination))
			continue;
		const char *rest = path + strlen(m->destination);
		/* A file that is shown alone. */
		return *rest ? open_below(m->source, rest) : open(m->source, O_RDONLY | O_CLOEXEC);
	}
	if (!s->root)
		return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return s->root->path ? open_below(s->root->path, path) : -1;
}

int minijail_program_is_static(const struct minijail_builder *b)
{
	unsigned char *file = arena_alloc(b->arena, HEADERS_BYTES_MAX);
	const char *name = b->jail->command[0];

	if (!file)
		return 0;
	/* Found by PATH, or relative to where one is inside: not worth guessing. */
	if (*name != '/' && (b->spec->root || !strchr(name, '/')))
		return 0;
	CLEAN_FD int fd = open_program(b, name);
	ssize_t n = fd < 0 ? -1 : pread(fd, file, HEADERS_BYTES_MAX, 0);
	return n > 0 && has_interpreter(file, (size_t)n) == 0;
}
