/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <stdio.h>

#include "runtime/cli/container.h"
#include "runtime/cli/output.h"
#include "src/base/text.h"
#include "src/json/json-write.h"

struct list_options {
	const char *format;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct list_options, format), "FORMAT",
	  "table (default) or json" },
	{ "quiet", 'q', OPTION_FLAG, offsetof(struct list_options, quiet), NULL,
	  "print only the ids" },
};

static void print_row(const struct container *c)
{
	printf("%-24s %-10u %-10s %-30s %-32s %u\n", c->state.id,
	       c->status == STATE_STOPPED ? 0 : c->state.pid, state_status_name(c->status),
	       c->state.bundle, c->state.created, c->state.owner);
}

static void write_row(struct json_writer *w, const struct container *c)
{
	json_write_object_begin(w, NULL);
	output_state(w, &c->state, c->status);
	json_write_object_end(w);
}

static bool is_json(const struct list_options *o)
{
	return o->format && text_equal(o->format, "json");
}

static void list_one(const struct list_options *o, struct json_writer *w, const struct container *c)
{
	if (o->quiet)
		puts(c->state.id);
	else if (is_json(o))
		write_row(w, c);
	else
		print_row(c);
}

static int list_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct list_options *o = options;
	bool json = is_json(o);
	struct json_writer w;
	char **ids;

	(void)argc;
	(void)argv;
	if (o->format && !json && !text_equal(o->format, "table"))
		return err_set(e, ERR_USAGE, 0, "list: --format \"%s\" is neither table nor json",
			       o->format);
	ssize_t count = container_list(call, &ids, e);
	if (count < 0)
		return -1;
	json_write_init(&w, false);
	json_write_array_begin(&w, NULL);
	if (!json && !o->quiet)
		printf("%-24s %-10s %-10s %-30s %-32s %s\n", "ID", "PID", "STATUS", "BUNDLE",
		       "CREATED", "OWNER");
	for (ssize_t i = 0; i < count; i++) {
		struct container c;
		struct err gone;
		/* One that is removed at this moment, or was never completed, is not listed. */
		if (container_open(call, ids[i], false, &c, &gone) == 0)
			list_one(o, &w, &c);
		container_close(&c);
	}
	json_write_array_end(&w);
	if (!json || o->quiet) {
		json_write_free(&w);
		return 0;
	}
	return output_json(&w, e);
}

const struct verb verb_list = {
	.name = "list",
	.arguments = "",
	.about = "List all containers",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct list_options),
	.run = list_verb,
};
