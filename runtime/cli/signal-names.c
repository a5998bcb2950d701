/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/signal-names.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

#include "src/base/text.h"

/* "RTMIN", "RTMIN+N", "RTMAX", "RTMAX-N" */
static int parse_realtime(const char *name)
{
	uint32_t offset = 0;
	bool from_max = strncasecmp(name, "RTMAX", 5) == 0;

	if (!from_max && strncasecmp(name, "RTMIN", 5) != 0)
		return -1;
	const char *rest = name + 5;
	if (*rest && (*rest != (from_max ? '-' : '+') || text_parse_u32(rest + 1, &offset) < 0))
		return -1;
	if (offset > (uint32_t)(SIGRTMAX - SIGRTMIN))
		return -1;
	return from_max ? SIGRTMAX - (int)offset : SIGRTMIN + (int)offset;
}

int signal_parse(const char *text, struct err *e)
{
	uint32_t number;
	const char *name = text;

	if (text_parse_u32(text, &number) == 0) {
		if (number >= 1 && number <= (uint32_t)SIGRTMAX)
			return (int)number;
		return err_set(e, ERR_USAGE, 0, "signal %s: is not between 1 and %d", text,
			       SIGRTMAX);
	}
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int sig = 1; sig < 32; sig++) {
		const char *known = sigabbrev_np(sig);
		if (known && strcasecmp(known, name) == 0)
			return sig;
	}
	if (strcasecmp(name, "IOT") == 0)
		return SIGABRT;
	if (strcasecmp(name, "CLD") == 0)
		return SIGCHLD;
	int realtime = parse_realtime(name);
	if (realtime > 0)
		return realtime;
	return err_set(e, ERR_USAGE, 0, "signal \"%s\": there is none of this name", text);
}
