/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that a strict gate let in, and that wants to execute another one although its policy
 * forbids that. "exec-again HOW": exit status 0 when it got there, else what it was refused with.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char self[] = "/proc/self/exe";
static char *const arrived[] = { self, (char[]){ "arrived" }, NULL };
static char *const nothing[] = { NULL };

static int by_execve(void)
{
	syscall(SYS_execve, self, arrived, nothing);
	return errno;
}

static int by_execveat(void)
{
	syscall(SYS_execveat, AT_FDCWD, self, arrived, nothing, 0);
	return errno;
}

static int by_descriptor(void)
{
	int fd = open(self, O_PATH);

	if (fd < 0)
		return 98;
	syscall(SYS_execveat, fd, "", arrived, nothing, AT_EMPTY_PATH);
	return errno;
}

static void *thread(void *how)
{
	*(int *)how = by_execveat();
	return how;
}

static int by_thread(void)
{
	pthread_t t;
	int result = 97;

	if (pthread_create(&t, NULL, thread, &result) == 0)
		pthread_join(t, NULL);
	return result;
}

static int by_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(by_execve() | by_execveat());
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 96;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * What passes the filter is refused by the kernel for its bad pointers: every other answer than the
 * policy's is a find. Right in one of the pointers would not be enough.
 */
static int by_guessing(void)
{
	uint64_t state = (uint64_t)(uintptr_t)&state ^ getauxval(AT_RANDOM), pointers[2];
	int answer = by_execveat();

	for (int i = 0; i < 300000; i++) {
		for (int k = 0; k < 2; k++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			pointers[k] = state >> 18;
		}
		syscall(SYS_execveat, AT_FDCWD, pointers[0], pointers[1], nothing, 0);
		if (errno != answer)
			return 0;
	}
	return answer;
}

#ifdef __x86_64__
/* The 32-bit entry: other numbers, and no filter that knows 64-bit ones only. */
static long old_call(long number, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

/* Pointers of 32 bits. */
static char *low_page(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
			  -1, 0);
	uint32_t *words = (uint32_t *)(void *)(page + 64);

	if (page == MAP_FAILED)
		exit(95);
	strcpy(page, self);
	strcpy(page + 32, "arrived");
	words[0] = (uint32_t)(uintptr_t)page;
	words[1] = (uint32_t)(uintptr_t)(page + 32);
	return page;
}

static int by_old_execve(void)
{
	char *page = low_page();

	return (int)-old_call(11, (long)page, (long)(page + 64), (long)(page + 80), 0, 0);
}

static int by_old_execveat(void)
{
	char *page = low_page();

	return (int)-old_call(358, AT_FDCWD, (long)page, (long)(page + 64), (long)(page + 80), 0);
}

/* The number that execveat has in the other table. */
static int by_mixed(void)
{
	char *page = low_page();

	old_call(322, AT_FDCWD, (long)page, (long)(page + 64), (long)(page + 80), 0);
	syscall(358, AT_FDCWD, page, page + 64, page + 80, 0);
	return by_execveat();
}
#endif

static const struct {
	const char *name;
	int (*how)(void);
} ways[] = {
	{ "execve", by_execve },	 { "execveat", by_execveat }, { "descriptor", by_descriptor },
	{ "thread", by_thread },	 { "child", by_child },	      { "guessing", by_guessing },
#ifdef __x86_64__
	{ "old-execve", by_old_execve }, { "old-execveat", by_old_execveat }, { "mixed", by_mixed },
#endif
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "arrived") == 0)
		return 0;
	for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(ways[i].name, argv[1]) == 0)
			return ways[i].how();
	}
	return 94;
}
