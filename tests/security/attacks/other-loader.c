/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dynamic loader of a hostile program: nothing says that it has to go on to the program's entry
 * point. Exit status: what unshare(2) without flags was refused with, which changes nothing.
 */
#include <sys/syscall.h>

static long call(long number, long a)
{
	long result;

#ifdef __x86_64__
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a)
			 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
	result = x0;
#endif
	return result;
}

/* Before Linux 6.7 a loader without a writable segment cannot be executed: the kernel clears the rest of its last page. */
static volatile long refused = -1;

void _start(void);
void _start(void)
{
	refused = call(SYS_unshare, 0);
	call(SYS_exit, -refused);
	for (;;)
		;
}
