/* SPDX-License-Identifier: Apache-2.0 */
/* The process in the guest that runs one sandbox, by what "husk sandbox" runs it with on a host. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/guest-init.h"
#include "runtime/cli/log.h"
#include "runtime/cli/sandbox-run.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define GROUPS_DIR "/sys/fs/cgroup"

/* ---- its control group ---- */

static void group_path(char out[64], unsigned number, const char *file)
{
	text_format(out, 64, GROUPS_DIR "/guest.%u%s", number, file);
}

/*
 * This process is in a group below one that is the caller's: so a user can make groups for limits beside it,
 * as in a scope that a service manager has delegated.
 */
static int enter_group(const struct guest_child *c, struct err *e)
{
	static const char *const owned[] = {
		"",     "/cgroup.procs",    "/cgroup.subtree_control", "/cgroup.threads",
		"/run", "/run/cgroup.procs"
	};
	char path[64];

	group_path(path, c->number, "");
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "create %s", path);
	if (guest_enable_controllers(path, e) < 0)
		return -1;
	group_path(path, c->number, "/run");
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "create %s", path);
	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
		group_path(path, c->number, owned[i]);
		if (chown(path, c->config->uid, c->config->gid) < 0)
			return err_sys(e, "give %s to user %u", path, c->config->uid);
	}
	group_path(path, c->number, "/run/cgroup.procs");
	return io_write_at(AT_FDCWD, path, "0") < 0 ? err_sys(e, "write 0 to %s", path) : 0;
}

void guest_run_clean(unsigned number)
{
	char path[64];

	group_path(path, number, "/cgroup.kill");
	(void)io_write_at(AT_FDCWD, path, "1");
	/* What is still dying keeps the directory; the next one of that number takes it as it is. */
	group_path(path, number, "/run");
	(void)rmdir(path);
	group_path(path, number, "");
	(void)rmdir(path);
}

/* ---- its surroundings ---- */

static int take_streams(struct guest_child *c, struct err *e)
{
	int keep[2];

	for (int fd = 0; fd < 3; fd++) {
		if (dup2(c->fds[fd], fd) < 0)
			return err_sys(e, "put descriptor %d in its place", fd);
	}
	keep[0] = c->said;
	keep[1] = c->report;
	io_close_all_but(3, keep, 2);
	if (setsid() < 0)
		return err_sys(e, "setsid");
	if (c->config->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return err_sys(e, "take the terminal");
	return 0;
}

static int become_caller(const struct guest_config *c, struct err *e)
{
	static char *nothing[] = { NULL };

	environ = c->environment.count ? c->environment.items : nothing;
	if (c->uid || c->gid) {
		if (setgroups(0, NULL) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
		    setresuid(c->uid, c->uid, c->uid) < 0)
			return err_sys(e, "become user %u and group %u", c->uid, c->gid);
		/* As after an execve: its own files in /proc are its own. */
		if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
			return err_sys(e, "prctl PR_SET_DUMPABLE");
	}
	if (chdir(c->directory) < 0)
		return err_sys(e, "enter directory %s (of the virtual machine)", c->directory);
	return 0;
}

/* ---- the run ---- */

static void tell(const struct guest_child *c, const struct guest_said *said, int fd)
{
	/* At the end the supervisor's policy is in force, which has no sendmsg(2). */
	if (fd < 0)
		(void)send(c->said, said, sizeof *said, MSG_NOSIGNAL);
	else
		(void)io_send_fds(c->said, said, sizeof *said, &fd, 1);
}

static int run(const struct guest_child *c, struct call *call, struct err *e)
{
	struct run *r = run_new(call, e);

	if (!r)
		return -1;
	r->sandbox = c->config->sandbox;
	r->sandbox.report = arena_format(call->arena, "fd:%d", c->report);
	r->sandbox.report_format = SANDBOX_FORMAT_JSON;
	r->sandbox.no_report = false;
	r->report_fd = c->report;
	if (arena_check(call->arena, e) < 0)
		return -1;
	int status = run_make_plan(r, e);
	if (status == 0)
		status = run_begin(r, e);
	if (status == 0) {
		const struct guest_said said = { .kind = GUEST_STARTED, .pid = r->parent.pid };
		tell(c, &said, r->parent.pidfd);
		status = run_watch(r, e);
	}
	return run_end(r, status, e);
}

static _Noreturn void child_main(struct guest_child *c)
{
	struct guest_said said = { .kind = GUEST_ENDED };
	struct arena arena;
	struct call call = { .arena = &arena, .name = "husk", .seal = -1 };
	sigset_t none;

	arena_init(&arena, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	if (take_streams(c, &said.err) < 0 || enter_group(c, &said.err) < 0 ||
	    become_caller(c->config, &said.err) < 0 || log_open(&call.global, &said.err) < 0)
		said.status = -1;
	else
		said.status = run(c, &call, &said.err);
	if (said.status >= 0)
		said.err.kind = ERR_NONE;
	tell(c, &said, -1);
	_exit(0);
}

pid_t guest_run_fork(struct guest_child *c, struct err *e)
{
	pid_t pid = fork();

	if (pid == 0)
		child_main(c);
	if (pid < 0)
		err_sys(e, "fork");
	for (int i = 0; i < 3; i++) {
		/* With a terminal all three are one. */
		if (i == 0 || c->fds[i] != c->fds[0])
			close(c->fds[i]);
	}
	close(c->said);
	close(c->report);
	return pid;
}
