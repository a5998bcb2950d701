/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program whose very first instructions are a system call: nothing of a C library comes before
 * it. Exits with the call's errno, or 0 where it succeeds. getpriority(2) of itself always does.
 */
#ifdef __x86_64__
__asm__(".globl _start\n"
	"_start:\n"
	"	mov $140, %eax\n" /* getpriority(PRIO_PROCESS, 0) */
	"	xor %edi, %edi\n"
	"	xor %esi, %esi\n"
	"	syscall\n"
	"	mov %eax, %edi\n"
	"	neg %edi\n"
	"	test %eax, %eax\n"
	"	js 1f\n"
	"	xor %edi, %edi\n"
	"1:	mov $231, %eax\n" /* exit_group */
	"	syscall\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x8, #141\n"
	"	mov x0, #0\n"
	"	mov x1, #0\n"
	"	svc #0\n"
	"	cmp x0, #0\n"
	"	csneg x0, xzr, x0, ge\n"
	"	mov x8, #94\n"
	"	svc #0\n");
#else
#error "not ported"
#endif
