/* SPDX-License-Identifier: Apache-2.0 */
/* What the host wants to have run, as it comes over the wire. */
#include <string.h>

#include "runtime/cli/guest-init.h"
#include "src/json/json-decode.h"
#include "src/json/json-tree.h"

static const struct json_field terminal_fields[] = {
	JSON_U16_ROW(struct guest_terminal, rows, "rows"),
	JSON_U16_ROW(struct guest_terminal, columns, "columns"),
};
static const struct json_table terminal_table = JSON_TABLE(struct guest_terminal, terminal_fields);

static const struct json_field config_fields[] = {
	JSON_OBJECT_ROW(struct guest_config, sandbox, "sandbox", sandbox_table,
			.flags = JSON_REQUIRED),
	JSON_STRINGS_ROW(struct guest_config, environment, "environment"),
	JSON_STRING_ROW(struct guest_config, directory, "directory", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct guest_config, uid, "uid"),
	JSON_U32_ROW(struct guest_config, gid, "gid"),
	JSON_STRING_ROW(struct guest_config, hostname, "hostname"),
	JSON_POINTER_ROW(struct guest_config, terminal, "terminal", terminal_table),
};
static const struct json_table config_table = JSON_TABLE(struct guest_config, config_fields);

int guest_config_parse(const char *text, size_t length, struct arena *a, struct guest_config *c,
		       struct err *e)
{
	struct json_doc doc = { .name = "guest", .text = text, .length = length };

	*c = (struct guest_config){ 0 };
	if (json_tree_parse(&doc, a, e) < 0 || json_decode(&doc, &config_table, true, c, a, e) < 0)
		return -1;
	if (c->directory[0] != '/')
		return err_config(e, "directory: \"%s\" is not absolute", c->directory);
	if (c->uid == (uint32_t)-1 || c->gid == (uint32_t)-1)
		return err_config(e, "uid, gid: %u is no id", (uint32_t)-1);
	/* Files and descriptors of the host mean nothing here. */
	if (c->sandbox.status_fd.set || c->sandbox.sync_fd.set || c->sandbox.block_fd.set ||
	    c->sandbox.bundle || c->sandbox.image)
		return err_config(e, "sandbox: descriptors, bundle and image are the host's");
	c->sandbox.report = NULL;
	return 0;
}
