/* SPDX-License-Identifier: Apache-2.0 */
#define ERR_IMPLEMENTATION
#include "src/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "src/base/text.h"

/* Messages are built here first, so that what does not fit can lose its middle. */
#define LONG_MSG_MAX 9000

static const char *const kind_names[] = {
	[ERR_NONE] = "none",           [ERR_SYSTEM] = "system",
	[ERR_CONFIG] = "config",       [ERR_UNSUPPORTED] = "unsupported",
	[ERR_USAGE] = "usage",         [ERR_STATE] = "state",
	[ERR_NOT_FOUND] = "not-found", [ERR_NO_PROGRAM] = "no-program",
	[ERR_EXEC] = "exec",           [ERR_HOOK] = "hook",
	[ERR_PROTOCOL] = "protocol",   [ERR_NO_MEMORY] = "no-memory",
};

const char *err_kind_name(int kind)
{
	if (kind < 0 || (size_t)kind >= sizeof kind_names / sizeof *kind_names)
		return "unknown";
	return kind_names[kind];
}

static void store(struct err *e, const char *text)
{
	static const char gap[] = "[...]";
	size_t n = strlen(text);

	if (n < sizeof e->msg) {
		memcpy(e->msg, text, n + 1);
		return;
	}
	size_t room = sizeof e->msg - sizeof gap;
	size_t head = room / 2, tail = room - head;
	memcpy(e->msg, text, head);
	memcpy(e->msg + head, gap, sizeof gap - 1);
	memcpy(e->msg + head + sizeof gap - 1, text + n - tail, tail + 1);
}

int err_set(struct err *e, int kind, int errnum, const char *format, ...)
{
	char text[LONG_MSG_MAX];
	va_list args;

	if (!e) {
		errno = errnum;
		return -1;
	}
	va_start(args, format);
	size_t n = text_vformat(text, sizeof text, format, args);
	va_end(args);
	if (errnum && n < sizeof text)
		text_format(text + n, sizeof text - n, ": %s", text_errno(errnum));
	e->kind = kind;
	e->errnum = errnum;
	e->phase[0] = e->step[0] = '\0';
	store(e, text);
	errno = errnum;
	return -1;
}

int err_prefix(struct err *e, const char *format, ...)
{
	char text[LONG_MSG_MAX];
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	size_t n = text_vformat(text, sizeof text, format, args);
	va_end(args);
	text_format(text + n, sizeof text - n, ": %s", e->msg);
	store(e, text);
	return -1;
}

int err_append(struct err *e, const char *format, ...)
{
	char text[LONG_MSG_MAX];
	va_list args;

	if (!e)
		return -1;
	size_t n = text_format(text, sizeof text, "%s", e->msg);
	va_start(args, format);
	text_vformat(text + n, sizeof text - n, format, args);
	va_end(args);
	store(e, text);
	return -1;
}
