/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "vm-shim/vmm/loop.h"

#define EVENTS_AT_ONCE 16

int loop_init(struct loop *l, struct err *e)
{
	l->running = 1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return err_sys(e, "epoll_create1");
	return 0;
}

static int control(struct loop *l, struct loop_source *s, int operation)
{
	struct epoll_event event = { .events = s->events, .data.ptr = s };

	return epoll_ctl(l->epoll, operation, s->fd, &event);
}

/*
 * A source that waits for nothing is not in the set: a descriptor whose other end is gone reports that
 * whether asked or not, and the loop would spin.
 */
int loop_add(struct loop *l, struct loop_source *s, struct err *e)
{
	if (s->added)
		return 0;
	if (s->events && control(l, s, EPOLL_CTL_ADD) < 0)
		return err_sys(e, "epoll_ctl: wait on descriptor %d", s->fd);
	__atomic_store_n(&s->added, 1, __ATOMIC_RELEASE);
	return 0;
}

int loop_change(struct loop *l, struct loop_source *s, uint32_t events)
{
	uint32_t before = s->events;

	if (before == events)
		return 0;
	s->events = events;
	if (!s->added)
		return 0;
	return control(l, s, !before ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL);
}

void loop_remove(struct loop *l, struct loop_source *s)
{
	if (!s->added)
		return;
	if (s->events)
		(void)control(l, s, EPOLL_CTL_DEL);
	__atomic_store_n(&s->added, 0, __ATOMIC_RELEASE);
}

/* A source may be removed by one that was called before it, or by another thread: its own function looks
 * at the state under the lock, here only the obvious case is left out. */
int loop_once(struct loop *l, int msec, struct err *e)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(l->epoll, events, EVENTS_AT_ONCE, msec);

	if (count < 0 && errno == EINTR)
		return 0;
	if (count < 0)
		return err_sys(e, "epoll_wait");
	for (int i = 0; i < count; i++) {
		struct loop_source *s = events[i].data.ptr;

		if (__atomic_load_n(&s->added, __ATOMIC_ACQUIRE))
			s->ready(s->ctx, events[i].events);
	}
	return count;
}
