/* SPDX-License-Identifier: Apache-2.0 */
#include "src/net/net-device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/net/net-link.h"
#include "src/net/net-mnl.h"

int net_name_check(const char *name, bool pattern, const char *what, struct err *e)
{
	size_t n = strlen(name);
	const char *percent = strchr(name, '%');

	/* dev_valid_name() in the kernel, and '%' for its templates. */
	if (n == 0 || n >= IFNAMSIZ)
		return err_config(e, "%s \"%s\": a device name has 1 to %d characters", what, name,
				  IFNAMSIZ - 1);
	if (text_equal(name, ".") || text_equal(name, ".."))
		return err_config(e, "%s \"%s\": not a device name", what, name);
	for (const char *p = name; *p; p++)
		if (*p == '/' || *p == ':' || *p == ' ' || (*p >= '\t' && *p <= '\r'))
			return err_config(e, "%s \"%s\": a device name has no '/', ':' or blank",
					  what, name);
	if (percent && (!pattern || percent[1] != 'd' || strchr(percent + 1, '%')))
		return err_config(e, "%s \"%s\": %s", what, name,
				  pattern ? "the only template is one %d"
					  : "no template is allowed here");
	return 0;
}

/* A socket in another namespace: its namespace is fixed when it is made. */
static int open_inside(struct net_mover *m, struct err *e)
{
	if (setns(m->netns_inside, CLONE_NEWNET) < 0) {
		err_sys(e, "enter the container's network namespace");
		if (errno == EPERM)
			err_append(e, ": this needs CAP_SYS_ADMIN over it and here");
		return -1;
	}
	int rc = net_socket_open(&m->inside, &m->mnl, e);
	/* Going on in the wrong namespace would be worse than any other failure. */
	if (setns(m->netns_host, CLONE_NEWNET) < 0)
		return err_sys(e, "return to husk's own network namespace");
	return rc;
}

struct net_mover *net_mover_open(int netnsfd, struct err *e)
{
	struct net_mover *m = calloc(1, sizeof *m);

	if (!m) {
		err_set(e, ERR_NO_MEMORY, ENOMEM, "move network devices");
		return NULL;
	}
	m->netns_inside = netnsfd;
	m->netns_host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (m->netns_host < 0) {
		err_sys(e, "open /proc/self/ns/net");
		net_mover_close(m);
		return NULL;
	}
	if (net_mnl_load(&m->mnl, e) < 0 || net_socket_open(&m->host, &m->mnl, e) < 0 ||
	    open_inside(m, e) < 0) {
		net_mover_close(m);
		return NULL;
	}
	return m;
}

void net_mover_close(struct net_mover *m)
{
	if (!m)
		return;
	net_socket_close(&m->host);
	net_socket_close(&m->inside);
	net_mnl_unload(&m->mnl);
	if (m->netns_host >= 0)
		close(m->netns_host);
	free(m);
}

/* What RTM_GETLINK tells. */
struct link {
	const struct net_mnl *mnl;
	uint32_t index, flags;
	char name[IFNAMSIZ];
};

static int note_link_attr(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	if (link->mnl->attr_get_type(attr) == IFLA_IFNAME)
		text_format(link->name, sizeof link->name, "%s", link->mnl->attr_get_str(attr));
	return MNL_CB_OK;
}

static int note_link(const struct nlmsghdr *answer, void *data)
{
	struct link *link = data;
	const struct ifinfomsg *info = link->mnl->nlmsg_get_payload(answer);

	if (answer->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link->index = (uint32_t)info->ifi_index;
	link->flags = info->ifi_flags;
	return link->mnl->attr_parse(answer, sizeof *info, note_link_attr, link);
}

/* A request about the device @index; *info can be filled further. */
static struct nlmsghdr *link_request(struct net_socket *s, union net_request *room, uint16_t type,
				     uint32_t index, struct ifinfomsg **info)
{
	void *extra;
	struct nlmsghdr *request =
		net_request_start(s, room, type, NLM_F_ACK, sizeof **info, &extra);

	*info = extra;
	(*info)->ifi_index = (int)index;
	return request;
}

/* Find a device by @name, or by @index where @name is NULL. 0 or -1 with errno (ENODEV). */
static int get_link(struct net_socket *s, const char *name, uint32_t index, struct link *out)
{
	union net_request room;
	struct ifinfomsg *info;
	struct nlmsghdr *request = link_request(s, &room, RTM_GETLINK, index, &info);

	if (name)
		s->mnl->attr_put_strz(request, IFLA_IFNAME, name);
	memset(out, 0, sizeof *out);
	out->mnl = s->mnl;
	return net_request_run(s, request, note_link, out);
}

int net_link_find(struct net_socket *s, const char *name, uint32_t *index)
{
	struct link link;

	if (get_link(s, name, 0, &link) < 0)
		return -1;
	*index = link.index;
	return 0;
}

int net_link_up(struct net_socket *s, uint32_t index)
{
	union net_request room;
	struct ifinfomsg *info;
	struct nlmsghdr *request = link_request(s, &room, RTM_NEWLINK, index, &info);

	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	return net_request_run(s, request, NULL, NULL);
}

/* One attempt to send device @index of @s to @netnsfd under @name, there with index @wanted. */
static int send_to(struct net_socket *s, uint32_t index, int netnsfd, const char *name,
		   uint32_t wanted)
{
	union net_request room;
	struct ifinfomsg *info;
	struct nlmsghdr *request = link_request(s, &room, RTM_NEWLINK, index, &info);

	s->mnl->attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)netnsfd);
	s->mnl->attr_put_u32(request, IFLA_NEW_IFINDEX, wanted);
	s->mnl->attr_put_strz(request, IFLA_IFNAME, name);
	return net_request_run(s, request, NULL, NULL);
}

