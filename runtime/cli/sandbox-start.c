/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox start: what was called returns, and its child stays. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/sandbox-options.h"
#include "runtime/cli/sandbox-run.h"
#include "runtime/cli/sandbox-stale.h"
#include "runtime/cli/verbs.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

/* Descriptors of husk's own are all close-on-exec; others are the caller's, and somebody may wait for
 * their end. A terminal is not for a program that stays when its user has left. */
static int leave_caller(struct err *e)
{
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || null < 0)
		return err_sys(e, "leave the caller's session");
	for (int fd = 0; fd < 3; fd++) {
		if ((fd == 0 || isatty(fd)) && dup2(null, fd) < 0)
			return err_sys(e, "put /dev/null in the place of descriptor %d", fd);
	}
	CLEAN_DIR DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return err_sys(e, "list descriptors");
	for (struct dirent *d; (d = readdir(dir));) {
		uint32_t fd;
		if (text_parse_u32(d->d_name, &fd) < 0 || fd < 3)
			continue;
		int flags = fcntl((int)fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			close((int)fd);
	}
	return 0;
}

/* The supervisor. @ready: nothing means that it runs, or else the error. */
static _Noreturn void stay(struct run *r, int ready)
{
	struct err e = { 0 };
	int status = leave_caller(&e);

	if (status == 0)
		status = run_begin(r, &e);
	if (status == 0)
		e = (struct err){ 0 };
	(void)io_write_full(ready, &e, sizeof e);
	close(ready);
	if (status == 0) {
		(void)!chdir("/");
		run_tell_started(r);
		status = run_watch(r, &e);
	}
	status = run_end(r, status, &e);
	_exit(status < 0 ? 1 : 0);
}

static int spawn(struct run *r, struct err *e)
{
	struct err said;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	CLEAN_FD int in = ends[0];
	CLEAN_FD int out = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		close(in);
		stay(r, out);
	}
	drop_fd(&out);
	if (io_read_full(in, &said, sizeof said) != (ssize_t)sizeof said)
		return err_set(e, ERR_SYSTEM, 0, "the sandbox's supervisor ended during the start");
	if (said.kind == ERR_NONE)
		return 0;
	*e = said;
	return -1;
}

/* The plan's own annotation is what other verbs know a sandbox by. */
static int name_plan(struct run *r, struct err *e)
{
	struct key_value *mark = arena_new(r->call->arena, struct key_value);

	if (!mark ||
	    sandbox_print(&r->sandbox, r->call->arena, &r->config, &r->config_length, e) < 0)
		return arena_check(r->call->arena, e);
	*mark = (struct key_value){ (char *)(uintptr_t)NAMED_ANNOTATION,
				    (char *)(uintptr_t) "named" };
	r->plan->annotations = mark;
	r->plan->annotations_count = 1;
	return 0;
}

int sandbox_start(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	static char sleeper[] = "sleep", forever[] = "infinity";
	static char *idle[] = { sleeper, forever, NULL };
	struct sandbox_options *o;
	int index = 1;

	memcpy(&o, &options, sizeof o);
	if (options_parse(verb_sandbox.options, verb_sandbox.options_count, o, true, argc, argv,
			  &index, e) < 0)
		return err_prefix(e, "sandbox start");
	if (o->name || o->print_config || o->dry_run)
		return err_set(e, ERR_USAGE, 0,
			       "sandbox start: --name, --print-config and --dry-run are of \"husk "
			       "sandbox\" alone");
	o->name = argv[0];
	struct run *r = run_prepare(call, options, argc - index, argv + index, e);
	if (!r)
		return -1;
	if (!r->sandbox.command.count && !r->sandbox.bundle && !r->sandbox.image)
		r->sandbox.command = (struct str_list){ idle, 2 };
	if (r->sandbox.terminal)
		return err_set(e, ERR_USAGE, 0,
			       "sandbox start: nobody would look at a terminal (husk sandbox exec "
			       "--terminal NAME)");
	if (r->sandbox.vm.backend)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "sandbox start: --vm: a named sandbox cannot be in a virtual machine "
			       "yet (husk sandbox --vm)");
	r->named = true;
	if (run_open_report(r, e) < 0)
		return -1;
	if (run_make_plan(r, e) < 0 || name_plan(r, e) < 0)
		return run_end(r, -1, e);
	sandbox_stale_remove(call, r->plan->cgroup.enabled ? &r->plan->cgroup.set : NULL);
	return named_remove_left(call, r->name, e) < 0 ? run_end(r, -1, e) : spawn(r, e);
}
