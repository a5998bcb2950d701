/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test-self executes: a copy of itself as "--as SITUATION ACTION" brings about the situation,
 * protects itself as husk does, and says in words on standard output what came of it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/kernel.h"
#include "src/ns/ns-self.h"
#include "src/ns/ns-swap.h"

#define SELF "/proc/self/exe"

extern char **environ;
int self_program(int argc, char **argv);

/* ---- a kernel that fails in the middle ---- */

static int moves, fail_at = -1, fails; /* how often, from that one on */
static const char *hole; /* the replacement of what is mapped here unmaps it and fails */

/* In place of libc's, which src/ns calls by its name. */
void *mremap(void *from, size_t old_size, size_t new_size, int flags, ...)
{
	/* A hole in the program's data takes these with it. */
	long (*volatile call)(long, ...) = syscall;
	int *volatile error = &errno;
	va_list args;

	va_start(args, flags);
	char *to = flags & MREMAP_FIXED ? va_arg(args, char *) : NULL;
	va_end(args);
	if (moves++ >= fail_at && fails > 0) {
		fails--;
		*error = EPERM;
		return MAP_FAILED;
	}
	if (hole && hole >= to && hole < to + new_size) {
		call(SYS_munmap, to, new_size);
		*error = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)call(SYS_mremap, from, old_size, new_size, flags, to);
}

/* ---- how it ended ---- */

static bool is_read_only(void)
{
	struct statvfs fs;
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	bool yes = fd >= 0 && fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;

	close(fd);
	return yes;
}

static bool is_sealed(void)
{
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	int seals = fcntl(fd, F_GET_SEALS);

	close(fd);
	return seals > 0 && seals & F_SEAL_WRITE;
}

/* open(2) would say ETXTBSY first, of a program that runs. "0": it may. */
static const char *may_write(void)
{
	return strerrorname_np(faccessat(AT_FDCWD, SELF, W_OK, AT_EACCESS) == 0 ? 0 : errno);
}

/* ---- situations ---- */

static void deny(unsigned number, unsigned argument)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		printf("no seccomp ");
}

static void drop_sys_admin(void)
{
	const cap_value_t admin = CAP_SYS_ADMIN;
	cap_t caps = cap_get_proc();

	prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN);
	cap_set_flag(caps, CAP_EFFECTIVE, 1, &admin, CAP_CLEAR);
	cap_set_flag(caps, CAP_PERMITTED, 1, &admin, CAP_CLEAR);
	cap_set_flag(caps, CAP_INHERITABLE, 1, &admin, CAP_CLEAR);
	if (cap_set_proc(caps) < 0)
		printf("no capset ");
	cap_free(caps);
}

static const char constant[] = "never written";
static int variable = 1;

/* As an upgrade does it: by the name that was executed there is another program now. */
static void replace_own_file(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	char old[200];

	snprintf(old, sizeof old, "%s.old", name);
	if (rename(name, old) < 0)
		printf("no rename ");
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0 || ftruncate(fd, 1 << 16) < 0)
		printf("no file ");
	close(fd);
}

static void prepare(const char *situation)
{
	if (strcmp(situation, "no-admin") == 0)
		drop_sys_admin();
	else if (strcmp(situation, "no-prctl") == 0)
		deny(SYS_prctl, PR_SET_MM);
	else if (strcmp(situation, "mapped") == 0)
		/* Held by a mapping that the swap does not know of. */
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open(SELF, O_RDONLY | O_CLOEXEC), 0);
	else if (strcmp(situation, "user") == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		printf("no setuid ");
	else if (strcmp(situation, "replaced") == 0)
		replace_own_file();
	else if (strncmp(situation, "fail-", 5) == 0) {
		fail_at = moves + situation[5] - '0';
		fails = situation[6] == 's' ? 2 : 1;
	}
	else if (strcmp(situation, "hole-data") == 0)
		hole = (char *)&variable;
	else if (strcmp(situation, "hole-constants") == 0)
		hole = constant;
	else if (strcmp(situation, "hole-code") == 0)
		hole = (char *)(uintptr_t)prepare;
}

/* ---- what still works ---- */

static _Thread_local int per_thread = 7;
static int before_main;

