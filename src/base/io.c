/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define MAX_FDS 64
/* No line of the kernel's control files is this long. */
#define SHORT_BYTES 2048

ssize_t io_read_full(int fd, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buffer + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_write_full(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

ssize_t io_read_at(int dirfd, const char *path, char *buffer, size_t size)
{
	CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	size_t used = 0;
	ssize_t n;
	/* A short piece is the whole: the kernel fills a page before it asks to be called again. */
	do {
		n = read(fd, buffer + used, size - used);
		if (n < 0 && errno != EINTR)
			return -1;
		used += n > 0 ? (size_t)n : 0;
	} while (n < 0 || (n >= SHORT_BYTES && used < size));
	if (used == size) {
		errno = EFBIG;
		return -1;
	}
	n = (ssize_t)used;
	while (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

int io_write_at(int dirfd, const char *path, const char *text)
{
	CLEAN_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t size = strlen(text);

	if (fd < 0)
		return -1;
	ssize_t n;
	do
		n = write(fd, text, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if ((size_t)n != size) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int io_read_file(int fd, const char *name, size_t limit_bytes, struct arena *a, char **data,
		 size_t *length, struct err *e)
{
	struct stat st;
	size_t room = 4096, used = 0;
	CLEAN_FREE char *buffer = NULL;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", name);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_SYSTEM, EISDIR, "read %s", name);
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		room = (size_t)st.st_size + 1;
	for (;;) {
		if (room > limit_bytes + 1)
			room = limit_bytes + 1;
		char *bigger = realloc(buffer, room);
		if (!bigger)
			return err_set(e, ERR_NO_MEMORY, ENOMEM, "read %s", name);
		buffer = bigger;
		/* All of a regular file at once: then nobody has to be asked whether that was the end. */
		ssize_t n = used ? 0 : read(fd, buffer, room);
		if (n < 0 && errno != EINTR)
			return err_sys(e, "read %s", name);
		used += n > 0 ? (size_t)n : 0;
		if (used && used < room && (off_t)used == st.st_size)
			break;
		n = io_read_full(fd, buffer + used, room - used);
		if (n < 0)
			return err_sys(e, "read %s", name);
		used += (size_t)n;
		if (used < room)
			break;
		if (used > limit_bytes)
			return err_set(e, ERR_CONFIG, EFBIG, "read %s: more than %zu bytes", name,
				       limit_bytes);
		room *= 2;
	}
	*data = arena_memdup(a, buffer, used);
	*length = used;
	return arena_check(a, e);
}

int io_replace_at(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		  struct err *e)
{
	char temporary[300];

	text_format(temporary, sizeof temporary, ".%s.%d", name, getpid());
	CLEAN_FD int fd = openat(dirfd, temporary,
				 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(e, "create %s", temporary);
	if (io_write_full(fd, data, size) < 0) {
		err_sys(e, "write %s", temporary);
		unlinkat(dirfd, temporary, 0);
		return -1;
	}
	if (renameat(dirfd, temporary, dirfd, name) < 0) {
		err_sys(e, "rename %s to %s", temporary, name);
		unlinkat(dirfd, temporary, 0);
		return -1;
	}
	return 0;
}

int io_send_fds(int sock, const void *data, size_t size, const int *fds, size_t nfds)
{
	char zero = 0;
	struct iovec iov = { size ? (void *)(uintptr_t)data : &zero, size ? size : 1 };
	union {
		char room[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	if (nfds) {
		memset(&control, 0, sizeof control);
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	ssize_t n;
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* Copy what arrived into fds[0..room), close what does not fit. Returns false if some did not. */
static bool collect_fds(struct msghdr *msg, int *fds, size_t room, size_t *count)
{
	bool fits = true;

	*count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (*count < room) {
				fds[(*count)++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits && !(msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

ssize_t io_recv_fds(int sock, void *data, size_t size, int *fds, size_t *nfds)
{
	struct iovec iov = { data, size };
	union {
		char room[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room,
	};
	size_t room = *nfds;
	ssize_t n;

	*nfds = 0;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (!collect_fds(&msg, fds, room, nfds)) {
		/* Fewer than there is room for: the kernel found no more numbers for them (scm_detach_fds()
		 * in net/core/scm.c). */
		bool used_up = *nfds < room && msg.msg_flags & MSG_CTRUNC;
		while (*nfds)
			close(fds[--*nfds]);
		errno = used_up ? EMFILE : EMSGSIZE;
		return -1;
	}
	return n;
}

int io_move_above(int fd, int lowest)
{
	if (fd >= lowest)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
	if (moved < 0)
		return -1;
	close(fd);
	return moved;
}

void io_close_all_but(int lowest, int *keep, size_t count)
{
	/* An insertion sort: there are a handful, and no libc function is needed in init. */
	for (size_t i = 1; i < count; i++) {
		int fd = keep[i];
		size_t at = i;
		for (; at > 0 && keep[at - 1] > fd; at--)
			keep[at] = keep[at - 1];
		keep[at] = fd;
	}
	unsigned next = (unsigned)lowest;
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < lowest)
			continue;
		if ((unsigned)keep[i] > next)
			(void)kernel_close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	(void)kernel_close_range(next, ~0U, 0);
}
