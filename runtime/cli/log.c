/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "runtime/phase/step.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/json/json-write.h"

enum { LEVEL_ERROR, LEVEL_WARNING, LEVEL_DEBUG };

static struct {
	int fd; /* of --log, or -1 */
	bool json, syslog;
	int level; /* the least that is logged */
} sink = { .fd = -1, .level = LEVEL_WARNING };

static int parse_level(const char *name, struct err *e)
{
	static const char *const names[] = { "error", "warning", "debug", "warn", "info" };
	static const int levels[] = { LEVEL_ERROR, LEVEL_WARNING, LEVEL_DEBUG, LEVEL_WARNING,
				      LEVEL_WARNING };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (text_equal(name, names[i]))
			return levels[i];
	}
	return err_set(e, ERR_USAGE, 0, "--log-level: \"%s\" is none of error, warning, debug",
		       name);
}

int log_open(const struct global_options *g, struct err *e)
{
	const char *path = g->log;

	if (g->log_format && !text_equal(g->log_format, "json") &&
	    !text_equal(g->log_format, "text"))
		return err_set(e, ERR_USAGE, 0, "--log-format: \"%s\" is neither text nor json",
			       g->log_format);
	sink.json = g->log_format && text_equal(g->log_format, "json");
	int level = g->log_level ? parse_level(g->log_level, e) : LEVEL_WARNING;
	if (level < 0)
		return -1;
	sink.level = level;
	if (g->debug)
		sink.level = LEVEL_DEBUG;
	if (path && (text_starts(path, "syslog:") || text_starts(path, "journald:"))) {
		/* journald reads the syslog socket: one way serves both. */
		const char *tag = strchr(path, ':') + 1;
		/* Now: the supervisor of a sandbox can make no connection later. */
		openlog(*tag ? tag : "husk", LOG_PID | LOG_NDELAY, LOG_DAEMON);
		sink.syslog = true;
	} else if (path) {
		if (text_starts(path, "file:"))
			path += strlen("file:");
		sink.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (sink.fd < 0)
			return err_sys(e, "open log %s", path);
	}
	if (sink.level >= LEVEL_DEBUG)
		phase_trace(sink.fd >= 0 ? sink.fd : STDERR_FILENO, sink.json);
	return 0;
}

static void write_json(int fd, const char *level, const char *text, const struct err *e)
{
	char line[4096], seconds[TEXT_TIME_MAX], stamp[TEXT_TIME_MAX + 1];
	struct json_writer w;
	size_t n;

	text_format(stamp, sizeof stamp, "%sZ", text_time(time(NULL), seconds));
	json_write_init_fixed(&w, line, sizeof line - 1, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "level", level);
	json_write_string(&w, "msg", text);
	json_write_string(&w, "time", stamp);
	if (e && e->phase[0]) {
		json_write_string(&w, "phase", e->phase);
		json_write_string(&w, "step", e->step);
	}
	if (e) {
		json_write_string(&w, "kind", err_kind_name(e->kind));
		json_write_i64(&w, "errno", e->errnum);
	}
	json_write_object_end(&w);
	if (!json_write_finish(&w, &n, NULL))
		return;
	line[n] = '\n';
	(void)io_write_full(fd, line, n + 1);
}

static void write_text(int fd, const char *level, const char *text)
{
	char line[ERR_MSG_MAX + 128];
	size_t n = text_format(line, sizeof line, "husk: %s%s\n", level, text);

	(void)io_write_full(fd, line, n);
}

static void emit(int level, const char *text, const struct err *e)
{
	static const char *const words[] = { "error", "warning", "debug" };
	static const char *const prefixes[] = { "", "warning: ", "debug: " };
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_DEBUG };
	const char *word = words[level], *prefix = prefixes[level];
	char located[ERR_MSG_MAX + 64];

	if (level > sink.level)
		return;
	if (e && e->phase[0]) {
		text_format(located, sizeof located, "%s: %s: %s", e->phase, e->step, text);
		text = located;
	}
	if (sink.syslog)
		syslog(priorities[level], "%s", text);
	if (sink.fd >= 0 && sink.json)
		write_json(sink.fd, word, text, e);
	else if (sink.fd >= 0)
		write_text(sink.fd, prefix, text);
	/* A caller that gave a log reads it there; its standard error may be the container's. */
	if (level != LEVEL_ERROR && (sink.fd >= 0 || sink.syslog))
		return;
	if (sink.json && sink.fd < 0)
		write_json(STDERR_FILENO, word, text, e);
	else
		write_text(STDERR_FILENO, prefix, text);
}

void log_error(const struct err *e)
{
	emit(LEVEL_ERROR, e->msg, e);
}

void log_warning(const struct err *e)
{
	emit(LEVEL_WARNING, e->msg, e);
}

void log_warning_text(const char *text)
{
	emit(LEVEL_WARNING, text, NULL);
}

bool log_debug_wanted(void)
{
	return sink.level >= LEVEL_DEBUG;
}

void log_debug_text(const char *text)
{
	emit(LEVEL_DEBUG, text, NULL);
}
