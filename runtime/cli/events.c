/* SPDX-License-Identifier: Apache-2.0 */
/* events: what a container uses, as JSON lines: once, or every interval, and when it runs out of
 * memory. */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/output.h"
#include "runtime/cli/stats-print.h"
#include "src/base/clock.h"
#include "src/base/pid.h"
#include "src/base/text.h"

#define DEFAULT_INTERVAL_MSEC 5000

struct events_options {
	const char *interval;
	bool stats;
};

static const struct option_row rows[] = {
	{ "interval", 0, OPTION_STRING, offsetof(struct events_options, interval), "TIME",
	  "time between two lines, as 500ms, 5s (default), 1m30s" },
	{ "stats", 0, OPTION_FLAG, offsetof(struct events_options, stats), NULL,
	  "print one line and end" },
};

/* Go's time.ParseDuration for the units that make sense here: a sequence of NUMBER UNIT. */
static int parse_interval(const char *text, int *msec, struct err *e)
{
	static const struct {
		const char *unit;
		uint64_t msec;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	uint64_t total = 0;
	const char *p = text;

	do {
		char number[16];
		uint64_t value;
		size_t n = strspn(p, "0123456789"), i = 0;
		if (!n || n >= sizeof number)
			break;
		memcpy(number, p, n);
		number[n] = '\0';
		p += n;
		n = strcspn(p, "0123456789");
		while (i < sizeof units / sizeof *units &&
		       (strlen(units[i].unit) != n || memcmp(units[i].unit, p, n) != 0))
			i++;
		if (text_parse_u64(number, &value) < 0 || i == sizeof units / sizeof *units)
			break;
		total += value * units[i].msec;
		p += n;
		if (!*p && total > 0 && total <= 1000000000) {
			*msec = (int)total;
			return 0;
		}
	} while (*p);
	return err_set(e, ERR_USAGE, 0,
		       "events: --interval \"%s\": is no time greater than 0 (500ms, 5s, 1m30s)",
		       text);
}

static int print_stats(const struct container *c, struct err *e)
{
	struct arena scratch;
	struct cgroup_stats stats;
	struct json_writer w;

	arena_init(&scratch, 0);
	int result = cgroup_stats_read(&c->state.cgroup, &scratch, &stats, e);
	if (result == 0) {
		json_write_init(&w, false);
		json_write_object_begin(&w, NULL);
		json_write_string(&w, "type", "stats");
		json_write_string(&w, "id", c->state.id);
		json_write_object_begin(&w, "data");
		stats_print(&w, &stats);
		json_write_object_end(&w);
		json_write_object_end(&w);
		result = output_json(&w, e);
	}
	arena_free(&scratch);
	return result;
}

static int print_oom(const struct container *c, struct err *e)
{
	struct json_writer w;

	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "type", "oom");
	json_write_string(&w, "id", c->state.id);
	json_write_object_end(&w);
	return output_json(&w, e);
}

/* 1: go on, 0: the cgroup is gone, -1. */
static int take_oom(const struct container *c, struct cgroup_oom_watch *watch, struct err *e)
{
	struct err why;
	int risen = cgroup_oom_next(watch, &why);

	if (risen < 0 && why.errnum == ENODEV)
		return 0;
	if (risen < 0) {
		*e = why;
		return -1;
	}
	return risen && print_oom(c, e) < 0 ? -1 : 1;
}

static int watch_events(const struct container *c, int interval_msec, struct err *e)
{
	struct cgroup_oom_watch watch = { .fd = -1 };
	long long next = clock_now_msec();

	/* A host without memory cgroups has no OOM events; the numbers are still of use. */
	if (cgroup_oom_watch(&c->state.cgroup, &watch, e) < 0)
		watch.fd = -1;
	for (;;) {
		struct pollfd p[2] = { { .fd = c->pidfd, .events = POLLIN },
				       { .fd = watch.fd, .events = POLLIN } };
		long long wait = next - clock_now_msec();
		int ready = poll(p, 2, wait > 0 ? (int)wait : 0);
		if (ready < 0 && errno != EINTR)
			return err_sys(e, "poll");
		if (ready > 0 && p[1].revents) {
			int result = take_oom(c, &watch, e);
			if (result <= 0)
				return result;
		}
		if (ready > 0 && p[0].revents)
			return 0;
		if (ready == 0) {
			struct err gone;
			if (print_stats(c, &gone) < 0) {
				*e = gone;
				return pid_wait_end(c->pidfd, 0) > 0 ? 0 : -1;
			}
			next += interval_msec;
		}
	}
}

static int events_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct events_options *o = options;
	int interval_msec = DEFAULT_INTERVAL_MSEC;
	struct container c;

	(void)argc;
	if (o->interval && parse_interval(o->interval, &interval_msec, e) < 0)
		return -1;
	if (container_open(call, argv[0], false, &c, e) < 0 ||
	    container_expect(&c, 1u << STATE_CREATED | 1u << STATE_RUNNING | 1u << STATE_PAUSED,
			     "events", e) < 0)
		return -1;
	if (!c.state.cgroup_enabled)
		return err_set(e, ERR_UNSUPPORTED, 0, "events \"%s\": the container has no cgroup",
			       argv[0]);
	return o->stats ? print_stats(&c, e) : watch_events(&c, interval_msec, e);
}

const struct verb verb_events = {
	.name = "events",
	.arguments = "CONTAINER",
	.about = "Print what a container uses, as JSON lines",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct events_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = events_verb,
};
