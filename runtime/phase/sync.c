/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/base/io.h"

struct header {
	uint32_t type;
	int32_t value;
};

/* Header and payload in one packet. Static: init has no heap, and the stack should stay small. */
static char packet[sizeof(struct header) + SYNC_BODY_MAX];

static int send_packet(int sock, enum sync_type type, int32_t value, const void *body, size_t size,
		       const int *fds, size_t nfds)
{
	struct header header = { type, value };

	if (size > SYNC_BODY_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(packet, &header, sizeof header);
	if (size)
		memcpy(packet + sizeof header, body, size);
	return io_send_fds(sock, packet, sizeof header + size, fds, nfds);
}

/* The peer is gone. If it said why before, that is what matters. */
static int send_failed(int sock, enum sync_type type, struct err *e)
{
	if (errno != EPIPE && errno != ECONNRESET)
		return err_sys(e, "send message %d to peer process", type);
	if (sync_wait(sock, SYNC_ERROR, NULL, NULL, NULL, e) != SYNC_EOF)
		return -1;
	return err_set(e, ERR_PROTOCOL, EPIPE, "send message %d: the peer process is gone", type);
}

int sync_send_body(int sock, enum sync_type type, const void *body, size_t size, const int *fds,
		   size_t nfds, struct err *e)
{
	if (send_packet(sock, type, 0, body, size, fds, nfds) < 0)
		return send_failed(sock, type, e);
	return 0;
}

int sync_send(int sock, enum sync_type type, int32_t value, struct err *e)
{
	if (send_packet(sock, type, value, NULL, 0, NULL, 0) < 0)
		return send_failed(sock, type, e);
	return 0;
}

void sync_send_error(int sock, const struct err *failure)
{
	(void)send_packet(sock, SYNC_ERROR, 0, failure, sizeof *failure, NULL, 0);
}

static void close_all(int *fds, size_t *nfds)
{
	while (*nfds)
		close(fds[--*nfds]);
}

/* A struct err from a process that shares a network namespace and nothing else is still ours, but
 * its texts are terminated here anyway: they are printed. */
static int take_error(const char *body, size_t size, struct err *e)
{
	struct err received;

	if (size != sizeof received)
		return err_set(e, ERR_PROTOCOL, EPROTO, "error message of %zu bytes", size);
	memcpy(&received, body, sizeof received);
	received.phase[sizeof received.phase - 1] = '\0';
	received.step[sizeof received.step - 1] = '\0';
	received.msg[sizeof received.msg - 1] = '\0';
	if (e)
		*e = received;
	errno = received.errnum;
	return -1;
}

static int receive(int sock, enum sync_type type, struct header *header, size_t *size, int *fds,
		   size_t *nfds, struct err *e)
{
	size_t none = 0;
	size_t *count = nfds ? nfds : &none;
	size_t room = *count;
	ssize_t n = io_recv_fds(sock, packet, sizeof packet, fds, count);

	/* The peer died with our message unread. The kernel says so once, and before it hands out
	 * what the peer had sent: why it died. */
	if (n < 0 && errno == ECONNRESET) {
		*count = room;
		n = io_recv_fds(sock, packet, sizeof packet, fds, count);
	}
	if (n == 0)
		return SYNC_EOF;
	if (n < 0)
		return err_sys(e, "wait for message %d of peer process", type);
	if ((size_t)n < sizeof *header) {
		close_all(fds, count);
		return err_set(e, ERR_PROTOCOL, EPROTO, "message of %zd bytes", n);
	}
	memcpy(header, packet, sizeof *header);
	*size = (size_t)n - sizeof *header;
	if (header->type == SYNC_ERROR) {
		close_all(fds, count);
		return take_error(packet + sizeof *header, *size, e);
	}
	if (header->type != type) {
		close_all(fds, count);
		return err_set(e, ERR_PROTOCOL, EPROTO, "message %u where %d was expected",
			       header->type, type);
	}
	return SYNC_OK;
}

int sync_wait(int sock, enum sync_type type, int32_t *value, int *fds, size_t *nfds, struct err *e)
{
	struct header header;
	size_t size;
	int result = receive(sock, type, &header, &size, fds, nfds, e);

	if (result == SYNC_OK && value)
		*value = header.value;
	return result;
}

int sync_wait_body(int sock, enum sync_type type, void *body, size_t *size, int *fds, size_t *nfds,
		   struct err *e)
{
	struct header header;
	size_t room = *size;
	int result = receive(sock, type, &header, size, fds, nfds, e);

	if (result != SYNC_OK)
		return result;
	if (*size > room) {
		if (nfds)
			close_all(fds, nfds);
		return err_set(e, ERR_PROTOCOL, EMSGSIZE, "message %d of %zu bytes", type, *size);
	}
	memcpy(body, packet + sizeof header, *size);
	return SYNC_OK;
}
