/* SPDX-License-Identifier: Apache-2.0 */
#include "src/ns/ns-early.h"

#ifdef HUSK_STATIC_LIBC

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/prctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "src/base/kernel.h"

#define PAGE_BYTES    4096 /* of the first page to compare; the kernel's may be larger */
#define DIR_MAX       1024
#define HELD_AT_LEAST 60

/*
 * There is no thread pointer, no relocation and no function of libc's yet, not even the memcpy(3) that a
 * compiler likes to put in: hence the flags in ns.mk, and volatile. tests/lint/sizes looks at the object.
 */
#define EARLY __attribute__((no_stack_protector))

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
void ns_early(uintptr_t *stack) __attribute__((visibility("hidden"), used, no_stack_protector));

/* Set behind the swap, which replaces what was written before. */
static struct {
	bool done;
	int held;
} early;

bool ns_early_done(int *held)
{
	*held = early.held;
	return early.done;
}

EARLY static inline long call(long number, long a, long b, long c, long d, long f, long g)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = f;
	register long r9 __asm__("r9") = g;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = f;
	register long x5 __asm__("x5") = g;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "--disable-static-libc: the first instructions are not written for this architecture"
#endif
}

#if defined(__x86_64__)
__asm__(".text\n"
	".global ns_early_entry\n"
	".hidden ns_early_entry\n"
	".type ns_early_entry, @function\n"
	"ns_early_entry:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rdx, %rbx\n" /* what the kernel or a loader passes to _start */
	"	mov %rsp, %rdi\n" /* aligned to 16 by the ABI */
	"	call ns_early\n"
	"	mov %rbx, %rdx\n"
	"	jmp _start\n"
	".size ns_early_entry, . - ns_early_entry\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".global ns_early_entry\n"
	".hidden ns_early_entry\n"
	".type ns_early_entry, %function\n"
	"ns_early_entry:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	bl ns_early\n"
	"	mov x0, x19\n"
	"	mov x30, #0\n"
	"	b _start\n"
	".size ns_early_entry, . - ns_early_entry\n");
#endif

struct start {
	char **argv, **last;
	uintptr_t exec_path, program_headers, program_headers_count, page, secure;
};

EARLY static void start_read(struct start *s, uintptr_t *stack)
{
	uintptr_t *at = stack + 1;

	s->argv = s->last = (char **)at;
	for (; *at; at++)
		s->last = (char **)at;
	for (at++; *at; at++)
		;
	for (at++; at[0] != AT_NULL; at += 2) {
		switch (at[0]) {
		case AT_EXECFN:
			s->exec_path = at[1];
			break;
		case AT_PHDR:
			s->program_headers = at[1];
			break;
		case AT_PHNUM:
			s->program_headers_count = at[1];
			break;
		case AT_PAGESZ:
			s->page = at[1];
			break;
		case AT_SECURE:
			s->secure = at[1];
			break;
		default:
			break;
		}
	}
}

/* A read-only clone of the mount of the directory, and the program by its name in it. */
EARLY static bool open_program(const char *path, int *tree, int *file)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	char dir[DIR_MAX];
	size_t slash = 0;

	for (size_t i = 0; path[i]; i++) {
		if (i == sizeof dir)
			return false;
		dir[i] = path[i];
		if (path[i] == '/')
			slash = i;
	}
	if (slash == 0)
		return false;
	dir[slash] = '\0';
	*tree = (int)call(SYS_open_tree, AT_FDCWD, (long)dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0,
			  0, 0);
	if (*tree < 0 || call(SYS_mount_setattr, *tree, (long)"", AT_EMPTY_PATH, (long)&attr,
			      sizeof attr, 0) < 0)
		return false;
	*file = (int)call(SYS_openat, *tree, (long)(path + slash + 1),
			  O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0, 0, 0);
	return *file >= 0;
}

/* What is found by the path could be a newer one; this page has the build id. */
EARLY static bool is_same_program(int file)
{
	const unsigned char *own = (const unsigned char *)&__ehdr_start;
	unsigned char there[PAGE_BYTES];

	if (call(SYS_pread64, file, (long)there, sizeof there, 0, 0, 0) != sizeof there)
		return false;
	for (size_t i = 0; i < sizeof there; i++) {
		if (own[i] != there[i])
			return false;
	}
	return true;
}

