/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls without a C library, for floor.c only.
 *
 * A C library's start is not the kernel's work, and it is not small: glibc asks
 * the processor for its features with some sixty CPUID instructions, each of
 * which traps in a virtual machine.  Measured (see README.md): an empty program
 * takes 0.09 ms without a library, 0.35 ms with glibc linked statically and
 * 0.46 ms dynamically.  With -DFLOOR_LIBC the same source starts through libc,
 * to show that part.
 *
 * Every call returns what the kernel returns: a negative number is -errno.
 */
#ifndef TESTS_BENCH_SYS_H
#define TESTS_BENCH_SYS_H

#include <asm/unistd.h>
#include <linux/sched.h>
#include <linux/types.h>

typedef __u64 sys_word;

#if defined(__x86_64__)
static inline long sys_6(long n, sys_word a, sys_word b, sys_word c, sys_word d, sys_word e,
			 sys_word f)
{
	register sys_word r10 __asm__("r10") = d;
	register sys_word r8 __asm__("r8") = e;
	register sys_word r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/*
 * clone3 with a stack of its own for the child, which calls entry() and must
 * not return from it: there is nothing to return to.
 */
static inline long sys_clone3(const struct clone_args *args, void (*entry)(void))
{
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call *%[entry]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"((long)__NR_clone3), "D"(args), "S"(sizeof(*args)), [entry] "r"(entry)
			 : "rcx", "r11", "memory");
	return result;
}
#else
#error "tests/bench/sys.h: no system calls for this processor yet"
#endif

/* sys(NAME, up to six arguments): any mix of integers and pointers. */
#define SYS_PICK(n, a, b, c, d, e, f, ...)                                                         \
	sys_6(n, (sys_word)(a), (sys_word)(b), (sys_word)(c), (sys_word)(d), (sys_word)(e),        \
	      (sys_word)(f))
#define sys(name, ...) SYS_PICK(__NR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif
