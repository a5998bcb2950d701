/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_RUN_H
#define HUSK_CLI_SANDBOX_RUN_H

#include "runtime/cli/cli.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-output.h"
#include "runtime/cli/sandbox-supervise.h"
#include "runtime/phase/parent.h"
#include "runtime/plan/plan-host.h"
#include "runtime/plan/plan.h"
#include "runtime/sandbox/sandbox.h"

/* What "husk sandbox" and "husk sandbox start" have in common. */

/* One run, from the options to the report. */
struct run {
	struct call *call;
	const char *name;
	struct sandbox sandbox;
	struct sandbox_host host;
	struct host facts;
	struct sandbox_made made;
	struct plan *plan;
	struct parent parent;
	struct parent_options options;
	struct supervisor supervisor;
	struct sandbox_output output;
	struct sandbox_report report;
	int report_fd, status_fd;
	/* husk sandbox start: */
	bool named;
	struct named_agents agents;
	const char *config; /* what was asked for, as JSON, for the state */
	size_t config_length;
};

/* One of which only the sandbox is to be filled in. NULL with @e. */
struct run *run_new(struct call *call, struct err *e);
/* What was said, as far as it can be known without the host. NULL with @e. */
struct run *run_prepare(struct call *call, const void *options, int argc, char **argv,
			struct err *e);
/* "fd:N", or a file; and the descriptor for events. */
int run_open_report(struct run *r, struct err *e);
/* What of the host decides, into @r; @groups: control groups are wanted, where they can be had. */
int run_read_host(struct run *r, bool groups, struct err *e);
int run_make_plan(struct run *r, struct err *e);
/* From nothing to a running program; nothing is left when it fails. */
int run_begin(struct run *r, struct err *e);
void run_tell_started(struct run *r);
/* Before --block-fd is waited for: everything is there but the program. */
void run_tell_created(struct run *r);
/* --sync-fd and --block-fd become husk's: no other program gets them. After husk has executed another
 * husk, if it does. */
int run_claim_descriptors(const struct run *r, struct err *e);
/* --block-fd. -1 too when a signal comes, or the caller has ended. */
int run_await_descriptor(struct run *r, struct err *e);
/* Until its end, and its removal. The program's status, or -1. */
int run_watch(struct run *r, struct err *e);
/* The report as it is in @r. */
int run_write_report(struct run *r, struct err *e);
/* The report, with what @e says when @status is -1. Returns that, or -1. */
int run_end(struct run *r, int status, struct err *e);

#endif
