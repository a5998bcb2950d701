/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_BASE_TOOL_H
#define HUSK_BASE_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"

/* Programs of the host: run once, to their end, and listened to. Parent only. */

#define TOOL_SAID_BYTES 1024

/* What a program said, as far as it is kept. */
struct tool_said {
	bool last; /* keep the end of it, where the beginning is progress; set by the caller */
	size_t length;
	char text[TOOL_SAID_BYTES]; /* ends with NUL */
};

void tool_said_add(struct tool_said *s, const char *data, size_t size);
/* Its first line, or with @s->last its last one; empty ones at the end do not count. Changes it. */
const char *tool_said_line(struct tool_said *s);
/* Add all that comes from @fd, up to its end: who writes to a full pipe would wait for ever. */
void tool_said_read(struct tool_said *s, int fd);

/*
 * Run @argv, which is found in PATH, with nothing as standard input and no signal blocked, and keep what
 * it says without line ends behind it. Its wait status, or -1 when it could not be run: ERR_NO_PROGRAM
 * when there is none of that name.
 */
int tool_run(const char *const *argv, struct tool_said *said, struct err *e);

/* 0 where @status, from pid_reap(), is 0; else -1 with "WHAT: exit status 1: WORDS", or what signal it
 * was. */
int tool_check(const char *what, int status, const char *words, struct err *e);

#endif
