/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox list and stop; both notice a sandbox that lost its supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/log.h"
#include "runtime/cli/output.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-stale.h"
#include "runtime/phase/finish.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

#define STOP_MSEC         10000
#define KILL_TIMEOUT_MSEC 30000

bool named_is_blank(const struct err *e)
{
	return e->kind == ERR_STATE && e->errnum == ENOENT;
}

/* Nobody creates it now, or that one would have the lock. */
static int remove_unread(struct call *call, const struct container *c, const char *name,
			 struct err *e)
{
	if (e->kind == ERR_NOT_FOUND)
		return 0;
	return c->locked && named_is_blank(e) ? container_remove_interrupted(call, c, name, e) : -1;
}

/* Its supervisor was killed, and all in it with it: what is left are directories. 0 or -1. */
static int remove_left(struct call *call, const char *name, struct err *e)
{
	struct container c;

	if (container_open(call, name, true, &c, e) < 0) {
		int result = remove_unread(call, &c, name, e);
		container_close(&c);
		return result;
	}
	struct finisher f = {
		.arena = call->arena,
		.root = &c.root,
		.state = &c.state,
		.force = true,
		.pidfd = c.pidfd,
		.warn = log_warning,
	};
	/* Another one of that name may have been started meanwhile. */
	int result = 0;
	if (!state_creator_alive(&c.state, AT_FDCWD))
		result = c.status == STATE_CREATING
				 ? container_remove_interrupted(call, &c, name, e)
				 : finish_run(&f, e);
	container_close(&c);
	return result;
}

int named_remove_left(struct call *call, const char *name, struct err *e)
{
	struct container c;
	struct err why = { 0 };
	/* Without the lock, which somebody who is at work has for a while. */
	bool left = container_open(call, name, false, &c, &why) == 0
			    ? named_is(&c.state) && !state_creator_alive(&c.state, AT_FDCWD)
			    : named_is_blank(&why);

	container_close(&c);
	return left ? remove_left(call, name, e) : 0;
}

/* ---- list ---- */

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option_row list_rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct list_options, format), "FORMAT",
	  "table (default) or json" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct list_options, quiet), NULL,
	  "print only the names" },
};

static void print_one(const struct list_options *o, struct json_writer *w,
		      const struct container *c, bool lost)
{
	const struct state *s = &c->state;
	const char *status = lost ? "lost" : state_status_name(c->status);
	uint32_t pid = c->status == STATE_STOPPED ? 0 : s->pid;

	if (o->quiet) {
		puts(s->id);
	} else if (o->format && text_equal(o->format, "json")) {
		json_write_object_begin(w, NULL);
		json_write_string(w, "name", s->id);
		json_write_string(w, "status", status);
		json_write_u64(w, "pid", pid);
		json_write_u64(w, "supervisor", lost ? 0 : s->creator);
		json_write_string(w, "created", s->created);
		json_write_u64(w, "owner", s->owner);
		json_write_object_end(w);
	} else {
		printf("%-24s %-10s %-10u %-10u %s\n", s->id, status, pid, lost ? 0 : s->creator,
		       s->created);
	}
}

static int list_one(struct call *call, const struct list_options *o, struct json_writer *w,
		    const char *id, struct err *e)
{
	struct container c;
	struct err gone;
	bool lost = false;

	/* Being removed at this moment, or not there yet. */
	if (container_open(call, id, false, &c, &gone) == 0 && named_is(&c.state)) {
		lost = !state_creator_alive(&c.state, AT_FDCWD);
		if (lost || c.status != STATE_CREATING)
			print_one(o, w, &c, lost);
	}
	container_close(&c);
	return lost ? remove_left(call, id, e) : 0;
}

