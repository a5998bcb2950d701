/* SPDX-License-Identifier: Apache-2.0 */
/* The options of "husk sandbox" that are operations on the file system. */
#include "runtime/cli/sandbox-options.h"

#include <fcntl.h>
#include <string.h>

#include "src/base/text.h"

static int too_many(const struct option_row *row, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name, SANDBOX_ITEMS_MAX);
}

/* The next place, with what was said about it in advance. */
static struct sandbox_place *next_place(struct sandbox_options *o, const struct option_row *row,
					struct err *e)
{
	struct sandbox *s = &o->sandbox;

	if (s->places_count == SANDBOX_ITEMS_MAX) {
		too_many(row, e);
		return NULL;
	}
	s->places = o->places;
	struct sandbox_place *p = &o->places[s->places_count++];
	*p = (struct sandbox_place){
		.kind = (uint32_t)row->offset,
		.optional = text_ends(row->name, "-try"),
		.mode = o->perms,
		.size_bytes = o->size_bytes,
		.inodes = o->inodes,
	};
	if (o->lowers_count > o->lowers_used) {
		p->lowers.items = o->lowers + o->lowers_used;
		p->lowers.count = o->lowers_count - o->lowers_used;
		o->lowers_used = o->lowers_count;
	}
	o->perms = (struct opt_u32){ 0 };
	o->size_bytes = o->inodes = (struct opt_u64){ 0 };
	return p;
}

/* DEST */
int sandbox_take_place(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox_place *p = next_place(options, row, e);

	if (!p)
		return -1;
	p->destination = words[0];
	return 0;
}

/* SOURCE DEST */
int sandbox_take_pair(void *options, const struct option_row *row, char *const *words,
		      struct err *e)
{
	struct sandbox_place *p = next_place(options, row, e);

	if (!p)
		return -1;
	p->source = words[0];
	p->destination = words[1];
	return 0;
}

/* FD DEST; the mount is made of it later. */
int sandbox_take_descriptor(void *options, const struct option_row *row, char *const *words,
			    struct err *e)
{
	uint32_t fd;

	if (text_parse_u32(words[0], &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not an open descriptor", row->name,
			       words[0]);
	struct sandbox_place *p = next_place(options, row, e);
	if (!p)
		return -1;
	p->descriptor = (struct opt_u32){ true, fd };
	p->destination = words[1];
	return 0;
}

/* UPPER WORK DEST */
int sandbox_take_overlay(void *options, const struct option_row *row, char *const *words,
			 struct err *e)
{
	struct sandbox_place *p = next_place(options, row, e);

	if (!p)
		return -1;
	p->source = words[0];
	p->work = words[1];
	p->destination = words[2];
	return 0;
}

int sandbox_take_overlay_source(void *options, const struct option_row *row, char *const *words,
				struct err *e)
{
	struct sandbox_options *o = options;

	if (o->lowers_count == SANDBOX_ITEMS_MAX)
		return too_many(row, e);
	o->lowers[o->lowers_count++] = words[0];
	return 0;
}

/* FD DEST */
int sandbox_take_content(void *options, const struct option_row *row, char *const *words,
			 struct err *e)
{
	struct sandbox_options *o = options;
	uint32_t fd;

	if (text_parse_u32(words[0], &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not an open descriptor", row->name,
			       words[0]);
	struct sandbox_place *p = next_place(o, row, e);
	if (!p)
		return -1;
	p->destination = words[1];
	o->content_fds[p - o->places] = fd + 1;
	return 0;
}

int sandbox_take_lock(void *options, const struct option_row *row, char *const *words,
		      struct err *e)
{
	struct sandbox_options *o = options;
	struct str_list *list = &o->sandbox.lock_files;

	if (list->count == SANDBOX_LOCKS_MAX)
		return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
			       SANDBOX_LOCKS_MAX);
	list->items = o->lock_files;
	list->items[list->count++] = words[0];
	return 0;
}

static int parse_mode(const struct option_row *row, const char *text, struct opt_u32 *mode,
		      struct err *e)
{
	uint32_t value = 0;
	size_t n = strspn(text, "01234567");

	if (!n || n > 5 || text[n])
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not an octal mode", row->name,
			       text);
	for (size_t i = 0; i < n; i++)
		value = value << 3 | (uint32_t)(text[i] - '0');
	if (value > 07777)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is more than 7777", row->name, text);
	*mode = (struct opt_u32){ true, value };
	return 0;
}

int sandbox_take_perms(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	return parse_mode(row, words[0], &((struct sandbox_options *)options)->perms, e);
}

/* MODE PATH */
int sandbox_take_chmod(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox_place *p = next_place(options, row, e);

	if (!p)
		return -1;
	p->destination = words[1];
	return parse_mode(row, words[0], &p->mode, e);
}
