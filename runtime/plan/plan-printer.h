/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_PRINTER_H
#define HUSK_PLAN_PRINTER_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/arena.h"

/* Text that grows in the arena; a failure sticks there. */
struct printer {
	struct arena *a;
	char *text;
	size_t length, size;
};

void printer_say(struct printer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Of any length, on one line whatever is in it. */
void printer_text(struct printer *p, const char *text);
/* "  what: text", unless @text is NULL. */
void printer_line(struct printer *p, const char *what, const char *text);
/* "  what", if it is so. */
void printer_flag(struct printer *p, bool set, const char *what);
void printer_list(struct printer *p, const char *what, char *const *items, size_t count);

#endif
