/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the sandbox about who one is inside. */
#include <string.h>

#include "runtime/cli/sandbox-options.h"
#include "src/base/text.h"

/* --cap-add and --cap-drop make one list, as the order counts; @offset tells them apart. */
int sandbox_take_cap(void *options, const struct option_row *row, char *const *words, struct err *e)
{
	struct sandbox_options *o = options;
	struct str_list *list = &o->sandbox.capabilities;

	if (list->count == SANDBOX_CAPS_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       SANDBOX_CAPS_MAX);
	char *word = o->capabilities[list->count];
	if (text_cut(text_format(word, sizeof *o->capabilities, "%s%s", row->offset ? "-" : "",
				 words[0]),
		     sizeof *o->capabilities))
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is no capability", row->name,
			       words[0]);
	list->items = o->capability_words;
	list->items[list->count++] = word;
	return 0;
}

/* The next of up to three numbers. 0 with *@at behind it, or -1. */
static int take_number(const char **at, struct opt_u32 *value)
{
	char digits[12];
	size_t n = strcspn(*at, ":");

	if (n >= sizeof digits)
		return -1;
	memcpy(digits, *at, n);
	digits[n] = 0;
	*at += n + ((*at)[n] == ':');
	value->set = true;
	return text_parse_u32(digits, &value->value);
}

/* IN:OUT[:N]; @offset tells users from groups. */
int sandbox_take_range(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox_options *o = options;
	struct sandbox *s = &o->sandbox;
	struct sandbox_id_range *ranges = row->offset ? o->gid_ranges : o->uid_ranges;
	size_t *count = row->offset ? &s->gid_ranges_count : &s->uid_ranges_count;
	const char *at = words[0], *colon = strchr(at, ':');

	s->uid_ranges = o->uid_ranges;
	s->gid_ranges = o->gid_ranges;
	if (*count == SANDBOX_RANGES_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       SANDBOX_RANGES_MAX);
	struct sandbox_id_range *r = &ranges[(*count)++];
	bool three = colon && strchr(colon + 1, ':');
	if (!colon || take_number(&at, &r->inside) < 0 || take_number(&at, &r->outside) < 0 ||
	    (three && take_number(&at, &r->count) < 0) || *at)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not IN:OUT or IN:OUT:COUNT",
			       row->name, words[0]);
	return 0;
}
