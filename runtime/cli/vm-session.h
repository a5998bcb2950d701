/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_SESSION_H
#define HUSK_CLI_VM_SESSION_H

#include <signal.h>
#include <sys/types.h>
#include <termios.h>

#include "runtime/cli/vm-jail.h"
#include "runtime/cli/vm-stream.h"
#include "vm-shim/vm.h"

/* Somebody who is listened to. */
struct vm_ear {
	int fd; /* the pipe's end that is read, or -1 */
	struct vm_words words;
};

#define VM_REPORT_MAX (256u << 10)

/*
 * One life of a machine, seen from the host: it starts, gets its configuration, and its process runs until it
 * ends, or something is too late, or one of those that it needs is gone.
 */
struct vm_session {
	struct run *run;
	const struct vm_backend *backend;
	const char *config; /* for WIRE_CONFIG */
	size_t config_length;
	uint64_t boot_msec; /* until both ports are greeted */
	/* What runs: the machine in a jail or, where the backend has one of its own, a child of ours. */
	struct vm_jail *machine, *files;
	pid_t monitor; /* or 0 */
	int monitor_fd, report_fd;
	int control;
	struct vm_ear console, helper;
	struct wire_reader reader;
	struct vm_streams streams;
	/* What came of it. */
	/* Started: the guest was told to; running: it says so, and takes input from then on. */
	bool greeted, started, running, exited, reported, ended, killed;
	uint64_t helper_lost_usec; /* 0: it serves */
	bool late;                 /* it was not there in time */
	int status;
	enum vm_end end;
	struct err why; /* kind ERR_NONE: nothing went wrong */
	uint64_t begin_usec, start_usec, end_usec;
	char *report;
	size_t report_length;
	/* The loop's own. */
	int sigfd, caller;
	uint64_t deadline_usec; /* of the phase that it is in */
	uint64_t heard_usec;    /* when the guest last said something on its control port */
	uint64_t asked_usec;    /* when it was last asked whether it is there */
	bool closing;
	bool raw;
	struct termios saved;
};

/* Watch it until its end. Everything that runs is running. 0, or -1 with @e (then s->late says whether another
 * backend is worth a try). Nothing is killed or removed here but the machine. */
int vm_session_run(struct vm_session *s, struct err *e);

/* The last line, without what a terminal would obey. */
const char *vm_words_last(struct vm_words *w);

/* Decode the guest's report, which nobody trusts, into @r. */
int vm_report_take(const char *text, size_t length, struct sandbox_report *r,
		   struct sandbox_weakened *weakened, struct arena *a, struct err *e);

#endif
