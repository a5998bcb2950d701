/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-listen.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/base/kernel.h"

/* Every architecture's pages are at least that, and start at multiples of it. */
#define PAGE_BYTES 4096u

int seccomp_listen_init(struct seccomp_listener *l, int fd, struct arena *a, struct err *e)
{
	struct seccomp_notif_sizes sizes;

	*l = (struct seccomp_listener){ .fd = fd };
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_sys(e, "ask for the sizes of seccomp notifications");
	/* A kernel with smaller structures than ours still gets what we write. */
	l->request_size = sizes.seccomp_notif;
	if (l->request_size < sizeof *l->request)
		l->request_size = sizeof *l->request;
	l->response_size = sizes.seccomp_notif_resp;
	if (l->response_size < sizeof *l->response)
		l->response_size = sizeof *l->response;
	l->request = arena_alloc(a, l->request_size);
	l->response = arena_alloc(a, l->response_size);
	if (!l->request || !l->response)
		return arena_check(a, e);
	l->sync = ioctl(fd, KERNEL_SECCOMP_NOTIF_SET_FLAGS, KERNEL_SECCOMP_NOTIF_SYNC_WAKE_UP) == 0;
	return 0;
}

int seccomp_listen_receive(struct seccomp_listener *l, struct err *e)
{
	/* The kernel insists on zeroes. */
	memset(l->request, 0, l->request_size);
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, l->request) == 0)
		return 1;
	if (errno == ENOENT || errno == EINTR)
		return 0;
	return err_sys(e, "receive a seccomp notification");
}

int seccomp_listen_answer(struct seccomp_listener *l, int errnum, struct err *e)
{
	memset(l->response, 0, l->response_size);
	l->response->id = l->request->id;
	l->response->error = -errnum;
	if (!errnum)
		l->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* ENOENT: killed, or interrupted by a signal, after which it comes again. */
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, l->response) < 0 && errno != ENOENT)
		return err_sys(e, "answer a seccomp notification");
	return 0;
}

bool seccomp_listen_valid(const struct seccomp_listener *l)
{
	return ioctl(l->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &l->request->id) == 0;
}

/* One piece, which ends with a page. */
static ssize_t read_piece(pid_t tid, uint64_t address, char *out, size_t size)
{
	size_t rest = PAGE_BYTES - (size_t)(address % PAGE_BYTES);
	struct iovec to = { .iov_base = out, .iov_len = size < rest ? size : rest };
	struct iovec from = { .iov_base = (void *)(uintptr_t)address, .iov_len = to.iov_len };

	return process_vm_readv(tid, &to, 1, &from, 1, 0);
}

ssize_t seccomp_listen_read(pid_t tid, uint64_t address, void *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read_piece(tid, address + done, (char *)out + done, size - done);
		if (n <= 0)
			return done ? (ssize_t)done : -1;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t seccomp_listen_read_text(pid_t tid, uint64_t address, char *out, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read_piece(tid, address + done, out + done, size - done);
		if (n <= 0)
			return -1;
		const char *end = memchr(out + done, '\0', (size_t)n);
		if (end)
			return end - out;
		done += (size_t)n;
	}
	errno = ENAMETOOLONG;
	return -1;
}
