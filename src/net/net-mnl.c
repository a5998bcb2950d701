/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-mnl.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/text.h"

#define LIBRARY "libmnl.so.0"

int net_mnl_load(struct net_mnl *mnl, struct err *e)
{
	memset(mnl, 0, sizeof *mnl);
	mnl->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!mnl->library)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "load " LIBRARY
			       ": %s: moving network devices needs the package libmnl0",
			       dlerror());
#define X(name)                                                                                    \
	do {                                                                                       \
		void *symbol = dlsym(mnl->library, "mnl_" #name);                                  \
		if (!symbol) {                                                                     \
			net_mnl_unload(mnl);                                                       \
			return err_set(e, ERR_UNSUPPORTED, 0,                                      \
				       LIBRARY " has no mnl_" #name ": libmnl 1.0.4 or newer "     \
					       "is needed");                                       \
		}                                                                                  \
		/* ISO C has no cast from an object to a function pointer; POSIX needs one. */     \
		memcpy(&mnl->name, &symbol, sizeof symbol);                                        \
	} while (0);
	NET_MNL_FUNCTIONS(X)
#undef X
	return 0;
}

void net_mnl_unload(struct net_mnl *mnl)
{
	if (mnl->library)
		dlclose(mnl->library);
	mnl->library = NULL;
}

int net_socket_open(struct net_socket *s, const struct net_mnl *mnl, struct err *e)
{
	int on = 1;

	s->mnl = mnl;
	s->sequence = 0;
	s->said[0] = '\0';
	s->socket = mnl->socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!s->socket)
		return err_sys(e, "open a route netlink socket");
	if (mnl->socket_bind(s->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_sys(e, "bind a route netlink socket");
		net_socket_close(s);
		return -1;
	}
	/* Reasons in words, in answers that do not repeat the request. Nice to have. */
	mnl->socket_setsockopt(s->socket, NETLINK_EXT_ACK, &on, sizeof on);
	mnl->socket_setsockopt(s->socket, NETLINK_CAP_ACK, &on, sizeof on);
	return 0;
}

void net_socket_close(struct net_socket *s)
{
	int saved = errno;

	if (s->socket)
		s->mnl->socket_close(s->socket);
	s->socket = NULL;
	errno = saved;
}

struct nlmsghdr *net_request_start(struct net_socket *s, void *room, uint16_t type, uint16_t flags,
				   size_t extra_size, void **extra)
{
	struct nlmsghdr *request = s->mnl->nlmsg_put_header(room);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	request->nlmsg_seq = ++s->sequence;
	*extra = s->mnl->nlmsg_put_extra_header(request, extra_size);
	return request;
}

static int find_said(const struct nlattr *attr, void *data)
{
	struct net_socket *s = data;

	if (s->mnl->attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		text_format(s->said, sizeof s->said, "%.*s",
			    (int)s->mnl->attr_get_payload_len(attr), s->mnl->attr_get_str(attr));
	return MNL_CB_OK;
}

/* An error answer may carry the reason as text (NETLINK_EXT_ACK). */
static void note_said(struct net_socket *s, size_t size)
{
	const struct nlmsghdr *answer = (const void *)s->reply;

	if (size >= NLMSG_HDRLEN + sizeof(struct nlmsgerr) && answer->nlmsg_type == NLMSG_ERROR &&
	    answer->nlmsg_len <= size && answer->nlmsg_flags & NLM_F_ACK_TLVS &&
	    answer->nlmsg_flags & NLM_F_CAPPED)
		s->mnl->attr_parse(answer, sizeof(struct nlmsgerr), find_said, s);
}

int net_request_run(struct net_socket *s, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	unsigned port = s->mnl->socket_get_portid(s->socket);

	s->said[0] = '\0';
	if (s->mnl->socket_sendto(s->socket, request, request->nlmsg_len) < 0)
		return -1;
	for (;;) {
		ssize_t n = s->mnl->socket_recvfrom(s->socket, s->reply, sizeof s->reply);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		note_said(s, (size_t)n);
		int rc = s->mnl->cb_run(s->reply, (size_t)n, request->nlmsg_seq, port, callback,
					data);
		if (rc <= MNL_CB_STOP)
			return rc < 0 ? -1 : 0;
	}
}
