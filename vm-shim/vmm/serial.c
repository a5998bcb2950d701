/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/serial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/text.h"

static const char panic_text[] = "Kernel panic - not syncing";

int serial_init(struct serial *s, struct loop *loop, int fd, void (*ready)(void *, uint32_t),
		void *ctx, struct err *e)
{
	struct stat st;

	*s = (struct serial){ .fd = fd, .loop = loop };
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, "look at the console's descriptor");
	/* epoll refuses files, and they never wait. */
	s->waits = !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode) &&
		   !(S_ISCHR(st.st_mode) && !isatty(fd));
	if (!s->waits)
		return 0;
	s->source = (struct loop_source){ .fd = fd, .ready = ready, .ctx = ctx };
	return loop_add(loop, &s->source, e);
}

static void keep(struct serial *s, uint8_t byte)
{
	/* What a panic is about stands in its first line; registers and the like follow by the page. */
	if (s->panicked && s->words_used >= s->words_end)
		return;
	s->words[s->words_used++ % SERIAL_WORDS] = (char)byte;
	/* Its first letter occurs nowhere else in the text but in itself. */
	if (byte == (uint8_t)panic_text[s->matched])
		s->matched++;
	else
		s->matched = byte == (uint8_t)panic_text[0];
	if (panic_text[s->matched])
		return;
	s->matched = 0;
	if (!s->panicked)
		s->words_end = s->words_used + SERIAL_WORDS / 2;
	s->panicked = true;
}

bool serial_put(struct serial *s, uint8_t byte)
{
	s->bytes++;
	keep(s, byte);
	if (s->fd < 0)
		return false;
	if (s->used == SERIAL_ROOM) {
		s->dropped++;
		return false;
	}
	s->ring[(s->start + s->used++) % SERIAL_ROOM] = byte;
	/* By lines where possible: a wake-up for each byte would cost more than the byte. */
	return s->used == 1 || byte == '\n' || s->used == SERIAL_WRITE_MAX;
}

static void mark_dropped(struct serial *s)
{
	char text[80];

	if (!s->dropped || SERIAL_ROOM - s->used < sizeof text)
		return;
	size_t length = text_format(text, sizeof text, "\r\n[husk: %llu bytes dropped]\r\n",
				    (unsigned long long)s->dropped);
	s->dropped = 0;
	for (size_t i = 0; i < length; i++)
		s->ring[(s->start + s->used++) % SERIAL_ROOM] = (uint8_t)text[i];
}

/* Somebody has to take it now: the descriptor may be one that blocks, and that others have, too. */
static bool ready(const struct serial *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	return !s->waits || (poll(&p, 1, 0) == 1 && p.revents & POLLOUT);
}

void serial_flush(struct serial *s)
{
	while (s->fd >= 0 && s->used && ready(s)) {
		size_t piece = SERIAL_ROOM - s->start;
		piece = piece < s->used ? piece : s->used;
		piece = piece < SERIAL_WRITE_MAX ? piece : SERIAL_WRITE_MAX;
		ssize_t n = write(s->fd, s->ring + s->start, piece);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n < 0) {
			/* Nobody reads it any more. The machine does not end for that. */
			if (s->waits)
				loop_remove(s->loop, &s->source);
			s->fd = -1;
			s->used = 0;
			return;
		}
		s->start = (s->start + (size_t)n) % SERIAL_ROOM;
		s->used -= (size_t)n;
		mark_dropped(s);
	}
	if (s->waits && s->fd >= 0)
		(void)loop_change(s->loop, &s->source, s->used ? EPOLLOUT : 0);
}

void serial_words(const struct serial *s, char *out, size_t size)
{
	size_t have = s->words_used < SERIAL_WORDS ? s->words_used : SERIAL_WORDS;
	size_t length = have < size - 1 ? have : size - 1;
	size_t n = 0;
	bool line = have == s->words_used && length == have;

	for (size_t i = s->words_used - length; i < s->words_used; i++) {
		char c = s->words[i % SERIAL_WORDS];
		if (!c)
			continue;
		if (line)
			out[n++] = c;
		line |= c == '\n';
	}
	/* Not one end of line: all of it, then. */
	for (size_t i = s->words_used - length; !n && !line && i < s->words_used; i++)
		out[n++] = s->words[i % SERIAL_WORDS];
	out[n] = '\0';
}
