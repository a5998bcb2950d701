/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/text.h"

/* A length that no message has: something did not fit. */
#define TOO_LONG UINT32_MAX

/* <linux/netlink.h> has these as numbers with a sign. All is aligned to four bytes. */
#define HEADER_BYTES sizeof(struct nlmsghdr)
#define ATTR_BYTES   sizeof(struct nlattr)

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

int net_socket_open(struct net_socket *s, struct err *e)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof address;
	int on = 1;

	s->sequence = 0;
	s->said[0] = '\0';
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (s->fd < 0)
		return err_sys(e, "open a route netlink socket");
	if (bind(s->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&address, &size) < 0) {
		err_sys(e, "bind a route netlink socket");
		net_socket_close(s);
		return -1;
	}
	s->port = address.nl_pid;
	/* Reasons in words, in answers that do not repeat the request. Nice to have. */
	(void)setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	(void)setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return 0;
}

void net_socket_close(struct net_socket *s)
{
	int saved = errno;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	errno = saved;
}

/* ---- requests ---- */

/* Room for @size bytes at the end, aligned and zero, or NULL. */
static void *extend(struct nlmsghdr *request, size_t size)
{
	size_t used = request->nlmsg_len;

	if (used == TOO_LONG || size > NET_REQUEST_BYTES ||
	    aligned(used) + aligned(size) > NET_REQUEST_BYTES) {
		request->nlmsg_len = TOO_LONG;
		return NULL;
	}
	char *at = (char *)request + aligned(used);
	memset(at, 0, aligned(size));
	request->nlmsg_len = (uint32_t)(aligned(used) + size);
	return at;
}

struct nlmsghdr *net_request_start(struct net_socket *s, void *room, uint16_t type, uint16_t flags,
				   size_t extra_size, void **extra)
{
	struct nlmsghdr *request = room;

	*request = (struct nlmsghdr){
		.nlmsg_len = HEADER_BYTES,
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
		.nlmsg_seq = ++s->sequence,
	};
	*extra = extend(request, extra_size);
	return request;
}

void net_put(struct nlmsghdr *request, uint16_t type, size_t size, const void *data)
{
	struct nlattr *attr = size > NET_REQUEST_BYTES ? NULL : extend(request, ATTR_BYTES + size);

	if (!attr) {
		request->nlmsg_len = TOO_LONG;
		return;
	}
	attr->nla_type = type;
	attr->nla_len = (uint16_t)(ATTR_BYTES + size);
	if (size)
		memcpy((char *)attr + ATTR_BYTES, data, size);
}

void net_put_bytes(struct nlmsghdr *request, size_t size, const void *data)
{
	void *at = extend(request, size);

	if (at)
		memcpy(at, data, size);
}

void net_put_u32(struct nlmsghdr *request, uint16_t type, uint32_t value)
{
	net_put(request, type, sizeof value, &value);
}

void net_put_text(struct nlmsghdr *request, uint16_t type, const char *text)
{
	net_put(request, type, strlen(text) + 1, text);
}

struct nlattr *net_nest_begin(struct nlmsghdr *request, uint16_t type)
{
	size_t at = aligned(request->nlmsg_len);

	net_put(request, type | NLA_F_NESTED, 0, NULL);
	return request->nlmsg_len == TOO_LONG ? NULL : (struct nlattr *)((char *)request + at);
}

void net_nest_end(struct nlmsghdr *request, struct nlattr *nest)
{
	if (nest && request->nlmsg_len != TOO_LONG)
		nest->nla_len =
			(uint16_t)((char *)request + aligned(request->nlmsg_len) - (char *)nest);
}

/* ---- answers ---- */

const void *net_extra(const struct nlmsghdr *answer, size_t extra_size)
{
	return answer->nlmsg_len < HEADER_BYTES + extra_size ? NULL
							     : (const char *)answer + HEADER_BYTES;
}

/* @at is no more than @end. */
static const struct nlattr *attr_at(const char *at, const char *end)
{
	const struct nlattr *attr = (const void *)at;

	if ((size_t)(end - at) < ATTR_BYTES || attr->nla_len < ATTR_BYTES ||
	    attr->nla_len > (size_t)(end - at))
		return NULL;
	return attr;
}

const struct nlattr *net_attr_next(const struct nlmsghdr *answer, size_t extra_size,
				   const struct nlattr *last)
{
	const char *start = (const char *)answer, *end = start + answer->nlmsg_len;
	size_t offset = last ? (size_t)((const char *)last - start) + aligned(last->nla_len)
			     : HEADER_BYTES + aligned(extra_size);

	return offset > answer->nlmsg_len ? NULL : attr_at(start + offset, end);
}

