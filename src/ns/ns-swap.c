/* SPDX-License-Identifier: Apache-2.0 */
#include "src/ns/ns-swap.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/base/sanitized.h"
#include "src/base/text.h"

/* Four with GNU ld, five with lld; one more where bss has its own, which has no file behind it. */
#define SEGMENTS_MAX 8

struct segment {
	char *at, *fresh; /* where it is mapped, and its replacement until that is moved there */
	size_t size;      /* of both in bytes, whole pages */
	off_t offset;     /* in the file, page-aligned */
	int prot;
};

struct image {
	struct segment segments[SEGMENTS_MAX];
	unsigned count;
	char *relro; /* what the loader made read-only after relocation, or NULL */
	size_t relro_size;
	struct prctl_mm_map map;
};

/* The linker puts it at the ELF header in memory; 0 where no segment contains that. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));

static uintptr_t page_down(uintptr_t address)
{
	return address & -(uintptr_t)getauxval(AT_PAGESZ);
}

static uintptr_t page_up(uintptr_t address)
{
	return page_down(address + getauxval(AT_PAGESZ) - 1);
}

/* The limits that /proc/PID/stat shows, by the rules of the kernel's ELF loader. */
static void map_extend(struct prctl_mm_map *map, int prot, uintptr_t start, uintptr_t end)
{
	if (prot & PROT_EXEC && (map->start_code == 0 || start < map->start_code))
		map->start_code = start;
	if (prot & PROT_EXEC && end > map->end_code)
		map->end_code = end;
	if (start > map->start_data)
		map->start_data = start;
	if (end > map->end_data)
		map->end_data = end;
}

static bool image_add(struct image *im, const ElfW(Phdr) * ph, uintptr_t bias)
{
	uintptr_t start = bias + ph->p_vaddr, end = start + ph->p_filesz;
	struct segment *s = &im->segments[im->count];

	if (ph->p_filesz == 0) /* anonymous memory already */
		return true;
	if (im->count == SEGMENTS_MAX)
		return false;
	s->prot = (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
		  (ph->p_flags & PF_X ? PROT_EXEC : 0);
	s->at = (char *)page_down(start);
	s->size = page_up(end) - page_down(start);
	s->offset = (off_t)page_down(ph->p_offset);
	im->count++;
	map_extend(&im->map, s->prot, start, end);
	/* Shapes that no linker makes for husk, and that the code below does not think of. */
	if (!(s->prot & PROT_READ) || (s->prot & PROT_WRITE && s->prot & PROT_EXEC) ||
	    (!(s->prot & PROT_WRITE) && ph->p_memsz != ph->p_filesz))
		return false;
	return im->count == 1 || s[-1].at + s[-1].size <= s->at;
}

static bool image_read(struct image *im)
{
	const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
	unsigned long count = getauxval(AT_PHNUM);
	uintptr_t header = (uintptr_t)&__ehdr_start, bias = 0;

	/* Another program's: the loader was executed with this one as its argument. */
	if (!header || (uintptr_t)ph != header + __ehdr_start.e_phoff)
		return false;
	for (unsigned long i = 0; i < count; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset == 0)
			bias = header - ph[i].p_vaddr;
	}
	for (unsigned long i = 0; i < count; i++) {
		if (ph[i].p_type == PT_LOAD && !image_add(im, &ph[i], bias))
			return false;
		if (ph[i].p_type != PT_GNU_RELRO)
			continue;
		/* Rounded as the loader rounds: a page that is partly data stays writable. */
		im->relro = (char *)page_down(bias + ph[i].p_vaddr);
		im->relro_size =
			page_down(bias + ph[i].p_vaddr + ph[i].p_memsz) - (uintptr_t)im->relro;
	}
	return im->count > 0 && (uintptr_t)im->segments[0].at == header;
}

/*
 * The kernel sets all of its notes about a process at once, so the others are given the values
 * they have. Where they come from is the layout of a new stack: argc, argv, the environment's
 * pointers and the auxiliary vector, above them the strings of argv, those of the environment
 * and the path that was executed.
 */
