/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of every kind, until there is none. What cannot be had any more is asked for again. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/hostile/programs/hostile.h"

#define CHUNK (1u << 20)
#define PAGE  4096u
/* So much is more than any of the limits; who gets it was not limited. */
#define ENOUGH (600u << 20)

/* Written so that the compiler does not leave it out, since nobody reads it. */
static void touch(volatile char *p, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
}


static int enough(const char *kind)
{
	got_through("%u MiB as %s", ENOUGH >> 20, kind);
	return 1;
}

static int heap(void)
{
	for (size_t sum = 0; sum < ENOUGH; sum += CHUNK) {
		char *p = malloc(CHUNK);
		if (!p)
			return 3;
		touch(p, CHUNK);
	}
	return enough("heap");
}

static int deeper(size_t depth)
{
	volatile char frame[PAGE];

	for (size_t i = 0; i < sizeof frame; i += 64)
		frame[i] = (char)depth;
	return depth >= ENOUGH / PAGE ? 0 : deeper(depth + 1) + frame[0];
}

static int stack(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	static char program[] = "hostile", attack[] = "stack-deep";
	char *argv[] = { program, attack, NULL };

	/* The mappings are laid out for it at the next execution. */
	setrlimit(RLIMIT_STACK, &all);
	execv("/proc/self/exe", argv);
	return 3;
}

static int stack_deep(void)
{
	deeper(0);
	return enough("stack");
}

static int fill(int fd)
{
	static char data[CHUNK];
	size_t sum = 0;

	memset(data, 'x', sizeof data);
	while (sum < ENOUGH) {
		ssize_t n = write(fd, data, sizeof data);
		if (n <= 0)
			return 3;
		sum += (size_t)n;
	}
	return 0;
}

static int file_in(const char *directory)
{
	int fd = open(name_in(directory, "memory"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return 3;
	return fill(fd) == 0 ? enough(directory) : 3;
}

static int tmpfs(void)
{
	return file_in("/tmp");
}

static int shm(void)
{
	return file_in("/dev/shm");
}

static int memfd(void)
{
	int fd = memfd_create("memory", 0);

	return fd >= 0 && fill(fd) == 0 ? enough("memfd") : 3;
}

/* Many names for one page that was never written: all that it costs is tables. */
static int page_tables(void)
{
	const size_t each = 2u << 20, step = 1ul << 30;

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	for (size_t tables = 0; tables < ENOUGH;) {
		char *p = mmap(NULL, step, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			return 3;
		for (size_t at = 0; at < step; at += each, tables += PAGE)
			(void)*(volatile char *)(p + at);
	}
	return enough("page tables");
}

/* Each process holds as many as it may; what one has filled nobody reads. */
static int hold(int (*more)(void))
{
	for (int i = 0; i < 64; i++) {
		pid_t pid = fork();
		if (pid < 0)
			break;
		if (pid == 0) {
			while (more() == 0)
				;
			sleep_forever();
		}
	}
	sleep_forever();
}

static int one_pipe(void)
{
	static char data[PAGE];
	int ends[2];

	if (pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	while (write(ends[1], data, sizeof data) > 0)
		;
	return 0;
}

static int pipes(void)
{
	return hold(one_pipe);
}

static int one_socket(void)
{
	static char data[PAGE];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	while (send(ends[1], data, sizeof data, 0) > 0)
		;
	return 0;
}

static int sockets(void)
{
	return hold(one_socket);
}

static int sysv(void)
{
	for (size_t sum = 0; sum < ENOUGH; sum += 8 * CHUNK) {
		int id = shmget(IPC_PRIVATE, 8 * CHUNK, IPC_CREAT | 0600);
		void *p = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
		if (p == (void *)-1)
			return 3;
		touch(p, 8 * CHUNK);
		shmdt(p);
	}
	return enough("System V shared memory");
}

static int shared(void)
{
	char *p = mmap(NULL, ENOUGH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 3;
	touch(p, ENOUGH);
	return enough("shared mapping");
}

/* A little each, in sessions of their own, whose parents have ended. */
static int scattered(void)
{
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			setsid();
			if (fork() == 0) {
				char *p = malloc(4 * CHUNK);
				if (p)
					touch(p, 4 * CHUNK);
				sleep_forever();
			}
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	sleep_forever();
}

/* What one child has taken another one takes again, when it was killed for it. */
static int again(void)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(heap());
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int locked(void)
{
	mlockall(MCL_FUTURE);
	return heap();
}

const struct attack memory_attacks[] = {
	{ "heap", heap },	      { "stack", stack },   { "stack-deep", stack_deep },
	{ "tmpfs", tmpfs },	      { "shm", shm },	    { "memfd", memfd },
	{ "page-tables", page_tables }, { "pipes", pipes }, { "sockets", sockets },
	{ "sysv", sysv },	      { "shared", shared }, { "scattered", scattered },
	{ "again", again },	      { "locked", locked }, { NULL, NULL },
};
