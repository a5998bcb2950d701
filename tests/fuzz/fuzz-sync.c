/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a peer sends while a container is made (CVE-2021-43784: a length that wrapped).
 * Input: which message is waited for, the receiver's room, how many descriptors come along; then
 * packets, each with two bytes of length in front. Whatever arrives fits the room, texts of errors
 * end, and no descriptor is left open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/phase/sync.h"
#include "src/base/io.h"

#define FDS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct plan {
	enum sync_type type;
	size_t room, fds_room, fds_sent;
	const uint8_t *packets;
	size_t left;
};

/* Sends what the socket takes at once; the peer then is gone, as after a crash. */
static void send_all(int sock, int fd, struct plan *p)
{
	int fds[FDS_MAX];

	for (size_t i = 0; i < p->fds_sent; i++)
		fds[i] = fd;
	while (p->left >= 2) {
		size_t length = (size_t)p->packets[0] | (size_t)p->packets[1] << 8;

		p->packets += 2;
		p->left -= 2;
		length = length < p->left ? length : p->left;
		if (io_send_fds(sock, p->packets, length, fds, p->fds_sent) < 0)
			return;
		p->packets += length;
		p->left -= length;
	}
}

static void check_error(const struct err *e)
{
	if (!e->kind)
		return;
	if (!memchr(e->msg, 0, sizeof e->msg) || !memchr(e->phase, 0, sizeof e->phase) ||
	    !memchr(e->step, 0, sizeof e->step))
		abort();
}

/* One message, into a buffer of exactly the room: a sanitizer sees what is written behind it. */
static int receive_one(int sock, const struct plan *p)
{
	struct err e = { 0 };
	int fds[FDS_MAX];
	size_t nfds = p->fds_room, length = p->room;
	char *body = malloc(length ? length : 1);

	if (!body)
		abort();
	int result = sync_wait_body(sock, p->type, body, &length, fds, &nfds, &e);
	if (result == SYNC_OK && (length > p->room || nfds > p->fds_room))
		abort();
	if (result < 0)
		check_error(&e);
	for (size_t i = 0; result == SYNC_OK && i < nfds; i++)
		close(fds[i]);
	free(body);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t rooms[] = { 0, 1, 36, 64, 4096, SYNC_BODY_MAX - 1, SYNC_BODY_MAX, 65536 };
	int pair[2];

	if (size < 3)
		return 0;
	struct plan p = { (enum sync_type)(data[0] % 13), rooms[data[1] % 8], data[2] % (FDS_MAX + 1),
			  data[2] / 8 % (FDS_MAX + 1), data + 3, size - 3 };
	int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (probe < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	send_all(pair[0], probe, &p);
	close(pair[0]);
	/* Bounded: each packet is taken at most once, and behind the last is the end. */
	while (receive_one(pair[1], &p) == SYNC_OK)
		;
	close(pair[1]);
	close(probe);
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (next != probe)
		abort();
	close(next);
	return 0;
}
