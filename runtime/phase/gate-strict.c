/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict gate: a filter that is in force before the first instruction of the program, and that may
 * forbid execve(2) all the same. Its two pointers to random addresses are the key of the one call
 * that starts the program, and die with the memory that they point to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/phase/gate.h"
#include "runtime/phase/program.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-gate.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* User space has at least 38 bits wherever it has 64-bit pointers (riscv64 with three levels). */
#ifdef __x86_64__
#define ADDRESS_BITS 46
#else
#define ADDRESS_BITS 37
#endif
#define PAGE_BYTES 65536ul /* the largest page that any kernel has */
#define TRIES      64

struct gate_word *gate_word_make(struct err *e)
{
	struct gate_word *w =
		mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED) {
		err_sys(e, "allocate shared memory");
		return NULL;
	}
	return w;
}

void gate_word_free(struct gate_word *w)
{
	if (w)
		munmap(w, sizeof *w);
}

int gate_word_read(const struct gate_word *w, struct err *e)
{
	if (!atomic_load(&w->said))
		return 0;
	*e = w->err;
	return -1;
}

/* Room for @bytes at an address that nobody can guess, aligned to @align. */
static void *secret_room(size_t bytes, size_t align, struct err *e)
{
	uint64_t r[2];

	for (int i = 0; i < TRIES; i++) {
		if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r) {
			err_sys(e, "gate: read random numbers");
			return NULL;
		}
		uint64_t offset = r[1] % PAGE_BYTES & ~(uint64_t)(align - 1);
		uint64_t page = r[0] & ((1ull << ADDRESS_BITS) - 1) & ~(PAGE_BYTES - 1);
		void *base =
			mmap((void *)(uintptr_t)page, bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (base != MAP_FAILED && (uintptr_t)base == page)
			return (char *)base + offset;
		/* A kernel before 4.17 takes the address as a hint. */
		if (base != MAP_FAILED)
			munmap(base, bytes + PAGE_BYTES);
	}
	err_sys(e, "gate: find free addresses");
	return NULL;
}

/* Copy path and arguments to where only this process can know that they are. */
static int make_key(const struct process *p, struct seccomp_gate *key, struct err *e)
{
	size_t count = 1, length = strlen(p->path) + 1;

	while (p->plan->args[count - 1])
		count++;
	/* Whatever the credentials have become: nobody else reads this memory. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, "gate: become untraceable");
	char *path = secret_room(length, 1, e);
	char **argv = path ? secret_room(count * sizeof *argv, sizeof *argv, e) : NULL;
	if (!argv)
		return -1;
	memcpy(path, p->path, length);
	memcpy(argv, p->plan->args, count * sizeof *argv);
	*key = (struct seccomp_gate){
		.path = (uintptr_t)path,
		.argv = (uintptr_t)argv,
		.dirfd = (uint32_t)AT_FDCWD,
	};
	return 0;
}

/* What an execve can fail with that has to be looked into; it cannot be any more then. */
static const int looked_into[] = { ENOENT, ENOEXEC, ELIBBAD, EACCES, EPERM };
#define LOOKED_INTO (sizeof looked_into / sizeof *looked_into)

/* Under the filter: no system call but the one that it cannot refuse to answer, death. */
static _Noreturn void fail(const struct process *p, const struct err *why)
{
	p->word->err = *why;
	text_format(p->word->err.phase, sizeof p->word->err.phase, "init");
	text_format(p->word->err.step, sizeof p->word->err.step, "execute");
	atomic_store(&p->word->said, 1);
	/* Where the filter asks somebody, nobody would answer. */
	if (!p->plan->filter->notify)
		syscall(SYS_exit_group, why->kind == ERR_NO_PROGRAM ? 127 : 126);
	for (;;)
		__builtin_trap();
}

int gate_execute(struct process *p, struct err *e)
{
	static struct sock_filter code[BPF_MAXINSNS];
	static struct err reasons[LOOKED_INTO];
	const struct plan_filter *rules = p->plan->filter;
	struct plan_filter gated = *rules;
	struct seccomp_gate key;

	/* The planner has seen that there is room. */
	for (size_t i = 0; i < LOOKED_INTO; i++)
		program_explain(p->path, looked_into[i], &reasons[i]);
	if (make_key(p, &key, e) < 0)
		return -1;
	seccomp_gate_write(&key, code);
	memcpy(code + SECCOMP_GATE_INSTRUCTIONS, rules->code, rules->count * sizeof *code);
	gated.code = code;
	gated.count = SECCOMP_GATE_INSTRUCTIONS + rules->count;
	if (process_install(p, &gated, e) < 0)
		return -1;
	syscall(SYS_execveat, AT_FDCWD, key.path, key.argv, p->env, 0);
	int errnum = errno;
	for (size_t i = 0; i < LOOKED_INTO; i++) {
		if (errnum == looked_into[i])
			fail(p, &reasons[i]);
	}
	program_explain(p->path, errnum, e);
	fail(p, e);
}
