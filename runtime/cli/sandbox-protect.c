/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the sandbox that are called as in systemd.exec(5). */
#include <string.h>

#include "runtime/cli/sandbox-options.h"
#include "src/base/text.h"

/* MODE, into the member at @offset. */
int sandbox_take_protect(void *options, const struct option_row *row, char *const *words,
			 struct err *e)
{
	uint32_t mode = sandbox_protect_mode(row->name, words[0]);

	if (!mode)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is none of %s", row->name, words[0],
			       text_equal(row->name, "protect-system") ? "yes, full, strict"
			       : text_equal(row->name, "protect-home")
				       ? "yes, read-only, tmpfs"
				       : "noaccess, invisible, ptraceable");
	memcpy((char *)options + row->offset, &mode, sizeof mode);
	return 0;
}

/* A name or a group; it is put into the text of a policy, whose words have nothing else. */
int sandbox_take_call(void *options, const struct option_row *row, char *const *words,
		      struct err *e)
{
	struct sandbox_options *o = options;
	struct str_list *list = &o->sandbox.protect.deny_calls;

	if (list->count == SANDBOX_ITEMS_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       SANDBOX_ITEMS_MAX);
	list->items = o->denied;
	list->items[list->count++] = words[0];
	return 0;
}