/*
 * As above, with the first free index from @index on. Choosing it (Linux 5.13) is the way to know
 * the device again afterwards, whatever name a template gave it. *there is the index of the last
 * attempt, also on failure: a request can fail after it has moved the device.
 */
static int send_anywhere(struct net_socket *s, uint32_t index, int netnsfd, const char *name,
			 uint32_t *there)
{
	for (*there = index; *there < index + 4096; ++*there) {
		if (send_to(s, index, netnsfd, name, *there) == 0)
			return 0;
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

struct address_list {
	const struct net_mnl *mnl;
	struct net_moved *moved;
	struct net_address *current;
	bool overflow;
};

static void note_bytes(const struct net_mnl *mnl, const struct nlattr *attr, uint8_t out[16],
		       bool *has)
{
	size_t n = mnl->attr_get_payload_len(attr);

	if (n > 16)
		return;
	memcpy(out, mnl->attr_get_payload(attr), n);
	*has = true;
}

static int note_address_attr(const struct nlattr *attr, void *data)
{
	const struct address_list *list = data;
	const struct net_mnl *mnl = list->mnl;
	struct net_address *a = list->current;

	switch (mnl->attr_get_type(attr)) {
	case IFA_LOCAL:
		note_bytes(mnl, attr, a->local, &a->has_local);
		break;
	case IFA_ADDRESS:
		note_bytes(mnl, attr, a->address, &a->has_address);
		break;
	case IFA_BROADCAST:
		note_bytes(mnl, attr, a->broadcast, &a->has_broadcast);
		break;
	case IFA_FLAGS:
		a->flags = mnl->attr_get_u32(attr);
		break;
	case IFA_RT_PRIORITY:
		a->priority = mnl->attr_get_u32(attr);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int note_address(const struct nlmsghdr *answer, void *data)
{
	/* What RTM_NEWADDR takes; the others are the kernel's own findings. */
	const uint32_t settable = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
				  IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	struct address_list *list = data;
	const struct ifaddrmsg *info = list->mnl->nlmsg_get_payload(answer);
	struct net_address a = { 0 };

	if (answer->nlmsg_type != RTM_NEWADDR || info->ifa_index != list->moved->index_host)
		return MNL_CB_OK;
	/* What has a lifetime or is local to the link was not set for the container to keep. */
	if (info->ifa_scope != RT_SCOPE_UNIVERSE)
		return MNL_CB_OK;
	a.family = info->ifa_family;
	a.prefix_bits = info->ifa_prefixlen;
	a.flags = info->ifa_flags; /* the lower 8 bits, before there was IFA_FLAGS */
	list->current = &a;
	if (list->mnl->attr_parse(answer, sizeof *info, note_address_attr, list) < 0)
		return MNL_CB_ERROR;
	if (!(a.flags & IFA_F_PERMANENT))
		return MNL_CB_OK;
	a.flags &= settable;
	if (list->moved->naddresses == NET_ADDRESSES_MAX)
		list->overflow = true;
	else
		list->moved->addresses[list->moved->naddresses++] = a;
	return MNL_CB_OK;
}

static int list_addresses(struct net_socket *s, struct net_moved *moved, struct err *e)
{
	struct address_list list = { .mnl = s->mnl, .moved = moved };
	int rc;

	/* EINTR: the list changed while it was read. */
	for (int tries = 0; tries < 8; tries++) {
		union net_request room;
		void *extra;
		struct nlmsghdr *request = net_request_start(s, &room, RTM_GETADDR, NLM_F_DUMP,
							     sizeof(struct ifaddrmsg), &extra);
		moved->naddresses = 0;
		rc = net_request_run(s, request, note_address, &list);
		if (rc == 0 || errno != EINTR)
			break;
	}
	if (rc < 0)
		return err_sys(e, "list the addresses of network device %s", moved->name_host);
	if (list.overflow)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "network device %s has more than %d addresses to move",
			       moved->name_host, NET_ADDRESSES_MAX);
	return 0;
}

int net_link_add_address(struct net_socket *s, uint32_t index, const struct net_address *a)
{
	const size_t size = a->family == AF_INET ? 4 : 16;
	union net_request room;
	struct ifaddrmsg *info;
	void *extra;
	struct nlmsghdr *request =
		net_request_start(s, &room, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE,
				  sizeof *info, &extra);

	info = extra;
	info->ifa_family = a->family;
	info->ifa_prefixlen = a->prefix_bits;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	info->ifa_index = index;
	s->mnl->attr_put_u32(request, IFA_FLAGS, a->flags);
	if (a->has_local)
		s->mnl->attr_put(request, IFA_LOCAL, size, a->local);
	if (a->has_address)
		s->mnl->attr_put(request, IFA_ADDRESS, size, a->address);
	if (a->has_broadcast)
		s->mnl->attr_put(request, IFA_BROADCAST, size, a->broadcast);
	if (a->priority)
		s->mnl->attr_put_u32(request, IFA_RT_PRIORITY, a->priority);
	return net_request_run(s, request, NULL, NULL);
}

static int restore_addresses(struct net_socket *s, uint32_t index, const struct net_moved *moved)
{
	for (size_t i = 0; i < moved->naddresses; i++)
		if (net_link_add_address(s, index, &moved->addresses[i]) < 0)
			return -1;
	return 0;
}

int net_link_explain(struct err *e, const struct net_socket *s)
{
	if (s->said[0])
		err_append(e, " (%s)", s->said);
	if (e && e->errnum == EPERM)
		err_append(e, ": this needs CAP_NET_ADMIN in both network namespaces");
	return -1;
}

static int move_error(struct net_mover *m, const struct net_moved *moved, const char *new_name,
		      struct err *e)
{
	int errnum = errno;

	err_set(e, errnum == EINVAL ? ERR_UNSUPPORTED : ERR_SYSTEM, errnum,
		"move network device %s to the container as %s", moved->name_host, new_name);
	if (errnum == EINVAL && !m->host.said[0])
		err_append(e, ": this kind of device is bound to its network namespace");
	return net_link_explain(e, &m->host);
}

/*
 * The kernel moves first and renames then: when the name is taken, the device is in the container
 * already. Whatever the state is, bring it home.
 */
static void bring_home(struct net_mover *m, const struct net_moved *moved)
{
	struct link link;
	struct err ignored;

	if (get_link(&m->host, NULL, moved->index_host, &link) == 0 &&
	    text_equal(link.name, moved->name_host))
		return;
	net_device_move_back(m, moved, &ignored);
}

int net_device_move(struct net_mover *m, const char *name, const char *new_name,
		    struct net_moved *out, struct err *e)
{
	const char *target = new_name && *new_name ? new_name : name;
	struct link link;

	memset(out, 0, sizeof *out);
	if (get_link(&m->host, name, 0, &link) < 0) {
		err_sys(e, "network device %s", name);
		return net_link_explain(e, &m->host);
	}
	/* The kernel's name: @name may be an alternative one (ip link property add altname). */
	memcpy(out->name_host, link.name, sizeof out->name_host);
	out->index_host = link.index;
	out->was_up = link.flags & IFF_UP;
	/* Before the device goes down, which costs it its IPv6 addresses. */
	if (list_addresses(&m->host, out, e) < 0)
		return net_link_explain(e, &m->host);
	if (!strchr(target, '%') && get_link(&m->inside, target, 0, &link) == 0) {
		errno = EEXIST;
		m->host.said[0] = '\0';
		return move_error(m, out, target, e);
	}
	if (send_anywhere(&m->host, out->index_host, m->netns_inside, target,
			  &out->index_container) < 0) {
		move_error(m, out, target, e);
		bring_home(m, out);
		return -1;
	}
	if (get_link(&m->inside, NULL, out->index_container, &link) < 0 ||
	    restore_addresses(&m->inside, out->index_container, out) < 0 ||
	    net_link_up(&m->inside, out->index_container) < 0) {
		err_sys(e, "set up network device %s in the container", name);
		net_link_explain(e, &m->inside);
		bring_home(m, out);
		return -1;
	}
	memcpy(out->name_container, link.name, sizeof out->name_container);
	return 0;
}

int net_device_move_back(struct net_mover *m, const struct net_moved *moved, struct err *e)
{
	uint32_t index = moved->index_host;
	int rc =
		send_to(&m->inside, moved->index_container, m->netns_host, moved->name_host, index);

	/* Somebody may have got its old index in the meantime. */
	if (rc < 0 && errno == EBUSY)
		rc = send_anywhere(&m->inside, moved->index_container, m->netns_host,
				   moved->name_host, &index);
	if (rc < 0) {
		err_sys(e, "move network device %s back from the container", moved->name_host);
		return net_link_explain(e, &m->inside);
	}
	if (restore_addresses(&m->host, index, moved) < 0 ||
	    (moved->was_up && net_link_up(&m->host, index) < 0)) {
		err_sys(e, "restore network device %s", moved->name_host);
		return net_link_explain(e, &m->host);
	}
	return 0;
}
