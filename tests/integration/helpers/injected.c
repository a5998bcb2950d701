/* SPDX-License-Identifier: Apache-2.0 */
/* A library whose constructor does, in the place of the program that loads it, what somebody would who has
 * taken it over. Prints a line "got through: WHAT" for each success, and at last "tried". For sandboxes only:
 * elsewhere, and under root, much of it succeeds. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED(call)                                                                              \
	do {                                                                                       \
		if ((long)(call) != -1)                                                            \
			dprintf(2, "got through: %s\n", #call);                                    \
	} while (0)

static int start_program(void)
{
	static char name[] = "touch", file[] = "pwned";
	char *argv[] = { name, file, NULL }, *env[] = { NULL };
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return execve("/usr/bin/touch", argv, env);
	if (pid == 0) {
		/* Without the variable that names this library. */
		execve("/usr/bin/touch", argv, env);
		_exit(1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

__attribute__((constructor)) static void attack(void)
{
	char path[] = "/proc/self/environ";

	/* pid 1 of a sandbox is its reaper. */
	if (getppid() != 1)
		return;
	unsetenv("LD_PRELOAD");
	REFUSED(start_program());
	REFUSED(unshare(CLONE_NEWUSER));
	REFUSED(mount("none", "/tmp", "tmpfs", 0, NULL));
	REFUSED(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	REFUSED(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
	REFUSED(socket(AF_ALG, SOCK_SEQPACKET, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 12));
	REFUSED(ioctl(0, TIOCSTI, path));
	REFUSED(syscall(SYS_keyctl, 0, -3, 1));
	REFUSED(syscall(SYS_bpf, 0, path, sizeof path));
	REFUSED(syscall(SYS_io_uring_setup, 8, path));
	/* Not of a server. */
	if (!getenv("HUSK_SERVER")) {
		REFUSED(socket(AF_INET, SOCK_STREAM, 0));
		REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
		REFUSED(start_process());
		REFUSED(kill(1, 0));
	}
	dprintf(2, "tried\n");
}
