/* SPDX-License-Identifier: Apache-2.0 */
/* From "created" to the word to start: init lets go of its parent and waits. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/phase/init.h"
#include "runtime/phase/process.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"

int init_parent_gone(struct err *e)
{
	return err_set(e, ERR_PROTOCOL, EPIPE, "the parent process is gone");
}

int init_wait(struct init *c, enum sync_type type, struct err *e)
{
	int result = sync_wait(c->sync, type, NULL, NULL, NULL, e);

	return result == SYNC_EOF ? init_parent_gone(e) : result;
}

static int untie(const struct init *c, struct err *e)
{
	if (!c->plan->process.die_with_parent && prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return err_sys(e, "untie init from its parent");
	return 0;
}

/* A first process that is not the program is never dumpable: nobody without rights over the host may open
 * its namespaces but itself. In the order in which they can be entered. */
static int send_namespaces(struct init *c, struct err *e)
{
	static const struct {
		unsigned long type;
		char file[16];
	} all[] = {
		{ CLONE_NEWUSER, "self/ns/user" }, { CLONE_NEWPID, "self/ns/pid" },
		{ CLONE_NEWNET, "self/ns/net" },   { CLONE_NEWIPC, "self/ns/ipc" },
		{ CLONE_NEWUTS, "self/ns/uts" },   { CLONE_NEWCGROUP, "self/ns/cgroup" },
		{ CLONE_NEWTIME, "self/ns/time" }, { CLONE_NEWNS, "self/ns/mnt" },
	};
	int fds[sizeof all / sizeof *all];
	size_t count = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (!(c->plan->namespaces.types & all[i].type))
			continue;
		fds[count] = openat(c->procfd, all[i].file, O_RDONLY | O_CLOEXEC);
		if (fds[count++] < 0)
			return err_sys(e, "open /proc/%s", all[i].file);
	}
	int result = io_send_fds(c->spaces, "ns", 2, fds, count);
	if (result < 0)
		err_sys(e, "send the namespaces");
	while (count)
		close(fds[--count]);
	drop_fd(&c->spaces);
	return result;
}

/*
 * The parent now writes the state file; from SYNC_RECORDED on, the container exists without it,
 * and "delete" finds it by that file.
 */
int init_created(void *ctx, struct err *e)
{
	struct init *c = ctx;
	size_t count = c->console_master >= 0 ? 1 : 0;

	if (c->spaces >= 0 && send_namespaces(c, e) < 0)
		return -1;

	/* What is left is seen by the program of a shared pid namespace, and by nobody needed: host
	 * directories, and what the caller happened to leave open (CVE-2016-9962, CVE-2024-21626). */
	const struct plan_process *p = &c->plan->process;
	int keep[7 + PLAN_LOCKS_MAX + PLAN_KEPT_FDS_MAX] = { c->sync,
							     c->listener,
							     c->console_master,
							     c->result,
							     c->supervisor,
							     phase_trace_fd(),
							     p->held_fd.set ? (int)p->held_fd.value
									    : -1 };
	size_t kept = 7;
	for (size_t i = 0; i < c->locks_count; i++)
		keep[kept++] = c->locks[i];
	for (size_t i = 0; i < p->kept_fds_count && i < PLAN_KEPT_FDS_MAX; i++)
		keep[kept++] = (int)p->kept_fds[i];
	io_close_all_but(3 + (int)p->preserve_fds, keep, kept);
	c->rootfs = c->procfd = c->parent = c->mask_dir = -1;
	if (c->console_slave > 2)
		c->console_slave = -1;
	if (c->eager)
		return 0;
	if (sync_send_body(c->sync, SYNC_CREATED, NULL, 0, &c->console_master, count, e) < 0)
		return -1;
	drop_fd(&c->console_master);
	return init_wait(c, SYNC_RECORDED, e) < 0 ? -1 : untie(c, e);
}

/* A "start" that knows the token; anything else is hung up on. */
static int accept_start(struct init *c, struct sync_start *start, size_t *body, char *room,
			size_t size, int *sock, struct err *e)
{
	for (;;) {
		size_t count = 1, length = size;
		int conn = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (conn < 0)
			return err_sys(e, "accept on the start socket");
		*sock = -1;
		struct err ignored;
		int result =
			sync_wait_body(conn, SYNC_START, room, &length, sock, &count, &ignored);
		if (result == SYNC_OK && length >= sizeof *start) {
			memcpy(start, room, sizeof *start);
			if (memcmp(start->token, c->token, sizeof start->token) == 0) {
				*body = length;
				return conn;
			}
		}
		drop_fd(sock);
		close(conn);
	}
}

/* Waits for "start" on the socket of "create", or for the parent's word under "run". */
int init_await_start(void *ctx, struct err *e)
{
	struct init *c = ctx;
	static char room[SYNC_BODY_MAX];
	struct sync_start start;
	size_t length = sizeof room, count = 1;

	c->notify_sock = -1;
	if (c->listener >= 0) {
		/* The parent reads end of file here: created, and on its own. */
		drop_fd(&c->sync);
		c->report = accept_start(c, &start, &length, room, sizeof room, &c->notify_sock, e);
		if (c->report < 0)
			return -1;
		drop_fd(&c->listener);
	} else {
		int result = sync_wait_body(c->sync, SYNC_START, room, &length, &c->notify_sock,
					    &count, e);
		if (result != SYNC_OK)
			return result == SYNC_EOF ? init_parent_gone(e) : -1;
		if (c->eager && untie(c, e) < 0)
			return -1;
	}
	/* The entry gate's word says the same, a moment later. */
	if (c->plan->process.gate != PLAN_GATE_ENTRY &&
	    sync_send(c->report, SYNC_STARTING, 0, e) < 0)
		return -1;
	if (length > sizeof start) {
		c->notify_body = room + sizeof start;
		c->notify_length = length - sizeof start;
	}
	c->process.keyring_name = c->keyring_name;
	c->process.in_user_ns = c->plan->namespaces.types & CLONE_NEWUSER;
	c->process.notify_sock = c->notify_sock;
	c->process.notify_body = c->notify_body;
	c->process.notify_length = c->notify_length;
	return 0;
}
