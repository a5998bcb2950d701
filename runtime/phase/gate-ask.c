/* SPDX-License-Identifier: Apache-2.0 */
/* The entry gate, on the side of the process that becomes the program: gate-entry.c is the other. */
#include <errno.h>
#include <sys/prctl.h>

#include "runtime/phase/gate.h"
#include "runtime/phase/sync.h"

int gate_open_up(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(e, "become traceable");
	return 0;
}

int gate_ask(int sock, int pidfd, struct err *e)
{
	return sync_send_body(sock, SYNC_GATE, NULL, 0, &pidfd, 1, e);
}

int gate_await_tracer(int sock, struct err *e)
{
	int result = sync_wait(sock, SYNC_TRACED, NULL, NULL, NULL, e);

	if (result == SYNC_EOF)
		return err_set(e, ERR_PROTOCOL, EPIPE, "the parent process is gone");
	return result == SYNC_OK ? 0 : -1;
}
