/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile program inside a container tries. Each word prints a line per success, in
 * capitals, and otherwise what the kernel answered. Static: it runs in root file systems without
 * any library.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 512

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *word_of(int errnum)
{
	return errnum ? strerrorname_np(errnum) : "ok";
}

/*
 * An attack that succeeds must not hurt the machine it is tried on: only files that end in this
 * word, which are copies that a test has made, are written to. Of others it is said that one could.
 */
static const char *write_to(int readable, int writable)
{
	static const char mark[] = "husk-test-victim";
	char text[sizeof(mark)] = "";
	struct stat st;

	if (fstat(readable, &st) < 0 || st.st_size < (off_t)sizeof(mark) ||
	    pread(readable, text, sizeof(mark) - 1, st.st_size - (off_t)sizeof(mark) + 1) < 0 ||
	    strcmp(text, mark) != 0)
		return "WRITABLE";
	/* A sealed file in memory can be opened; that is as far as it goes. */
	return write(writable, "#!pwned\n", 8) == 8 ? "OVERWRITTEN" : NULL;
}

/*
 * overwrite FD SECONDS: CVE-2019-5736's last step. FD was opened for reading while the runtime ran;
 * it is opened again for writing, until the runtime has ended and the kernel no longer says
 * ETXTBSY.
 */
static int do_overwrite(char **args)
{
	double end = now() + (args[1] ? atof(args[1]) : 2);
	char path[64];
	int fd, errnum;

	snprintf(path, sizeof(path), "/proc/self/fd/%s", args[0]);
	do {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		const char *done = fd < 0 ? NULL : write_to(atoi(args[0]), fd);

		errnum = errno;
		if (done) {
			puts(done);
			return 0;
		}
		if (fd >= 0)
			close(fd);
		usleep(1000);
	} while (errnum == ETXTBSY && now() < end);
	printf("refused %s\n", word_of(errnum));
	return 0;
}

/* What is said once is enough. */
static bool is_new(const char *line)
{
	static char seen[SEEN_MAX][160];
	static int count;

	for (int i = 0; i < count; i++)
		if (strcmp(seen[i], line) == 0)
			return false;
	if (count < SEEN_MAX)
		strcpy(seen[count++], line);
	return true;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (is_new(line)) {
		puts(line);
		fflush(stdout);
	}
}

/* Everything that process @pid shows through /proc/PID/fd: which it should not, but for 0 to 2. */
static void look_at_descriptors(int pid)
{
	char path[300], link[256];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir) {
		say("fd %s", word_of(errno));
		return;
	}
	while ((d = readdir(dir))) {
		ssize_t n;
		int fd;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, d->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0) {
			say("fd link %s", word_of(errno));
			continue;
		}
		link[n] = '\0';
		if (atoi(d->d_name) > 2)
			say("DESCRIPTOR %s", strncmp(link, "/", 1) == 0 ? link : "of no path");
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && strcmp(d->d_name, "0") != 0)
			say("DIRECTORY %s", link);
		if (fd >= 0)
			close(fd);
	}
	closedir(dir);
}

static void try_write(int pid, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0) {
		say("exe %s", word_of(errno));
		return;
	}
	say("EXE-WRITABLE");
	close(fd);
}

/*
 * To have opened the file proves nothing: a process that has just ended has no memory, and lets
 * everybody in. Then reading ends at once; else byte 1 of the memory is EIO, which is an answer.
 */
static void try_memory(int pid, const char *name, int flags, const char *success)
{
	char path[64], byte;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		n = pread(fd, &byte, 1, 1);
	if (n > 0 || (n < 0 && errno == EIO))
		say("%s", success);
	else if (n < 0)
		say("%s %s", name, word_of(errno));
	if (fd >= 0)
		close(fd);
}

static void try_trace(int pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
		say("ptrace %s", word_of(errno));
		return;
	}
	say("TRACED");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, NULL, __WALL) == pid)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void try_steal(int pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (int fd = 3; pidfd >= 0 && fd < 16; fd++) {
		int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		if (got >= 0)
			say("STOLEN");
		else
			say("pidfd_getfd %s", word_of(errno));
		if (got >= 0)
			close(got);
	}
	if (pidfd >= 0)
		close(pidfd);
}

static void attack_process(int pid)
{
	look_at_descriptors(pid);
	try_trace(pid);
	try_steal(pid);
	try_memory(pid, "mem", O_RDWR, "MEMORY");
	try_memory(pid, "environ", O_RDONLY, "ENVIRON");
	try_write(pid, O_WRONLY);
	try_write(pid, O_RDWR);
}

/*
 * watch SECONDS KNOWN...: CVE-2016-9962. Look for processes that are neither this one nor among
 * those that are known, and try to get at each as long as it is there.
 */
static int do_watch(char **args)
{
	double end = now() + (args[0] ? atof(args[0]) : 1);
	bool found = false;

	puts("watching");
	fflush(stdout);
	while (now() < end) {
		DIR *dir = opendir("/proc");
		struct dirent *d;

		while (dir && (d = readdir(dir))) {
			int pid = atoi(d->d_name);
			bool known = pid <= 0 || pid == getpid();

			for (char **k = args + 1; args[0] && *k; k++)
				known |= atoi(*k) == pid;
			if (known)
				continue;
			found = true;
			attack_process(pid);
		}
		if (dir)
			closedir(dir);
	}
	puts(found ? "seen" : "nobody came");
	return 0;
}

/* Keep @fd, but one descriptor per file. */
static bool keep(int fd)
{
	static struct stat kept[64];
	static int count;
	struct stat st;

	if (fstat(fd, &st) < 0 || count == 64)
		return false;
	for (int i = 0; i < count; i++)
		if (kept[i].st_dev == st.st_dev && kept[i].st_ino == st.st_ino)
			return false;
	kept[count++] = st;
	return true;
}

