/* SPDX-License-Identifier: Apache-2.0 */
/* minijail0: its options to a spec, and from there as every container goes, without a state. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/cli/minijail0.h"
#include "runtime/cli/verbs.h"
#include "runtime/minijail/minijail.h"
#include "runtime/phase/gate-entry.h"
#include "runtime/plan/plan-make.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/* Exit statuses of minijail0 (libminijail.h). Its own errors before there is a jail are 1. */
enum {
	STATUS_MOUNT = 251,
	STATUS_GATE = 252, /* the filter could not be put on the program: there it is the preload */
	STATUS_JAIL = 253, /* also: the program was killed by SIGSYS */
	STATUS_INIT = 254,
};

/* One run. */
struct run {
	struct call *call;
	struct minijail jail;
	struct minijail_host host;
	struct minijail_made made;
	struct host facts;
	struct plan *plan;
	struct parent parent;
	struct parent_options options;
};

/* ---- making it ---- */

static int make_plan(struct run *r, struct err *e)
{
	struct arena *a = r->call->arena;
	struct plan_request request = {
		.host = &r->facts,
		.arena = a,
		.bundle = "/",
		.no_new_keyring = !r->jail.keyring,
		.cgroup_disabled = true,
	};

	if (minijail_host_read(a, &r->host, e) < 0 ||
	    minijail_spec_make(&r->jail, &r->host, a, &r->made, e) < 0 ||
	    host_read(HOST_CAPS_KNOWN | HOST_LANDLOCK, a, &r->facts, e) < 0)
		return -1;
	request.id = container_make_id("minijail", a);
	request.spec = r->made.spec;
	r->plan = arena_new(a, struct plan);
	if (!r->plan)
		return arena_check(a, e);
	if (minijail0_filter_make(&r->jail, &r->made, a, &request.filter, e) < 0 ||
	    plan_make(&request, r->plan, e) < 0)
		return -1;
	for (size_t i = 0; i < r->plan->warnings_count; i++)
		log_warning_text(r->plan->warnings[i]);
	return 0;
}

/* A number that is free now would soon be husk's own. */
static int check_descriptors(const struct spec_sandbox *s, struct err *e)
{
	for (size_t i = 0; i < s->kept_fds_count; i++) {
		if (fcntl((int)s->kept_fds[i], F_GETFD) < 0)
			return err_sys(e, "--preserve-fd %u", s->kept_fds[i]);
	}
	return 0;
}

static int begin(struct run *r, struct err *e)
{
	struct err ignored;

	r->options = (struct parent_options){
		.id = r->plan->id,
		.run = true,
		.no_state = true,
		.pid_file = r->jail.pid_file,
		.warn = log_warning,
	};
	parent_init(&r->parent, r->plan, &r->options, r->call->arena);
	r->parent.root.path = "";
	if (parent_create(&r->parent, e) < 0)
		return -1;
	if (parent_start(&r->parent, e) == 0 &&
	    (!r->parent.gate || gate_entry_await(r->parent.gate, r->parent.pidfd, e) == 0))
		return 0;
	(void)parent_remove(&r->parent, true, &ignored);
	return -1;
}

/* ---- its end ---- */

/* -z: signals do to this process what they do to any. */
static int wait_alone(struct run *r, int *status, struct err *e)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	while (waitpid(r->parent.pid, status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait for the program");
	}
	return 0;
}

static int await(struct run *r, struct err *e)
{
	struct parent *p = &r->parent;
	struct err ignored;
	int status, result = r->jail.no_forward
				     ? wait_alone(r, &status, e)
				     : foreground_wait_plain(p->pid, p->pidfd, &status, e);

	if (result < 0) {
		(void)parent_remove(p, true, &ignored);
		return -1;
	}
	p->reaped = true;
	/* What pid 1 says of the program tells an exit status from a signal. */
	if (p->result >= 0)
		(void)io_read_full(p->result, &status, sizeof status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? STATUS_JAIL
								 : foreground_status(status);
}

static bool is_step_of_mounts(const char *step)
{
	static const char names[][20] = { "rootfs",        "mounts",        "devices",
					  "symlinks",      "sources",       "readonly-mounts",
					  "readonly-root", "idmap-sources", "pivot-root" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (text_equal(step, names[i]))
			return true;
	}
	return false;
}

static int status_of(const struct err *e)
{
	if (e->kind == ERR_NO_PROGRAM)
		return 127;
	if (e->kind == ERR_EXEC)
		return 126;
	if (!e->phase[0])
		return 1;
	if (is_step_of_mounts(e->step))
		return STATUS_MOUNT;
	return text_equal(e->step, "reaper") ? STATUS_INIT
	       : text_equal(e->step, "gate") ? STATUS_GATE
					     : STATUS_JAIL;
}

/* As minijail0 has it: where nobody looks at a terminal, to the system's log. Errors are told in any
 * case. */
static int open_log(const struct minijail *m, struct err *e)
{
	const char *where = m->logging ? m->logging : "auto";
	struct global_options g = { .log = "syslog:minijail0" };

	if (text_equal(where, "stderr") || (text_equal(where, "auto") && isatty(STDIN_FILENO)))
		return 0;
	return log_open(&g, e);
}

static int run_jail(struct run *r, struct err *e)
{
	if (make_plan(r, e) < 0 || check_descriptors(r->made.spec->sandbox, e) < 0)
		return -1;
	foreground_prepare();
	if (begin(r, e) < 0)
		return -1;
	return r->jail.background ? 0 : await(r, e);
}

static int minijail0_run(struct call *call, const void *options, int argc, char **argv,
			 struct err *e)
{
	struct run *r = arena_new(call->arena, struct run);

	(void)options, (void)argc;
	if (!r)
		return arena_check(call->arena, e);
	r->call = call;
	if (minijail_parse(argv, call->arena, &r->jail, e) < 0)
		return -1;
	if (r->jail.help || r->jail.syscall_table) {
		r->jail.help ? minijail0_help_print(text_ends(call->name, "minijail0"))
			     : minijail0_calls_print();
		return 0;
	}
	if (r->jail.gen_config)
		return minijail_config_write(r->jail.gen_config, &r->jail, call->arena, e);
	if (minijail_check(&r->jail, e) < 0)
		return -1;
	if (!r->jail.command[0])
		return err_set(e, ERR_USAGE, 0,
			       "usage: minijail0 [options] [--] program [argument...] "
			       "(\"minijail0 -h\" lists the options)");
	if (open_log(&r->jail, e) < 0)
		return -1;
	int status = run_jail(r, e);
	if (status >= 0)
		return status;
	log_error(e);
	return status_of(e);
}

const struct verb verb_minijail0 = {
	.name = "minijail0",
	.arguments = "[OPTION...] [--] PROGRAM [ARGUMENT...]",
	.about = "run a program as minijail0 would, with its options",
	.reads_all = true,
	.run = minijail0_run,
};
