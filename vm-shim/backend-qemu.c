/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines by QEMU, in software: for hosts without a usable /dev/kvm. What QEMU's makers call a security
 * boundary is KVM, not this emulation, so that who uses it keeps the process jailed and says "isolation reduced".
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "vm-shim/qemu.h"

#define PROGRAM      "qemu-system-x86_64"
#define PACKAGE      "qemu-system-x86"
#define MEASURE_NSEC 20000000

/* As execvp(3) would find it, but before anything was forked. */
static const char *find_program(char *out, size_t size)
{
	const char *path = getenv("PATH");

	for (const char *p = path && *path ? path : "/usr/local/bin:/usr/bin:/bin"; *p;) {
		size_t n = strcspn(p, ":");
		size_t length = text_format(out, size, "%.*s%s" PROGRAM, (int)n, p, n ? "/" : "./");
		if (!text_cut(length, size) && *out == '/' && access(out, X_OK) == 0)
			return out;
		p += n + (p[n] == ':');
	}
	return NULL;
}

static int qemu_usable(struct err *e)
{
	char path[PATH_MAX];

#ifndef __x86_64__
	return err_set(e, ERR_UNSUPPORTED, 0, "qemu backend: only for x86-64 yet");
#endif
	if (find_program(path, sizeof path))
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "qemu backend: " PROGRAM " is not in PATH (apt install " PACKAGE ")");
}

#ifdef __x86_64__
static uint64_t now_nsec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The counter and the clock of one moment: of several pairs the one that was read without an interruption. */
static void read_pair(uint64_t *ticks, uint64_t *nsec)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 8; i++) {
		uint64_t before = __builtin_ia32_rdtsc(), now = now_nsec();
		uint64_t took = __builtin_ia32_rdtsc() - before;
		if (took < best) {
			best = took;
			*ticks = before + took / 2;
			*nsec = now;
		}
	}
}

/* The emulation shows the guest this processor's own counter. */
static uint64_t measure_tsc_khz(void)
{
	const struct timespec pause = { 0, MEASURE_NSEC };
	uint64_t ticks[2], nsec[2];

	read_pair(&ticks[0], &nsec[0]);
	nanosleep(&pause, NULL);
	read_pair(&ticks[1], &nsec[1]);
	return (ticks[1] - ticks[0]) * 1000000u / (nsec[1] - nsec[0]);
}
#else
static uint64_t measure_tsc_khz(void)
{
	return 0;
}
#endif

static int qemu_command(const struct vm_config *c, struct arena *a, char ***argv, struct err *e)
{
	char path[PATH_MAX];

	if (qemu_usable(e) < 0)
		return -1;
	find_program(path, sizeof path);
	return qemu_argv_make(c, path, measure_tsc_khz(), a, argv, e);
}

/* What the program needs is passed on by its number. */
static int keep(int fd, struct err *e)
{
	return fd >= 0 && fcntl(fd, F_SETFD, 0) < 0 ? err_sys(e, "keep descriptor %d", fd) : 0;
}

static int keep_all(const struct vm_config *c, struct err *e)
{
	int result = keep(c->kernel_fd, e) | keep(c->initrd_fd, e) | keep(c->console_fd, e);

	for (size_t i = 0; i < c->disks_count; i++)
		result |= keep(c->disks[i].fd, e);
	for (size_t i = 0; i < c->ports_count; i++)
		result |= keep(c->ports[i].fd, e);
	for (size_t i = 0; i < c->nets_count; i++)
		result |= keep(c->nets[i].fd, e);
	return c->share ? result | keep(c->share->fd, e) : result;
}

static _Noreturn void execute(char **argv, int console)
{
	struct err e;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	/* Its errors come after the kernel's words. */
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(console, STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(argv[0], argv);
	err_sys(&e, "execute %s", argv[0]);
	(void)!write(STDERR_FILENO, e.msg, strlen(e.msg));
	_exit(126);
}

/* Until QEMU has ended: nobody else writes to the pipe. */
static void overhear(int pipe_fd, int copy_fd, struct vm_words *w)
{
	char text[4096];
	ssize_t n;

	while ((n = read(pipe_fd, text, sizeof text)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		text_keep_last(w->text, sizeof w->text, &w->used, text, (size_t)n);
		if (copy_fd >= 0)
			(void)io_write_full(copy_fd, text, (size_t)n);
	}
}

/* QEMU is a child of this process, which reads what the kernel says and reports how both ended. */
static int qemu_become(const struct vm_config *c, int report_fd, struct err *e)
{
	struct vm_config own = *c;
	struct vm_report report = { .size = sizeof report };
	struct vm_words words = { 0 };
	struct arena arena;
	char **argv;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	CLEAN_FD int in = ends[0];
	CLEAN_FD int out = ends[1];
	own.console_fd = out;
	arena_init(&arena, 0);
	if (keep_all(&own, e) < 0 || qemu_command(&own, &arena, &argv, e) < 0)
		return -1;
	prctl(PR_SET_NAME, "husk-qemu", 0, 0, 0);
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		execute(argv, out);
	drop_fd(&out);
	overhear(in, c->console_fd, &words);
	int status = pid_reap(pid);
	report.end = qemu_judge(status, words.text);
	if (report.end == VM_BROKEN)
		err_set(&report.error, ERR_SYSTEM, 0, "%s: exit status %d", PROGRAM,
			WEXITSTATUS(status));
	const char *panic = strstr(words.text, "Kernel panic");
	size_t more = sizeof report.last_words - 1;
	text_format(report.last_words, sizeof report.last_words, "%s",
		    panic               ? panic
		    : words.used > more ? words.text + words.used - more
					: words.text);
	(void)send(report_fd, &report, sizeof report, MSG_NOSIGNAL);
	arena_free(&arena);
	_exit(report.end == VM_BROKEN);
}

const struct vm_backend vm_backend_qemu = {
	.name = "qemu",
	.usable = qemu_usable,
	.become = qemu_become,
	.command = qemu_command,
	.judge = qemu_judge,
};