int net_attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

size_t net_attr_size(const struct nlattr *attr)
{
	return attr->nla_len - ATTR_BYTES;
}

const void *net_attr_data(const struct nlattr *attr)
{
	return (const char *)attr + ATTR_BYTES;
}

uint32_t net_attr_u32(const struct nlattr *attr)
{
	uint32_t value = 0;

	if (net_attr_size(attr) == sizeof value)
		memcpy(&value, net_attr_data(attr), sizeof value);
	return value;
}

void net_attr_text(const struct nlattr *attr, char *out, size_t out_size)
{
	text_format(out, out_size, "%.*s", (int)net_attr_size(attr),
		    (const char *)net_attr_data(attr));
}

/* An error answer may carry the reason as text (NETLINK_EXT_ACK), behind a request that it does not
 * repeat (NETLINK_CAP_ACK). */
static void note_said(struct net_socket *s, const struct nlmsghdr *answer)
{
	const uint16_t both = NLM_F_ACK_TLVS | NLM_F_CAPPED;

	if ((answer->nlmsg_flags & both) != both)
		return;
	for (const struct nlattr *a = NULL;
	     (a = net_attr_next(answer, sizeof(struct nlmsgerr), a));) {
		if (net_attr_type(a) == NLMSGERR_ATTR_MSG)
			net_attr_text(a, s->said, sizeof s->said);
	}
}

/* One answer of what was received: 1 to go on, 0 at the end, -1 with errno. */
static int take_answer(struct net_socket *s, const struct nlmsghdr *answer, net_reply *reply,
		       void *data)
{
	const struct nlmsgerr *error;

	if (answer->nlmsg_flags & NLM_F_DUMP_INTR) {
		errno = EINTR;
		return -1;
	}
	switch (answer->nlmsg_type) {
	case NLMSG_NOOP:
		return 1;
	case NLMSG_DONE:
		return 0;
	case NLMSG_OVERRUN:
		errno = ENOSPC;
		return -1;
	case NLMSG_ERROR:
		error = net_extra(answer, sizeof *error);
		if (!error) {
			errno = EBADMSG;
			return -1;
		}
		note_said(s, answer);
		errno = error->error < 0 ? -error->error : error->error;
		return error->error ? -1 : 0;
	default:
		return !reply || reply(answer, data) >= 0 ? 1 : -1;
	}
}

/* All of @size bytes. As above. */
static int take_answers(struct net_socket *s, size_t size, uint32_t sequence, net_reply *reply,
			void *data)
{
	const char *at = s->reply;
	int more = 1;

	while (more > 0 && size >= HEADER_BYTES) {
		const struct nlmsghdr *answer = (const void *)at;
		size_t length = answer->nlmsg_len;
		if (length < HEADER_BYTES || length > size) {
			errno = EBADMSG;
			return -1;
		}
		/* An answer to an earlier request that was given up. */
		if (answer->nlmsg_seq == sequence && answer->nlmsg_pid == s->port)
			more = take_answer(s, answer, reply, data);
		size_t step = aligned(length) < size ? aligned(length) : size;
		at += step;
		size -= step;
	}
	return more;
}

/* From the kernel; what others send is not looked at. The number of bytes, or -1. */
static ssize_t receive(struct net_socket *s)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec room = { s->reply, sizeof s->reply };
		struct msghdr message = { .msg_name = &from,
					  .msg_namelen = sizeof from,
					  .msg_iov = &room,
					  .msg_iovlen = 1 };
		ssize_t n = recvmsg(s->fd, &message, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n >= 0 && message.msg_flags & MSG_TRUNC) {
			errno = ENOSPC;
			return -1;
		}
		if (n < 0 || from.nl_pid == 0)
			return n;
	}
}

int net_request_run(struct net_socket *s, struct nlmsghdr *request, net_reply *reply, void *data)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int more = 1;

	s->said[0] = '\0';
	if (request->nlmsg_len == TOO_LONG) {
		errno = EMSGSIZE;
		return -1;
	}
	if (sendto(s->fd, request, request->nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof kernel) < 0)
		return -1;
	while (more > 0) {
		ssize_t n = receive(s);
		if (n < 0)
			return -1;
		more = take_answers(s, (size_t)n, request->nlmsg_seq, reply, data);
	}
	return more;
}
