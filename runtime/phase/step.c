/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/step.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/io.h"
#include "src/base/text.h"

/* Set once by main before any phase runs, inherited by every process of this run. */
static struct {
	int fd;
	bool json;
	const char *fault;
} trace = { .fd = -1 };

void phase_trace(int fd, bool json)
{
	trace.fd = fd;
	trace.json = json;
}

int phase_trace_fd(void)
{
	return trace.fd;
}

void phase_fault(const char *where)
{
	trace.fault = where;
}

static void trace_step(const char *phase, const char *step, const struct timespec *since)
{
	char line[320], stamp[TEXT_TIME_MAX];
	struct timespec now, real;

	if (trace.fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &now);
	long long usec =
		(now.tv_sec - since->tv_sec) * 1000000LL + (now.tv_nsec - since->tv_nsec) / 1000;
	size_t n =
		text_format(line, sizeof line,
			    trace.json
				    ? "{\"level\":\"debug\",\"msg\":\"step done\",\"phase\":\"%s\","
				      "\"step\":\"%s\",\"usec\":%lld,"
				      "\"time\":\"%sZ\"}\n"
				    : "husk: debug: %s: %s: %lld us\n",
			    phase, step, usec, text_time(real.tv_sec, stamp));
	(void)io_write_full(trace.fd, line, n);
}

#ifdef HUSK_FAULT_INJECTION
/* True when the test asked for @phase:@step to fail; does not return when it asked for a kill. */
static bool faulted(const char *phase, const char *step)
{
	char here[128];
	size_t n = text_format(here, sizeof here, "%s:%s", phase, step);

	if (!trace.fault || strncmp(trace.fault, here, n) != 0)
		return false;
	if (text_equal(trace.fault + n, ":kill")) {
		kill(getpid(), SIGKILL);
		/* The first process of a pid namespace is deaf to its own signals, but not to its faults. */
		__builtin_trap();
	}
	return trace.fault[n] == '\0';
}
#endif

static void note_time(struct timespec *now)
{
	if (trace.fd >= 0)
		clock_gettime(CLOCK_MONOTONIC, now);
}

/* What comes behind step->run(). */
static int end_step(const struct phase *phase, const struct step *step,
		    const struct timespec *since, int result, struct err *e)
{
#ifdef HUSK_FAULT_INJECTION
	/* After the work, so that the undo of a completed step is what gets tested. */
	if (result >= 0 && faulted(phase->name, step->name))
		result = err_set(e, ERR_SYSTEM, EIO, "fault injected");
#endif
	trace_step(phase->name, step->name, since);
	if (result < 0 && e && !e->phase[0]) {
		text_format(e->phase, sizeof e->phase, "%s", phase->name);
		text_format(e->step, sizeof e->step, "%s", step->name);
	}
	return result < 0 ? -1 : 0;
}

static void undo_from(const struct phase *phase, void *ctx, size_t count)
{
	int saved = errno;

	while (count-- > 0) {
		const struct step *step = &phase->steps[count];
		if (step->undo && (!step->wanted || step->wanted(ctx)))
			step->undo(ctx);
	}
	errno = saved;
}

static int run_from(const struct phase *phase, size_t first, void *ctx, struct err *e)
{
	for (size_t i = first; i < phase->steps_count; i++) {
		const struct step *step = &phase->steps[i];
		struct timespec since = { 0 };
		if (step->wanted && !step->wanted(ctx))
			continue;
		note_time(&since);
		if (end_step(phase, step, &since, step->run(ctx, e), e) < 0) {
			undo_from(phase, ctx, i + 1);
			return -1;
		}
	}
	return 0;
}

int phase_run(const struct phase *phase, void *ctx, struct err *e)
{
	return run_from(phase, 0, ctx, e);
}

int phase_run_behind(const struct phase *phase, const char *name, void *ctx, struct err *e)
{
	struct timespec since = { 0 };
	size_t i = 0;

	while (i < phase->steps_count && !text_equal(phase->steps[i].name, name))
		i++;
	if (i == phase->steps_count)
		return err_set(e, ERR_SYSTEM, EINVAL, "no step \"%s\"", name);
	note_time(&since);
	if (end_step(phase, &phase->steps[i], &since, 0, e) < 0) {
		undo_from(phase, ctx, i + 1);
		return -1;
	}
	return run_from(phase, i + 1, ctx, e);
}

void phase_undo(const struct phase *phase, void *ctx)
{
	undo_from(phase, ctx, phase->steps_count);
}
