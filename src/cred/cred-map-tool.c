/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newuidmap(1) and newgidmap(1): the setuid helpers that map the ranges of /etc/subuid and
 * /etc/subgid for a user who may not write such a map. Runs in the parent, before any container
 * is joined.
 */
#include <errno.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/base/tool.h"
#include "src/cred/cred-ids.h"

/* Add "%u" of @number to the pool and to argv. */
static int add_number(const char **argv, size_t argv_size, size_t *argc, char *text, size_t size,
		      size_t *used, uint32_t number)
{
	size_t n = text_format(text + *used, size - *used, "%u", number);

	if (text_cut(n, size - *used) || *argc + 1 >= argv_size) {
		errno = ENOSPC;
		return -1;
	}
	argv[(*argc)++] = text + *used;
	*used += n + 1;
	return 0;
}

int cred_map_argv(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		  const char **argv, size_t argv_size, char *text, size_t text_size, struct err *e)
{
	size_t argc = 0, used = 0;

	if (argv_size < CRED_MAP_ARGV_SIZE(n) || text_size < CRED_MAP_ARGV_TEXT(n))
		return err_set(e, ERR_SYSTEM, ENOSPC, "arguments of %s for %zu mappings", tool, n);
	argv[argc++] = tool;
	int failed = add_number(argv, argv_size, &argc, text, text_size, &used, (uint32_t)pid);
	for (size_t i = 0; i < n && failed == 0; i++) {
		const uint32_t three[] = { maps[i].id_container, maps[i].id_host, maps[i].count };
		for (size_t k = 0; k < 3 && failed == 0; k++)
			failed = add_number(argv, argv_size, &argc, text, text_size, &used,
					    three[k]);
	}
	if (failed < 0)
		return err_sys(e, "arguments of %s for %zu mappings", tool, n);
	argv[argc] = NULL;
	return 0;
}

int cred_map_run_tool(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		      struct err *e)
{
	CLEAN_FREE const char **argv = malloc(CRED_MAP_ARGV_SIZE(n) * sizeof *argv);
	CLEAN_FREE char *text = malloc(CRED_MAP_ARGV_TEXT(n));
	struct tool_said said = { 0 };
	char what[64];

	if (!argv || !text)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "run %s", tool);
	if (cred_map_argv(tool, pid, maps, n, argv, CRED_MAP_ARGV_SIZE(n), text,
			  CRED_MAP_ARGV_TEXT(n), e) < 0)
		return -1;
	int status = tool_run(argv, &said, e);
	if (status < 0 && e->kind == ERR_NO_PROGRAM)
		return err_set(e, ERR_UNSUPPORTED, e->errnum,
			       "run %s (from the package uidmap; it must be in PATH)", tool);
	if (status < 0)
		return -1;
	text_format(what, sizeof what, "%s for process %d", tool, pid);
	return tool_check(what, status, said.text, e);
}
