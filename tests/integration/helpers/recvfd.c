/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recvfd SOCKET: take one connection and one message on it, and print the
 * message and what its descriptors are; a pidfd with the pid it stands for.
 */
#define _GNU_SOURCE
#include "recvfd.h"

static void print_fd(int fd)
{
	char path[64], line[256];
	FILE *info;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, line, sizeof(line) - 1);
	line[len < 0 ? 0 : len] = '\0';
	printf("fd %s\n", line);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (strncmp(line, "Pid:", 4) == 0)
			fputs(line, stdout);
	if (info)
		fclose(info);
}

int main(int argc, char **argv)
{
	int fds[16], nfds = 16;
	char buf[65536];
	ssize_t len;
	int sock, conn;

	sock = argc == 2 ? listen_at(argv[1]) : -1;
	conn = sock < 0 ? -1 : accept(sock, NULL, NULL);
	if (conn < 0) {
		perror("recvfd");
		return 1;
	}
	len = receive(conn, buf, sizeof(buf), fds, &nfds);
	if (len < 0)
		return 1;
	printf("data %.*s\n", (int)len, buf);
	for (int i = 0; i < nfds; i++)
		print_fd(fds[i]);
	return 0;
}
