/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap A B: exchange the two names without end, as a second container does that shares a volume
 * (CVE-2021-30465). Ends with its parent.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

int main(int argc, char **argv)
{
	if (argc != 3 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return 2;
	puts("swapping");
	fflush(stdout);
	for (;;)
		if (renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) < 0) {
			perror("swap");
			return 1;
		}
}
