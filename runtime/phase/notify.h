/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_NOTIFY_H
#define HUSK_PHASE_NOTIFY_H

#include "runtime/plan/plan.h"
#include "src/base/err.h"

/* What goes to the seccomp agent together with the listener. */
struct notify_send {
	int sock;
	const char *body; /* containerProcessState, JSON */
	size_t length;
};

/*
 * Install a filter that notifies, and hand its listener to the agent. The filter may notify on
 * sendmsg or write, so the installing thread cannot send anything itself: a helper thread that is
 * not filtered and shares the file table sends it. It is gone with the execve that follows, and
 * leaves no child behind that the program would have to reap.
 */
int notify_install(const struct plan_filter *filter, const struct notify_send *send, struct err *e);

/*
 * The same without a thread, for a process that was cloned with CLONE_FILES from one that waits for it:
 * nothing is added to the number of processes, which may be limited. Both meet in shared memory.
 */
struct notify_meeting;
/* Before the clone. NULL with @e set. */
struct notify_meeting *notify_meeting_make(struct err *e);
/* In the child. 0 or -1. */
int notify_meeting_install(struct notify_meeting *m, const struct plan_filter *filter,
			   struct err *e);
/* In its parent: send the listener to @sock, or return when the child @pid has ended without one (it is
 * not reaped). Both may go their own ways then. */
void notify_meeting_hand_over(struct notify_meeting *m, pid_t pid, int sock);

#endif
