/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recvtty SOCKET: the other end of --console-socket. Takes one pseudo-terminal
 * and prints what comes out of it until the container's side is closed. What
 * stands in the file SOCKET.in is typed after the first output: before, nobody
 * is there to be interrupted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "recvfd.h"

/* Type what is in the file; a terminal takes a few lines at once. */
static void type_in(int tty, const char *socket_path)
{
	char path[256], buf[1024];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s.in", socket_path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		if (write(tty, buf, (size_t)len) != len)
			break;
	close(fd);
}

int main(int argc, char **argv)
{
	int fds[1], nfds = 1, typed = 0, sock, conn;
	char buf[4096];
	ssize_t len;

	sock = argc == 2 ? listen_at(argv[1]) : -1;
	conn = sock < 0 ? -1 : accept(sock, NULL, NULL);
	if (conn < 0) {
		perror("recvtty");
		return 1;
	}
	if (receive(conn, buf, sizeof(buf), fds, &nfds) < 0 || nfds != 1) {
		fputs("recvtty: no descriptor\n", stderr);
		return 1;
	}
	/* EIO is what the master says when nobody has the other side open. */
	for (;;) {
		len = read(fds[0], buf, sizeof(buf));
		if (len <= 0 && errno == EINTR)
			continue;
		if (len <= 0 || write(1, buf, (size_t)len) != len)
			return 0;
		if (!typed++)
			type_in(fds[0], argv[1]);
	}
}
