/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp-agent SOCKET errno N | value N | continue
 *
 * What stands behind linux.seccomp.listenerPath: takes one connection, prints
 * the container process state ("state JSON"), how many descriptors came with
 * it, and "closed" when the runtime closed the connection after it. Then it
 * answers every notification in the way asked for and prints "call NUMBER",
 * until the last process under the filter is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "recvfd.h"

static int answer(int fd, const char *how, long value)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;

	memset(&req, 0, sizeof(req));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return errno == EINTR || errno == ENOENT ? 0 : -1;
	printf("call %d\n", req.data.nr);
	memset(&resp, 0, sizeof(resp));
	resp.id = req.id;
	if (strcmp(how, "errno") == 0)
		resp.error = -(int)value;
	else if (strcmp(how, "value") == 0)
		resp.val = value;
	else
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	return 0;
}

int main(int argc, char **argv)
{
	int fds[4], nfds = 4, none = 0, sock, conn;
	static char buf[1 << 20];
	struct timeval wait = { .tv_sec = 1 };
	struct pollfd pfd;
	ssize_t len;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sock = argc >= 3 ? listen_at(argv[1]) : -1;
	conn = sock < 0 ? -1 : accept(sock, NULL, NULL);
	if (conn < 0) {
		perror("seccomp-agent");
		return 1;
	}
	len = receive(conn, buf, sizeof(buf), fds, &nfds);
	if (len < 0)
		return 1;
	printf("state %.*s\nfds %d\n", (int)len, buf, nfds);
	if (nfds < 1)
		return 1;
	/* A runtime that keeps the connection is not to block the container. */
	setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	puts(receive(conn, buf, sizeof(buf), fds + 1, &none) == 0 ? "closed" : "kept open");
	pfd = (struct pollfd){ .fd = fds[nfds - 1], .events = POLLIN };
	while (poll(&pfd, 1, -1) > 0) {
		if (pfd.revents & POLLIN) {
			if (answer(pfd.fd, argv[2], argc > 3 ? atol(argv[3]) : 0) < 0)
				return 1;
		} else if (pfd.revents & (POLLHUP | POLLERR)) {
			puts("gone");
			return 0;
		}
	}
	return 1;
}
