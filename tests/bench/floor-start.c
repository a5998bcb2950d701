/* SPDX-License-Identifier: Apache-2.0 */
/* Where floor begins, and the little that it would otherwise take from libc. sys.h says why. */
#include "tests/bench/floor.h"

#ifndef FLOOR_LIBC
int main(int argc, char **argv);
__attribute__((noreturn)) void floor_start(long *stack);

/* The kernel leaves argc, argv and the environment on the stack. */
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call floor_start\n");

void floor_start(long *stack)
{
	int status = main((int)stack[0], (char **)(stack + 1));

	for (;;)
		sys(exit_group, status);
}

/* The compiler may call these two even in a freestanding program; volatile, lest it does so here.
 */
void *memcpy(void *to, const void *from, unsigned long size)
{
	for (unsigned long i = 0; i < size; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int byte, unsigned long size)
{
	for (unsigned long i = 0; i < size; i++)
		((volatile char *)to)[i] = (char)byte;
	return to;
}
#endif

unsigned long length(const char *text)
{
	unsigned long n = 0;

	while (text[n])
		n++;
	return n;
}

int is(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

void say(const char *text)
{
	sys(write, 2, text, length(text));
}

char *decimal(char *buffer, long number)
{
	char *p = buffer + 23;

	*p = '\0';
	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	return p;
}

const char *join(char *buffer, const char *directory, const char *file)
{
	char *p = buffer;

	while (*directory)
		*p++ = *directory++;
	*p++ = '/';
	while ((*p++ = *file++))
		;
	return buffer;
}