__attribute__((constructor)) static void run_before_main(void)
{
	before_main = getpid();
}

static void *thread(void *arg)
{
	*(int *)arg = per_thread++;
	return malloc(100);
}

static bool threads_work(void)
{
	pthread_t t;
	int seen = 0;
	void *block = NULL;

	per_thread = 8;
	return pthread_create(&t, NULL, thread, &seen) == 0 && pthread_join(t, &block) == 0 &&
	       (free(block), seen == 7) && per_thread == 8;
}

static bool heap_works(void)
{
	void *blocks[64];
	char *end = sbrk(0);

	for (int i = 0; i < 64; i++)
		blocks[i] = memset(malloc((size_t)1000 << (i % 10)), i, 1000);
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return sbrk(8192) >= (void *)end && sbrk(-4096) != (void *)-1;
}

static bool library_works(void)
{
	void *library = dlopen("libm.so.6", RTLD_NOW);
	double (*root)(double) = library ? (double (*)(double))dlsym(library, "sqrt") : NULL;

	return root && root(144) == 12 && dlclose(library) == 0;
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static bool programs_work(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c",
			 (char *)"test \"$SELF_TEST$MORE\" = ab && exit 3", NULL };
	pid_t pid;

	return setenv("MORE", "b", 1) == 0 &&
	       posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0 &&
	       status_of(pid) == 3 << 8 && (pid = fork()) >= 0 &&
	       (pid > 0 || (_exit(variable), 0)) && status_of(pid) == variable << 8;
}

/* What the loader made read-only after relocation is so again: a write is the end. */
static bool relocated_is_protected(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile char *)_DYNAMIC = 0;
		_exit(0);
	}
	int status = status_of(pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void at_exit(void)
{
	printf(" exit");
}

static void check_works(void)
{
	char *text = NULL;

	variable++;
	if (before_main != getpid() || variable != 2 || strcmp(constant, "never written") != 0)
		printf(" variables");
	if (!threads_work())
		printf(" threads");
	if (!heap_works())
		printf(" heap");
	if (!library_works())
		printf(" dlopen");
	if (!programs_work())
		printf(" programs");
	if (!relocated_is_protected())
		printf(" relro");
	if (asprintf(&text, "%.3f", 0.125) != 5 || strcmp(text, "0.125") != 0)
		printf(" stdio");
	free(text);
	atexit(at_exit);
}

/* ---- what the kernel says of the process ---- */

/* Fields of /proc/self/stat that PR_SET_MM_MAP sets, and the files that show the strings. */
static void notes(char *out, size_t size)
{
	static const char *const files[] = { "/proc/self/cmdline", "/proc/self/environ",
					     "/proc/self/auxv" };
	static bool heap_used; /* before main: then its start is not known any more */
	char text[2000] = "", *at, *save;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof text - 1);
	size_t used = 0;

	close(fd);
	at = n > 0 ? strrchr(text, ')') : text;
	int field = 2;
	for (at = strtok_r(at, " ", &save); at; at = strtok_r(NULL, " ", &save), field++) {
		heap_used |= field == 47 && strtoul(at, NULL, 10) != (uintptr_t)sbrk(0);
		if ((field == 47 && !heap_used) || field == 45 || field == 46 ||
		    (field >= 26 && field <= 28) || (field >= 48 && field <= 51))
			used += (size_t)snprintf(out + used, size - used, "%d:%s ", field, at);
	}
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		unsigned sum = 0;

		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof text);
		for (ssize_t k = 0; k < n; k++)
			sum = sum * 31 + (unsigned char)text[k];
		used += (size_t)snprintf(out + used, size - used, "%zd/%u ", n, sum);
		close(fd);
	}
}

static int count_maps(const char *path)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1000];
	int count = 0;

	while (f && fgets(line, sizeof line, f))
		count += strstr(line, path) != NULL;
	if (f)
		fclose(f);
	return count;
}

/* ---- actions ---- */

/* Whether the file can be written when nobody executes it any more: another program tries it. */
static void act_write(char **argv)
{
	char fd[12];
	int self = open(SELF, O_RDONLY);
	char *words[] = { argv[4], (char *)"--try", fd, NULL };

	snprintf(fd, sizeof fd, "%d", self);
	execv(argv[4], words);
	printf(" no %s", argv[4]);
}

