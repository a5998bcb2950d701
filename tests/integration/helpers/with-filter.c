/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with-filter FILE COMMAND...: execute a program under the filter in FILE, as "husk policy compile" writes
 * it. Exit status 125 if that fails.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static struct sock_filter code[BPF_MAXINSNS];
	struct sock_fprog program = { .filter = code };
	int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	ssize_t size = fd < 0 ? -1 : read(fd, code, sizeof code);

	if (size <= 0) {
		fprintf(stderr, "with-filter: no program to load\n");
		return 125;
	}
	program.len = (unsigned short)((size_t)size / sizeof *code);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
		perror("with-filter: seccomp");
		return 125;
	}
	execv(argv[2], argv + 2);
	return 125;
}