struct image {
	const ElfW(Phdr) *headers;
	size_t count;
	uintptr_t bias, page;
};

/* By the rules of the kernel's ELF loader. What a failure would leave is a hole, or the old mapping, which
 * ns_self_seal() finds. */
EARLY static bool image_map(const struct image *im, int file, struct prctl_mm_map *map)
{
	for (size_t i = 0; i < im->count; i++) {
		const ElfW(Phdr) *ph = &im->headers[i];
		if (ph->p_type != PT_LOAD || ph->p_filesz == 0)
			continue;
		uintptr_t start = im->bias + ph->p_vaddr, end = start + ph->p_filesz;
		uintptr_t at = start & -im->page, upto = (end + im->page - 1) & -im->page;
		int prot = (ph->p_flags & PF_R ? PROT_READ : 0) |
			   (ph->p_flags & PF_W ? PROT_WRITE : 0) |
			   (ph->p_flags & PF_X ? PROT_EXEC : 0);
		if (call(SYS_mmap, (long)at, (long)(upto - at), prot, MAP_PRIVATE | MAP_FIXED, file,
			 (long)(ph->p_offset & -im->page)) != (long)at)
			return false;
		/* bss begins in the last page of the data. */
		if (ph->p_flags & PF_W) {
			for (volatile char *p = (volatile char *)end; (uintptr_t)p < upto; p++)
				*p = 0;
		}
		if (ph->p_flags & PF_X && (map->start_code == 0 || start < map->start_code))
			map->start_code = start;
		if (ph->p_flags & PF_X && end > map->end_code)
			map->end_code = end;
		if (start > map->start_data)
			map->start_data = start;
		if (end > map->end_data)
			map->end_data = end;
	}
	return true;
}

EARLY static bool swap(const struct start *s, int file)
{
	struct prctl_mm_map map;
	struct image im = { .headers = (const void *)s->program_headers,
			    .count = s->program_headers_count,
			    .page = s->page };
	uintptr_t header = (uintptr_t)&__ehdr_start;

	for (size_t i = 0; i < sizeof map; i++)
		((volatile char *)&map)[i] = 0;
	/* A loader was executed with this as its argument. */
	if (s->program_headers != header + __ehdr_start.e_phoff || !s->argv[0])
		return false;
	for (size_t i = 0; i < im.count; i++) {
		if (im.headers[i].p_type == PT_LOAD && im.headers[i].p_offset == 0)
			im.bias = header - im.headers[i].p_vaddr;
	}
	map.start_stack = (uintptr_t)(s->argv - 1);
	map.arg_start = (uintptr_t)s->argv[0];
	map.arg_end = (uintptr_t)*s->last;
	while (*(const char *)map.arg_end)
		map.arg_end++;
	map.env_start = ++map.arg_end;
	map.env_end = s->exec_path;
	map.start_brk = map.brk = (uintptr_t)call(SYS_brk, 0, 0, 0, 0, 0, 0);
	map.exe_fd = (uint32_t)file;
	return image_map(&im, file, &map) &&
	       call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof map, 0, 0) == 0;
}

void ns_early(uintptr_t *stack)
{
	struct start s;
	int tree = -1, file = -1;

	for (size_t i = 0; i < sizeof s; i++)
		((volatile char *)&s)[i] = 0;
	start_read(&s, stack);
	if (s.secure || !s.exec_path || s.page < PAGE_BYTES)
		return;
	if (open_program((const char *)s.exec_path, &tree, &file) && is_same_program(file) &&
	    swap(&s, file)) {
		early.held = (int)call(SYS_fcntl, tree, F_DUPFD_CLOEXEC, HELD_AT_LEAST, 0, 0, 0);
		early.done = true;
	}
	if (file >= 0)
		call(SYS_close, file, 0, 0, 0, 0, 0);
	if (tree >= 0)
		call(SYS_close, tree, 0, 0, 0, 0, 0);
}

#else

bool ns_early_done(int *held)
{
	*held = -1;
	return false;
}

#endif