static int act_try(const char *fd)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%s", fd);
	/*
	 * Sealed memory can be opened. A byte more at its end does no harm to a program. Busy it
	 * can be a little longer than it runs: until nobody looks at that process in /proc any
	 * more.
	 */
	int out = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	for (int i = 0; i < 500 && out < 0 && errno == ETXTBSY; i++) {
		usleep(10000);
		out = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	}
	bool written = out >= 0 && write(out, "", 1) == 1;
	printf(" %s\n", written ? "written" : strerrorname_np(errno));
	return 0;
}

/* Nobody may take back that the mount is read-only. */
static void act_mount(void)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };

	if (mount_setattr(AT_FDCWD, SELF, 0, &attr, sizeof attr) == 0 || errno != EINVAL)
		printf(" mount_setattr");
	if (mount(NULL, SELF, NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
		printf(" remount");
	if (open_tree(AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) >= 0)
		printf(" open_tree");
	printf(" %s", may_write());
}

/* The swap alone, by a clone that stays open: then it is not safe yet, see ns_self_seal(). */
static void act_bare(char **argv)
{
	struct mount_attr set = { .attr_set = MOUNT_ATTR_RDONLY },
			  clear = { .attr_clr = MOUNT_ATTR_RDONLY };
	int tree = open_tree(AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	char path[40];

	mount_setattr(tree, "", AT_EMPTY_PATH, &set, sizeof set);
	snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int swapped = ns_swap(file, argv);
	close(file);
	printf("%d %s", swapped, may_write());
	int taken_back = mount_setattr(AT_FDCWD, SELF, 0, &clear, sizeof clear);
	printf(" %s %s", taken_back == 0 ? "open" : "closed", may_write());
	/* Nothing but the tree and what was there before. */
	printf(" %d", open("/dev/null", O_RDONLY | O_CLOEXEC) - tree);
}

/* A script as the exploit has it: the kernel executes the interpreter, this binary, again. */
static void act_script(const char *script)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(script, script, (char *)NULL);
		_exit(9);
	}
	if (status_of(pid) != 0)
		printf(" no script");
}

static void act(const char *action, char **argv, const char *before)
{
	char after[1000];

	if (strcmp(action, "works") == 0)
		check_works();
	else if (strcmp(action, "mount") == 0)
		act_mount();
	else if (strcmp(action, "script") == 0)
		act_script(argv[4]);
	else if (strcmp(action, "write") == 0)
		act_write(argv);
	else if (strcmp(action, "maps") == 0)
		printf(" %d", count_maps(argv[4]));
	else if (strcmp(action, "notes") == 0) {
		notes(after, sizeof after);
		printf(" %s", strcmp(before, after) == 0 ? "same" : "differ");
	}
}

int self_program(int argc, char **argv)
{
	char before[1000] = "";
	struct err e = { 0 };

	setvbuf(stdout, NULL, argc > 3 && strcmp(argv[3], "notes") == 0 ? _IONBF : _IOFBF, 0);
	if (argc > 2 && strcmp(argv[1], "--try") == 0)
		return act_try(argv[2]);
	if (argc > 1 && strcmp(argv[1], "--script") == 0) {
		const char *refused = may_write();
		bool sealed = ns_self_seal(argv, environ, NULL, &e) == 0;
		printf(" script %s %d\n", refused, sealed);
		return 0;
	}
	const char *again = is_read_only() ? "reexec" : is_sealed() ? "memory" : NULL;
	if (!again)
		prepare(argv[2]);
	if (strcmp(argv[3], "notes") == 0)
		notes(before, sizeof before);
	if (strcmp(argv[3], "bare") == 0) {
		act_bare(argv);
		return 0;
	}
	if (strcmp(argv[3], "control") == 0) {
		/* Without protection. */
		act_write(argv);
		return 1;
	}
	int sealed = ns_self_seal(argv, environ, NULL, &e);
	printf("%s%s",
	       again		? again
	       : is_read_only() ? "swap"
				: "left",
	       sealed < 0 ? " failed" : "");
	fflush(stdout); /* before there are children */
	act(argv[3], argv, before);
	fflush(stdout);
	return 0;
}