static void try_overwrite(int held)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	const char *done = fd < 0 ? NULL : write_to(held, fd);
	if (done)
		say("%s", done);
	else
		say("exe %s", word_of(errno));
	if (fd >= 0)
		close(fd);
}

/* exe SECONDS: keep every /proc/PID/exe that is seen open, and try to write to it again and again.
 */
static int do_exe(char **args)
{
	double end = now() + (args[0] ? atof(args[0]) : 1);
	int held[64], count = 0;
	char path[64];

	puts("watching");
	fflush(stdout);
	while (now() < end) {
		for (int pid = 2; pid < 100; pid++) {
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/exe", pid);
			fd = pid == getpid() ? -1 : open(path, O_RDONLY | O_CLOEXEC);
			if (fd >= 0 && keep(fd))
				held[count++] = fd;
			else if (fd >= 0)
				close(fd);
		}
		for (int i = 0; i < count; i++)
			try_overwrite(held[i]);
	}
	puts("done");
	return 0;
}

/* tty: is the terminal on descriptor 0 one that we could type into for others? */
static int do_tty(char **args)
{
	char three = 3;

	(void)args;
	printf("session %s\n", getsid(0) == getpid() ? "own" : "FOREIGN");
	printf("controlling %s\n",
	       open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 ? word_of(errno) : "CONTROLLING");
	printf("TIOCSTI %s\n", ioctl(0, TIOCSTI, "!") < 0 ? word_of(errno) : "TYPED");
	/* The upper half is not the kernel's business; a filter that compares 64 bits lets it pass.
	 */
	printf("TIOCSTI-64 %s\n",
	       syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, "!") < 0 ? word_of(errno) : "TYPED");
	printf("TIOCLINUX %s\n", ioctl(0, TIOCLINUX, &three) < 0 ? word_of(errno) : "PASTED");
	printf("TIOCSCTTY %s\n", ioctl(0, TIOCSCTTY, 1) < 0 ? word_of(errno) : "STOLEN");
	return 0;
}

/* write PATH TEXT: open for writing as it is, and write */
static int do_write(char **args)
{
	int fd = open(args[0], O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, args[1], strlen(args[1]));

	printf("%s %s\n", args[0], n < 0 ? word_of(errno) : "WRITTEN");
	return 0;
}

/* mark PATH NAME TEXT: an extended attribute */
static int do_mark(char **args)
{
	if (setxattr(args[0], args[1], args[2], strlen(args[2]), 0) < 0)
		puts(word_of(errno));
	else
		puts("marked");
	return 0;
}

/* syscalls FROM TO: call each number with nonsense, and count the answers */
static int do_syscalls(char **args)
{
	static int counts[4096];

	for (long nr = atol(args[0]); nr <= atol(args[1]); nr++) {
		long result = syscall(nr, -1L, -1L, -1L, -1L, -1L, -1L);
		counts[result < 0 ? errno & 4095 : 0]++;
	}
	for (int i = 0; i < 4096; i++)
		if (counts[i])
			printf("%s %d\n", word_of(i), counts[i]);
	return 0;
}

/* lengths [TEXT]: how long the environment's entries and the arguments are, in bytes */
static int do_lengths(char **args)
{
	for (char **a = args; *a; a++)
		printf("arg %zu\n", strlen(*a));
	for (char **e = environ; *e; e++)
		printf("env %.*s %zu\n", (int)strcspn(*e, "="), *e, strlen(*e));
	return 0;
}

/* abstract @NAME SECONDS: listen there */
static int do_abstract(char **args)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(args[0]);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (n >= sizeof(sun.sun_path))
		return 2;
	memcpy(sun.sun_path, args[0], n);
	sun.sun_path[0] = '\0';
	if (bind(sock, (struct sockaddr *)&sun,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0 ||
	    listen(sock, 1) < 0)
		return 1;
	sleep((unsigned)atoi(args[1]));
	return 0;
}

/* hook FILE [ARGUMENT...]: what a hook has been given to FILE, and its input to FILE.state */
static int do_hook(char **args)
{
	FILE *out = fopen(args[0], "we");
	char path[512], text[4096];
	size_t n;

	if (!out)
		return 1;
	for (char **e = environ; *e; e++)
		fprintf(out, "%s\n", *e);
	fprintf(out, "cwd %s\nargs", getcwd(path, sizeof(path)) ? path : "?");
	for (char **a = args; *a; a++)
		fprintf(out, " %s", *a);
	fprintf(out, "\n");
	fclose(out);
	snprintf(path, sizeof(path), "%s.state", args[0]);
	out = fopen(path, "we");
	while (out && (n = fread(text, 1, sizeof(text), stdin)) > 0)
		fwrite(text, 1, n, out);
	return out && fclose(out) == 0 ? 0 : 1;
}

static const struct {
	const char *name;
	int (*call)(char **args);
	int arguments;
} words[] = {
	{ "overwrite", do_overwrite, 1 },
	{ "watch", do_watch, 0 },
	{ "exe", do_exe, 0 },
	{ "tty", do_tty, 0 },
	{ "write", do_write, 2 },
	{ "mark", do_mark, 3 },
	{ "abstract", do_abstract, 2 },
	{ "hook", do_hook, 1 },
	{ "lengths", do_lengths, 0 },
	{ "syscalls", do_syscalls, 2 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(argv[1], words[i].name) == 0 && argc - 2 >= words[i].arguments)
			return words[i].call(argv + 2);
	fprintf(stderr, "inside: unknown word, or arguments are missing\n");
	return 2;
}
