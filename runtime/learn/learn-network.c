/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/learn/learn.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* Which argument is the address. */
static const struct {
	const char *name, *verb;
	uint32_t address, length;
	bool header; /* a struct msghdr has them */
} rows[] = {
	{ "bind", "listen", 1, 2, false },     { "connect", "connect", 1, 2, false },
	{ "sendmmsg", "connect", 1, 0, true }, /* the first message's */
	{ "sendmsg", "connect", 1, 0, true },  { "sendto", "connect", 4, 5, false },
};

/*
 * Of what kind a socket is, only the socket can say. @tid is a thread: its process is in
 * /proc/TID/status, and pidfd_open() takes nothing else on older kernels.
 */
static const char *protocol_of(pid_t tid, int fd)
{
	socklen_t size = sizeof(int);
	int type;

	CLEAN_FD int pidfd = kernel_pidfd_open(tid, 0);
	if (pidfd < 0)
		pidfd = kernel_pidfd_open(tid, O_EXCL); /* PIDFD_THREAD, Linux 6.9 */
	if (pidfd < 0)
		return "ip";
	CLEAN_FD int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return "ip";
	return type == SOCK_STREAM ? "tcp" : type == SOCK_DGRAM ? "udp" : "ip";
}

/* An address of an internet family as text; its port is a client's own choice where it is 0. */
static bool print_internet(const struct sockaddr_storage *address, size_t length, char *out,
			   size_t size)
{
	char text[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->ss_family == AF_INET && length >= sizeof *v4) {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
		text_format(out, size, "%s:%u", text, ntohs(v4->sin_port));
		return true;
	}
	if (address->ss_family == AF_INET6 &&
	    length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
		text_format(out, size, "[%s]:%u", text, ntohs(v6->sin6_port));
		return true;
	}
	return false;
}

void learn_endpoint_add(struct learn *l, const char *endpoint)
{
	for (size_t i = 0; i < l->endpoints_count; i++)
		if (text_equal(l->endpoints[i], endpoint))
			return;
	if (!l->endpoints)
		l->endpoints = arena_new_array(l->arena, LEARN_ENDPOINTS_MAX, const char *);
	char *copy = arena_strdup(l->arena, endpoint);
	if (!l->endpoints || !copy)
		return;
	if (l->endpoints_count == LEARN_ENDPOINTS_MAX)
		l->endpoints_lost = true;
	else
		l->endpoints[l->endpoints_count++] = copy;
}

static void add_unix(struct learn *l, const struct sockaddr_storage *address, size_t length,
		     const char *verb)
{
	const struct sockaddr_un *u = (const void *)address;
	char path[sizeof u->sun_path + 1], word[LEARN_ENDPOINT_MAX - 16], text[LEARN_ENDPOINT_MAX];

	if (length <= offsetof(struct sockaddr_un, sun_path))
		return;
	length -= offsetof(struct sockaddr_un, sun_path);
	if (length > sizeof u->sun_path)
		length = sizeof u->sun_path;
	memcpy(path, u->sun_path, length);
	path[length] = '\0';
	/* An abstract name. */
	if (!path[0])
		path[0] = '@';
	if (!learn_word_print(path, word, sizeof word))
		return;
	text_format(text, sizeof text, "%s unix %s", verb, word);
	learn_endpoint_add(l, text);
}

/* Where the address of a message is: 0, or -1. */
static int find_in_header(const struct seccomp_notif *r, uint64_t at, uint64_t *address,
			  uint64_t *length)
{
	struct msghdr header;

	if (seccomp_listen_read((pid_t)r->pid, at, &header, sizeof header) !=
	    (ssize_t)sizeof header)
		return -1;
	*address = (uint64_t)(uintptr_t)header.msg_name;
	*length = header.msg_namelen;
	return 0;
}

static void record(struct learn *l, const struct seccomp_listener *from, size_t row)
{
	const struct seccomp_notif *r = from->request;
	uint64_t at = r->data.args[rows[row].address], length = 0;
	char text[LEARN_ENDPOINT_MAX], internet[INET6_ADDRSTRLEN + 16];
	struct sockaddr_storage address = { 0 };

	/* Another architecture's header has other members. */
	if (rows[row].header) {
		if (r->data.arch != seccomp_names_arch(seccomp_names_native())->audit ||
		    find_in_header(r, at, &at, &length) < 0)
			return;
	} else {
		length = r->data.args[rows[row].length] & UINT32_MAX;
	}
	if (!at || length < sizeof address.ss_family)
		return;
	if (length > sizeof address)
		length = sizeof address;
	if (seccomp_listen_read((pid_t)r->pid, at, &address, (size_t)length) != (ssize_t)length) {
		l->unreadable += errno == EPERM || errno == ESRCH;
		return;
	}
	bool is_internet = print_internet(&address, (size_t)length, internet, sizeof internet);
	const char *protocol =
		is_internet ? protocol_of((pid_t)r->pid, (int)(uint32_t)r->data.args[0]) : NULL;
	if (!seccomp_listen_valid(from))
		return;
	if (address.ss_family == AF_UNIX) {
		add_unix(l, &address, (size_t)length, rows[row].verb);
	} else if (is_internet) {
		text_format(text, sizeof text, "%s %s %s", rows[row].verb, protocol, internet);
		learn_endpoint_add(l, text);
	}
}

size_t learn_network_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_equal(rows[i].name, name))
			return i + 1;
	return 0;
}

void learn_network_record(struct learn *l, const struct seccomp_listener *from,
			  const struct learn_call *c)
{
	if (c->network_row)
		record(l, from, c->network_row - 1);
}
