/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/learn/learn.h"

/*
 * What one run makes and the next does not: it depends on signals, on how threads meet, and on
 * where the kernel puts the heap. These are no rights that the seen calls do not have.
 */

#define PROT_READ_WRITE 3
#define THREAD          0x10000 /* CLONE_THREAD */

static const struct {
	const char *seen; /* NULL: always */
	const char *name;
	int64_t value; /* of its first tracked argument; -1: none */
	bool threads;  /* only if "seen" had CLONE_THREAD */
} implied[] = {
	{ NULL, "exit_group", -1, false },
	/* What the kernel makes of a sleep that a stop interrupted. */
	{ NULL, "restart_syscall", -1, false },
	{ "rt_sigaction", "rt_sigreturn", -1, false },
	/* malloc, where the heap cannot grow in place. */
	{ "brk", "mmap", PROT_READ_WRITE, false },
	{ "brk", "munmap", -1, false },
	/* Whoever comes second waits; new arenas of malloc; stacks of threads that end. */
	{ "clone", "exit", -1, true },
	{ "clone", "futex", -1, true },
	{ "clone", "madvise", 4 /* MADV_DONTNEED */, true },
	{ "clone", "mmap", 0, true },
	{ "clone", "mmap", PROT_READ_WRITE, true },
	{ "clone", "mprotect", PROT_READ_WRITE, true },
	{ "clone", "munmap", -1, true },
	{ "clone", "rt_sigprocmask", -1, true },
	{ "clone", "sched_yield", -1, true },
};

static bool has_threads(const struct learn_call *c)
{
	if (c->any || c->mask & THREAD)
		return true;
	for (size_t i = 0; i < c->values_count; i++)
		if (c->values[i].of[0] & THREAD)
			return true;
	return false;
}

/* A call that was made. Looking must not make a record of it. */
static const struct learn_call *find(const struct learn *l, const struct seccomp_arch *arch,
				     const char *name)
{
	struct seccomp_call call;

	seccomp_names_call(arch, name, &call);
	for (size_t i = 0; call.direct && i < l->size; i++) {
		const struct learn_call *c = l->slots[i];
		if (c && c->arch == arch->token && c->number == call.number &&
		    c->origin & (LEARN_SEEN | LEARN_MERGED))
			return c;
	}
	return NULL;
}

static void imply(struct learn *l, const struct seccomp_arch *arch)
{
	/* libc tries it first, and it may be newer than this libc. */
	struct learn_call *clone3 =
		find(l, arch, "clone") ? learn_call_named(l, arch, "clone3") : NULL;
	if (clone3 && !clone3->origin) {
		clone3->origin = LEARN_IMPLIED;
		clone3->refused = 1;
	}
	for (size_t i = 0; i < sizeof implied / sizeof *implied; i++) {
		if (implied[i].seen) {
			const struct learn_call *seen = find(l, arch, implied[i].seen);
			if (!seen || (implied[i].threads && !has_threads(seen)))
				continue;
		}
		struct learn_call *c = learn_call_named(l, arch, implied[i].name);
		if (!c)
			continue;
		bool is_new = !c->origin;
		c->origin |= LEARN_IMPLIED;
		/* One that is allowed whatever its arguments stays so. */
		if (implied[i].value < 0 || !c->row || (!is_new && !c->values_count && !c->masked))
			continue;
		struct learn_values v = { .of = { (uint64_t)implied[i].value } };
		learn_call_add_values(l, c, &v);
	}
}

void learn_imply(struct learn *l)
{
	const struct seccomp_arch *arch;

	for (size_t i = 0; (arch = seccomp_names_arch_at(i)); i++) {
		bool used = false;
		for (size_t k = 0; k < l->size; k++)
			used |= l->slots[k] && l->slots[k]->arch == arch->token;
		if (used)
			imply(l, arch);
	}
}
