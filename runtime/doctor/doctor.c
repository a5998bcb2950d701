/* SPDX-License-Identifier: Apache-2.0 */
/* One child for one trial. */
#include "runtime/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"

/* Generous: on a busy machine a network namespace alone may take a second. */
#define DEADLINE_MSEC 20000

const char *doctor_state_name(uint32_t state)
{
	static const char names[][8] = { "ok", "limited", "missing" };

	return names[state < 3 ? state : 2];
}

const char *doctor_group_name(uint32_t group)
{
	static const char names[DOCTOR_GROUP_COUNT][24] = {
		"kernel", "namespaces", "mounts",   "walls",
		"limits", "user",       "programs", "virtual machines",
	};

	return names[group];
}

const struct doctor_check *doctor_find(const char *name)
{
	for (size_t i = 0; i < doctor_checks_count; i++) {
		if (text_equal(doctor_checks[i].name, name))
			return &doctor_checks[i];
	}
	return NULL;
}

void doctor_say(struct doctor_result *r, enum doctor_state state, const char *format, ...)
{
	va_list args;

	r->state = state;
	va_start(args, format);
	text_vformat(r->detail, sizeof r->detail, format, args);
	va_end(args);
}

void doctor_advise(struct doctor_result *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vformat(r->remedy, sizeof r->remedy, format, args);
	va_end(args);
}

int doctor_prepare(struct doctor *d, struct err *e)
{
	unsigned wanted = HOST_CGROUPS | HOST_LSM | HOST_SUBIDS | HOST_LANDLOCK | HOST_CAPS_KNOWN;

	d->pid = getpid();
	return host_read(wanted, d->arena, &d->host, e);
}

static _Noreturn void child(const struct doctor *d, const struct doctor_check *check, int out)
{
	struct doctor_result r = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Tools that are tried belong to this group and are killed with it; what they print is not for the caller. */
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	doctor_probe_of(check->probe)(d, check->argument, &r);
	(void)io_write_full(out, &r, sizeof r);
	_exit(0);
}

/* 1 all of it came, 0 it ended without it, -1 time is up. */
static int await(int in, struct doctor_result *r)
{
	int64_t end = clock_now_msec() + DEADLINE_MSEC;
	char *at = (char *)r;
	size_t used = 0;

	while (used < sizeof *r) {
		struct pollfd p = { in, POLLIN, 0 };
		int64_t left = end - clock_now_msec();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return -1;
		ssize_t n = read(in, at + used, sizeof *r - used);
		if (n <= 0)
			return 0;
		used += (size_t)n;
	}
	return 1;
}

int doctor_run(const struct doctor *d, const struct doctor_check *check, struct doctor_result *r,
	       struct err *e)
{
	int ends[2];

	*r = (struct doctor_result){ 0 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	CLEAN_FD int in = ends[0];
	CLEAN_FD int out = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork for the check \"%s\"", check->name);
	if (pid == 0)
		child(d, check, out);
	(void)setpgid(pid, pid);
	drop_fd(&out);
	int answered = await(in, r);
	/* Whatever it started goes with it. */
	(void)kill(-pid, SIGKILL);
	int status = pid_reap(pid);
	if (answered > 0)
		return 0;
	*r = (struct doctor_result){ 0 };
	if (answered < 0)
		doctor_say(r, DOCTOR_MISSING, "no answer within %d seconds", DEADLINE_MSEC / 1000);
	else if (WIFSIGNALED(status))
		doctor_say(r, DOCTOR_MISSING, "the trial was killed by signal %d",
			   WTERMSIG(status));
	else
		doctor_say(r, DOCTOR_MISSING, "the trial ended without an answer");
	if (check->probe == PROBE_CONTROLLER)
		probe_controller_clean(d, check->argument);
	return 0;
}
