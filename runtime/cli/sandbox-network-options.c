/* SPDX-License-Identifier: Apache-2.0 */
/* The options of "husk sandbox" that are about its network. */
#include "runtime/cli/sandbox-options.h"

#include <string.h>

#include "src/base/text.h"

int sandbox_take_network(void *options, const struct option_row *row, char *const *words,
			 struct err *e)
{
	static const char join[] = "join:", bridge[] = "bridge:";
	struct sandbox *s = &((struct sandbox_options *)options)->sandbox;
	char *word = words[0];

	s->network_path = s->bridge = NULL;
	if (text_equal(word, "none")) {
		s->network = SANDBOX_NET_NONE;
	} else if (text_equal(word, "host")) {
		s->network = SANDBOX_NET_HOST;
	} else if (text_equal(word, "user")) {
		s->network = SANDBOX_NET_USER;
	} else if (text_starts(word, join) || *word == '/') {
		s->network = SANDBOX_NET_JOIN;
		s->network_path = *word == '/' ? word : word + sizeof join - 1;
	} else if (text_starts(word, bridge)) {
		s->network = SANDBOX_NET_BRIDGE;
		s->bridge = word + sizeof bridge - 1;
	} else {
		return err_set(e, ERR_USAGE, 0,
			       "--%s: \"%s\" is none of none, host, user, bridge:NAME, join:PATH",
			       row->name, word);
	}
	return 0;
}

/* One more of a list; @offset tells which. */
int sandbox_take_network_item(void *options, const struct option_row *row, char *const *words,
			      struct err *e)
{
	struct sandbox_options *o = options;
	struct str_list *const lists[] = {
		[SANDBOX_ADDRESSES] = &o->sandbox.addresses,
		[SANDBOX_ROUTES] = &o->sandbox.routes,
		[SANDBOX_PUBLISH] = &o->sandbox.publish,
		[SANDBOX_ALLOW] = &o->sandbox.allow,
		[SANDBOX_FAMILIES] = &o->sandbox.address_families,
	};
	struct str_list *list = lists[row->offset];

	if (list->count == SANDBOX_NETWORK_ITEMS_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       SANDBOX_NETWORK_ITEMS_MAX);
	list->items = o->network_items[row->offset];
	list->items[list->count++] = words[0];
	return 0;
}

/* A list with commas, into one of words. */
int sandbox_take_families(void *options, const struct option_row *row, char *const *words,
			  struct err *e)
{
	struct sandbox_options *o = options;
	struct option_row list = *row;

	list.offset = SANDBOX_FAMILIES;
	for (const char *from = words[0];; from++) {
		size_t n = strcspn(from, ","), room = sizeof o->family_words - o->family_words_used;
		char *word = o->family_words + o->family_words_used;
		if (n >= room)
			return err_set(e, ERR_USAGE, 0, "--%s: the list is too long", row->name);
		memcpy(word, from, n);
		word[n] = '\0';
		o->family_words_used += n + 1;
		if (sandbox_take_network_item(o, &list, &word, e) < 0)
			return -1;
		from += n;
		if (!*from)
			return 0;
	}
}
