/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_VMM_LOOP_H
#define HUSK_VMM_LOOP_H

#include <stdint.h>

#include "src/base/err.h"

/*
 * The monitor's one thread for devices: it waits on descriptors (epoll, level-triggered) and calls who
 * asked. vCPU threads only run the guest and answer its register accesses.
 */
struct loop {
	int epoll;
	int running;
};

/* In the device that waits; may be added again after it was removed. */
struct loop_source {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; 0: not watched at the moment */
	void (*ready)(void *ctx, uint32_t events);
	void *ctx;
	int added;
};

int loop_init(struct loop *l, struct err *e);
int loop_add(struct loop *l, struct loop_source *s, struct err *e);
/* Other events for a source that was added. Cheap when they are the same. */
int loop_change(struct loop *l, struct loop_source *s, uint32_t events);
void loop_remove(struct loop *l, struct loop_source *s);
/* Wait at most @msec (-1: for ever) and call who is ready. Their count, or -1. */
int loop_once(struct loop *l, int msec, struct err *e);

#endif
