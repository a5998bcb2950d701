/* SPDX-License-Identifier: Apache-2.0 */
/* --args: further options of the sandbox from a descriptor, whatever is in them. */
#include <fcntl.h>
#include <string.h>

#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-options.h"
#include "runtime/cli/sandbox-scope.h"
#include "runtime/cli/verbs.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define ARGS_BYTES_MAX (1u << 20)
#define ARGS_TIMES_MAX 16

/* Options point into it until husk ends. */
static struct arena texts;

/* Every word ends with a NUL; the last one may lack it. */
static char **split(char *text, size_t length, int *count)
{
	size_t words = 0;

	for (size_t i = 0; i < length; i += strlen(text + i) + 1)
		words++;
	char **list = arena_new_array(&texts, words + 1, char *);
	for (size_t i = 0; list && i < length; i += strlen(text + i) + 1)
		list[(*count)++] = text + i;
	return list;
}

int sandbox_take_args(void *options, const struct option_row *row, char *const *words,
		      struct err *e)
{
	struct sandbox_options *o = options;
	char name[64], *text;
	int count = 0, index = 0;
	uint32_t fd;
	size_t length;

	if (text_parse_u32(words[0], &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not an open descriptor", row->name,
			       words[0]);
	/* Also where one of them is this option. */
	if (o->args_count++ == ARGS_TIMES_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       ARGS_TIMES_MAX);
	text_format(name, sizeof name, "--%s: descriptor %u", row->name, fd);
	if (io_read_file((int)fd, name, ARGS_BYTES_MAX, &texts, &text, &length, e) < 0)
		return -1;
	if (sandbox_scope_keep((int)fd, text, length, e) < 0)
		return -1;
	char **list = split(text, length, &count);
	if (!list)
		return arena_check(&texts, e);
	if (options_parse(verb_sandbox.options, verb_sandbox.options_count, o, true, count, list,
			  &index, e) < 0)
		return err_prefix(e, "--%s %u", row->name, fd);
	if (index < count)
		return err_set(
			e, ERR_USAGE, 0,
			"--%s %u: \"%s\" is not an option (the command stands on the command "
			"line)",
			row->name, fd, list[index]);
	return 0;
}
