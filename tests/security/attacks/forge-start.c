/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge-start SOCKET KIND [TOKEN [TYPE]]: say "start" to a container's init without being husk. The
 * layout is husk's own; with the right token it is the control that all this is
 * understood. KIND is "token" for a message as it should be, or names what is wrong with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/phase/sync.h"

static char packet[65536];

static int send_packet(int sock, size_t size, int nfds)
{
	char control[CMSG_SPACE(sizeof(int) * 64)] = { 0 };
	struct iovec iov = { packet, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *c;
		int fds[64];

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		for (int i = 0; i < nfds; i++)
			fds[i] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
		for (int i = 0; i < nfds; i++)
			close(fds[i]);
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Hung up on, or taken (the connection stays open until the program runs)? */
static int wait_for_answer(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	char buf[4096];

	if (poll(&p, 1, 2000) == 0) {
		puts("no answer");
		return 0;
	}
	puts(recv(sock, buf, sizeof(buf), 0) > 0 ? "answered" : "hung up");
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const char *kind = argc > 2 ? argv[2] : "", *token = argc > 3 ? argv[3] : "";
	uint32_t type = argc > 4 ? (uint32_t)atoi(argv[4]) : SYNC_START;
	size_t size = 8 + sizeof(struct sync_start);
	int nfds = 0;

	if (argc < 3 || strlen(argv[1]) >= sizeof(sun.sun_path))
		return 2;
	strcpy(sun.sun_path, argv[1]);
	if (connect(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		printf("connect %s\n", strerrorname_np(errno));
		return 1;
	}
	memcpy(packet, &type, sizeof(type));
	memcpy(packet + 8, token, strnlen(token, sizeof(struct sync_start)));
	if (strcmp(kind, "close") == 0)
		return 0;
	if (strcmp(kind, "empty") == 0)
		size = 0;
	else if (strcmp(kind, "short") == 0)
		size = 3;
	else if (strcmp(kind, "header") == 0)
		size = 8;
	else if (strcmp(kind, "cut") == 0)
		size--;
	else if (strcmp(kind, "large") == 0)
		size = sizeof(packet);
	else if (strcmp(kind, "fds") == 0)
		nfds = 60;
	if (send_packet(sock, size, nfds) < 0) {
		printf("send %s\n", strerrorname_np(errno));
		return 0;
	}
	return wait_for_answer(sock);
}