static bool image_read_stack(struct prctl_mm_map *map, char **argv)
{
	char **last = argv;

	if (!argv[0])
		return false;
	while (last[1])
		last++;
	map->start_stack = (uintptr_t)(argv - 1);
	map->arg_start = (uintptr_t)argv[0];
	map->arg_end = map->env_start = (uintptr_t)*last + strlen(*last) + 1;
	map->env_end = getauxval(AT_EXECFN);
	/*
	 * Not asked for before, the end of the heap is its start. If something has allocated (a
	 * preloaded library), the heap is said to start there, which only keeps it from shrinking.
	 */
	map->start_brk = map->brk = (uintptr_t)sbrk(0);
	return map->start_stack < map->arg_start && map->arg_start < map->arg_end &&
	       map->env_start <= map->env_end;
}

/* Whatever the kernel has against it, it says here, before anything is replaced. */
static bool segment_prepare(struct segment *s, int file)
{
	int writable = s->prot & PROT_WRITE;
	void *fresh = mmap(NULL, s->size, s->prot,
			   MAP_PRIVATE | (writable ? MAP_ANONYMOUS | MAP_POPULATE : 0),
			   writable ? -1 : file, writable ? 0 : s->offset);

	if (fresh == MAP_FAILED)
		return false;
	s->fresh = fresh;
	return true;
}

/*
 * /proc/self/exe could be another program: the loader, or an emulator; and what is found by the path
 * that was executed, a newer one. One page has the ELF header, the program headers and the build id.
 */
static bool is_same_program(const struct segment *s)
{
	size_t page = getauxval(AT_PAGESZ);

	return !(s->prot & PROT_WRITE) && memcmp(s->at, s->fresh, page) == 0;
}

/*
 * Move the replacements to where the old mappings are. Up to the last one the program is a mixture
 * of both, which are the same bytes, so that it can stop anywhere; but mremap(2) takes the old
 * mapping away first, and a failure after that (only memory for the kernel's own notes) leaves a
 * hole. There nothing of this program can be relied on: the text is on the stack, and the
 * functions, which are libc's, are found before. (Where even this code is gone, or at a fixed
 * address the stubs that lead to libc, the end is SIGSEGV.)
 */
static bool image_replace(struct image *im)
{
	char text[96];
	size_t length =
		text_format(text, sizeof text, "%s",
			    "husk: no memory in the middle of replacing the program image\n");
	ssize_t (*volatile say)(int, const void *, size_t) = write;
	int (*volatile probe)(void *, size_t, int) = msync;
	void (*volatile leave)(int) = _exit;

	for (unsigned i = 0; i < im->count; i++) {
		struct segment *s = &im->segments[i];

		/* Nothing may write to the program's variables between these two. */
		if (s->prot & PROT_WRITE)
			memcpy(s->fresh, s->at, s->size);
		if (mremap(s->fresh, s->size, s->size, MREMAP_MAYMOVE | MREMAP_FIXED, s->at) ==
		    MAP_FAILED) {
			/* ENOMEM where a page is not mapped; without other effects. */
			if (probe(s->at, s->size, MS_ASYNC) == 0)
				return false;
			if (say(STDERR_FILENO, text, length) >= 0)
				leave(126);
			leave(126);
		}
		s->fresh = NULL;
	}
	return im->relro_size == 0 || mprotect(im->relro, im->relro_size, PROT_READ) == 0;
}

static bool image_swap(struct image *im, int file)
{
	for (unsigned i = 0; i < im->count; i++) {
		if (!segment_prepare(&im->segments[i], file))
			return false;
	}
	if (!is_same_program(&im->segments[0]) || !image_replace(im))
		return false;
	im->map.exe_fd = (unsigned)file;
	/* EBUSY where something else of the old binary is still mapped. */
	return prctl(PR_SET_MM, PR_SET_MM_MAP, &im->map, sizeof im->map, 0) == 0;
}

int ns_swap(int file, char **argv)
{
	struct image im = { 0 };

	/* Sanitizers keep notes about every global variable, and copying whole segments runs over the guards
	 * between them. */
	if (SANITIZED || !image_read(&im) || !image_read_stack(&im.map, argv))
		return 0;
	bool done = image_swap(&im, file);
	for (unsigned i = 0; i < im.count; i++) {
		if (im.segments[i].fresh)
			munmap(im.segments[i].fresh, im.segments[i].size);
	}
	return done;
}