static int list_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct list_options *o = options;
	bool json = o->format && text_equal(o->format, "json");
	struct json_writer w;
	char **ids;

	(void)argc;
	(void)argv;
	if (o->format && !json && !text_equal(o->format, "table"))
		return err_set(e, ERR_USAGE, 0,
			       "sandbox list: --format \"%s\" is neither table nor json",
			       o->format);
	sandbox_stale_remove(call, NULL);
	ssize_t count = container_list(call, &ids, e);
	if (count < 0)
		return -1;
	json_write_init(&w, false);
	json_write_array_begin(&w, NULL);
	if (!json && !o->quiet)
		printf("%-24s %-10s %-10s %-10s %s\n", "NAME", "STATUS", "PID", "SUPERVISOR",
		       "CREATED");
	int result = 0;
	for (ssize_t i = 0; i < count && result == 0; i++)
		result = list_one(call, o, &w, ids[i], e);
	json_write_array_end(&w);
	if (json && !o->quiet && result == 0)
		return output_json(&w, e);
	json_write_free(&w);
	return result;
}

const struct verb verb_sandbox_list = {
	.name = "sandbox list",
	.arguments = "",
	.about = "List named sandboxes; those that lost their supervisor are removed, too",
	.options = list_rows,
	.options_count = sizeof list_rows / sizeof *list_rows,
	.size = sizeof(struct list_options),
	.run = list_run,
};

/* ---- stop ---- */

struct stop_options {
	struct opt_u64 time_msec;
};

static const struct option_row stop_rows[] = {
	{ "time", 0, OPTION_MSEC, offsetof(struct stop_options, time_msec), "TIME",
	  "between SIGTERM and SIGKILL (default: 10s)" },
};

/* By SIGTERM, and when that does not help by SIGKILL; the supervisor does the rest. */
static int end_program(const struct container *c, int supervisor, uint64_t grace_msec,
		       struct err *e)
{
	int grace = grace_msec > 1000000000 ? 1000000000 : (int)grace_msec;

	if (grace > 0 && c->pidfd >= 0) {
		(void)kernel_pidfd_send_signal(c->pidfd, SIGTERM);
		if (pid_wait_end(supervisor, grace) > 0)
			return 0;
	}
	if (c->pidfd >= 0 && kernel_pidfd_send_signal(c->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_sys(e, "kill sandbox \"%s\"", c->state.id);
	if (pid_wait_end(supervisor, KILL_TIMEOUT_MSEC) > 0)
		return 0;
	return err_set(e, ERR_SYSTEM, ETIMEDOUT,
		       "sandbox \"%s\": wait for its supervisor, process %u", c->state.id,
		       c->state.creator);
}

static int stop_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct stop_options *o = options;
	const char *name = argv[0];
	struct container c;

	(void)argc;
	if (named_open(call, name, &c, e) < 0)
		return named_is_blank(e) ? named_remove_left(call, name, e) : -1;
	/* Its creator is the supervisor. */
	CLEAN_FD int supervisor =
		pid_open_exact(AT_FDCWD, (pid_t)c.state.creator, c.state.creator_start_ticks);
	if (c.status == STATE_CREATING && supervisor < 0)
		return named_remove_left(call, name, e);
	if (c.status == STATE_CREATING)
		return err_set(e, ERR_STATE, 0,
			       "sandbox \"%s\": is being started (\"husk delete --force %s\" ends "
			       "that)",
			       name, name);
	if (supervisor >= 0 &&
	    end_program(&c, supervisor, o->time_msec.set ? o->time_msec.value : STOP_MSEC, e) < 0)
		return -1;
	/* Nothing is left by one that ended; and perhaps there is another of that name by now. */
	struct container again;
	struct err gone;
	bool left = container_open(call, name, false, &again, &gone) == 0 &&
		    again.state.creator == c.state.creator &&
		    again.state.creator_start_ticks == c.state.creator_start_ticks;
	container_close(&again);
	if (!left)
		return 0;
	log_warning_text(
		"the sandbox's supervisor was killed, and the sandbox with it; there is no report");
	return remove_left(call, name, e);
}

const struct verb verb_sandbox_stop = {
	.name = "sandbox stop",
	.arguments = "NAME",
	.about = "End a named sandbox, and wait until it is gone",
	.options = stop_rows,
	.options_count = sizeof stop_rows / sizeof *stop_rows,
	.size = sizeof(struct stop_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = stop_run,
};
