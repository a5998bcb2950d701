/* SPDX-License-Identifier: Apache-2.0 */
/* stray PID WHAT: let a process that waits in a system call make another one, as somebody would who has taken it over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#define AT_CWD (-100L)

static const struct {
	const char *name;
	long number, args[4];
} calls[] = {
	{ "execute", SYS_execve, { 0 } },
	{ "fork", SYS_clone, { 17 } },
	{ "unshare", SYS_unshare, { 0x200 } },
	{ "make", SYS_openat, { AT_CWD, 0, 0101, 0600 } },
	{ "type", SYS_ioctl, { 0, 0x5412, 0 } },
	{ "memory", SYS_mmap, { 0, 4096, 5, 0x22 } },
	{ "nothing", SYS_getpid, { 0 } },
};

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid = argc == 3 ? atoi(argv[1]) : 0;

	for (size_t i = 0; pid && i < sizeof calls / sizeof *calls; i++) {
		if (strcmp(argv[2], calls[i].name) != 0)
			continue;
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
		    waitpid(pid, &status, 0) != pid || ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
			break;
		/* Back to the instruction of its call, which is two bytes long. */
		regs.rip -= 2;
		regs.orig_rax = ~0ull;
		regs.rax = (unsigned long long)calls[i].number;
		regs.rdi = (unsigned long long)calls[i].args[0];
		regs.rsi = (unsigned long long)calls[i].args[1];
		regs.rdx = (unsigned long long)calls[i].args[2];
		regs.r10 = (unsigned long long)calls[i].args[3];
		if (ptrace(PTRACE_SETREGS, pid, 0, &regs) < 0 || ptrace(PTRACE_DETACH, pid, 0, 0) < 0)
			break;
		return 0;
	}
	perror("stray");
	return 1;
}
