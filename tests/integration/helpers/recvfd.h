/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the helpers that sit behind a socket of the runtime. */
#ifndef TESTS_INTEGRATION_HELPERS_RECVFD_H
#define TESTS_INTEGRATION_HELPERS_RECVFD_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * A listening socket that appears under `path` only once it listens: a test
 * waits for the file and must not be refused afterwards. -1 on failure.
 */
static inline int listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%s~", path) >= (int)sizeof(sun.sun_path))
		return -1;
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(fd, 4) < 0 || rename(sun.sun_path, path) < 0)
		return -1;
	return fd;
}

/*
 * One message with its descriptors. Returns the number of bytes (0: closed, -1:
 * error); *nfds is the room in fds before, the number received after.
 */
static inline ssize_t receive(int sock, char *buf, size_t size, int *fds, int *nfds)
{
	union {
		char space[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	int room = *nfds;

	*nfds = 0;
	if (len < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		int n = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		for (int i = 0; i < n && *nfds < room; i++)
			memcpy(&fds[(*nfds)++], CMSG_DATA(c) + (size_t)i * sizeof(int), sizeof(int));
	}
	return len;
}

#endif
