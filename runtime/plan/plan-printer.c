/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text in an arena, for plan-print.c. */
#include "runtime/plan/plan-printer.h"

#include <string.h>

#include "src/base/text.h"

static void put(struct printer *p, const char *text, size_t n)
{
	if (p->length + n + 1 > p->size) {
		size_t size = (p->size + n) * 2 + 4096;
		char *bigger = arena_alloc(p->a, size);
		if (!bigger)
			return;
		if (p->length)
			memcpy(bigger, p->text, p->length);
		p->text = bigger;
		p->size = size;
	}
	memcpy(p->text + p->length, text, n);
	p->length += n;
}

__attribute__((format(printf, 2, 3))) void printer_say(struct printer *p, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	put(p, text, text_vformat(text, sizeof text, format, args));
	va_end(args);
}

/* Of any length, on one line whatever is in it. */
void printer_text(struct printer *p, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			put(p, "\\n", 2);
		else if ((unsigned char)*text < ' ' || *text == 127)
			printer_say(p, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			put(p, text, 1);
	}
}

void printer_line(struct printer *p, const char *what, const char *text)
{
	if (!text)
		return;
	printer_say(p, "  %s: ", what);
	printer_text(p, text);
	printer_say(p, "\n");
}

void printer_flag(struct printer *p, bool set, const char *what)
{
	if (set)
		printer_say(p, "  %s\n", what);
}

void printer_list(struct printer *p, const char *what, char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printer_line(p, what, items[i]);
}
